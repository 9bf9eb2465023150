/// How many times the access cookie has changed under us: by a refresh, or by a sign-in.
///
/// A counter and no secret. Each attempt notes the epoch it was sent under; a 401 that comes back to an
/// older epoch says nothing about the cookie of today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Epoch(u32);

impl Epoch {
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    pub(crate) fn advance(&mut self) {
        self.0 = self.0.wrapping_add(1);
    }
}
