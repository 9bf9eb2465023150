// @ts-check
// A run: requests that were sent together, and what became of each. One request is one lane.

/** @typedef {import("./wire.js").Wire} Wire */
/** @typedef {import("./wire.js").Exchange} Exchange */
/** @typedef {"keepfresh" | "raw"} Mode */

/**
 * @typedef {object} Lane
 * @property {number} number
 * @property {string} label method and path
 * @property {string} url unique, so that what is seen on the wire can be told apart
 * @property {number} calledAt
 * @property {number | null} settledAt when the caller got a response or an error
 * @property {number | null} status
 * @property {unknown} error
 */

/**
 * What a run came to, in figures.
 * @typedef {object} Tally
 * @property {number} requests
 * @property {number} denied 401s on the wire
 * @property {number} refreshes that succeeded or are under way
 * @property {number} failedRefreshes refused, or without an answer
 * @property {number} peerRefreshes
 * @property {number} replays
 * @property {number} answered calls that ended in a 2xx
 * @property {number} lost calls that ended in a 401
 * @property {number} failed calls that ended in any other status
 * @property {unknown[]} errors what the other calls were rejected with
 */

/** @param {Lane} lane */
export const isGood = (lane) => lane.status !== null && lane.status < 400;

export class Run {
  /** @type {Lane[]} */
  lanes = [];
  /** When a peer renewed the session, while this run was under way. @type {number[]} */
  peerRefreshes = [];
  /** When the first request was sent. */
  startedAt = performance.now();
  startedOn = new Date();
  /** @type {number | null} */
  endedAt = null;
  #wire;

  /**
   * @param {number} number
   * @param {Mode} mode
   * @param {Wire} wire
   */
  constructor(number, mode, wire) {
    this.number = number;
    this.mode = mode;
    this.#wire = wire;
  }

  /**
   * Sends one request on a lane of its own. Never rejects: the lane says what happened.
   * @param {typeof fetch} send
   * @param {string} path
   * @param {RequestInit} [init]
   * @returns {Promise<Response | null>}
   */
  async send(send, path, init) {
    const number = this.lanes.length + 1;
    const url = new URL(path, document.baseURI);
    url.searchParams.set("lane", `${this.number}.${number}`);
    /** @type {Lane} */
    const lane = {
      number,
      label: `${init?.method ?? "GET"} ${path}`,
      url: url.href,
      calledAt: performance.now(),
      settledAt: null,
      status: null,
      error: null,
    };
    if (number === 1) this.startedAt = lane.calledAt;
    this.lanes.push(lane);
    try {
      const response = await send(url.href, init);
      lane.status = response.status;
      return response;
    } catch (error) {
      lane.error = error;
      return null;
    } finally {
      lane.settledAt = performance.now();
      if (this.lanes.every((one) => one.settledAt !== null)) this.endedAt = lane.settledAt;
    }
  }

  /** @param {Lane} lane */
  exchangesOf(lane) {
    return this.#wire.exchangesOf(lane.url);
  }

  /** @returns {Exchange[]} */
  refreshes() {
    return this.mode === "raw" ? [] : this.#wire.refreshesWithin(this.startedAt, this.endedAt ?? performance.now());
  }

  /** @returns {Tally} */
  tally() {
    const exchanges = this.lanes.map((lane) => this.exchangesOf(lane));
    const refreshes = this.refreshes();
    const renewed = refreshes.filter((one) => one.status !== null && one.status < 300).length;
    const underWay = this.endedAt === null ? refreshes.filter((one) => one.answeredAt === null).length : 0;
    const settled = this.lanes.filter((lane) => lane.settledAt !== null);
    return {
      requests: this.lanes.length,
      denied: exchanges.flat().filter((exchange) => exchange.status === 401).length,
      refreshes: renewed + underWay,
      failedRefreshes: refreshes.length - renewed - underWay,
      peerRefreshes: this.peerRefreshes.length,
      replays: exchanges.reduce((sum, ofLane) => sum + Math.max(0, ofLane.length - 1), 0),
      answered: settled.filter(isGood).length,
      lost: settled.filter((lane) => lane.status === 401).length,
      failed: settled.filter((lane) => lane.status !== null && lane.status !== 401 && !isGood(lane)).length,
      errors: settled.filter((lane) => lane.status === null).map((lane) => lane.error),
    };
  }
}
