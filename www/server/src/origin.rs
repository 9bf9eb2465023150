//! Requests that change something are refused when a page of another origin sends them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::{Scheme, Uri};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::backend::Backend;
use crate::failure::Failure;

/// An origin as browsers write it: scheme, host, and the port unless it is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// The text is not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOrigin;

impl Origin {
    pub(crate) fn is_https(&self) -> bool {
        self.0.as_bytes().starts_with(b"https:")
    }

    /// As the value of a header.
    pub(crate) fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let uri: Uri = text.parse().map_err(|_| InvalidOrigin)?;
        let scheme = uri.scheme_str().ok_or(InvalidOrigin)?;
        let authority = uri.authority().ok_or(InvalidOrigin)?;
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        // Anything beyond an origin would be written differently by a browser, and so would never match.
        if !matches!(scheme, "http" | "https")
            || authority.as_str().contains('@')
            || !text.eq_ignore_ascii_case(&origin)
        {
            return Err(InvalidOrigin);
        }
        HeaderValue::from_str(&origin)
            .map(Self)
            .map_err(|_| InvalidOrigin)
    }
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an origin is a scheme and a host, such as https://app.example.com")
    }
}

impl std::error::Error for InvalidOrigin {}

/// The middleware. It stands beside `SameSite`, which knows sites only: `evil.example.com` and, on the loopback
/// address, every other port are of the same site as this server.
///
/// Browsers send `Origin` with every request that is not GET or HEAD, and no page can change it. What comes without
/// one is no page, and has no cookies but those it was given.
pub(crate) async fn refuse_foreign(
    State(backend): State<Arc<Backend>>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    if !request.method().is_safe()
        && let Some(origin) = request.headers().get(ORIGIN)
        && !match backend.public_origin() {
            Some(own) => own.header_value() == origin,
            None => is_own(origin, &request, backend.scheme()),
        }
        && !backend.allows(origin)
    {
        return Err(Failure::new(StatusCode::FORBIDDEN, "foreign_origin"));
    }
    Ok(next.run(request).await)
}

/// Compared with the host that the browser believes it talks to, so that any name for this server will do. A proxy may change
/// `Host` and speaks https in our place: then the origin has to be told (`--public-origin`).
fn is_own(origin: &HeaderValue, request: &Request, scheme: &Scheme) -> bool {
    // HTTP/2 has the host in the URI, HTTP/1.1 in a header.
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request
            .headers()
            .get(HOST)
            .and_then(|host| host.to_str().ok()),
    };
    host.is_some_and(|host| {
        origin
            .as_bytes()
            .eq_ignore_ascii_case(format!("{scheme}://{host}").as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for good in [
            "http://127.0.0.1:8080",
            "https://app.example.com",
            "http://[::1]:1",
        ] {
            assert_eq!(
                good.parse::<Origin>().map(|origin| origin.0),
                Ok(HeaderValue::from_static(good))
            );
        }
        assert_eq!(
            "https://APP.example.com".parse::<Origin>(),
            "https://app.example.com".parse()
        );
    }

    #[test]
    fn what_no_browser_would_send_is_no_origin() {
        for bad in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://user@app.example.com",
            "ftp://app.example.com",
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(InvalidOrigin), "{bad}");
        }
    }
}
