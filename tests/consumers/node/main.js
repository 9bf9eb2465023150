// node main.js ORIGIN ENTRY: a server's half of an app, where there is no page. One entry a process, because clients of both
// would share the engine of the first.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const [origin, name] = process.argv.slice(2);
const { createClient, init, isKeepfreshError } = await import(name);

// While a server renders, clients are made, and nothing throws.
const rendering = createClient({ refresh: "/auth/refresh", guard: ["https://api.example.com/"] });
assert.equal(rendering.state, "unknown");
for (const call of [() => rendering.fetch("/api/me"), () => rendering.ensureFresh(), () => rendering.refresh()]) {
  const error = await call().then(assert.fail, (error) => error);
  assert.ok(isKeepfreshError(error), error);
  assert.equal(error.code, "invalid_options");
  assert.match(error.message, /an absolute URL instead of "\/auth\/refresh", or to be called in a browser/);
}
assert.throws(() => createClient({ refresh: `${origin}/auth/refresh`, timeout: -1 }), { code: "invalid_options" });

// With an absolute URL and a fetch that keeps cookies, it works.
const cookies = new Map();
async function fetchWithCookies(input, init) {
  const headers = new Headers(init?.headers);
  headers.set("cookie", [...cookies].map((pair) => pair.join("=")).join("; "));
  const answer = await fetch(input, { ...init, headers });
  for (const cookie of answer.headers.getSetCookie()) {
    const [, name, value] = /^([^=]*)=([^;]*)/.exec(cookie);
    cookies.set(name, value);
  }
  return answer;
}

const post = (path, body) => {
  const headers = { "content-type": "application/json" };
  return fetchWithCookies(origin + path, { method: "POST", headers, body: JSON.stringify(body) });
};
if (name === "keepfresh/slim") {
  const file = fileURLToPath(import.meta.resolve("keepfresh/keepfresh.wasm"));
  init(() => readFile(file));
}
const client = createClient({ refresh: `${origin}/auth/refresh`, fetch: fetchWithCookies });
await post("/auth/sign-in", { login: "ada", password: "correct horse" });
await post("/lab/counters/reset?all=1", {});
await post("/lab/expire-access", {});
const answers = await Promise.all(Array.from({ length: 20 }, () => client.fetch(`${origin}/api/me`)));
assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
const { refresh_requests } = await (await fetch(`${origin}/lab/counters?all=1`)).json();
assert.equal(refresh_requests, 1);
// Nothing is disposed of: a process that has no more to do ends.
console.log("20 of 20 answered, 1 refresh");
