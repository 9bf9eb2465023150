use std::collections::VecDeque;

use super::{
    Millis, Outcome, RefreshEnd,
    backoff::Backoff,
    calls::{Call, CallId, Calls, ClientId, Stage},
    epoch::Epoch,
    policy::Answer,
    refresh::Refresh,
};

/// How old an access cookie may be for `ensureFresh`, when neither the caller nor the server says.
const FRESH_ENOUGH: Millis = 60_000.0;
/// A lifetime below this is a slip or a broken clock; believing it would put a refresh before every request.
const SHORTEST_LIFETIME: Millis = 1_000.0;

/// What a caller asks of the session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A guarded request. One that is not `replayable` (a stream) can be sent only once.
    Request { replayable: bool },
    /// The request that ends the session. It waits for the refresh under way, and never starts one.
    SignOut,
    /// See to it that the access cookie is no older than this.
    EnsureFresh { max_age: Option<Millis> },
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

/// What the shell is to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// Send the call's request: for the first time, or once more with the same bytes. A response that it held is
    /// for nobody any more.
    Send { call: CallId },
    /// The call waits with its 401: free the connection, keep the answer readable.
    Hold { call: CallId },
    /// Settle the call with the response that it has.
    Answer { call: CallId },
    /// Settle the call of a command: what it asked for has been seen to.
    Done { call: CallId },
    /// Reject the call.
    Fail { call: CallId, failure: Failure },
    /// Send the refresh, as `client` is configured. `again`: it is the last one, tried once more.
    Refresh {
        client: ClientId,
        number: u32,
        again: bool,
    },
    /// Tell every client; `client` brought it about.
    Announce {
        event: Event,
        cause: Cause,
        client: ClientId,
    },
}

/// Why a call is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    RefreshUnavailable,
    NotReplayable,
    Disposed,
}

/// What clients are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Refreshed,
    Expired,
    Unavailable,
    Ineffective,
}

/// What brought an event about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A guarded request was answered with an expired status.
    Unauthorized,
    /// The lifetime that the server had announced was over.
    Lifetime,
    /// `refresh` or `ensureFresh` was called.
    Asked,
    /// The refresh was answered, with a refusal.
    Answered,
    /// The refresh was not answered.
    Lost,
    /// The refresh was not answered in time.
    Overdue,
}

/// One session of one refresh URL, shared by the clients of a page: the gate, the epoch, the refresh.
#[derive(Debug)]
pub(crate) struct Session {
    standing: Standing,
    epoch: Epoch,
    /// The epoch in which the session of today began. An older attempt belongs to whoever was signed in before,
    /// and its request is never sent again under the cookies of somebody else.
    since: Epoch,
    refresh: Refresh,
    /// Counts the refreshes that were sent, so that a late end is told from the current one.
    number: u32,
    /// Whether the end of refresh `number` is still to come.
    awaited: bool,
    /// Whether refresh `number` came to no known end, so that the next one is the same one tried again.
    unsettled: bool,
    /// When a refresh was lost, if nobody knows yet whether the server has rotated the refresh token.
    lost_at: Option<Millis>,
    started: Start,
    /// Paces refreshes that fail.
    unavailable: Backoff,
    /// Paces refreshes that succeed and change nothing.
    ineffective: Backoff,
    ineffective_in: Option<Epoch>,
    /// Paces refreshes that are refused again, after a success made us doubt an expiry.
    refused: Backoff,
    expired_at: Millis,
    renewed_at: Option<Millis>,
    fresh_until: Option<Millis>,
    calls: Calls,
    /// Calls that wait, in the order in which they came.
    waiting: Vec<CallId>,
    actions: VecDeque<Action>,
}

/// Who started the latest refresh, when and why.
#[derive(Clone, Copy, Debug)]
struct Start {
    client: ClientId,
    at: Millis,
    cause: Cause,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self {
            standing: Standing::Unknown,
            epoch: Epoch::default(),
            since: Epoch::default(),
            refresh: Refresh::Idle,
            number: 0,
            awaited: false,
            unsettled: false,
            lost_at: None,
            started: Start {
                client: ClientId(0),
                at: 0.0,
                cause: Cause::Asked,
            },
            unavailable: Backoff::default(),
            ineffective: Backoff::default(),
            ineffective_in: None,
            refused: Backoff::default(),
            expired_at: 0.0,
            renewed_at: None,
            fresh_until: None,
            calls: Calls::default(),
            waiting: Vec::new(),
            actions: VecDeque::new(),
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        match self.refresh {
            Refresh::Idle => self.standing,
            Refresh::Cooling { .. } if self.waiting.is_empty() => self.standing,
            _ => Standing::Refreshing,
        }
    }

