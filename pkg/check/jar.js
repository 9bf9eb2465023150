// The cookies of one session, kept as a browser keeps them (RFC 6265bis). What a cookie is worth never leaves this file but on
// the wire, and to the list of what must not be printed.

/** The longest that a browser keeps a cookie, in seconds: 400 days. */
const LONGEST = 400 * 86_400;
/** The most that the name and the value of a cookie may have together, in bytes. */
const LARGEST = 4_096;

/**
 * @typedef {object} Cookie
 * @property {string} name
 * @property {string} value
 * @property {string} path
 * @property {string} host The host that set it, or its `Domain`.
 * @property {string} [domain] The `Domain`, if it has one.
 * @property {boolean} secure
 * @property {boolean} httpOnly
 * @property {string} [sameSite] "Strict", "Lax" or "None".
 * @property {number} [lifetime] In seconds. None: as long as the browser is open.
 * @property {number} [until] In milliseconds since 1970.
 * @property {boolean} [given] By hand (`--cookie`): its attributes are not known.
 */

/** @typedef {{ name: string, deleted: boolean, refused?: string }} Stored What came of one Set-Cookie header. */

export class Jar {
  /** @type {Cookie[]} */
  #cookies = [];

  /** The same cookies in another jar: what happens to one is nothing to the other. */
  clone() {
    const copy = new Jar();
    copy.#cookies = this.#cookies.map((cookie) => ({ ...cookie }));
    return copy;
  }

  /** Puts in a cookie that was given by hand, and that all the named addresses are sent. */
  give(name, value) {
    const attributes = { path: "/", host: "", secure: false, httpOnly: false, given: true };
    this.#cookies.push({ name, value, ...attributes });
  }

  /**
   * Takes what an answer sets, as a browser would.
   * @param {URL} url Of the request.
   * @param {string[]} lines The Set-Cookie headers.
   * @returns {Stored[]}
   */
  store(url, lines, now = Date.now()) {
    return lines.map((line) => {
      const cookie = parse(line, url, now);
      const refused = refusal(cookie, url);
      const deleted = cookie.until !== undefined && cookie.until <= now;
      if (!refused) {
        const isSame = (it) => it.name === cookie.name && (it.given || (it.path === cookie.path && it.host === cookie.host));
        this.#cookies = this.#cookies.filter((it) => !isSame(it));
        if (!deleted) this.#cookies.push(cookie);
      }
      return { name: cookie.name, deleted, refused };
    });
  }

  /**
   * The cookies that a request to that URL carries; the longest path first.
   * @param {URL} url
   */
  sent(url, now = Date.now()) {
    const mayGo = (cookie) =>
      (cookie.until === undefined || cookie.until > now) &&
      (cookie.given || (cookie.domain ? isBelow(url.hostname, cookie.host) : url.hostname === cookie.host)) &&
      covers(cookie.path, url.pathname) &&
      (!cookie.secure || isSafe(url));
    return this.#cookies.filter(mayGo).sort((one, other) => other.path.length - one.path.length);
  }

  /** The Cookie header for that URL; `undefined` if there is none. */
  header(url) {
    const pairs = this.sent(url).map(({ name, value }) => (name ? `${name}=${value}` : value));
    return pairs.join("; ") || undefined;
  }

  /** All that are in it. */
  all() {
    return [...this.#cookies];
  }

  /** The newest cookie of that name. */
  find(name) {
    return this.#cookies.findLast((cookie) => cookie.name === name);
  }

  /** The same without the cookies of that name. */
  without(name) {
    const copy = this.clone();
    copy.#cookies = copy.#cookies.filter((cookie) => cookie.name !== name);
    return copy;
  }

  /** The same, with another value in the cookies of that name. */
  with(name, value) {
    const copy = this.clone();
    for (const cookie of copy.#cookies) if (cookie.name === name) cookie.value = value;
    return copy;
  }
}

/** Whether a browser takes `Secure` cookies there: over https, and on the machine itself. */
export const isSafe = ({ protocol, hostname }) =>
  protocol === "https:" || hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);

/** Section 5.6: leniently, since that is what browsers do. */
function parse(line, url, now) {
  const [pair, ...rest] = line.split(";");
  const at = pair.indexOf("=");
  const attributes = new Map();
  for (const attribute of rest) {
    const at = attribute.indexOf("=");
    const name = (at < 0 ? attribute : attribute.slice(0, at)).trim().toLowerCase();
    attributes.set(name, at < 0 ? "" : attribute.slice(at + 1).trim());
  }
  const domain = attributes.get("domain")?.replace(/^\./, "").toLowerCase() || undefined;
  const path = attributes.get("path");
  const sameSite = attributes.get("samesite")?.toLowerCase();
  const lifetime = readLifetime(attributes, now);
  return {
    name: pair.slice(0, Math.max(at, 0)).trim(),
    value: pair.slice(at + 1).trim(),
    path: path?.startsWith("/") ? path : defaultPath(url),
    host: domain ?? url.hostname,
    domain,
    secure: attributes.has("secure"),
    httpOnly: attributes.has("httponly"),
    sameSite: ["Strict", "Lax", "None"].find((it) => it.toLowerCase() === sameSite),
    lifetime,
    until: lifetime === undefined ? undefined : now + lifetime * 1_000,
  };
}

/** `Max-Age` comes before `Expires`. In seconds; zero and below: it is deleted. */
function readLifetime(attributes, now) {
  const age = attributes.get("max-age");
  if (age !== undefined && /^-?\d+$/.test(age)) return Math.min(Number(age), LONGEST);
  const date = Date.parse(attributes.get("expires")?.replaceAll("-", " ") ?? "");
  return Number.isNaN(date) ? undefined : Math.min((date - now) / 1_000, LONGEST);
}

/** Why a browser does not take that cookie; `undefined` if it does. */
function refusal(cookie, url) {
  const { name, value, domain, secure, sameSite, path } = cookie;
  if (name.length + value.length > LARGEST) return `it has more than ${LARGEST} bytes`;
  if (domain && !isBelow(url.hostname, domain)) return `its Domain is not one of ${url.hostname}`;
  if (secure && !isSafe(url)) return "it is Secure, and the answer came over http";
  if (sameSite === "None" && !secure) return "it is SameSite=None without Secure";
  if (/^__(secure|host)-/i.test(name) && !secure) return "its name starts with __Secure- or __Host-, and it is not Secure";
  if (/^__host-/i.test(name) && (domain || path !== "/")) return "its name starts with __Host-, so it needs Path=/ and no Domain";
  return undefined;
}

const defaultPath = ({ pathname }) => pathname.slice(0, pathname.lastIndexOf("/")) || "/";

/** By whole segments: section 5.1.4. */
const covers = (prefix, path) => path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);

/** Section 5.1.3. An IP address has no subdomains. */
const isBelow = (host, domain) => host === domain || (host.endsWith(`.${domain}`) && !/^[\d.]+$|^\[/.test(host));
