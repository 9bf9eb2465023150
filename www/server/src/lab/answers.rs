//! Endpoints under `/api/lab` whose answer is chosen by the request.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    CACHE_CONTROL, CONTENT_TYPE, COOKIE, ETAG, IF_NONE_MATCH, LOCATION, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::backend::Backend;
use crate::failure::Failure;
use crate::session::Session;

const LARGEST: usize = 64 * 1024 * 1024;

/// Guarded and watched over as the API is.
pub(super) fn guarded() -> Router<Arc<Backend>> {
    Router::new()
        .route("/api/lab/protected", any(protected))
        .route("/api/lab/private", any(private))
        .route("/api/lab/echo", any(echo))
}

/// For anybody and, with `?cors=1`, from any origin.
pub(super) fn open() -> Router {
    Router::new()
        .route("/api/lab/answer", any(answer))
        .route("/api/lab/redirect", any(redirect))
        .route("/api/lab/slow-body", any(slow_body))
        .layer(from_fn(let_everybody_in))
}

/// What is not said is as small as can be.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    /// Of the answer; of `protected`, of its refusals.
    status: Option<u16>,
    bytes: usize,
    error_bytes: usize,
    ms: u64,
    to: String,
    /// For how many seconds the answer may be kept, whatever its status.
    max_age: Option<u32>,
    /// Of `protected`: whether it has an `ETag`, and is answered 304 to who has it already.
    etag: u8,
}

/// The one of all answers that have one.
const TAG: HeaderValue = HeaderValue::from_static("\"lab\"");

impl Wanted {
    fn status_or(&self, usual: StatusCode) -> Result<StatusCode, Failure> {
        StatusCode::from_u16(self.status.unwrap_or(usual.as_u16()))
            .ok()
            .filter(|status| !status.is_informational())
            .ok_or(Failure::BAD_REQUEST)
    }

    fn json(&self, status: StatusCode, body: impl Into<Body>) -> Response {
        let mut response =
            (status, [(CONTENT_TYPE, "application/json")], body.into()).into_response();
        if let Some(max_age) = self.max_age
            && let Ok(kept) = HeaderValue::try_from(format!("private, max-age={max_age}"))
        {
            response.headers_mut().insert(CACHE_CONTROL, kept);
        }
        response
    }
}

async fn protected(
    session: Result<Session, Failure>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(wanted) = wanted.map_err(|_| Failure::BAD_REQUEST)?;
    Ok(match session {
        Ok(_) if wanted.etag > 0 => {
            let (status, body) = if headers.get(IF_NONE_MATCH) == Some(&TAG) {
                (StatusCode::NOT_MODIFIED, Body::empty())
            } else {
                let body = padded("\"ok\":true", wanted.bytes)?;
                (StatusCode::OK, Body::from(body))
            };
            let mut response = wanted.json(status, body);
            response.headers_mut().insert(ETAG, TAG);
            response
        }
        Ok(_) => wanted.json(StatusCode::OK, padded("\"ok\":true", wanted.bytes)?),
        Err(failure) => {
            let error = format!("\"error\":\"{}\"", failure.code());
            wanted.json(
                wanted.status_or(StatusCode::UNAUTHORIZED)?,
                padded(&error, wanted.error_bytes)?,
            )
        }
    })
}

/// Says what arrived, but for the values of cookies.
async fn echo(
    session: Result<Session, Failure>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    session?;
    let headers: Vec<_> = headers
        .iter()
        .filter(|(name, _)| *name != COOKIE)
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let body = String::from_utf8_lossy(&body);
    Ok(Json(json!({
        "method": method.as_str(),
        "url": uri.to_string(),
        "headers": headers,
        "body": body,
    })))
}

/// Guarded as pages are: a stranger is sent to a sign-in page, which is a 200.
async fn private(
    session: Result<Session, Failure>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(wanted) = wanted.map_err(|_| Failure::BAD_REQUEST)?;
    if session.is_ok() {
        return Ok(wanted.json(StatusCode::OK, padded("\"ok\":true", wanted.bytes)?));
    }
    let to = match wanted.to.as_str() {
        "" => "/lab/sign-in",
        to => to,
    };
    let to = HeaderValue::from_str(to).map_err(|_| Failure::BAD_REQUEST)?;
    Ok((wanted.status_or(StatusCode::FOUND)?, [(LOCATION, to)]).into_response())
}

async fn answer(wanted: Result<Query<Wanted>, QueryRejection>) -> Result<Response, Failure> {
    let Query(wanted) = wanted.map_err(|_| Failure::BAD_REQUEST)?;
    let body = padded("\"error\":\"lab\"", wanted.bytes)?;
    Ok(wanted.json(wanted.status_or(StatusCode::UNAUTHORIZED)?, body))
}

async fn redirect(wanted: Result<Query<Wanted>, QueryRejection>) -> Result<Response, Failure> {
    let Query(wanted) = wanted.map_err(|_| Failure::BAD_REQUEST)?;
    let to = HeaderValue::from_str(&wanted.to).map_err(|_| Failure::BAD_REQUEST)?;
    let status = wanted.status_or(StatusCode::FOUND)?;
    Ok((status, [(LOCATION, to)]).into_response())
}

/// The headers at once, the body later.
async fn slow_body(wanted: Result<Query<Wanted>, QueryRejection>) -> Result<Response, Failure> {
    let Query(wanted) = wanted.map_err(|_| Failure::BAD_REQUEST)?;
    let body = padded("\"error\":\"lab\"", wanted.bytes)?;
    let status = wanted.status_or(StatusCode::UNAUTHORIZED)?;
    let slowness = Duration::from_millis(wanted.ms);
    let later = stream::once(async move {
        sleep(slowness).await;
        Ok::<_, Infallible>(body)
    });
    Ok(wanted.json(status, Body::from_stream(later)))
}

/// With `?cors=1`: any origin, with cookies, any method and any header. So a second server plays a foreign origin.
async fn let_everybody_in(request: Request, next: Next) -> Response {
    let is_asked = request
        .uri()
        .query()
        .is_some_and(|query| query.split('&').any(|pair| pair == "cors=1"));
    if !is_asked {
        return next.run(request).await;
    }
    let headers = request.headers();
    let asked = |name| headers.get(name).cloned();
    let allowed = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, asked(ORIGIN)),
        (
            ACCESS_CONTROL_ALLOW_METHODS,
            asked(ACCESS_CONTROL_REQUEST_METHOD),
        ),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            asked(ACCESS_CONTROL_REQUEST_HEADERS),
        ),
        (
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            Some(HeaderValue::from_static("true")),
        ),
        (VARY, Some(HeaderValue::from_static("origin"))),
    ];
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in allowed {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// `{<start>,"pad":"..."}` of so many bytes, or without the padding where that is too few.
fn padded(start: &str, bytes: usize) -> Result<Bytes, Failure> {
    if bytes > LARGEST {
        return Err(Failure::BAD_REQUEST);
    }
    let frame = format!("{{{start},\"pad\":\"\"}}").len();
    Ok(match bytes.checked_sub(frame) {
        Some(rest) => format!("{{{start},\"pad\":\"{}\"}}", ".".repeat(rest)),
        None => format!("{{{start}}}"),
    }
    .into())
}
