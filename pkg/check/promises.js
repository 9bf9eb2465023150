// From facts to verdicts: each promise is kept, not kept, or cannot be told.

const kept = (why) => ({ verdict: "kept", why });
const broken = (why) => ({ verdict: "not kept", why });
const unknown = (why) => ({ verdict: "cannot tell", why });

/**
 * The verdicts on what was seen, in the order in which a session lives. One that does not apply is left out.
 * @returns {{ id: string, level: "must" | "should", title: string, verdict: string, why?: string, lost?: string, mend?: string }[]}
 */
export function verdicts(facts) {
  return PROMISES.flatMap(([level, id, title, judge, lost, mend]) => {
    const found = judge(facts);
    if (!found) return [];
    const isBroken = found.verdict === "not kept";
    return [{ id, level, title, ...found, ...(isBroken ? { lost, mend } : {}) }];
  });
}

const ended = (facts, of) =>
  facts.asked === false
    ? unknown("it may end the session of --cookie: say --yes, or give --sign-in")
    : unknown(facts.refresh.renews ? `no ${of} could be seen` : "there was no refresh that renews the session");
const tokens = (facts) => facts.cookies.filter(({ roles }) => roles.length > 0);
const list = (names) => [...new Set(names)].join(", ");
const both = (facts, suits, why) => {
  if (tokens(facts).length === 0) return unknown("no answer has set the cookies yet");
  const bad = tokens(facts).filter((it) => !suits(it));
  return bad.length > 0 ? broken(`${list(bad.map((it) => it.name))} ${why}`) : kept();
};
const ourDeletions = (facts, answers) => {
  const names = [...facts.accessCookies, ...facts.refreshCookies];
  return answers.filter((it) => it && it.deletes.some((name) => names.includes(name)));
};

