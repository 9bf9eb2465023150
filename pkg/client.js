// @ts-check

import { KeepfreshError } from "./error.js";
import { readOptions } from "./options.js";

// In the order of the engine's enums.
const STATES = /** @type {const} */ (["unknown", "active", "refreshing", "expired"]);
const EVENTS = ["refreshed", "expired", "unavailable", "ineffective"];
const CAUSES = ["unauthorized", "lifetime", "asked", "answered", "lost", "overdue"];
/** @type {[import("./index.js").KeepfreshError["code"], string][]} */
const FAILURES = [
  ["refresh_unavailable", "the session could not be refreshed in time; nobody has been signed out"],
  [
    "not_replayable",
    "the access token had expired, and a stream can be sent only once; the session is fresh again, so send it anew (or call ensureFresh() before)",
  ],
  ["disposed", "this client has been disposed of"],
];

/** @implements {import("./index.js").Client} */
export class Client extends EventTarget {
  #load;
  #options;
  /** @type {typeof fetch | undefined} */
  #given;
  /** @type {{ value?: string, cookie?: string }} */
  #csrf;
  /** What `globalThis.fetch` was before `install`. @type {typeof fetch | undefined} */
  #native;
  /** @type {(() => void) | undefined} */
  #uninstall;
  /** The engine's half, once it is loaded. @type {any} */
  #engine;
  #disposed = false;

  /**
   * @param {import("./index.js").Options} options
   * @param {() => Promise<{ Engine: import("./loader.js").Engine }>} load
   */
  constructor(options, load) {
    super();
    this.#options = readOptions(options);
    this.#given = options.fetch;
    this.#csrf = { ...options.csrf };
    this.#load = load;
  }

  /** @type {typeof fetch} */
  fetch = (input, init) => {
    if (this.#engine === undefined) return this.#fetchEarly(input, init);
    try {
      return this.#engine.fetch(input, init);
    } catch (error) {
      return Promise.reject(error);
    }
  };

  get state() {
    return STATES[this.#engine?.state() ?? 0] ?? "unknown";
  }

  /** @param {{ maxAge?: number, signal?: AbortSignal }} [options] */
  async ensureFresh({ maxAge, signal } = {}) {
    if (maxAge !== undefined && !(maxAge >= 0)) {
      throw new KeepfreshError("invalid_options", 'option "maxAge": expected milliseconds, 0 or more');
    }
    return (await this.#ready()).ensureFresh(maxAge, signal);
  }

  /** @param {{ signal?: AbortSignal }} [options] */
  async refresh({ signal } = {}) {
    return (await this.#ready()).refresh(signal);
  }

  install() {
    if (this.#uninstall) return this.#uninstall;
    const native = globalThis.fetch;
    /** @type {typeof fetch} */
    const installed = (input, init) => (this.#native ? this.fetch : native)(input, init);
    globalThis.fetch = installed;
    this.#native = native;
    this.#uninstall = () => {
      this.#native = this.#uninstall = undefined;
      // Somebody else may have wrapped it since; then ours stays in their chain and hands through.
      if (globalThis.fetch === installed) globalThis.fetch = native;
    };
    return this.#uninstall;
  }

  dispose() {
    this.#disposed = true;
    this.#uninstall?.();
    this.#engine?.dispose();
    this.#engine = undefined;
  }

  /**
   * While the engine loads. fetch takes its arguments at the call, so what the caller may change or use up until
   * then goes into a `Request`; a stream is nobody's to change, and has to be seen to be one.
   * @param {RequestInfo | URL} input
   * @param {RequestInit} [init]
   */
  async #fetchEarly(input, init) {
    const isStream = init?.body instanceof ReadableStream;
    const held = isStream || (init === undefined && !(input instanceof Request));
    const args = held ? [input, init && { ...init }] : [new Request(input, init)];
    return (await this.#ready()).fetch(...args);
  }

  async #ready() {
    const { Engine } = await this.#load();
    if (this.#disposed) throw failure(2);
    return (this.#engine ??= new Engine(this.#options, this.#host));
  }

  /** What the engine cannot do without us. */
  #host = {
    /** @type {typeof fetch} */
    fetch: (input, init) =>
      Promise.resolve((this.#given ?? this.#native ?? globalThis.fetch)(input, init)),
    csrf: () => this.#csrf.value ?? readCookie(this.#csrf.cookie),
    error: failure,
    /**
     * @param {number} event
     * @param {number} cause
     * @param {boolean} peer
     */
    announce: (event, cause, peer) => {
      const detail = { cause: CAUSES[cause], by: peer ? "peer" : "client" };
      this.dispatchEvent(new CustomEvent(EVENTS[event] ?? "", { detail }));
    },
  };
}

// Where the engine of JavaScript does not know it, nobody can ask for it.
if (Symbol.dispose) {
  Object.defineProperty(Client.prototype, Symbol.dispose, { value: Client.prototype.dispose });
}

/**
 * @param {number} index
 * @param {unknown} [cause]
 */
function failure(index, cause) {
  const [code, message] = FAILURES[index] ?? ["refresh_unavailable", ""];
  return new KeepfreshError(code, message, code === "refresh_unavailable" ? explain(cause) : undefined);
}

/** @param {unknown} cause What `fetch` rejected with, the status of the answer, or nothing if none came. */
function explain(cause) {
  if (typeof cause === "number") return new Error(`the refresh was answered ${cause}`);
  return cause ?? new DOMException("the refresh was not answered in time", "TimeoutError");
}

/** @param {string | undefined} name */
function readCookie(name) {
  try {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
    return found?.slice(`${name}=`.length);
  } catch {
    // No document (a worker), or one that may have no cookies (a sandboxed frame).
    return undefined;
  }
}
