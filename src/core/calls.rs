use super::{Millis, epoch::Epoch};

/// A call under way. Stale ids are told from live ones, so an event that comes late finds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallId(u32);

impl CallId {
    /// As a number, to pass through where there are only numbers.
    pub(crate) fn to_bits(self) -> u32 {
        self.0
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    fn index(self) -> usize {
        (self.0 & INDEX_MASK) as usize
    }
}

/// One of the clients that share a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientId(pub(crate) u32);

/// One call of the user's, from the moment it is made to the moment it settles.
#[derive(Debug)]
pub(crate) struct Call {
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

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Waits for the refresh under way; has not been sent yet.
    Gated,
    /// On the wire for the first time.
    Sent,
    /// Holds a 401 and waits for what comes of the refresh. `whole`: its body is still there to be read.
    Refused { whole: bool },
    /// On the wire to find out what has become of a refresh whose answer was lost.
    Asking,
    /// On the wire again, after a refresh. What comes back is the answer.
    Replayed,
    /// On the wire with nothing more to hope for. What comes back is the answer.
    Last,
}

const INDEX_BITS: u32 = 20;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/// The calls under way: a slab, because a page makes many calls, and few at a time.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    call: Option<Call>,
}

impl Calls {
    pub(crate) fn insert(&mut self, call: Call) -> CallId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() as u32).wrapping_sub(1)
        });
        let mut generation = 0;
        if let Some(slot) = self.slots.get_mut(index as usize) {
            generation = slot.generation;
            slot.call = Some(call);
        }
        CallId(generation << INDEX_BITS | index)
    }

    pub(crate) fn get(&self, id: CallId) -> Option<&Call> {
        let slot = self.slots.get(id.index())?;
        slot.call
            .as_ref()
            .filter(|_| slot.generation == id.0 >> INDEX_BITS)
    }

    pub(crate) fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        let slot = self.slots.get_mut(id.index())?;
        slot.call
            .as_mut()
            .filter(|_| slot.generation == id.0 >> INDEX_BITS)
    }

    pub(crate) fn of(&mut self, client: ClientId) -> impl Iterator<Item = &mut Call> {
        let calls = self.slots.iter_mut().filter_map(|slot| slot.call.as_mut());
        calls.filter(move |call| call.client == client)
    }

    pub(crate) fn remove(&mut self, id: CallId) -> Option<Call> {
        self.get(id)?;
        let slot = self.slots.get_mut(id.index())?;
        // The generation keeps to the bits that an id has for it.
        slot.generation = slot.generation.wrapping_add(1) & (u32::MAX >> INDEX_BITS);
        self.free.push(id.0 & INDEX_MASK);
        slot.call.take()
    }
}
