// @ts-check

import { imports, start } from "./engine/glue.js";
import { KeepfreshError } from "./error.js";

/**
 * What the engine exports (src/js.rs). One a page: every client shares it.
 * @type {Promise<any> | undefined}
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
    throw new KeepfreshError("engine_unavailable", explain(cause), { cause });
  }));

/** @param {() => Promise<WebAssembly.Module>} source */
async function instantiate(source) {
  const { exports } = await WebAssembly.instantiate(await source(), /** @type {any} */ (imports));
  start(exports);
  return exports;
}

/** @param {unknown} cause */
function explain(cause) {
  const why = String(cause);
  // What Chromium and WebKit say, and what Firefox says.
  return /unsafe-eval|by CSP/.test(why)
    ? "the page's Content Security Policy forbids WebAssembly; add 'wasm-unsafe-eval' to script-src"
    : `the engine could not be loaded (${why})`;
}
