//! The refresh: how it begins and ends, and what is known of the access cookie.

use super::{
    Action, CallId, Cause, Credit, Event, FIRST_PAUSE, FRESH_ENOUGH, Grant, Kind, Millis, News,
    Outcome, Over, Refresh, RefreshEnd, Session, Stage, Start, State,
};

impl Session {
    /// Lets the call wait for a refresh, and sees to it that there is one.
    pub(super) fn await_refresh(&mut self, now: Millis, id: CallId) {
        self.park_refused(now, id);
        match self.refresh {
            Refresh::Locking | Refresh::Underway | Refresh::Leftover | Refresh::Signing { .. } => {}
            Refresh::Confirming if self.doubt.asking.is_some() => {}
            Refresh::Confirming => self.confirm(now),
            Refresh::Doubting if self.doubt.since.is_some() => {}
            Refresh::Idle if self.doubt.since.is_some() && self.can_ask() => self.wonder(now),
            _ if self.pacing.unavailable.holds(now) => self.cool(now),
            // `align` says then who is to be asked for the lock.
            _ => self.rest(),
        }
    }

    /// A peer has the lock.
    pub(super) fn wait_for_lock(&mut self, now: Millis) {
        if self.refresh != Refresh::Locking {
            return;
        }
        // Later than in doubt: as a rule the peer is well, and its word is on the way.
        self.doubt.asked = 2;
        self.due = now + self.doubt.pause();
        // What the peer does may undo what was sent beside it.
        if let Some(id) = self.early().map(|call| call.id) {
            self.calls.restage(id, Stage::Behind);
        }
    }

    /// The lock is ours.
    pub(super) fn take_lock(&mut self, now: Millis, waited: bool) {
        // Its holder is gone, and was not heard of again.
        if let Some(until) = self.flight.foreign.take() {
            self.doubt.extend(until);
        }
        let latest = self.latest_refused();
        self.doubt.since = self.doubt.since.filter(|doubt| latest < *doubt);
        // Once: who has asked since, and has heard of nobody, waited for a lock of its own that was not back yet.
        if waited && !std::mem::replace(&mut self.lease.waited, true) {
            self.doubt.extend(now);
        }
        if waited {
            self.lease.at = now;
        }
        self.use_lock(now);
    }

    /// What is to be done under the lock, or before.
    fn use_lock(&mut self, now: Millis) {
        if let Some(until) = self.doubt.orphan(now) {
            // Its page is gone, and it is on its way.
            self.doubt.asked = 0;
            self.turn(Refresh::Doubting, until.min(now + FIRST_PAUSE));
            self.release_unsent(now);
        } else if let Some(by) = self.signing_on_wire(now).copied() {
            // Its answer first: sent beside it, another one's cookies might come before its own.
            if by.stage == Stage::Early {
                self.calls.restage(by.id, Stage::Sent);
            }
            self.turn(Refresh::Signing { by: by.id }, by.sent_at + by.timeout);
        } else if let Some(by) = self.leaving().copied() {
            self.sign(now, by);
        } else if self.doubt.asking.is_some()
            && (self.doubt.since.is_some() || self.calls.find(|_| true).is_none())
        {
            // Its answer first.
            self.doubt.asked = 0;
            self.turn(Refresh::Doubting, Millis::INFINITY);
        } else if self.doubt.since.is_some() && self.can_ask() {
            self.wonder(now);
        } else if self.pacing.unavailable.holds(now) {
            self.cool(now);
        } else {
            self.start_refresh(now);
        }
    }

    /// When the latest of those was sent that wait with a 401.
    fn latest_refused(&self) -> Millis {
        let mut latest = Millis::NEG_INFINITY;
        for id in self.calls.waiting() {
            if let Some(call) = self.calls.get(id)
                && matches!(call.stage, Stage::Refused { .. })
            {
                latest = latest.max(call.sent_at);
            }
        }
        latest
    }