    /// What to do next; `None` when there is nothing left to do until something happens.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`Session::handle_time`], if nothing else happens before. Without it a page that sleeps
    /// loses nothing: every other `handle_*` looks at the clock as well.
    pub(crate) fn poll_timeout(&self) -> Option<Millis> {
        let patience = self
            .waiting
            .iter()
            .filter_map(|id| self.calls.get(*id))
            .map(|call| call.patience)
            .reduce(f64::min)?;
        Some(match self.refresh {
            Refresh::Underway { limit: moment } | Refresh::Cooling { until: moment } => {
                moment.min(patience)
            }
            Refresh::Idle | Refresh::Asking { .. } => patience,
        })
    }

    /// A call begins. `timeout` is how long it may spend waiting for us.
    pub(crate) fn handle_call(
        &mut self,
        now: Millis,
        client: ClientId,
        kind: Kind,
        timeout: Millis,
    ) -> CallId {
        self.handle_time(now);
        let id = self.calls.insert(Call {
            client,
            kind,
            stage: Stage::Gated,
            epoch: self.epoch,
            sent_at: now,
            timeout,
            patience: timeout,
        });
        match kind {
            Kind::EnsureFresh { max_age } if self.is_fresh(now, max_age) => self.done(id),
            Kind::EnsureFresh { .. } | Kind::Refresh => self.await_refresh(now, id, Cause::Asked),
            _ if self.is_underway() => self.park(now, id, Stage::Gated),
            Kind::Request { .. } if self.lifetime_is_over(now) => {
                self.park(now, id, Stage::Gated);
                self.start_refresh(now, id, Cause::Lifetime);
            }
            Kind::Request { .. } | Kind::SignOut => self.send(now, id, Stage::Sent),
        }
        id
    }

    /// The server answered the call's request.
    pub(crate) fn handle_answer(&mut self, now: Millis, id: CallId, answer: Answer) {
        self.handle_time(now);
        let Some(call) = self.calls.get(id) else {
            return;
        };
        let (stage, epoch, sent_at) = (call.stage, call.epoch, call.sent_at);
        let Kind::Request { replayable } = call.kind else {
            return self.answer(id);
        };

        if !answer.expired {
            self.answer(id);
            if answer.ok {
                self.note_success(sent_at);
            }
            if self.refresh == (Refresh::Asking { by: id }) {
                self.handle_reply(now, answer.ok && epoch == self.epoch);
            }
            return;
        }
        if self.lost_at.is_some_and(|lost_at| sent_at >= lost_at) {
            // Sent after the refresh was lost, and still a 401: that refresh has changed nothing.
            self.lost_at = None;
        }
        match stage {
            Stage::Last => self.answer(id),
            Stage::Replayed => {
                self.answer(id);
                if epoch == self.epoch {
                    self.note_ineffective(now);
                }
            }
            // Signed out or in since: the request is not sent again under the cookies of somebody else.
            _ if epoch < self.since || self.standing == Standing::Expired => self.answer(id),
            // A late 401: the cookie has changed while it was on its way.
            _ if epoch < self.epoch && !replayable => self.fail(id, Failure::NotReplayable),
            _ if epoch < self.epoch && !self.is_underway() => self.send(now, id, Stage::Replayed),
            _ if self.refresh == Refresh::Idle && self.is_futile(now) => self.answer(id),
            _ => self.await_refresh(now, id, Cause::Unauthorized),
        }
    }

    /// `fetch` rejected the call's request; the shell hands the rejection over.
    pub(crate) fn handle_rejection(&mut self, now: Millis, id: CallId) {
        // First, so that its time cannot run out as well.
        self.forget(id);
        self.handle_time(now);
        if self.refresh == (Refresh::Asking { by: id }) {
            self.handle_reply(now, false);
        }
    }

    /// The caller aborted the call, and the shell has settled it.
    pub(crate) fn handle_abort(&mut self, now: Millis, id: CallId) {
        // First, so that its time cannot run out as well.
        self.forget(id);
        self.handle_time(now);
        if self.refresh == (Refresh::Asking { by: id }) {
            self.ask(now);
        }
    }

    /// The body of the 401 that the call holds is too large to be kept.
    pub(crate) fn handle_dropped_body(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(id)
            && matches!(call.stage, Stage::Refused { .. })
        {
            call.stage = Stage::Refused { whole: false };
        }
    }

