use super::{
    Millis, Outcome, RefreshEnd,
    action::{Action, Actions, Cause, Event, Failure},
    calls::{Call, CallId, Calls, ClientId, Stage},
    cookie::Cookie,
    doubt::{Doubt, FIRST_PAUSE},
    epoch::Epoch,
    flight::{Flight, Start},
    lease::Lease,
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
/// The longest that a word is believed.
const LONGEST_SPAN: Millis = 3_600_000.0;
/// A word from the future is at the most so far ahead of its time: clocks are read in whole milliseconds.
const LARGEST_SKEW: Millis = 100.0;
/// A lifetime below this is a slip or a broken clock; believing it would put a refresh before every request.
const SHORTEST_LIFETIME: Millis = 1_000.0;

/// What a caller asks of the session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A guarded request. One that is not `replayable` (a stream) can be sent only once.
    Request { replayable: bool },
    /// The request that begins a session. It never waits.
    SignIn,
    /// The request that ends the session. It waits for the refresh under way, and never starts one.
    SignOut,
    /// See to it that the access cookie is no older than this. `NaN`: than the server says.
    EnsureFresh { max_age: Millis },
    /// Refresh now, or join the refresh under way.
    Refresh,
}

/// What is known of the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    #[default]
    Unknown,
    Active,
    Refreshing,
    Expired,
}

/// One session of one refresh URL, shared by the clients of a page: the gate, the epoch, the refresh.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    standing: Standing,
    expired_at: Millis,
    cookie: Cookie,
    refresh: Refresh,
    /// When that is to be looked at again, if nothing happens before: infinitely far while it is idle.
    due: Millis,
    lease: Lease,
    flight: Flight,
    doubt: Doubt,
    pacing: Pacing,
    calls: Calls,
    actions: Actions,
}

impl Session {
    /// `seed` is a random number, no peer's.
    pub(crate) fn new(seed: f64) -> Self {
        Self {
            standing: Standing::Unknown,
            expired_at: 0.0,
            cookie: Cookie::default(),
            refresh: Refresh::Idle,
            due: Millis::INFINITY,
            lease: Lease::default(),
            flight: Flight::new(seed),
            doubt: Doubt::default(),
            pacing: Pacing::default(),
            calls: Calls::default(),
            actions: Actions::default(),
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        match self.refresh {
            Refresh::Idle | Refresh::SigningOut { .. } => self.standing,
            Refresh::Locking if self.calls.waiting().all(Call::is_sign_out) => self.standing,
            _ => Standing::Refreshing,
        }
    }

    /// What to do next; `None` when there is nothing left to do until something happens.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.take()
    }

    /// When to call [`Session::handle_time`], if nothing else happens before; infinitely far if there is no need.
    /// Without it a page that sleeps loses nothing: every other `handle_*` looks at the clock as well.
    pub(crate) fn poll_timeout(&self) -> Millis {
        let patience = self.calls.waiting().map(|call| call.patience);
        patience.fold(self.due, f64::min)
    }

    /// A call begins. `timeout` is how long it may spend waiting for us.
    pub(crate) fn handle_call(
        &mut self,
        now: Millis,
        client: ClientId,
        kind: Kind,
        timeout: Millis,
    ) -> CallId {
        self.pass(now);
        let id = self.calls.insert(Call {
            id: CallId::default(),
            client,
            kind,
            stage: Stage::Gated,
            epoch: self.cookie.epoch,
            sent_at: now,
            timeout,
            patience: timeout,
        });
        match kind {
            Kind::EnsureFresh { max_age } if self.is_fresh(now, max_age) => self.done(id),
            Kind::EnsureFresh { .. } | Kind::Refresh => self.await_refresh(now, id),
            Kind::SignIn => self.send(now, id, Stage::Sent),
            Kind::SignOut => self.park(now, id, Stage::Gated),
            Kind::Request { .. } if self.is_closed() || self.lifetime_is_over(now) => {
                self.park(now, id, Stage::Gated);
            }
            Kind::Request { .. } => self.send(now, id, Stage::Sent),
        }
        self.settle(now);
        id
    }

