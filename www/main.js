// @ts-check
// The wiring: what each button does.

import { createClient, init } from "/keepfresh/index.js";
import { expireAccess, LabError, revokeRefresh, setRefresh } from "./lab.js";
import { Log } from "./log.js";
import { byId, html } from "./page.js";
import { Run } from "./run.js";
import { Session } from "./session.js";
import { isNoted, onNoted, setNoted } from "./store.js";
import { graceSignsIn, refreshIsNotFound, signOutIsRefused, USERS } from "./stories.js";
import { Timeline } from "./timeline.js";
import { makeFile, sha256, verdict } from "./upload.js";
import { Wire } from "./wire.js";
import { MODE_NAMES, reason, sentence } from "./words.js";

byId("stalled").remove();

const query = new URLSearchParams(location.search);
// Before the engine is loaded, which is not before it is asked for.
if (query.has("no-wasm")) Object.assign(globalThis, { WebAssembly: undefined });

const wire = new Wire("/auth/refresh", () => draw());

// All that a single-page app needs; `fetch` and `trace` are given here only so that the page can show what happens.
const client = createClient({
  refresh: "/auth/refresh",
  signIn: "/auth/sign-in",
  signOut: "/auth/sign-out",
  fetch: wire.fetch,
  trace: new Log(byId("decisions")).note,
});

const session = new Session(client, showSession);

/** @typedef {{ run: Run, timeline: Timeline }} Shown */

const RUNS_KEPT = 6;
/** The newest first. @type {Shown[]} */
let shown = [];
let runsStarted = 0;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// ---- Sending ----

/** @returns {import("./run.js").Mode} */
const mode = () => (byId("mode-raw", HTMLInputElement).checked ? "raw" : "keepfresh");

