// @ts-check

import { KeepfreshError } from "./error.js";

/** @param {any} value */
const isText = (value) => typeof value === "string" && value !== "";
/** @param {any} value */
export const isUrl = (value) => isText(value) || value instanceof URL;
/** @param {any} value */
const isFilled = (value) => Array.isArray(value) && value.length;
/** @param {any} value */
const isHeaders = (value) => attempt(() => new Headers(value));
/** @param {any} value */
const isEndpoint = (value) => isUrl(value?.url ?? value);
/**
 * One, or several.
 * @param {any} value
 */
const listOf = (value) => [value].flat();

/** @typedef {Record<string, [suits: (value: any) => unknown, expected: string]>} Rules What options there are. */

/** @type {Rules[string]} */
const FLAG = [(value) => typeof value === "boolean", "true or false"];
/** @type {Rules[string]} */
const TEXT = [isText, "a string"];
/** @type {Rules[string]} */
const ADDRESS = [isUrl, "a string or a URL"];
/** @type {Rules[string]} */
const FUNCTION = [(value) => typeof value === "function", "a function"];
/** @type {Rules[string]} */
const ENDPOINTS = [
  (value) => listOf(value).every(isEndpoint) && listOf(value).length,
  "a string or a URL, an object with its url, or a list of them, not empty",
];
/** RFC 9110, section 9.1; those that fetch refuses are left out. @type {Rules[string]} */
const METHOD = [
  (value) => isText(value) && /^[\w!#$%&'*+.^`|~-]+$/.test(value) && !/^(CONNECT|TRACE|TRACK)$/i.test(value),
  'a method like "POST"',
];
/** @type {Rules[string]} */
const CSRF = [
  // That these are strings is checked one by one, below.
  (value) =>
    value?.header &&
    !value.value !== !value.cookie &&
    isHeaders([[value.header, typeof value.value === "string" ? value.value : ""]]),
  "{ header, value } or { header, cookie }, fit for a header",
];

/** @type {Rules} */
const RULES = {
  refresh: [isEndpoint, "a string or a URL, or an object with its url"],
  guard: [isFilled, "a list of URL prefixes, not empty"],
  exclude: [Array.isArray, "a list of URL prefixes"],
  signIn: ENDPOINTS,
  signOut: ENDPOINTS,
  expiredStatuses: [
    (value) => isFilled(value) && value.every((/** @type {any} */ it) => Number.isInteger(it) && it >= 400 && it <= 599),
    "a list of statuses between 400 and 599",
  ],
  isExpired: FUNCTION,
  interpret: FUNCTION,
  csrf: CSRF,
  timeout: [
    // Any longer, and a browser's timer rings at once.
    (value) => typeof value === "number" && value > 0 && value < 2 ** 31,
    "a number of milliseconds above 0 and below 2 ** 31",
  ],
  crossTab: FLAG,
  learn: FLAG,
  name: TEXT,
  trace: FUNCTION,
  fetch: FUNCTION,
};

/** @type {Rules} */
const REFRESH_RULES = {
  url: ADDRESS,
  method: METHOD,
  headers: [isHeaders, "what new Headers() takes"],
  body: [(value) => typeof value === "string", "a string"],
  csrf: CSRF,
  idempotencyKey: FLAG,
};

/** @type {Rules} */
const ENDPOINT_RULES = { url: ADDRESS, method: METHOD };

/** @type {Rules} */
const REFRESH_CSRF_RULES = {
  header: TEXT,
  value: [(value) => isText(value) || typeof value === "function", "a string, or a function that returns one"],
  cookie: TEXT,
};

/** @type {Rules} */
const CSRF_RULES = { ...REFRESH_CSRF_RULES, all: FLAG };

/** @typedef {ReturnType<typeof readOptions>} Options As they are read. */
/** @typedef {{ header: string, cookie?: string, value?: string | (() => unknown), all?: boolean }} Csrf */

/**
 * Reads the options into what the client and the engine take: every URL absolute, every default filled in.
 * @param {any} options
 */
export function readOptions(options) {
  // Without the refresh nothing makes sense.
  expect(options?.refresh, "options", "an object with the refresh URL");
  check("", RULES, options);
  const { csrf, timeout = 10_000, expiredStatuses, isExpired, crossTab = true, learn = true } = options;
  expect(!expiredStatuses || !isExpired, "isExpired", "to be given in place of expiredStatuses, not beside it");
  const refresh = asEndpoint(options.refresh);
  check("refresh.", REFRESH_RULES, refresh);
  check("refresh.csrf.", REFRESH_CSRF_RULES, refresh.csrf);
  check("csrf.", CSRF_RULES, csrf);
  const { url, method = "POST", headers, body, idempotencyKey } = refresh;
  expect(body === undefined || !isRead(method), "refresh.body", `none, since a ${method} carries none`);
  const endpoint = readUrl("refresh", url);

  /**
   * @param {string} name
   * @param {unknown} value
   */
  const readPrefix = (name, value) => {
    const url = readUrl(name, value);
    expect(url.protocol === endpoint.protocol, name, "a URL with the scheme of the refresh URL");
    expect(!(url.search + url.hash), name, "a URL without a query or a fragment");
    return url;
  };
  /**
   * @param {string} name
   * @param {string[]} [byDefault]
   */
  const prefixes = (name, byDefault = []) =>
    [options[name] ?? byDefault].flat().map((value) => withoutQuery(readPrefix(name, value)));
  /** @param {string} name */
  const endpoints = (name) =>
    listOf(options[name] ?? []).map((value) => {
      const endpoint = asEndpoint(value);
      check(`${name}.`, ENDPOINT_RULES, endpoint);
      return { address: withoutQuery(readUrl(name, endpoint.url)), method: endpoint.method?.toUpperCase() };
    });

  const home = globalThis.origin ?? "";
  const isHome = endpoint.origin === home;
  return {
    fetch: options.fetch,
    trace: options.trace,
    isExpired,
    interpret: options.interpret,
    /** @type {Csrf | undefined} */
    csrf: csrf && { ...csrf },
    timeout,
    expiredStatuses: isExpired ? [] : [...(expiredStatuses ?? [401])],
    refresh: {
      url: endpoint.href,
      /** @type {Csrf | undefined} */
      csrf: refresh.csrf ? { ...refresh.csrf } : csrf && { ...csrf },
      idempotencyKey: idempotencyKey || isHome,
      /** @type {RequestInit} */
      init: {
        method: method.toUpperCase(),
        headers: new Headers(headers),
        body,
        credentials: isHome ? "same-origin" : "include",
        // A reload or a closed tab must not lose the cookie that the server has just rotated.
        keepalive: true,
        // A refresh that is sent elsewhere, to a sign-in page say, is a refusal and not a 200.
        redirect: "manual",
        cache: "no-store",
      },
    },
    scope: {
      home,
      refresh: withoutQuery(endpoint),
      guard: prefixes("guard", [endpoint.origin]),
      exclude: prefixes("exclude"),
      signIn: endpoints("signIn"),
      signOut: endpoints("signOut"),
    },
    /** What tells one session from others. */
    session: options.name ?? withoutQuery(endpoint),
    crossTab,
    learn,
  };
}

/**
 * Whether a request of that method has no body, and may be answered by the HTTP cache.
 * @param {string} method
 */
export const isRead = (method) => /^(GET|HEAD)$/i.test(method);

/**
 * What a call returns, or `undefined` if it throws.
 * @template T
 * @param {() => T} call
 */
export const attempt = (call) => {
  try {
    return call();
  } catch {
    return undefined;
  }
};

/** What relative URLs are relative to here. `undefined` where there is no page. */
export const base = () => globalThis.document?.baseURI ?? globalThis.location?.href;

/**
 * An address as we compare them.
 * @param {URL} url
 */
export const withoutQuery = ({ origin, pathname }) => origin + pathname;

/**
 * @param {unknown} met
 * @param {string} name
 * @param {string} expected
 * @param {ErrorOptions} [why]
 * @returns {asserts met}
 */
export function expect(met, name, expected, why) {
  if (!met) throw new KeepfreshError("invalid_options", `option "${name}": expected ${expected}`, why);
}

/**
 * Every option is one of those that there are, and those that are given are as they have to be.
 * @param {string} path
 * @param {Rules} rules
 * @param {any} [given]
 */
function check(path, rules, given = {}) {
  const names = Object.keys(rules);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    const hint = near ? `did you mean "${path + near}"? Expected` : "expected";
    const known = names.map((it) => path + it).join(", ");
    throw new KeepfreshError("invalid_options", `unknown option "${path + name}", ${hint} one of ${known}`);
  }
  for (const name of names) {
    const [suits, expected] = rules[name];
    expect(given[name] === undefined || suits(given[name]), path + name, expected);
  }
}