    /// The server answered the call's request.
    pub(crate) fn handle_answer(&mut self, now: Millis, id: CallId, answer: Answer) {
        self.pass(now);
        if let Some(call) = self.calls.get(id) {
            let Call {
                stage,
                epoch,
                sent_at,
                kind,
                ..
            } = *call;
            self.judge(now, id, answer, (stage, epoch, sent_at, kind));
        }
        self.settle(now);
    }

    /// `fetch` rejected the call's request; the shell hands the rejection over.
    pub(crate) fn handle_rejection(&mut self, now: Millis, id: CallId) {
        // First, so that its time cannot run out as well.
        self.forget(id);
        self.pass(now);
        if self.stop_asking(now, id) {
            self.find_out_later(now);
        }
        self.settle(now);
    }

    /// The caller aborted the call, and the shell has settled it.
    pub(crate) fn handle_abort(&mut self, now: Millis, id: CallId) {
        // First, so that its time cannot run out as well.
        self.forget(id);
        self.pass(now);
        if self.stop_asking(now, id) {
            self.ask(now);
        }
        self.settle(now);
    }

    /// The body of the 401 that the call holds is too large to be kept.
    pub(crate) fn handle_dropped_body(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(id)
            && matches!(call.stage, Stage::Refused { .. })
        {
            call.stage = Stage::Refused { whole: false };
        }
    }

    /// A peer has the lock.
    pub(crate) fn handle_busy(&mut self, now: Millis) {
        self.pass(now);
        if self.refresh == Refresh::Locking {
            // Later than in doubt: as a rule the peer is well, and its word is on the way.
            self.doubt.asked = 2;
            self.due = now + self.doubt.pause();
        }
        self.settle(now);
    }

    /// The lock is ours. `waited`: a peer had it before. `last` is the latest word of any peer, if it was kept.
    pub(crate) fn handle_lock(&mut self, now: Millis, waited: bool, last: Option<Word>) {
        self.pass(now);
        // A refusal has been announced to those who were there. Who comes up later asks for itself.
        if let Some(word) = last
            && word.news != News::Expired
        {
            self.learn(now, word);
        }
        if self.refresh == Refresh::Locking {
            // The lock is ours, so its holder is gone, and was not heard of again.
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
            self.enter(now);
        }
        self.settle(now);
    }

    /// A peer has told us something.
    pub(crate) fn handle_word(&mut self, now: Millis, word: Word) {
        self.pass(now);
        self.learn(now, word);
        self.settle(now);
    }

    /// The page is back after it could hear nobody (from the back-forward cache, say).
    pub(crate) fn handle_return(&mut self, now: Millis) {
        self.pass(now);
        // Somebody may have signed in elsewhere.
        if self.standing == Standing::Expired {
            self.standing = Standing::Unknown;
        }
        self.cookie.until = None;
        self.settle(now);
    }

    /// Refresh `number` ended.
    pub(crate) fn handle_refresh_end(&mut self, now: Millis, number: u32, end: RefreshEnd) {
        if number != self.flight.number || !self.flight.awaited {
            return;
        }
        self.flight.awaited = false;
        match end {
            RefreshEnd::Answered {
                status,
                said,
                retry_after,
            } => {
                match Outcome::of(status, said, retry_after) {
                    // A page that was frozen handles its answer hours later. To its peers it is no news then.
                    Outcome::Renewed => self.renew(now, now, now.min(self.flight.started.limit)),
                    // A peer renewed it while we were refused: the token that we sent was of before.
                    Outcome::Expired if self.cookie.at > self.flight.started.at => self.wonder(now),
                    Outcome::Expired => self.expire(now),
                    // Overdue already: then it is no news.
                    Outcome::Unavailable if self.is_underway() => {
                        self.pacing.unavailable.fail(now, retry_after);
                        self.fail_publicly(now, Cause::Answered);
                        self.cool(now);
                    }
                    Outcome::Unavailable => {}
                }
            }
            RefreshEnd::Lost if self.is_underway() => self.lose(now, Cause::Lost),
            RefreshEnd::Lost => {}
        }
        self.pass(now);
        self.settle(now);
    }

