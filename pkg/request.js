// @ts-check

import { factsOf, JUDGED_EXPIRED, JUDGED_FINE, readSigning, report } from "./answer.js";
import { attempt, base, isRead, withoutQuery } from "./options.js";
import { declines, GUARDED, isUnsafe, SIGN_IN, SIGN_OUT, UNGUARDED } from "./scope.js";
import { within } from "./wait.js";
import { nameOf } from "./wire.js";

/** How many calls have been told of. */
let calls = 0;

/**
 * What fetch was called with, each member of it read once.
 * @typedef {object} Asked
 * @property {any} input What fetch takes: a `Request`, or an address.
 * @property {Request} [request] That `Request`, if it is one.
 * @property {any} init The members of the second argument that are there.
 * @property {AbortSignal} [signal] What its caller may abort it by.
 */

/**
 * A call that is ours.
 * @typedef {object} Call
 * @property {number} kind As the engine counts them.
 * @property {ReturnType<typeof openOutgoing>} outgoing
 * @property {boolean} replayable A stream can be sent only once.
 * @property {number} hash Tells its address from others.
 * @property {boolean} isUrgent Whether it has to go out in the task of the call.
 * @property {boolean} isElsewhere Whether it goes to another origin.
 */

/** In the order in which fetch reads them: that of WebIDL, section 3.2.17. */
const MEMBERS = [
  ...["adAuctionHeaders", "attributionReporting", "body", "browsingTopics", "cache", "credentials", "duplex", "headers"],
  ...["integrity", "keepalive", "method", "mode", "priority", "privateToken", "redirect", "referrer", "referrerPolicy"],
  ...["retryOptions", "sharedStorageWritable", "signal", "targetAddressSpace", "window"],
];
/** Those that are text, whatever they are given as. */
const TEXTS = /^(cache|credentials|duplex|integrity|method|mode|priority|redirect|referrer|referrerPolicy)$/;

/**
 * The first argument of fetch: where it goes, as text, and what to pass on in its place. Throws what fetch rejects with, if
 * it can be none.
 * @param {any} input
 * @returns {{ address: string, input: any, request?: Request }}
 */
export function readInput(input) {
  if (typeof input === "string") return { address: input, input };
  const url = ofRequest(input, "url");
  if (url !== undefined) return { address: url, input, request: input };
  const address = `${input}`;
  // What is no URL has been made text, and that is done once.
  return { address, input: input instanceof URL ? input : address };
}

/**
 * Both of them.
 * @param {ReturnType<typeof readInput>} read
 * @param {any} init
 * @returns {Asked}
 */
export function readArguments({ address, request }, init) {
  const members = readMembers(init);
  // `null` takes the signal of a `Request` away.
  const given = members && "signal" in Object(members) ? members.signal : ofRequest(request, "signal");
  // WebKit takes anything, and makes nothing of it.
  const isSignal = given && attempt(() => Reflect.get(AbortSignal.prototype, "aborted", given)) !== undefined;
  return { input: request ?? address, request, init: members, signal: isSignal ? given : undefined };
}

/**
 * The request as it was when its caller made it, to be sent as often as need be with the same bytes; or nothing, if it is
 * passed through. What the caller still holds in hand and may change is copied: the headers here, the body by
 * `outgoing.own()`, once fetch has had it.
 *
 * @param {import("./wire.js").Wire} wire
 * @param {ReturnType<typeof import("./scope.js").openScope>} siteOf
 * @param {import("./scope.js").Site} site What it is addressed to.
 * @param {Asked} asked
 * @returns {Call | undefined}
 */
export function capture(wire, siteOf, site, asked) {
  const { request, init } = asked;
  const method = init?.method ?? ofRequest(request, "method") ?? "GET";
  // A `Request` always has a credentials mode: "same-origin" when nobody chose, and that counts as none.
  const credentials = init?.credentials ?? (ofRequest(request, "credentials")?.replace("same-origin", "") || undefined);
  const place = site.placeOf(method);
  if (place === UNGUARDED || declines(site, credentials)) return undefined;
  // Fetch refuses it.
  if (init?.body == null && ofRequest(request, "bodyUsed")) return undefined;
  const replayable = !isOneWay(init?.body);
  const isUrgent = Boolean(init?.keepalive ?? ofRequest(request, "keepalive")) || isLeaving();
  const includes = site.elsewhere && credentials === undefined;
  const outgoing = openOutgoing(wire, siteOf, site, place, method, includes, replayable, replayable ? freeze(asked) : asked);
  return { kind: place - 1, outgoing, replayable, hash: site.hash, isUrgent, isElsewhere: site.elsewhere };
}

