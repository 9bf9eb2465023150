// What a call costs beside its request: microseconds of a call whose fetch answers at once.

import { sweep } from "./sweep.js";
import { useInstant, useReal } from "./wire.js";

const CALLS = 50;
const PASSES = 8;

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
      const those = contenders
        .map((contender) => ({ name: contender.name, call: callOf(contender) }))
        .filter(({ call }) => call);
      globalThis.gc?.();
      for (const [how, work] of Object.entries({ in_turn: inTurn, at_once: atOnce })) {
        for (const contender of those) await work(contender);
        await sweep(those, PASSES, work, (name, milliseconds) => {
          if (round < 0) return;
          record(`overhead_${shape}_${how}`, name, (milliseconds / (PASSES * CALLS)) * 1000);
        });
      }
    }
  }
  useReal();
}

async function inTurn({ call }) {
  for (let n = 0; n < CALLS; n += 1) await call();
}

const atOnce = ({ call }) => Promise.all(Array.from({ length: CALLS }, call));
