// What is asked for: the command line, and the file of --config. Every address absolute, every mistake one line.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

/** A mistake in the arguments: the message says in one line what to do. */
export class Misuse extends Error {}

export const USAGE = `Look at a backend, and say which of the promises that keepfresh needs of it are kept.

npx keepfresh check --refresh URL --api URL (--sign-in URL --body JSON | --cookie COOKIES) [--sign-out URL] [options]
npx keepfresh check --config FILE [options]

An address is a URL, or a method and a URL: --refresh "GET https://app.example.com/refresh". No host is asked but those named.

  --refresh URL      the refresh endpoint
  --api URL          something that needs a sign-in, and changes nothing
  --sign-in URL      where to sign in; each thing that ends a session is done in one of its own
  --body JSON        what to sign in with; @FILE reads it from a file
  --cookie COOKIES   in place of a sign-in: "name=value; name=value" of a session that may be spent; @FILE reads it from a file
  --sign-out URL     where to sign out
  --write URL        an unsafe request of the API, sent with an empty JSON object: does it want a CSRF header?
  --forbidden URL    something that this user may not have
  --prepare URL      asked first in each session, where the CSRF cookie or token comes from
  --api-body JSON    what the API is sent
  --origin ORIGIN    the page's origin, where it is not that of the refresh endpoint: CORS is looked at
  --base URL         what relative addresses are relative to
  --leeway SECONDS   wait so long, and present a consumed refresh token again
  --expiry SECONDS   wait so long for an access token to expire
  --config FILE      a module that exports the options of createClient, and the above as signIn: { url, body }, api and so on
  --json             the report as JSON
  --yes              do not ask before the session of --cookie may end
  --help             this text

Exit status: 0, every must is kept or cannot be told; 1, a must is not kept; 2, it could not look.
Docs: https://www.npmjs.com/package/keepfresh (docs/check.md)`;

const ENDPOINTS = ["refresh", "api", "signIn", "signOut", "write", "forbidden", "prepare"];
const TEXTS = [
  ...["refresh", "api", "sign-in", "sign-out", "write", "forbidden", "prepare"],
  ...["body", "api-body", "cookie", "origin", "base", "leeway", "expiry", "config"],
];
const FLAGS = ["json", "yes", "help"];

/** @typedef {{ url: URL, method?: string, headers: Record<string, string>, body?: string, csrf?: object }} Endpoint */

/**
 * Reads the arguments. `undefined` if help is asked for. An error (`Misuse`) if they do not make sense.
 * @param {string[]} words
 */
export async function readOptions(words) {
  const given = split(words);
  if (given.help) return undefined;
  const config = given.config === undefined ? {} : await load(given.config);
  const base = given.base ?? config.base;
  /** @type {any} */
  const options = { json: Boolean(given.json), yes: Boolean(given.yes) };
  for (const name of ENDPOINTS) {
    const flag = flagOf(name);
    options[name] = given[flag] === undefined ? fromConfig(name, config[name], base) : fromText(flag, given[flag], base);
  }
  if (given.body !== undefined) withBody(options.signIn, "body", "sign-in", await content(given.body));
  if (given["api-body"] !== undefined) withBody(options.api, "api-body", "api", await content(given["api-body"]));
  if (options.write && options.write.body === undefined) withBody(options.write, "write", "write", "{}");
  need(options.refresh, "--refresh URL is missing: name the refresh endpoint");
  need(options.api, "--api URL is missing: name something that needs a sign-in and changes nothing");
  const cookie = given.cookie ?? config.cookie;
  options.cookies = cookie === undefined ? undefined : cookiesOf(await content(cookie));
  need(
    options.signIn || options.cookies,
    "there is no session: give --sign-in URL and --body JSON, or --cookie with the cookies of one",
  );
  if (options.signIn) options.signIn.method ??= "POST";
  if (options.signOut) options.signOut.method ??= "POST";
  if (options.write) options.write.method ??= "POST";
  options.api.method ??= options.api.body === undefined ? "GET" : "POST";
  options.leeway = seconds("leeway", given.leeway ?? config.leeway);
  options.expiry = seconds("expiry", given.expiry ?? config.expiry);
  options.origin = originOf(given.origin ?? config.origin) ?? options.refresh.url.origin;
  options.csrf = config.csrf;
  options.isExpired = config.isExpired;
  options.expiredStatuses = config.expiredStatuses;
  return options;
}