/**
 * @param {import("./wire.js").Wire} wire
 * @param {ReturnType<typeof import("./scope.js").openScope>} siteOf
 * @param {import("./scope.js").Site} site
 * @param {number} place
 * @param {string} method
 * @param {boolean} includes Whether its cookies go along only if we say so.
 * @param {boolean} replayable
 * @param {Asked} asked
 */
function openOutgoing(wire, siteOf, { relativeTo }, place, method, includes, replayable, { input, request, init, signal }) {
  // A body of a `Request` can be read once, so a clone of it is kept. By method: Firefox does not tell the body.
  const isCloned = request && init?.body == null && !isRead(ofRequest(request, "method"));
  let next = input;
  let isSent = false;
  let isOwned = false;
  /** Tells the call from others, in what is told of it. */
  let number = 0;

  const reads = isRead(method);
  const cache = init?.cache ?? ofRequest(request, "cache");
  const csrf = wire.csrfFor(method);
  const inspects = place !== GUARDED || wire.isExpired;

  /**
   * What to send it with, this time.
   * @param {boolean} again
   */
  const prepare = (again) => {
    /** @type {RequestInit} */
    const more = {};
    if (includes) more.credentials = "include";
    // What the cache has is what was refused.
    if (again && reads && cache !== "no-store") more.cache = "reload";
    // It waited, and would go with its page.
    if (place === SIGN_OUT && isLeaving()) more.keepalive = true;
    if (csrf) more.headers = csrf(init?.headers ?? ofRequest(request, "headers"));
    if (!Object.keys(more).length) return init;
    if (init && Object.keys(init).length) return { ...init, ...more };
    // Any member makes fetch forget a request's referrer (Fetch standard, constructor of Request, step 13). What is
    // `undefined` is as good as missing.
    return { referrer: ofRequest(request, "referrer"), referrerPolicy: ofRequest(request, "referrerPolicy"), ...more };
  };

  let mayBeCached = false;
  /** What was found out about the latest answer, as facts. */
  let found = 0;
  const outgoing = {
    signal,
    lifetime: NaN,
    subject: 0,

    /**
     * Sends it, once more.
     * @param {boolean} again
     */
    send(again) {
      const sent = next;
      isSent = true;
      if (isCloned) next = Reflect.apply(Request.prototype.clone, sent, []);
      mayBeCached = reads && !again && !(cache && /^(no-store|reload|no-cache)$/.test(cache));
      // The page may move on, and the request does not.
      const isMoved = isOwned && !request && base() !== relativeTo;
      const answer = wire.send(isMoved ? new URL(input, relativeTo).href : sent, prepare(again));
      const answered = inspects ? answer.then(inspect) : answer;
      return wire.trace ? follow(wire.trace, answered, again) : answered;
    },

    /** @param {Response} response */
    read: (response) => attempt(() => factsOf(response, siteOf, mayBeCached) | found) ?? 0,

    /** From here on nobody else can change its body. What can be read once and has to wait is consumed, as by fetch. */
    own() {
      isOwned = true;
      if (!isSent && (isCloned || !replayable)) {
        next = request = new Request(input, init);
        init = undefined;
      } else if (init?.body != null) {
        init.body = attempt(() => copyBody(init.body)) ?? init.body;
      }
    },
  };

  /**
   * Has the page's own functions look at the answer, and reads that of a sign-in.
   * @param {Response} response
   */
  async function inspect(response) {
    found = 0;
    if (place !== GUARDED) {
      const of = place === SIGN_IN ? "signIn" : "signOut";
      const said = await within(readSigning(of, response, wire.interpret), undefined, signal);
      found = said?.facts ?? 0;
      outgoing.lifetime = said?.lifetime ?? NaN;
      outgoing.subject = said?.subject ?? 0;
    }
    if (wire.isExpired && place !== SIGN_IN) {
      const asking = Promise.resolve(response).then(wire.isExpired).catch(report);
      found |= (await within(asking, wire.timeout, signal)) ? JUDGED_EXPIRED : JUDGED_FINE;
    }
    return response;
  }

  /**
   * Tells of the attempt, and of what comes of it.
   * @param {NonNullable<typeof wire.trace>} trace
   * @param {Promise<Response>} answer
   * @param {boolean} again
   */
  function follow(trace, answer, again) {
    number ||= calls += 1;
    const url = withoutQuery(new URL(ofRequest(request, "url") ?? input, relativeTo));
    const about = { call: number, method, url };
    trace({ what: again ? "sent again" : "sent", ...about });
    answer.then(
      ({ status }) => trace({ what: "answered", ...about, status }),
      (error) => trace({ what: "failed", ...about, why: nameOf(error) }),
    );
    return answer;
  }

  return outgoing;
}

