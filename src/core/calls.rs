use super::{Kind, Millis, epoch::Epoch};

/// How many bits of a number name the place of a call; the others tell it from the calls that had that place before.
const PLACE_BITS: u32 = 21;

/// A call. No two calls have the same, so an event that comes late finds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallId {
    place: u32,
    serial: u32,
}

impl CallId {
    /// As a whole number below 2^53, to pass through where there are only numbers.
    pub(crate) fn to_number(self) -> f64 {
        (u64::from(self.serial) << PLACE_BITS | u64::from(self.place)) as f64
    }

    pub(crate) fn from_number(number: f64) -> Self {
        let bits = number as u64;
        Self {
            place: bits as u32 & ((1 << PLACE_BITS) - 1),
            serial: (bits >> PLACE_BITS) as u32,
        }
    }

    /// Where it is in a list: no two calls under way are in the same place.
    pub(crate) fn place(self) -> usize {
        self.place as usize
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
    pub(crate) kind: Kind,
    pub(crate) stage: Stage,
    /// The epoch that its latest attempt was sent under.
    pub(crate) epoch: Epoch,
    /// When its latest attempt was sent.
    pub(crate) sent_at: Millis,
    /// Tells where its request goes from other addresses.
    pub(crate) address: u32,
    /// How long it may wait for us in all; a refresh started for it is given as long.
    pub(crate) timeout: Millis,
    /// What is left of the time that it may spend waiting for us. While it waits: when that time is up.
    pub(crate) patience: Millis,
}

impl Call {
    pub(crate) fn new(client: ClientId, kind: Kind, address: u32, timeout: Millis) -> Self {
        Self {
            id: CallId::default(),
            client,
            kind,
            stage: Stage::Sent,
            epoch: Epoch::default(),
            sent_at: Millis::NEG_INFINITY,
            address,
            timeout,
            patience: timeout,
        }
    }

    /// Whether it waits for us.
    pub(crate) fn waits(&self) -> bool {
        matches!(
            self.stage,
            Stage::Gated | Stage::Again | Stage::Refused { .. }
        )
    }

    /// Whether it begins or ends a session.
    fn signs(&self) -> bool {
        matches!(self.kind, Kind::SignIn | Kind::SignOut)
    }

    /// Whether it waits to be sent under the lock.
    pub(crate) fn wants_lock(&self) -> bool {
        self.signs() && matches!(self.stage, Stage::Gated | Stage::Again)
    }

    /// Whether it waits with a 401 and can be sent once more.
    pub(crate) fn can_be_sent_again(&self) -> bool {
        self.kind == Kind::Request { replayable: true }
            && matches!(self.stage, Stage::Refused { .. })
    }

    /// Whether it is a request that waits at the gate.
    pub(crate) fn is_gated(&self) -> bool {
        self.stage == Stage::Gated && matches!(self.kind, Kind::Request { .. })
    }
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Waits for the refresh under way; has not been sent yet.
    Gated,
    /// A sign-out that waits to be sent once more.
    Again,
    /// A sign-out on the wire that has yet to hear whether the lock was free.
    Early,
    /// A sign-out on the wire beside a refresh, whose cookies may come after it.
    Behind,
    /// Holds a 401 and waits for what comes of the refresh. `whole`: its body is still there to be read.
    Refused { whole: bool },
    /// On the wire for the first time.
    Sent,
    /// On the wire again to find out what has become of a refresh whose answer was lost, and not after a refresh of its own.
    Asking,
    /// On the wire again, after a refresh. What comes back is the answer.
    Replayed,
    /// On the wire with nothing more to hope for. What comes back is the answer.
    Last,
}

/// The calls under way. What is done for one of them costs the same, however many there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    places: Vec<Option<Call>>,
    free: Vec<u32>,
    /// Places of calls that are over here, and that the shell has yet to hear of.
    freed: Vec<u32>,
    /// How many calls there have been.
    serial: u32,
    /// The requests and commands that wait, in the order in which they came to wait. As a rule they end in that order too, so
    /// one is found where it is looked for first.
    queue: Vec<CallId>,
    /// No patience of theirs ends before this.
    soonest: Millis,
    /// The sign-ins and sign-outs, waiting or not. There is seldom more than one.
    signing: Vec<CallId>,
}

