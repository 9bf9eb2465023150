//! The middleware that makes things go wrong.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, COOKIE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Lab;
use super::settings::{Fail, Faults};
use crate::connections::NoAnswer;
use crate::cookies;

/// Large enough for the answers that carry `expires_in`.
const LARGEST_HINT: usize = 64 * 1024;

pub(super) async fn disturb(
    State(lab): State<Arc<Lab>>,
    mut request: Request,
    next: Next,
) -> Response {
    age_access_cookie(&lab, request.headers_mut());
    let session = lab.session(request.headers());
    let Some(faults) = session.and_then(|session| faults_for(&lab, &session, &request)) else {
        return next.run(request).await;
    };
    let is_hinting = request.uri().path().starts_with("/auth/");
    let mut response = match (&faults.redirect, faults.fail) {
        (Some(to), _) => (StatusCode::FOUND, [(LOCATION, to.clone())]).into_response(),
        (None, Some(Fail::Status(status))) => refusal(status, faults.retry_after.clone()),
        (None, Some(Fail::Drop | Fail::Hang)) => Response::default(),
        (None, Some(Fail::Lost) | None) => next.run(request).await,
    };
    if is_hinting && response.status() == StatusCode::OK {
        response = change_hint(response, &faults).await;
    }
    sleep(faults.latency()).await;
    match faults.fail {
        Some(Fail::Hang) => std::future::pending().await,
        Some(Fail::Drop | Fail::Lost) => {
            response.extensions_mut().insert(NoAnswer);
        }
        Some(Fail::Status(_)) | None => {}
    }
    response
}

/// What holds for this request.
fn faults_for(lab: &Lab, session: &str, request: &Request) -> Option<Faults> {
    let mut book = lab.book();
    let settings = &mut book.sessions.get_mut(session)?.settings;
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/auth/refresh") => settings.refresh.as_mut()?.take(),
        (&Method::POST, "/auth/sign-in") => settings.refresh.as_ref()?.of_hints(),
        (method, path) if method != Method::OPTIONS && path.starts_with("/api/") => {
            settings.api.as_mut()?.take()
        }
        _ => None,
    }
}

/// Makes a token that is to count as expired look expired: signed anew, the same but for its end. The backend then
/// says so by itself.
fn age_access_cookie(lab: &Lab, headers: &mut HeaderMap) {
    let Some(mut claims) = lab.claims(headers) else {
        return;
    };
    let expired_up_to = lab
        .book()
        .sessions
        .get(&claims.sid)
        .and_then(|session| session.expired_up_to);
    if expired_up_to.is_none_or(|up_to| claims.iat > up_to) {
        return;
    }
    claims.exp = claims.iat;
    let jar = CookieJar::from_headers(headers);
    let (Some(token), Ok(aged)) = (
        cookies::access_token(&jar),
        lab.backend.access.sign(&claims),
    ) else {
        return;
    };
    // HTTP/2 may send each cookie in a header of its own.
    for (name, value) in headers.iter_mut() {
        if name == COOKIE
            && let Ok(cookies) = value.to_str()
            && let Ok(cookies) = HeaderValue::from_str(&cookies.replace(token, &aged))
        {
            *value = cookies;
        }
    }
}

fn refusal(status: StatusCode, retry_after: Option<HeaderValue>) -> Response {
    let mut response = (status, Json(json!({ "error": "lab" }))).into_response();
    if let Some(retry_after) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, retry_after);
    }
    response
}

async fn change_hint(response: Response, faults: &Faults) -> Response {
    if faults.hint && faults.expires_in.is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_HINT).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    if let Some(expires_in) = faults.expires_in.clone().filter(|_| faults.hint) {
        answer.insert("expires_in".to_owned(), expires_in);
    } else {
        answer.remove("expires_in");
    }
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(Value::Object(answer).to_string()))
}
