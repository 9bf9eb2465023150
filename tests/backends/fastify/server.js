// Fastify with @fastify/jwt and @fastify/csrf-protection, as their READMEs set them up. It prints its address.

import { randomBytes, randomUUID } from "node:crypto";
import cookie from "@fastify/cookie";
import csrf from "@fastify/csrf-protection";
import jwt from "@fastify/jwt";
import Fastify from "fastify";

const seconds = Number(process.env.ACCESS_SECONDS ?? 900);
const secure = process.env.SECURE === "1";
/** The refresh tokens that are good, by their ids. */
const good = new Set();

const app = Fastify({ bodyLimit: 10 * 1024 * 1024 });
await app.register(cookie);
await app.register(csrf, { cookieOpts: { path: "/", httpOnly: true, sameSite: "lax", secure } });
await app.register(jwt, { secret: randomBytes(32).toString("hex"), cookie: { cookieName: "access", signed: false } });
app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));

function begin(reply, user) {
  const jti = randomUUID();
  good.add(jti);
  const options = { httpOnly: true, sameSite: "lax", secure };
  reply.setCookie("access", app.jwt.sign({ user }, { expiresIn: `${seconds * 1_000}` }), { ...options, path: "/" });
  reply.setCookie("refresh", app.jwt.sign({ user, jti }, { expiresIn: "14d" }), { ...options, path: "/auth" });
}

const signedIn = { onRequest: (request) => request.jwtVerify() };
const unsafe = { onRequest: app.csrfProtection };

app.get("/csrf-token", (_, reply) => ({ token: reply.generateCsrf() }));
app.post("/auth/sign-in", unsafe, (request, reply) => {
  const { login, password } = request.body;
  if (password !== "correct horse") return reply.code(401).send({ error: "wrong name or password" });
  begin(reply, login);
  return { user: login };
});
app.post("/auth/refresh", unsafe, (request, reply) => {
  const refused = () => reply.code(401).send({ error: "no such token" });
  try {
    const { user, jti } = app.jwt.verify(request.cookies.refresh ?? "");
    if (!good.delete(jti)) return refused();
    begin(reply, user);
    return { ok: true };
  } catch {
    return refused();
  }
});
app.post("/auth/sign-out", unsafe, (request, reply) => {
  good.delete(app.jwt.decode(request.cookies.refresh ?? "")?.jti);
  reply.clearCookie("access", { path: "/" }).clearCookie("refresh", { path: "/auth" });
  return reply.code(204).send();
});
app.get("/api/me", signedIn, (request) => ({ user: request.user.user }));
app.post("/api/notes", { onRequest: [app.csrfProtection, signedIn.onRequest] }, (request, reply) => {
  const { body } = request;
  return reply.code(201).send({ length: Buffer.isBuffer(body) ? body.length : JSON.stringify(body).length });
});
app.get("/api/forbidden", signedIn, (_, reply) => reply.code(403).send({ error: "not for you" }));

console.log(await app.listen({ host: "127.0.0.1", port: 0 }));
