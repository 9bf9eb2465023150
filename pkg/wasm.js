// @ts-check

import { imports, start } from "./engine/glue.js";

/** @param {WebAssembly.Module} module */
export async function instantiate(module) {
  const { exports } = await WebAssembly.instantiate(module, /** @type {any} */ (imports));
  return start(exports);
}