    /// Refresh `number` ended.
    pub(crate) fn handle_refresh_end(&mut self, now: Millis, number: u32, end: RefreshEnd) {
        if number != self.number || !self.awaited {
            return;
        }
        self.awaited = false;
        match end {
            RefreshEnd::Answered {
                status,
                redirected,
                retry_after,
            } => {
                match Outcome::of(status, redirected) {
                    Outcome::Renewed => self.renew(now),
                    Outcome::Expired => self.expire(now),
                    // Overdue already: then it is no news.
                    Outcome::Unavailable if self.is_underway() => {
                        self.announce(Event::Unavailable, Cause::Answered);
                        self.unavailable.fail(now, retry_after);
                        self.cool(now);
                    }
                    Outcome::Unavailable => {}
                }
            }
            RefreshEnd::Lost if self.is_underway() => self.lose(now, Cause::Lost),
            RefreshEnd::Lost => {}
        }
        self.handle_time(now);
    }

    /// The refresh or the sign-in said how long the access token lives. `asked_at` is when its request was sent:
    /// the token is no older than that, whatever time the answer took.
    pub(crate) fn handle_lifetime(&mut self, asked_at: Option<Millis>, lifetime: Millis) {
        // Written so that a NaN fails it.
        if lifetime >= SHORTEST_LIFETIME && self.standing == Standing::Active {
            self.fresh_until = Some(asked_at.unwrap_or(self.started.at) + lifetime);
        }
    }

    /// A sign-in was answered. If it succeeded, whatever was known is about another session.
    pub(crate) fn handle_sign_in(&mut self, now: Millis, status: u16) {
        if (200..300).contains(&status) {
            self.begin(now, Standing::Active);
            self.renewed_at = Some(now);
        }
    }

    /// A client is disposed of. Its calls that wait are rejected; what is on the wire comes back as it is.
    pub(crate) fn handle_dispose(&mut self, now: Millis, client: ClientId) {
        let asking = match self.refresh {
            Refresh::Asking { by } => self.calls.get(by).is_some_and(|call| call.client == client),
            _ => false,
        };
        for id in std::mem::take(&mut self.waiting) {
            if self.calls.get(id).is_some_and(|call| call.client == client) {
                self.fail(id, Failure::Disposed);
            } else {
                self.waiting.push(id);
            }
        }
        self.calls
            .of(client)
            .for_each(|call| call.stage = Stage::Last);
        if asking {
            self.ask(now);
        }
    }

    /// Time has passed.
    pub(crate) fn handle_time(&mut self, now: Millis) {
        self.fail_waiting(now, |call| now >= call.patience);
        match self.refresh {
            Refresh::Underway { limit } if now >= limit => self.lose(now, Cause::Overdue),
            Refresh::Cooling { until } if now >= until => {
                self.refresh = Refresh::Idle;
                if self.lost_at.is_some() {
                    self.ask(now);
                } else if let Some(first) = self.waiting.first() {
                    self.start_refresh(now, *first, self.started.cause);
                }
            }
            _ => {}
        }
    }

    // What is known of the access cookie.

    fn is_fresh(&self, now: Millis, max_age: Option<Millis>) -> bool {
        // Nothing can be renewed: the request that follows gets its 401, which is the answer.
        if self.standing == Standing::Expired {
            return true;
        }
        let Some(renewed_at) = self.renewed_at else {
            return false;
        };
        let age = now - renewed_at;
        match (self.fresh_until, max_age) {
            (Some(until), _) if now >= until => false,
            (_, Some(max_age)) => age <= max_age,
            (Some(_), None) => true,
            (None, None) => age <= FRESH_ENOUGH,
        }
    }

    /// Whether the access cookie is known to have expired, and a refresh may be started on that account.
    fn lifetime_is_over(&self, now: Millis) -> bool {
        self.fresh_until.is_some_and(|until| now >= until)
            && self.refresh == Refresh::Idle
            && self.lost_at.is_none()
            && !self.unavailable.holds(now)
    }

    /// Whether a refresh for a 401 would only repeat what has just failed to help.
    fn is_futile(&self, now: Millis) -> bool {
        self.ineffective.holds(now) || self.refused.holds(now)
    }

    fn is_underway(&self) -> bool {
        matches!(self.refresh, Refresh::Underway { .. })
    }

    fn note_success(&mut self, sent_at: Millis) {
        self.ineffective.reset();
        match self.standing {
            Standing::Unknown => self.standing = Standing::Active,
            // A sign-in that we did not see. An answer to what was sent before the refusal proves nothing.
            Standing::Expired if sent_at > self.expired_at => self.standing = Standing::Active,
            _ => {}
        }
    }

