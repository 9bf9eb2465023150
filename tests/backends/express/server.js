// Express in the style of the tutorials that most apps are copied from: two JWTs in cookies, `GET /refresh`, 403 for a token
// that is no good. It prints its address.

import { randomBytes, randomUUID } from "node:crypto";
import cookieParser from "cookie-parser";
import express from "express";
import jwt from "jsonwebtoken";

const ACCESS = randomBytes(32);
const REFRESH = randomBytes(32);
const seconds = Number(process.env.ACCESS_SECONDS ?? 900);
const cookie = { httpOnly: true, sameSite: "lax", secure: process.env.SECURE === "1" };
/** The refresh tokens that are good, by their ids. */
const good = new Set();

function begin(response, user) {
  const jti = randomUUID();
  good.add(jti);
  response.cookie("access", jwt.sign({ user }, ACCESS, { expiresIn: seconds }), cookie);
  response.cookie("refresh", jwt.sign({ user, jti }, REFRESH, { expiresIn: "14d" }), { ...cookie, path: "/refresh" });
}

/** As tutorials have it: 401 if there is no token, 403 if it is no good. */
function verify(request, response, next) {
  const { access } = request.cookies;
  if (!access) return response.sendStatus(401);
  jwt.verify(access, ACCESS, (error, token) => {
    if (error) return response.sendStatus(403);
    request.user = token.user;
    next();
  });
}

const app = express();
app.use(express.json(), cookieParser());
app.post("/auth/sign-in", (request, response) => {
  if (request.body.password !== "correct horse") return response.sendStatus(401);
  begin(response, request.body.login);
  response.json({ user: request.body.login });
});
app.get("/refresh", (request, response) => {
  const { refresh } = request.cookies;
  if (!refresh) return response.sendStatus(401);
  jwt.verify(refresh, REFRESH, (error, token) => {
    // Rotation: each is good once.
    if (error || !good.delete(token.jti)) return response.sendStatus(403);
    begin(response, token.user);
    response.json({ user: token.user });
  });
});
app.post("/refresh/sign-out", (request, response) => {
  const token = jwt.decode(request.cookies.refresh ?? "");
  good.delete(token?.jti);
  response.clearCookie("access", cookie).clearCookie("refresh", { ...cookie, path: "/refresh" }).sendStatus(204);
});
app.get("/api/me", verify, (request, response) => response.json({ user: request.user }));
app.post("/api/notes", verify, express.raw({ type: "*/*", limit: "10mb" }), (request, response) => {
  const { body } = request;
  response.status(201).json({ length: Buffer.isBuffer(body) ? body.length : JSON.stringify(body).length });
});
// 403 as well, and not because of the token.
app.get("/api/forbidden", verify, (_, response) => response.status(403).json({ error: "not for you" }));

const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
