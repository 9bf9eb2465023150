// @ts-check

import { KeepfreshError } from "./error.js";
import { attempt, base, expect, readOptions, withoutQuery } from "./options.js";
import { capture } from "./request.js";
import { openWire } from "./wire.js";

// In the order of the engine's enums.
const STATES = /** @type {const} */ (["unknown", "active", "refreshing", "expired"]);
const EVENTS = ["refreshed", "expired", "unavailable", "ineffective"];
const CAUSES = ["unauthorized", "lifetime", "asked", "answered", "lost", "overdue", "signed_out"];
const UNGUARDED = 0;
const UNAVAILABLE = 0;
const DISPOSED = 2;

/** How many addresses are remembered. A page with more of them (ids in the path) starts over now and then. */
const PLACES = 500;

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
  /** The engine, once it is loaded, and has a half of this client. @type {any} */
  let engine;
  /** That half. @type {number} */
  let half;
  let disposed = false;
  /** What the engine said of the addresses that it was asked about. @type {Map<string, number>} */
  const places = new Map();
  /** What relative addresses were relative to at that time. @type {string | undefined} */
  let placesBase;

  async function ready() {
    if (misplaced) throw misplaced;
    const loaded = await load();
    if (disposed) throw failure(DISPOSED);
    if (engine) return;
    engine = loaded;
    half = engine.create(host, ...read.policy);
  }

  /**
   * @param {string} address
   * @returns {number}
   */
  function placeOf(address) {
    const relativeTo = base();
    if (placesBase !== relativeTo || places.size >= PLACES) {
      places.clear();
      placesBase = relativeTo;
    }
    let place = /** @type {number} */ (places.get(address));
    if (place === undefined) {
      const url = attempt(() => new URL(address, relativeTo));
      // Of one that makes no sense, fetch is the one to say so.
      place = url ? engine.place(half, withoutQuery(url)) : UNGUARDED;
      places.set(address, place);
    }
    return place;
  }

  /**
   * While the engine loads. fetch takes its arguments at the call, and so do we: what the caller changes until the
   * request is sent makes no difference.
   * @param {RequestInfo | URL} input
   * @param {RequestInit} [init]
   */
  async function fetchEarly(input, init) {
    if (misplaced) throw misplaced;
    // fetch reads the body of a caller's `Request` at once; so it is taken over before anything else can read it.
    const taken = input instanceof Request && init?.body == null ? new Request(input) : input;
    const request = capture(wire, taken, init);
    const url = new URL(addressOf(input), base()).href;
    await ready();
    return engine.call(half, placeOf(url), ...request);
  }

  /** @type {typeof globalThis.fetch} */
  const fetch = (input, init) => {
    if (!engine) return fetchEarly(input, init);
    try {
      const place = placeOf(addressOf(input));
      if (place === UNGUARDED) return wire.fetch(input, init);
      return engine.call(half, place, ...capture(wire, input, init));
    } catch (error) {
      return Promise.reject(error);
    }
  };

  /** What the engine cannot do without us. */
  const host = {
    refresh: wire.refresh,
    /** @param {Response} response */
    place: ({ url }) => placeOf(url),
    error: failure,
    /**
     * @param {number} event
     * @param {number} cause
     * @param {boolean} peer
     */
    announce: (event, cause, peer) => {
      const detail = { cause: CAUSES[cause], by: peer ? "peer" : "client" };
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
  if (typeof cause === "number") return new Error(`the refresh was answered ${cause}`);
  return cause ?? new DOMException("the refresh was not answered in time", "TimeoutError");
}
