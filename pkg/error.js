// @ts-check

// Registered, and so the same symbol in every realm and every bundle of the page.
const brand = Symbol.for("keepfresh.error");

export class KeepfreshError extends Error {
  /**
   * @param {import("./index.d.ts").KeepfreshError["code"]} code
   * @param {string} message
   * @param {unknown} [cause]
   */
  constructor(code, message, cause) {
    super(`keepfresh: ${message}`, cause === undefined ? undefined : { cause });
    this.name = "KeepfreshError";
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** @type {typeof import("./index.d.ts").isKeepfreshError} */
export const isKeepfreshError = /** @type {any} */ (
  (/** @type {any} */ value) => value?.[brand] === true
);
