/**
 * The lean entry: the engine is not inside. It is the file `keepfresh/keepfresh.wasm`, which the bundler or the server
 * puts somewhere, and {@link init} is told where.
 *
 * ```js
 * import engine from "keepfresh/keepfresh.wasm?url"; // Vite; elsewhere new URL("keepfresh/keepfresh.wasm", import.meta.url)
 * import { createClient, init } from "keepfresh/slim";
 *
 * init(engine);
 * const client = createClient({ refresh: "/auth/refresh" });
 * ```
 */

/// <reference lib="dom" />

export * from "./index.js";

/**
 * Says where the engine is, and begins to load it. Nobody has to wait for that: calls do.
 *
 * @param engine Used again by the call after one that failed to load it; so hand a `Response` over as a function.
 * @throws {KeepfreshError} `engine_unavailable` (as a rejection), saying what to do about it. The next call tries again.
 */
export function init(engine: EngineSource): Promise<void>;

/**
 * Where the engine is: its URL, a response that brings it, its bytes, the compiled module, a promise of one of these, or
 * a function that gets one. It is compiled while it comes in, if it comes as `application/wasm`; otherwise afterwards.
 */
export type EngineSource = Engine | PromiseLike<Engine> | (() => Engine | PromiseLike<Engine>);

type Engine = string | URL | Response | BufferSource | WebAssembly.Module;