/** All addresses that may be asked. */
export const addresses = (options) => ENDPOINTS.flatMap((name) => options[name]?.url ?? []);

function split(words) {
  const options = Object.fromEntries([
    ...TEXTS.map((name) => [name, { type: "string" }]),
    ...FLAGS.map((name) => [name, { type: "boolean" }]),
  ]);
  const [command, ...rest] = words;
  if (command === undefined || command === "--help" || command === "help") return { help: true };
  need(command === "check", `unknown command "${command}": the only one is check, see npx keepfresh --help`);
  try {
    return parseArgs({ args: rest, options }).values;
  } catch (error) {
    // The first sentence: the others are about positional arguments.
    throw new Misuse(`${error.message.split(/\.\s|\n/)[0]}: see npx keepfresh check --help`);
  }
}

async function load(file) {
  try {
    const { default: standard, ...named } = await import(pathToFileURL(resolve(file)).href);
    return { ...named, ...standard };
  } catch (error) {
    throw new Misuse(`--config ${file} cannot be read: ${String(error.message).split("\n")[0]}`);
  }
}

function fromText(flag, text, base) {
  const [, method, address] = text.trim().match(/^(?:([A-Za-z]+)\s+)?(\S+)$/) ?? [];
  need(address, `--${flag} is "${text}": expected a URL, or a method and a URL`);
  return { url: urlOf(flag, address, base), method: method?.toUpperCase(), headers: {} };
}

function fromConfig(name, value, base) {
  const [first] = [value].flat();
  if (first === undefined) return undefined;
  const { url = first, method, headers, body, csrf } = typeof first === "string" || first instanceof URL ? {} : first;
  const endpoint = { url: urlOf(flagOf(name), url, base), method: method?.toUpperCase(), csrf };
  endpoint.headers = Object.fromEntries(new Headers(headers));
  if (typeof body === "string") endpoint.body = body;
  else if (body !== undefined) withBody(endpoint, name, name, JSON.stringify(body));
  return endpoint;
}

function withBody(endpoint, flag, of, text) {
  need(endpoint, `--${flag} is for --${of}, which is missing`);
  const isForm = /^[^\s{["]+=/.test(text);
  endpoint.body = text;
  endpoint.headers["content-type"] ??= isForm ? "application/x-www-form-urlencoded" : "application/json";
  need(isForm || parses(text), `--${flag} is neither JSON nor a form (a=1&b=2): check the quotes`);
}

const parses = (text) => {
  try {
    return JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
};

/** A text, or what is in the file that it names. */
async function content(text) {
  if (!text.startsWith("@")) return text;
  try {
    return (await readFile(text.slice(1), "utf8")).trim();
  } catch {
    throw new Misuse(`${text.slice(1)} cannot be read: after the @ comes the name of a file`);
  }
}

function cookiesOf(text) {
  const pairs = text.split(";").map((pair) => pair.trim());
  const cookies = pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]);
  // Not a word of what was given: it is a secret.
  need(cookies.every(([name]) => name), '--cookie has no name: expected "name=value; name=value"');
  return cookies;
}

function urlOf(flag, address, base) {
  const url = URL.canParse(address, base) ? new URL(address, base) : undefined;
  need(url, `--${flag} is "${address}": expected an absolute URL, or a --base for it`);
  need(/^https?:$/.test(url.protocol), `--${flag} is "${address}": expected http or https`);
  need(!url.username && !url.password, `--${flag} has a user or a password in it: sign in with --sign-in or --cookie`);
  return url;
}

function originOf(text) {
  if (text === undefined) return undefined;
  const origin = URL.canParse(text) ? new URL(text).origin : "null";
  need(origin !== "null" && origin === text.replace(/\/$/, ""), `--origin is "${text}": expected one such as https://app.example.com`);
  return origin;
}

function seconds(flag, text) {
  if (text === undefined) return undefined;
  const number = Number(text);
  need(text !== "" && number >= 0 && number <= 86_400, `--${flag} is "${text}": expected seconds, up to a day`);
  return number;
}

const flagOf = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** @returns {asserts met} */
function need(met, message) {
  if (!met) throw new Misuse(message);
}
