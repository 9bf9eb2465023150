// What is sent, and what is seen: facts, and no value of any cookie.

import { isCsrfCookie, readJson, claimsOf, Session } from "./visit.js";
import { isSafe } from "./jar.js";
import { Unasked } from "./wire.js";

/** An origin that no server knows. */
const STRANGER = "https://keepfresh-check.invalid";
/** A fault of the clocks that is allowed for, in milliseconds. */
const SLACK = 250;

/**
 * Looks at everything. An error (`Unasked`) if there is nothing to look at.
 * @param {import("./visit.js").Visit} visit
 * @param {(question: string) => Promise<boolean>} mayEnd Whether the only session that there is may end.
 */
export async function look(visit, mayEnd) {
  const { options } = visit;
  const facts = { origin: options.origin, isSafe: options.refresh.url.protocol === "https:", leeway: options.leeway };
  facts.isLocal = isSafe(options.refresh.url);
  facts.isElsewhere = [options.refresh, options.api].some(({ url }) => url.origin !== options.origin);
  const session = await visit.open();
  if (session.signedIn) facts.signIn = { ...brief(session.signedIn), ...told(session.signedIn) };
  const isFine = await lookAtApi(visit, session, facts);
  await lookAtRefresh(visit, session, facts, isFine);
  await lookAtCors(session, facts);
  await lookAtCsrf(visit, session, facts);
  if (facts.refresh.renews) {
    facts.asked = visit.signsIn || (await mayEnd("What comes now may end the session of --cookie."));
    if (facts.asked) await lookAtEnds(visit, session, facts, isFine);
  }
  facts.csrf = Object.fromEntries(
    Object.entries(visit.csrf).map(([of, it]) => [of, it && { header: it.header, cookie: it.cookie, field: it.field }]),
  );
  facts.visible = [...visit.visible].map(([where, what]) => ({ where, what }));
  facts.refused = [...visit.refused].map(([name, why]) => ({ name, why }));
  facts.cookies = [...visit.cookies.values()].map(({ name, path, domain, secure, httpOnly, sameSite, lifetime }) => {
    const roles = ["access", "refresh"].filter((role) => facts[`${role}Cookies`].includes(name));
    return { name, roles, path, domain, secure, httpOnly, sameSite, lifetime };
  });
  return facts;
}

/** The API with the session and without; which cookie it goes by. Returns what tells a good answer. */
async function lookAtApi(visit, session, facts) {
  const { options } = visit;
  let good = await session.send("api");
  if (good.status >= 300 && visit.options.cookies) {
    await session.sendGuarded("refresh", isSuccess);
    good = await session.send("api");
  }
  if (!isSuccess(good)) throw new Unasked(`--api was answered ${good.status} with the session: name something that this user may read`);
  const bare = await session.send("api", { jar: emptied(session) });
  if (sign(bare) === sign(good)) throw new Unasked("--api is answered alike without a cookie: name something that needs a sign-in");
  const isFine = await judge(options, good, bare);
  facts.good = brief(good);
  facts.missing = await refusal(options, bare);
  facts.accessCookies = [];
  for (const { name } of session.jar.sent(options.api.url)) {
    if (isCsrfCookie(name)) continue;
    const answer = await session.send("api", { jar: session.jar.without(name) });
    if (await isFine(answer)) continue;
    facts.accessCookies.push(name);
    facts.missing = await refusal(options, answer);
  }
  const [access] = facts.accessCookies;
  if (access) {
    const value = session.jar.find(access).value;
    facts.spoilt = await refusal(options, await session.send("api", { jar: session.jar.with(access, spoil(value)) }));
    const claims = claimsOf(value);
    facts.tokenLifetime = claims?.exp - claims?.iat || undefined;
  }
  if (options.forbidden) facts.forbidden = await refusal(options, await session.send("forbidden"));
  return isFine;
}

