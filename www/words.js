// @ts-check
// What happened, in words.

import { isKeepfreshError } from "/keepfresh/index.js";

/** @typedef {import("./run.js").Tally} Tally */
/** @typedef {import("./run.js").Mode} Mode */

/** @type {Record<Mode, string>} */
export const MODE_NAMES = { keepfresh: "keepfresh", raw: "raw fetch" };

/**
 * @param {number} count
 * @param {string} noun
 * @param {string} [plural]
 */
export const counted = (count, noun, plural = `${noun}s`) => `${count} ${count === 1 ? noun : plural}`;

/**
 * A run in one sentence, as parts of which each may have a colour of its own.
 * @param {Mode} mode
 * @param {Tally} tally
 * @returns {{ text: string, colour?: "lost" | "refresh" | "replay" | "answer" }[]}
 */
export function sentence(mode, tally) {
  /** @type {ReturnType<typeof sentence>} */
  const parts = [{ text: counted(tally.requests, "request") }];
  if (tally.denied > 0) {
    parts.push({ text: mode === "raw" ? `${tally.denied} answered 401` : `${tally.denied} × 401`, colour: "lost" });
  }
  if (tally.failedRefreshes > 0) parts.push({ text: counted(tally.failedRefreshes, "failed refresh", "failed refreshes"), colour: "refresh" });
  if (tally.refreshes > 0) parts.push({ text: counted(tally.refreshes, "refresh", "refreshes"), colour: "refresh" });
  if (tally.peerRefreshes > 0) parts.push({ text: `${counted(tally.peerRefreshes, "refresh", "refreshes")} by another tab`, colour: "refresh" });
  if (tally.replays > 0) parts.push({ text: counted(tally.replays, "replay"), colour: "replay" });
  if (tally.answered > 0) parts.push({ text: counted(tally.answered, "answer"), colour: "answer" });
  if (tally.lost > 0) parts.push({ text: `${tally.lost} lost`, colour: "lost" });
  if (tally.failed > 0) parts.push({ text: `${tally.failed} answered with an error`, colour: "lost" });
  if (tally.errors.length > 0) parts.push({ text: `${tally.errors.length} rejected`, colour: "lost" });
  return parts;
}

/** @param {ReturnType<typeof sentence>} parts */
export const plain = (parts) => parts.map(({ text }) => text).join(", ");

/**
 * Why a call was rejected.
 * @param {unknown} error
 */
export function reason(error) {
  if (isKeepfreshError(error)) {
    switch (error.code) {
      case "refresh_unavailable":
        return "The session could not be refreshed just now. You are still signed in: try again.";
      case "engine_unavailable":
        return `There is no engine: ${error.message}. Requests go out as plain fetch would send them.`;
      default:
        return error.message;
    }
  }
  if (error instanceof TypeError) return "The demo server does not answer. Is it still running?";
  return String(error);
}
