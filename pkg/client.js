// @ts-check

import { KeepfreshError } from "./error.js";
import { expect, readOptions } from "./options.js";
import { capture } from "./request.js";
import { openScope } from "./scope.js";
import { openWire } from "./wire.js";

// In the order of the engine's enums.
const STATES = /** @type {const} */ (["unknown", "active", "refreshing", "expired"]);
const EVENTS = ["refreshed", "expired", "unavailable", "ineffective"];
const CAUSES = ["unauthorized", "lifetime", "asked", "answered", "lost", "overdue", "signed_out", "superseded"];
const UNAVAILABLE = 0;
const DISPOSED = 2;

/**
 * @param {import("./index.d.ts").Options} options
 * @param {() => Promise<any>} load
 * @returns {import("./index.d.ts").Client}
 */
export function makeClient(options, load) {
  /** @type {any} */
  let read = {};
  /** Why no call can be made here. @type {unknown} */
  let misplaced;
  try {
    read = readOptions(options);
  } catch (error) {
    // While a server renders there is no page for a URL to be relative to. It matters only if a call is made there.
    if (!(/** @type {any} */ (error).cause)) throw error;
    misplaced = error;
  }
  const wire = openWire(read);
  const siteOf = misplaced ? () => undefined : openScope(read.scope);
  /** The engine, once it is loaded, and has a half of this client. @type {any} */
  let engine;
  /** That half. @type {number} */
  let half;
  let disposed = false;

  async function ready() {
    if (misplaced) throw misplaced;
    const loaded = await load();
    if (disposed) throw failure(DISPOSED);
    if (engine) return;
    engine = loaded;
    half = engine.create(host, ...read.policy);
  }

  /**
   * While the engine loads.
   * @param {NonNullable<ReturnType<typeof capture>>} call
   */
  async function callEarly(call) {
    await ready();
    return engine.call(half, ...call, NaN);
  }

  /** @type {typeof globalThis.fetch} */
  const fetch = (input, init) => {
    try {
      if (misplaced) throw misplaced;
      const site = siteOf(addressOf(input));
      // fetch takes its arguments at the call, and so do we, whether or not the engine is there.
      const call = site && capture(wire, siteOf, site, engine ? input : take(input, init), init);
      if (!call) return wire.fetch(input, init);
      return engine ? engine.call(half, ...call, NaN) : callEarly(call);
    } catch (error) {
      return Promise.reject(error);
    }
  };

  /**
   * Tells the engine, as soon as it is there. Where it cannot be had there is nothing to be told.
   * @param {"signedIn" | "signedOut"} what
   */
  const tell = (what) => {
    if (engine) engine[what](half);
    else ready().then(() => engine[what](half), () => {});
  };

  /** What the engine cannot do without us. */
  const host = {
    refresh: wire.refresh,
    error: failure,
    /**
     * @param {number} event
     * @param {number} cause
     * @param {boolean} peer
     * @param {number} status That of the answer behind it, or 0.
     */
    announce: (event, cause, peer, status) => {
      const detail = { cause: CAUSES[cause], by: peer ? "peer" : "client", ...(status && { status }) };
      client.dispatchEvent(new CustomEvent(EVENTS[event], { detail }));
    },
  };

  const client = new (class Client extends EventTarget {
    fetch = fetch;

    get state() {
      return STATES[engine?.state(half) ?? 0];
    }

    /** @param {{ maxAge?: number, signal?: AbortSignal }} [options] */
    async ensureFresh({ maxAge, signal } = {}) {
      expect((maxAge ?? 0) >= 0, "maxAge", "a number of milliseconds, not below 0");
      await ready();
      return engine.ensureFresh(half, maxAge ?? NaN, signal);
    }

    /** @param {{ signal?: AbortSignal }} [options] */
    async refresh({ signal } = {}) {
      await ready();
      return engine.refresh(half, signal);
    }

    signedIn() {
      tell("signedIn");
    }

    signedOut() {
      tell("signedOut");
    }

    install() {
      return wire.install(fetch);
    }

    dispose() {
      disposed = true;
      wire.uninstall();
      engine?.dispose(half);
      engine = undefined;
    }

    /** Where there is no `Symbol.dispose`, this is a method of another name, which nobody calls. */
    [Symbol.dispose]() {
      this.dispose();
    }
  })();
  return /** @type {any} */ (client);
}

/**
 * fetch reads the body of a caller's `Request` at once. While it has to wait, it is taken over before anything else can
 * read it.
 * @param {RequestInfo | URL} input
 * @param {RequestInit} [init]
 */
const take = (input, init) => (input instanceof Request && init?.body == null ? new Request(input) : input);

/** @param {RequestInfo | URL} input */
const addressOf = (input) => /** @type {any} */ (input).url ?? String(input);

/** @type {[code: import("./index.d.ts").KeepfreshError["code"], message: string][]} */
const FAILURES = [
  ["refresh_unavailable", "the session could not be refreshed in time"],
  [
    "not_replayable",
    "the access token had expired, and a stream can be sent only once: call ensureFresh() before",
  ],
  ["disposed", "the client was disposed of"],
];

/**
 * @param {number} index
 * @param {unknown} [cause]
 */
function failure(index, cause) {
  return new KeepfreshError(...FAILURES[index], index === UNAVAILABLE ? { cause: explain(cause) } : undefined);
}

/** @param {unknown} cause What `fetch` rejected with, the status of the answer, or nothing if none came. */
function explain(cause) {
  if (typeof cause === "number") {
    return new Error(`the refresh was answered ${cause || "with a redirect"}`);
  }
  return cause ?? new DOMException("the refresh was not answered in time", "TimeoutError");
}
