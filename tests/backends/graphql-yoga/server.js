// GraphQL Yoga: what is refused is a 200 with an error in it. Sign-in and refresh are plain endpoints beside it. It prints its
// address.

import { randomBytes, randomUUID } from "node:crypto";
import cookieParser from "cookie-parser";
import express from "express";
import { GraphQLError } from "graphql";
import { createSchema, createYoga } from "graphql-yoga";
import jwt from "jsonwebtoken";

const SECRET = randomBytes(32);
const seconds = Number(process.env.ACCESS_SECONDS ?? 900);
const cookie = { httpOnly: true, sameSite: "lax", secure: process.env.SECURE === "1" };
/** The refresh tokens that are good, by their ids. */
const good = new Set();

function begin(response, user) {
  const jti = randomUUID();
  good.add(jti);
  response.cookie("access", jwt.sign({ user }, SECRET, { expiresIn: seconds }), cookie);
  response.cookie("refresh", jwt.sign({ user, jti }, SECRET, { expiresIn: "14d" }), { ...cookie, path: "/auth" });
}

function user({ req }) {
  try {
    return jwt.verify(req.cookies.access, SECRET).user;
  } catch {
    throw new GraphQLError("not signed in", { extensions: { code: "UNAUTHENTICATED" } });
  }
}

const schema = createSchema({
  typeDefs: `
    type Query { me: String!, forbidden: String! }
    type Mutation { note(text: String!): Int! }
  `,
  resolvers: {
    Query: {
      me: (_, __, context) => user(context),
      forbidden: (_, __, context) => {
        user(context);
        throw new GraphQLError("not for you", { extensions: { code: "FORBIDDEN" } });
      },
    },
    Mutation: { note: (_, { text }, context) => user(context) && text.length },
  },
});

const app = express();
app.use(cookieParser());
app.use("/graphql", createYoga({ schema, logging: false }));
app.use(express.json());
app.post("/auth/sign-in", (request, response) => {
  if (request.body.password !== "correct horse") return response.sendStatus(401);
  begin(response, request.body.login);
  response.json({ user: request.body.login });
});
app.post("/auth/refresh", (request, response) => {
  try {
    const token = jwt.verify(request.cookies.refresh ?? "", SECRET);
    if (!good.delete(token.jti)) return response.sendStatus(401);
    begin(response, token.user);
    response.json({ ok: true });
  } catch {
    response.sendStatus(401);
  }
});
app.post("/auth/sign-out", (request, response) => {
  good.delete(jwt.decode(request.cookies.refresh ?? "")?.jti);
  response.clearCookie("access", cookie).clearCookie("refresh", { ...cookie, path: "/auth" }).sendStatus(204);
});

const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
