// @ts-check
// The wire: a fetch that notes what is really sent and answered, so that the timeline is drawn from facts.

/**
 * One request on the wire: a first send, a replay, or a refresh. Times are those of `performance.now()`.
 * @typedef {object} Exchange
 * @property {string} url
 * @property {number} sentAt when fetch was called
 * @property {number | null} leftAt when it left the browser's own queue, as soon as the browser has told
 * @property {number | null} answeredAt when its response, or its failure, arrived
 * @property {number | null} status null while it is under way, and for ever if it got no answer
 */

/** Enough for the runs that are kept on the page. */
const REMEMBERED = 1000;

export class Wire {
  /** @type {Exchange[]} */
  #exchanges = [];
  #refreshUrl;
  #onTiming;

  /**
   * @param {string} refreshPath
   * @param {() => void} onTiming called when the browser has told more about requests that are over
   */
  constructor(refreshPath, onTiming) {
    this.#refreshUrl = new URL(refreshPath, document.baseURI).href;
    this.#onTiming = onTiming;
    new PerformanceObserver((list) => this.#noteTimings(list)).observe({ type: "resource" });
  }

  /**
   * Hand it over as the client's `fetch`, or call it in its place.
   * @type {typeof fetch}
   */
  fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, document.baseURI).href;
    /** @type {Exchange} */
    const exchange = { url, sentAt: performance.now(), leftAt: null, answeredAt: null, status: null };
    this.#exchanges.push(exchange);
    if (this.#exchanges.length > REMEMBERED) this.#exchanges.shift();
    try {
      const response = await globalThis.fetch(input, init);
      exchange.status = response.status;
      return response;
    } finally {
      exchange.answeredAt = performance.now();
    }
  };

  /**
   * What was sent for one lane, in order: the first send, then the replay.
   * @param {string} url the lane's own URL
   */
  exchangesOf(url) {
    return this.#exchanges.filter((exchange) => exchange.url === url);
  }

  /**
   * The refreshes that were under way at some time between `from` and `to`.
   * @param {number} from
   * @param {number} to
   */
  refreshesWithin(from, to) {
    return this.#exchanges.filter(
      (exchange) =>
        exchange.url === this.#refreshUrl && exchange.sentAt <= to && (exchange.answeredAt ?? Infinity) >= from,
    );
  }

  /** @param {PerformanceObserverEntryList} list */
  #noteTimings(list) {
    let noted = false;
    for (const entry of list.getEntriesByType("resource")) {
      const timing = /** @type {PerformanceResourceTiming} */ (entry);
      // A browser's clock may be coarse: the latest send that can have been this one.
      const exchange = this.#exchanges.findLast((one) => one.url === timing.name && one.sentAt <= timing.startTime + 2);
      if (!exchange || timing.requestStart === 0) continue;
      exchange.leftAt = Math.min(Math.max(timing.requestStart, exchange.sentAt), exchange.answeredAt ?? Infinity);
      noted = true;
    }
    if (noted) this.#onTiming();
  }
}
