// node front.js API APP: one origin for an app and the API that it calls. APP is a folder, or the address of the app's
// own server. It prints its address.

import { createReadStream } from "node:fs";
import { createServer, request } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const [api, app] = process.argv.slice(2);

/** What the demo server has no words for: its user, told in those of other protocols. */
const WORDS = {
  "/api/graphql": ["application/json", (me) => JSON.stringify({ data: { me: { __typename: "User", ...me } } })],
  "/api/trpc/me": ["application/json", (me) => JSON.stringify({ result: { data: me } })],
  "/api/events": ["text/event-stream", (me) => `data: ${JSON.stringify(me)}\n\n`],
};

const server = createServer((asked, answer) => {
  const { pathname } = new URL(asked.url, "http://front");
  if (WORDS[pathname]) tell(asked, answer, ...WORDS[pathname]);
  else if (/^\/(auth|api|lab)\//.test(pathname)) forward(asked, answer, api);
  else if (app.startsWith("http")) forward(asked, answer, app);
  else serve(pathname, answer);
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));

async function tell({ headers }, answer, type, words) {
  const got = await fetch(new URL("/api/me", api), { headers: { cookie: headers.cookie ?? "" } });
  const me = await got.json();
  if (!got.ok) return answer.writeHead(got.status, { "content-type": "application/json" }).end(JSON.stringify(me));
  answer.writeHead(200, { "content-type": type }).end(words(me.user));
}

function forward(asked, answer, to) {
  const { method, headers } = asked;
  const passed = request(new URL(asked.url, to), { method, headers }, (got) => {
    answer.writeHead(got.statusCode, got.rawHeaders);
    got.pipe(answer);
  });
  passed.on("error", () => answer.destroy());
  asked.pipe(passed);
}

function serve(pathname, answer) {
  const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
  const file = createReadStream(join(app, normalize(path)));
  file.on("error", () => answer.writeHead(404).end());
  file.on("open", () => answer.setHeader("content-type", TYPES[extname(path)] ?? "application/octet-stream"));
  file.pipe(answer);
}
