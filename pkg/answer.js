// @ts-check
// What answers say: packed into numbers, as the engine takes them (`Facts` in src/core/policy.rs).

import { KeepfreshError } from "./error.js";
import { attempt } from "./options.js";
import { hash } from "./scope.js";

const REDIRECTED = 1 << 10;
const UNGUARDED = 1 << 11;
export const JUDGED_EXPIRED = 1 << 12;
export const JUDGED_FINE = 2 << 12;
const SAID = 14;
const CACHED = 1 << 16;

/** In the order of the engine's enum. @type {unknown[]} */
const OUTCOMES = ["renewed", "expired", "unavailable"];

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
  const { status, redirected, type } = response;
  // A status of more bits would be taken for something else.
  let facts = status >= 0 && status < 1_000 ? status : 0;
  if (redirected || type === "opaqueredirect") facts |= REDIRECTED;
  if (redirected && !siteOf(response.url)?.guarded) facts |= UNGUARDED;
  if (mayBeCached && isSuccess(status) && canBeCached(response.headers)) facts |= CACHED;
  return facts;
}

/**
 * Whether those facts are of an answer that means "the access token has expired".
 * @param {number} facts
 * @param {number[]} statuses
 */
export const tellsExpiry = (facts, statuses) =>
  facts & (JUDGED_EXPIRED | JUDGED_FINE)
    ? (facts & JUDGED_EXPIRED) !== 0
    : !(facts & UNGUARDED) && statuses.includes(facts & (REDIRECTED - 1));

/**
 * Whether those facts are of a 2xx of the server's own: neither by a redirect nor from a cache.
 * @param {number} facts
 */
export const isSuccess = (facts) => {
  const status = facts & ~JUDGED_FINE;
  return status >= 200 && status < 300;
};

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
 * @param {import("./index.d.ts").Options["interpret"]} interpret
 */
export async function readRefresh(response, interpret) {
  // An injected fetch may resolve with what native fetch rejects with.
  if (response.type === "error") throw new TypeError("the refresh was answered by Response.error()");
  // It is sent so that the browser does not follow redirects, and a redirect then has no status. A service worker or an
  // injected fetch may follow one all the same.
  const status = response.redirected ? 0 : response.status;
  const isRead = response.ok || interpret;
  const body = isRead ? await readBody(response) : cancel(response);
  const { said, lifetime, subject } = read("refresh", response, body, interpret);
  return [status, retryAfter(response.headers), said, lifetime, subject];
}

/**
 * What the answer to a sign-in or a sign-out says. The response stays whole.
 * @param {"signIn" | "signOut"} of
 * @param {Response} response
 * @param {import("./index.d.ts").Options["interpret"]} interpret
 */
export async function readSigning(of, response, interpret) {
  const isRead = interpret || (of === "signIn" && response.ok);
  const body = isRead ? await readBody(response.clone()) : undefined;
  const { said, lifetime, subject } = read(of, response, body, interpret);
  return { facts: said << SAID, lifetime, subject };
}

/**
 * @param {"refresh" | "signIn" | "signOut"} of
 * @param {Response} response
 * @param {any} body
 * @param {import("./index.d.ts").Options["interpret"]} interpret
 */
function read(of, response, body, interpret) {
  /** @type {any} */
  let told;
  try {
    told = interpret?.({ of, response, body });
    if (told?.outcome !== undefined && !OUTCOMES.includes(told.outcome)) {
      throw new KeepfreshError(
        "invalid_options",
        `interpret returned the outcome "${told.outcome}": expected one of ${OUTCOMES.join(", ")}`,
      );
    }
  } catch (error) {
    report(error);
  }
  const { outcome, expiresIn, subject } = told ?? {};
  return {
    said: OUTCOMES.indexOf(outcome) + 1,
    lifetime: inMilliseconds(expiresIn ?? body?.expires_in ?? body?.expiresIn),
    subject: subject == null ? 0 : hash(String(subject)) || 1,
  };
}

/**
 * A lifetime in milliseconds. A finite number of seconds above zero counts, and nothing else.
 * @param {any} seconds
 */
const inMilliseconds = (seconds) => (Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : NaN);

/**
 * What went wrong in a function of the page's that we called: told as if nobody had caught it, and no more comes of it.
 * @param {unknown} error
 */
export const report = (error) => (globalThis.reportError ?? console.error)(error);

/**
 * The body of a response that is ours: parsed if it is JSON, otherwise text. What is too large or too slow is given up, and
 * `undefined`, as if there were none.
 * @param {Response} response
 * @returns {Promise<unknown>}
 */
async function readBody(response) {
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
  if (room < 0 || !text) return undefined;
  return attempt(() => JSON.parse(text)) ?? text;
}

/**
 * Gives up a body that nobody will read, and with it the connection.
 * @param {Response} response
 */
const cancel = (response) => void response.body?.cancel().catch(() => {});

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
