//! Signing in, staying signed in, signing out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;
use serde_json::json;

use crate::backend::{Backend, seconds_json};
use crate::clock::now_ms;
use crate::connections::Peer;
use crate::failure::Failure;
use crate::families::{Issued, RotationError};
use crate::idempotency_key::IdempotencyKey;
use crate::refresh_token::RefreshToken;
use crate::users::User;

pub(crate) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/auth/sign-in", post(sign_in))
        .route("/auth/refresh", post(refresh))
        .route("/auth/sign-out", post(sign_out))
        .layer(DefaultBodyLimit::max(16 * 1024))
}

#[derive(Deserialize)]
struct Credentials {
    login: String,
    password: String,
}

async fn sign_in(
    State(backend): State<Arc<Backend>>,
    peer: Option<Extension<Peer>>,
    body: Result<Json<Credentials>, JsonRejection>,
) -> Result<Response, Failure> {
    let Json(Credentials { login, password }) = body.map_err(|_| Failure::BAD_REQUEST)?;
    let peer = peer.map(|Extension(Peer(address))| address);
    let (user, cookies) = begin_session(&backend, &login, password, peer).await?;
    let expires_in = seconds_json(backend.access.ttl());
    Ok((
        cookies,
        Json(json!({ "user": user, "expires_in": expires_in })),
    )
        .into_response())
}

/// Who that is, and the cookies of the session that has begun.
pub(crate) async fn begin_session(
    backend: &Arc<Backend>,
    login: &str,
    password: String,
    peer: Option<IpAddr>,
) -> Result<(User, CookieJar), Failure> {
    // Before any work is done: to check a password is dear, and that is what an attacker would make us do.
    let attempt = backend
        .attempts
        .begin(login, peer, Instant::now())
        .map_err(Failure::too_many)?;
    let owned = login.to_owned();
    let (user, hash) = backend
        .with_database(move |it| Ok(it.users.by_login(&owned)?))
        .await?
        .unzip();
    let correct = backend
        .passwords
        .check(password, hash)
        .await
        .map_err(Failure::internal)?;
    let Some(user) = user.filter(|_| correct) else {
        return Err(Failure::unauthorized("wrong_credentials"));
    };
    backend.attempts.forget(attempt);
    // Always a new family: a session that somebody else began in this browser is never taken over.
    let id = user.id.clone();
    let issued = backend
        .with_database(move |it| Ok(it.families.start(&id, now_ms())?))
        .await?;
    let cookies = fresh_cookies(backend, &issued)?;
    Ok((user, cookies))
}

/// Takes the cookie alone; a body is not looked at.
///
/// A refusal deletes no cookie. It may be the late answer to the loser of a race, or to a tab that slept through a
/// sign-in, and would then delete what somebody else has just been given.
async fn refresh(
    State(backend): State<Arc<Backend>>,
    jar: CookieJar,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let presented = backend
        .cookies
        .refresh_token(&jar)
        .ok_or(Failure::unauthorized("no_refresh_token"))?;
    let key = IdempotencyKey::of(&headers);
    let issued = rotate(&backend, presented, key).await?;
    // The access token is made anew for a repeat as well: the one that was lost may have expired since.
    let cookies = fresh_cookies(&backend, &issued)?;
    let body = Json(json!({ "expires_in": seconds_json(backend.access.ttl()) }));
    Ok(if issued.repeated {
        (cookies, [("idempotent-replayed", "true")], body).into_response()
    } else {
        (cookies, body).into_response()
    })
}

pub(crate) async fn rotate(
    backend: &Arc<Backend>,
    presented: RefreshToken,
    key: Option<IdempotencyKey>,
) -> Result<Issued, Failure> {
    backend
        .with_database(move |it| {
            it.families
                .rotate(&presented, key.as_ref(), now_ms())
                .map_err(refusal)
        })
        .await
}

/// Works with either cookie, expired or consumed as it may be, and is a success without any: whoever wants to be
/// signed out, is.
async fn sign_out(
    State(backend): State<Arc<Backend>>,
    jar: CookieJar,
) -> Result<impl IntoResponse, Failure> {
    let ended = backend.with_database(move |it| end(it, &jar)).await?;
    let removals = backend
        .cookies
        .removals()
        .into_iter()
        .fold(CookieJar::new(), CookieJar::add);
    Ok((StatusCode::NO_CONTENT, removals, Extension(Ended(ended))))
}

/// Ends what the cookies are of, and tells whether there was something.
fn end(backend: &Backend, jar: &CookieJar) -> Result<bool, Failure> {
    let refresh_token = backend.cookies.refresh_token(jar);
    let mut ended = false;
    if backend.sign_out_ends_token_only {
        if let Some(token) = refresh_token {
            ended |= backend.families.end_token(&token)?;
        }
        return Ok(ended);
    }
    if let Some(token) = refresh_token {
        ended |= backend.families.revoke_by_token(&token, now_ms())?;
    }
    let access_token = backend.cookies.access_token(jar);
    if let Some(Ok(claims)) = access_token.map(|token| backend.access.open(token)) {
        ended |= backend.families.revoke(&claims.sid, now_ms())?;
    }
    Ok(ended)
}

/// In the extensions of the answer to a sign-out: whether there was something to end, for layers that want to know.
#[derive(Clone, Copy)]
pub(crate) struct Ended(pub(crate) bool);

pub(crate) fn fresh_cookies(backend: &Backend, issued: &Issued) -> Result<CookieJar, Failure> {
    let access = backend
        .access
        .issue(&issued.user, &issued.family, now_ms())?;
    Ok(CookieJar::new()
        .add(backend.cookies.access(access))
        .add(backend.cookies.refresh(&issued.token)))
}

fn refusal(error: RotationError) -> Failure {
    Failure::unauthorized(match error {
        RotationError::Unknown => "unknown",
        RotationError::Expired => "expired",
        RotationError::Revoked => "revoked",
        RotationError::Reused { family } => {
            // Somebody has a copy of a token, or a client has a bug; either is worth a look.
            tracing::warn!(%family, "a consumed refresh token came back: the session has been ended");
            "reused"
        }
        RotationError::Database(error) => return Failure::from(error),
    })
}
