//! What answers to calls mean for the session.

use super::{
    Answer, Call, Cause, Event, Failure, Grant, Key, Kind, Millis, News, Over, Refresh, Session,
    Stage, State, words::GRAIN,
};

impl Session {
    /// What the answer to a guarded request means.
    pub(super) fn judge(&mut self, now: Millis, call: Call, answer: Answer) {
        let Call {
            id,
            stage,
            epoch,
            sent_at,
            address,
            ..
        } = call;
        let replayable = call.kind == Kind::Request { replayable: true };
        let asked = self.stop_asking(now, id);
        if !answer.expired {
            self.answer(id);
            return self.note_answer(now, call, answer, asked);
        }
        self.pacing.note_refusal(address);
        let is_told = self.doubt.since.is_some_and(|doubt| sent_at >= doubt);
        if is_told && self.refresh == Refresh::Confirming {
            // Sent when the refresh had been refused, and still a 401: that refusal stands.
            self.answer(id);
            return self.expire(now);
        }
        if is_told {
            // Sent when that refresh was over, and still a 401: it has changed nothing.
            self.doubt.since = None;
        }
        match stage {
            Stage::Last => self.answer(id),
            Stage::Replayed => {
                self.answer(id);
                if epoch == self.cookie.epoch {
                    self.note_ineffective(now, address, answer.status);
                }
            }
            // Signed out or in since: the request is not sent again under the cookies of somebody else.
            _ if epoch < self.cookie.session || self.is_over_for_now(now) => self.answer(id),
            // A late 401: the cookie has changed while it was on its way.
            _ if epoch < self.cookie.epoch && !replayable => self.fail(id, Failure::NotReplayable),
            _ if epoch < self.cookie.epoch && !self.is_closed() => {
                // Or not late, if it was sent with the cookie that was found later: then it has had no refresh yet.
                let may_be_late = self.cookie.is_found && stage == Stage::Sent;
                self.send(
                    now,
                    id,
                    if may_be_late {
                        Stage::Asking
                    } else {
                        Stage::Replayed
                    },
                );
            }
            _ if self.refresh == Refresh::Idle && self.pacing.is_futile(now, address) => {
                self.answer(id);
            }
            _ => {
                if stage == Stage::Sent && epoch == self.cookie.epoch && !self.cookie.is_announced()
                {
                    self.learning.meet(address, self.cookie.age_at(sent_at));
                }
                self.await_refresh(now, id);
            }
        }
    }

    pub(super) fn judge_sign_in(&mut self, now: Millis, call: Call, answer: Answer) {
        self.answer(call.id);
        if answer.begins {
            self.signed_in(now, call.sent_at, answer.grant);
        }
        self.end_signing(call.id);
    }

    /// A session ends when the server has said so, and not before.
    pub(super) fn judge_sign_out(&mut self, now: Millis, call: Call, answer: Answer) {
        let Call { id, stage, .. } = call;
        let is_over = matches!(self.state, State::Over { .. });
        let is_locked = self.refresh == Refresh::Signing { by: id };
        // A 401 after the refresh was refused says that there is nothing left to end.
        if answer.ends || answer.expired && is_over {
            self.flight.credit.status = answer.status;
            let is_ours = !self.has_begun_since(call.sent_at);
            let orphan = self.flight.foreign.or(self.doubt.orphan(now));
            // Or the lock was free, for the page whose refresh is on the wire is gone.
            let is_behind = stage == Stage::Behind || stage == Stage::Early && orphan.is_some();
            self.signed_out(now, call.sent_at);
            if is_behind && is_ours {
                if let Some(until) = orphan {
                    self.doubt.extend(until);
                }
                // The cookies of that refresh may have come after it.
                self.sign_again(now, call, is_locked);
            } else {
                self.answer(id);
                self.end_signing(id);
            }
            return;
        }
        let is_last = matches!(stage, Stage::Replayed | Stage::Last);
        if !answer.expired || is_last || call.epoch < self.cookie.session {
            self.answer(id);
            self.end_signing(id);
        } else if call.epoch < self.cookie.epoch {
            // A late 401: the cookie has changed while it was on its way.
            self.sign_again(now, call, is_locked);
        } else {
            self.end_signing(id);
            self.await_refresh(now, id);
        }
    }

    /// The sign-out goes out once more: at once if the lock is held for it, otherwise when it is.
    fn sign_again(&mut self, now: Millis, call: Call, is_locked: bool) {
        if is_locked {
            self.calls.restage(call.id, Stage::Behind);
            self.sign(now, call);
        } else {
            self.park(now, call.id, Stage::Again);
        }
    }

    /// Whatever was known is about another session. The sign-in was sent at `sent_at`.
    pub(super) fn signed_in(&mut self, now: Millis, sent_at: Millis, grant: Grant) {
        self.begin(now, now, self.new_name(), State::Active);
        self.cookie.grant(sent_at, grant, self.learning.use_it());
        let life = self.cookie.until.map_or(0.0, |until| until - now);
        self.tell(now, News::SignedIn, now, life, Cause::Asked);
    }

    /// The session is over. The sign-out was sent at `sent_at`.
    pub(super) fn signed_out(&mut self, now: Millis, sent_at: Millis) {
        if self.has_begun_since(sent_at) {
            return self.forget_which_came_last();
        }
        self.end_by_sign_out(now, now, sent_at);
        self.tell(now, News::SignedOut, now, 0.0, Cause::Asked);
    }

