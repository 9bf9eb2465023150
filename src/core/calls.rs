use std::num::NonZeroU32;

use super::{Millis, epoch::Epoch};

/// A call. No two calls have the same, so an event that comes late finds nothing. And none has a zero, so that there is
/// room for no call at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallId(NonZeroU32);

impl Default for CallId {
    fn default() -> Self {
        Self(NonZeroU32::MIN)
    }
}

impl CallId {
    /// As a number, to pass through where there are only numbers.
    pub(crate) fn to_bits(self) -> u32 {
        self.0.get()
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        NonZeroU32::new(bits).map_or_else(Self::default, Self)
    }
}

/// One of the clients that share a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientId(pub(crate) u32);

/// One call of the user's, from the moment it is made to the moment it settles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) client: ClientId,
    pub(crate) kind: super::Kind,
    pub(crate) stage: Stage,
    /// The epoch that its latest attempt was sent under.
    pub(crate) epoch: Epoch,
    /// When its latest attempt was sent.
    pub(crate) sent_at: Millis,
    /// How long it may wait for us in all; a refresh started for it is given as long.
    pub(crate) timeout: Millis,
    /// What is left of the time that it may spend waiting for us. While it waits: when that time is up.
    pub(crate) patience: Millis,
}

impl Call {
    /// Whether it waits for us.
    pub(crate) fn waits(&self) -> bool {
        matches!(self.stage, Stage::Gated | Stage::Refused { .. })
    }

    pub(crate) fn is_sign_out(&self) -> bool {
        matches!(self.kind, super::Kind::SignOut)
    }

    /// Whether it waits with a 401 and can be sent once more.
    pub(crate) fn can_be_sent_again(&self) -> bool {
        matches!(self.kind, super::Kind::Request { replayable: true })
            && matches!(self.stage, Stage::Refused { .. })
    }
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Waits for the refresh under way; has not been sent yet.
    Gated,
    /// Holds a 401 and waits for what comes of the refresh. `whole`: its body is still there to be read.
    Refused { whole: bool },
    /// On the wire for the first time.
    Sent,
    /// On the wire to find out what has become of a refresh whose answer was lost.
    Asking,
    /// On the wire again, after a refresh. What comes back is the answer.
    Replayed,
    /// On the wire with nothing more to hope for. What comes back is the answer.
    Last,
}

/// The calls under way; those that wait are in the order in which they came to wait. A plain list, because a page
/// makes many calls, and few at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    latest: CallId,
    pub(super) calls: Vec<Call>,
}

impl Calls {
    /// Gives the call its id.
    pub(crate) fn insert(&mut self, mut call: Call) -> CallId {
        self.latest = CallId::from_bits(self.latest.to_bits().wrapping_add(1));
        call.id = self.latest;
        self.push(call);
        self.latest
    }

    pub(crate) fn push(&mut self, call: Call) {
        self.calls.push(call);
    }

    pub(crate) fn get(&self, id: CallId) -> Option<&Call> {
        self.calls.iter().find(|call| call.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id)
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| call.waits())
    }

    pub(crate) fn nth_waiting(&self, index: usize) -> Option<&Call> {
        self.waiting().nth(index)
    }

    pub(crate) fn of(&mut self, client: ClientId) -> impl Iterator<Item = &mut Call> {
        self.calls
            .iter_mut()
            .filter(move |call| call.client == client)
    }

    /// The cookie changed at that moment, and begins that epoch: what was sent since was sent under it.
    pub(crate) fn renew_since(&mut self, moment: Millis, epoch: Epoch) {
        for call in &mut self.calls {
            if call.sent_at > moment && call.stage != Stage::Gated {
                call.epoch = epoch;
            }
        }
    }

    pub(crate) fn remove(&mut self, id: CallId) {
        self.calls.retain(|call| call.id != id);
    }
}
