// @ts-check
// The default entry: the engine comes inside, so that there is no file to serve and no path to get wrong.

import inline from "./engine/inline.js";
import { Client } from "./client.js";
import { loader } from "./loader.js";

const load = loader(() => Uint8Array.from(atob(inline), (char) => char.charCodeAt(0)));

/** @type {import("./index.js").createClient} */
export const createClient = (options) => new Client(options, load);

/** @type {import("./index.js").init} */
export const init = async () => void (await load());

export { isKeepfreshError, KeepfreshError } from "./error.js";
