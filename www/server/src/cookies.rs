//! The two cookies (RFC 6265bis): out of reach of scripts, and each sent no wider than it is needed.

use std::time::Duration;

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use crate::refresh_token::RefreshToken;

const ACCESS: &str = "kf_access";
const HOST_ACCESS: &str = "__Host-kf_access";
const REFRESH: &str = "kf_refresh";
/// `__Host-` would want the path to be `/`.
const SECURE_REFRESH: &str = "__Secure-kf_refresh";

/// Writes the cookies, and reads them.
///
/// Over https they are called `__Host-...` and `__Secure-...`, so that no sibling domain can plant one (RFC 6265bis, section
/// 4.1.3). Over http, as the demo speaks it on the loopback address, browsers refuse those names.
pub(crate) struct Cookies {
    secure: bool,
    access: &'static str,
    refresh: &'static str,
    lifetime: time::Duration,
}

impl Cookies {
    pub(crate) fn new(secure: bool, refresh_ttl: Duration) -> Self {
        Self {
            secure,
            access: if secure { HOST_ACCESS } else { ACCESS },
            refresh: if secure { SECURE_REFRESH } else { REFRESH },
            lifetime: time::Duration::try_from(refresh_ttl).unwrap_or(time::Duration::MAX),
        }
    }

    /// `Lax`: a link from elsewhere arrives signed in, a form posted from elsewhere does not.
    ///
    /// It stays as long as the refresh token does: the token inside expires much earlier, and an expired one still
    /// tells `access_token_expired` (renew) from `access_token_missing` (sign in).
    pub(crate) fn access(&self, token: String) -> Cookie<'static> {
        self.cookie(self.access, token, SameSite::Lax, "/")
    }

    /// `Strict`, and sent to `/auth` alone: no other request, log or handler ever has it.
    pub(crate) fn refresh(&self, token: &RefreshToken) -> Cookie<'static> {
        self.cookie(
            self.refresh,
            token.reveal().to_owned(),
            SameSite::Strict,
            "/auth",
        )
    }

    /// What makes a browser forget both. A cookie is deleted by its name, path and domain: they must be the same.
    pub(crate) fn removals(&self) -> [Cookie<'static>; 2] {
        [
            self.cookie(self.access, String::new(), SameSite::Lax, "/"),
            self.cookie(self.refresh, String::new(), SameSite::Strict, "/auth"),
        ]
        .map(|mut cookie| {
            cookie.make_removal();
            cookie
        })
    }

    /// The access token that a request came with.
    pub(crate) fn access_token<'jar>(&self, jar: &'jar CookieJar) -> Option<&'jar str> {
        jar.get(self.access).map(Cookie::value)
    }

    /// The refresh token that a request came with.
    pub(crate) fn refresh_token(&self, jar: &CookieJar) -> Option<RefreshToken> {
        jar.get(self.refresh)
            .map(|cookie| RefreshToken::presented(cookie.value()))
    }

    fn cookie(
        &self,
        name: &'static str,
        value: String,
        same_site: SameSite,
        path: &'static str,
    ) -> Cookie<'static> {
        Cookie::build((name, value))
            .http_only(true)
            .secure(self.secure)
            .same_site(same_site)
            .path(path)
            .max_age(self.lifetime)
            .build()
    }
}