async function lookAtRefresh(visit, session, facts, isFine) {
  const { options } = visit;
  const of = "refresh";
  const before = session.jar.clone();
  let answer = await session.sendGuarded(of, isSuccess);
  if (isSlash(answer) && visit.wire.reaches(target(answer))) {
    facts.redirected = { status: answer.status, to: target(answer).pathname };
    options.refresh.url = target(answer);
    answer = await session.sendGuarded(of, isSuccess);
  }
  if ([404, 405].includes(answer.status) && !options.refresh.method) {
    options.refresh.method = "GET";
    const other = await session.sendGuarded(of, isSuccess);
    if (isSuccess(other)) answer = other;
    else delete options.refresh.method;
  }
  const sets = answer.stored.filter((it) => !it.deleted && !it.refused).map((it) => it.name);
  const renews = isSuccess(answer) && sets.length > 0 && (await isFine(await session.send("api")));
  facts.refresh = { ...brief(answer), ...told(answer), method: answer.method, sets, renews };
  facts.refreshCookies = [];
  if (!renews) return;
  const sent = session.jar.sent(options.refresh.url).map((it) => it.name).filter((name) => !isCsrfCookie(name));
  for (const name of sent) {
    const jar = session.jar.without(name);
    const without = await session.send(of, { jar });
    if (isSuccess(without)) session.jar = jar;
    else facts.refreshCookies.push(name);
  }
  facts.needsAccess = facts.refreshCookies.some((name) => facts.accessCookies.includes(name)) && facts.refreshCookies.length > 1;
  const own = facts.refreshCookies.filter((name) => !facts.accessCookies.includes(name));
  facts.isOne = own.length === 0;
  const [name] = facts.isOne ? facts.refreshCookies : own;
  if (!name) return;
  facts.rotates = before.find(name)?.value !== session.jar.find(name).value;
  facts.carried = session.jar.sent(options.api.url).some((it) => it.name === name);
  const { value } = session.jar.find(name);
  facts.bareRefresh = brief(await session.send(of, { jar: session.jar.without(name).without(facts.accessCookies[0]) }));
  facts.spoiltRefresh = brief(await session.send(of, { jar: session.jar.with(name, spoil(value)) }));
  const [access] = facts.accessCookies;
  if (facts.isOne || !access) return;
  facts.refreshAsAccess = await isFine(await session.send("api", { jar: session.jar.with(access, value) }));
  const swapped = session.jar.with(name, session.jar.find(access).value);
  facts.accessAsRefresh = isSuccess(await session.send(of, { jar: swapped }));
}

async function lookAtCors(session, facts) {
  const stranger = await session.send("api", { origin: STRANGER });
  facts.stranger = allows(stranger, STRANGER);
  if (!facts.isElsewhere) return;
  const answers = [await session.send("api"), await session.send("api", { jar: emptied(session) })];
  answers.push(await session.send("refresh", { jar: emptied(session) }));
  const names = ["the API", "a 401 of the API", "the refresh"];
  facts.cors = answers.map((answer, at) => ({ of: names[at], ...allows(answer, facts.origin), vary: varies(answer, "origin") }));
  const csrf = session.visit.csrf.refresh?.header;
  const asked = ["content-type", csrf?.toLowerCase()].filter(Boolean);
  const preflight = (of, headers) =>
    session.send(of, {
      method: "OPTIONS",
      headers: { "access-control-request-method": "POST", "access-control-request-headers": headers.join(",") },
    });
  const permits = (answer, headers) => {
    const list = (answer.headers.get("access-control-allow-headers") ?? "").toLowerCase().split(/\s*,\s*/);
    return isSuccess(answer) && allows(answer, facts.origin).ok && headers.every((it) => list.includes(it));
  };
  facts.preflight = permits(await preflight("api", asked), asked);
  const withKey = csrf ? [csrf.toLowerCase(), "idempotency-key"] : ["idempotency-key"];
  facts.keyAllowed = permits(await preflight("refresh", withKey), withKey);
}

async function lookAtCsrf(visit, session, facts) {
  if (visit.options.write) facts.write = brief(await session.sendGuarded("write", ({ status }) => ![400, 401, 403, 419].includes(status)));
}

