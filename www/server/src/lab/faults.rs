//! The middleware that makes things go wrong.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, COOKIE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::settings::{Fail, Faults, Hold, Kind};
use super::{Book, Lab};
use crate::connections::NoAnswer;
use crate::session::Session;

/// Large enough for the answers that carry `expires_in`.
const LARGEST_HINT: usize = 64 * 1024;

pub(super) async fn disturb(
    State(lab): State<Arc<Lab>>,
    mut request: Request,
    next: Next,
) -> Response {
    age_access_cookie(&lab, request.headers_mut());
    let kind = Kind::of(request.method(), request.uri().path());
    let session = lab.session(request.headers());
    if kind == Kind::SignOut
        && lab.book().sign_out_needs_access(session.as_deref())
        && let Err(failure) = Session::of(request.headers(), &lab.backend)
    {
        return failure.into_response();
    }
    let faults = lab.book().faults_for(session.as_deref(), kind);
    let Some(faults) = faults else {
        return next.run(request).await;
    };
    if faults.hold == Some(Hold::Request) {
        lab.hold(session.as_deref()).await;
    }
    let is_hinting = request.uri().path().starts_with("/auth/");
    let mut response = match (&faults.redirect, faults.fail) {
        (Some(to), _) => (StatusCode::FOUND, [(LOCATION, to.clone())]).into_response(),
        (None, Some(Fail::Status(status))) => told_answer(status, &faults),
        (None, Some(Fail::Drop | Fail::Hang)) => Response::default(),
        (None, Some(Fail::Lost) | None) => next.run(request).await,
    };
    // What the lab was told to answer is answered as it is.
    let is_told = faults.redirect.is_some() || matches!(faults.fail, Some(Fail::Status(_)));
    if is_hinting && !is_told && response.status() == StatusCode::OK {
        response = change_hint(response, &faults).await;
    }
    if faults.hold == Some(Hold::Answer) {
        lab.hold(session.as_deref()).await;
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

impl Book {
    /// What holds for a request, which counts.
    fn faults_for(&mut self, session: Option<&str>, kind: Kind) -> Option<Faults> {
        match self.set_for(session, kind) {
            Some(faults) => faults.take(),
            None if kind == Kind::SignIn => self.set_for(session, Kind::Refresh)?.of_hints(),
            None => None,
        }
    }

    fn set_for(&mut self, session: Option<&str>, kind: Kind) -> Option<&mut Faults> {
        let own = session.and_then(|session| self.sessions.get_mut(session));
        own.and_then(|own| own.settings.of(kind))
            .or_else(|| self.everybody.of(kind))
    }

    fn sign_out_needs_access(&self, session: Option<&str>) -> bool {
        let own = session.and_then(|session| self.sessions.get(session));
        own.and_then(|own| own.settings.sign_out_needs_access)
            .or(self.everybody.sign_out_needs_access)
            .unwrap_or_default()
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
        lab.backend.cookies.access_token(&jar),
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

fn told_answer(status: StatusCode, faults: &Faults) -> Response {
    let body = faults.body.clone().unwrap_or(json!({ "error": "lab" }));
    let mut response = (status, Json(body)).into_response();
    if let Some(retry_after) = faults.retry_after.clone() {
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
