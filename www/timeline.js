// @ts-check
// The timeline: a run as a picture. One lane a request on a shared time axis, the refresh as a band through all of them.

import { html, svg } from "./page.js";
import { isGood } from "./run.js";
import { MODE_NAMES, plain, sentence } from "./words.js";

/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./run.js").Lane} Lane */
/** @typedef {import("./wire.js").Exchange} Exchange */

/**
 * A stretch of a lane. Times are those of `performance.now()`.
 * @typedef {{ kind: "queued" | "sent" | "replay" | "lost" | "waiting", from: number, to: number }} Stretch
 */

/** Shorter waits are the engine's own work, and no wait. */
const SHORTEST_WAIT = 1;
const AXIS = 24;
const REFRESH_ROW = 26;
const FOOT = 8;

export class Timeline {
  #run;
  #drawing = svg("svg", { role: "img" });
  #label = html("span", { class: "run-label" });
  #caption = html("p", { class: "run-words" });
  #details = /** @type {HTMLDetailsElement} */ (html("details", { class: "run-table" }, html("summary", {}, "The same as a table")));
  element;

  /** @param {Run} run */
  constructor(run) {
    this.#run = run;
    this.element = html(
      "article",
      { class: "run", "data-run": run.number, "data-mode": run.mode, "aria-labelledby": `run-${run.number}` },
      html(
        "header",
        { class: "run-head" },
        html("h3", { id: `run-${run.number}` }, html("span", { class: "run-number" }, `${run.number}`), MODE_NAMES[run.mode], this.#label),
        html("time", { datetime: run.startedOn.toISOString() }, run.startedOn.toLocaleTimeString("en-GB")),
        this.#caption,
      ),
      this.#drawing,
      this.#details,
    );
    // 50 rows are made only for who wants them.
    this.#details.addEventListener("toggle", () => this.#fillTable());
  }

  draw() {
    const run = this.#run;
    const now = run.endedAt ?? performance.now();
    const width = Math.max(280, this.element.clientWidth);
    const frame = new Frame(run, now, width);
    const words = plain(sentence(run.mode, run.tally()));
    this.#caption.textContent = words;
    this.#label.textContent = [...new Set(run.lanes.map((lane) => lane.label))].join(", ");
    this.element.toggleAttribute("data-settled", run.endedAt !== null);
    for (const [name, value] of Object.entries({
      width,
      height: frame.height,
      viewBox: `0 0 ${width} ${frame.height}`,
      "aria-label": `Timeline of run ${run.number}, ${MODE_NAMES[run.mode]}: ${words}.`,
    })) {
      this.#drawing.setAttribute(name, String(value));
    }
    this.#drawing.replaceChildren(
      axis(frame),
      ...refreshBands(frame, run.refreshes()),
      ...run.peerRefreshes.map((at) => peerLine(frame, at)),
      ...run.lanes.map((lane) => drawLane(frame, run, lane)),
      outcomes(frame, run),
    );
    if (this.#details.open) this.#fillTable();
  }

  #fillTable() {
    this.#details.querySelector("table")?.remove();
    if (!this.#details.open) return;
    const rows = this.#run.lanes.map((lane) => {
      const [first, ...later] = this.#run.exchangesOf(lane);
      const cells = [
        lane.label,
        at(first?.sentAt, lane.calledAt),
        first?.status ?? "none",
        at(later.at(-1)?.sentAt, lane.calledAt),
        at(lane.settledAt, lane.calledAt),
        lane.status ?? (lane.settledAt === null ? "under way" : "none"),
      ];
      return html("tr", {}, html("th", { scope: "row" }, String(lane.number)), ...cells.map((cell) => html("td", {}, String(cell))));
    });
    const heads = ["Lane", "Request", "Sent", "First answer", "Replayed", "Settled", "Answer"];
    this.#details.append(
      html(
        "table",
        {},
        html("thead", {}, html("tr", {}, ...heads.map((head) => html("th", { scope: "col" }, head)))),
        html("tbody", {}, ...rows),
      ),
    );
  }
}

