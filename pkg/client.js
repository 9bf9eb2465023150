// @ts-check

import { KeepfreshError } from "./error.js";
import { base, readOptions, withoutQuery } from "./options.js";
import { OutgoingRequest } from "./request.js";
import { Wire } from "./wire.js";

// In the order of the engine's enums.
const STATES = /** @type {const} */ (["unknown", "active", "refreshing", "expired"]);
const EVENTS = ["refreshed", "expired", "unavailable", "ineffective"];
const CAUSES = ["unauthorized", "lifetime", "asked", "answered", "lost", "overdue", "signed_out"];
const UNGUARDED = 0;

/** How many addresses are remembered. A page with more of them (ids in the path) starts over now and then. */
const PLACES = 500;

export class Client extends EventTarget {
  /** @type {any} */
  #options;
  #wire;
  #load;
  /** The engine, once it is loaded, and has a half of this client. @type {any} */
  #engine;
  /** That half. @type {number} */
  #half = 0;
  /** @type {(() => void) | undefined} */
  #uninstall;
  /** Why no call can be made here. @type {unknown} */
  #misplaced;
  #disposed = false;
  /** What the engine said of the addresses that it was asked about. @type {Map<string, number>} */
  #places = new Map();
  /** What relative addresses were relative to at that time. @type {string | undefined} */
  #base;

  /**
   * @param {import("./index.d.ts").Options} options
   * @param {() => Promise<any>} load
   */
  constructor(options, load) {
    super();
    try {
      this.#options = readOptions(options);
    } catch (error) {
      // While a server renders there is no page for a URL to be relative to. It matters only if a call is made there.
      if (!(/** @type {any} */ (error).cause)) throw error;
      this.#misplaced = error;
    }
    this.#wire = new Wire(options, this.#options);
    this.#load = load;
  }

  /** @type {typeof fetch} */
  fetch = (input, init) => {
    if (!this.#engine) return this.#fetchEarly(input, init);
    try {
      const place = this.#place(input);
      if (place === UNGUARDED) return this.#wire.fetch(input, init);
      return this.#fetchAt(place, new OutgoingRequest(this.#wire, input, init));
    } catch (error) {
      return Promise.reject(error);
    }
  };

  get state() {
    return STATES[this.#engine?.state(this.#half) ?? 0];
  }

  /** @param {{ maxAge?: number, signal?: AbortSignal }} [options] */
  async ensureFresh({ maxAge, signal } = {}) {
    if (maxAge !== undefined && !(maxAge >= 0)) {
      throw new KeepfreshError("invalid_options", 'option "maxAge": expected milliseconds, 0 or more');
    }
    await this.#ready();
    return this.#engine.ensureFresh(this.#half, maxAge ?? NaN, signal);
  }

  /** @param {{ signal?: AbortSignal }} [options] */
  async refresh({ signal } = {}) {
    await this.#ready();
    return this.#engine.refresh(this.#half, signal);
  }

  install() {
    if (this.#uninstall) return this.#uninstall;
    const native = globalThis.fetch;
    let active = true;
    /** @type {typeof fetch} */
    const installed = (input, init) => (active && !this.#wire.sending ? this.fetch : native)(input, init);
    this.#wire.native = native;
    globalThis.fetch = installed;
    this.#uninstall = () => {
      if (!active) return;
      active = false;
      this.#uninstall = this.#wire.native = undefined;
      // Somebody else may have wrapped it since; then ours stays in their chain and hands through.
      if (globalThis.fetch === installed) globalThis.fetch = native;
    };
    return this.#uninstall;
  }

  dispose() {
    this.#disposed = true;
    this.#uninstall?.();
    this.#engine?.dispose(this.#half);
    this.#engine = undefined;
  }

  /** Where there is no `Symbol.dispose`, this is a method of another name, which nobody calls. */
  [Symbol.dispose]() {
    this.dispose();
  }

  /**
   * While the engine loads. fetch takes its arguments at the call, and so do we: what the caller changes until the
   * request is sent makes no difference.
   * @param {RequestInfo | URL} input
   * @param {RequestInit} [init]
   */
  async #fetchEarly(input, init) {
    this.#expectPlace();
    // fetch reads the body of a caller's `Request` at once; so it is taken over before anything else can read it.
    const taken = input instanceof Request && init?.body == null ? new Request(input) : input;
    const request = new OutgoingRequest(this.#wire, taken, init);
    const url = new URL(addressOf(input), base()).href;
    await this.#ready();
    return this.#fetchAt(this.#place(url), request);
  }

  /**
   * @param {number} place
   * @param {OutgoingRequest} request
   */
  #fetchAt(place, request) {
    return this.#engine.call(this.#half, place, request, request.replayable, request.credentials);
  }

  /** @param {RequestInfo | URL} input */
  #place(input) {
    const address = addressOf(input);
    const relativeTo = base();
    if (this.#base !== relativeTo || this.#places.size >= PLACES) {
      this.#places.clear();
      this.#base = relativeTo;
    }
    let place = this.#places.get(address);
    if (place === undefined) {
      place = this.#askPlace(address);
      this.#places.set(address, place);
    }
    return place;
  }

  /**
   * @param {string} address
   * @returns {number}
   */
  #askPlace(address) {
    let url;
    try {
      url = new URL(address, this.#base);
    } catch {
      // fetch is the one to say that it makes no sense.
      return UNGUARDED;
    }
    return this.#engine.place(this.#half, withoutQuery(url));
  }

  #expectPlace() {
    if (this.#misplaced) throw this.#misplaced;
  }

  async #ready() {
    this.#expectPlace();
    const engine = await this.#load();
    if (this.#disposed) throw failure(2);
    if (this.#engine) return;
    this.#engine = engine;
    const { refresh, scope, expiredStatuses, timeout, hasCsrf, crossTab } = this.#options;
    this.#half = engine.create(refresh.href, this.#host, scope, expiredStatuses, timeout, hasCsrf, crossTab);
  }

  /** What the engine cannot do without us. */
  #host = {
    /**
     * @param {number} seed
     * @param {number} number
     * @param {AbortSignal} signal
     */
    refresh: (seed, number, signal) => this.#wire.refresh(`${seed}-${number}`, signal),
    /** @param {Response} response */
    place: ({ url }) => this.#place(url),
    error: failure,
    /**
     * @param {number} event
     * @param {number} cause
     * @param {boolean} peer
     */
    announce: (event, cause, peer) => {
      const detail = { cause: CAUSES[cause], by: peer ? "peer" : "client" };
      this.dispatchEvent(new CustomEvent(EVENTS[event], { detail }));
    },
  };
}

/** @param {RequestInfo | URL} input */
const addressOf = (input) =>
  typeof input === "string" ? input : /** @type {Request} */ (input).url ?? String(input);

/**
 * @param {number} index
 * @param {unknown} [cause]
 */
function failure(index, cause) {
  switch (index) {
    case 0:
      return new KeepfreshError(
        "refresh_unavailable",
        "the session could not be refreshed in time; nobody has been signed out",
        explain(cause),
      );
    case 1:
      return new KeepfreshError(
        "not_replayable",
        "the access token had expired, and this request can be sent only once; send it anew, or call ensureFresh() before",
      );
    default:
      return new KeepfreshError("disposed", "this client has been disposed of; create another one");
  }
}

/** @param {unknown} cause What `fetch` rejected with, the status of the answer, or nothing if none came. */
function explain(cause) {
  if (typeof cause === "number") return new Error(`the refresh was answered ${cause}`);
  return cause ?? new DOMException("the refresh was not answered in time", "TimeoutError");
}