    /// The refresh or the sign-in said how long the access token lives. `asked_at` is when its request was sent:
    /// the token is no older than that, whatever time the answer took.
    pub(crate) fn handle_lifetime(&mut self, asked_at: Option<Millis>, lifetime: Millis) {
        // Written so that a NaN fails it.
        if lifetime >= SHORTEST_LIFETIME && self.standing == Standing::Active {
            self.cookie.until = Some(asked_at.unwrap_or(self.flight.started.at) + lifetime);
        }
    }

    /// A sign-in was answered. If it succeeded, whatever was known is about another session.
    pub(crate) fn handle_sign_in(&mut self, now: Millis, status: u16) {
        if (200..300).contains(&status) {
            self.signed_in(now);
        }
        self.settle(now);
    }

    /// A client is disposed of. Its calls that wait are rejected; what is on the wire comes back as it is.
    pub(crate) fn handle_dispose(&mut self, now: Millis, client: ClientId) {
        while let Some(id) = self.find_waiting(|call| call.client == client) {
            self.fail(id, Failure::Disposed);
        }
        self.calls
            .of(client)
            .for_each(|call| call.stage = Stage::Last);
        if let Some(by) = self.doubt.asking
            && self.calls.get(by).is_some_and(|call| call.client == client)
            && self.stop_asking(now, by)
        {
            self.ask(now);
        }
        self.settle(now);
    }

    /// Time has passed.
    pub(crate) fn handle_time(&mut self, now: Millis) {
        self.pass(now);
        self.settle(now);
    }

    fn pass(&mut self, now: Millis) {
        self.fail_waiting(now);
        while let Some(by) = self.find_waiting(|call| call.is_sign_out() && now >= call.patience) {
            // To sign out is never put off for good.
            self.send_waiting(now, by, Stage::Sent);
        }
        if now < self.due {
            return;
        }
        match self.refresh {
            Refresh::Idle => {}
            Refresh::Underway => self.lose(now, Cause::Overdue),
            Refresh::SigningOut { .. } => self.rest(),
            Refresh::Locking | Refresh::Doubting => self.ask(now),
            Refresh::Cooling => {
                self.rest();
                if self.doubt.since.is_some() {
                    self.ask(now);
                }
            }
        }
    }

