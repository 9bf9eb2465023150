// @ts-check
// The entry without WebAssembly: the same engine, translated to JavaScript.

import { begin } from "./engine/translated.js";
import { makeClient } from "./client.js";
import { loader } from "./loader.js";

const load = loader(async () => begin());

/** @type {typeof import("./index.d.ts").createClient} */
export const createClient = (options) => makeClient(options, load);

/** @type {typeof import("./index.d.ts").init} */
export const init = async () => void (await load(true));

export { isKeepfreshError, KeepfreshError } from "./error.js";
