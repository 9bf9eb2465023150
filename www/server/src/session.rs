//! The session of a request, for every handler that is not open to everyone.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum_extra::extract::cookie::CookieJar;

use crate::access::{AccessError, Claims};
use crate::backend::Backend;
use crate::clock::now_ms;
use crate::failure::Failure;

/// An argument of this type is the guard: there is none without a good access token, and the handler is not run.
///
/// `401` says "who are you?" and nothing else, so that clients may take it as "renew and come back"; what a known
/// user may not do would be `403`.
pub(crate) struct Session(pub(crate) Claims);

impl Session {
    pub(crate) fn of(headers: &HeaderMap, backend: &Backend) -> Result<Self, Failure> {
        let jar = CookieJar::from_headers(headers);
        let token = backend
            .cookies
            .access_token(&jar)
            .ok_or(Failure::unauthorized("access_token_missing"))?;
        backend
            .access
            .check(token, now_ms())
            .map(Self)
            .map_err(|error| {
                Failure::unauthorized(match error {
                    AccessError::Expired => "access_token_expired",
                    AccessError::Invalid => "access_token_invalid",
                })
            })
    }
}

impl FromRequestParts<Arc<Backend>> for Session {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        backend: &Arc<Backend>,
    ) -> Result<Self, Failure> {
        Self::of(&parts.headers, backend)
    }
}
