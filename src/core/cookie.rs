use super::{Millis, epoch::Epoch};

/// What is known of the access cookie. It is `HttpOnly`, so that is when it changed, and how long it lives.
#[derive(Clone, Debug)]
pub(crate) struct Cookie {
    pub(crate) epoch: Epoch,
    /// When the epoch began. Word of what was before that is no news.
    pub(crate) at: Millis,
    /// The epoch in which the session of today began. An older attempt belongs to whoever was signed in before,
    /// and its request is never sent again under the cookies of somebody else.
    pub(crate) session: Epoch,
    /// When the lifetime that the server has announced is over.
    pub(crate) until: Option<Millis>,
}

impl Cookie {
    /// The cookie changed at that moment.
    pub(crate) fn advance(&mut self, moment: Millis) {
        self.epoch.advance();
        self.at = moment;
    }

    pub(crate) fn is_over(&self, now: Millis) -> bool {
        self.until.is_some_and(|until| now >= until)
    }
}

impl Default for Cookie {
    fn default() -> Self {
        Self {
            epoch: Epoch::default(),
            at: Millis::NEG_INFINITY,
            session: Epoch::default(),
            until: None,
        }
    }
}
