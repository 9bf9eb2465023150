// node front.js API CLIENT PACKAGE: one origin for a page and the backend that it calls, with a log of what passes. CLIENT is the
// module that makes the client, PACKAGE the folder of keepfresh. It prints its address.

import { createReadStream } from "node:fs";
import { createServer, request } from "node:http";
import { join, normalize } from "node:path";

const [api, client, keepfresh] = process.argv.slice(2);
const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>backend</title>
<script type="importmap">{ "imports": { "keepfresh": "/keepfresh/index.js" } }</script>
<script type="module">import { client } from "/front/client.js"; window.client = client;</script>`;
let log = [];
/** Whether the browser is to keep the cookies that the next sign-out deletes. */
let keeps = false;

const server = createServer((asked, answer) => {
  const { pathname } = new URL(asked.url, "http://front");
  if (pathname === "/") return answer.setHeader("content-type", "text/html").end(PAGE);
  if (pathname.startsWith("/keepfresh/")) return serve(join(keepfresh, normalize(pathname.slice(10))), answer);
  if (pathname === "/front/client.js") return serve(client, answer);
  if (pathname === "/front/story.js") return serve(join(import.meta.dirname, "story.js"), answer);
  if (pathname === "/front/keep") return (keeps = true), answer.end();
  if (pathname === "/front/log") {
    answer.setHeader("content-type", "application/json").end(JSON.stringify(log));
    return (log = []);
  }
  forward(asked, answer, pathname);
});
const host = process.env.HOST ?? "127.0.0.1";
server.listen(0, host, () => console.log(`http://${host}:${server.address().port}`));

function serve(path, answer) {
  const file = createReadStream(path);
  file.on("error", () => answer.writeHead(404).end());
  file.on("open", () => answer.setHeader("content-type", path.endsWith(".wasm") ? "application/wasm" : "text/javascript"));
  file.pipe(answer);
}

function forward(asked, answer, path) {
  const { method, headers } = asked;
  const passed = request(new URL(asked.url, api), { method, headers }, (got) => {
    log.push({ method, path, status: got.statusCode });
    let sent = got.rawHeaders;
    if (keeps && path.endsWith("sign-out")) {
      keeps = false;
      sent = sent.flatMap((name, at) => (at % 2 || name.toLowerCase() === "set-cookie" ? [] : [name, sent[at + 1]]));
    }
    answer.writeHead(got.statusCode, sent);
    got.pipe(answer);
  });
  passed.on("error", () => answer.destroy());
  asked.pipe(passed);
}