/**
 * The name that was meant, most likely: one that is a part of the other, or the one that a few letters make of it.
 * @param {string} name
 * @param {string[]} names
 */
function nearest(name, names) {
  const given = name.toLowerCase();
  /** @param {string} it */
  const rate = (it) => {
    const known = it.toLowerCase();
    return given.includes(known) || known.includes(given) ? 0 : distance(given, known);
  };
  const [best] = names.sort((one, other) => rate(one) - rate(other));
  return rate(best) <= Math.max(2, given.length / 3) ? best : undefined;
}

/**
 * How many letters have to be put in, left out or changed (Levenshtein).
 * @param {string} one
 * @param {string} other
 */
function distance(one, other) {
  let row = [...Array(other.length + 1).keys()];
  for (const [down, letter] of [...one].entries()) {
    let diagonal = down;
    const next = [down + 1];
    for (let at = 0; at < other.length; at += 1) {
      const changed = diagonal + (letter === other[at] ? 0 : 1);
      diagonal = row[at + 1];
      next.push(Math.min(changed, diagonal + 1, next[at] + 1));
    }
    row = next;
  }
  return row[other.length];
}

/**
 * @param {any} value An address, or an object with one.
 * @returns {any}
 */
const asEndpoint = (value) => (isUrl(value) ? { url: value } : value);

/**
 * @param {string} name
 * @param {any} value
 */
function readUrl(name, value) {
  expect(isUrl(value), name, ADDRESS[1]);
  const relativeTo = base();
  const url = attempt(() => new URL(value, relativeTo));
  expect(
    url || relativeTo,
    name,
    `an absolute URL instead of "${value}", or to be called in a browser`,
    // By there being a cause, a client tells this from what it has to throw at once.
    { cause: "no page" },
  );
  expect(url && /^https?:$/.test(url.protocol), name, "a valid URL with the scheme http or https");
  expect(!(url.username + url.password), name, "a URL without a user name or a password");
  return url;
}
