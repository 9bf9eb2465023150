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

/** @typedef {Record<string, [suits: (value: any) => unknown, expected: string]>} Rules What options there are. */

/** @type {Rules[string]} */
const FLAG = [(value) => typeof value === "boolean", "true or false"];
/** @type {Rules[string]} */
const TEXT = [isText, "a string"];
/** @type {Rules[string]} */
const ADDRESS = [isUrl, "a string or a URL"];

/** @type {Rules} */
const RULES = {
  refresh: [(value) => isUrl(value?.url ?? value), "a string or a URL, or an object with its url"],
  guard: [isFilled, "a list of URL prefixes, not empty"],
  exclude: [Array.isArray, "a list of URL prefixes"],
  signIn: ADDRESS,
  signOut: ADDRESS,
  expiredStatuses: [
    (value) => isFilled(value) && value.every((/** @type {any} */ it) => Number.isInteger(it) && it >= 400 && it <= 599),
    "a list of statuses between 400 and 599",
  ],
  csrf: [
    // That these are strings is checked one by one, below.
    (value) => value?.header && !value.value !== !value.cookie && isHeaders([[value.header, value.value ?? ""]]),
    "{ header, value } or { header, cookie }, fit for a header",
  ],
  timeout: [
    // Any longer, and a browser's timer rings at once.
    (value) => typeof value === "number" && value > 0 && value < 2 ** 31,
    "a number of milliseconds above 0 and below 2 ** 31",
  ],
  crossTab: FLAG,
  fetch: [(value) => typeof value === "function", "a function"],
};

/** @type {Rules} */
const REFRESH_RULES = {
  url: ADDRESS,
  method: [
    (value) => isText(value) && /^[A-Z]+$/i.test(value) && !/^(GET|HEAD)$/i.test(value),
    'an unsafe method like "POST"',
  ],
  headers: [isHeaders, "what new Headers() takes"],
  idempotencyKey: FLAG,
};

/** @type {Rules} */
const CSRF_RULES = { header: TEXT, value: TEXT, cookie: TEXT };

/** @typedef {ReturnType<typeof readOptions>} Options As they are read. */

/**
 * Reads the options into what the client and the engine take: every URL absolute, every default filled in.
 * @param {any} options
 */
export function readOptions(options) {
  // Without the refresh nothing makes sense.
  expect(options?.refresh, "options", "an object with the refresh URL");
  check("", RULES, options);
  const { csrf, timeout = 10_000, expiredStatuses = [401], crossTab = true } = options;
  const refresh = isUrl(options.refresh) ? { url: options.refresh } : options.refresh;
  check("refresh.", REFRESH_RULES, refresh);
  check("csrf.", CSRF_RULES, csrf);
  const { url, method = "POST", headers, idempotencyKey } = refresh;
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
   * @param {typeof readUrl} read
   * @param {string[]} [byDefault]
   */
  const addresses = (name, read, byDefault = []) =>
    [options[name] ?? byDefault].flat().map((value) => withoutQuery(read(name, value)));
  /** @param {string} name */
  const endpoints = (name) =>
    addresses(name, readUrl).map((address) => ({ address, method: undefined }));

  const home = globalThis.origin ?? "";
  const isHome = endpoint.origin === home;
  return {
    fetch: options.fetch,
    csrf: csrf && { ...csrf },
    timeout,
    url: endpoint.href,
    idempotencyKey: idempotencyKey || isHome,
    /** @type {RequestInit} */
    init: {
      method: method.toUpperCase(),
      headers: new Headers(headers),
      credentials: isHome ? "same-origin" : "include",
      // A reload or a closed tab must not lose the cookie that the server has just rotated.
      keepalive: true,
      // A refresh that is sent elsewhere, to a sign-in page say, is a refusal and not a 200.
      redirect: "manual",
      cache: "no-store",
    },
    scope: {
      home,
      refresh: withoutQuery(endpoint),
      guard: addresses("guard", readPrefix, [endpoint.origin]),
      exclude: addresses("exclude", readPrefix),
      signIn: endpoints("signIn"),
      signOut: endpoints("signOut"),
    },
    // What the engine makes its half of, in its order. Sessions are told apart by the first.
    policy: [withoutQuery(endpoint), [...expiredStatuses], timeout, crossTab, true],
  };
}

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
  for (const name in { ...given, ...rules }) {
    expect(Object.hasOwn(rules, name), path + name, `to be one of ${Object.keys(rules).join(", ")}`);
    const [suits, expected] = rules[name];
    expect(given[name] === undefined || suits(given[name]), path + name, expected);
  }
}

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
