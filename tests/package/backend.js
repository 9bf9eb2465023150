// A backend that keeps every promise, but for the faults that are built into it. `startBackend` listens on a free port.

import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:http";

export const ORIGIN = "http://app.test:4000";
export const FAULTS = [
  "readable", "no-rotation", "no-leeway", "loser-deletions", "refresh-as-access", "idle-sign-out", "page-for-401",
  "refresh-redirect", "cors-star", "cached-401", "tokens-in-body", "401-deletes",
];
/** Seconds. */
const LEEWAY = 1;
const ACCESS = 900;

/** @param {string} [fault] One of FAULTS. Resolves with its address and a function that stops it. */
export async function startBackend(fault) {
  const key = randomBytes(32);
  const families = new Map();
  const log = [];
  const is = (name) => fault === name;

  const sign = (claims) => {
    const head = [{ alg: "HS256" }, claims].map((it) => Buffer.from(JSON.stringify(it)).toString("base64url")).join(".");
    return `${head}.${createHmac("sha256", key).update(head).digest("base64url")}`;
  };
  const read = (token = "") => {
    const [head, claims, mac] = token.split(".");
    if (!claims || sign(JSON.parse(Buffer.from(claims, "base64url"))) !== `${head}.${claims}.${mac}`) return undefined;
    return JSON.parse(Buffer.from(claims, "base64url"));
  };
  const own = is("readable") ? "" : "HttpOnly; ";
  const cookies = (access, refresh) => [
    `__Host-access=${access}; Path=/; ${own}Secure; SameSite=Lax; Max-Age=86400`,
    `__Secure-refresh=${refresh}; Path=/auth; ${own}Secure; SameSite=Strict; Max-Age=86400`,
  ];
  const deletions = cookies("", "").map((it) => it.replace("86400", "0"));
  const begin = (sid) => {
    const now = Math.floor(Date.now() / 1_000);
    const access = sign({ sub: "ada", sid, typ: "access", iat: now, exp: now + ACCESS });
    const jti = randomUUID();
    const refresh = sign({ sid, jti, typ: "refresh" });
    const family = families.get(sid);
    const isFirst = !family.good;
    if (!is("no-rotation") || isFirst) [family.good, family.token] = [jti, refresh];
    return { "set-cookie": cookies(access, family.token), access };
  };

  const answers = {
    "POST /auth/sign-in": ({ body }) => {
      if (body.password !== "correct horse") return [401];
      const sid = randomUUID();
      families.set(sid, { consumed: new Map() });
      const { access, ...headers } = begin(sid);
      return [200, headers, { expires_in: ACCESS, ...(is("tokens-in-body") ? { access } : {}) }];
    },
    "POST /auth/refresh": ({ jar, key }) => {
      if (is("refresh-redirect")) return [307, { location: "/auth/refresh/" }];
      return answers["POST /auth/refresh/"]({ jar, key });
    },
    "POST /auth/refresh/": ({ jar, key }) => {
      const token = read(jar["__Secure-refresh"]);
      const family = token?.typ === "refresh" && families.get(token.sid);
      if (!family) return [401];
      if (is("no-rotation") || token.jti === family.good) {
        family.consumed.set(token.jti, { key, at: Date.now() });
        const { access: _, ...headers } = begin(token.sid);
        return [200, headers, { expires_in: ACCESS }];
      }
      const used = family.consumed.get(token.jti);
      const isLate = !used || Date.now() - used.at > LEEWAY * 1_000;
      const isRepeat = key && used?.key === key;
      const repeated = () => [200, { "set-cookie": cookies(sign({ sid: token.sid, typ: "access", at: randomUUID() }), family.token) }, { expires_in: ACCESS }];
      if (is("loser-deletions") && !isRepeat && !isLate) return [401, { "set-cookie": deletions }];
      if (!is("no-leeway") && (isRepeat || !isLate)) return repeated();
      families.delete(token.sid);
      return [401];
    },
    "POST /auth/sign-out": ({ jar }) => {
      if (!is("idle-sign-out")) families.delete(read(jar["__Secure-refresh"])?.sid);
      return [204, { "set-cookie": deletions }];
    },
    "GET /api/me": ({ jar }) => {
      const token = read(jar["__Host-access"]);
      if (token?.typ === "access" || (token && is("refresh-as-access"))) return [200, {}, { user: "ada" }];
      if (is("page-for-401")) return [200, { "content-type": "text/html" }, "<title>Sign in</title>"];
      const headers = { ...(is("cached-401") ? { "cache-control": "max-age=60" } : {}), ...(is("401-deletes") ? { "set-cookie": deletions } : {}) };
      return [401, headers];
    },
    "POST /api/notes": ({ jar }) => (read(jar["__Host-access"]) ? [201, {}, { ok: true }] : [401]),
    "GET /api/forbidden": ({ jar }) => (read(jar["__Host-access"]) ? [403] : [401]),
  };

  const server = createServer(async (request, response) => {
    const parts = await request.toArray();
    const path = request.url.split("?")[0];
    log.push({ method: request.method, path, cookie: request.headers.cookie ?? "" });
    const { origin } = request.headers;
    const cors = is("cors-star")
      ? { "access-control-allow-origin": "*" }
      : origin === ORIGIN
        ? { "access-control-allow-origin": ORIGIN, "access-control-allow-credentials": "true" }
        : {};
    Object.assign(cors, { vary: "Origin", "access-control-allow-headers": "content-type, idempotency-key" });
    if (request.method === "OPTIONS") return response.writeHead(204, cors).end();
    const jar = Object.fromEntries((request.headers.cookie ?? "").split("; ").map((pair) => pair.split("=")));
    const text = Buffer.concat(parts).toString();
    const body = text ? JSON.parse(text) : {};
    const answer = answers[`${request.method} ${path}`] ?? (() => [404]);
    const [status, headers = {}, said] = answer({ jar, body, key: request.headers["idempotency-key"] });
    const type = said === undefined ? {} : { "content-type": "application/json" };
    response.writeHead(status, { "cache-control": "no-store", ...cors, ...type, ...headers });
    response.end(typeof said === "string" ? said : JSON.stringify(said));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return { url: `http://127.0.0.1:${server.address().port}`, log, families, leeway: LEEWAY, stop: () => server.close() };
}
