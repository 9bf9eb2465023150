// @ts-check

import { expectResponse, readRefresh, report } from "./answer.js";
import { attempt, withoutQuery } from "./options.js";
import { isUnsafe } from "./scope.js";

/** @typedef {ReturnType<typeof openWire>} Wire */

/**
 * The ways out of one client: the fetch to use, and the refresh. And the way in that can be had: in fetch's place.
 * @param {import("./options.js").Options} options
 */
export function openWire({ fetch: given, trace: told, csrf, isExpired, interpret, refresh, timeout }) {
  /** What `globalThis.fetch` was before it was replaced by the client's. @type {typeof fetch | undefined} */
  let native;
  /** @type {(() => void) | undefined} */
  let uninstall;
  /** Whether a fetch is being called. What that calls in turn is not for the client. */
  let sending = false;
  let isAdvised = false;

  /** @type {typeof fetch} */
  const send = (...args) => {
    sending = true;
    try {
      return Promise.resolve((given ?? native ?? globalThis.fetch)(...args));
    } finally {
      sending = false;
    }
  };

  /**
   * Tells what was decided, to whoever asked to be told. What goes wrong there is the page's own.
   * @type {((entry: Omit<import("./index.d.ts").TraceEntry, "at">) => void) | undefined}
   */
  const trace =
    told &&
    ((entry) => {
      try {
        told({ at: performance.now(), ...entry });
      } catch (error) {
        report(error);
      }
    });

  /** @param {HeadersInit} [headers] */
  const addCsrf = (headers) => withCsrf(/** @type {NonNullable<typeof csrf>} */ (csrf), headers);

  /**
   * Some answers mean that something is set up wrong, sooner than that something has happened: said once, with what to do.
   * @param {number} status
   */
  const advise = (status) => {
    if (isAdvised || ![0, 404, 405, 415].includes(status)) return;
    isAdvised = true;
    const what = status ? `answered ${status}` : "redirected";
    const check = status
      ? "its url, its method, and the headers and the body that the server wants"
      : "its url (is a slash missing at its end?), and that the server answers 401 instead of sending it to a sign-in page";
    console.warn(`keepfresh: the refresh, ${refresh.init.method} ${refresh.url}, was ${what}: check option "refresh", ${check}`);
  };

  return {
    fetch: send,
    isExpired,
    interpret,
    timeout,
    trace,

    /**
     * The same, but that what comes back is a response.
     * @param {RequestInfo | URL} input
     * @param {RequestInit} [init]
     */
    send: (input, init) => send(input, init).then(expectResponse),

    /**
     * What adds the CSRF header to the headers of a request of that method, if there is one to be added.
     * @param {string} method
     */
    csrfFor: (method) => (csrf && (csrf.all || isUnsafe(method)) ? addCsrf : undefined),

    /**
     * Comes back with five numbers. `seed` and `number` name the refresh.
     * @param {number} seed
     * @param {number} number
     */
    async refresh(seed, number) {
      const { url, init, csrf, idempotencyKey } = refresh;
      const headers = new Headers(csrf ? withCsrf(csrf, init.headers) : init.headers);
      // draft-ietf-httpapi-idempotency-key-header: a quoted string
      if (idempotencyKey) headers.set("idempotency-key", `"${seed}-${number}"`);
      const signal = AbortSignal.timeout(3 * timeout);
      const about = { method: init.method, url: withoutQuery(new URL(url)) };
      trace?.({ what: "refresh", ...about });
      try {
        const numbers = await readRefresh(expectResponse(await send(url, { ...init, headers, signal })), interpret);
        trace?.({ what: "refresh answered", ...about, status: numbers[0] });
        // What `interpret` understands is no mistake.
        if (!numbers[2]) advise(numbers[0]);
        return numbers;
      } catch (error) {
        trace?.({ what: "refresh lost", ...about, why: nameOf(error) });
        throw error;
      }
    },

    /** @param {typeof fetch} client */
    install(client) {
      if (uninstall) return uninstall;
      const before = globalThis.fetch;
      const undo = () => {
        if (uninstall !== undo) return;
        uninstall = native = undefined;
        // Somebody else may have wrapped it since; then ours stays in their chain and hands through.
        if (globalThis.fetch === installed) globalThis.fetch = before;
      };
      /** @type {typeof fetch} */
      const installed = (...args) => (uninstall === undo && !sending ? client : before)(...args);
      native = before;
      globalThis.fetch = installed;
      return (uninstall = undo);
    },

    uninstall: () => uninstall?.(),
  };
}

/**
 * These headers, and the CSRF header: never over one that is there, and only if there is a value that it can hold. A cookie
 * that is not there proves nothing.
 * @param {import("./options.js").Csrf} csrf
 * @param {HeadersInit} [headers]
 */
function withCsrf({ header, cookie, value }, headers) {
  /** Names as they were written, for servers that are particular. @type {[string, string][]} */
  const all = headers && Symbol.iterator in headers ? [.../** @type {any} */ (headers)] : Object.entries(headers ?? {});
  const isThere = all.some(([name]) => name.toLowerCase() === header.toLowerCase());
  const held = isThere ? undefined : cookie ? readCookie(cookie) : typeof value === "function" ? ask(value) : value;
  if (typeof held === "string" && attempt(() => new Headers([[header, held]]))) all.push([header, held]);
  return all;
}

/**
 * What kind of error it is. A message may hold an address, and that a secret.
 * @param {any} error
 */
export const nameOf = (error) => String(error?.name ?? typeof error);

/** @param {() => unknown} value */
function ask(value) {
  try {
    return value();
  } catch (error) {
    report(error);
  }
}

/**
 * Percent-decoded, as most servers encode it and as axios and Angular read it.
 * @param {string} name
 */
function readCookie(name) {
  // There may be no document (a worker), or one that may have no cookies (a sandboxed frame).
  const cookies = attempt(() => document.cookie);
  // Each behind a separator, the first one too.
  const value = `; ${cookies}`.split(`; ${name}=`)[1]?.split(";")[0];
  return value && (attempt(() => decodeURIComponent(value)) ?? value);
}
