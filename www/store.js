// @ts-check
// Two notes that outlive a page and are shared by its tabs. Neither is a secret. Storage may be forbidden: nothing depends on it.

const PREFIX = "keepfresh-demo:";

/** @typedef {"signed-in" | "slow-refresh"} Note */

/** @param {Note} note */
export function isNoted(note) {
  try {
    return localStorage.getItem(PREFIX + note) !== null;
  } catch {
    return false;
  }
}

/**
 * @param {Note} note
 * @param {boolean} value
 */
export function setNoted(note, value) {
  try {
    if (value) localStorage.setItem(PREFIX + note, "");
    else localStorage.removeItem(PREFIX + note);
  } catch {
    // As if it had never been noted.
  }
}

/**
 * Calls back when another tab has changed the note.
 * @param {Note} note
 * @param {() => void} callback
 */
export function onNoted(note, callback) {
  addEventListener("storage", (event) => {
    if (event.key === PREFIX + note) callback();
  });
}
