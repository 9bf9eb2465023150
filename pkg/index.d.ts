/// <reference lib="dom" />
/// <reference lib="esnext.disposable" />

/**
 * Creates a client. Synchronous, and there is nothing to await first: the engine loads at the first call.
 *
 * Clients of one page with the same refresh URL share one session, and so one refresh.
 *
 * @throws {KeepfreshError} `invalid_options`, naming the option and what is expected of it.
 */
export function createClient(options: Options): Client;

/**
 * Loads the engine ahead of the first call. Optional.
 *
 * @throws {KeepfreshError} `engine_unavailable` (as a rejection), saying what to do about it. It may be called again, and
 * later calls try again by themselves, after a pause.
 */
export function init(): Promise<void>;

export type Address = string | URL;

/** A sign-in or a sign-out. `method`: that one alone; default: any but GET, HEAD, OPTIONS and TRACE. */
export type Endpoint = Address | { url: Address; method?: string };

/**
 * Where the CSRF header has its value from, at each sending: a cookie that scripts may read (percent-decoded), a fixed text,
 * or a function. A value that no header can hold, `undefined` or a cookie that is missing: the header is left out.
 */
export type Csrf =
  | { header: string; cookie: string }
  | { header: string; value: string | (() => string | undefined) };

/** What an answer said, as {@link Options.interpret} is asked. */
export interface InterpretedAnswer {
  of: "refresh" | "signIn" | "signOut";
  response: Response;
  /** Parsed, if it is JSON; otherwise text. `undefined` if it is larger than 64 KB or takes longer than a second. */
  body: unknown;
}

/** What {@link Options.interpret} makes of it. What is left out is as without `interpret`. */
export interface Interpretation {
  /**
   * Of a refresh: it worked, the session is over, or it means nothing for the session. Of a sign-in: only `"renewed"` begins
   * a session. Of a sign-out: only `"expired"` ends it.
   */
  outcome?: "renewed" | "expired" | "unavailable";
  /** How long the access token lives, in seconds. */
  expiresIn?: number;
  /** Whose session it is. When that changes, requests of before are not sent again. */
  subject?: string;
}

export interface Options {
  /**
   * The refresh endpoint: its URL, or its URL with a method (default `POST`), extra headers, a body and a CSRF header of its
   * own (default: that of `csrf`).
   *
   * A refresh to the page's own origin carries an `Idempotency-Key` header; `idempotencyKey: true` asks for it on
   * another origin too, where CORS has to allow it.
   */
  refresh:
    | Address
    | {
        url: Address;
        method?: string;
        headers?: HeadersInit;
        body?: string;
        csrf?: Csrf;
        idempotencyKey?: boolean;
      };
  /**
   * What is guarded: URL prefixes, compared by origin and whole path segments, with the scheme of the refresh URL.
   * Default: everything on the refresh endpoint's origin.
   */
  guard?: Address[];
  /** Never guarded, though `guard` covers it. The refresh URL, `signIn` and `signOut` always are excluded. */
  exclude?: Address[];
  /**
   * One or several. A 2xx that no redirect took elsewhere, and that `interpret` does not deny, begins a session. The request
   * waits for the refresh under way, if there is one.
   */
  signIn?: Endpoint | Endpoint[];
  /**
   * One or several. The session ends when the server has said so: a 2xx, a redirect, or a 401 after the refresh was refused.
   * A 401 while the session lives is refreshed, and the sign-out sent again.
   */
  signOut?: Endpoint | Endpoint[];
  /** Statuses that mean "the access token has expired". Default `[401]`. */
  expiredStatuses?: number[];
  /**
   * In place of `expiredStatuses`: whether an answer means "the access token has expired". Asked of every guarded answer and
   * of a sign-out's. It gets the very response; to read its body, read a `clone()`. If it throws, or has not answered within
   * `timeout`, the answer counts as one that does not.
   */
  isExpired?: (response: Response) => boolean | Promise<boolean>;
  /** What the answer to the refresh, a sign-in or a sign-out says, where the status alone does not say it. */
  interpret?: (answer: InterpretedAnswer) => Interpretation | undefined;
  /**
   * A header that is added to guarded requests with an unsafe method (`all: true`: with any), to sign-in, sign-out and
   * refresh. Never over one that the caller set.
   */
  csrf?: Csrf & { all?: boolean };
  /** Milliseconds that waiting and refreshing may take together for one call. Default 10000. */
  timeout?: number;
  /**
   * Coordinate with peers: other tabs and workers of this origin, and clients of other bundles, of the same session.
   * Default `true`. It takes Web Locks, BroadcastChannel and storage; where one is missing, it does without.
   */
  crossTab?: boolean;
  /**
   * Whether the access token's lifetime may be learnt where the server announces none: from two expiries in a row that were met at
   * ages that agree. From then on the first request after that time waits for the refresh and meets no 401. Default `true`.
   */
  learn?: boolean;
  /** Which session this is, where one refresh URL serves several. Default: origin and path of the refresh URL. */
  name?: string;
  /**
   * Told each decision as it is made, for logs, breadcrumbs and support ("why was I signed out?"). No header, no body, no
   * query.
   */
  trace?: (entry: TraceEntry) => void;
  /** The fetch to use. Default: `globalThis.fetch`, looked up at each call. */
  fetch?: typeof fetch;
}