/** The run that is still under way, so that a request sent meanwhile is seen beside it, or a new one. */
function currentRun() {
  const newest = shown[0];
  if (newest && newest.run.endedAt === null && newest.run.mode === mode()) return newest.run;
  runsStarted += 1;
  const run = new Run(runsStarted, mode(), wire);
  const timeline = new Timeline(run);
  shown.unshift({ run, timeline });
  for (const { timeline: old } of shown.splice(RUNS_KEPT)) old.element.remove();
  byId("runs").prepend(timeline.element);
  showKey();
  animate(run, timeline);
  return run;
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
function send(path, init) {
  const run = currentRun();
  return run.send(run.mode === "raw" ? wire.fetch : client.fetch, path, init);
}

/**
 * Each answer is read, as an app would: a browser tells the timing of a response only when it is at its end.
 * @param {number} count
 */
const sendMany = (count) => Promise.all(Array.from({ length: count }, async () => (await send("/api/me"))?.text()));

/**
 * @param {Run} run
 * @param {Timeline} timeline
 */
function animate(run, timeline) {
  byId("summary").textContent = "Under way …";
  let drawn = false;
  const frame = () => {
    timeline.draw();
    if (!drawn) timeline.element.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
    drawn = true;
    if (run.endedAt === null) return next();
    summarise(run);
  };
  const next = () => (calm.matches ? setTimeout(frame, 500) : requestAnimationFrame(frame));
  next();
}

/** @param {Run} run */
function summarise(run) {
  const tally = run.tally();
  const parts = sentence(run.mode, tally).map(({ text, colour }) => html("span", colour ? { class: `word-${colour}` } : {}, text));
  const words = parts.flatMap((part, index) => (index === 0 ? [part] : [", ", part]));
  const why = tally.errors.length > 0 ? ` ${reason(tally.errors[0])}` : "";
  byId("summary").replaceChildren(`${MODE_NAMES[run.mode]}: `, ...words, ".", why);
}

/** The key explains a lane until there are some to be seen. */
function showKey() {
  byId("key").hidden = shown.length > 0;
  byId("legend").hidden = shown.length === 0;
}

function draw() {
  for (const { timeline } of shown) timeline.draw();
}

// ---- Telling ----

/** @param {string} text */
function tell(text) {
  byId("notice").textContent = text;
}

/**
 * Runs what a control does, and says so when it cannot.
 * @param {() => Promise<unknown>} work
 */
async function doing(work) {
  try {
    await work();
  } catch (error) {
    tell(error instanceof LabError ? error.message : reason(error));
  }
}

function showSession() {
  const signedIn = session.user !== null;
  byId("sign-in-form").hidden = signedIn;
  byId("sign-out", HTMLButtonElement).disabled = !signedIn;
  byId("lab", HTMLFieldSetElement).disabled = !signedIn;
  byId("disturb-hint").textContent = signedIn ? "These act on your session only." : "Sign in first: these act on your session.";
}

/** @param {string} words */
function askToSignIn(words) {
  byId("sign-in-words").textContent = words;
  showSession();
  byId("login").focus();
}

client.addEventListener("refreshed", (event) => {
  const peer = /** @type {CustomEvent} */ (event).detail.by === "peer";
  tell(peer ? "Another tab refreshed the session; this one goes on with it." : "The session was refreshed.");
  if (!peer) return;
  for (const { run } of shown) if (run.endedAt === null) run.peerRefreshes.push(performance.now());
});
client.addEventListener("expired", () => {
  tell("The server refused the refresh: the session is over.");
  askToSignIn("Please sign in again: the refresh token is not accepted any more.");
});
client.addEventListener("unavailable", (event) => {
  const { cause } = /** @type {CustomEvent} */ (event).detail;
  tell(
    cause === "engine"
      ? "There is no engine: requests go out as plain fetch would send them."
      : "A refresh failed for now. You are not signed out; it will be tried again.",
  );
});
client.addEventListener("ineffective", () => {
  tell("The refresh succeeded, and the replay was answered 401 all the same: its 401 is handed over.");
});

// ---- Controls ----

/**
 * @param {string} id
 * @param {() => Promise<unknown>} work
 */
const onClick = (id, work) => byId(id).addEventListener("click", () => doing(work));

/**
 * @param {string} login
 * @param {string} password
 */
async function signIn(login, password) {
  const problem = await session.signIn(login, password);
  if (problem !== null) {
    askToSignIn(problem);
    return false;
  }
  // The lab's settings belong to a session, and this is a new one.
  setNoted("slow-refresh", false);
  showSlow();
  return true;
}

byId("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  void doing(async () => {
    if (!(await signIn(byId("login", HTMLInputElement).value, byId("password", HTMLInputElement).value))) return;
    tell("Signed in. The server has set two HttpOnly cookies.");
    byId("fifty").focus();
  });
});
for (const [login, password] of Object.entries(USERS)) {
  onClick(`as-${login}`, async () => {
    byId("login", HTMLInputElement).value = login;
    byId("password", HTMLInputElement).value = password;
    byId("sign-in").focus();
  });
}
onClick("sign-out", async () => {
  const problem = await session.signOut();
  tell(problem ?? "Signed out.");
  if (problem === null) askToSignIn("You have signed out.");
});

onClick("one", () => sendMany(1));
onClick("fifty", () => sendMany(50));
onClick("clear", async () => {
  for (const { timeline } of shown) timeline.element.remove();
  shown = [];
  showKey();
  byId("summary").textContent = "No request yet.";
});

/** @param {File} file */
async function upload(file) {
  const result = byId("upload-result");
  result.textContent = "Under way …";
  const [response, here] = await Promise.all([send("/api/upload", { method: "POST", body: file }), sha256(file)]);
  if (response?.ok) result.replaceChildren(...verdict(file, here, await response.json()));
  else result.textContent = response ? `Not uploaded: the server answered ${response.status}.` : "Not uploaded.";
}

byId("upload-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const file = byId("file", HTMLInputElement).files?.[0];
  if (file) return void doing(() => upload(file));
  byId("upload-result").textContent = "Choose a file first.";
  byId("file").focus();
});
onClick("upload-made", () => upload(makeFile()));