/** @param {number | null | undefined} time @param {number} since */
const at = (time, since) => (time == null ? "not" : `${Math.round(time - since)} ms`);

/** Where things are: a run's times and lanes in pixels. */
class Frame {
  /**
   * @param {Run} run
   * @param {number} now
   * @param {number} width
   */
  constructor(run, now, width) {
    const lanes = run.lanes.length;
    const narrow = width < 560;
    this.now = now;
    this.width = width;
    this.narrow = narrow;
    this.left = narrow ? 26 : 34;
    this.right = width - (narrow ? 40 : 72);
    this.pitch = lanes <= 8 ? 24 : lanes <= 24 ? 15 : 9;
    this.bar = lanes <= 8 ? 10 : lanes <= 24 ? 8 : 6;
    this.top = AXIS + REFRESH_ROW;
    this.bottom = this.top + lanes * this.pitch + 6;
    this.height = this.bottom + FOOT;
    this.startedAt = run.startedAt;
    // A little room after the last answer, and never so short that noise fills the picture.
    this.span = Math.max(20, now - run.startedAt) * 1.02;
  }

  /** @param {number} time */
  x(time) {
    const share = Math.min(1, Math.max(0, (time - this.startedAt) / this.span));
    return this.left + share * (this.right - this.left);
  }

  /** The middle of a lane. @param {number} number */
  y(number) {
    return this.top + 6 + (number - 0.5) * this.pitch;
  }
}

/** @param {Frame} frame */
function axis(frame) {
  const most = (frame.right - frame.left) / (frame.narrow ? 62 : 84);
  const step = niceStep(frame.span / most);
  const group = svg("g", { class: "axis", "aria-hidden": "true" });
  for (let time = 0; time <= frame.span; time += step) {
    const x = crisp(frame.x(frame.startedAt + time));
    group.append(svg("line", { x1: x, x2: x, y1: AXIS - 6, y2: frame.bottom }), svg("text", { x: x + 4, y: AXIS - 9 }, duration(time, step)));
  }
  group.append(svg("line", { class: "rule", x1: 0, x2: frame.width, y1: AXIS - 0.5, y2: AXIS - 0.5 }));
  return group;
}

/**
 * The one refresh: solid in its own row, and a band through every lane that it serves.
 * @param {Frame} frame
 * @param {Exchange[]} refreshes
 */
function refreshBands(frame, refreshes) {
  // Where the row is still free for words.
  let free = frame.left;
  return refreshes.map((refresh, index) => {
    const answeredAt = refresh.answeredAt ?? Infinity;
    const from = frame.x(refresh.sentAt);
    const to = Math.max(from + 2, frame.x(Math.min(answeredAt, frame.now)));
    const left = Math.max(from, Math.min(to - 2, frame.x(refresh.leftAt ?? refresh.sentAt)));
    const over = answeredAt <= frame.now;
    const failed = over && !(refresh.status !== null && refresh.status < 300);
    const took = duration(Math.min(answeredAt, frame.now) - refresh.sentAt);
    const answer = refresh.status ?? "no answer";
    const wordings = over ? [`refresh: ${answer} in ${took}`, String(answer)] : [`refresh, ${took}`, took];
    const next = refreshes[index + 1];
    const label = rowLabel({ from, left, to, free, until: next ? frame.x(next.sentAt) : frame.width }, wordings);
    free = Math.max(to, label.until);
    return svg(
      "g",
      { class: failed ? "refresh-band failed" : "refresh-band", "data-refresh": over ? (refresh.status ?? "none") : "under way" },
      svg("rect", { class: "through", x: from, y: AXIS, width: to - from, height: frame.bottom - AXIS }),
      svg("rect", { class: "unsent", x: from, y: AXIS + REFRESH_ROW / 2 - 1, width: left - from, height: 2 }),
      svg("rect", { class: "solid", x: left, y: AXIS + 4, width: to - left, height: REFRESH_ROW - 8 }),
      svg("line", { class: "start", x1: from, x2: from, y1: AXIS, y2: frame.bottom }),
      ...(over ? [svg("line", { class: "end", x1: to, x2: to, y1: AXIS, y2: frame.bottom })] : []),
      ...label.texts,
    );
  });
}