    /// Brings the refresh and the lock in line with who waits. The last thing that every `handle_*` does.
    fn settle(&mut self, now: Millis) {
        let somebody = self.find_waiting(|_| true).is_some();
        let is_needed = match self.refresh {
            Refresh::Locking | Refresh::Doubting | Refresh::Cooling
                if !somebody && self.doubt.asking.is_none() =>
            {
                false
            }
            // Who signs out has no use for what is waited for, but for a refresh that would outlive the session.
            Refresh::Doubting | Refresh::Cooling => {
                self.leaving().is_none() || self.doubt.orphan(now).is_some()
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

    /// What the answer means.
    fn judge(
        &mut self,
        now: Millis,
        id: CallId,
        answer: Answer,
        (stage, epoch, sent_at, kind): (Stage, Epoch, Millis, Kind),
    ) {
        let asked = self.stop_asking(now, id);
        let Kind::Request { replayable } = kind else {
            self.answer(id);
            if kind == Kind::SignIn && answer.begins {
                self.signed_in(now);
            }
            return self.signed_out(id);
        };
        if !answer.expired {
            self.answer(id);
            if answer.ok {
                self.note_success(sent_at);
            }
            if asked && answer.ok && epoch == self.cookie.epoch {
                // It was let in: the refresh that was in doubt had reached the server.
                self.renew(now, sent_at, sent_at);
            } else if asked {
                self.find_out_later(now);
            }
            return;
        }
        if self.doubt.since.is_some_and(|doubt| sent_at >= doubt) {
            // Sent when that refresh was over, and still a 401: it has changed nothing.
            self.doubt.since = None;
        }
        match stage {
            Stage::Last => self.answer(id),
            Stage::Replayed => {
                self.answer(id);
                if epoch == self.cookie.epoch {
                    self.note_ineffective(now);
                }
            }
            // Signed out or in since: the request is not sent again under the cookies of somebody else.
            _ if epoch < self.cookie.session || self.standing == Standing::Expired => {
                self.answer(id)
            }
            // A late 401: the cookie has changed while it was on its way.
            _ if epoch < self.cookie.epoch && !replayable => self.fail(id, Failure::NotReplayable),
            _ if epoch < self.cookie.epoch && !self.is_closed() => {
                self.send(now, id, Stage::Replayed)
            }
            _ if self.refresh == Refresh::Idle && self.pacing.is_futile(now) => self.answer(id),
            _ => self.await_refresh(now, id),
        }
    }

    // What is known of the access cookie.

    fn is_fresh(&self, now: Millis, max_age: Millis) -> bool {
        // Nothing can be renewed: the request that follows gets its 401, which is the answer.
        if self.standing == Standing::Expired {
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
    fn lifetime_is_over(&self, now: Millis) -> bool {
        self.cookie.is_over(now)
            && self.refresh == Refresh::Idle
            && self.doubt.since.is_none()
            && !self.pacing.unavailable.holds(now)
    }

    fn is_underway(&self) -> bool {
        self.refresh == Refresh::Underway
    }

    /// Whether guarded requests wait at the gate.
    fn is_closed(&self) -> bool {
        matches!(self.refresh, Refresh::Underway | Refresh::Locking)
    }

    fn note_success(&mut self, sent_at: Millis) {
        self.pacing.ineffective.reset();
        match self.standing {
            Standing::Unknown => self.standing = Standing::Active,
            // A sign-in that we did not see. An answer to what was sent before the refusal proves nothing.
            Standing::Expired if sent_at > self.expired_at => self.standing = Standing::Active,
            _ => {}
        }
    }

    /// A replay met a 401 under the cookie that was renewed for it.
    fn note_ineffective(&mut self, now: Millis) {
        if self.pacing.ineffective_in == Some(self.cookie.epoch) {
            return;
        }
        self.pacing.ineffective_in = Some(self.cookie.epoch);
        self.pacing.ineffective.fail(now, None);
        // The lifetime announced for this cookie is not worth a refresh either.
        self.cookie.until = None;
        self.announce(Event::Ineffective, Cause::Unauthorized);
    }

    /// The cookie changed at that moment. What was sent since has the new one.
    fn advance(&mut self, moment: Millis) {
        self.cookie.advance(moment);
        self.calls.renew_since(moment, self.cookie.epoch);
    }

    /// Another session begins, or none: what is on the wire belongs to the one before.
    fn begin(&mut self, now: Millis, moment: Millis, standing: Standing) {
        self.advance(moment);
        self.cookie.session = self.cookie.epoch;
        if std::mem::take(&mut self.flight.awaited) {
            self.actions.push(Action::Abandon);
        }
        self.pacing.ineffective.reset();
        self.pacing.refused.reset();
        self.expired_at = moment;
        self.conclude(standing);
        self.release(now);
    }

    /// The refresh has come to an end that leaves no question open.
    fn conclude(&mut self, standing: Standing) {
        self.standing = standing;
        self.rest();
        self.doubt.since = None;
        self.doubt.asking = None;
        self.flight.foreign = None;
        self.lease.waited = false;
        self.flight.unsettled = None;
        self.pacing.unavailable.reset();
        self.cookie.until = None;
    }

    // What peers say.

    fn learn(&mut self, now: Millis, word: Word) {
        if word.age < -LARGEST_SKEW {
            // The clock has been set back, and nobody knows when that was. But its key is to be kept.
            if matches!(word.news, News::Started | News::Unavailable) {
                self.leave_to_peer(word);
            }
            return;
        }
        let moment = now - word.age.max(0.0);
        // A slip in a word, or somebody else's, must park nobody for long.
        let until = moment + word.span.min(LONGEST_SPAN);
        if moment <= self.cookie.at {
            return;
        }
        self.flight.foreign = None;
        self.lease.waited = false;
        match word.news {
            // Ours has an end of its own.
            News::Started | News::Unavailable | News::Expired if self.is_underway() => {}
            News::Started => {
                self.flight.foreign = Some(until);
                self.leave_to_peer(word);
            }
            News::Unavailable => {
                self.leave_to_peer(word);
                if word.cause != Cause::Answered {
                    self.doubt.extend(moment);
                }
                self.pacing.unavailable.hold(until);
                if self.pacing.unavailable.holds(now) {
                    // Who signs out does not wait for the pause.
                    if self.leaving().is_none() {
                        self.cool(now);
                    }
                    self.announce(Event::Unavailable, word.cause);
                }
            }
            // Before this page was there: it knows nothing that this could change.
            _ if moment <= 0.0 => {}
            News::Refreshed => {
                self.leave_to_peer(word);
                self.succeed(now, moment);
            }
            News::Expired => {
                self.leave_to_peer(word);
                self.end(now, moment, word.cause);
            }
            News::SignedIn => self.begin(now, moment, Standing::Active),
            News::SignedOut => {
                self.leave_to_peer(word);
                let known = self.standing == Standing::Expired;
                self.begin(now, moment, Standing::Expired);
                if !known {
                    self.announce(Event::Expired, Cause::SignedOut);
                }
            }
        }
    }

    /// The latest refresh is a peer's. Where there are no locks, ours may be under way all the same.
    fn leave_to_peer(&mut self, word: Word) {
        if self.is_underway() {
            return;
        }
        self.flight.unsettled = Some(word.key);
        self.flight.started.client = None;
        self.flight.started.cause = word.cause;
    }

    /// Tells the peers what came about at that moment.
    fn tell(&mut self, now: Millis, news: News, moment: Millis, span: Millis, cause: Cause) {
        self.actions.push(Action::Tell(Word {
            news,
            age: now - moment,
            span,
            cause,
            key: self.flight.unsettled.unwrap_or_default(),
        }));
    }

    // The refresh.

    /// Lets the call wait for a refresh, and sees to it that there is one.
    fn await_refresh(&mut self, now: Millis, id: CallId) {
        self.hold(now, id);
        match self.refresh {
            Refresh::Locking | Refresh::Underway | Refresh::SigningOut { .. } => {}
            Refresh::Doubting if self.doubt.since.is_some() => {}
            Refresh::Idle if self.doubt.since.is_some() && self.can_ask() => self.wonder(now),
            _ if self.pacing.unavailable.holds(now) => self.cool(now),
            // It is settled then who is to be asked for the lock.
            _ => self.rest(),
        }
    }

    /// The lock is ours: what is to be done under it, or before.
    fn enter(&mut self, now: Millis) {
        if let Some(until) = self.doubt.orphan(now) {
            // Its page is gone, and it is on its way.
            self.doubt.asked = 0;
            self.turn(Refresh::Doubting, until.min(now + FIRST_PAUSE));
            self.release_unsent(now);
        } else if let Some(by) = self.leaving() {
            self.send_waiting(now, by, Stage::Sent);
        } else if self.doubt.asking.is_some()
            && (self.doubt.since.is_some() || self.find_waiting(|_| true).is_none())
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
        let refused = |call: &&Call| matches!(call.stage, Stage::Refused { .. });
        let sent = self.calls.waiting().filter(refused);
        sent.map(|call| call.sent_at)
            .fold(Millis::NEG_INFINITY, f64::max)
    }

    fn start_refresh(&mut self, now: Millis) {
        let Some(call) = self.calls.waiting().next() else {
            return;
        };
        let cause = match (call.kind, call.stage) {
            (Kind::Request { .. }, Stage::Gated) => Cause::Lifetime,
            (Kind::Request { .. }, _) => Cause::Unauthorized,
            _ => Cause::Asked,
        };
        let client = call.client;
        let limit = self.lease.at + call.timeout;
        self.turn(Refresh::Underway, limit);
        self.flight.started = Start {
            client: Some(client),
            at: now,
            limit,
            cause,
        };
        self.doubt.since = None;
        self.doubt.asking = None;
        self.flight.number = self.flight.number.wrapping_add(1);
        self.flight.awaited = true;
        let number = self.flight.number;
        let new = Key {
            seed: self.flight.seed,
            number,
        };
        let key = *self.flight.unsettled.get_or_insert(new);
        // First, for this page may be gone at any time.
        self.tell(now, News::Started, now, limit - now, cause);
        self.actions.push(Action::Refresh {
            client,
            number,
            key,
        });
    }

    /// The refresh of ours, or the one in doubt, has worked: the cookie is a new one since that moment, and peers are told
    /// that it is since `told`.
    fn renew(&mut self, now: Millis, moment: Millis, told: Millis) {
        self.tell(now, News::Refreshed, told, 0.0, self.flight.started.cause);
        self.succeed(now, moment);
    }

    fn succeed(&mut self, now: Millis, moment: Millis) {
        self.advance(moment);
        self.pacing.refused.reset();
        // Where there are no locks, a peer's success may come while ours is on its way.
        let own = (self.refresh, self.due, self.flight.unsettled);
        let keeps = self.flight.awaited && self.is_underway();
        self.conclude(Standing::Active);
        if keeps {
            (self.refresh, self.due, self.flight.unsettled) = own;
        } else {
            self.unlock();
        }
        self.announce(Event::Refreshed, self.flight.started.cause);
        self.release(now);
    }

    fn expire(&mut self, now: Millis) {
        // It is about the token of when it was sent: who has signed in since is not meant.
        self.tell(
            now,
            News::Expired,
            self.flight.started.at,
            0.0,
            Cause::Answered,
        );
        self.end(now, now, Cause::Answered);
    }

    fn end(&mut self, now: Millis, moment: Millis, cause: Cause) {
        let known = self.standing == Standing::Expired;
        self.pacing.refused.fail(now, None);
        self.conclude(Standing::Expired);
        self.expired_at = moment;
        self.unlock();
        if !known {
            self.announce(Event::Expired, cause);
        }
        self.release(now);
    }

    /// The refresh was sent, and nobody knows what came of it.
    fn lose(&mut self, now: Millis, cause: Cause) {
        self.pacing.unavailable.fail(now, None);
        self.fail_publicly(now, cause);
        self.wonder(now);
    }

    fn fail_publicly(&mut self, now: Millis, cause: Cause) {
        let span = self.pacing.unavailable.until() - now;
        self.tell(now, News::Unavailable, now, span, cause);
        self.unlock();
        self.announce(Event::Unavailable, cause);
    }

    /// What came of a refresh is in doubt, from now on.
    fn wonder(&mut self, now: Millis) {
        self.doubt.extend(now);
        self.doubt.asked = 0;
        self.turn(Refresh::Doubting, Millis::INFINITY);
        self.release_unsent(now);
        self.ask(now);
    }

    /// Lets a waiting request find out how the session stands, by being sent again.
    fn ask(&mut self, now: Millis) {
        if self.refresh == Refresh::Cooling {
            return;
        }
        if self.doubt.asking.is_some() {
            if let Refresh::Locking | Refresh::Doubting = self.refresh {
                // Its answer says when the next one does.
                self.due = Millis::INFINITY;
            }
            return;
        }
        if self.leaving().is_some() && self.doubt.orphan(now).is_none() && !self.is_closed() {
            // It ends the session, and so the question.
            return self.rest();
        }
        let later = now + self.doubt.pause();
        let due = if let Some(by) = self.find_waiting(Call::can_be_sent_again) {
            self.doubt.asked = self.doubt.asked.saturating_add(1);
            self.send_waiting(now, by, Stage::Asking);
            self.doubt.asking = Some(by);
            Millis::INFINITY
        } else if self.is_closed() {
            later
        } else if let Some(until) = self.doubt.orphan(now) {
            until
        } else {
            // Nobody here can ask. The next guarded request does, by being sent.
            self.rest();
            if self.flight.started.client.is_some() {
                self.fail_waiting(Millis::INFINITY);
            }
            return;
        };
        let refresh = if self.is_closed() {
            Refresh::Locking
        } else {
            Refresh::Doubting
        };
        self.turn(refresh, due);
    }

    fn can_ask(&self) -> bool {
        self.find_waiting(Call::can_be_sent_again).is_some()
    }

    /// The call does not ask any more, if it did; another one may, after a pause.
    fn stop_asking(&mut self, now: Millis, id: CallId) -> bool {
        let asked = self.doubt.asking == Some(id);
        if asked {
            self.doubt.asking = None;
            let later = now + self.doubt.pause();
            match self.refresh {
                Refresh::Locking => self.due = later,
                Refresh::Doubting => self.due = self.doubt.orphan(now).unwrap_or(later).min(later),
                _ => {}
            }
        }
        asked
    }

    /// The request that asked came back with neither a success nor a 401, so nobody is the wiser.
    fn find_out_later(&mut self, now: Millis) {
        if self.refresh == Refresh::Doubting {
            self.pacing.unavailable.fail(now, None);
            self.cool(now);
        }
    }

    /// Keeps away from the server until the pause is over. Who cannot wait so long is told now.
    fn cool(&mut self, now: Millis) {
        let until = self.pacing.unavailable.until();
        self.turn(Refresh::Cooling, until);
        self.release_unsent(now);
        self.fail_waiting(until);
    }

    /// The sign-out that waits, if there is one.
    fn leaving(&self) -> Option<CallId> {
        self.find_waiting(Call::is_sign_out)
    }

    /// Whatever was known is about another session.
    fn signed_in(&mut self, now: Millis) {
        self.begin(now, now, Standing::Active);
        self.tell(now, News::SignedIn, now, 0.0, Cause::Asked);
    }

    fn signed_out(&mut self, id: CallId) {
        if self.refresh == (Refresh::SigningOut { by: id }) {
            self.rest();
        }
    }

    // The calls.

    fn send(&mut self, now: Millis, id: CallId, stage: Stage) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        (call.stage, call.epoch, call.sent_at) = (stage, self.cookie.epoch, now);
        self.actions.push(Action::Send { call: id });
        if call.is_sign_out() {
            let limit = now + call.timeout;
            let leased = self.lease.held;
            self.begin(now, now, Standing::Expired);
            self.tell(now, News::SignedOut, now, 0.0, Cause::Asked);
            if leased {
                self.turn(Refresh::SigningOut { by: id }, limit);
            }
        }
    }

    /// Lets the call wait. From here on its time runs.
    fn park(&mut self, now: Millis, id: CallId, stage: Stage) {
        if let Some(mut call) = self.calls.get(id).copied() {
            self.calls.remove(id);
            call.stage = stage;
            call.patience += now;
            self.calls.push(call);
        }
    }

    /// Ends the call's wait, by sending it; what is left of its time is kept for another.
    fn send_waiting(&mut self, now: Millis, id: CallId, stage: Stage) {
        if let Some(call) = self.calls.get_mut(id) {
            call.patience -= now;
        }
        self.send(now, id, stage);
    }

    /// The first one of those that wait.
    fn find_waiting(&self, which: impl Fn(&Call) -> bool) -> Option<CallId> {
        let found = self.calls.waiting().find(|call| which(call));
        found.map(|call| call.id)
    }

    fn hold(&mut self, now: Millis, id: CallId) {
        let kind = self.calls.get(id).map(|call| call.kind);
        if let Some(Kind::Request { .. }) = kind {
            self.park(now, id, Stage::Refused { whole: true });
            self.actions.push(Action::Hold { call: id });
        } else {
            self.park(now, id, Stage::Gated);
        }
    }

    /// Ends every wait that is over, as the session now stands.
    fn release(&mut self, now: Millis) {
        let mut left = 0;
        while let Some(call) = self.calls.nth_waiting(left) {
            let id = call.id;
            let renewed = self.standing == Standing::Active && call.epoch >= self.cookie.session;
            match (call.kind, call.stage) {
                // It has a way of its own: under the lock.
                (Kind::SignOut, _) => left += 1,
                (Kind::EnsureFresh { .. } | Kind::Refresh, _) => self.done(id),
                // Its 401 is about the cookie of now.
                (_, Stage::Refused { .. }) if renewed && call.epoch == self.cookie.epoch => {
                    left += 1
                }
                (Kind::Request { replayable: true }, Stage::Refused { .. }) if renewed => {
                    self.send_waiting(now, id, Stage::Replayed);
                }
                (Kind::Request { .. }, Stage::Refused { whole: true }) if !renewed => {
                    self.answer(id)
                }
                // Its 401 was too large to keep. Another one is to be had, unless somebody else has signed in.
                (Kind::Request { replayable: true }, Stage::Refused { .. })
                    if self.standing == Standing::Expired =>
                {
                    self.send_waiting(now, id, Stage::Last);
                }
                (_, Stage::Refused { .. }) => self.fail(id, Failure::NotReplayable),
                _ => self.send_waiting(now, id, Stage::Sent),
            }
        }
    }

    /// Opens the gate for what may be let in without this refresh: what has never been sent, and what was refused
    /// under a cookie of before. If it is not, it waits with the others, or that was its replay.
    fn release_unsent(&mut self, now: Millis) {
        let current = self.cookie.epoch;
        let is_late = |call: &Call| call.can_be_sent_again() && call.epoch < current;
        let is_unsent =
            |call: &Call| call.stage == Stage::Gated && matches!(call.kind, Kind::Request { .. });
        while let Some(id) = self.find_waiting(|call| is_unsent(call) || is_late(call)) {
            let stage = match self.calls.get(id) {
                Some(call) if is_late(call) => Stage::Replayed,
                _ => Stage::Sent,
            };
            self.send_waiting(now, id, stage);
        }
    }

    /// Who cannot wait longer than that fails. But a sign-out goes on.
    fn fail_waiting(&mut self, until: Millis) {
        while let Some(id) = self.find_waiting(|call| call.patience <= until && !call.is_sign_out())
        {
            self.fail(id, Failure::RefreshUnavailable);
        }
    }

    fn answer(&mut self, id: CallId) {
        self.calls.remove(id);
        self.actions.push(Action::Answer { call: id });
    }

    fn done(&mut self, id: CallId) {
        self.calls.remove(id);
        self.actions.push(Action::Done { call: id });
    }

    fn fail(&mut self, id: CallId, failure: Failure) {
        self.calls.remove(id);
        self.actions.push(Action::Fail { call: id, failure });
    }

    fn forget(&mut self, id: CallId) {
        self.calls.remove(id);
        self.signed_out(id);
    }

    fn announce(&mut self, event: Event, cause: Cause) {
        let by = self.flight.started.client;
        self.actions.push(Action::Announce { event, cause, by });
    }
}
