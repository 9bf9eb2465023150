use super::{Grant, Millis};

/// What a refresh came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server set new cookies.
    Renewed,
    /// The server looked at the refresh token and said no: the user has to sign in again.
    Expired,
    /// The server could not be asked, or could not say. It means nothing for the session.
    Unavailable,
}

/// How the refresh ended, as an edge saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RefreshEnd {
    /// The server answered.
    Answered {
        /// 0: with a redirect.
        status: u16,
        /// What `interpret` makes of it, if anything.
        said: Option<Outcome>,
        /// How long the server asks us to keep away (`Retry-After`), in milliseconds.
        retry_after: Option<Millis>,
        /// If it set cookies: what it says of them.
        grant: Grant,
    },
    /// No answer came, so nobody here knows whether the server has rotated the refresh token.
    Lost,
}

impl Outcome {
    /// Reads an answered refresh. Only a refusal that can be about the token ends a session, and only for good: one that
    /// says when to come back is about the moment. All else is about the moment, too, or about how the client or the
    /// server is set up: a 404 during a deploy, a redirect to a URL with a slash, a 419 for a missing CSRF header.
    pub(crate) fn of(status: u16, said: Option<Self>, retry_after: Option<Millis>) -> Self {
        said.unwrap_or(match status {
            200..=299 => Self::Renewed,
            400 | 401 | 403 if retry_after.is_none() => Self::Expired,
            _ => Self::Unavailable,
        })
    }

    /// What `interpret` said, as edges count it.
    pub(crate) fn said(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Renewed),
            2 => Some(Self::Expired),
            3 => Some(Self::Unavailable),
            _ => None,
        }
    }
}
