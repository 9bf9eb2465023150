// @ts-check

import { KeepfreshError } from "./error.js";

/** Longer than that, and a browser's timer rings at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const KNOWN = [
  "refresh",
  "guard",
  "exclude",
  "signIn",
  "signOut",
  "expiredStatuses",
  "csrf",
  "timeout",
  "crossTab",
  "fetch",
];

/**
 * Reads the options into what the engine takes: every URL absolute, every default filled in.
 * @param {any} options
 */
export function readOptions(options) {
  expect(isObject(options), "options", "an object with at least the refresh URL");
  onlyKnown("", options, KNOWN);

  const { guard, exclude = [], csrf, timeout = 10_000, expiredStatuses = [401], crossTab = true } = options;
  const request = isUrl(options.refresh) ? { url: options.refresh } : options.refresh;
  const aim = 'the URL of the refresh endpoint, like "/auth/refresh", or an object with its url';
  expect(isObject(request) && isUrl(request.url), "refresh", aim);
  onlyKnown("refresh.", request, ["url", "method", "headers", "idempotencyKey"]);
  const { method = "POST", headers, idempotencyKey = false } = request;
  const refresh = readUrl("refresh", request.url);

  expect(typeof method === "string" && /^[A-Za-z]+$/.test(method), "refresh.method", 'a method like "POST"');
  expect(!/^(GET|HEAD)$/i.test(method), "refresh.method", "a method that may change something, like POST");
  expect(headers === undefined || isHeaders(headers), "refresh.headers", "what new Headers() takes");
  expect(typeof idempotencyKey === "boolean", "refresh.idempotencyKey", "true or false");

  expect(isList(guard ?? [refresh.origin]), "guard", "a list of URL prefixes that is not empty");
  expect(Array.isArray(exclude), "exclude", "a list of URL prefixes");
  /** @param {string} name */
  const readPrefix = (name) => (/** @type {unknown} */ value) => {
    const url = readUrl(name, value);
    expect(url.protocol === refresh.protocol, name, `URLs with the scheme of the refresh URL, ${refresh.protocol}`);
    expect(url.search + url.hash === "", name, "prefixes without a query or a fragment");
    return withoutQuery(url);
  };

  expect(
    isList(expiredStatuses) &&
      expiredStatuses.every((/** @type {any} */ it) => Number.isInteger(it) && it >= 400 && it <= 599),
    "expiredStatuses",
    "a list of statuses between 400 and 599",
  );
  expect(
    typeof timeout === "number" && timeout > 0 && timeout <= LONGEST_TIMEOUT,
    "timeout",
    `a number of milliseconds above 0, ${LONGEST_TIMEOUT} at the most`,
  );
  expect(typeof crossTab === "boolean", "crossTab", "true or false");
  expect(options.fetch === undefined || typeof options.fetch === "function", "fetch", "a function");
  if (csrf !== undefined) {
    const one = '{ header, value } or { header, cookie }, each a string';
    expect(isObject(csrf) && isText(csrf.header) && isText(csrf.value) !== isText(csrf.cookie), "csrf", one);
    onlyKnown("csrf.", csrf, ["header", "value", "cookie"]);
    expect(isHeaders([[csrf.header, csrf.value ?? ""]]), "csrf", "a name and a value that a header can have");
  }

  const home = globalThis.origin ?? "";
  return {
    home,
    refresh,
    method: method.toUpperCase(),
    headers: headers && new Headers(headers),
    idempotencyKey: idempotencyKey || refresh.origin === globalThis.origin,
    scope: [
      home,
      [withoutQuery(refresh)],
      (guard ?? [refresh.origin]).map(readPrefix("guard")),
      exclude.map(readPrefix("exclude")),
      options.signIn === undefined ? [] : [withoutQuery(readUrl("signIn", options.signIn))],
      options.signOut === undefined ? [] : [withoutQuery(readUrl("signOut", options.signOut))],
    ],
    expiredStatuses: [...expiredStatuses],
    timeout,
    crossTab,
    hasCsrf: csrf !== undefined,
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
function expect(met, name, expected) {
  if (!met) invalid(`option "${name}": expected ${expected}`);
}

/**
 * @param {string} message
 * @param {unknown} [cause]
 * @returns {never}
 */
function invalid(message, cause) {
  throw new KeepfreshError("invalid_options", message, cause);
}

/**
 * @param {string} path
 * @param {object} value
 * @param {string[]} known
 */
function onlyKnown(path, value, known) {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) invalid(`unknown option "${path}${key}": expected one of ${known.join(", ")}`);
  }
}

/**
 * @param {string} name
 * @param {any} value
 */
function readUrl(name, value) {
  const relativeTo = base();
  let url;
  try {
    url = new URL(value, relativeTo);
  } catch (cause) {
    invalid(
      `option "${name}": expected a URL, and ${JSON.stringify(String(value))} does not parse as one here` +
        (relativeTo ? "" : ", where there is no page: call this in a browser, or give an absolute URL"),
      relativeTo ? undefined : cause,
    );
  }
  expect(isUrl(value), name, "a string or a URL");
  expect(/^https?:$/.test(url.protocol), name, "a URL with the scheme http or https");
  expect(url.username + url.password === "", name, "a URL without user name and password");
  return url;
}

/** @param {any} value */
const isObject = (value) => typeof value === "object" && value !== null;
/** @param {any} value */
const isText = (value) => typeof value === "string" && value !== "";
/** @param {any} value */
const isUrl = (value) => isText(value) || value instanceof URL;
/** @param {any} value */
const isList = (value) => Array.isArray(value) && value.length > 0;
/** @param {any} value */
function isHeaders(value) {
  try {
    return Boolean(new Headers(value));
  } catch {
    return false;
  }
}
