// @ts-check

import { imports } from "./engine/glue.js";
import { isUrl } from "./options.js";

/** From before a client can have been installed in its place: that one would wait for the engine. */
const fetch = globalThis.fetch;

/**
 * Compiles the engine, while it is still coming in where that can be.
 * @param {import("./slim.d.ts").EngineSource | undefined} source
 */
export async function compile(source) {
  /** @type {any} */
  let engine = await (typeof source === "function" ? source() : source);
  if (!engine) throw new Error("call init() with the URL of keepfresh/keepfresh.wasm");
  if (isUrl(engine)) engine = await fetch(engine);
  if (engine instanceof Response) engine = await read(engine);
  if (!(engine instanceof WebAssembly.Module)) engine = await WebAssembly.compile(engine);
  if (WebAssembly.Module.imports(engine).some(({ module }) => !(module in imports))) {
    throw new Error("the .wasm is of another version");
  }
  return engine;
}

/**
 * The module, or its bytes: browsers compile a stream only if its type is right, to the letter.
 * @param {Response} response
 */
function read(response) {
  const { ok, status, url } = response;
  /** `null` is no page either, to the pattern. @type {any} */
  const type = response.headers.get("content-type");
  if (!ok) throw new Error(`${url} was answered ${status}`);
  if (/html/i.test(type)) throw new Error(`${url} is a page, and not the .wasm`);
  return type === "application/wasm" ? WebAssembly.compileStreaming(response) : response.arrayBuffer();
}
