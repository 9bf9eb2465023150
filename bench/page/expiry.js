// The access token has expired: one request, and two hundred at once. Compared with the same requests sent by hand.

import { shuffled } from "./sweep.js";
import { ask } from "./wire.js";

const STORM = 200;

/** Nothing but the requests: whatever gets by with fewer cuts corners. */
const byHand = (name) => ({
  name,
  one: async () => {
    await (await fetch("/api/small")).text();
    await (await fetch("/auth/refresh", { method: "POST" })).text();
    await (await fetch("/api/small")).text();
  },
  storm: async () => {
    let refresh;
    const one = async () => {
      const response = await fetch("/api/small");
      await response.text();
      // Many leave the browser's queue after the refresh, and are let in at once.
      if (response.ok) return;
      await (refresh ??= fetch("/auth/refresh", { method: "POST" }));
      await (await fetch("/api/small")).text();
    };
    await Promise.all(Array.from({ length: STORM }, one));
  },
});

const those = (contenders) => [
  byHand("by_hand"),
  byHand("by_hand_again"),
  ...contenders
    .filter(({ name }) => !name.startsWith("raw"))
    .map((contender) => {
      const one = async () => contender.read(await contender.get("/api/small"));
      return { name: contender.name, one, storm: () => Promise.all(Array.from({ length: STORM }, one)) };
    }),
];

const EXPIRIES = 5;

export async function expiry(contenders, rounds, record) {
  for (let round = -1; round < rounds; round += 1) {
    const spent = {};
    for (let n = 0; n < EXPIRIES; n += 1) {
      for (const { name, one } of shuffled(those(contenders))) {
        await ask("/bench/expire");
        spent[name] = (spent[name] ?? 0) + (await milliseconds(one));
        expect(await ask("/bench/counts"), { refreshed: 1, requests: 3 }, `one expiry, ${name}`);
      }
    }
    if (round < 0) continue;
    for (const [name, sum] of Object.entries(spent)) record("expiry", name, sum / EXPIRIES);
  }
}

export async function storm(contenders, rounds, record) {
  for (let round = -1; round < rounds; round += 1) {
    for (const contender of shuffled(those(contenders))) {
      await ask("/bench/expire");
      const spent = await milliseconds(contender.storm);
      const counts = await ask("/bench/counts");
      expect(counts, { answered: STORM }, `storm, ${contender.name}`);
      if (round < 0) continue;
      record("storm", contender.name, spent);
      record("storm_refreshes", contender.name, counts.refreshed);
      record("storm_requests", contender.name, counts.requests);
    }
  }
}

async function milliseconds(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** A contender that does not do what is timed would be timed in vain. */
function expect(counts, expected, what) {
  for (const [name, value] of Object.entries(expected)) {
    if (counts[name] !== value) throw new Error(`${what}: ${JSON.stringify(counts)}, expected ${name} ${value}`);
  }
}
