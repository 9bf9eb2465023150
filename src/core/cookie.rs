use super::{Key, Millis, epoch::Epoch};

/// A lifetime below this is a slip or a broken clock; believing it would put a refresh before every request.
const SHORTEST_LIFETIME: Millis = 1_000.0;

/// What is known of the access cookie. It is `HttpOnly`, so that is when it changed, and how long it lives.
#[derive(Clone, Debug)]
pub(crate) struct Cookie {
    pub(crate) epoch: Epoch,
    /// When the epoch began. Word of what was before that is no news.
    pub(crate) at: Millis,
    /// When the refresh was sent that began it, or the same moment.
    pub(crate) sent_at: Millis,
    /// The epoch in which the session of today began. An older attempt belongs to whoever was signed in before,
    /// and its request is never sent again under the cookies of somebody else.
    pub(crate) session: Epoch,
    /// When that was.
    pub(crate) session_at: Millis,
    /// The name that peers know the session by, if it was seen to begin.
    pub(crate) name: Key,
    /// When its lifetime is over, if that is known.
    pub(crate) until: Option<Millis>,
    /// Whether that was learnt, and not announced by the server.
    pub(crate) is_learnt: bool,
    /// Whether a request with it was let in.
    pub(crate) proven: bool,
    /// Whether it was found to be alive after a refresh whose answer was lost. When it changed nobody knows, but that it was before.
    pub(crate) is_found: bool,
    /// Tells whose it is from whose others are; 0 if nobody has said.
    pub(crate) subject: u32,
}

/// What an answer that sets cookies says of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    /// How long the access token lives; `NaN` if nobody says.
    pub(crate) lifetime: Millis,
    /// Tells the user from others; 0 if nobody says.
    pub(crate) subject: u32,
}

impl Cookie {
    /// The cookie changed at that moment, by a request that was sent at `sent_at`.
    pub(crate) fn advance(&mut self, moment: Millis, sent_at: Millis) {
        self.epoch.advance();
        self.at = moment;
        self.sent_at = sent_at;
        self.until = None;
        self.proven = false;
        self.is_found = false;
    }

    /// Takes over what was said of it, or else what was learnt. The token is no older than the request for it, whatever time the
    /// answer took.
    pub(crate) fn grant(&mut self, asked_at: Millis, grant: Grant, learnt: Option<Millis>) {
        // Written so that a NaN fails it.
        let announced = (grant.lifetime >= SHORTEST_LIFETIME).then_some(grant.lifetime);
        self.is_learnt = announced.is_none() && learnt.is_some();
        self.until = announced.or(learnt).map(|life| asked_at + life);
        self.know(grant.subject);
    }

    /// Whose it is, if anybody says.
    pub(crate) fn know(&mut self, subject: u32) {
        if subject != 0 {
            self.subject = subject;
        }
    }

    /// How old the cookie was when that request was sent.
    pub(crate) fn age_at(&self, sent_at: Millis) -> Millis {
        sent_at - self.sent_at
    }

    /// Whether the server has said how long it lives.
    pub(crate) fn is_announced(&self) -> bool {
        self.until.is_some() && !self.is_learnt
    }

    pub(crate) fn is_over(&self, now: Millis) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    /// Whether that is known to be somebody else's.
    pub(crate) fn is_anothers(&self, subject: u32) -> bool {
        self.subject != 0 && subject != 0 && self.subject != subject
    }
}

impl Default for Cookie {
    fn default() -> Self {
        Self {
            epoch: Epoch::default(),
            at: Millis::NEG_INFINITY,
            sent_at: Millis::NEG_INFINITY,
            session: Epoch::default(),
            session_at: Millis::NEG_INFINITY,
            name: Key::default(),
            until: None,
            is_learnt: false,
            proven: false,
            is_found: false,
            subject: 0,
        }
    }
}

impl Default for Grant {
    fn default() -> Self {
        Self {
            lifetime: Millis::NAN,
            subject: 0,
        }
    }
}
