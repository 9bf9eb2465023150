// @ts-check

import { isSuccess, tellsExpiry } from "./answer.js";
import { KeepfreshError } from "./error.js";
import { expect, readOptions } from "./options.js";
import { capture, readArguments, readInput } from "./request.js";
import { openScope, SIGN_OUT } from "./scope.js";
import { activation, within } from "./wait.js";
import { openWire } from "./wire.js";

// In the order of the engine's enums.
const STATES = /** @type {const} */ (["unknown", "active", "refreshing", "expired"]);
const EVENTS = /** @type {const} */ (["refreshed", "expired", "unavailable", "ineffective"]);
const CAUSES = ["unauthorized", "lifetime", "asked", "answered", "lost", "overdue", "signed_out", "superseded", "learnt"];
const SIGNS_OUT = SIGN_OUT - 1;
const UNAVAILABLE = 0;
const DISPOSED = 2;

/**
 * @param {import("./index.d.ts").Options} options
 * @param {(atOnce?: boolean) => Promise<any>} load
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
  const wire = openWire(misplaced ? { refresh: {} } : read);
  const siteOf = misplaced ? () => undefined : openScope(read.scope);
  /** The engine, once it is loaded, and has a half of this client. @type {any} */
  let engine;
  /** That half. @type {number} */
  let half;
  let disposed = false;
  /** Whether it has been said that there is no engine. */
  let isMissing = false;
  /** Whether the server has let in what was sent without the engine, and it has yet to hear of that. */
  let isLetIn = false;

  async function ready() {
    if (misplaced) throw misplaced;
    await activation();
    const loaded = await load();
    if (disposed) throw failure(DISPOSED);
    if (engine) return;
    const { session, expiredStatuses, timeout, crossTab, learn } = read;
    half = loaded.create(host, session, expiredStatuses, timeout, crossTab, learn);
    engine = loaded;
  }

  /**
   * Likewise, within the deadline: that starts when the page can be seen.
   * @param {AbortSignal} [signal]
   */
  async function readyInTime(signal) {
    await within(activation(), undefined, signal);
    const isReady = await within(ready().then(() => true), read.timeout, signal);
    if (!isReady) throw new KeepfreshError("engine_unavailable", "the engine did not come in time");
  }

  /**
   * Hands a call over to the engine.
   * @param {import("./request.js").Call} call
   * @param {number} sentAt When its first attempt was sent, or `NaN`.
   */
  const handOver = ({ kind, outgoing, replayable, hash }, sentAt) =>
    engine.call(half, kind, outgoing, replayable, hash, sentAt);

  /**
   * While there is no engine. What would be sent at once if there were one is sent at once; its answer is handed over, or
   * waits for the engine if it says that the access token has expired.
   * @param {import("./request.js").Call} call
   */
  async function callEarly(call) {
    const { outgoing } = call;
    const isSent = call.isUrgent || (call.replayable && (call.kind === SIGNS_OUT || !(call.kind || call.isElsewhere)));
    const sentAt = isSent ? performance.now() : NaN;
    const send = () =>
      outgoing.send(false).catch((error) => {
        // WebKit has an AbortError of its own in place of the reason.
        throw outgoing.signal?.aborted ? outgoing.signal.reason : error;
      });
    const first = isSent ? send() : undefined;
    outgoing.own();
    const response = first && (await first);
    const facts = response ? outgoing.read(response) : 0;
    if (response && !tellsExpiry(facts, read.expiredStatuses)) {
      isLetIn ||= isSuccess(facts) && !call.kind;
      // The engine is told as soon as it is there. Nobody waits for what it makes of that, and nobody can abort it.
      const told = { ...call, outgoing: { ...outgoing, signal: undefined, send: answeredBy(response, outgoing) } };
      ready()
        .then(() => handOver(told, sentAt))
        .finally(() => (isLetIn = false))
        .catch(() => {});
      return response;
    }
    try {
      await readyInTime(outgoing.signal);
    } catch (error) {
      if (outgoing.signal?.aborted || (disposed && !response)) throw error;
      if (!disposed) noteMissing(/** @type {Error} */ (error).message);
    }
    if (!engine) return response ?? send();
    if (response) outgoing.send = answeredBy(response, outgoing);
    return handOver(call, sentAt);
  }

  /**
   * There is no engine: the page is told once, and goes on as it would without us.
   * @param {string} why
   */
  function noteMissing(why) {
    if (isMissing) return;
    isMissing = true;
    console.warn(`${why}; until it is there, requests go out as plain fetch would send them`);
    announce("unavailable", { cause: "engine", by: "client" });
  }

  const { fetch } = {
    /**
     * @param {RequestInfo | URL} input
     * @param {[RequestInit?]} rest Of fetch's two arguments one counts.
     */
    fetch(input, ...rest) {
      const [init] = rest;
      try {
        if (misplaced) throw misplaced;
        if (!arguments.length) return wire.fetch(.../** @type {[any]} */ (/** @type {unknown} */ ([])));
        const first = readInput(input);
        const site = siteOf(first.address);
        if (!site) return wire.fetch(first.input, init);
        const asked = readArguments(first, init);
        const call = capture(wire, siteOf, site, asked);
        if (!call) return wire.fetch(asked.input, asked.init);
        if (!engine) return callEarly(call);
        const sentAt = call.isUrgent ? performance.now() : NaN;
        const answer = handOver(call, sentAt);
        call.outgoing.own();
        return answer;
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };

  /**
   * Tells the engine, as soon as it is there. Where it cannot be had there is nothing to be told.
   * @param {"signedIn" | "signedOut"} what
   */
  const tell = (what) => {
    if (engine) engine[what](half);
    else ready().then(() => engine[what](half), () => {});
  };

  /**
   * @param {keyof import("./index.d.ts").ClientEventMap} event
   * @param {{ cause: string, by: "client" | "peer", status?: number }} detail
   */
  const announce = (event, detail) => {
    wire.trace?.({ what: event, ...detail });
    client.dispatchEvent(new CustomEvent(event, { detail }));
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
      announce(EVENTS[event], { cause: CAUSES[cause], by: peer ? "peer" : "client", ...(status && { status }) });
    },
  };

  const client = new (class Client extends EventTarget {
    fetch = fetch;

    get state() {
      return STATES[engine?.state(half) || Number(isLetIn)];
    }

    /** @param {{ maxAge?: number, signal?: AbortSignal }} [options] */
    async ensureFresh({ maxAge, signal } = {}) {
      expect((maxAge ?? 0) >= 0, "maxAge", "a number of milliseconds, not below 0");
      await readyInTime(signal);
      return engine.ensureFresh(half, maxAge ?? NaN, signal);
    }

    /** @param {{ signal?: AbortSignal }} [options] */
    async refresh({ signal } = {}) {
      await readyInTime(signal);
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
 * How a request is sent whose first answer is there already.
 * @param {Response} response
 * @param {import("./request.js").Call["outgoing"]} outgoing
 */
function answeredBy(response, { send }) {
  let isGiven = false;
  /** @param {boolean} again */
  return (again) => {
    if (isGiven) return send(again);
    isGiven = true;
    return Promise.resolve(response);
  };
}

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
