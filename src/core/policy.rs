use super::{Millis, Place, Scope};

/// What one client has been configured with, as far as decisions go.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) scope: Scope,
    /// Statuses that mean "the access token has expired".
    pub(crate) expired_statuses: Vec<u16>,
    /// How long waiting and refreshing may take together for one call.
    pub(crate) timeout: Millis,
    /// Whether requests that can change something carry a CSRF header.
    pub(crate) csrf: bool,
    /// Whether to coordinate with peers.
    pub(crate) cross_tab: bool,
}

/// A response to a guarded request, as far as decisions go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// The server wants a fresher access token.
    pub(crate) expired: bool,
    /// A 2xx: whatever the server wants of a request, this one had it.
    pub(crate) ok: bool,
}

/// A request's credentials mode (Fetch standard, section 2.2.5).
#[cfg_attr(
    not(feature = "js"),
    allow(
        dead_code,
        reason = "only a RequestInit tells \"same-origin\" from no choice"
    )
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    Omit,
    SameOrigin,
    Include,
}

/// What becomes of a request's cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookies {
    /// They go along by themselves, or because the caller said so.
    AsIs,
    /// They go along if we say so.
    Include,
    /// The caller wants none, so a 401 says nothing about the session: the request is passed through.
    Declined,
}

impl Policy {
    /// `chosen` is what the caller asked for, if anything.
    pub(crate) fn cookies(place: Place, chosen: Option<Credentials>) -> Cookies {
        match (place, chosen) {
            (_, Some(Credentials::Omit))
            | (Place::GuardedElsewhere, Some(Credentials::SameOrigin)) => Cookies::Declined,
            (Place::GuardedElsewhere, None) => Cookies::Include,
            _ => Cookies::AsIs,
        }
    }

    /// Whether a request of that method can change something, and so has to prove where it comes from (RFC 9110 section
    /// 9.2.1). The JavaScript edge says so itself, because to pass the method as text costs 150 bytes.
    #[cfg(any(test, feature = "client"))]
    pub(crate) fn is_unsafe(method: &str) -> bool {
        let safe = ["GET", "HEAD", "OPTIONS", "TRACE"];
        !safe.iter().any(|safe| method.eq_ignore_ascii_case(safe))
    }

    #[allow(
        clippy::manual_contains,
        reason = "it looks at many at a time, for speed, and there is one as a rule"
    )]
    fn is_expired(&self, status: u16) -> bool {
        self.expired_statuses.iter().any(|it| *it == status)
    }

    /// `redirected_to` tells where the answer comes from, if the request was redirected. Out of scope, whatever that
    /// server wants is not our access token.
    pub(crate) fn read(
        &self,
        status: u16,
        redirected_to: impl FnOnce() -> Option<Place>,
    ) -> Answer {
        let is_ours = |place| matches!(place, Place::Guarded | Place::GuardedElsewhere);
        Answer {
            expired: self.is_expired(status) && redirected_to().is_none_or(is_ours),
            ok: (200..300).contains(&status),
        }
    }
}
