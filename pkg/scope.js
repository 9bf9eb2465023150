// @ts-check

import { attempt, base, withoutQuery } from "./options.js";

export const UNGUARDED = 0;
export const GUARDED = 1;
export const SIGN_IN = 2;
export const SIGN_OUT = 3;

/** @typedef {{ address: string, method: string | undefined }} Endpoint A sign-in or a sign-out. */

/**
 * What an address is to a client.
 * @typedef {object} Site
 * @property {boolean} guarded
 * @property {boolean} elsewhere Whether the cookies go along only if the request says so.
 * @property {number} hash Tells it from others.
 * @property {string | undefined} relativeTo What it was relative to, if it was.
 * @property {(method: string) => number} placeOf What a request of that method is.
 */

/** How many addresses are remembered. A page with more of them (ids in the path) starts over now and then. */
const SITES = 500;

/**
 * Which requests are a client's: a function that says what a URL is to it, or `undefined` if it is nothing.
 *
 * `src/core/scope.rs` says the same for the Rust edge; both are held to one table, `tests/scope.json`.
 *
 * @param {import("./options.js").Options["scope"]} scope
 * @returns {(url: string) => Site | undefined}
 */
export function openScope({ home, refresh, guard, exclude, signIn, signOut }) {
  /** @type {Map<string, Site | undefined>} */
  const sites = new Map();
  /** What relative URLs were relative to at that time. @type {string | undefined} */
  let sitesBase;

  /** @param {URL} url */
  const look = (url) => {
    const address = withoutQuery(url);
    /** @param {string[]} prefixes */
    const isBelow = (prefixes) => prefixes.some((prefix) => covers(prefix, address));
    /** @param {Endpoint[]} endpoints */
    const here = (endpoints) => endpoints.filter((endpoint) => endpoint.address === address);
    const [begins, ends] = [here(signIn), here(signOut)];
    const isEndpoint = begins.length + ends.length;
    const guarded = !isEndpoint && address !== refresh && isBelow(guard) && !isBelow(exclude);
    if (!isEndpoint && !guarded) return undefined;
    return {
      guarded,
      elsewhere: url.origin !== home,
      hash: hash(address),
      relativeTo: sitesBase,
      /** @param {string} method */
      placeOf: (method) => {
        if (guarded) return GUARDED;
        /** @param {Endpoint} endpoint */
        const suits = (endpoint) =>
          endpoint.method ? endpoint.method === method.toUpperCase() : isUnsafe(method);
        return begins.some(suits) ? SIGN_IN : ends.some(suits) ? SIGN_OUT : UNGUARDED;
      },
    };
  };

  return (address) => {
    const relativeTo = base();
    if (sitesBase !== relativeTo || sites.size >= SITES) {
      sites.clear();
      sitesBase = relativeTo;
    }
    if (!sites.has(address)) {
      const url = attempt(() => new URL(address, relativeTo));
      // Of one that makes no sense, fetch is the one to say so.
      sites.set(address, url && look(url));
    }
    return sites.get(address);
  };
}

/**
 * Whether a request of that method can change something (RFC 9110, section 9.2.1).
 * @param {string} method
 */
export const isUnsafe = (method) => !/^(GET|HEAD|OPTIONS|TRACE)$/i.test(method);

/**
 * Whether a request that is ours is passed through, because its caller wants no cookies.
 * @param {Site} site
 * @param {unknown} credentials The mode that the caller chose, if any.
 */
export const declines = (site, credentials) =>
  credentials === "omit" || (site.elsewhere && credentials === "same-origin");

/**
 * By whole path segments: `/api` covers `/api` and `/api/notes`, and not `/apix`.
 * @param {string} prefix
 * @param {string} address
 */
const covers = (prefix, address) => `${address}/`.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);

/**
 * FNV-1a, 32 bits: short, and as good as any for some hundred addresses.
 * @param {string} text
 */
export function hash(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
