// @ts-check
// The upload: the same bytes must arrive, replayed or not. The server's SHA-256 says whether they did.

import { html } from "./page.js";

const MADE_BYTES = 5 * 1024 * 1024;
/** The most that `crypto.getRandomValues` gives at a time. */
const CHUNK = 65_536;

export function makeFile() {
  const bytes = new Uint8Array(MADE_BYTES);
  for (let at = 0; at < bytes.length; at += CHUNK) crypto.getRandomValues(bytes.subarray(at, at + CHUNK));
  return new File([bytes], "made-here.bin", { type: "application/octet-stream" });
}

/**
 * The SHA-256 of a file in hexadecimal; null where the browser offers none (a page that came over plain http from another machine).
 * @param {Blob} file
 */
export async function sha256(file) {
  if (!crypto.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {File} file
 * @param {string | null} here
 * @param {{ length: number, sha256: string }} there
 */
export function verdict(file, here, there) {
  const same = here === there.sha256 && file.size === there.length;
  const words = here === null ? "cannot be compared here (no secure context)" : same ? "the same bytes arrived" : "the bytes differ";
  return [
    html("p", { class: here === null ? "" : same ? "word-answer" : "word-lost", "data-match": String(same) }, `${file.name}, ${there.length.toLocaleString("en")} bytes: ${words}.`),
    html("dl", { class: "hashes" }, html("dt", {}, "server"), html("dd", {}, there.sha256), html("dt", {}, "here"), html("dd", {}, here ?? "unknown")),
  ];
}
