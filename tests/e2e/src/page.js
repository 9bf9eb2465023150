// What the tests' scripts find in a blank page. It runs as the body of an async function.

const { createClient, isKeepfreshError, KeepfreshError } = await import("/keepfresh/index.js");

const usual = { refresh: "/auth/refresh", signIn: "/auth/sign-in", signOut: "/auth/sign-out" };

/** A client of the demo server. `heard` lists the events that it has announced. */
function newClient(options = {}) {
  const client = createClient({ ...usual, ...options });
  const heard = [];
  for (const type of ["refreshed", "expired", "unavailable", "ineffective"]) {
    client.addEventListener(type, () => heard.push(type));
  }
  return Object.assign(client, { heard });
}

const PASSWORDS = { ada: "correct horse", grace: "battery staple" };

async function signInAs(login, send = fetch, origin = "") {
  const answer = await send(`${origin}/auth/sign-in`, {
    method: "POST",
    credentials: "include",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ login, password: PASSWORDS[login] }),
  });
  if (!answer.ok) throw new Error(`the sign-in was answered ${answer.status}`);
  return answer.status;
}

const signIn = (send, origin) => signInAs("ada", send, origin);

/** As a form does it, and no client sees it. */
async function signInByForm(login) {
  const body = new URLSearchParams({ login, password: PASSWORDS[login] });
  const answer = await fetch("/auth/lab/sign-in", { method: "POST", body });
  if (!answer.ok) throw new Error(`the form was answered ${answer.status}`);
}

/** As whom a call was carried out, or what came of it. */
const who = async (call) => {
  const answer = await call.catch((error) => error);
  return answer.headers?.get("x-user") ?? outcome(Promise.resolve(answer));
};

/** The lab of a server: of the page's own, or of one that allows this page. */
function labOf(origin) {
  const ask = async (path, body) => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(`${origin}/lab/${path}`, { credentials: "include", ...(body && init) });
    if (!answer.ok) throw new Error(`/lab/${path} was answered ${answer.status}: ${await answer.text()}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  return {
    /** Has the refreshes or the API go wrong in this way. */
    set: (settings) => ask("set", settings),
    expireAccess: () => ask("expire-access", {}),
    revokeRefresh: () => ask("revoke-refresh", {}),
    counters: () => ask("counters?all=1"),
    reset: () => ask("counters/reset?all=1", {}),
    /** All requests, in the order in which they arrived, those to the lab left out. */
    log: () => ask("log?all=1"),
    /** What the requests to a path (with its query) were answered, in their order. */
    trail: async (path) => {
      const log = await ask("log?all=1");
      const entries = log.filter((entry) => entry.method !== "OPTIONS");
      const there = entries.filter((entry) => entry.path + (entry.query === null ? "" : `?${entry.query}`) === path);
      return there.map((entry) => entry.status);
    },
  };
}
const lab = labOf("");

/** Calls at once, and waits for all. */
const many = (count, call) => Promise.all(Array.from({ length: count }, (_, index) => call(index)));

/** What a call came to, as a plain value: the status, or what it was rejected with. */
const outcome = (call) =>
  call.then(
    (answer) => answer?.status ?? "done",
    (error) => (typeof error?.code === "string" ? error.code : (error?.name ?? error)),
  );

/** Waits for something that only asking can tell. */
async function until(condition) {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const pathOf = (input) => {
  const url = new URL(input instanceof Request ? input.url : input, document.baseURI);
  return (url.origin === location.origin ? "" : url.origin) + url.pathname + url.search;
};

/**
 * The real fetch, but each call is noted. Those that `hold` picks are held back on their way out, those that `keep`
 * picks on their way in, until they are released; `reached` is the moment when the first is held.
 */
function wire({ hold = () => false, keep = () => false } = {}) {
  const calls = [];
  const [reached, released] = [Promise.withResolvers(), Promise.withResolvers()];
  const wait = () => (reached.resolve(), released.promise);
  const send = async (...args) => {
    const path = pathOf(args[0]);
    const call = { args, path, nth: calls.filter((one) => one.path === path).length + 1 };
    calls.push(call);
    if (hold(call)) await wait();
    try {
      call.response = await fetch(...args);
    } catch (error) {
      call.error = error;
      throw error;
    } finally {
      if (keep(call)) await wait();
    }
    return call.response;
  };
  return {
    fetch: send,
    calls,
    reached: reached.promise,
    release: released.resolve,
    /** The calls and what came of them, in the order in which they were made. */
    trail: () => calls.map((call) => `${call.path} ${call.response?.status ?? call.error?.name ?? "under way"}`),
  };
}

/** Holds the refresh back, on its way out. */
const holdRefresh = () => wire({ hold: ({ path }) => path === "/auth/refresh" });

/**
 * The clock that the engine sees: it can be stopped, so that no deadline passes, and moved ahead. Timers that are set
 * run as they do.
 */
const clock = {
  real: performance.now.bind(performance),
  stopped: undefined,
  ahead: 0,
  now: () => (clock.stopped ?? clock.real()) + clock.ahead,
  // At a whole number, so that a sum of steps is exact.
  stop: () => (clock.stopped = Math.ceil(clock.real())),
  start: () => (clock.stopped = undefined),
  advance: (milliseconds) => (clock.ahead += milliseconds),
};
performance.now = clock.now;

async function sha256(data) {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function randomBytes(length) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

Object.assign(globalThis, {
  usual,
  createClient,
  isKeepfreshError,
  KeepfreshError,
  newClient,
  signIn,
  signInAs,
  signInByForm,
  who,
  labOf,
  lab,
  many,
  outcome,
  until,
  pathOf,
  wire,
  holdRefresh,
  clock,
  sha256,
  randomBytes,
});