/** Level, id, title, judge, what is lost, how to mend it. */
const PROMISES = [
  ["must", "unauthorized", "401 for an access token that is missing or no good", (facts) => {
    const { missing, spoilt, expired } = facts;
    const met = [["a missing", missing], [expired ? "an expired" : "a spoilt", expired?.isSent === false ? undefined : expired ?? spoilt]];
    const bad = met.filter(([, it]) => it && !(it.told ?? it.status === 401));
    const say = ([of, it]) => `${of} one is answered ${it.to ? `${it.status} to ${it.to}` : `${it.status} ${it.type ?? "without a body"}`}`;
    return bad.length > 0 ? broken(bad.map(say).join("; ")) : kept(missing.told ? "by your isExpired or expiredStatuses" : undefined);
  }, "nobody knows that it is time to refresh: the page shows an error, or a sign-in page in place of data",
    "answer 401 for /api and the like; until then, isExpired (below) tells such an answer from others"],
  ["must", "unauthorized-uncached", "that 401 is kept by no cache", ({ missing, spoilt, expired }) => {
    const [bad] = [missing, spoilt, expired].filter((it) => it?.cached);
    return bad ? broken(bad.cached) : kept();
  }, "the request that is sent again after a refresh gets the old 401 from the browser's cache",
    "send Cache-Control: no-store with it"],
  ["must", "unauthorized-keeps", "that 401 does not delete the refresh cookie", (facts) => {
    const bad = [facts.missing, facts.spoilt, facts.expired].filter((it) => it?.deletes.some((name) => facts.refreshCookies.includes(name)));
    return bad.length > 0 ? broken(`it deletes ${list(bad.flatMap((it) => it.deletes))}`) : kept();
  }, "users are signed out by mistake: at each expiry the cookie that could renew the session is gone",
    "answer 401 and no Set-Cookie; delete cookies at the sign-out alone"],
  ["should", "unauthorized-small", "that 401 is small (64 KB)", ({ missing }) =>
    missing.size > 65_536 ? broken(`it has ${missing.size} bytes`) : kept(),
    "it is fetched anew where somebody has to read it", "answer with a short body"],
  ["must", "forbidden", "403 for what a user may not do", ({ forbidden }) => {
    if (!forbidden) return undefined;
    return (forbidden.told ?? forbidden.status === 401) ? broken(`it is answered ${forbidden.status}, as if the token had expired`) : kept();
  }, "each forbidden request costs a refresh", "answer 403"],
  ["should", "api-uncached", "what the API says to one user is kept for no other", ({ good }) => good.cached ? broken(good.cached) : kept(),
    "whoever signs in next is served from the cache what was somebody else's", "send Cache-Control: no-store, or Vary: Cookie"],
  ["must", "refresh-direct", "the refresh is answered without a redirect", ({ redirected, refresh }) =>
    redirected ? broken(`${redirected.status} to ${redirected.to}`) : refresh.to ? broken(`${refresh.status} to ${refresh.to}`) : kept(),
    "keepfresh follows no redirect of a refresh: the session is never renewed",
    "name the address that it leads to, slash included; answer a refusal with 401, not with a way to the sign-in page"],
  ["must", "refresh-renews", "the refresh answers 2xx with new cookies", ({ refresh }) =>
    refresh.renews ? kept(`${refresh.method}, sets ${list(refresh.sets)}`)
      : refresh.to ? unknown("it is redirected") : broken(`it is answered ${refresh.status} and sets ${list(refresh.sets) || "nothing"}`),
    "no session outlives its first access token", "look at the method, the CSRF header and the Path of the refresh cookie"],
  ["must", "refresh-alone", "the refresh needs no access token", (facts) =>
    facts.refresh.renews ? (facts.needsAccess ? broken(`it needs ${list(facts.refreshCookies)}`) : kept()) : ended(facts, "refresh"),
    "a browser that was closed has no access cookie any more, and cannot come back", "let the refresh look at its own cookie alone"],
  ["must", "refresh-refusal", "a refresh that is refused is answered 400, 401 or 403", (facts) => {
    const answers = [facts.bareRefresh, facts.spoiltRefresh].filter(Boolean);
    if (answers.length === 0) return ended(facts, "refusal");
    const bad = answers.filter((it) => ![400, 401, 403].includes(it.status) || it.retryAfter);
    return bad.length > 0 ? broken(`it is answered ${list(bad.map((it) => it.status))}`) : kept(list(answers.map((it) => it.status)));
  }, "a session that is over is taken for a fault, and tried again and again", "answer 401; until then, interpret can say { outcome: \"expired\" }"],
  ["should", "refresh-uncached", "the answer of the refresh is kept by no cache", ({ refresh }) => refresh.cached ? broken(refresh.cached) : kept(),
    "an old answer is taken for a new one", "send Cache-Control: no-store"],
  ["should", "refresh-unsafe", "the refresh is no GET", ({ refresh }) => refresh.method === "GET" ? broken("it is a GET") : kept(),
    "a link, an image or a prefetch can send it, and spends the token", "make it a POST"],
  ["should", "expires-in", "sign-in and refresh say how long the access token lives", ({ signIn, refresh, tokenLifetime }) => {
    const silent = [signIn && !signIn.expiresIn && "the sign-in", !refresh.expiresIn && "the refresh"].filter(Boolean);
    if (silent.length > 0) return broken(`${silent.join(" and ")} do not`.replace(/^(the [a-z-]+) do /, "$1 does "));
    const isFar = tokenLifetime && (refresh.expiresIn > 2 * tokenLifetime || refresh.expiresIn < tokenLifetime / 2);
    return isFar ? broken(`they say ${refresh.expiresIn}, and the token lives ${tokenLifetime} s`) : kept(`${refresh.expiresIn} s`);
  }, "the first requests after an expiry are sent twice, until keepfresh has learnt the lifetime", 'add "expires_in", in seconds, to both answers'],
  ["must", "rotation", "each refresh gives a new refresh token", (facts) =>
    facts.rotates === undefined ? ended(facts, "refresh cookie") : facts.rotates ? kept() : broken("the cookie stays the same"),
    "a stolen token is good for as long as it lives, and nobody notices", "give a new one at each refresh; then add a leeway (the line after next)"],
  ["must", "repeat", "a refresh whose answer was lost can be sent again", (facts) => {
    if (facts.rotates === false) return kept("nothing is consumed");
    const { again, key } = facts;
    if (!again || !key) return ended(facts, "second refresh");
    if (again.accepted && again.alive) return kept("within a leeway");
    if (key.accepted && key.alive) return kept("under the same Idempotency-Key");
    return broken(`a consumed token is answered ${again.status} at once${again.alive ? "" : ", and ends the session"}; with the same Idempotency-Key ${key.status}`);
  }, "USERS ARE SIGNED OUT BY MISTAKE: an answer that gets lost (a closed tab, a tunnel) leaves the browser with a token that the server has consumed",
    "for some ten seconds, answer a consumed token with the one that it was exchanged for; and know the Idempotency-Key again (docs/backends.md)"],
  ["must", "race", "two refreshes at once leave the session alive", (facts) => {
    const { race, again, key } = facts;
    if (facts.rotates === false) return kept("nothing is consumed");
    if (!race || !again || !key) return ended(facts, "race");
    if (race.alive) return kept(race.statuses.join(" and "));
    if (!(again.accepted || key.accepted)) return unknown("there is no leeway, see above");
    if (race.deletes.length > 0) return unknown("the loser deletes the cookies, see below");
    return broken(`answered ${race.statuses.join(" and ")}, and then the session was over`);
  }, "users are signed out by mistake where tabs cannot agree (two subdomains, two browsers' profiles)", "allow a leeway of some seconds before reuse ends a session"],
  ["must", "loser", "the loser of a race is sent no deletions", (facts) => {
    const answers = [facts.again, facts.key, facts.race, facts.past, facts.spoiltRefresh];
    const bad = ourDeletions(facts, answers);
    if (bad.length > 0) return broken(`a refusal deletes ${list(bad.flatMap((it) => it.deletes))}`);
    return answers.some(Boolean) ? kept() : ended(facts, "refusal");
  }, "users are signed out by mistake: the late refusal deletes the cookies that the winner has just been given",
    "answer a refused refresh with 401 and no Set-Cookie"],
  ["must", "consumed", "a consumed refresh token is refused past the leeway", (facts) => {
    if (facts.rotates === false) return unknown("no token is consumed");
    const seen = facts.past ?? (facts.again?.accepted ? undefined : facts.again);
    if (!seen) return facts.again ? unknown("say --leeway SECONDS, a bit more than your server's") : ended(facts, "consumed token");
    return seen.accepted ? broken(`it is still good after ${facts.leeway} s`) : kept(String(seen.status));
  }, "rotation is worth nothing: a stolen token stays good", "refuse it once the leeway is over"],
  ["should", "reuse", "its reuse ends the session", (facts) => {
    const seen = facts.past ?? (facts.again?.accepted ? undefined : facts.again);
    if (facts.rotates === false || !seen || seen.accepted) return unknown("no token was refused as consumed");
    return seen.alive ? broken("the session lives on") : kept();
  }, "a thief who was quicker than the user keeps the session", "end the family of a token that comes back after the leeway (RFC 9700), with a leeway first"],
  ["must", "httponly", "the cookies are HttpOnly", (facts) => both(facts, (it) => it.httpOnly, "can be read by scripts"),
    "any script on the page can take the session away", "set HttpOnly"],
  ["must", "secure", "the cookies are Secure", (facts) => {
    const found = both(facts, (it) => it.secure, "travels over http too");
    return found.verdict === "not kept" && !facts.isSafe ? unknown("asked over http: look again over https") : found;
  }, "whoever shares the network reads the token", "set Secure"],
  ["must", "samesite", "the cookies are SameSite=Lax or Strict", (facts) =>
    both(facts, (it) => /^(Lax|Strict)$/.test(it.sameSite ?? ""), "says nothing of it, or None"),
    "other sites can send requests as the user", "set SameSite=Lax, for the refresh cookie Strict"],
  ["must", "path", "the refresh cookie goes to the refresh alone", (facts) =>
    facts.isOne ? broken("one cookie is the access token and the refresh token")
      : facts.carried === undefined ? ended(facts, "refresh cookie") : facts.carried ? broken("the API is sent it, too") : kept(),
    "each request carries it and each log may hold it; and whatever else renews the session on the way (a middleware) spends it under the page: users are signed out by mistake",
    "set its Path to where the refresh and the sign-out are, such as /auth"],
  ["should", "lifetime", "the refresh cookie outlives the browser's window", (facts) => {
    const cookies = tokens(facts).filter(({ roles }) => roles.includes("refresh"));
    if (cookies.length === 0) return unknown("no answer has set it yet");
    return cookies.some((it) => it.lifetime === undefined) ? broken("it has no Max-Age") : kept(`${Math.round(cookies[0].lifetime)} s`);
  }, "who closes the browser is signed out", "set Max-Age to the life of the token"],
  ["should", "prefix", "their names start with __Host- or __Secure-", (facts) => {
    const found = both(facts, (it) => /^__(Host|Secure)-/i.test(it.name), "can be planted by a sibling domain");
    return found.verdict === "not kept" && !facts.isSafe ? unknown("asked over http: look again over https") : found;
  }, "a sibling domain can put its own session in place of the user's", "call it __Host-…, with a Path __Secure-…"],
  ["must", "taken", "a browser takes each cookie", ({ refused }) =>
    refused.length > 0 ? broken(refused.map((it) => `${it.name}: ${it.why}`).join("; ")) : kept(),
    "the cookie is dropped, and the session with it", "set its attributes as its name and the scheme want them"],
  ["must", "hidden", "no answer shows a token to scripts", ({ visible }) =>
    visible.length > 0 ? broken(visible.map((it) => `${it.where} shows ${it.what}`).join("; ")) : kept(),
    "HttpOnly is worth nothing: any script can ask for the token", "leave tokens out of bodies"],
  ["must", "separate", "neither token is accepted as the other", (facts) => {
    if (facts.refreshAsAccess === undefined) return unknown("there are no two cookies to tell apart");
    const bad = [facts.refreshAsAccess && "the API takes the refresh token", facts.accessAsRefresh && "the refresh takes the access token"];
    return bad.some(Boolean) ? broken(bad.filter(Boolean).join("; ")) : kept();
  }, "short lives are worth nothing: one token is as good as the other for ever", "write into each token what it is for, and check that"],
  ["must", "sign-out", "a sign-out ends the session", (facts) => {
    const { signOut } = facts;
    if (!signOut) return facts.asked === false ? ended(facts, "sign-out") : unknown("say --sign-out URL");
    if (signOut.status >= 400) return broken(`it is answered ${signOut.status}`);
    if (signOut.refreshLives) return broken("the refresh token is still good");
    return kept(signOut.accessLives ? "the access token is good until it expires" : undefined);
  }, "who signs out stays signed in: a copy of the refresh token lives on",
    "revoke the refresh token, and see that the sign-out is sent it (Path)"],
  ["should", "sign-out-deletes", "a sign-out deletes the cookies", (facts) =>
    facts.signOut ? (facts.signOut.leaves.length > 0 ? broken(`it leaves ${list(facts.signOut.leaves)}`) : kept())
      : facts.asked === false ? ended(facts, "sign-out") : unknown("say --sign-out URL"),
    "the browser goes on sending dead tokens", "delete each with the Path and Domain that it was set with"],
  ["should", "sign-in", "a sign-in is answered 2xx", ({ signIn }) =>
    signIn ? (signIn.to ? broken(`${signIn.status} to ${signIn.to}`) : kept()) : unknown("there was none"),
    "keepfresh does not see that a session began", "answer 2xx, or call client.signedIn()"],
  ["must", "cors", "CORS names the origin, with credentials, on refusals too", ({ cors, preflight, origin }) => {
    if (!cors) return undefined;
    const bad = cors.filter((it) => !it.ok);
    const say = (it) => `${it.of} ${it.star ? "allows *" : it.credentials ? "does not name it" : "does not allow credentials"}`;
    if (bad.length > 0) return broken(bad.map(say).join("; "));
    return preflight ? kept(origin) : broken("the preflight of a POST is refused");
  }, "the browser hides the answers: each looks like a broken network", "name the origin, and send Access-Control-Allow-Credentials: true with each answer, refusals included"],
  ["must", "cors-stranger", "CORS lets no other origin in", ({ stranger }) =>
    stranger.ok ? broken("any origin is echoed, with credentials") : kept(),
    "any site can read the API as the user", "compare the origin with a list"],
  ["should", "cors-vary", "such answers say Vary: Origin", ({ cors }) =>
    cors ? (cors.some((it) => it.ok && !it.vary) ? broken("they do not") : kept()) : undefined,
    "a cache hands one origin's answer to another", "send Vary: Origin"],
];
