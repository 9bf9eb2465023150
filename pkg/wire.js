// @ts-check

import { attempt } from "./options.js";

/** @typedef {ReturnType<typeof openWire>} Wire */

/**
 * The ways out of one client: the fetch to use, and the refresh. And the way in that can be had: in fetch's place.
 * @param {ReturnType<typeof import("./options.js").readOptions>} options
 */
export function openWire({ fetch: given, csrf, url, idempotencyKey, init }) {
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
   * A cookie that is not there proves nothing, so then nothing is added.
   * @param {Headers} headers
   */
  const addCsrf = (headers) => {
    const { header, cookie, value = cookie && readCookie(cookie) } = csrf;
    if (value !== undefined) headers.set(header, value);
  };

  return {
    fetch: send,
    addCsrf,

    /**
     * `seed` and `number` name it.
     * @param {number} seed
     * @param {number} number
     * @param {AbortSignal} signal
     */
    refresh(seed, number, signal) {
      const headers = new Headers(init.headers);
      addCsrf(headers);
      // draft-ietf-httpapi-idempotency-key-header: a quoted string
      if (idempotencyKey) headers.set("idempotency-key", `"${seed}-${number}"`);
      return send(url, { ...init, headers, signal });
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
