//! How to drive it: call the `handle_*` that says what happened, each with the time; then do what `poll_action` says until
//! it says nothing more; then see to it that [`Session::handle_time`] is called at `poll_timeout`. Nothing else is needed,
//! and a `handle_*` may be called at any time but from within another.

mod answers;
mod doubts;
mod refreshes;
mod waits;
mod words;

use super::{
    Millis, Outcome, RefreshEnd,
    action::{Action, Actions, Cause, Event, Failure},
    calls::{Call, CallId, Calls, ClientId, Stage},
    cookie::{Cookie, Grant},
    doubt::{Doubt, FIRST_PAUSE},
    epoch::Epoch,
    flight::{Credit, Flight, Start},
    lease::Lease,
    lifetime::Learning,
    pacing::Pacing,
    peers::{Key, News, Word},
    policy::Answer,
    refresh::Refresh,
};

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "tests/model/imprint.rs"]
pub(crate) mod imprint;

/// How old an access cookie may be for `ensureFresh`, when neither the caller nor the server says.
const FRESH_ENOUGH: Millis = 60_000.0;

/// What a caller asks of the session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A guarded request. One that is not `replayable` (a stream) can be sent only once.
    Request { replayable: bool },
    /// A request that begins a session if its answer says so. It waits for the refresh under way.
    SignIn,
    /// A request that ends the session if its answer says so. It waits for the refresh under way.
    SignOut,
    /// See to it that the access cookie is no older than this. `NaN`: than the server says.
    EnsureFresh { max_age: Millis },
    /// Refresh now, or join the refresh under way.
    Refresh,
}

/// What is known of the session, as a client is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    #[default]
    Unknown,
    Active,
    Refreshing,
    Expired,
}

/// What the server has said of the session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    /// Nothing yet. A peer may have said that it was over.
    Unknown {
        over_at: Option<Millis>,
    },
    Active,
    Over {
        at: Millis,
        why: Over,
    },
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// A refresh was refused. It may be tried again, now and then.
    Refused,
    SignedOut,
    /// Cookies of the session before have replaced those of a sign-in, so the server takes the user for somebody else.
    Superseded,
}

/// One session of one refresh URL, shared by the clients of a page: the gate, the epoch, the refresh.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    state: State,
    cookie: Cookie,
    refresh: Refresh,
    /// When that is to be looked at again, if nothing happens before: infinitely far while it is idle.
    due: Millis,
    lease: Lease,
    flight: Flight,
    doubt: Doubt,
    pacing: Pacing,
    learning: Learning,
    calls: Calls,
    actions: Actions,
}

impl Session {
    /// `seed` is a random number, no peer's.
    pub(crate) fn new(seed: f64) -> Self {
        Self {
            state: State::Unknown { over_at: None },
            cookie: Cookie::default(),
            refresh: Refresh::Idle,
            due: Millis::INFINITY,
            lease: Lease::default(),
            flight: Flight::new(seed),
            doubt: Doubt::default(),
            pacing: Pacing::default(),
            learning: Learning::default(),
            calls: Calls::default(),
            actions: Actions::default(),
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        let state = match self.state {
            State::Unknown { .. } => Standing::Unknown,
            State::Active => Standing::Active,
            // What is tried from here on is news only if it succeeds.
            State::Over { .. } => return Standing::Expired,
        };
        match self.refresh {
            Refresh::Idle | Refresh::Signing { .. } | Refresh::Leftover => state,
            Refresh::Locking if !self.is_closed() => state,
            _ => Standing::Refreshing,
        }
    }

    /// From now on no lifetime is learnt, and none is used that was.
    pub(crate) fn stop_learning(&mut self) {
        self.learning.is_on = false;
    }

    /// What to do next; `None` when there is nothing left to do until something happens.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.take();
        if action.is_none() {
            self.calls.recycle();
        }
        action
    }

    /// When to call [`Session::handle_time`], if nothing else happens before; infinitely far if there is no need.
    /// Without it a page that sleeps loses nothing: every other `handle_*` looks at the clock as well.
    pub(crate) fn poll_timeout(&self) -> Millis {
        self.due.min(self.calls.soonest())
    }

    /// The page can hear its peers from now on. `last` is their latest word, if it was kept. `is_kept`: whether such words are
    /// kept where this page can read them.
    pub(crate) fn handle_open(&mut self, now: Millis, last: Option<Word>, is_kept: bool) {
        self.step(now, |it| {
            it.forget_what_may_have_changed();
            if !is_kept {
                // What was refused before this moment may have been sent before a refresh that nobody told us of.
                it.doubt.extend(now);
            }
            match last {
                // It was announced to those who were there. Who comes up later asks for itself.
                Some(word) if word.news == News::Expired => it.recall(now, word),
                Some(word) => it.learn(now, word),
                None => {}
            }
        });
    }

