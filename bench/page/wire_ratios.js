// What is left of that on the wire: milliseconds, to be compared with raw fetch's of the same round.

import { shuffled } from "./contenders.js";

const IN_TURN = 40;
const AT_ONCE = 50;
const UPLOADS = 4;

const text = "x".repeat(1_000_000);
const bytes = new Uint8Array(1_000_000).fill(120);
const type = { "content-type": "application/octet-stream" };

const LOADS = {
  wire_in_turn: async (contender) => {
    for (let n = 0; n < IN_TURN; n += 1) await contender.read(await contender.get("/api/small"));
  },
  wire_at_once: (contender) =>
    Promise.all(
      Array.from({ length: AT_ONCE }, async () => contender.read(await contender.get("/api/small"))),
    ),
  wire_post_text: (contender) => uploads(contender, text),
  wire_post_bytes: (contender) => uploads(contender, bytes),
};

export async function wire(contenders, rounds, record) {
  for (let round = -1; round < rounds; round += 1) {
    for (const [measure, load] of Object.entries(LOADS)) {
      for (const contender of shuffled(contenders)) {
        const start = performance.now();
        await load(contender);
        if (round >= 0) record(measure, contender.name, performance.now() - start);
      }
    }
  }
}

async function uploads(contender, body) {
  for (let n = 0; n < UPLOADS; n += 1) await contender.read(await contender.post("/api/upload", body, type));
}
