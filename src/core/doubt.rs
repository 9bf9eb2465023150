use super::{CallId, Millis};

/// The first pause between two questions about one refresh; it doubles, to eight times that.
pub(crate) const FIRST_PAUSE: Millis = 250.0;

/// What is asked of the server because nobody knows what became of a refresh.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubt {
    /// Nobody knows whether the server has rotated the refresh token; only the answer to a request that is sent after
    /// this moment tells. While the moment is to come, a refresh may be on its way that nobody awaits any more.
    pub(crate) since: Option<Millis>,
    /// The call that is on the wire again to find out.
    pub(crate) asking: Option<CallId>,
    /// How often that was done for one refresh.
    pub(crate) asked: u32,
}

impl Doubt {
    pub(crate) fn extend(&mut self, moment: Millis) {
        self.since = Some(self.since.map_or(moment, |since| since.max(moment)));
    }

    /// Until when a refresh may be on its way that nobody awaits any more.
    pub(crate) fn orphan(&self, now: Millis) -> Option<Millis> {
        self.since.filter(|since| now < *since)
    }

    /// How long to wait before the next question.
    pub(crate) fn pause(&self) -> Millis {
        FIRST_PAUSE * f64::from(1_u32 << self.asked.min(3))
    }
}
