// Native fetch beside `client.fetch`, for seeded pairs of (input, init), valid and wild. It runs in the page; `cases` and
// `seed` are given. It returns what differs and may not, and which of the reasons for what may differ were met.

/** What may differ, and why. A row that is met in no run is one too many. */
const REASONS = {
  // R16: the session is renewed, and the caller is told that its body cannot be sent again.
  "not replayable": ({ how, ours }) => how === "expiry" && ours.error === "not_replayable",
  // R17: a replay has to reach the server, so it goes past the HTTP cache, and browsers tell the server so.
  "past the cache": ({ how, ours, native }) => {
    const without = (seen) => JSON.stringify({ ...seen, headers: seen.headers?.filter(([name]) => !/^(cache-control|pragma)$/.test(name)) });
    return how === "expiry" && without(ours) === without(native);
  },
};

/** Mulberry32: any seed gives the same pairs in every browser. */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const frame = document.body.appendChild(document.createElement("iframe"));
const realm = frame.contentWindow;
class Named extends Request {
  get url() {
    return "/lies";
  }
}

/** One pair, made anew each time from the same numbers. */
function makeCase(seed, url) {
  const next = random(seed);
  const pick = (...list) => list[Math.floor(next() * list.length)];
  const text = () => pick("", "text", "ä世界", "a=b&c=d", "x".repeat(2_000));
  const bytes = () => Uint8Array.from({ length: pick(1, 7, 500) }, () => 32 + Math.floor(next() * 90));
  const often = (usual, odd) => (next() < 0.85 ? usual() : odd());
  const pairs = () => pick([["x-own", "1"]], [["X-Own", "a"], ["x-own", "b"]], [["Content-Type", "text/own"]], []);
  const headers = () =>
    often(
      () => pick(() => Object.fromEntries(pairs()), pairs, () => new Headers(pairs()), () => new realm.Headers(pairs()))(),
      () => pick(null, 5, "x", [["one"]], { "x y": "1" }, { "x-n": 5 }, { "x-u": undefined }, new Map([["x-map", "1"]]), { "x-line": "a\nb" }, [["x", "1", "2"]], { cookie: "no" }),
    );
  const body = () =>
    often(
      () =>
        pick(
          text, () => new URLSearchParams({ a: text() }), () => new Blob([text()], { type: pick("", "text/own") }), () => bytes().buffer, bytes,
          () => new DataView(bytes().buffer), () => null, () => new realm.Blob([text()]), () => new realm.Uint8Array(bytes()),
        )(),
      () =>
        pick(
          () => 5, () => ({}), () => ({ toString: () => "own" }), () => Symbol.iterator, () => new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 })),
          () => new Uint8Array(0), () => new Proxy(new Blob(["x"]), {}), () => [1, 2], () => new Date(0), () => true,
          ...Array(6).fill(() => ({ async *[Symbol.asyncIterator]() { yield bytes(); } })), () => new Blob(["x"]).stream(),
        )(),
    );
  const members = {
    method: () => often(() => pick("GET", "POST", "PUT", "post", "get", "DELETE", "PATCH", "patch", "HEAD", "OPTIONS"), () => pick("TRACE", "NO METHOD", "", null, { toString: () => "PUT" }, "own")),
    headers,
    body,
    mode: () => often(() => pick("cors", "same-origin"), () => pick("no-cors", "navigate", "bogus", null)),
    credentials: () => often(() => pick("same-origin", "include"), () => pick("omit", "bogus", 5)),
    cache: () => often(() => pick("default", "no-store", "reload", "no-cache"), () => pick("only-if-cached", "bogus")),
    redirect: () => often(() => pick("follow", "error", "manual"), () => pick("bogus", 1)),
    referrer: () => pick("", "about:client", "/elsewhere", "https://elsewhere.example/", "http://["),
    referrerPolicy: () => often(() => pick("", "no-referrer", "same-origin", "unsafe-url"), () => "bogus"),
    signal: () => often(() => pick(undefined, null, new AbortController().signal), () => pick(AbortSignal.abort("enough"), {}, realm.AbortSignal.abort(7))),
    keepalive: () => pick(true, false, 1),
    integrity: () => "",
    priority: () => pick("high", "low", "bogus"),
    duplex: () => pick("half", "full"),
    window: () => pick(null, undefined, 5),
    unknown: () => 5,
  };
  const some = () => {
    const made = {};
    const count = pick(0, 1, 1, 2, 2, 3, 4);
    for (let at = 0; at < count; at += 1) {
      const name = pick("method", "method", "headers", "headers", "body", "body", ...Object.keys(members));
      made[name] = members[name]();
      // Most bodies are of requests that may have one.
      if (name === "body" && !made.method) made.method = pick("POST", "POST", "PUT");
    }
    return made;
  };
  const shape = (made) =>
    pick(
      () => made, () => made, () => made, () => made, () => Object.freeze(made), () => Object.assign(Object.create(null), made), () => Object.create(made),
      () => new Proxy(made, {}), () => new Proxy({}, { get: (_, name) => made[name] }),
      () => Object.defineProperties({}, Object.fromEntries(Object.entries(made).map(([name, value]) => [name, { get: () => value }]))),
      () => Object.assign(() => {}, made),
    )();
  const init = () => often(() => shape(some()), () => pick(undefined, null, 5, "text", true, Symbol.iterator, []));
  const request = (kind = Request) => {
    const { signal, ...made } = some();
    try {
      return new kind(new URL(url, location), signal instanceof AbortSignal ? { ...made, signal } : made);
    } catch {
      return new kind(new URL(url, location));
    }
  };
  const input = often(
    () => pick(() => url, () => url, () => new URL(url, location), () => `${location.origin}${url}#hash`, () => request(), () => request())(),
    () => pick(() => request(Named), () => request(realm.Request), () => ({ toString: () => url }), () => new Proxy({ url: "/lies" }, { get: (target, name) => (name === "toString" || name === Symbol.toPrimitive ? () => url : target[name]) }))(),
  );
  const args = [input];
  if (next() < 0.75) args.push(init());
  return args;
}

