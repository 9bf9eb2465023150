use super::Millis;

const FIRST: Millis = 1_000.0;
const LONGEST: Millis = 60_000.0;

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
        self.fail_from(now, FIRST);
        if let Some(asked) = asked {
            self.until = now + asked.clamp(FIRST, LONGEST);
        }
        self.until
    }

    /// Notes a failure. The pause after the first is that long.
    pub(crate) fn fail_from(&mut self, now: Millis, first: Millis) {
        let pause = (first * f64::from(1_u32 << self.failures.min(6))).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = now + pause;
    }

    /// A peer has failed, and the pause after it ends then.
    pub(crate) fn hold(&mut self, until: Millis) {
        self.failures = self.failures.max(1);
        self.until = until;
    }

    /// The pause ends now, though nothing has succeeded.
    pub(crate) fn skip(&mut self, now: Millis) {
        self.until = self.until.min(now);
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