/** What spends a session: each in one of its own, if there can be more than one. */
async function lookAtEnds(visit, first, facts, isFine) {
  const { options } = visit;
  const fresh = async () => (visit.signsIn ? visit.open() : first);
  const isAlive = async (session) => isSuccess(await session.send("refresh"));
  /** A session whose refresh token of before has been used, under a key if need be. */
  const spent = async (key) => {
    const session = await fresh();
    const before = session.jar.clone();
    return { session, before, ok: isSuccess(await session.send("refresh", { key })) };
  };
  if (facts.rotates) {
    const again = await spent();
    if (again.ok) {
      facts.again = outcome(await again.session.send("refresh", { jar: again.before.clone() }));
      facts.again.alive = await isAlive(again.session);
    }
    const key = Session.key();
    const keyed = await spent(key);
    if (keyed.ok) {
      facts.key = outcome(await keyed.session.send("refresh", { jar: keyed.before, key }));
      facts.key.alive = await isAlive(keyed.session);
    }
    const parallel = await fresh();
    facts.keys = await race(parallel, Session.key());
    const racing = await fresh();
    facts.race = await race(racing);
    facts.race.alive = await isAlive(racing);
  }
  if (options.leeway !== undefined || options.expiry !== undefined) {
    const started = Date.now();
    const waiting = await spent();
    if (waiting.ok && options.expiry !== undefined) {
      await until(started + options.expiry * 1_000 + SLACK);
      const [access] = facts.accessCookies;
      const answer = await waiting.session.send("api");
      if (!(await isFine(answer))) {
        const isSent = waiting.session.jar.sent(options.api.url).some(({ name }) => name === access);
        facts.expired = { ...(await refusal(options, answer)), isSent };
      }
    }
    if (waiting.ok && facts.rotates && options.leeway !== undefined) {
      await until(started + options.leeway * 1_000 + SLACK);
      facts.past = outcome(await waiting.session.send("refresh", { jar: waiting.before }));
      facts.past.alive = await isAlive(waiting.session);
    }
  }
  if (options.signOut) await lookAtSignOut(fresh, facts, isFine);
}

async function lookAtSignOut(fresh, facts, isFine) {
  const session = await fresh();
  // So that nothing has expired meanwhile.
  if (!isSuccess(await session.send("refresh"))) return;
  const before = session.jar.clone();
  const isGood = await isFine(await session.send("api"));
  const answer = await session.sendGuarded("signOut", ({ status }) => status < 400);
  facts.signOut = brief(answer);
  facts.signOut.leaves = [...facts.accessCookies, ...facts.refreshCookies].filter((name) => session.jar.find(name));
  const [api, refresh] = [await session.send("api", { jar: before.clone() }), await session.send("refresh", { jar: before.clone() })];
  facts.signOut.accessLives = isGood && (await isFine(api));
  facts.signOut.refreshLives = isSuccess(refresh);
}

/** Two refreshes with the same cookies at the same time; a browser keeps what both set, the refusal last. */
async function race(session, key) {
  const before = session.jar;
  const jars = [before.clone(), before.clone()];
  const answers = await Promise.all(jars.map((jar) => session.send("refresh", { jar, key })));
  answers.sort((one, other) => Number(isSuccess(other)) - Number(isSuccess(one)));
  for (const answer of answers) session.jar.store(answer.url, answer.setCookies);
  return { statuses: answers.map((it) => it.status), deletes: answers.flatMap(deletions), accepted: answers.filter(isSuccess).length };
}

const until = (time) => new Promise((resolve) => setTimeout(resolve, Math.max(0, time - Date.now())));
const isSuccess = ({ status }) => status >= 200 && status < 300;
const outcome = (answer) => ({ ...brief(answer), accepted: isSuccess(answer) });

/** The jar of a session, without what tells who it is. */
function emptied(session) {
  return session.jar.all().filter(({ name }) => !isCsrfCookie(name)).reduce((jar, { name }) => jar.without(name), session.jar.clone());
}

/** What an answer was, without its body. */
function brief(answer) {
  return {
    status: answer.status,
    type: answer.headers.get("content-type")?.split(";")[0],
    size: answer.size,
    cached: cacheable(answer),
    retryAfter: answer.headers.has("retry-after"),
    deletes: deletions(answer),
    to: target(answer)?.pathname,
  };
}

