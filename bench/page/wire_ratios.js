// What is left of that on the wire: milliseconds, to be compared with raw fetch's of the same round.

import { sweep } from "./sweep.js";

const AT_ONCE = 50;

const text = "x".repeat(1_000_000);
const bytes = new Uint8Array(1_000_000).fill(120);
const type = { "content-type": "application/octet-stream" };

const get = async (contender) => contender.read(await contender.get("/api/small"));
const upload = (body) => async (contender) => contender.read(await contender.post("/api/upload", body, type));

/** How often in a round, and what. */
const LOADS = {
  wire_in_turn: [40, get],
  wire_at_once: [2, (contender) => Promise.all(Array.from({ length: AT_ONCE }, () => get(contender)))],
  wire_post_text: [6, upload(text)],
  wire_post_bytes: [6, upload(bytes)],
};

export async function wire(contenders, rounds, record) {
  for (let round = -1; round < rounds; round += 1) {
    for (const [measure, [passes, load]] of Object.entries(LOADS)) {
      await sweep(contenders, passes, load, (name, milliseconds) => {
        if (round >= 0) record(measure, name, milliseconds / passes);
      });
    }
  }
}