/** A pair in words, for whoever has to find out what is different about it. */
const inWords = ([input, init]) =>
  [input, init].map((it) => {
    if (it === null || (typeof it !== "object" && typeof it !== "function")) return String(it);
    const names = ["url", "href", "method", "headers", "body", "mode", "credentials", "cache", "redirect", "referrer", "referrerPolicy", "signal", "keepalive", "priority", "duplex", "window"];
    const said = names.filter((name) => it[name] !== undefined).map((name) => `${name}: ${Object.prototype.toString.call(it[name])} ${typeof it[name] === "object" ? "" : String(it[name])}`);
    return `${it.constructor?.name} { ${said.join(", ")} }`;
  });

/** What came of a call: what arrived at the server, and what came back. */
async function observe(send, args, number) {
  const [input] = args;
  const seen = {};
  let call;
  try {
    call = send(...args);
  } catch (error) {
    return { thrown: error.name };
  }
  try {
    seen.bodyUsed = input instanceof Request || input instanceof realm.Request ? input.bodyUsed : undefined;
    const response = await call;
    Object.assign(seen, { type: response.type, status: response.status, redirected: response.redirected });
    const said = await response.text();
    const arrived = said && response.status === 200 ? JSON.parse(said) : { said };
    // A boundary, and what tells one case from another, are of no account.
    Object.assign(seen, arrived, { url: arrived.url?.replaceAll(number, "N"), headers: arrived.headers?.filter(([name]) => name !== "referer") });
    const referrer = arrived.headers?.find(([name]) => name === "referer");
    seen.referrer = referrer?.[1].replaceAll(number, "N");
  } catch (error) {
    seen.error = error?.code && typeof error.code === "string" ? error.code : (error?.name ?? String(error));
  }
  return seen;
}

const guarded = newClient({ exclude: ["/api/lab/echo/not"] });
await guarded.fetch("/api/me");
await until(() => guarded.state === "active");
const outOfScope = newClient({ guard: ["/nothing"], name: "out of scope" });
const ways = {
  good: () => guarded.fetch,
  expiry: async () => {
    await lab.expireAccess();
    return guarded.fetch;
  },
  "out of scope": () => outOfScope.fetch,
  cold: () => newClient({ name: `cold ${Math.random()}`, crossTab: false }).fetch,
};
const differs = [];
const met = {};
for (let at = 0; at < cases; at += 1) {
  const number = `case${seed + at}`;
  const url = `/api/lab/echo?${number}`;
  // The cookie is good, whatever the case before was.
  const native = await observe(fetch, makeCase(seed + at, url), number);
  for (const [how, way] of Object.entries(ways)) {
    // Of five, one at each: to let the token expire takes time.
    if (how === "expiry" && at % 3) continue;
    const send = await way();
    const ours = await observe(send, makeCase(seed + at, url), number);
    if (how === "expiry" && ours.status !== 200) await guarded.fetch("/api/me");
    if (JSON.stringify(ours) === JSON.stringify(native)) continue;
    const reason = Object.keys(REASONS).find((name) => REASONS[name]({ how, ours, native }));
    if (reason) met[reason] = true;
    else if (differs.length < 8) differs.push({ case: seed + at, how, args: inWords(makeCase(seed + at, url)), ours, native });
  }
}
frame.remove();
return { differs, unmet: Object.keys(REASONS).filter((reason) => !met[reason]) };
