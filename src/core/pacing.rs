use super::{Millis, backoff::Backoff, epoch::Epoch};

/// The shortest pause after a refusal. Like the others it doubles, to a minute.
const FIRST_REFUSED: Millis = 5_000.0;
/// How many addresses that were refused are remembered.
const PLACES: usize = 64;

/// What keeps refreshes from following each other too fast.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pacing {
    /// Paces refreshes that fail.
    pub(crate) unavailable: Backoff,
    /// The epoch in which a refresh was last seen to have changed nothing.
    pub(crate) ineffective_in: Option<Epoch>,
    /// Paces refreshes of a session that is over.
    pub(crate) refused: Backoff,
    /// The addresses that were refused, and not let in since.
    pub(crate) places: Vec<Place>,
    /// Where a request was refused last; 0 if none was.
    pub(crate) latest: u32,
}

/// An address that was refused.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) address: u32,
    /// Paces refreshes that succeed and change nothing there.
    pub(crate) ineffective: Backoff,
    /// The epoch in which that was last seen.
    pub(crate) epoch: Option<Epoch>,
}

impl Pacing {
    /// Whether a refresh for a 401 of that address would only repeat what has just failed to help.
    pub(crate) fn is_futile(&self, now: Millis, address: u32) -> bool {
        let mut places = self.places.iter();
        places.any(|it| it.address == address && it.ineffective.holds(now))
    }

    /// A request to that address was refused.
    pub(crate) fn note_refusal(&mut self, address: u32) {
        self.latest = address;
        if self.places.iter().any(|it| it.address == address) {
            return;
        }
        if self.places.len() >= PLACES {
            self.places.swap_remove(0);
        }
        self.places.push(Place {
            address,
            ineffective: Backoff::default(),
            epoch: None,
        });
    }

    /// One was let in. Returns whether that address had been refused.
    pub(crate) fn forgive(&mut self, address: u32) -> bool {
        let before = self.places.len();
        self.places.retain(|it| it.address != address);
        self.places.len() < before
    }

    /// A replay to that address was refused under the cookie of that epoch.
    pub(crate) fn fail(&mut self, now: Millis, address: u32, epoch: Epoch) {
        let mut places = self.places.iter_mut();
        if let Some(place) = places.find(|it| it.address == address)
            && place.epoch != Some(epoch)
        {
            place.epoch = Some(epoch);
            place.ineffective.fail(now, None);
        }
    }

    /// A refresh was refused.
    pub(crate) fn refuse(&mut self, now: Millis) {
        self.refused.fail_from(now, FIRST_REFUSED);
    }
}