    /// A replay met a 401 under the cookie that was renewed for it.
    fn note_ineffective(&mut self, now: Millis) {
        if self.ineffective_in == Some(self.epoch) {
            return;
        }
        self.ineffective_in = Some(self.epoch);
        self.ineffective.fail(now, None);
        // The lifetime announced for this cookie is not worth a refresh either.
        self.fresh_until = None;
        self.announce(Event::Ineffective, Cause::Unauthorized);
    }

    /// Another session begins, or none: what is on the wire belongs to the one before.
    fn begin(&mut self, now: Millis, standing: Standing) {
        self.epoch.advance();
        self.since = self.epoch;
        self.awaited = false;
        self.ineffective.reset();
        self.refused.reset();
        self.conclude(standing);
        self.release(now);
    }

    /// The refresh has come to an end that leaves no question open.
    fn conclude(&mut self, standing: Standing) {
        self.standing = standing;
        self.refresh = Refresh::Idle;
        self.lost_at = None;
        self.unsettled = false;
        self.unavailable.reset();
        self.fresh_until = None;
        self.renewed_at = None;
    }

    // The refresh.

    /// Lets the call wait for a refresh, and sees to it that there is one.
    fn await_refresh(&mut self, now: Millis, id: CallId, cause: Cause) {
        self.hold(now, id);
        let unknown = self.lost_at.is_some();
        match self.refresh {
            Refresh::Underway { .. } => {}
            Refresh::Asking { .. } if unknown => {}
            Refresh::Idle if unknown && cause == Cause::Unauthorized => self.ask(now),
            _ if self.unavailable.holds(now) => self.cool(now),
            _ => self.start_refresh(now, id, cause),
        }
    }

    fn start_refresh(&mut self, now: Millis, id: CallId, cause: Cause) {
        let Some(call) = self.calls.get(id) else {
            return;
        };
        let client = call.client;
        self.refresh = Refresh::Underway {
            limit: now + call.timeout,
        };
        self.started = Start {
            client,
            at: now,
            cause,
        };
        self.number = self.number.wrapping_add(1);
        self.awaited = true;
        let again = std::mem::replace(&mut self.unsettled, true);
        self.actions.push_back(Action::Refresh {
            client,
            number: self.number,
            again,
        });
    }

    fn renew(&mut self, now: Millis) {
        self.epoch.advance();
        self.refused.reset();
        self.conclude(Standing::Active);
        self.renewed_at = Some(now);
        self.announce(Event::Refreshed, self.started.cause);
        self.release(now);
    }

    fn expire(&mut self, now: Millis) {
        let known = self.standing == Standing::Expired;
        self.refused.fail(now, None);
        self.conclude(Standing::Expired);
        self.expired_at = now;
        if !known {
            self.announce(Event::Expired, Cause::Answered);
        }
        self.release(now);
    }

    /// The refresh was sent, and nobody knows what came of it.
    fn lose(&mut self, now: Millis, cause: Cause) {
        self.lost_at = Some(now);
        self.unavailable.fail(now, None);
        self.announce(Event::Unavailable, cause);
        self.release_unsent(now);
        self.ask(now);
    }

    /// Lets a waiting request find out what has become of a lost refresh, by being sent again.
    fn ask(&mut self, now: Millis) {
        let can_ask = |call: &Call| call.kind == Kind::Request { replayable: true };
        let mut waiting = self.waiting.iter().copied();
        if let Some(by) = waiting.find(|id| self.calls.get(*id).is_some_and(can_ask)) {
            self.refresh = Refresh::Asking { by };
            self.unpark(now, by);
            self.send(now, by, Stage::Asking);
        } else {
            // Nobody here can ask. The next guarded request does, by being sent.
            self.refresh = Refresh::Idle;
            self.fail_waiting(now, |_| true);
        }
    }

    /// The request that asked came back, and not with a 401. `renewed`: it was let in, so that the lost refresh
    /// had reached the server. Otherwise nobody is the wiser, and the next one asks after a pause.
    fn handle_reply(&mut self, now: Millis, renewed: bool) {
        if renewed {
            self.renew(now);
        } else {
            self.unavailable.fail(now, None);
            self.cool(now);
        }
    }

    /// Keeps away from the server until the pause is over. Who cannot wait so long is told now.
    fn cool(&mut self, now: Millis) {
        let until = self.unavailable.until();
        self.refresh = Refresh::Cooling { until };
        self.release_unsent(now);
        self.fail_waiting(now, |call| call.patience < until);
    }

    // The calls.

