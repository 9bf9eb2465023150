// @ts-check

/**
 * A request as it was when its caller made it, to be sent as often as need be with the same bytes.
 *
 * What the caller still holds in hand and may change (headers, buffers, forms) is copied at once; what cannot change
 * (strings, blobs, a request without a body) is not.
 *
 * Returns what the engine takes: the request, whether it is replayable (a stream can be sent only once), and the
 * credentials mode that the caller chose, as the engine counts them, or -1 if nobody did.
 *
 * @param {import("./wire.js").Wire} wire
 * @param {RequestInfo | URL} input
 * @param {RequestInit} [init]
 */
export function capture(wire, input, init) {
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

  /** @param {RequestInit} more */
  const change = (more) => {
    // Any `init` makes fetch forget a request's referrer (Fetch standard, constructor of Request, step 13). What is
    // `undefined` is as good as missing.
    init = { referrer: request?.referrer, referrerPolicy: request?.referrerPolicy, ...init, ...more };
  };

  const outgoing = {
    signal: init?.signal ?? request?.signal,

    /** Whether it can change something (RFC 9110, section 9.2.1). */
    isUnsafe() {
      return !/^(GET|HEAD|OPTIONS|TRACE)$/i.test(init?.method ?? request?.method ?? "GET");
    },

    /** Sends it, once more. */
    send() {
      const sent = next;
      if (isCloned) next = sent.clone();
      return wire.fetch(sent, init);
    },

    /** Has it carry cookies to another origin. */
    include() {
      change({ credentials: "include" });
    },

    /** @param {boolean} stay Whether to keep the browser from redirecting the request to another origin with it. */
    addCsrf(stay) {
      const headers = new Headers(init?.headers ?? request?.headers);
      wire.addCsrf(headers);
      change({ headers, mode: init?.mode ?? (stay ? "same-origin" : undefined) });
    },
  };
  // A `Request` always has a credentials mode: "same-origin" when nobody chose, and that counts as none.
  const credentials = init?.credentials ?? request?.credentials?.replace("same-origin", "");
  return [outgoing, replayable, MODES.indexOf(credentials)];
}

/** @type {unknown[]} */
const MODES = ["omit", "same-origin", "include"];

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
