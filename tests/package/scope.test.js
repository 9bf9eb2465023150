// The table of tests/scope.json, which the Rust edge keeps too.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { declines, openScope } from "../../pkg/scope.js";

const table = JSON.parse(await readFile(new URL("../scope.json", import.meta.url), "utf8"));
const PLACES = ["unguarded", "guarded", "signIn", "signOut"];

/** Addresses as the options are read into them. */
const address = (url) => new URL(url).origin + new URL(url).pathname;
const endpoint = (given) => ({ address: address(given.url ?? given), method: given.method });

for (const { name, home, refresh, guard, exclude = [], signIn = [], signOut = [], cases = [], cookies = [] } of table) {
  const siteOf = openScope({
    home,
    refresh: address(refresh),
    guard: guard.map(address),
    exclude: exclude.map(address),
    signIn: signIn.map(endpoint),
    signOut: signOut.map(endpoint),
  });

  test(name, () => {
    assert.ok(cases.length + cookies.length > 0);
    for (const [method, url, place] of cases) {
      assert.equal(PLACES[siteOf(url)?.placeOf(method) ?? 0], place, `${method} ${url}`);
      assert.equal(siteOf(url)?.guarded ?? false, place === "guarded", url);
    }
    for (const [url, chosen, expected] of cookies) {
      const site = siteOf(url);
      const credentials = chosen ?? undefined;
      const included = site.elsewhere && credentials === undefined ? "included" : "as they are";
      assert.equal(declines(site, credentials) ? "none" : included, expected, `${url} ${chosen}`);
    }
  });
}
