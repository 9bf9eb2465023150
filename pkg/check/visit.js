// A visit to a server: sessions, each with a jar of its own, and what all their answers showed.

import { randomUUID } from "node:crypto";
import { Jar } from "./jar.js";
import { Unasked } from "./wire.js";

/** The endpoints that a CSRF header may be wanted at. */
const GUARDED = ["refresh", "signIn", "signOut", "write"];
/** Values shorter than this are no secrets: "1", "en", "true". */
const SECRET = 8;
const READABLE = /csrf|xsrf/i;
const JWT = /\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*/g;
/** Headers for readable cookies and for fields of an answer; what frameworks call them. */
const HEADERS = { csrftoken: ["X-CSRFToken"], "xsrf-token": ["X-XSRF-TOKEN"] };
const USUAL = ["X-CSRF-TOKEN", "X-XSRF-TOKEN", "X-CSRFToken"];
const OF_FIELD = ["csrf-token", "X-XSRF-TOKEN", "X-CSRFToken", "RequestVerificationToken"];

/** @typedef {{ header: string, cookie?: string, field?: string, value?: string | ((answer: any) => string) }} Scheme */

export class Visit {
  /** @param {any} options As `readOptions` returns them. */
  constructor(options, wire) {
    this.options = options;
    this.wire = wire;
    /** What each endpoint wants: `undefined`, not known yet; `null`, nothing. @type {Record<string, Scheme | null | undefined>} */
    this.csrf = {};
    /** Values that nobody may read. */
    this.secrets = new Set();
    /** Tokens that scripts can see. @type {Map<string, string>} */
    this.visible = new Map();
    /** What became of Set-Cookie headers, by the cookie's name: attributes, and why a browser refuses it. */
    this.cookies = new Map();
    this.refused = new Map();
    this.sessions = [];
    for (const [, value] of options.cookies ?? []) this.#hide(value);
  }

  /** Whether what ends a session can be done in one of its own. */
  get signsIn() {
    return Boolean(this.options.signIn);
  }

  /** A session: one of its own if it can sign in, else that of the cookies. An error (`Unasked`) if there is none. */
  async open() {
    const session = new Session(this);
    this.sessions.push(session);
    if (this.options.prepare) {
      const answer = await session.send("prepare");
      session.prepared = readJson(answer.body) ?? answer.body;
    }
    if (!this.signsIn) {
      for (const [name, value] of this.options.cookies) session.jar.give(name, value);
      return session;
    }
    const answer = await session.sendGuarded("signIn", (it) => it.status < 400);
    if (answer.status >= 400) {
      throw new Unasked(
        answer.status === 429
          ? "the sign-in was answered 429: too many of them; allow some ten a minute for the user of the check"
          : `the sign-in was answered ${answer.status}: look at --body, and at --prepare if it wants a CSRF token`,
      );
    }
    session.signedIn = answer;
    return session;
  }

  /** Signs out whoever was signed in here. */
  async close() {
    if (!this.options.signOut || !this.signsIn) return;
    for (const session of this.sessions) {
      if (session.signedIn) await session.send("signOut").catch(() => {});
    }
  }

  /** Takes the secrets out of a text, whatever it is. */
  redact(text) {
    let clean = text;
    for (const secret of this.secrets) clean = clean.replaceAll(secret, "[hidden]");
    return clean.replace(JWT, "[hidden]");
  }

  /** What an answer showed. */
  see(answer, stored) {
    answer.setCookies.forEach((line, at) => {
      const { name, deleted, refused } = stored[at];
      if (refused && !deleted) this.refused.set(name, refused);
      const value = valueOf(line);
      if (!READABLE.test(name)) this.#hide(value);
    });
    const where = `the answer of ${answer.of === "api" ? "the API" : answer.of}`;
    const found = answer.body.match(JWT)?.some((it) => isJwt(it))
      ? "a JWT"
      : answer.setCookies.some((line) => /;\s*httponly/i.test(line) && shows(answer.body, valueOf(line)))
        ? "the value of an HttpOnly cookie"
        : undefined;
    if (found) this.visible.set(where, found);
  }

  #hide(value) {
    for (const form of [value, decode(value)]) if (form.length >= SECRET) this.secrets.add(form);
  }
}

export class Session {
  constructor(visit) {
    this.visit = visit;
    this.jar = new Jar();
    /** What the prepared answer said. */
    this.prepared = undefined;
    this.signedIn = undefined;
  }

