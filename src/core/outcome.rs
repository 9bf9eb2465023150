use super::Millis;

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

/// How the refresh ended, as the shell saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RefreshEnd {
    /// The server answered.
    Answered {
        status: u16,
        /// It pointed elsewhere: to a sign-in page, as a rule. `status` means nothing then.
        redirected: bool,
        /// How long the server asks us to keep away (`Retry-After`), in milliseconds.
        retry_after: Option<Millis>,
    },
    /// No answer came, so nobody here knows whether the server has rotated the refresh token.
    Lost,
}

impl Outcome {
    /// Reads an answered refresh. Only a refusal that is about the token ends a session: a 408, 425 or 429
    /// is about the moment, a 407 about a proxy, a 5xx about the server (RFC 9110 section 15, RFC 6585).
    pub(crate) fn of(status: u16, redirected: bool) -> Self {
        match status {
            _ if redirected => Self::Expired,
            200..=299 => Self::Renewed,
            300..=399 => Self::Expired,
            407 | 408 | 425 | 429 => Self::Unavailable,
            400..=499 => Self::Expired,
            _ => Self::Unavailable,
        }
    }
}