    fn start_refresh(&mut self, now: Millis) {
        let Some(call) = self.calls.find(|_| true).copied() else {
            return;
        };
        let cause = match (call.kind, call.stage) {
            (Kind::Request { .. }, Stage::Gated) if self.cookie.is_learnt => Cause::Learnt,
            (Kind::Request { .. }, Stage::Gated) => Cause::Lifetime,
            (Kind::Request { .. } | Kind::SignOut, _) => Cause::Unauthorized,
            _ => Cause::Asked,
        };
        let limit = self.lease.at + call.timeout;
        self.turn(Refresh::Underway, limit);
        self.doubt.since = None;
        self.doubt.asking = None;
        self.fall_behind();
        let Start {
            client,
            number,
            key,
            ..
        } = self.flight.start(now, limit, call.client, cause);
        // First, for this page may be gone at any time.
        self.tell(now, News::Started, now, limit - now, cause);
        self.actions.push(Action::Refresh {
            client,
            number,
            key,
        });
    }

    /// A refresh of ours has come to its end.
    pub(super) fn end_refresh(&mut self, now: Millis, start: Start, end: RefreshEnd) {
        let is_latest = start.number == self.flight.number;
        let is_underway = is_latest && self.is_underway();
        let RefreshEnd::Answered {
            status,
            said,
            retry_after,
            grant,
        } = end
        else {
            if start.stale {
                self.end_leftover(is_latest);
            } else if is_underway {
                self.lose(now, Cause::Lost);
            }
            return;
        };
        let outcome = Outcome::of(status, said, retry_after);
        if start.stale {
            self.end_leftover(is_latest);
        }
        if outcome == Outcome::Renewed {
            return self.end_well(now, start, status, grant);
        }
        // An earlier one that was refused says nothing of the later, nor does one of another session.
        if start.stale || !is_latest {
            return;
        }
        self.flight.put_down(&start, status);
        match outcome {
            // A peer renewed it while we were refused: the token that we sent was of before.
            Outcome::Expired if self.cookie.at > start.at => self.wonder(now),
            // It was over already, and nobody hopes for another answer.
            Outcome::Expired if matches!(self.state, State::Over { .. }) => self.expire(now),
            Outcome::Expired => self.confirm(now),
            // Overdue already: then it is no news.
            _ if is_underway => {
                self.pacing.unavailable.fail(now, retry_after);
                self.fail_publicly(now, Cause::Answered);
                self.cool(now);
            }
            _ => {}
        }
    }

    /// A refresh of ours has set cookies.
    fn end_well(&mut self, now: Millis, start: Start, status: u16, grant: Grant) {
        let is_same_user = grant.subject != 0 && grant.subject == self.cookie.subject;
        if start.stale && !is_same_user {
            // They have replaced those of the sign-in. After a sign-out nobody is served by them.
            if self.state == State::Active {
                self.flight.put_down(&start, status);
                self.supersede(now);
            }
            return;
        }
        self.flight.put_down(&start, status);
        self.flight.unsettled = Some(start.key);
        self.fall_behind();
        if self.cookie.is_anothers(grant.subject) {
            return self.signed_in(now, start.at, grant);
        }
        // A page that was frozen handles its answer hours later. To its peers it is no news then.
        let told = now.min(self.flight.limit);
        self.learning.conclude();
        self.cookie.grant(start.at, grant, self.learning.use_it());
        self.renew_by(now, now, told, start.at, self.cookie.until);
    }

    /// A refresh of the session before has ended.
    fn end_leftover(&mut self, is_latest: bool) {
        if is_latest && self.refresh == Refresh::Leftover {
            self.rest();
        }
    }

    /// What is on the wire is of a session before. Its cookies may come all the same, and until then no other refresh may be
    /// sent with those that it replaces.
    pub(super) fn outdate(&mut self) {
        self.flight.outdate();
        if self.is_underway() {
            self.refresh = Refresh::Leftover;
        }
    }

    /// Cookies of the session before have replaced those of a sign-in.
    pub(super) fn supersede(&mut self, now: Millis) {
        self.outdate();
        self.tell(now, News::Expired, now, 0.0, Cause::Superseded);
        self.end(now, now, Over::Superseded);
    }

    /// The refresh in doubt has worked: the cookie is a new one since that moment, and peers are told that it is since `told`.
    pub(super) fn renew(&mut self, now: Millis, moment: Millis, told: Millis) {
        self.renew_by(now, moment, told, moment, None);
        self.cookie.is_found = true;
    }