  /**
   * Sends what the options name, with the cookies of a jar (the session's), which takes what is answered.
   * @param {string} of
   * @param {{ jar?: Jar, csrf?: Scheme | null, key?: string, origin?: string, method?: string, headers?: Record<string, string> }} [how]
   */
  async send(of, { jar = this.jar, csrf = this.visit.csrf[of], key, origin, method, headers } = {}) {
    const { options, wire } = this.visit;
    const endpoint = options[of];
    const asked = method ?? endpoint.method ?? (of === "refresh" ? "POST" : "GET");
    const isUnsafe = !/^(GET|HEAD|OPTIONS)$/.test(asked);
    const page = origin ?? options.origin;
    const isElsewhere = page !== endpoint.url.origin;
    const isPreflight = asked === "OPTIONS";
    const sent = {
      // As browsers do.
      origin: isUnsafe || isElsewhere || isPreflight ? page : undefined,
      referer: isPreflight ? undefined : `${page}/`,
      ...(isPreflight ? {} : endpoint.headers),
      ...(csrf && !isPreflight ? this.#headerOf(csrf, jar) : {}),
      "idempotency-key": key,
      cookie: isPreflight ? undefined : jar.header(endpoint.url),
      ...headers,
    };
    const body = isUnsafe ? endpoint.body : undefined;
    const answer = await wire.send({ method: asked, url: endpoint.url, headers: sent, body });
    answer.of = { signIn: "the sign-in", signOut: "the sign-out", refresh: "the refresh", prepare: "--prepare" }[of] ?? of;
    const stored = jar.store(endpoint.url, answer.setCookies);
    answer.stored = stored;
    for (const cookie of jar.all()) if (!cookie.given) this.visit.cookies.set(cookie.name, cookie);
    this.visit.see(answer, stored);
    return answer;
  }

  /**
   * The same where it is not known yet whether a CSRF header is wanted: without, and if that is refused with each that
   * there may be.
   * @param {(answer: any) => boolean} isFine
   */
  async sendGuarded(of, isFine) {
    const { visit } = this;
    if (visit.csrf[of] !== undefined) return this.send(of);
    const jar = this.jar.clone();
    const bare = await this.send(of, { jar, csrf: null });
    if (isFine(bare)) {
      visit.csrf[of] = null;
      this.jar = jar;
      return bare;
    }
    for (const scheme of this.#schemes(of)) {
      const jar = this.jar.clone();
      const answer = await this.send(of, { jar, csrf: scheme });
      if (!isFine(answer)) continue;
      visit.csrf[of] = scheme;
      this.jar = jar;
      return answer;
    }
    return bare;
  }

  /** A key for one refresh. */
  static key() {
    return randomUUID();
  }

  /** The CSRF schemes that there may be for an endpoint, the likeliest first. */
  #schemes(of) {
    const { options } = this.visit;
    const given = options[of].csrf ?? options.csrf;
    if (given) return [given];
    if (!GUARDED.includes(of)) return [];
    const readable = this.jar.all().filter(({ name, httpOnly }) => READABLE.test(name) && !httpOnly);
    const isRefresh = ({ name }) => /refresh/i.test(name) === (of === "refresh");
    const ordered = [...readable.filter(isRefresh), ...readable.filter((it) => !isRefresh(it))];
    const ofCookies = ordered.flatMap(({ name }) =>
      (HEADERS[name.toLowerCase()] ?? USUAL).map((header) => ({ header, cookie: name })),
    );
    const fields = Object.entries(this.prepared ?? {}).filter(([name, it]) => /token|[cx]srf/i.test(name) && typeof it === "string");
    return [...ofCookies, ...fields.flatMap(([field]) => [...OF_FIELD, "X-CSRF-TOKEN"].map((header) => ({ header, field })))];
  }

  #headerOf({ header, cookie, field, value }, jar) {
    const read = () => (typeof value === "function" ? value(this.prepared) : value);
    const text = cookie ? decode(jar.find(cookie)?.value ?? "") : field ? this.prepared?.[field] : read();
    return text ? { [header]: text } : {};
  }
}

/** Whether a cookie is one of those that pages read to send them back. */
export const isCsrfCookie = (name) => READABLE.test(name);

export function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is in the claims of a JWT; `undefined` if it is none. */
export function claimsOf(token) {
  const [head, claims] = token.split(".").map((part) => readJson(Buffer.from(part, "base64url").toString()));
  return head?.alg ? claims : undefined;
}

const isJwt = (text) => claimsOf(text) !== undefined;
const shows = (body, value) => value.length >= SECRET && (body.includes(value) || body.includes(decode(value)));
const valueOf = (line) => line.slice(line.indexOf("=") + 1).split(";")[0].trim();

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