// ---- The lab ----

const latency = () => (byId("slow", HTMLInputElement).checked ? { latency_ms: 3000 } : {});

onClick("expire", async () => {
  await expireAccess();
  session.noteExpiredByHand();
  tell("The access token is expired. Send something: the server will answer 401.");
});
onClick("revoke", async () => {
  await revokeRefresh();
  session.noteExpiredByHand();
  tell("The refresh token is revoked and the access token expired. The next request cannot be saved.");
});
/** The server keeps this for the session, so it is the same in every tab and after a reload. */
function showSlow() {
  byId("slow", HTMLInputElement).checked = isNoted("slow-refresh");
}
onNoted("slow-refresh", showSlow);
byId("slow").addEventListener("change", () =>
  doing(async () => {
    await setRefresh(latency());
    setNoted("slow-refresh", byId("slow", HTMLInputElement).checked);
    tell("latency_ms" in latency() ? "Each refresh now takes 3 seconds." : "Refreshes are as fast as the server.");
  }),
);
onClick("fail-503", async () => {
  await setRefresh({ ...latency(), fail: 503, retry_after: "1", times: 3 });
  tell("The next three refreshes are answered 503, “try again in a second”.");
});
onClick("fail-drop", async () => {
  // Chromium and Firefox send a POST again by themselves when a reused connection is cut, and nobody can say how often.
  await setRefresh({ ...latency(), fail: "drop" });
  client.addEventListener("unavailable", () => doing(() => setRefresh(latency())), { once: true });
  tell("The next refresh is cut off without an answer, and so are the browser's own second tries.");
});
onClick("fail-hang", async () => {
  await setRefresh({ ...latency(), fail: "hang", times: 1 });
  tell("The next refresh gets no answer. No call waits longer than 10 seconds.");
});

// ---- The story ----

/** @param {import("./run.js").Mode} which */
async function fiftyExpired(which) {
  byId(`mode-${which}`, HTMLInputElement).checked = true;
  await expireAccess();
  session.noteExpiredByHand();
  await sendMany(50);
}

onClick("show-me", async () => {
  const button = byId("show-me");
  // Not `disabled`, which would take the focus away.
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    if (session.user === null && !(await signIn("ada", "correct horse"))) return;
    await fiftyExpired("raw");
    tell("With raw fetch every answer was a 401, and lost. Now the same with keepfresh.");
    await fiftyExpired("keepfresh");
    tell("The same 50 requests, with raw fetch and with keepfresh: compare the two pictures.");
  } finally {
    button.removeAttribute("aria-busy");
  }
});

// ---- Who is signed in ----

const stage = {
  session,
  /** @param {keyof typeof USERS} login */
  signIn: (login) => signIn(login, USERS[login]),
  isRefreshing: () => client.state === "refreshing",
  send: () => sendMany(1),
};
for (const [id, story] of Object.entries({
  "story-grace": graceSignsIn,
  "story-refused": signOutIsRefused,
  "story-404": refreshIsNotFound,
})) {
  onClick(id, async () => {
    const button = byId(id);
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    byId("mode-keepfresh", HTMLInputElement).checked = true;
    try {
      byId("story-told").textContent = "Under way …";
      byId("story-told").textContent = await story(stage);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

byId("no-wasm", HTMLInputElement).checked = query.has("no-wasm");
byId("no-wasm").addEventListener("change", () => {
  location.search = byId("no-wasm", HTMLInputElement).checked ? "?no-wasm" : "";
});

// ---- Start ----

new ResizeObserver(draw).observe(byId("runs"));
showSession();
showSlow();
// The engine is loaded ahead, so that the first run shows the wire and not the loading.
void doing(async () => {
  await init().catch((error) => tell(reason(error)));
  await session.resume();
  onNoted("signed-in", () =>
    doing(async () => {
      await session.resume();
      tell(session.user === null ? "Signed out in another tab." : "Signed in in another tab.");
    }),
  );
});
