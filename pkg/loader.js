// @ts-check

import { KeepfreshError } from "./error.js";

/** How long it takes, in milliseconds, until a load that failed is tried again: so long, doubling, to a minute. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;

/**
 * What the engine exports (src/js.rs). One a page: every client shares it.
 * @type {Promise<any> | undefined}
 */
let engine;
/** Until when the failure of the last load counts, and how long that pause is. */
let until = 0;
let pause = FIRST_PAUSE;

/**
 * A function that loads the engine, or hands over the one that is there. Once a load has failed it fails at once, until a
 * pause is over; `atOnce`: whatever pause is on.
 * @param {() => Promise<any>} source
 */
export const loader = (source) => (atOnce = false) => {
  if (until && (atOnce || performance.now() >= until)) {
    engine = undefined;
    until = 0;
  }
  return (engine ??= source().catch((cause) => {
    until = performance.now() + pause;
    pause = Math.min(2 * pause, LONGEST_PAUSE);
    throw new KeepfreshError("engine_unavailable", explain(cause), { cause });
  }));
};

/** @param {unknown} cause */
function explain(cause) {
  const why = String(cause);
  // What Chromium and WebKit say under a policy, what Firefox says, and what all say where it is switched off.
  return /unsafe-eval|by CSP|^ReferenceError/.test(why)
    ? "WebAssembly cannot run here; import keepfresh/js, or add 'wasm-unsafe-eval' to the policy's script-src"
    : `the engine could not be loaded (${why})`;
}
