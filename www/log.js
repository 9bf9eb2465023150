// @ts-check
// What keepfresh decided, line by line: what a log of an app would have to answer "why was I signed out at 14:03?".

const LINES_KEPT = 300;

export class Log {
  /** @type {string[]} */
  #lines = [];
  #isDue = false;
  #element;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** @param {import("/keepfresh/index.js").TraceEntry} entry */
  note = (entry) => {
    this.#lines.push(line(entry));
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
    if (this.#isDue) return;
    this.#isDue = true;
    // Once for all that is told in one frame.
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#element.textContent = this.#lines.join("\n");
      this.#element.scrollTop = this.#element.scrollHeight;
    });
  };
}

/** @param {import("/keepfresh/index.js").TraceEntry} entry */
function line({ at, what, call, method, url, status, cause, by, why }) {
  const time = new Date(performance.timeOrigin + at);
  const clock = `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  const path = url && new URL(url).pathname;
  const whose = by === "peer" ? "by another tab" : undefined;
  const words = [clock, call && `call ${call}`, what, method, path, status, cause, whose, why];
  return words.filter((word) => word !== undefined).join("  ");
}