    /// A call begins. `timeout` is how long it may spend waiting for us; `address` tells where its request goes from other
    /// addresses. `sent_at`: its first attempt was sent then, because there was no engine yet, or no time to lose.
    pub(crate) fn handle_call(
        &mut self,
        now: Millis,
        client: ClientId,
        kind: Kind,
        timeout: Millis,
        address: u32,
        sent_at: Option<Millis>,
    ) -> CallId {
        self.step(now, |it| {
            it.lease.longest = it.lease.longest.max(timeout);
            let id = it.calls.insert(Call::new(client, kind, address, timeout));
            match kind {
                _ if sent_at.is_some() => it.take_over(now, id, sent_at.unwrap_or(now)),
                Kind::EnsureFresh { max_age } if it.is_fresh(now, max_age) => it.done(id),
                Kind::EnsureFresh { .. } => it.await_refresh(now, id),
                Kind::Refresh => {
                    it.pacing.unavailable.skip(now);
                    it.await_refresh(now, id);
                }
                // At once, like any other request of a page that is about to go.
                Kind::SignOut
                    if it.knows_of_no_refresh(now) && it.signing_on_wire(now).is_none() =>
                {
                    it.send(now, id, Stage::Early);
                }
                Kind::SignIn | Kind::SignOut => it.park(now, id, Stage::Gated),
                Kind::Request { .. } if it.is_closed() || it.lifetime_is_over(now) => {
                    it.park(now, id, Stage::Gated);
                }
                Kind::Request { .. } => it.send(now, id, Stage::Sent),
            }
            id
        })
    }

    /// The server answered the call's request.
    pub(crate) fn handle_answer(&mut self, now: Millis, id: CallId, answer: Answer) {
        self.step(now, |it| {
            if let Some(call) = it.calls.get(id).copied() {
                match call.kind {
                    Kind::SignIn => it.judge_sign_in(now, call, answer),
                    Kind::SignOut => it.judge_sign_out(now, call, answer),
                    _ => it.judge(now, call, answer),
                }
            }
        });
    }

    /// `fetch` rejected the call's request; the shell hands the rejection over.
    pub(crate) fn handle_rejection(&mut self, now: Millis, id: CallId) {
        // First, so that its time cannot run out as well.
        self.forget(id);
        self.step(now, |it| {
            if it.stop_asking(now, id) {
                it.find_out_later(now);
            }
        });
    }

    /// The caller aborted the call, and the shell has settled it.
    pub(crate) fn handle_abort(&mut self, now: Millis, id: CallId) {
        // First, so that its time cannot run out as well.
        self.forget(id);
        self.step(now, |it| {
            if it.stop_asking(now, id) {
                it.ask(now);
            }
        });
    }

    /// The body of the 401 that the call holds is too large to be kept.
    pub(crate) fn handle_dropped_body(&mut self, id: CallId) {
        if let Some(Stage::Refused { .. }) = self.calls.get(id).map(|call| call.stage) {
            self.calls.restage(id, Stage::Refused { whole: false });
        }
    }

    /// A peer has the lock.
    pub(crate) fn handle_busy(&mut self, now: Millis) {
        self.step(now, |it| it.wait_for_lock(now));
    }

    /// The lock is ours. `waited`: a peer had it before. `last` is the latest word of any peer, if it was kept.
    pub(crate) fn handle_lock(&mut self, now: Millis, waited: bool, last: Option<Word>) {
        self.step(now, |it| {
            // A refusal has been announced to those who were there. Who comes up later asks for itself.
            if let Some(word) = last
                && word.news != News::Expired
            {
                it.learn(now, word);
            }
            if it.refresh == Refresh::Locking {
                it.take_lock(now, waited);
            }
        });
    }

    /// A peer has told us something.
    pub(crate) fn handle_word(&mut self, now: Millis, word: Word) {
        self.step(now, |it| it.learn(now, word));
    }

    /// The page is back after it could hear nobody (from the back-forward cache, say). `last` is the latest word of any
    /// peer, if it was not heard.
    pub(crate) fn handle_return(&mut self, now: Millis, last: Option<Word>) {
        self.step(now, |it| {
            it.forget_what_may_have_changed();
            if let Some(word) = last {
                if it.is_of_another_session(now, word) {
                    it.actions.push(Action::Reload);
                }
                it.learn(now, word);
            }
        });
    }

