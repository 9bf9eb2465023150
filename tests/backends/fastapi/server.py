# FastAPI with AuthX, tokens in cookies, CSRF on, as https://authx.yezz.me sets it up, with rotation. It prints its address.

import os
import socket
from datetime import timedelta
from typing import Annotated

import jwt
import uvicorn
from authx import AuthX, AuthXConfig, TokenPayload
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel

config = AuthXConfig(
    JWT_SECRET_KEY=os.urandom(32).hex(),
    JWT_TOKEN_LOCATION=["cookies"],
    JWT_COOKIE_SECURE=os.environ.get("SECURE") == "1",  # True wherever there is https
    JWT_COOKIE_SAMESITE="lax",
    JWT_COOKIE_CSRF_PROTECT=True,
    JWT_REFRESH_COOKIE_PATH="/auth",
    JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=float(os.environ.get("ACCESS_SECONDS", "900"))),
)
auth = AuthX(config=config)
app = FastAPI()
auth.handle_errors(app)
used = set()


class Credentials(BaseModel):
    login: str
    password: str


def begin(user: str, response: Response):
    auth.set_access_cookies(auth.create_access_token(user), response)
    auth.set_refresh_cookies(auth.create_refresh_token(user), response)


@app.post("/auth/sign-in")
def sign_in(given: Credentials, response: Response):
    if given.password != "correct horse":
        raise HTTPException(401, "wrong name or password")
    begin(given.login, response)
    return {"user": given.login}


@app.post("/auth/refresh")
def refresh(response: Response, token: Annotated[TokenPayload, Depends(auth.refresh_token_required)]):
    if token.jti in used:
        raise HTTPException(401, "used before")
    used.add(token.jti)
    begin(token.sub, response)
    return {"ok": True}


@app.post("/auth/sign-out")
def sign_out(
    request: Request, response: Response, token: Annotated[TokenPayload, Depends(auth.access_token_required)],
):
    # Of the refresh token too: to end the access token alone ends nothing.
    if refresh_token := request.cookies.get("refresh_token_cookie"):
        used.add(jwt.decode(refresh_token, options={"verify_signature": False})["jti"])
    auth.unset_cookies(response)
    return {"ok": True}


@app.get("/api/me")
def me(token: Annotated[TokenPayload, Depends(auth.access_token_required)]):
    return {"user": token.sub}


@app.post("/api/notes", status_code=201)
async def notes(request: Request, token: Annotated[TokenPayload, Depends(auth.access_token_required)]):
    return {"length": len(await request.body())}


@app.get("/api/forbidden")
def forbidden(token: Annotated[TokenPayload, Depends(auth.access_token_required)]):
    raise HTTPException(403, "not for you")


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
