//! An answer that is an error: a status, and a code that a program can tell apart.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

/// Becomes `{"error": "<code>"}`. The code says what to do next; details stay here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
}

impl Failure {
    pub(crate) const BAD_REQUEST: Self = Self::new(StatusCode::BAD_REQUEST, "bad_request");
    pub(crate) const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, "not_found");
    pub(crate) const METHOD_NOT_ALLOWED: Self =
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    pub(crate) const INTERNAL: Self = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal");

    pub(crate) const fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code }
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
        Self::internal(error)
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
        (self.status, Extension(self), body).into_response()
    }
}