    /// Refresh `number` ended.
    pub(crate) fn handle_refresh_end(&mut self, now: Millis, number: u32, end: RefreshEnd) {
        if let Some(start) = self.flight.land(number) {
            // Before its time runs out: an answer that comes with the deadline is an answer.
            self.end_refresh(now, start, end);
            self.step(now, |_| {});
        }
    }

    /// Somebody has signed in, and no call told: whatever was known is about another session.
    pub(crate) fn handle_signed_in(&mut self, now: Millis) {
        self.step(now, |it| it.signed_in(now, now, Grant::default()));
    }

    /// Somebody has signed out, and no call told.
    pub(crate) fn handle_signed_out(&mut self, now: Millis) {
        self.step(now, |it| it.signed_out(now, now));
    }

    /// The page goes away, and with it what is not on the wire. A sign-out that waits is sent: it would never be.
    pub(crate) fn handle_leave(&mut self, now: Millis) {
        self.step(now, |it| it.send_leaving(now));
    }

    /// A client is disposed of. Its calls that wait are rejected; what is on the wire comes back as it is.
    pub(crate) fn handle_dispose(&mut self, now: Millis, client: ClientId) {
        let of_client = |it: &Self, id| it.calls.get(id).is_some_and(|call| call.client == client);
        for id in self.calls.waiting() {
            if of_client(self, id) {
                self.fail(id, Failure::Disposed);
            }
        }
        self.calls.let_go(client);
        let asked = self.doubt.asking.filter(|id| of_client(self, *id));
        self.step(now, |it| {
            if asked.is_some_and(|id| it.stop_asking(now, id)) {
                it.ask(now);
            }
        });
    }

    /// Time has passed.
    pub(crate) fn handle_time(&mut self, now: Millis) {
        self.step(now, |_| {});
    }

    /// What every `handle_*` does around what is its own: first what has become due, and last it brings the refresh and the
    /// lock in line with who waits.
    fn step<T>(&mut self, now: Millis, how: impl FnOnce(&mut Self) -> T) -> T {
        self.pass(now);
        let result = how(self);
        self.align(now);
        result
    }

    fn pass(&mut self, now: Millis) {
        self.fail_waiting(now, now);
        if now < self.due {
            return;
        }
        match self.refresh {
            Refresh::Idle => {}
            Refresh::Underway => self.lose(now, Cause::Overdue),
            Refresh::Signing { .. } => {
                // From here on a refresh may run beside it.
                self.fall_behind();
                self.rest();
            }
            Refresh::Leftover => self.rest(),
            Refresh::Confirming => self.expire(now),
            Refresh::Locking | Refresh::Doubting => self.ask(now),
            Refresh::Cooling => {
                self.rest();
                if self.doubt.since.is_some() {
                    self.ask(now);
                }
            }
        }
    }

    fn align(&mut self, now: Millis) {
        let somebody = self.calls.any_wants_something();
        let is_needed = match self.refresh {
            Refresh::Locking | Refresh::Doubting | Refresh::Cooling
                if !somebody && self.doubt.asking.is_none() =>
            {
                false
            }
            // Who signs in or out has no use for what is waited for, but for a refresh that would outlive the session.
            Refresh::Doubting | Refresh::Cooling => {
                self.wanting_lock().is_none() || self.doubt.orphan(now).is_some()
            }
            _ => true,
        };
        if !is_needed {
            self.rest();
        }
        if self.refresh == Refresh::Idle && somebody {
            // What the lock was for is over, and it is given for one thing at a time.
            self.unlock();
            self.turn(Refresh::Locking, Millis::INFINITY);
        }
        if let Refresh::Idle | Refresh::Doubting | Refresh::Cooling = self.refresh {
            self.unlock();
        } else if !self.lease.held {
            self.lease.held = true;
            self.lease.at = now;
            self.actions.push(Action::Lock);
        }
    }

    fn turn(&mut self, refresh: Refresh, due: Millis) {
        self.refresh = refresh;
        self.due = due;
    }

    fn rest(&mut self) {
        self.turn(Refresh::Idle, Millis::INFINITY);
    }

    fn unlock(&mut self) {
        if std::mem::take(&mut self.lease.held) {
            self.actions.push(Action::Unlock);
        }
    }

    fn announce(&mut self, event: Event, cause: Cause, status: u16) {
        let client = self.flight.credit.client;
        let credit = Credit {
            client,
            cause,
            status,
        };
        self.actions.push(Action::Announce { event, credit });
    }
}