/**
 * What does not change any more, whatever becomes of what the caller has in hand. Of shapes that we know wholly, that is a
 * copy; of all others, and of a `Request` that is changed by more, the browser's own `Request` is made, which throws as fetch
 * would.
 * @param {Asked} asked
 * @returns {Asked}
 */
function freeze({ input, request, init, signal }) {
  if (!init) return { input, request, init, signal };
  const headers = copyHeaders(init.headers);
  if (request || !(headers && attempt(() => isUsual(init.body)) && isUsualSignal(init.signal))) {
    const made = new Request(input, init);
    // The caller's own signal tells the reason in every browser; one that is made of it does not.
    return { input: made, request: made, init: undefined, signal };
  }
  return { input, request, init: init.headers ? { ...init, headers } : init, signal };
}

/**
 * The members of what fetch calls a dictionary. What is none is left to fetch, to be refused.
 * @param {any} init
 */
function readMembers(init) {
  if (init == null || (typeof init !== "object" && typeof init !== "function")) return init ?? undefined;
  /** @type {any} */
  const members = {};
  for (const name of MEMBERS) {
    const value = init[name];
    if (value !== undefined) members[name] = TEXTS.test(name) ? `${value}` : value;
  }
  // What fetch may have learnt to read since.
  if (isPlain(init)) for (const name of Object.keys(init)) if (!MEMBERS.includes(name)) members[name] = init[name];
  return members;
}

/** What `Request` has its members for, whatever a class of the page's makes of them. */
const { prototype } = globalThis.Request ?? {};

/**
 * A member of a `Request`, of whatever realm; `undefined` if it is none, whatever it looks like.
 * @param {any} request
 * @param {string} name
 */
const ofRequest = (request, name) =>
  typeof request === "object" && request && !(request instanceof URL)
    ? attempt(() => Reflect.get(prototype, name, request))
    : undefined;

/**
 * By name, because it may come from another realm.
 * @param {any} value
 */
const kindOf = (value) => value?.[Symbol.toStringTag];

/**
 * Whether a body can be read only once.
 * @param {any} body
 */
const isOneWay = (body) =>
  typeof body === "object" && body !== null && (kindOf(body) === "ReadableStream" || Symbol.asyncIterator in body);

/**
 * Whether a body is of a kind that is known here, and no more than it seems.
 * @param {any} body
 */
function isUsual(body) {
  if (body == null || typeof body === "string") return true;
  const buffer = ArrayBuffer.isView(body) ? body.buffer : body;
  return buffer instanceof ArrayBuffer
    ? body.byteLength > 0 && !(/** @type {any} */ (buffer).resizable)
    : body instanceof Blob || body instanceof URLSearchParams || body instanceof FormData;
}

/** @param {any} signal */
const isUsualSignal = (signal) => signal == null || (signal instanceof AbortSignal && !signal.aborted);

/** @param {object} value */
const isPlain = (value) => Object.getPrototypeOf(value) === Object.prototype;

/**
 * Headers that nobody else can change, with their names as they were written. `undefined` if they are of no usual shape.
 * @param {any} headers
 * @returns {HeadersInit | undefined}
 */
function copyHeaders(headers = {}) {
  if (headers instanceof Headers) return new Headers(headers);
  /** @param {unknown} it */
  const isText = (it) => typeof it === "string" || typeof it === "number";
  if (Array.isArray(headers)) {
    const isUsual = headers.every((it) => Array.isArray(it) && it.length === 2 && it.every(isText));
    return isUsual ? headers.map(([name, value]) => [name, value]) : undefined;
  }
  return headers && isPlain(headers) && Object.values(headers).every(isText) ? { ...headers } : undefined;
}

/**
 * A body that nobody else can change.
 * @param {any} body
 */
function copyBody(body) {
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  }
  switch (kindOf(body)) {
    case "ArrayBuffer":
      return body.slice();
    case "URLSearchParams":
      return new URLSearchParams(body);
    case "FormData": {
      const copy = new FormData();
      for (const pair of /** @type {FormData} */ (body)) copy.append(...pair);
      return copy;
    }
    default:
      return body;
  }
}

/** Whether the page goes away at this moment, and with it what is not on the wire yet. */
function isLeaving() {
  const type = globalThis.event?.type;
  if (!type) return false;
  const isHidden = type === "visibilitychange" && document.visibilityState === "hidden";
  return isHidden || /^(pagehide|beforeunload|unload|freeze)$/.test(type);
}