/**
 * @param {Frame} frame
 * @param {number} time
 */
function peerLine(frame, time) {
  const x = frame.x(time);
  return svg(
    "g",
    { class: "refresh-band", "data-refresh": "peer" },
    svg("line", { class: "end", x1: x, x2: x, y1: AXIS, y2: frame.bottom }),
    ...rowLabel({ from: x, left: x, to: x, free: frame.left, until: frame.width }, ["refreshed by another tab", "another tab"]).texts,
  );
}

/**
 * Words in the refresh row: the first wording that fits inside the bar, after it or before it. If none does, the bar speaks for itself.
 * @param {{ from: number, left: number, to: number, free: number, until: number }} room from where it was called for, from where the
 *   bar is solid, to where it ends; what is free before it, and until where after it
 * @param {string[]} wordings the most telling first
 */
function rowLabel({ from, left, to, free, until }, wordings) {
  const y = AXIS + REFRESH_ROW / 2 + 4;
  for (const words of wordings) {
    // A little more than the widest of the fonts needs.
    const width = words.length * 6.9 + 12;
    if (to - left > width) return { texts: [svg("text", { class: "inside", x: left + 8, y }, words)], until: to };
    if (to + width < until) return { texts: [svg("text", { x: to + 7, y }, words)], until: to + width };
    if (from - width > free) return { texts: [svg("text", { x: from - 7, y, "text-anchor": "end" }, words)], until: to };
  }
  return { texts: [], until: to };
}

/**
 * @param {Frame} frame
 * @param {Run} run
 * @param {Lane} lane
 */
function drawLane(frame, run, lane) {
  const y = frame.y(lane.number);
  const { stretches, denials } = trace(run, lane, frame.now);
  const settled = lane.settledAt !== null;
  const good = isGood(lane);
  const group = svg("g", {
    class: "lane",
    "data-lane": lane.number,
    "data-answer": settled ? (lane.status ?? "none") : "under way",
    "data-sends": run.exchangesOf(lane).length,
  });
  group.append(svg("title", {}, story(stretches, lane)));
  const every = frame.pitch >= 15 ? 1 : 10;
  if (lane.number === 1 || lane.number % every === 0) {
    group.append(svg("text", { x: frame.left - 8, y: y + 4, "text-anchor": "end" }, String(lane.number)));
  }
  for (const { kind, from, to } of stretches) {
    const [x1, x2] = [frame.x(from), Math.max(frame.x(to), frame.x(from) + 1)];
    if (kind === "waiting") group.append(svg("path", { class: kind, d: `M${x1} ${y}H${x2}` }));
    else {
      const bar = kind === "queued" ? Math.max(2, frame.bar / 3) : frame.bar;
      group.append(svg("rect", { class: kind, x: x1, y: y - bar / 2, width: x2 - x1, height: bar }));
    }
  }
  const size = frame.bar / 2;
  for (const time of denials) {
    group.append(svg("rect", { class: "denied", x: frame.x(time) - 1.5, y: y - size - 1, width: 3, height: frame.bar + 2 }));
  }
  if (settled) {
    const x = frame.x(/** @type {number} */ (lane.settledAt));
    const arm = size * 0.9;
    group.append(
      good
        ? svg("circle", { class: "answer", cx: x, cy: y, r: size + 0.5 })
        : svg("path", { class: "cross", d: `M${x + 5 - arm} ${y - arm}l${2 * arm} ${2 * arm}m0 ${-2 * arm}l${-2 * arm} ${2 * arm}` }),
    );
  }
  return group;
}

