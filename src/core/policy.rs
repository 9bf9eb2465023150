use super::{Grant, Millis, Outcome};

/// What one client has been configured with, as far as decisions go.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Statuses that mean "the access token has expired".
    pub(crate) expired_statuses: Vec<u16>,
    /// How long waiting and refreshing may take together for one call.
    pub(crate) timeout: Millis,
    /// Whether to coordinate with peers.
    pub(crate) cross_tab: bool,
    /// Whether to learn the access token's lifetime where the server announces none.
    pub(crate) learn: bool,
}

/// What an edge has seen of an answer: one number, so that it passes the border to JavaScript in one piece.
///
/// ```text
/// bits 0-9    the status; 0 is a redirect that was not followed
/// bit 10      a redirect was followed, or would have been
/// bit 11      the redirect ended at an unguarded URL
/// bits 12-13  `isExpired` said: 0 it was not asked, 1 expired, 2 not expired
/// bits 14-15  `interpret` said: 0 nothing, 1 renewed, 2 expired, 3 unavailable
/// bit 16      it may come from the HTTP cache
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts(pub(crate) u32);

/// A response, as far as decisions go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answer {
    /// 0: a redirect that was not followed.
    pub(crate) status: u16,
    /// The server wants a fresher access token.
    pub(crate) expired: bool,
    /// The request had whatever the server wants of it: a 2xx of the server's own, neither by a redirect nor from a
    /// cache.
    pub(crate) ok: bool,
    /// To a sign-in: a session has begun.
    pub(crate) begins: bool,
    /// To a sign-out: the session has ended.
    pub(crate) ends: bool,
    /// To a sign-in: what it says of the cookies that it sets.
    pub(crate) grant: Grant,
}

/// A request's credentials mode (Fetch standard, section 2.2.5).
#[cfg(any(test, feature = "client"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    Omit,
    #[allow(
        dead_code,
        reason = "only a RequestInit tells \"same-origin\" from no choice"
    )]
    SameOrigin,
    Include,
}

/// What becomes of a request's cookies.
#[cfg(any(test, feature = "client"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookies {
    /// They go along by themselves, or because the caller said so.
    AsIs,
    /// They go along if we say so.
    Include,
    /// The caller wants none, so the answer says nothing about the session: the request is passed through.
    Declined,
}

/// What the JavaScript edge decides for itself, before the engine is there (`pkg/scope.js`).
#[cfg(any(test, feature = "client"))]
impl Cookies {
    /// Of a request that is ours. `elsewhere`: it goes to another origin. `chosen` is what the caller asked for, if
    /// anything.
    pub(crate) fn of(elsewhere: bool, chosen: Option<Credentials>) -> Self {
        match chosen {
            Some(Credentials::Omit) => Self::Declined,
            Some(Credentials::SameOrigin) if elsewhere => Self::Declined,
            None if elsewhere => Self::Include,
            _ => Self::AsIs,
        }
    }
}

impl Facts {
    const STATUS: u32 = 0x3ff;
    const REDIRECTED: u32 = 1 << 10;
    const UNGUARDED: u32 = 1 << 11;
    const CACHED: u32 = 1 << 16;

    fn status(self) -> u16 {
        (self.0 & Self::STATUS) as u16
    }

    fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// What `isExpired` said, if it was asked.
    fn is_expired(self) -> Option<bool> {
        match self.0 >> 12 & 3 {
            1 => Some(true),
            2 => Some(false),
            _ => None,
        }
    }

    /// What `interpret` said, if anything.
    fn said(self) -> Option<Outcome> {
        Outcome::said(self.0 >> 14 & 3)
    }
}

/// For an edge that is not written in JavaScript.
#[cfg(any(test, feature = "client"))]
impl Facts {
    pub(crate) fn new(status: u16) -> Self {
        Self(u32::from(status) & Self::STATUS)
    }

    /// `unguarded`: it ended at a URL that is not guarded.
    pub(crate) fn redirected(self, unguarded: bool) -> Self {
        let to = if unguarded { Self::UNGUARDED } else { 0 };
        Self(self.0 | Self::REDIRECTED | to)
    }

    pub(crate) fn cached(self) -> Self {
        Self(self.0 | Self::CACHED)
    }

    pub(crate) fn judged(self, is_expired: bool) -> Self {
        Self(self.0 | if is_expired { 1 << 12 } else { 2 << 12 })
    }

    pub(crate) fn interpreted(self, said: Outcome) -> Self {
        Self(self.0 | (said as u32 + 1) << 14)
    }
}

impl Policy {
    #[allow(
        clippy::manual_contains,
        reason = "it looks at many at a time, for speed, and there is one as a rule"
    )]
    fn is_expired(&self, status: u16) -> bool {
        self.expired_statuses.iter().any(|it| *it == status)
    }

    /// What the answer to a request of ours means.
    pub(crate) fn read(&self, facts: Facts) -> Answer {
        let status = facts.status();
        let redirected = facts.has(Facts::REDIRECTED);
        let is_success = (200..300).contains(&status);
        // Out of scope, whatever that server wants is not our access token.
        let is_expired = || self.is_expired(status) && !facts.has(Facts::UNGUARDED);
        let said = facts.said();
        Answer {
            status,
            expired: facts.is_expired().unwrap_or_else(is_expired),
            ok: is_success && !redirected && !facts.has(Facts::CACHED),
            begins: said.map_or(is_success && !redirected, |it| it == Outcome::Renewed),
            ends: said.map_or(is_success || redirected, |it| it == Outcome::Expired),
            grant: Grant::default(),
        }
    }
}
