// What goes out, and where: one request at a time, no redirect followed, and no host but those that were named.

import { request as plain } from "node:http";
import { request as encrypted } from "node:https";

/** The most that is kept of a body, in bytes; the rest is counted. */
const LARGEST = 1_000_000;
/** The longest that an answer may take, in milliseconds. */
const LONGEST = 10_000;

/** What cannot be asked: the message says why, in one line. */
export class Unasked extends Error {}

/**
 * @typedef {object} Answer
 * @property {string} method
 * @property {URL} url
 * @property {number} status
 * @property {Headers} headers
 * @property {string[]} setCookies The Set-Cookie headers.
 * @property {string} body
 * @property {number} size Of the body, in bytes.
 */

/**
 * Opens the way to the named addresses.
 * @param {URL[]} named
 */
export function openWire(named) {
  const origins = new Set(named.map((url) => url.origin));
  return {
    /** Whether that address may be asked. */
    reaches: (url) => origins.has(url.origin),

    /**
     * Sends a request. An error (`Unasked`) if its host was not named, if nobody answers there, or too late.
     * @param {{ method: string, url: URL, headers?: Record<string, string | undefined>, body?: string }} asked
     * @returns {Promise<Answer>}
     */
    send({ method, url, headers = {}, body }) {
      if (!origins.has(url.origin)) {
        return Promise.reject(new Unasked(`${url.origin} was not named on the command line, so it is not asked`));
      }
      return exchange(method, url, headers, body);
    },
  };
}

function exchange(method, url, headers, body) {
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Unasked(`${method} ${url.origin}${url.pathname}: ${why}`));
    const all = { accept: "*/*", "accept-encoding": "identity", "user-agent": "keepfresh-check", ...headers };
    if (body !== undefined) all["content-length"] = String(Buffer.byteLength(body));
    else if (method !== "GET" && method !== "HEAD" && method !== "OPTIONS") all["content-length"] = "0";
    for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];

    const send = url.protocol === "https:" ? encrypted : plain;
    // No connection is used twice: one that the server has just closed would be taken for a fault.
    const sent = send(url, { method, headers: all, agent: false }, (got) => {
      const parts = [];
      let size = 0;
      got.on("data", (part) => {
        if (size < LARGEST) parts.push(part);
        size += part.length;
      });
      got.on("error", (error) => fail(error.message));
      got.on("end", () => {
        clearTimeout(timer);
        const pairs = Object.entries(got.headers).filter(([name]) => name !== "set-cookie");
        resolve({
          method,
          url,
          status: got.statusCode,
          headers: new Headers(pairs.map(([name, value]) => [name, String(value)])),
          setCookies: got.headers["set-cookie"] ?? [],
          body: Buffer.concat(parts).toString(),
          size,
        });
      });
    });
    const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${LONGEST / 1_000} s`)), LONGEST);
    sent.on("error", (error) => {
      clearTimeout(timer);
      fail(error.code === "ECONNREFUSED" ? "nobody listens there" : error.message || error.code);
    });
    sent.end(body);
  });
}