/**
 * What a lane did, from what was seen on the wire.
 * @param {Run} run
 * @param {Lane} lane
 * @param {number} now
 */
function trace(run, lane, now) {
  /** @type {Stretch[]} */
  const stretches = [];
  /** @type {number[]} */
  const denials = [];
  const exchanges = run.exchangesOf(lane);
  const lost = lane.settledAt !== null && !isGood(lane);
  let cursor = lane.calledAt;
  exchanges.forEach((exchange, index) => {
    const answeredAt = exchange.answeredAt ?? now;
    const leftAt = exchange.leftAt ?? exchange.sentAt;
    if (exchange.sentAt - cursor > SHORTEST_WAIT) stretches.push({ kind: "waiting", from: cursor, to: exchange.sentAt });
    if (leftAt > exchange.sentAt) stretches.push({ kind: "queued", from: exchange.sentAt, to: leftAt });
    const last = index === exchanges.length - 1;
    stretches.push({ kind: last && lost ? "lost" : index > 0 ? "replay" : "sent", from: leftAt, to: answeredAt });
    if (exchange.status === 401) denials.push(answeredAt);
    cursor = answeredAt;
  });
  const end = lane.settledAt ?? now;
  if (end - cursor > SHORTEST_WAIT && exchanges.every((exchange) => exchange.answeredAt !== null)) {
    stretches.push({ kind: "waiting", from: cursor, to: end });
  }
  return { stretches, denials };
}

/**
 * @param {Stretch[]} stretches
 * @param {Lane} lane
 */
function story(stretches, lane) {
  const parts = stretches.map(({ kind, from, to }) => `${kind} ${duration(to - from)}`);
  const end = lane.settledAt === null ? "under way" : lane.status === null ? "no answer" : `answer ${lane.status}`;
  return `${lane.number}. ${lane.label}: ${[...parts, end].join(", ")}`;
}

/**
 * The answers at the right edge: neighbours with the same one share a bracket.
 * @param {Frame} frame
 * @param {Run} run
 */
function outcomes(frame, run) {
  const group = svg("g", { class: "outcomes", "aria-hidden": "true" });
  const settled = run.lanes.filter((lane) => lane.settledAt !== null);
  for (let first = 0; first < settled.length; ) {
    let last = first;
    while (settled[last + 1]?.status === settled[first].status && settled[last + 1].number === settled[last].number + 1) last += 1;
    const { number, status } = settled[first];
    const top = frame.y(number) - frame.bar / 2;
    const bottom = frame.y(settled[last].number) + frame.bar / 2;
    const x = frame.right + 10.5;
    const count = last - first + 1;
    const words = `${frame.narrow || count === 1 ? "" : `${count} × `}${status ?? "none"}`;
    group.append(
      svg("path", { class: isGood(settled[first]) ? "good" : "bad", d: `M${x - 4} ${top}H${x}V${bottom}H${x - 4}` }),
      // Too short a bracket has no room for its figure.
      ...(bottom - top >= 8 ? [svg("text", { x: x + 5, y: (top + bottom) / 2 + 4 }, words)] : []),
    );
    first = last + 1;
  }
  return group;
}

/** The next of 1, 2, 5, 10, 20 … @param {number} least */
function niceStep(least) {
  const magnitude = 10 ** Math.floor(Math.log10(least));
  return magnitude * (/** @type {number} */ ([1, 2, 5, 10].find((factor) => factor * magnitude >= least)));
}

/**
 * @param {number} ms
 * @param {number} [precision] the step between neighbours, where they must differ
 */
function duration(ms, precision = ms / 10) {
  if (ms < 1000 && precision < 1000) return `${Math.round(ms)} ms`;
  const decimals = precision >= 1000 ? 0 : precision >= 100 ? 1 : 2;
  return `${(ms / 1000).toFixed(decimals)} s`;
}

/** @param {number} x */
const crisp = (x) => Math.round(x) + 0.5;