    pub(super) fn end_by_sign_out(&mut self, now: Millis, moment: Millis, sent_at: Millis) {
        let over = State::Over {
            at: moment,
            why: Over::SignedOut,
        };
        self.begin(now, moment, Key::default(), over);
        self.cookie.sent_at = sent_at;
    }

    /// Whether a session has begun while a sign-out of that time was on the wire, and is not over.
    pub(super) fn has_begun_since(&self, sent_at: Millis) -> bool {
        !matches!(self.state, State::Over { .. }) && sent_at + GRAIN < self.cookie.session_at
    }

    /// A sign-in and a sign-out were on the wire together, and nobody knows whose cookies the browser took last: the next
    /// request finds out.
    pub(super) fn forget_which_came_last(&mut self) {
        self.state = State::Unknown { over_at: None };
    }

    /// Another session begins, or none: what is on the wire belongs to the one before.
    pub(super) fn begin(&mut self, now: Millis, moment: Millis, name: Key, state: State) {
        self.begin_since(now, moment, moment, name, state);
    }

    fn begin_since(&mut self, now: Millis, moment: Millis, since: Millis, name: Key, state: State) {
        self.advance(moment, moment);
        self.cookie.session = self.cookie.epoch;
        self.cookie.session_at = since;
        self.cookie.name = name;
        self.cookie.subject = 0;
        self.learning.known.changes = 0;
        self.pacing.refused.reset();
        self.outdate();
        self.conclude(state);
        self.release(now);
    }

    /// The sign-in or sign-out goes out under the lock.
    pub(super) fn sign(&mut self, now: Millis, call: Call) {
        self.turn(Refresh::Signing { by: call.id }, now + call.timeout);
        self.send_signing(now, call.id);
    }

    /// The server has answered, and not that the access token has expired.
    fn note_answer(&mut self, now: Millis, call: Call, answer: Answer, asked: bool) {
        let was_refused = answer.ok && self.pacing.forgive(call.address);
        let is_current = call.epoch == self.cookie.epoch;
        if answer.ok && is_current {
            self.cookie.proven = true;
            let age = self.cookie.age_at(call.sent_at);
            if self.learning.outlive(call.address, age) {
                self.forget_learnt();
            }
        }
        // A success says something of the session only where one was refused before: any other may be to a public address.
        if asked && is_current && (was_refused || answer.ok && call.stage == Stage::Asking) {
            // It was let in: the refresh that was in doubt had reached the server, or somebody else's had.
            return self.renew(now, call.sent_at, call.sent_at);
        }
        match self.state {
            State::Unknown { over_at } if answer.ok => {
                self.state = State::Active;
                if was_refused && over_at.is_some_and(|at| call.sent_at > at) {
                    self.revive(now, call.sent_at);
                }
            }
            // Somebody else's cookies let in whoever they belong to.
            State::Over {
                why: Over::Superseded,
                ..
            } => {}
            // A sign-in that we did not see. An answer to what was sent before the refusal proves nothing.
            State::Over { at, .. } if was_refused && call.sent_at > at => {
                self.revive(now, call.sent_at)
            }
            _ => {}
        }
        if asked {
            self.find_out_later(now);
        }
    }

    /// The session is alive, though the last that was heard of it was that it was over: others believe so still.
    fn revive(&mut self, now: Millis, moment: Millis) {
        self.find(now, moment, self.new_name());
        self.tell(now, News::SignedIn, moment, 0.0, Cause::Answered);
    }

    /// A session was found to be alive at that moment. When it began nobody knows, but that it was not before the last one.
    pub(super) fn find(&mut self, now: Millis, moment: Millis, name: Key) {
        let since = self.cookie.session_at;
        self.begin_since(now, moment, since, name, State::Active);
    }

    /// A name for a session that begins: each begins another epoch.
    fn new_name(&self) -> Key {
        Key {
            seed: self.flight.seed,
            number: self.cookie.epoch.number(),
        }
    }

    /// A replay met a 401 under the cookie that was renewed for it.
    fn note_ineffective(&mut self, now: Millis, address: u32, status: u16) {
        let epoch = self.cookie.epoch;
        if self.learning.take_back(address) {
            self.forget_learnt();
        }
        self.pacing.fail(now, address, epoch);
        if self.pacing.ineffective_in == Some(epoch) {
            return;
        }
        self.pacing.ineffective_in = Some(epoch);
        if !self.cookie.proven {
            // The lifetime announced for this cookie is not worth a refresh either.
            self.cookie.until = None;
        }
        self.announce(Event::Ineffective, Cause::Unauthorized, status);
    }

    /// What was learnt of the lifetime is not so.
    fn forget_learnt(&mut self) {
        if self.cookie.is_learnt {
            self.cookie.until = None;
        }
    }

    /// Whether the session is over, and it is not yet time to ask again, or never will be: after a sign-out, or when
    /// somebody else's cookies are there.
    pub(super) fn is_over_for_now(&self, now: Millis) -> bool {
        match self.state {
            State::Over { why, .. } => {
                let may_ask = why == Over::Refused && !self.pacing.refused.holds(now);
                !may_ask && !self.is_closed()
            }
            _ => false,
        }
    }

    /// Whether no refresh is known to be under way, here or elsewhere.
    pub(super) fn knows_of_no_refresh(&self, now: Millis) -> bool {
        let is_quiet = matches!(
            self.refresh,
            Refresh::Idle | Refresh::Doubting | Refresh::Cooling
        );
        is_quiet && self.flight.foreign.is_none() && self.doubt.orphan(now).is_none()
    }
}
