// @ts-check
// The lean entry: the engine is a file, which the page's bundler or server puts somewhere.

// In the order in which the bundle compresses best.
import { compile } from "./compile.js";
import { makeClient } from "./client.js";
import { loader } from "./loader.js";
import { instantiate } from "./wasm.js";

/** @type {import("./slim.d.ts").EngineSource | undefined} */
let engine;

const load = loader(async () => instantiate(await compile(engine)));

/** @type {typeof import("./slim.d.ts").createClient} */
export const createClient = (options) => makeClient(options, load);

/** @type {typeof import("./slim.d.ts").init} */
export const init = (source) => {
  engine = source;
  const loaded = load(true).then(() => {});
  // Whoever does not wait for it is told by the first call.
  loaded.catch(() => {});
  return loaded;
};

export { isKeepfreshError, KeepfreshError } from "./error.js";
