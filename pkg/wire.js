// @ts-check

/** The ways out of one client: the fetch to use, and the refresh. */
export class Wire {
  /** What `globalThis.fetch` was before it was replaced by the client's. @type {typeof fetch | undefined} */
  native;
  #given;
  /** @type {{ header?: string, value?: string, cookie?: string }} */
  #csrf;
  #refresh;

  /**
   * @param {import("./index.d.ts").Options} options
   * @param {ReturnType<typeof import("./options.js").readOptions>} read
   */
  constructor({ fetch, csrf }, read) {
    this.#given = fetch;
    this.#csrf = { ...csrf };
    this.#refresh = read;
  }

  /** Whether a fetch is being called. What that calls in turn is not for the client. */
  sending = false;

  /** @type {typeof fetch} */
  fetch = (input, init) => {
    this.sending = true;
    try {
      return Promise.resolve((this.#given ?? this.native ?? globalThis.fetch)(input, init));
    } finally {
      this.sending = false;
    }
  };

  /**
   * A cookie that is not there proves nothing, so then nothing is added.
   * @param {Headers} headers
   */
  addCsrf(headers) {
    const { header, cookie, value = cookie && readCookie(cookie) } = this.#csrf;
    if (header && value !== undefined) headers.set(header, value);
  }

  /**
   * @param {string} key
   * @param {AbortSignal} signal
   */
  refresh(key, signal) {
    const { refresh, home, method, idempotencyKey } = this.#refresh;
    const headers = new Headers(this.#refresh.headers);
    this.addCsrf(headers);
    // draft-ietf-httpapi-idempotency-key-header: a quoted string
    if (idempotencyKey) headers.set("idempotency-key", `"${key}"`);
    return this.fetch(refresh.href, {
      method,
      headers,
      signal,
      credentials: refresh.origin === home ? "same-origin" : "include",
      // A reload or a closed tab must not lose the cookie that the server has just rotated.
      keepalive: true,
      // A refresh that is sent elsewhere, to a sign-in page say, is a refusal and not a 200.
      redirect: "manual",
      cache: "no-store",
    });
  }
}

/** @param {string | undefined} name */
function readCookie(name) {
  try {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
    return found?.slice(`${name}=`.length);
  } catch {
    // No document (a worker), or one that may have no cookies (a sandboxed frame).
    return undefined;
  }
}