/** A decision, or what came of one. */
export interface TraceEntry {
  /** When, by `performance.now()`. */
  readonly at: number;
  readonly what:
    | "sent"
    | "sent again"
    | "answered"
    | "failed"
    | "refresh"
    | "refresh answered"
    | "refresh lost"
    | keyof ClientEventMap;
  /** Tells the call from others of this page. */
  readonly call?: number;
  readonly method?: string;
  /** Origin and path. */
  readonly url?: string;
  /** Of the answer; 0: a redirect that was not followed. */
  readonly status?: number;
  /** Of an event: see {@link ClientEvent}. */
  readonly cause?: string;
  readonly by?: "client" | "peer";
  /** The name of the error. */
  readonly why?: string;
}

export interface Client extends EventTarget {
  /**
   * Takes and returns exactly what `fetch` does, and rejects with what `fetch` rejects with, or with a
   * {@link KeepfreshError}. Bound: hand it over as a value.
   */
  readonly fetch: typeof fetch;

  /**
   * What is known of the session: nothing yet, that it is fine, that a refresh is under way, or that the user has to
   * sign in again.
   */
  readonly state: "unknown" | "active" | "refreshing" | "expired";

  /**
   * Resolves when the access cookie is fresh: call it before what cannot be replayed or seen (a stream upload, a
   * WebSocket, an EventSource, a download). It resolves too when the session is over; then `state` is `"expired"`.
   *
   * @param options.maxAge How old the cookie may be, in milliseconds. Default: as old as the server's `expires_in`
   * allows, or a minute where it sends none.
   * @throws {KeepfreshError} `refresh_unavailable`, or the signal's reason.
   */
  ensureFresh(options?: { maxAge?: number; signal?: AbortSignal }): Promise<void>;

  /**
   * Refreshes now, or joins the refresh under way.
   *
   * @throws {KeepfreshError} `refresh_unavailable`, or the signal's reason.
   */
  refresh(options?: { signal?: AbortSignal }): Promise<void>;

  /**
   * Somebody signed in without this client: by a form, a redirect, a popup. What is known of the session before holds no
   * longer, here and in other tabs, and none of its requests is sent again.
   */
  signedIn(): void;

  /** Somebody signed out without this client. */
  signedOut(): void;

  /** Replaces `globalThis.fetch` by this client's; returns the function that puts it back. Never done unasked. */
  install(): () => void;

  /** Ends the client: calls that wait are rejected with `disposed`, what is on the wire comes back as it is. */
  dispose(): void;
  [Symbol.dispose](): void;

  addEventListener<Name extends keyof ClientEventMap>(
    type: Name,
    listener: (this: Client, event: ClientEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof ClientEventMap>(
    type: Name,
    listener: (this: Client, event: ClientEventMap[Name]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

export interface ClientEventMap {
  /** The access cookie was renewed. */
  refreshed: ClientEvent<"unauthorized" | "lifetime" | "learnt" | "asked">;
  /** The server refused the refresh: the user has to sign in again. Once, until a session begins anew. */
  expired: ClientEvent<"answered" | "signed_out" | "superseded">;
  /** A refresh failed, and it means nothing for the session. */
  unavailable: ClientEvent<"answered" | "lost" | "overdue" | "engine">;
  /** A request was answered 401 under the cookie that had just been renewed for it: blocked cookies, as a rule. */
  ineffective: ClientEvent<"unauthorized">;
}

/**
 * `cause`: a request met a 401 (`unauthorized`), the announced lifetime was over (`lifetime`), or the one that was learnt
 * (`learnt`), `refresh` or `ensureFresh` was called (`asked`), the refresh was answered with a refusal (`answered`), got no
 * answer (`lost`), or none in time (`overdue`), there is no engine (`engine`: WebAssembly is forbidden, say, and requests go out as plain fetch
 * would send them), the user signed out in another tab (`signed_out`), or cookies of the session before have
 * replaced those of a sign-in (`superseded`): the server takes the user for somebody else. `by`: whether this client or a peer
 * brought it about. `status`: that of the answer behind it, if there was one.
 */
export type ClientEvent<Cause extends string> = CustomEvent<{
  readonly cause: Cause;
  readonly by: "client" | "peer";
  readonly status?: number;
}>;

export class KeepfreshError extends Error {
  /**
   * - `refresh_unavailable`: the session could not be refreshed in time; see `cause`. Nobody has been signed out.
   * - `not_replayable`: the request was answered 401 and is a stream, which can be sent only once; or somebody
   *   else signed in while it waited to be sent. The session is fresh again, unless its `expired` says otherwise: send the
   *   request anew.
   * - `invalid_options`: misuse, said in the message.
   * - `engine_unavailable`: the engine could not be loaded; the message says what to do, `cause` says why.
   * - `disposed`: the client was disposed of.
   */
  readonly code:
    | "refresh_unavailable"
    | "not_replayable"
    | "invalid_options"
    | "engine_unavailable"
    | "disposed";
}

/** Whether a value is a {@link KeepfreshError}, of whatever realm or bundle. */
export function isKeepfreshError(value: unknown): value is KeepfreshError;
