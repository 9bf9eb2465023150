/**
 * The default entry without WebAssembly: the same engine, translated to JavaScript. For pages whose Content Security Policy
 * has no `'wasm-unsafe-eval'`, and for browsers where WebAssembly is switched off.
 *
 * ```js
 * import { createClient } from "keepfresh/js";
 *
 * const client = createClient({ refresh: "/auth/refresh" });
 * ```
 */

/// <reference lib="dom" />

export * from "./index.js";
