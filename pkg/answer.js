// @ts-check
// What answers say: packed into numbers, as the engine takes them (`Facts` in src/core/policy.rs).

import { attempt } from "./options.js";

const REDIRECTED = 1 << 10;
const UNGUARDED = 1 << 11;
const CACHED = 1 << 16;

/** The most that we read of a body by ourselves, in bytes, and the longest that we wait for it, in milliseconds. */
const LARGEST = 65_536;
const LONGEST = 1_000;

/**
 * What fetch resolved with, if that is a response. From a fetch that the page brought along, it may be anything.
 * @param {any} response
 * @returns {Response}
 */
export function expectResponse(response) {
  if (typeof response?.status !== "number") throw new TypeError("fetch resolved with what is no Response");
  return response;
}

/**
 * @param {Response} response
 * @param {(url: string) => import("./scope.js").Site | undefined} siteOf
 * @param {boolean} mayBeCached Whether the request may have been answered by the HTTP cache.
 */
export function factsOf(response, siteOf, mayBeCached) {
  const { status, redirected, type, url } = response;
  // A status of more bits would be taken for something else.
  let facts = status >= 0 && status < 1_000 ? status : 0;
  if (redirected || type === "opaqueredirect") facts |= REDIRECTED;
  if (redirected && !siteOf(url)?.guarded) facts |= UNGUARDED;
  if (mayBeCached && response.ok && canBeCached(response.headers)) facts |= CACHED;
  return facts;
}

/** @param {Headers} headers */
function canBeCached(headers) {
  const control = headers.get("cache-control");
  return control === null
    ? headers.has("last-modified") || headers.has("expires")
    : !/no-store|no-cache/i.test(control);
}

/**
 * What the refresh was answered, as the engine takes it: the status (0: a redirect), `Retry-After` in milliseconds, what
 * `interpret` said, the lifetime in milliseconds, and the number of the subject.
 * @param {Response} response
 */
export async function readRefresh(response) {
  // An injected fetch may resolve with what native fetch rejects with.
  if (response.type === "error") throw new TypeError("the refresh was answered by Response.error()");
  // It is sent so that the browser does not follow redirects, and a redirect then has no status. A service worker or an
  // injected fetch may follow one all the same.
  const status = response.redirected ? 0 : response.status;
  let lifetime = NaN;
  if (response.ok) lifetime = lifetimeIn(await readBody(response));
  else cancel(response);
  return [status, retryAfter(response.headers), 0, lifetime, 0];
}

/**
 * How long the access token lives, in milliseconds. A finite number above zero counts, and nothing else.
 * @param {any} body
 */
export function lifetimeIn(body) {
  const seconds = body?.expires_in ?? body?.expiresIn;
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : NaN;
}

/**
 * The body of a response that is ours: parsed if it is JSON, otherwise text. What is too large or too slow is given up, and
 * `undefined`, as if there were none.
 * @param {Response} response
 * @returns {Promise<unknown>}
 */
export async function readBody(response) {
  const reader = response.body?.getReader();
  if (!reader) return undefined;
  let room = LARGEST;
  const stop = () => {
    room = -1;
    reader.cancel().catch(() => {});
  };
  const timer = setTimeout(stop, LONGEST);
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      room -= chunk.value.byteLength;
      text += decoder.decode(chunk.value, { stream: true });
      if (room < 0) stop();
    }
  } catch {
    room = -1;
  }
  clearTimeout(timer);
  if (room < 0) return undefined;
  return attempt(() => JSON.parse(text)) ?? text;
}

/**
 * Gives up a body that nobody will read, and with it the connection.
 * @param {Response} response
 */
export const cancel = (response) => void response.body?.cancel().catch(() => {});

/**
 * `Retry-After` in milliseconds: it comes as seconds or as a date (RFC 9110, section 10.2.3). A date is one of the server's
 * clock, which the answer tells too.
 * @param {Headers} headers
 */
function retryAfter(headers) {
  const value = headers.get("retry-after");
  if (!value) return NaN;
  const seconds = Number(value);
  if (!Number.isNaN(seconds)) return seconds * 1_000;
  return Date.parse(value) - (Date.parse(headers.get("date") ?? "") || Date.now());
}