const deletions = (answer) => (answer.stored ?? []).filter((it) => it.deleted).map((it) => it.name);

/** A refusal, with what tells it from other answers of its status, for `isExpired`. */
async function refusal(options, answer) {
  const told = await isToldExpired(options, answer);
  const body = readJson(answer.body);
  const code = body && typeof body === "object" ? codeOf(body) : undefined;
  const text = !body && answer.body.length <= 60 && !/[<"\\]/.test(answer.body) ? answer.body : undefined;
  return { ...brief(answer), told, code, text };
}

/** A field of a body whose value is a name: an error code. */
function codeOf(body) {
  const graphql = body.errors?.[0]?.extensions?.code;
  if (typeof graphql === "string") return { path: "graphql", value: graphql };
  const path = ["code", "error_type", "error_code", "type", "error"].find((it) => /^[\w.-]{3,40}$/.test(body[it] ?? ""));
  return path && { path, value: body[path] };
}

/** What the options of the client make of an answer; `undefined` if they say nothing of it. */
async function isToldExpired({ isExpired, expiredStatuses }, answer) {
  if (expiredStatuses) return expiredStatuses.includes(answer.status);
  if (!isExpired) return undefined;
  const body = [204, 205, 304].includes(answer.status) ? null : answer.body;
  return Boolean(await isExpired(new Response(body, { status: answer.status, headers: answer.headers })));
}

/** What tells a good answer of the API from a refusal. */
async function judge(options, good, bare) {
  return async (answer) => isSuccess(answer) && sign(answer) !== sign(bare) && !(await isToldExpired(options, answer));
}

/** What a kind of answer looks like, whatever is in it. */
function sign({ status, headers, body }) {
  const shape = (value, depth = 2) =>
    value && typeof value === "object" && depth ? Object.entries(value).map(([key, it]) => [key, shape(it, depth - 1)]) : value === null;
  const json = readJson(body);
  return JSON.stringify([status, headers.get("content-type"), json === undefined ? "" : shape(json)]);
}

/** The header by which a cache may keep that answer, and hand it to whoever comes next. */
function cacheable({ headers, status }) {
  const control = headers.get("cache-control")?.toLowerCase();
  if (varies({ headers }, "cookie")) return undefined;
  if (control === undefined) {
    return status < 400 && headers.has("last-modified") ? "Last-Modified without Cache-Control" : undefined;
  }
  const isKept = /(max-age|s-maxage)=0*[1-9]|public|immutable/.test(control) && !/no-store|no-cache/.test(control);
  return isKept ? `Cache-Control: ${control}` : undefined;
}

const varies = ({ headers }, name) => (headers.get("vary") ?? "").toLowerCase().split(/\s*,\s*/).some((it) => it === name || it === "*");

function allows({ headers }, origin) {
  const named = headers.get("access-control-allow-origin");
  const credentials = headers.get("access-control-allow-credentials") === "true";
  return { star: named === "*", credentials, ok: named === origin && credentials };
}

function target({ status, headers, url }) {
  const to = headers.get("location");
  return status >= 300 && status < 400 && to && URL.canParse(to, url) ? new URL(to, url) : undefined;
}

/** A redirect to the same address, but for a slash at its end or the scheme. */
const isSlash = (answer) => {
  const bare = (url) => url && `${url.host}${url.pathname.replace(/\/+$/, "")}`;
  return bare(target(answer)) === bare(answer.url);
};

/** The lifetime that an answer announces, and where. */
function told(answer) {
  const body = readJson(answer.body) ?? {};
  const expiresIn = body.expires_in ?? body.expiresIn;
  return { expiresIn: Number.isFinite(expiresIn) && expiresIn > 0 ? expiresIn : undefined };
}

/** The same token with one letter changed, where it counts. */
function spoil(value) {
  const at = Math.max(0, value.length - 6);
  return value.slice(0, at) + (value[at] === "A" ? "B" : "A") + value.slice(at + 1);
}
