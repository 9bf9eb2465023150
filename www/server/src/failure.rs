//! An answer that is an error: a status, and a code that a program can tell apart.

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

/// Becomes `{"error": "<code>"}`. The code says what to do next; details stay here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    /// When it is worth another try, in seconds.
    retry_after: Option<u32>,
}

impl Failure {
    pub(crate) const BAD_REQUEST: Self = Self::new(StatusCode::BAD_REQUEST, "bad_request");
    pub(crate) const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, "not_found");
    pub(crate) const METHOD_NOT_ALLOWED: Self =
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    pub(crate) const INTERNAL: Self = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal");

    /// The database is somebody else's at the moment.
    pub(crate) const BUSY: Self = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy").in_seconds(1);
    pub(crate) const TOO_LARGE: Self = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large");

    pub(crate) const fn new(status: StatusCode, code: &'static str) -> Self {
        Self {
            status,
            code,
            retry_after: None,
        }
    }

    pub(crate) const fn too_many(seconds: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many").in_seconds(seconds)
    }

    const fn in_seconds(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) const fn unauthorized(code: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code)
    }

    pub(crate) fn code(self) -> &'static str {
        self.code
    }

    /// Something broke that the user can do nothing about: the cause is logged, not sent.
    pub(crate) fn internal(cause: impl std::error::Error) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::INTERNAL
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy) => Self::BUSY,
            _ => Self::internal(error),
        }
    }
}

impl From<jsonwebtoken::errors::Error> for Failure {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.code }));
        // As an extension too, for layers that want to know without reading the body.
        let mut response = (self.status, Extension(self), body).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 15.5.2, wants one. Not `Basic`, which would have browsers ask for a password themselves.
            let scheme = HeaderValue::from_static("Cookie realm=\"keepfresh demo\"");
            headers.insert(WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
