// @ts-check

import { KeepfreshError } from "./error.js";

/** Longer than that, and a browser's timer rings at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** @param {any} value */
const isText = (value) => typeof value === "string" && value !== "";
/** @param {any} value */
export const isUrl = (value) => isText(value) || value instanceof URL;
/** @param {any} value */
const isFilled = (value) => Array.isArray(value) && value.length;
/** @param {any} value */
const isHeaders = (value) => {
  try {
    return new Headers(value);
  } catch {
    return undefined;
  }
};

/** @typedef {Record<string, [suits: (value: any) => unknown, expected: string]>} Rules What options there are. */

/** @type {Rules[string]} */
const FLAG = [(value) => typeof value === "boolean", "true or false"];
/** @type {Rules[string]} */
const TEXT = [isText, "a string"];
/** @type {Rules[string]} */
const ADDRESS = [isUrl, "a string or a URL"];

/** @type {Rules} */
const RULES = {
  refresh: [
    (value) => isUrl(value?.url ?? value),
    'a URL like "/auth/refresh", or an object with its url',
  ],
  guard: [isFilled, "a list of URL prefixes that is not empty"],
  exclude: [Array.isArray, "a list of URL prefixes"],
  signIn: ADDRESS,
  signOut: ADDRESS,
  expiredStatuses: [
    (value) => isFilled(value) && value.every((/** @type {any} */ it) => Number.isInteger(it) && it >= 400 && it <= 599),
    "a list of statuses between 400 and 599",
  ],
  csrf: [
    (value) => isText(value?.header) && isText(value.value) !== isText(value.cookie) && isHeaders([[value.header, value.value ?? ""]]),
    "{ header, value } or { header, cookie }, fit for a header",
  ],
  timeout: [
    (value) => typeof value === "number" && value > 0 && value <= LONGEST_TIMEOUT,
    `a number of milliseconds above 0, ${LONGEST_TIMEOUT} at the most`,
  ],
  crossTab: FLAG,
  fetch: [(value) => typeof value === "function", "a function"],
};

/** @type {Rules} */
const REFRESH_RULES = {
  url: ADDRESS,
  method: [(value) => isText(value) && /^(?!(GET|HEAD)$)[A-Z]+$/i.test(value), 'a method that may change something, like "POST"'],
  headers: [isHeaders, "what new Headers() takes"],
  idempotencyKey: FLAG,
};

/** @type {Rules} */
const CSRF_RULES = { header: TEXT, value: TEXT, cookie: TEXT };

/**
 * Reads the options into what the client and the engine take: every URL absolute, every default filled in.
 * @param {any} options
 */
export function readOptions(options) {
  expect(options && typeof options === "object", "options", "an object with the refresh URL");
  check("", options, RULES);
  const { refresh, csrf, timeout = 10_000, expiredStatuses = [401], crossTab = true } = options;
  check("refresh.", isUrl(refresh) ? {} : refresh, REFRESH_RULES);
  check("csrf.", csrf ?? {}, CSRF_RULES);
  // A string and a URL have none of these.
  const { url = refresh, method = "POST", headers, idempotencyKey } = refresh;
  const endpoint = readUrl("refresh", url);

  /**
   * @param {string} name
   * @param {unknown} value
   */
  const readPrefix = (name, value) => {
    const url = readUrl(name, value);
    expect(url.protocol === endpoint.protocol, name, `URLs with the scheme of the refresh URL, ${endpoint.protocol}`);
    expect(!(url.search + url.hash), name, "prefixes without a query or a fragment");
    return url;
  };
  /**
   * @param {string} name
   * @param {typeof readUrl} read
   * @param {string[]} [byDefault]
   */
  const addresses = (name, read, byDefault = []) =>
    [options[name] ?? byDefault].flat().map((value) => withoutQuery(read(name, value)));

  const home = globalThis.origin ?? "";
  const isHome = endpoint.origin === home;
  return {
    fetch: options.fetch,
    csrf: { ...csrf },
    endpoint: endpoint.href,
    hasKey: idempotencyKey || isHome,
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
    // What the engine makes its half of, in its order.
    policy: [
      endpoint.href,
      [
        home,
        [withoutQuery(endpoint)],
        addresses("guard", readPrefix, [endpoint.origin]),
        addresses("exclude", readPrefix),
        addresses("signIn", readUrl),
        addresses("signOut", readUrl),
      ],
      [...expiredStatuses],
      timeout,
      csrf !== undefined,
      crossTab,
    ],
  };
}

/** What relative URLs are relative to here. `undefined` where there is no page. */
export const base = () => globalThis.document?.baseURI ?? globalThis.location?.href;

/**
 * An address as the engine compares them.
 * @param {URL} url
 */
export const withoutQuery = ({ origin, pathname }) => origin + pathname;

/**
 * @param {unknown} met
 * @param {string} name
 * @param {string} expected
 */
export function expect(met, name, expected) {
  if (!met) invalid(name, expected);
}

/**
 * @param {string} name
 * @param {string} expected
 * @param {unknown} [cause]
 * @returns {never}
 */
function invalid(name, expected, cause) {
  throw new KeepfreshError("invalid_options", `option "${name}": expected ${expected}`, cause);
}

/**
 * Every option is one of those that there are, and those that are given are as they have to be.
 * @param {string} path
 * @param {any} given
 * @param {Rules} rules
 */
function check(path, given, rules) {
  for (const name in { ...given, ...rules }) {
    expect(Object.hasOwn(rules, name), path + name, `to be one of ${Object.keys(rules).join(", ")}`);
    const [suits, expected] = rules[name];
    // Without the refresh nothing makes sense.
    expect((given[name] === undefined && name !== "refresh") || suits(given[name]), path + name, expected);
  }
}

/**
 * @param {string} name
 * @param {any} value
 */
function readUrl(name, value) {
  expect(isUrl(value), name, ADDRESS[1]);
  const relativeTo = base();
  let url;
  try {
    url = new URL(value, relativeTo);
  } catch (cause) {
    const here = relativeTo ? "" : " where there is no page: call this in a browser, or give an absolute URL";
    invalid(name, `a URL, and "${value}" is none${here}`, relativeTo ? undefined : cause);
  }
  expect(/^https?:$/.test(url.protocol), name, "a URL with the scheme http or https");
  expect(!(url.username + url.password), name, "a URL without user name and password");
  return url;
}
