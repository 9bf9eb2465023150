// @ts-check
// The default entry: the engine comes inside, so that there is no file to serve and no path to get wrong.

import inline from "./engine/inline.js";
import { Client } from "./client.js";
import { loader } from "./loader.js";

const load = loader(async () => {
  const deflated = Uint8Array.from(atob(inline), (char) => char.charCodeAt(0));
  const wasm = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return WebAssembly.compile(await new Response(wasm).arrayBuffer());
});

/** @type {typeof import("./index.d.ts").createClient} */
export const createClient = (options) => new Client(options, load);

/** @type {typeof import("./index.d.ts").init} */
export const init = async () => void (await load());

export { isKeepfreshError, KeepfreshError } from "./error.js";
