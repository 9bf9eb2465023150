// The command: what it says of a backend that keeps everything, and of one fault at a time.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Jar } from "../../pkg/check/jar.js";
import { openWire } from "../../pkg/check/wire.js";
import { FAULTS, ORIGIN, startBackend } from "./backend.js";

const CLI = fileURLToPath(new URL("../../pkg/check/cli.js", import.meta.url));
const BODY = JSON.stringify({ login: "ada", password: "correct horse" });
/** Which promise each fault breaks. */
const BROKEN = {
  readable: "httponly",
  "no-rotation": "rotation",
  "no-leeway": "repeat",
  "loser-deletions": "loser",
  "refresh-as-access": "separate",
  "idle-sign-out": "sign-out",
  "page-for-401": "unauthorized",
  "refresh-redirect": "refresh-direct",
  "cors-star": "cors",
  "cached-401": "unauthorized-uncached",
  "tokens-in-body": "hidden",
  "401-deletes": "unauthorized-keeps",
};

/** Runs it. Resolves with its exit status and what it printed. */
function check(...words) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...words], { stdio: ["ignore", "pipe", "pipe"] });
    const got = { output: "", complaint: "" };
    child.stdout.on("data", (part) => (got.output += part));
    child.stderr.on("data", (part) => (got.complaint += part));
    child.on("close", (status) => resolve({ status, ...got }));
  });
}

const session = ({ url }) => ["--refresh", `${url}/auth/refresh`, "--api", `${url}/api/me`];
const usual = (backend) => [
  "check", ...session(backend), "--sign-in", `${backend.url}/auth/sign-in`, "--body", BODY,
  "--sign-out", `${backend.url}/auth/sign-out`, "--write", `${backend.url}/api/notes`,
  "--forbidden", `${backend.url}/api/forbidden`, "--origin", ORIGIN,
];

test("a backend that keeps everything is said to, with status 0 and no value in the report", async () => {
  const backend = await startBackend();
  const { status, output, complaint } = await check(...usual(backend), "--leeway", String(backend.leeway));
  assert.equal(complaint, "");
  assert.equal(status, 0, output);
  assert.doesNotMatch(output, /^(not kept|cannot tell)/m);
  assert.doesNotMatch(output, /eyJ/);
  assert.match(output, new RegExp(`url: "${backend.url}/auth/refresh", idempotencyKey: true`));
  const seen = backend.log.flatMap(({ cookie }) => cookie.split("; ").map((pair) => pair.split("=")[1]));
  for (const value of seen.filter(Boolean)) assert.ok(!output.includes(value));
  assert.equal(backend.families.size, 0, "a session was left");
  backend.stop();
});

for (const fault of FAULTS) {
  test(`the fault "${fault}" is named, and no other must`, async () => {
    const backend = await startBackend(fault);
    const { status, output, complaint } = await check(...usual(backend), "--json");
    assert.equal(complaint, "");
    const { promises, createClient } = JSON.parse(output);
    const broken = promises.filter((it) => it.level === "must" && it.verdict === "not kept");
    assert.deepEqual(broken.map((it) => it.id), [BROKEN[fault]]);
    assert.ok(broken[0].lost && broken[0].mend);
    assert.match(createClient, /createClient\(\{/);
    assert.doesNotMatch(output, /eyJ/);
    assert.equal(status, 1);
    backend.stop();
  });
}

test("--config takes the options of createClient and how to sign in", async () => {
  const backend = await startBackend("page-for-401");
  const file = join(await mkdtemp(join(tmpdir(), "keepfresh-check-")), "config.mjs");
  await writeFile(file, `export default {
    base: "${backend.url}", refresh: "/auth/refresh", api: "/api/me", signOut: "/auth/sign-out",
    signIn: { url: "/auth/sign-in", body: ${BODY} },
    isExpired: (response) => response.headers.get("content-type") === "text/html",
  };`);
  const { status, output, complaint } = await check("check", "--config", file);
  assert.equal(complaint, "");
  assert.equal(status, 0, output);
  assert.match(output, /^kept .*401 .*by your isExpired/m);
  backend.stop();
});

test("with the cookies of a session and no terminal, it does nothing that ends it", async () => {
  const backend = await startBackend();
  const answer = await fetch(`${backend.url}/auth/sign-in`, { method: "POST", body: BODY });
  const cookie = answer.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
  const asked = ["check", ...session(backend), "--sign-out", `${backend.url}/auth/sign-out`];
  const { status, output } = await check(...asked, "--cookie", cookie);
  assert.equal(status, 0, output);
  assert.match(output, /^cannot tell .*a sign-out ends the session: .*--yes/m);
  assert.ok(!backend.log.some(({ path }) => path === "/auth/sign-out"));
  assert.equal(backend.families.size, 1);
  backend.stop();
});

test("no host is asked that was not named", async () => {
  const backend = await startBackend();
  const wire = openWire([new URL("http://127.0.0.1:9/")]);
  await assert.rejects(wire.send({ method: "GET", url: new URL(backend.url) }), /was not named/);
  assert.equal(backend.log.length, 0);
  backend.stop();
});

test("bad arguments get one line, and status 2", async () => {
  const cases = [
    [["look"], /unknown command/],
    [["check"], /--refresh URL is missing/],
    [["check", "--refresh", "/auth"], /--refresh is "\/auth": expected an absolute URL/],
    [["check", "--refresh", "http://a.test/r"], /--api URL is missing/],
    [["check", "--refresh", "http://a.test/r", "--api", "http://a.test/a"], /there is no session/],
    [["check", "--refesh", "http://a.test/r"], /--refesh/],
    [["check", "--refresh", "http://a.test/r", "--api", "http://a.test/a", "--cookie", "a=b", "--leeway", "soon"], /expected seconds/],
    [["check", "--refresh", "http://a.test/r", "--api", "http://a.test/a", "--sign-in", "http://a.test/s", "--body", "{"], /neither JSON/],
  ];
  for (const [words, expected] of cases) {
    const { status, output, complaint } = await check(...words);
    assert.equal(status, 2, words.join(" "));
    assert.equal(output, "");
    assert.match(complaint, expected);
    assert.equal(complaint.trim().split("\n").length, 1, complaint);
  }
});

test("the jar keeps cookies as a browser does", () => {
  const jar = new Jar();
  const url = new URL("https://app.example.com/auth/sign-in");
  const taken = jar.store(url, [
    "a=1; Path=/auth", "b=2", "c=3; Max-Age=0", "d=4; Domain=other.test", "__Host-e=5; Path=/x; Secure", "f=6; Domain=example.com; Path=/",
    "g=7; Path=/; Expires=Wed, 09-Jun-2021 10:18:14 GMT",
  ]);
  assert.deepEqual(taken.map((it) => Boolean(it.refused)), [false, false, false, true, true, false, false]);
  assert.equal(jar.header(new URL("https://app.example.com/auth/refresh")), "a=1; b=2; f=6");
  assert.equal(jar.header(new URL("https://app.example.com/authx")), "f=6");
  assert.equal(jar.header(new URL("https://api.example.com/")), "f=6");
  assert.equal(jar.header(new URL("https://example.org/")), undefined);
});
