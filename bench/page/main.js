// Runs the whole bench, and hands its figures to the server that this page comes from.

import { cold } from "./cold_starts.js";
import { contenders } from "./contenders.js";
import { expiry, storm } from "./expiry.js";
import { memory } from "./memory.js";
import { overhead } from "./overhead.js";
import { ask } from "./wire.js";
import { wire } from "./wire_ratios.js";

const asked = new URL(location.href).searchParams;
const rounds = Number(asked.get("rounds"));
const only = asked.get("only");
const against = asked.get("against")?.split(",");

/** Figures by what was measured and of whom, one for each round. */
const figures = {};
const record = (measure, contender, value) => ((figures[measure] ??= {})[contender] ??= []).push(value);

const PHASES = { overhead, wire, expiry, storm, cold, memory };

try {
  const all = (await contenders()).filter(({ name }) => !against || against.includes(name));
  for (const [name, phase] of Object.entries(PHASES)) {
    if (only && only !== name) continue;
    await ask("/bench/progress", `measuring: ${name}`);
    await phase(all, rounds, record);
  }
  await ask("/bench/figures", JSON.stringify(figures));
} catch (error) {
  await ask("/bench/failed", String(error?.stack ?? error));
}
