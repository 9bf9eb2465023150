// @ts-check

import { factsOf, lifetimeIn, readBody } from "./answer.js";
import { attempt } from "./options.js";
import { declines, isUnsafe, SIGN_IN, UNGUARDED } from "./scope.js";

/**
 * A request as it was when its caller made it, to be sent as often as need be with the same bytes.
 *
 * What the caller still holds in hand and may change (headers, buffers, forms) is copied at once; what cannot change
 * (strings, blobs, a request without a body) is not.
 *
 * Returns what the engine takes: the kind of call, the request, whether it is replayable (a stream can be sent only once),
 * and what tells its address from others; or nothing, if it is passed through.
 *
 * @param {import("./wire.js").Wire} wire
 * @param {ReturnType<typeof import("./scope.js").openScope>} siteOf
 * @param {import("./scope.js").Site} site What it is addressed to.
 * @param {RequestInfo | URL} input
 * @param {RequestInit} [init]
 * @returns {[kind: number, outgoing: object, replayable: boolean, address: number] | undefined}
 */
export function capture(wire, siteOf, site, input, init) {
  const asRequest = /** @type {Request} */ (input);
  const method = String(init?.method ?? asRequest.method ?? "GET");
  // A `Request` always has a credentials mode: "same-origin" when nobody chose, and that counts as none.
  const credentials = init?.credentials ?? (asRequest.credentials?.replace("same-origin", "") || undefined);
  const place = site.placeOf(method);
  if (place === UNGUARDED || declines(site, credentials)) return undefined;
  const replayable = kindOf(init?.body) !== "ReadableStream";
  if (init) {
    if (replayable && !isPlain(init)) {
      // An object of a class keeps what it knows behind getters: only `Request` can tell what it means.
      input = new Request(input, init);
      init = undefined;
    } else {
      init = { ...init, headers: copyHeaders(init.headers), body: copyBody(init.body) };
    }
  }
  // By what it has, not by its class: it may come from another realm.
  const request = /** @type {any} */ (input)?.url ? /** @type {Request} */ (input) : undefined;
  // A body of a `Request` can be read once, so a clone of it is kept. By method: Firefox does not tell the body.
  const isCloned = request && init?.body == null && !/^(GET|HEAD)$/i.test(request.method);
  /** @type {any} */
  let next = request ?? String(input);

  const isRead = /^(GET|HEAD)$/i.test(method);
  const cache = init?.cache ?? request?.cache;
  const includes = site.elsewhere && credentials === undefined;
  const csrf = isUnsafe(method) ? wire.csrf : undefined;

  /**
   * What to send it with, this time.
   * @param {boolean} again
   */
  const prepare = (again) => {
    /** @type {RequestInit} */
    const more = {};
    if (includes) more.credentials = "include";
    // What the cache has is what was refused.
    if (again && isRead && cache !== "no-store") more.cache = "reload";
    if (csrf) more.headers = csrf(init?.headers ?? request?.headers);
    if (!Object.keys(more).length) return init;
    // Any `init` makes fetch forget a request's referrer (Fetch standard, constructor of Request, step 13). What is
    // `undefined` is as good as missing.
    return { referrer: request?.referrer, referrerPolicy: request?.referrerPolicy, ...init, ...more };
  };

  let mayBeCached = false;
  const outgoing = {
    signal: init?.signal ?? request?.signal,
    lifetime: NaN,
    subject: 0,

    /**
     * Sends it, once more.
     * @param {boolean} again
     */
    send(again) {
      const sent = next;
      if (isCloned) next = sent.clone();
      mayBeCached = isRead && !again && !/^(no-store|reload|no-cache)$/.test(cache ?? "");
      const answer = wire.send(sent, prepare(again));
      return place === SIGN_IN ? answer.then(readLifetime) : answer;
    },

    /** @param {Response} response */
    read: (response) => attempt(() => factsOf(response, siteOf, mayBeCached)) ?? 0,
  };

  /** @param {Response} response */
  async function readLifetime(response) {
    if (response.ok) outgoing.lifetime = lifetimeIn(await readBody(response.clone()));
    return response;
  }

  return [place - 1, outgoing, replayable, site.hash];
}

/**
 * By name, because it may come from another realm.
 * @param {any} value
 */
const kindOf = (value) => value?.[Symbol.toStringTag];

/** @param {object} value */
const isPlain = (value) => !Object.getPrototypeOf(Object.getPrototypeOf(value) ?? Object.prototype);

/** @param {HeadersInit} [headers] */
const copyHeaders = (headers) =>
  headers && (isPlain(headers) ? { ...headers } : new Headers(headers));

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
