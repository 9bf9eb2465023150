use super::{Millis, backoff::Backoff, epoch::Epoch};

/// What keeps refreshes from following each other too fast.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pacing {
    /// Paces refreshes that fail.
    pub(crate) unavailable: Backoff,
    /// Paces refreshes that succeed and change nothing.
    pub(crate) ineffective: Backoff,
    pub(crate) ineffective_in: Option<Epoch>,
    /// Paces refreshes that are refused again, after a success made us doubt an expiry.
    pub(crate) refused: Backoff,
}

impl Pacing {
    /// Whether a refresh for a 401 would only repeat what has just failed to help.
    pub(crate) fn is_futile(&self, now: Millis) -> bool {
        self.ineffective.holds(now) || self.refused.holds(now)
    }
}
