// What a call costs beside its request: microseconds of a call whose fetch answers at once.

import { shuffled } from "./contenders.js";
import { useInstant, useReal } from "./wire.js";

const CALLS = 250;
const AT_ONCE = 50;

const headers = { accept: "application/json", "accept-language": "en", "x-request-id": "0123456789abcdef" };
const json = { "content-type": "application/json" };
const kilobyte = JSON.stringify({ text: "x".repeat(1013) });

const SHAPES = {
  get: ({ get }) => () => get("/api/small"),
  headers: ({ getWith }) => () => getWith("/api/small", headers),
  post: ({ post }) => () => post("/api/upload", kilobyte, json),
  // Making the Request is the caller's, and costs the same with fetch itself.
  request: ({ request }) => request && (() => request(new Request("/api/small"))),
};

export async function overhead(contenders, rounds, record) {
  useInstant();
  // The first round is for the compiler.
  for (let round = -1; round < rounds; round += 1) {
    for (const [shape, callOf] of Object.entries(SHAPES)) {
      for (const contender of shuffled(contenders)) {
        const call = callOf(contender);
        if (!call) continue;
        globalThis.gc?.();
        const inTurn = await microseconds(call, 1);
        const atOnce = await microseconds(call, AT_ONCE);
        if (round < 0) continue;
        record(`overhead_${shape}_in_turn`, contender.name, inTurn);
        record(`overhead_${shape}_at_once`, contender.name, atOnce);
      }
    }
  }
  useReal();
}

async function microseconds(call, atOnce) {
  for (let n = 0; n < 20; n += 1) await call();
  const start = performance.now();
  if (atOnce === 1) {
    for (let n = 0; n < CALLS; n += 1) await call();
  } else {
    for (let n = 0; n < CALLS; n += atOnce) await Promise.all(Array.from({ length: atOnce }, call));
  }
  return ((performance.now() - start) / CALLS) * 1000;
}