    /// Likewise, by a request that was sent at `sent_at`.
    fn renew_by(
        &mut self,
        now: Millis,
        moment: Millis,
        told: Millis,
        sent_at: Millis,
        until: Option<Millis>,
    ) {
        self.advance(moment, sent_at);
        self.flight.settled = self.flight.unsettled.unwrap_or_default();
        let life = until.map_or(0.0, |until| (until - told).max(0.0));
        self.tell(now, News::Refreshed, told, life, self.flight.credit.cause);
        self.succeed(now, until);
    }

    /// The cookie is a new one.
    pub(super) fn succeed(&mut self, now: Millis, until: Option<Millis>) {
        self.pacing.refused.reset();
        // Where there are no locks, a peer's success may come while ours is on its way.
        let own = (self.refresh, self.due, self.flight.unsettled);
        let keeps = self.is_underway() && self.flight.awaits_latest();
        self.conclude(State::Active);
        self.cookie.until = until;
        if keeps {
            (self.refresh, self.due, self.flight.unsettled) = own;
        } else if self.refresh == Refresh::Idle {
            self.unlock();
        }
        // First, so that no handler holds up a replay.
        self.release(now);
        let Credit { cause, status, .. } = self.flight.credit;
        self.announce(Event::Refreshed, cause, status);
    }

    /// The refresh was refused, and that stands.
    pub(super) fn expire(&mut self, now: Millis) {
        // It is about the token of when it was sent: who has signed in since is not meant.
        self.tell(
            now,
            News::Expired,
            self.flight.sent_at,
            0.0,
            Cause::Answered,
        );
        self.end(now, now, Over::Refused);
    }

    pub(super) fn end(&mut self, now: Millis, moment: Millis, why: Over) {
        let known = matches!(self.state, State::Over { .. });
        self.pacing.refuse(now);
        self.conclude(State::Over { at: moment, why });
        if self.refresh == Refresh::Idle {
            self.unlock();
        }
        self.release(now);
        if !known {
            let cause = match why {
                Over::Superseded => Cause::Superseded,
                _ => Cause::Answered,
            };
            self.announce(Event::Expired, cause, self.flight.credit.status);
        }
    }

    /// The refresh has come to an end that leaves no question open.
    pub(super) fn conclude(&mut self, state: State) {
        self.state = state;
        // Those hold the lock for what is still on the wire.
        if !matches!(self.refresh, Refresh::Leftover | Refresh::Signing { .. }) {
            self.rest();
        }
        self.doubt.since = None;
        self.doubt.asking = None;
        self.flight.foreign = None;
        self.lease.waited = false;
        self.flight.unsettled = None;
        self.pacing.unavailable.reset();
        self.cookie.until = None;
    }

    /// The cookie changed at that moment, by a request of that time. What was sent since has the new one.
    pub(super) fn advance(&mut self, moment: Millis, sent_at: Millis) {
        self.cookie.advance(moment, sent_at);
        self.learning.met = None;
        self.calls.renew_since(moment, self.cookie.epoch);
    }

    // What is known of the access cookie.

    pub(super) fn is_fresh(&self, now: Millis, max_age: Millis) -> bool {
        // Nothing can be renewed: the request that follows gets its 401, which is the answer.
        if self.is_over_for_now(now) {
            return true;
        }
        if self.cookie.is_over(now) {
            return false;
        }
        let age = now - self.cookie.at;
        if max_age.is_nan() {
            self.cookie.until.is_some() || age <= FRESH_ENOUGH
        } else {
            age <= max_age
        }
    }

    /// Whether the access cookie is known to have expired, and a refresh may be started on that account.
    pub(super) fn lifetime_is_over(&self, now: Millis) -> bool {
        self.cookie.is_over(now)
            && self.refresh == Refresh::Idle
            && self.doubt.since.is_none()
            && !self.pacing.unavailable.holds(now)
    }

    pub(super) fn is_underway(&self) -> bool {
        self.refresh == Refresh::Underway
    }

    /// Whether guarded requests wait at the gate. For a sign-in or a sign-out none does.
    pub(super) fn is_closed(&self) -> bool {
        let is_wanted = self.doubt.asking.is_some() || self.calls.any_wants_refresh();
        self.is_underway() || self.refresh == Refresh::Locking && is_wanted
    }
}