    fn send(&mut self, now: Millis, id: CallId, stage: Stage) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        (call.stage, call.epoch, call.sent_at) = (stage, self.epoch, now);
        self.actions.push_back(Action::Send { call: id });
        if call.kind == Kind::SignOut {
            self.begin(now, Standing::Expired);
            self.expired_at = now;
        }
    }

    /// Lets the call wait. From here on its time runs.
    fn park(&mut self, now: Millis, id: CallId, stage: Stage) {
        if let Some(call) = self.calls.get_mut(id) {
            call.stage = stage;
            call.patience += now;
            self.waiting.push(id);
        }
    }

    /// Ends the call's wait; what is left of its time is kept for another.
    fn unpark(&mut self, now: Millis, id: CallId) {
        self.waiting.retain(|waiting| *waiting != id);
        if let Some(call) = self.calls.get_mut(id) {
            call.patience -= now;
        }
    }

    fn hold(&mut self, now: Millis, id: CallId) {
        let kind = self.calls.get(id).map(|call| call.kind);
        if let Some(Kind::Request { .. }) = kind {
            self.park(now, id, Stage::Refused { whole: true });
            self.actions.push_back(Action::Hold { call: id });
        } else {
            self.park(now, id, Stage::Gated);
        }
    }

    /// Ends every wait, as the session now stands.
    fn release(&mut self, now: Millis) {
        for id in std::mem::take(&mut self.waiting) {
            self.unpark(now, id);
            let Some(call) = self.calls.get(id) else {
                continue;
            };
            let stale = call.epoch < self.since;
            let renewed = self.standing == Standing::Active && !stale;
            match (call.kind, call.stage) {
                (Kind::EnsureFresh { .. } | Kind::Refresh, _) => self.done(id),
                (Kind::Request { replayable: true }, Stage::Refused { .. }) if renewed => {
                    self.send(now, id, Stage::Replayed);
                }
                (Kind::Request { .. }, Stage::Refused { whole: true }) if !renewed => {
                    self.answer(id)
                }
                // Its 401 was too large to keep. Another one is to be had, unless somebody else has signed in.
                (Kind::Request { replayable: true }, Stage::Refused { .. })
                    if self.standing == Standing::Expired =>
                {
                    self.send(now, id, Stage::Last);
                }
                (_, Stage::Refused { .. }) => self.fail(id, Failure::NotReplayable),
                _ => self.send(now, id, Stage::Sent),
            }
        }
    }

    /// Opens the gate for what may be let in without this refresh: what has never been sent, and what was refused
    /// under a cookie of before. If it is not, it waits with the others, or that was its replay.
    fn release_unsent(&mut self, now: Millis) {
        let current = self.epoch;
        let is_late = |call: &Call| {
            matches!(call.stage, Stage::Refused { .. })
                && call.epoch < current
                && call.kind == Kind::Request { replayable: true }
        };
        let is_unsent = |call: &Call| {
            call.stage == Stage::Gated && matches!(call.kind, Kind::Request { .. } | Kind::SignOut)
        };
        for id in self.take_waiting(|call| is_unsent(call) || is_late(call)) {
            self.unpark(now, id);
            let stage = match self.calls.get(id) {
                Some(call) if is_late(call) => Stage::Replayed,
                _ => Stage::Sent,
            };
            self.send(now, id, stage);
        }
    }

    fn fail_waiting(&mut self, now: Millis, hopeless: impl Fn(&Call) -> bool) {
        for id in self.take_waiting(hopeless) {
            if self
                .calls
                .get(id)
                .is_some_and(|call| call.kind == Kind::SignOut)
            {
                // To sign out is never put off for good.
                self.send(now, id, Stage::Sent);
            } else {
                self.fail(id, Failure::RefreshUnavailable);
            }
        }
    }

    fn take_waiting(&mut self, which: impl Fn(&Call) -> bool) -> Vec<CallId> {
        let is_taken = |id: &CallId| self.calls.get(*id).is_none_or(&which);
        let (taken, left) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(is_taken);
        self.waiting = left;
        taken
    }

    fn answer(&mut self, id: CallId) {
        self.calls.remove(id);
        self.actions.push_back(Action::Answer { call: id });
    }

    fn done(&mut self, id: CallId) {
        self.calls.remove(id);
        self.actions.push_back(Action::Done { call: id });
    }

    fn fail(&mut self, id: CallId, failure: Failure) {
        self.calls.remove(id);
        self.actions.push_back(Action::Fail { call: id, failure });
    }

    fn forget(&mut self, id: CallId) {
        self.calls.remove(id);
        self.waiting.retain(|waiting| *waiting != id);
    }

    fn announce(&mut self, event: Event, cause: Cause) {
        let client = self.started.client;
        self.actions.push_back(Action::Announce {
            event,
            cause,
            client,
        });
    }
}
