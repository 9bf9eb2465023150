#!/usr/bin/env node
// npx keepfresh check: what a backend keeps of what keepfresh needs.

import { createInterface } from "node:readline/promises";
import { fit } from "./fit.js";
import { addresses, Misuse, readOptions, USAGE } from "./options.js";
import { look } from "./probes.js";
import { verdicts } from "./promises.js";
import { asJson, asText, isBroken } from "./report.js";
import { Visit } from "./visit.js";
import { openWire, Unasked } from "./wire.js";

process.exitCode = await run(process.argv.slice(2));

/** Returns the exit status: 1 if a must is not kept, 2 if it could not look. */
async function run(words) {
  let visit;
  try {
    const options = await readOptions(words);
    if (!options) return console.log(USAGE), 0;
    visit = new Visit(options, openWire(addresses(options)));
    const facts = await look(visit, (question) => mayEnd(options, question));
    const promises = verdicts(facts);
    const report = options.json ? asJson : asText;
    console.log(visit.redact(report(promises, facts, fit(facts, options))));
    return isBroken(promises) ? 1 : 0;
  } catch (error) {
    if (!(error instanceof Misuse || error instanceof Unasked)) throw error;
    const message = `keepfresh check: ${error.message}`;
    console.error(visit ? visit.redact(message) : message);
    return 2;
  } finally {
    await visit?.close();
  }
}

/** Without a terminal nobody can be asked, and nothing is done. */
async function mayEnd({ yes }, question) {
  if (yes) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} Go on? [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
