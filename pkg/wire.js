// @ts-check

import { expectResponse, readRefresh } from "./answer.js";
import { attempt } from "./options.js";

/** @typedef {ReturnType<typeof openWire>} Wire */

/**
 * The ways out of one client: the fetch to use, and the refresh. And the way in that can be had: in fetch's place.
 * @param {import("./options.js").Options} options
 */
export function openWire({ fetch: given, csrf, url, idempotencyKey, init, timeout }) {
  /** What `globalThis.fetch` was before it was replaced by the client's. @type {typeof fetch | undefined} */
  let native;
  /** @type {(() => void) | undefined} */
  let uninstall;
  /** Whether a fetch is being called. What that calls in turn is not for the client. */
  let sending = false;

  /** @type {typeof fetch} */
  const send = (input, init) => {
    sending = true;
    try {
      return Promise.resolve((given ?? native ?? globalThis.fetch)(input, init));
    } finally {
      sending = false;
    }
  };

  /**
   * These headers, and the CSRF header: never over one that is there, and only if there is a value that it can hold. A
   * cookie that is not there proves nothing.
   * @param {HeadersInit} [headers]
   */
  const withCsrf = (headers) => {
    const { header, cookie, value = cookie && readCookie(cookie) } = csrf;
    const all = new Headers(headers);
    if (value !== undefined && !all.has(header)) attempt(() => all.set(header, value));
    return all;
  };

  return {
    fetch: send,

    /**
     * The same, but that what comes back is a response.
     * @param {RequestInfo | URL} input
     * @param {RequestInit} [init]
     */
    send: (input, init) => send(input, init).then(expectResponse),

    csrf: csrf && withCsrf,

    /**
     * Comes back with five numbers. `seed` and `number` name the refresh.
     * @param {number} seed
     * @param {number} number
     */
    async refresh(seed, number) {
      const headers = csrf ? withCsrf(init.headers) : new Headers(init.headers);
      // draft-ietf-httpapi-idempotency-key-header: a quoted string
      if (idempotencyKey) headers.set("idempotency-key", `"${seed}-${number}"`);
      return readRefresh(expectResponse(await send(url, { ...init, headers, signal: AbortSignal.timeout(3 * timeout) })));
    },

    /** @param {typeof fetch} client */
    install(client) {
      if (uninstall) return uninstall;
      const before = globalThis.fetch;
      const undo = () => {
        if (uninstall !== undo) return;
        uninstall = native = undefined;
        // Somebody else may have wrapped it since; then ours stays in their chain and hands through.
        if (globalThis.fetch === installed) globalThis.fetch = before;
      };
      /** @type {typeof fetch} */
      const installed = (input, init) => (uninstall === undo && !sending ? client : before)(input, init);
      native = before;
      globalThis.fetch = installed;
      return (uninstall = undo);
    },

    uninstall: () => uninstall?.(),
  };
}

/** @param {string} name */
function readCookie(name) {
  // There may be no document (a worker), or one that may have no cookies (a sandboxed frame).
  const cookies = attempt(() => document.cookie);
  // Each behind a separator, the first one too.
  return `; ${cookies}`.split(`; ${name}=`)[1]?.split(";")[0];
}
