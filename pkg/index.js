// @ts-check
// The default entry: the engine comes inside, so that there is no file to serve and no path to get wrong.

import inline from "./engine/inline.js";
import { makeClient } from "./client.js";
import { loader } from "./loader.js";
import { instantiate } from "./wasm.js";

const load = loader(async () => {
  // The browser's own decoder saves milliseconds; not every browser has it.
  const deflated =
    /** @type {any} */ (Uint8Array).fromBase64?.(inline) ?? Uint8Array.from(atob(inline), (char) => char.charCodeAt(0));
  const wasm = /** @type {ReadableStream} */ (new Response(deflated).body).pipeThrough(new DecompressionStream("deflate-raw"));
  return instantiate(await WebAssembly.compile(await new Response(wasm).arrayBuffer()));
});

/** @type {typeof import("./index.d.ts").createClient} */
export const createClient = (options) => makeClient(options, load);

/** @type {typeof import("./index.d.ts").init} */
export const init = async () => void (await load(true));

export { isKeepfreshError, KeepfreshError } from "./error.js";
