// @ts-check

import * as glue from "./engine/glue.js";
import { KeepfreshError } from "./error.js";

/** @typedef {new (session: string, host: object, ...options: any[]) => any} Engine */

/**
 * One engine a page: every client shares it.
 * @type {Promise<{ Engine: Engine }> | undefined}
 */
let engine;

/**
 * A function that loads the engine, or hands over the one that is there. A load that failed is not remembered: the
 * next call tries again.
 * @param {() => Promise<WebAssembly.Module>} source
 */
export const loader = (source) => () =>
  (engine ??= instantiate(source).catch((cause) => {
    engine = undefined;
    throw new KeepfreshError("engine_unavailable", explain(cause), cause);
  }));

/** @param {() => Promise<WebAssembly.Module>} source */
async function instantiate(source) {
  const instance = await WebAssembly.instantiate(await source(), glue.imports);
  const exports = /** @type {any} */ (instance.exports);
  glue.__wbg_set_wasm(exports);
  exports.__wbindgen_start();
  return glue;
}

/** @param {unknown} cause */
function explain(cause) {
  const why = String(cause);
  return /Content Security Policy|unsafe-eval|blocked by CSP/i.test(why)
    ? "the page's Content Security Policy forbids WebAssembly; add 'wasm-unsafe-eval' to its script-src"
    : typeof WebAssembly === "undefined"
      ? "there is no WebAssembly here"
      : `the engine could not be loaded (${why})`;
}
