// @ts-check

import { imports } from "./engine/glue.js";

/** From before a client can have been installed in its place: that one would wait for the engine. */
const fetch = globalThis.fetch;

/**
 * Compiles the engine, while it is still coming in where that can be.
 * @param {import("./slim.d.ts").EngineSource | undefined} source
 */
export async function compile(source) {
  const given = await (typeof source === "function" ? source() : source);
  const module =
    typeof given === "string" || given instanceof URL
      ? await compileResponse(await fetch(given))
      : given instanceof Response
        ? await compileResponse(given)
        : await compileBytes(given);
  const foreign = WebAssembly.Module.imports(module).find(({ module }) => !(module in imports));
  if (foreign) throw new Error("the .wasm is that of another version of keepfresh, or of something else");
  return module;
}

/**
 * @param {Response} response
 * @returns {Promise<WebAssembly.Module>}
 */
async function compileResponse(response) {
  const { ok, status, url } = response;
  const type = response.headers.get("content-type") ?? "";
  if (!ok) throw new Error(`${url} was answered ${status}`);
  if (/html/i.test(type)) throw new Error(`${url} is a page, and not the .wasm: is that deployed?`);
  // Browsers compile a stream only if its type is right, to the letter.
  return type === "application/wasm" ? WebAssembly.compileStreaming(response) : compileBytes(await response.arrayBuffer());
}

/** @param {any} given */
async function compileBytes(given) {
  if (given === undefined) throw new Error('call init() with where "keepfresh/keepfresh.wasm" is');
  return given instanceof WebAssembly.Module ? given : WebAssembly.compile(given);
}
