// @ts-check
// The session, and the panel that shows it: who is signed in, how long the access token lives, what keepfresh reports.

import { byId } from "./page.js";
import { isNoted, setNoted } from "./store.js";

/** @typedef {import("/keepfresh/index.js").Client} Client */

const STATES = {
  unknown: ["not known yet", "No request has told."],
  active: ["active", "Requests go straight through."],
  refreshing: ["refreshing", "Requests wait for the refresh."],
  expired: ["signed out", "Please sign in again."],
};

export class Session {
  /** @type {{ name: string } | null} */
  user = null;
  #client;
  #onChange;
  #expiresAt = 0;
  #lifetime = 1;
  /** The token was expired by hand: the server knows, the clock does not. */
  #expiredByHand = false;
  #refreshes = { client: 0, peer: 0 };

  /**
   * @param {Client} client
   * @param {() => void} onChange called when somebody has signed in or out
   */
  constructor(client, onChange) {
    this.#client = client;
    this.#onChange = onChange;
    client.addEventListener("refreshed", (event) => {
      this.#refreshes[/** @type {CustomEvent} */ (event).detail.by === "peer" ? "peer" : "client"] += 1;
      void this.askLifetime();
    });
    client.addEventListener("expired", () => this.#end());
    setInterval(() => this.draw(), 100);
    this.draw();
  }

  /**
   * Goes on with the session that the cookies hold. An expired access token is no obstacle. Who never signed in here is
   * not asked about, so that a first visit meets no 401.
   */
  async resume() {
    if (!isNoted("signed-in")) return this.#end();
    const response = await this.#client.fetch("/api/me");
    if (response.ok) this.#begin(await response.json());
  }

  /**
   * @param {string} login
   * @param {string} password
   * @returns {Promise<string | null>} what went wrong
   */
  async signIn(login, password) {
    const response = await this.#client.fetch("/auth/sign-in", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ login, password }),
    });
    if (response.status === 401) return "Wrong name or password.";
    if (!response.ok) return `The server answered ${response.status}: sign-in failed.`;
    const { user, expires_in } = await response.json();
    this.#begin({ user, access_expires_in: expires_in });
    if (expires_in === undefined) await this.askLifetime();
    setNoted("signed-in", true);
    return null;
  }

  /** @returns {Promise<string | null>} why nobody was signed out, if nobody was */
  async signOut() {
    const { ok, status } = await this.#client.fetch("/auth/sign-out", { method: "POST" });
    if (!ok) return `The server answered ${status}: nobody has been signed out.`;
    this.#end();
    return null;
  }

  /** Whom the server takes this browser for, by its own answer. */
  async whom() {
    const response = await this.#client.fetch("/api/me");
    if (!response.ok) return null;
    const me = await response.json();
    this.#begin(me);
    return me.user.name;
  }

  /** Asks, past the client, how long the access token lives. */
  async askLifetime() {
    const response = await fetch("/api/me").catch(() => null);
    if (response?.ok) this.#begin(await response.json());
  }

  noteExpiredByHand() {
    this.#expiredByHand = true;
    this.draw();
  }

  draw() {
    const left = this.#expiredByHand ? 0 : Math.max(0, this.#expiresAt - performance.now());
    const [state, stateNote] = STATES[this.#client.state];
    const signedOut = this.user === null;
    byId("state").textContent = signedOut ? "signed out" : state;
    byId("state-note").textContent = signedOut ? "Please sign in." : stateNote;
    byId("countdown").textContent = signedOut ? "none" : left > 0 ? clock(left) : "expired";
    byId("countdown-note").textContent = signedOut
      ? "There is no session."
      : left > 0
        ? "left, then the next request refreshes it"
        : this.#expiredByHand
          ? "by hand; the next request finds out"
          : "the next request refreshes it";
    byId("drain").style.transform = `scaleX(${signedOut ? 0 : Math.min(1, left / this.#lifetime)})`;
    const { client, peer } = this.#refreshes;
    byId("refreshes").textContent = String(client + peer);
    byId("refreshes-note").textContent = peer > 0 ? `${peer} of them by another tab` : "since this page was loaded";
    byId("cookies").textContent = document.cookie || "none";
    byId("user").textContent = this.user?.name ?? "nobody";
  }

  /** @param {{ user: { name: string }, access_expires_in: number }} me */
  #begin({ user, access_expires_in }) {
    const changed = this.user === null;
    const left = (access_expires_in ?? 0) * 1000;
    this.#expiredByHand = false;
    this.#expiresAt = performance.now() + left;
    this.#lifetime = Math.max(1, left);
    this.user = user;
    this.draw();
    if (changed) this.#onChange();
  }

  #end() {
    const changed = this.user !== null;
    setNoted("signed-in", false);
    this.user = null;
    this.draw();
    if (changed) this.#onChange();
  }
}

/** @param {number} ms */
function clock(ms) {
  const tenths = Math.ceil(ms / 100);
  const minutes = Math.floor(tenths / 600);
  const seconds = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return `${minutes}:${seconds}`;
}
