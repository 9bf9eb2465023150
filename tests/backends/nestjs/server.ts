// NestJS with @nestjs/jwt, @nestjs/passport, passport-jwt and the CSRF protection that is built in, as its docs set them up, with
// the tokens in cookies. It prints its address.

import { randomBytes, randomUUID } from "node:crypto";
import { Body, Controller, Get, HttpCode, Inject, Injectable, Module, Post, Req, Res, UseGuards } from "@nestjs/common";
import { ForbiddenException, UnauthorizedException } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { JwtModule, JwtService } from "@nestjs/jwt";
import { AuthGuard, PassportStrategy } from "@nestjs/passport";
import type { NestExpressApplication } from "@nestjs/platform-express";
import cookieParser from "cookie-parser";
import type { Request, Response } from "express";
import { Strategy } from "passport-jwt";

/** One secret for each kind of token: neither passes for the other. */
const ACCESS = randomBytes(32).toString("hex");
const REFRESH = randomBytes(32).toString("hex");
const seconds = Number(process.env.ACCESS_SECONDS ?? 900);
const cookie = { httpOnly: true, sameSite: "lax", secure: process.env.SECURE === "1" } as const;
/** The refresh tokens that are good, by their ids. */
const good = new Set<string>();

type Token = { sub: string; jti: string };
type SignedIn = Request & { user: Token };

@Injectable()
class AccessStrategy extends PassportStrategy(Strategy, "jwt") {
  constructor() {
    super({ jwtFromRequest: ({ cookies }: Request) => cookies.access ?? null, secretOrKey: ACCESS });
  }
  validate(token: Token) {
    return token;
  }
}

@Injectable()
class RefreshStrategy extends PassportStrategy(Strategy, "jwt-refresh") {
  constructor() {
    super({ jwtFromRequest: ({ cookies }: Request) => cookies.refresh ?? null, secretOrKey: REFRESH });
  }
  /** Rotation: each is good once. */
  validate(token: Token) {
    return good.delete(token.jti) && token;
  }
}

@Controller("auth")
class AuthController {
  constructor(@Inject(JwtService) private readonly jwt: JwtService) {}

  @Post("sign-in")
  signIn(@Body() { login, password }: Record<string, string>, @Res({ passthrough: true }) response: Response) {
    if (password !== "correct horse") throw new UnauthorizedException("wrong name or password");
    return this.begin(response, login);
  }

  @Post("refresh")
  @UseGuards(AuthGuard("jwt-refresh"))
  refresh(@Req() { user }: SignedIn, @Res({ passthrough: true }) response: Response) {
    return this.begin(response, user.sub);
  }

  /** Without a guard: who comes with an access token that has expired can sign out, too. */
  @Post("sign-out")
  @HttpCode(204)
  signOut(@Req() request: Request, @Res({ passthrough: true }) response: Response) {
    good.delete(this.jwt.decode(request.cookies.refresh ?? "")?.jti);
    response.clearCookie("access", cookie).clearCookie("refresh", { ...cookie, path: "/auth" });
  }

  private begin(response: Response, sub: string) {
    const jti = randomUUID();
    good.add(jti);
    const refresh = this.jwt.sign({ sub, jti }, { secret: REFRESH, expiresIn: "14d" });
    response.cookie("access", this.jwt.sign({ sub }), cookie);
    response.cookie("refresh", refresh, { ...cookie, path: "/auth" });
    return { user: sub };
  }
}

@Controller("api")
@UseGuards(AuthGuard("jwt"))
class ApiController {
  @Get("me")
  me(@Req() { user }: SignedIn) {
    return { user: user.sub };
  }
  @Post("notes")
  note(@Body() body: unknown) {
    return { length: Buffer.isBuffer(body) ? body.length : JSON.stringify(body).length };
  }
  @Get("forbidden")
  forbidden() {
    throw new ForbiddenException("not for you");
  }
}

@Module({
  imports: [JwtModule.register({ secret: ACCESS, signOptions: { expiresIn: seconds } })],
  controllers: [AuthController, ApiController],
  providers: [AccessStrategy, RefreshStrategy],
})
class AppModule {}

const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: ["error", "warn"] });
app.enableCsrfProtection();
app.use(cookieParser());
app.useBodyParser("raw", { type: "application/octet-stream", limit: "10mb" });
await app.listen(0, "127.0.0.1");
console.log(await app.getUrl());