impl Calls {
    /// Gives the call its id.
    pub(crate) fn insert(&mut self, mut call: Call) -> CallId {
        self.serial = self.serial.wrapping_add(1);
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() as u32 - 1
        });
        call.id = CallId {
            place,
            serial: self.serial,
        };
        if call.signs() {
            self.signing.push(call.id);
        }
        if let Some(free) = self.places.get_mut(place as usize) {
            *free = Some(call);
        }
        call.id
    }

    pub(crate) fn get(&self, id: CallId) -> Option<&Call> {
        let call = self.places.get(id.place()).and_then(Option::as_ref);
        call.filter(|call| call.id == id)
    }

    fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        let call = self.places.get_mut(id.place()).and_then(Option::as_mut);
        call.filter(|call| call.id == id)
    }

    pub(crate) fn remove(&mut self, id: CallId) {
        let Some(call) = self.get(id) else { return };
        if call.waits() {
            self.leave_queue(id);
        }
        if let Some(place) = self.places.get_mut(id.place()) {
            *place = None;
            self.freed.push(id.place);
            self.signing.retain(|it| *it != id);
        }
    }

    /// The shell has heard of all that is over: those places can be given to others.
    pub(crate) fn recycle(&mut self) {
        self.free.append(&mut self.freed);
    }

    /// The call waits from now on, and its time runs.
    pub(crate) fn park(&mut self, now: Millis, id: CallId, stage: Stage) {
        let Some(call) = self.get_mut(id) else { return };
        call.stage = stage;
        call.patience += now;
        let (signs, patience) = (call.signs(), call.patience);
        if !signs {
            if self.queue.is_empty() || patience < self.soonest {
                self.soonest = patience;
            }
            self.queue.push(id);
        }
    }

    /// The call is on the wire from now on. What is left of its time is kept for another wait.
    pub(crate) fn send(&mut self, now: Millis, id: CallId, stage: Stage, epoch: Epoch) {
        let Some(call) = self.get_mut(id) else { return };
        if call.waits() {
            self.leave_queue(id);
        }
        if let Some(call) = self.get_mut(id) {
            if call.waits() {
                call.patience -= now;
            }
            (call.stage, call.epoch, call.sent_at) = (stage, epoch, now);
        }
    }

    /// Its first attempt was sent before this engine was there.
    pub(crate) fn date(&mut self, id: CallId, sent_at: Millis, epoch: Epoch) {
        if let Some(call) = self.get_mut(id) {
            (call.sent_at, call.epoch) = (sent_at, epoch);
        }
    }

    /// It goes on as before, and stands elsewhere: it still waits, or it is still on the wire.
    pub(crate) fn restage(&mut self, id: CallId, stage: Stage) {
        if let Some(call) = self.get_mut(id) {
            call.stage = stage;
        }
    }

    fn leave_queue(&mut self, id: CallId) {
        if let Some(index) = self.queue.iter().position(|it| *it == id) {
            self.queue.remove(index);
        }
    }

    /// Whether there is a call that waits, or a sign-out that has yet to hear whether the lock was free.
    pub(crate) fn any_wants_something(&self) -> bool {
        let wants = |call: &Call| call.waits() || call.stage == Stage::Early;
        !self.queue.is_empty() || self.find_signing(wants).is_some()
    }

    /// Whether a call waits for a refresh, and not to be sent under the lock.
    pub(crate) fn any_wants_refresh(&self) -> bool {
        let wants = |call: &Call| call.waits() && !call.wants_lock();
        !self.queue.is_empty() || self.find_signing(wants).is_some()
    }

    /// The first one of those that wait, the sign-ins and sign-outs last.
    pub(crate) fn find(&self, which: fn(&Call) -> bool) -> Option<&Call> {
        for id in &self.queue {
            if let Some(call) = self.get(*id)
                && which(call)
            {
                return Some(call);
            }
        }
        self.find_signing(Call::waits).filter(|call| which(call))
    }

    /// The first one of the sign-ins and sign-outs, waiting or not.
    pub(crate) fn find_signing(&self, which: fn(&Call) -> bool) -> Option<&Call> {
        for id in &self.signing {
            if let Some(call) = self.get(*id)
                && which(call)
            {
                return Some(call);
            }
        }
        None
    }

    /// The ids of all that wait.
    pub(crate) fn waiting(&self) -> Vec<CallId> {
        let mut ids = self.queue.clone();
        for id in &self.signing {
            if self.get(*id).is_some_and(Call::waits) {
                ids.push(*id);
            }
        }
        ids
    }

    /// When the first of those that wait has waited long enough, or before.
    pub(crate) fn soonest(&self) -> Millis {
        let mut soonest = if self.queue.is_empty() {
            Millis::INFINITY
        } else {
            self.soonest
        };
        for id in &self.signing {
            if let Some(call) = self.get(*id)
                && call.waits()
            {
                soonest = soonest.min(call.patience);
            }
        }
        soonest
    }

    /// Those whose patience ends by then.
    pub(crate) fn impatient(&mut self, until: Millis) -> Vec<CallId> {
        if until < self.soonest() {
            return Vec::new();
        }
        let mut soonest = Millis::INFINITY;
        let mut ids = self.waiting();
        ids.retain(|id| {
            let patience = self.get(*id).map_or(Millis::INFINITY, |call| call.patience);
            if patience > until {
                soonest = soonest.min(patience);
            }
            patience <= until
        });
        self.soonest = soonest;
        ids
    }

    /// The cookie changed at that moment, and begins that epoch: what was sent since was sent under it.
    pub(crate) fn renew_since(&mut self, moment: Millis, epoch: Epoch) {
        for call in self.places.iter_mut().flatten() {
            if call.sent_at > moment && call.stage != Stage::Gated {
                call.epoch = epoch;
            }
        }
    }

    /// What comes back to those of that client is their answer.
    pub(crate) fn let_go(&mut self, client: ClientId) {
        for call in self.places.iter_mut().flatten() {
            if call.client == client {
                call.stage = Stage::Last;
            }
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
impl Calls {
    /// All of them: those that wait first, in their order.
    pub(crate) fn all(&self) -> Vec<Call> {
        let waiting = self.waiting();
        let waiting = waiting.iter().filter_map(|id| self.get(*id));
        let others = self.places.iter().flatten().filter(|call| !call.waits());
        waiting.chain(others).copied().collect()
    }
}
