//! The calls: what is sent, what waits, and how each wait ends.

use super::{Action, Call, CallId, Epoch, Failure, Kind, Millis, Refresh, Session, Stage, State};

impl Session {
    /// Sends the call's request. If it waited, its wait is over.
    pub(super) fn send(&mut self, now: Millis, id: CallId, stage: Stage) {
        self.calls.send(now, id, stage, self.cookie.epoch);
        self.actions.push(Action::Send { call: id });
    }

    /// The call's request was sent before, at that moment.
    pub(super) fn take_over(&mut self, now: Millis, id: CallId, sent_at: Millis) {
        let kind = self.calls.get(id).map(|call| call.kind);
        let stage = match kind {
            Some(Kind::SignOut) => Stage::Early,
            _ => Stage::Sent,
        };
        self.send(now, id, stage);
        // Clocks are coarse, and what is sent as soon as the cookie is there is sent with it.
        let epoch = if sent_at >= self.cookie.at {
            self.cookie.epoch
        } else if sent_at >= self.cookie.session_at {
            self.cookie.session
        } else {
            Epoch::default()
        };
        self.calls.date(id, sent_at, epoch);
    }

    /// Lets the call wait. From here on its time runs.
    pub(super) fn park(&mut self, now: Millis, id: CallId, stage: Stage) {
        self.calls.park(now, id, stage);
    }

    /// Lets the call wait with its 401, or at the gate if it is a command.
    pub(super) fn park_refused(&mut self, now: Millis, id: CallId) {
        let kind = self.calls.get(id).map(|call| call.kind);
        if let Some(Kind::Request { .. } | Kind::SignOut) = kind {
            self.park(now, id, Stage::Refused { whole: true });
            self.actions.push(Action::Hold { call: id });
        } else {
            self.park(now, id, Stage::Gated);
        }
    }

    /// The sign-in or sign-out goes out, for the first time or once more.
    pub(super) fn send_signing(&mut self, now: Millis, id: CallId) {
        let stage = self.calls.get(id).map(|call| call.stage);
        let is_sent = matches!(stage, Some(Stage::Again | Stage::Behind));
        self.send(
            now,
            id,
            if is_sent {
                Stage::Replayed
            } else {
                Stage::Sent
            },
        );
    }

    /// The sign-ins and sign-outs that wait go out without the lock, beside what they waited for.
    pub(super) fn send_leaving(&mut self, now: Millis) {
        while let Some(id) = self.leaving().map(|call| call.id) {
            self.send_signing(now, id);
            self.fall_behind();
        }
    }

    /// The sign-in or sign-out that waits for the lock.
    pub(super) fn leaving(&self) -> Option<&Call> {
        self.calls.find_signing(Call::wants_lock)
    }

    /// The sign-out that is on the wire already and has yet to hear whether the lock was free.
    pub(super) fn early(&self) -> Option<&Call> {
        self.calls.find_signing(|call| call.stage == Stage::Early)
    }

    /// The sign-in or sign-out that is on the wire, unless it has been for too long.
    pub(super) fn signing_on_wire(&self, now: Millis) -> Option<&Call> {
        let call = self.calls.find_signing(|call| !call.waits());
        let call = call.filter(|call| now < call.sent_at + call.timeout);
        self.early().or(call)
    }

    /// The sign-in or sign-out that the lock is wanted for.
    pub(super) fn wanting_lock(&self) -> Option<&Call> {
        self.leaving().or(self.early())
    }

    /// A refresh has set cookies beside the sign-out that is on the wire.
    pub(super) fn fall_behind(&mut self) {
        let is_out = |call: &Call| call.kind == Kind::SignOut && call.stage == Stage::Sent;
        if let Some(id) = self.calls.find_signing(is_out).map(|call| call.id) {
            self.calls.restage(id, Stage::Behind);
        }
    }

    /// Ends every wait that is over, as the session now stands.
    pub(super) fn release(&mut self, now: Millis) {
        let is_active = self.state == State::Active;
        let is_over = matches!(self.state, State::Over { .. });
        for id in self.calls.waiting() {
            let Some(call) = self.calls.get(id) else {
                continue;
            };
            let renewed = is_active && call.epoch >= self.cookie.session;
            match (call.kind, call.stage) {
                // They have a way of their own: under the lock.
                (Kind::SignIn, _) | (Kind::SignOut, Stage::Gated | Stage::Again) => {}
                (Kind::SignOut, _) if renewed => self.calls.restage(id, Stage::Again),
                (Kind::EnsureFresh { .. } | Kind::Refresh, _) => self.done(id),
                // Its 401 is about the cookie of now.
                (_, Stage::Refused { .. }) if renewed && call.epoch == self.cookie.epoch => {}
                (Kind::Request { replayable: true }, Stage::Refused { .. }) if renewed => {
                    self.send(now, id, Stage::Replayed);
                }
                (_, Stage::Refused { whole: true }) if !renewed => self.answer(id),
                // Its 401 was too large to keep. Another one is to be had, unless somebody else has signed in.
                (Kind::Request { replayable: true } | Kind::SignOut, Stage::Refused { .. })
                    if is_over =>
                {
                    self.send(now, id, Stage::Last);
                }
                (_, Stage::Refused { .. }) => self.fail(id, Failure::NotReplayable),
                // Somebody has signed in while it waited, and it is not for that one to carry out.
                _ if is_active && self.was_made_before_session(call) => {
                    self.fail(id, Failure::NotReplayable);
                }
                _ => self.send(now, id, Stage::Sent),
            }
        }
    }

    /// Whether the call, which has waited since it was made, was made before the session of today began.
    fn was_made_before_session(&self, call: &Call) -> bool {
        call.patience - call.timeout < self.cookie.session_at
    }

    /// Opens the gate for what may be let in without this refresh: what has never been sent, and what was refused
    /// under a cookie of before. If it is not, it waits with the others, or that was its replay.
    pub(super) fn release_unsent(&mut self, now: Millis) {
        for id in self.calls.waiting() {
            match self.calls.get(id) {
                Some(call) if call.can_be_sent_again() && call.epoch < self.cookie.epoch => {
                    self.send(now, id, Stage::Replayed);
                }
                Some(call) if call.is_gated() => self.send(now, id, Stage::Sent),
                _ => {}
            }
        }
    }

    /// Who cannot wait longer than that fails. But to sign in or out is never put off for good: that is sent without the lock.
    pub(super) fn fail_waiting(&mut self, now: Millis, until: Millis) {
        for id in self.calls.impatient(until) {
            match self.calls.get(id) {
                Some(call) if call.wants_lock() => {
                    if now >= call.patience {
                        self.send_signing(now, id);
                        self.fall_behind();
                    }
                }
                _ => self.fail(id, Failure::RefreshUnavailable),
            }
        }
    }

    pub(super) fn answer(&mut self, id: CallId) {
        self.calls.remove(id);
        self.actions.push(Action::Answer { call: id });
    }

    pub(super) fn done(&mut self, id: CallId) {
        self.calls.remove(id);
        self.actions.push(Action::Done { call: id });
    }

    pub(super) fn fail(&mut self, id: CallId, failure: Failure) {
        self.calls.remove(id);
        self.actions.push(Action::Fail { call: id, failure });
    }

    pub(super) fn forget(&mut self, id: CallId) {
        self.calls.remove(id);
        self.end_signing(id);
    }

    /// The sign-in or sign-out needs the lock no longer.
    pub(super) fn end_signing(&mut self, id: CallId) {
        if self.refresh == (Refresh::Signing { by: id }) {
            self.rest();
        }
    }
}
