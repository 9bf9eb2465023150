use super::Millis;

const FIRST: Millis = 1_000.0;
const LONGEST: Millis = 60_000.0;
/// A server may ask for more than [`LONGEST`], but a slip of its pen must not park a session for a day.
const LONGEST_ASKED: Millis = 3_600_000.0;

/// A pause that grows with each failure: 1 s, doubling, to 60 s. A success ends it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    pub(super) failures: u32,
    until: Millis,
}

impl Backoff {
    /// Notes a failure and returns when the pause after it ends. `asked` is what the server wants instead
    /// (`Retry-After`, RFC 9110 section 10.2.3), within reason: a zero would hammer it.
    pub(crate) fn fail(&mut self, now: Millis, asked: Option<Millis>) -> Millis {
        let own = (FIRST * f64::from(1_u32 << self.failures.min(6))).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = now + asked.map_or(own, |asked| asked.clamp(FIRST, LONGEST_ASKED));
        self.until
    }

    /// A peer has failed, and the pause after it ends then.
    pub(crate) fn hold(&mut self, until: Millis) {
        self.failures = self.failures.max(1);
        self.until = until;
    }

    pub(crate) fn holds(&self, now: Millis) -> bool {
        self.failures > 0 && now < self.until
    }

    pub(crate) fn until(&self) -> Millis {
        self.until
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}
