// @ts-check

// Registered, and so the same symbol in every realm and every bundle of the page.
const brand = Symbol.for("keepfresh.error");

export class KeepfreshError extends Error {
  name = "KeepfreshError";

  /**
   * @param {import("./index.d.ts").KeepfreshError["code"]} code
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(`keepfresh: ${message}`, options);
    this.code = code;
  }

  get [brand]() {
    return true;
  }
}

/** @type {typeof import("./index.d.ts").isKeepfreshError} */
export const isKeepfreshError = /** @type {any} */ (
  (/** @type {any} */ value) => value?.[brand] === true
);
