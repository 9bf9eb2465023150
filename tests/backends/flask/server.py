# Flask with Flask-JWT-Extended, tokens in cookies, CSRF on: as https://flask-jwt-extended.readthedocs.io sets it up, with
# rotation and a blocklist. It prints its address.

import os
from datetime import timedelta
from threading import Lock

from flask import Flask, jsonify, request
from flask_jwt_extended import (
    JWTManager, create_access_token, create_refresh_token, decode_token, get_jwt, get_jwt_identity,
    jwt_required, set_access_cookies, set_refresh_cookies, unset_jwt_cookies,
)
from werkzeug.serving import make_server

app = Flask(__name__)
app.config.update(
    JWT_SECRET_KEY=os.urandom(32).hex(),
    JWT_TOKEN_LOCATION=["cookies"],
    JWT_COOKIE_CSRF_PROTECT=True,
    JWT_COOKIE_SECURE=os.environ.get("SECURE") == "1",  # True wherever there is https
    JWT_COOKIE_SAMESITE="Lax",
    JWT_SESSION_COOKIE=False,
    JWT_REFRESH_COOKIE_PATH="/auth",
    # Readable where the page is, although the token is sent to /auth alone.
    JWT_REFRESH_CSRF_COOKIE_PATH="/",
    JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=float(os.environ.get("ACCESS_SECONDS", "900"))),
)
jwt = JWTManager(app)
blocked = set()
lock = Lock()


@jwt.token_in_blocklist_loader
def is_blocked(_header, token):
    return token["jti"] in blocked


def begin(identity, answer):
    response = jsonify(answer)
    set_access_cookies(response, create_access_token(identity=identity))
    set_refresh_cookies(response, create_refresh_token(identity=identity))
    return response


@app.post("/auth/sign-in")
def sign_in():
    given = request.get_json()
    if given.get("password") != "correct horse":
        return jsonify(msg="wrong name or password"), 401
    return begin(given["login"], {"user": given["login"]})


@app.post("/auth/refresh")
@jwt_required(refresh=True)
def refresh():
    with lock:
        jti = get_jwt()["jti"]
        if jti in blocked:
            return jsonify(msg="Token has been revoked"), 401
        blocked.add(jti)
    return begin(get_jwt_identity(), {"ok": True})


@app.post("/auth/sign-out")
@jwt_required()
def sign_out():
    # Of the access token and of the refresh token: to end one alone ends nothing.
    blocked.add(get_jwt()["jti"])
    if refresh_token := request.cookies.get("refresh_token_cookie"):
        blocked.add(decode_token(refresh_token, allow_expired=True)["jti"])
    response = jsonify(ok=True)
    unset_jwt_cookies(response)
    return response


@app.get("/api/me")
@jwt_required()
def me():
    return jsonify(user=get_jwt_identity())


@app.post("/api/notes")
@jwt_required()
def notes():
    return jsonify(length=len(request.get_data())), 201


@app.get("/api/forbidden")
@jwt_required()
def forbidden():
    return jsonify(msg="not for you"), 403


server = make_server("127.0.0.1", 0, app, threaded=True)
print(f"http://127.0.0.1:{server.port}", flush=True)
server.serve_forever()
