// @ts-check

/**
 * A request as it was when its caller made it, to be sent as often as need be with the same bytes.
 *
 * What the caller still holds in hand and may change (headers, buffers, forms) is copied at once; what cannot change
 * (strings, blobs, a request without a body) is not. A stream can be sent only once, and is not `replayable`.
 */
export class OutgoingRequest {
  /** @type {Wire} */
  #wire;
  /** @type {Request | string} */
  #input;
  /** @type {RequestInit | undefined} */
  #init;
  /** Whether `#input` is a `Request` with a body: that can be read once, so a clone of it is kept. */
  #cloned = false;

  /**
   * @param {Wire} wire
   * @param {RequestInfo | URL} input
   * @param {RequestInit} [init]
   */
  constructor(wire, input, init) {
    this.#wire = wire;
    this.#input = isRequest(input) ? input : String(input);
    this.replayable = !isStream(init?.body);
    if (!init) {
      this.#cloned = mayHaveBody(this.#input);
    } else if (isPlain(init) || !this.replayable) {
      this.#init = { ...init, headers: copyHeaders(init.headers) };
      if (init.body == null) this.#cloned = mayHaveBody(this.#input);
      else this.#init.body = copyBody(init.body);
    } else {
      // An object of a class keeps what it knows behind getters: only `Request` can tell what it means.
      this.#input = new Request(input, init);
      this.#cloned = mayHaveBody(this.#input);
    }
  }

  /**
   * The credentials mode that the caller chose, as the engine counts them; -1 if nobody did. A `Request` always has one:
   * "same-origin" when nobody chose.
   */
  get credentials() {
    const { credentials: mode = "" } = this.#request ?? {};
    return MODES.indexOf(this.#init?.credentials ?? (mode === "same-origin" ? "" : mode));
  }

  /** Whether it can change something (RFC 9110, section 9.2.1). */
  get isUnsafe() {
    return !/^(GET|HEAD|OPTIONS|TRACE)$/i.test(this.#init?.method ?? this.#request?.method ?? "GET");
  }

  get signal() {
    return this.#init?.signal ?? this.#request?.signal;
  }

  /** Sends it, once more. */
  send() {
    const input = this.#input;
    if (this.#cloned) this.#input = /** @type {Request} */ (input).clone();
    return this.#wire.fetch(input, this.#init);
  }

  includeCredentials() {
    this.#change({ credentials: "include" });
  }

  /** @param {boolean} stay Whether to keep the browser from redirecting the request to another origin with it. */
  addCsrf(stay) {
    const headers = new Headers(this.#init?.headers ?? this.#request?.headers);
    this.#wire.addCsrf(headers);
    this.#change({ headers });
    if (stay && !this.#init?.mode) this.#change({ mode: "same-origin" });
  }

  get #request() {
    return typeof this.#input === "string" ? undefined : this.#input;
  }

  /** @param {RequestInit} init */
  #change(init) {
    // Any `init` makes fetch forget a request's referrer (Fetch standard, constructor of Request, step 13).
    const { referrer, referrerPolicy } = this.#request ?? {};
    this.#init = { ...(this.#request && { referrer, referrerPolicy }), ...this.#init, ...init };
  }
}

const MODES = ["omit", "same-origin", "include"];

/** @typedef {{ fetch: typeof fetch, addCsrf: (headers: Headers) => void }} Wire */

/**
 * By what it has, not by its class: a request may come from another realm.
 * @param {any} input
 * @returns {input is Request}
 */
const isRequest = (input) => typeof input?.url === "string";

/**
 * By method: Firefox does not tell the body of a `Request`.
 * @param {Request | string} input
 */
const mayHaveBody = (input) => typeof input !== "string" && !/^(GET|HEAD)$/.test(input.method);

/** @param {unknown} value */
const kindOf = (value) => Object.prototype.toString.call(value).slice(8, -1);

/** @param {unknown} body */
const isStream = (body) => kindOf(body) === "ReadableStream";

/** @param {object} value */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

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
      for (const [name, value] of body) copy.append(name, value);
      return copy;
    }
    default:
      return body;
  }
}
