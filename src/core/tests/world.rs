//! A page and its server on a virtual clock.
//!
//! The page is a real [`Session`], and a shell that does what it is told and keeps a record. Whatever a test is
//! about, the record is checked at each step against what holds always: see [`World::obey`].

use std::collections::{BTreeMap, VecDeque};

use crate::core::{
    Action, Answer, CallId, Cause, ClientId, Credit, Event, Failure, Grant, Key, Kind, Lifetime,
    Millis, News, RefreshEnd, Session, Standing, Word,
};

/// How long a call may wait for us.
pub(super) const TIMEOUT: Millis = 10_000.0;
pub(super) const SECOND: Millis = 1_000.0;
pub(super) const HOUR: Millis = 3_600_000.0;
/// Where requests go, unless a test says otherwise.
pub(super) const PRIVATE: u32 = 1;
/// Where everybody is let in.
pub(super) const PUBLIC: u32 = 2;

/// What a caller got.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Got {
    Answer(u16),
    Done,
    Failed(Failure),
    Rejected,
    Aborted,
}

pub(super) const NOTHING_YET: Option<Got> = None;
pub(super) const OK: Option<Got> = Some(Got::Answer(200));
pub(super) const UNAUTHORIZED: Option<Got> = Some(Got::Answer(401));
pub(super) const DONE: Option<Got> = Some(Got::Done);
pub(super) const ABORTED: Option<Got> = Some(Got::Aborted);
pub(super) const UNAVAILABLE: Option<Got> = Some(Got::Failed(Failure::RefreshUnavailable));
pub(super) const NOT_REPLAYABLE: Option<Got> = Some(Got::Failed(Failure::NotReplayable));
pub(super) const DISPOSED: Option<Got> = Some(Got::Failed(Failure::Disposed));

/// What becomes of a refresh.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Renews,
    /// Answered with this status, and `Retry-After`.
    Answers(u16, Option<Millis>),
    Redirects,
    /// Never reaches the server.
    IsLost,
    /// Reaches the server; the cookie is set, and nobody hears of it.
    RenewsUnheard,
    Hangs,
}

/// A refresh that was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Refreshed {
    pub(super) at: Millis,
    pub(super) client: ClientId,
    pub(super) number: u32,
    pub(super) key: Key,
}

/// Who has the lock that keeps peers from refreshing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lock {
    Free,
    Ours,
    /// `wanted`: and we wait for it.
    Peers {
        wanted: bool,
    },
}

pub(super) struct World {
    pub(super) now: Millis,
    pub(super) events: Vec<(Event, Cause)>,
    pub(super) refreshes: Vec<Refreshed>,
    pub(super) lock: Lock,
    /// No peer says or does whatever it likes, so it can be told from outside what each refresh and each replay is for.
    pub(super) alone: bool,
    /// What the peers were told.
    pub(super) told: Vec<Word>,
    /// The latest word of a peer that was kept, and when.
    kept: Option<(Millis, Word)>,
    /// What becomes of the next refreshes; the last one of the list is the fate of all that follow.
    pub(super) fates: Vec<Fate>,
    /// What the server says of the cookies that it sets.
    pub(super) grant: Grant,
    /// The access cookies that the server takes and that the browser has.
    valid: Option<u32>,
    cookie: u32,
    /// How often the page was to be loaded anew.
    pub(super) reloads: u32,
    session: Session,
    /// By the number of their ids.
    calls: BTreeMap<u64, Seen>,
    wire: VecDeque<Wire>,
    rules: Rules,
}

/// A call, as the shell sees it.
struct Seen {
    id: CallId,
    kind: Kind,
    attempts: Vec<Attempt>,
    replayed: bool,
    on_wire: bool,
    held: Option<u16>,
    got: Option<Got>,
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    at: Millis,
    epoch: u32,
    cookie: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Wire {
    Call(CallId),
    Refresh(u32),
}

/// What has to be remembered to judge the session from outside.
#[derive(Default)]
struct Rules {
    epoch: u32,
    /// When the cookie changed that was announced last.
    renewed_at: Millis,
    /// The refresh whose end is to come, and not overdue.
    underway: Option<u32>,
    /// The latest epoch in which a 401 of an attempt of that epoch came in.
    unauthorized_in: Option<u32>,
    expires_at: Option<Millis>,
    /// The latest epoch in which a refresh came to no known end.
    lost_in: Option<u32>,
    /// The latest epoch that began because a request was let in, and not because a refresh was answered.
    found_in: Option<u32>,
    /// Whether the answer to a refresh has come in with the event at hand.
    answered: bool,
    /// Whether a refresh was refused since the cookie changed.
    refused: bool,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: 0.0,
            events: Vec::new(),
            refreshes: Vec::new(),
            lock: Lock::Free,
            alone: true,
            told: Vec::new(),
            kept: None,
            fates: vec![Fate::Renews],
            grant: Grant::default(),
            valid: Some(0),
            cookie: 0,
            reloads: 0,
            session: Session::new(1.0),
            calls: BTreeMap::new(),
            wire: VecDeque::new(),
            rules: Rules::default(),
        }
    }

    /// The access token has expired, and what becomes of refreshes is this.
    pub(super) fn with_expired_token(fates: &[Fate]) -> Self {
        let mut world = Self::new();
        world.expire_token();
        world.fates = fates.to_vec();
        world
    }

    // What callers do.

    pub(super) fn fetch(&mut self) -> CallId {
        self.call(Kind::Request { replayable: true })
    }

    pub(super) fn upload_stream(&mut self) -> CallId {
        self.call(Kind::Request { replayable: false })
    }

    pub(super) fn sign_out(&mut self) -> CallId {
        self.call(Kind::SignOut)
    }

    pub(super) fn refresh(&mut self) -> CallId {
        self.call(Kind::Refresh)
    }

    pub(super) fn ensure_fresh(&mut self, max_age: Option<Millis>) -> CallId {
        let max_age = max_age.unwrap_or(Millis::NAN);
        self.call(Kind::EnsureFresh { max_age })
    }

    pub(super) fn call(&mut self, kind: Kind) -> CallId {
        self.call_of(ClientId(0), kind)
    }

    pub(super) fn call_of(&mut self, client: ClientId, kind: Kind) -> CallId {
        self.call_to(client, kind, PRIVATE)
    }

    pub(super) fn fetch_from(&mut self, address: u32) -> CallId {
        self.call_to(ClientId(0), Kind::Request { replayable: true }, address)
    }

    fn call_to(&mut self, client: ClientId, kind: Kind, address: u32) -> CallId {
        self.call_since(client, kind, address, None)
    }

    /// A request whose first attempt was sent at that moment, before the page could hear anybody.
    pub(super) fn fetch_since(&mut self, sent_at: Millis) -> CallId {
        let kind = Kind::Request { replayable: true };
        self.call_since(ClientId(0), kind, PRIVATE, Some(sent_at))
    }

    /// A sign-out that was sent at that moment, before the page could hear anybody.
    pub(super) fn sign_out_since(&mut self, sent_at: Millis) -> CallId {
        self.call_since(ClientId(0), Kind::SignOut, PRIVATE, Some(sent_at))
    }

    fn call_since(
        &mut self,
        client: ClientId,
        kind: Kind,
        address: u32,
        sent_at: Option<Millis>,
    ) -> CallId {
        let id = self
            .session
            .handle_call(self.now, client, kind, TIMEOUT, address, sent_at);
        let seen = Seen {
            id,
            kind,
            attempts: Vec::new(),
            replayed: false,
            on_wire: false,
            held: None,
            got: None,
        };
        assert!(
            self.calls.insert(key(id), seen).is_none(),
            "an id is given to one call only"
        );
        self.obey();
        id
    }

    pub(super) fn abort(&mut self, id: CallId) {
        self.settle(id, Got::Aborted);
        self.session.handle_abort(self.now, id);
        self.obey();
    }

    pub(super) fn leave(&mut self) {
        self.session.handle_leave(self.now);
        self.obey();
    }

    pub(super) fn dispose(&mut self, client: ClientId) {
        self.session.handle_dispose(self.now, client);
        self.obey();
    }

    /// Somebody signs in, and the server answers at once.
    pub(super) fn sign_in(&mut self, status: u16) {
        let id = self.call(Kind::SignIn);
        assert!(self.is_on_wire(id), "the sign-in waits");
        self.answer(id, status);
    }

    /// Somebody has signed in beside us.
    pub(super) fn signed_in(&mut self) {
        self.issue_token();
        self.session.handle_signed_in(self.now);
        self.obey();
    }

    /// The page hears its peers from now on, and what was said last.
    pub(super) fn open(&mut self) {
        let kept = self.kept();
        self.session.handle_open(self.now, kept, true);
        self.obey();
    }

    /// Likewise, where no word of theirs can be read.
    pub(super) fn open_without_words(&mut self) {
        // One may have gone by unheard.
        self.rules.lost_in = Some(self.rules.epoch);
        self.session.handle_open(self.now, None, false);
        self.obey();
    }

    /// A peer has renewed the cookie, and nobody here heard of it.
    pub(super) fn renew_unheard(&mut self) {
        self.issue_token();
    }

    // What the network does.

    pub(super) fn expire_token(&mut self) {
        self.valid = None;
    }

    /// The server answers all that is on the wire, and all that comes of it, until nothing is.
    pub(super) fn serve(&mut self) {
        for _ in 0..10_000 {
            let Some(next) = self.wire.front().copied() else {
                return;
            };
            match next {
                Wire::Call(id) => self.serve_call(id),
                Wire::Refresh(number) => self.serve_refresh_of(number),
            }
        }
        panic!("a request leads to the next without end");
    }

    /// The server answers the requests on the wire, and not the refresh.
    pub(super) fn serve_requests(&mut self) {
        for id in self.on_wire() {
            self.serve_call(id);
        }
    }

    pub(super) fn serve_call(&mut self, id: CallId) {
        let cookie = self.seen(id).attempts.last().unwrap().cookie;
        let unauthorized = self.valid != Some(cookie) && self.seen(id).kind != Kind::SignOut;
        self.answer(id, if unauthorized { 401 } else { 200 });
    }

    /// What was to become of the refresh on the wire becomes of it.
    pub(super) fn serve_refresh(&mut self) {
        self.serve_refresh_of(self.refreshes.last().unwrap().number);
    }

    fn serve_refresh_of(&mut self, number: u32) {
        let fate = match self.fates.len() {
            1 => self.fates[0],
            _ => self.fates.remove(0),
        };
        match fate {
            Fate::Renews => self.renew(number),
            Fate::Answers(status, retry_after) => self.answer_refresh(number, status, retry_after),
            Fate::Redirects => {
                self.end_refresh(number, answered(0, None));
            }
            Fate::IsLost => self.end_refresh(number, RefreshEnd::Lost),
            Fate::RenewsUnheard => {
                self.issue_token();
                self.end_refresh(number, RefreshEnd::Lost);
            }
            Fate::Hangs => self.wire.retain(|it| *it != Wire::Refresh(number)),
        }
    }

    /// The server answers refresh `number` with a new cookie.
    pub(super) fn renew(&mut self, number: u32) {
        self.issue_token();
        self.answer_refresh(number, 200, None);
    }

    fn answer_refresh(&mut self, number: u32, status: u16, retry_after: Option<Millis>) {
        let end = RefreshEnd::Answered {
            status,
            said: None,
            retry_after,
            grant: self.grant,
        };
        self.end_refresh(number, end);
        if status != 200 {
            return;
        }
        if let Some(refresh) = self.refreshes.iter().find(|it| it.number == number) {
            self.rules.grant(refresh.at, self.grant);
        }
    }

    pub(super) fn end_refresh(&mut self, number: u32, end: RefreshEnd) {
        self.wire.retain(|it| *it != Wire::Refresh(number));
        if self.rules.underway == Some(number) {
            self.rules.underway = None;
            if let RefreshEnd::Lost = end {
                self.rules.lost_in = Some(self.rules.epoch);
            }
        }
        if let RefreshEnd::Answered {
            status: 400..=499, ..
        } = end
        {
            self.rules.refused = true;
            self.rules.lost_in = Some(self.rules.epoch);
        }
        self.rules.answered = matches!(end, RefreshEnd::Answered { .. });
        self.session.handle_refresh_end(self.now, number, end);
        self.obey();
        self.rules.answered = false;
    }

    pub(super) fn answer(&mut self, id: CallId, status: u16) {
        let is_success = (200..300).contains(&status);
        let answer = Answer {
            status,
            expired: status == 401,
            ok: is_success,
            begins: is_success,
            ends: is_success,
            grant: self.grant,
        };
        self.answer_as(id, status, answer);
    }

    /// `answer` is what the shell makes of the status.
    pub(super) fn answer_as(&mut self, id: CallId, status: u16, answer: Answer) {
        self.arrive(id);
        let epoch = self.rules.epoch;
        let seen = self.calls.get_mut(&key(id)).unwrap();
        if seen.got.is_none() {
            seen.held = Some(status);
            if answer.expired && seen.attempts.last().unwrap().epoch == epoch {
                self.rules.unauthorized_in = Some(epoch);
            }
        }
        let sent_at = seen.attempts.last().unwrap().at;
        let begins = seen.got.is_none() && seen.kind == Kind::SignIn && answer.begins;
        if begins {
            self.issue_token();
        }
        self.session.handle_answer(self.now, id, answer);
        self.obey();
        if begins {
            self.rules.grant(sent_at, answer.grant);
        }
    }

    /// `fetch` rejects.
    pub(super) fn reject(&mut self, id: CallId) {
        self.arrive(id);
        if self.seen(id).got.is_none() {
            self.settle(id, Got::Rejected);
        }
        self.session.handle_rejection(self.now, id);
        self.obey();
    }

    /// The body of the 401 that the call holds turns out to be too large to keep.
    pub(super) fn drop_body(&mut self, id: CallId) {
        self.calls.get_mut(&key(id)).unwrap().held = None;
        self.session.handle_dropped_body(id);
        self.obey();
    }

    // What peers do.

    /// A peer takes the lock, if it is free.
    pub(super) fn peer_locks(&mut self) {
        assert_eq!(self.lock, Lock::Free);
        self.lock = Lock::Peers { wanted: false };
    }

    /// A peer gives the lock back, or is gone.
    pub(super) fn peer_unlocks(&mut self) {
        let before = std::mem::replace(&mut self.lock, Lock::Free);
        if before == (Lock::Peers { wanted: true }) {
            self.lock = Lock::Ours;
            self.session.handle_lock(self.now, true, self.kept());
            self.obey();
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn stop_learning(&mut self) {
        self.session.stop_learning();
    }

    /// A word of a peer arrives.
    pub(super) fn hear_of(&mut self, news: News, age: Millis, span: Millis) {
        self.hear(peers_word(news, age, span));
    }

    pub(super) fn hear(&mut self, word: Word) {
        self.take_in(word);
        self.session.handle_word(self.now, word);
        self.obey();
    }

    /// A word of a peer is kept for whoever asks for the lock.
    pub(super) fn keep(&mut self, news: News, age: Millis, span: Millis) {
        self.keep_word(peers_word(news, age, span));
    }

    pub(super) fn keep_word(&mut self, word: Word) {
        self.kept = Some((self.now, word));
    }

    fn kept(&self) -> Option<Word> {
        self.kept.map(|(at, word)| Word {
            age: word.age + (self.now - at),
            sent: word.sent + (self.now - at),
            ..word
        })
    }

    pub(super) fn come_back(&mut self) {
        let kept = self.kept();
        kept.into_iter().for_each(|word| self.take_in(word));
        self.session.handle_return(self.now, kept);
        self.obey();
    }

    /// A peer's refresh changes the cookie that the tabs share.
    pub(super) fn peer_renews(&mut self) {
        self.issue_token();
    }

    // What time does.

    /// Time passes, and the timer rings whenever it is due.
    pub(super) fn pass(&mut self, span: Millis) {
        let end = self.now + span;
        for _ in 0..10_000 {
            let moment = self.session.poll_timeout();
            if moment > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(moment);
            self.wake();
        }
        panic!("the timer rings without end: {:?}", self.session);
    }

    /// The machine sleeps: the clock goes on, and no timer rings.
    pub(super) fn sleep(&mut self, span: Millis) {
        self.now += span;
    }

    /// The timer rings.
    pub(super) fn wake(&mut self) {
        self.session.handle_time(self.now);
        self.obey();
    }

    // What is to be seen.

    pub(super) fn got(&self, id: CallId) -> Option<Got> {
        self.seen(id).got
    }

    /// How often the call's request was sent.
    pub(super) fn hits(&self, id: CallId) -> usize {
        self.seen(id).attempts.len()
    }

    pub(super) fn is_on_wire(&self, id: CallId) -> bool {
        self.seen(id).on_wire
    }

    pub(super) fn is_holding(&self, id: CallId) -> bool {
        self.seen(id).held.is_some() && self.seen(id).got.is_none()
    }

    pub(super) fn on_wire(&self) -> Vec<CallId> {
        self.wire
            .iter()
            .filter_map(|it| match it {
                Wire::Call(id) => Some(*id),
                Wire::Refresh(_) => None,
            })
            .collect()
    }

    pub(super) fn unsettled(&self) -> Vec<CallId> {
        let unsettled = self.calls.values().filter(|seen| seen.got.is_none());
        unsettled.map(|seen| seen.id).collect()
    }

    pub(super) fn timer(&self) -> Option<Millis> {
        let moment = self.session.poll_timeout();
        moment.is_finite().then_some(moment)
    }

    pub(super) fn standing(&self) -> Standing {
        self.session.standing()
    }

    /// How often the event was announced.
    pub(super) fn announced(&self, event: Event) -> usize {
        self.events.iter().filter(|(it, _)| *it == event).count()
    }

    // What the shell does.

    /// Does what the session says, and sees to it that it says nothing that it must not.
    fn obey(&mut self) {
        for _ in 0..10_000 {
            let actions: Vec<_> = std::iter::from_fn(|| self.session.poll_action()).collect();
            if actions.is_empty() {
                return;
            }
            // Replays leave before anybody hears that the cookie is a new one.
            let renews = actions.iter().any(is_renewal);
            if renews {
                self.take_in_renewal(&actions);
            }
            actions.into_iter().for_each(|action| self.act(action));
            self.rules.refused &= !renews;
        }
        panic!("actions without end");
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send { call } => self.send(call),
            Action::Hold { call } => {
                assert!(self.is_holding(call), "only a 401 is held: {call:?}");
            }
            Action::Answer { call } => {
                let status = self.seen(call).held;
                let status = status.expect("an answer is one that can still be read");
                self.settle(call, Got::Answer(status));
            }
            Action::Done { call } => {
                assert!(self.seen(call).is_waiting_command());
                self.settle(call, Got::Done);
            }
            Action::Fail { call, failure } => self.settle(call, Got::Failed(failure)),
            Action::Lock => self.ask_for_lock(),
            Action::Unlock => match self.lock {
                Lock::Ours => self.lock = Lock::Free,
                Lock::Peers { wanted: true } => self.lock = Lock::Peers { wanted: false },
                lock => panic!("nothing to give back: {lock:?}"),
            },
            Action::Refresh {
                client,
                number,
                key,
            } => self.send_refresh(client, number, key),
            Action::Reload => self.reloads += 1,
            Action::Tell(word) => {
                // In the place where words are kept there is one.
                self.kept = None;
                if word.cause == Cause::Superseded {
                    self.rules.underway = None;
                }
                self.rules.renewed_at = self.now - word.age;
                self.told.push(word);
            }
            Action::Announce { event, credit } => self.note(event, credit),
        }
    }

    fn take_in_renewal(&mut self, actions: &[Action]) {
        for action in actions {
            if let Action::Tell(word) = action {
                self.rules.renewed_at = self.now - word.age;
                if matches!(word.news, News::SignedIn | News::SignedOut) {
                    self.rules.underway = None;
                }
            }
        }
        if self.rules.answered {
            // An answer that comes late is news here, though not to the peers.
            self.rules.renewed_at = self.now;
        }
        let is_found = !self.rules.answered;
        self.begin_epoch();
        self.rules.found_in = is_found.then_some(self.rules.epoch);
    }

    fn ask_for_lock(&mut self) {
        match self.lock {
            Lock::Free => {
                self.lock = Lock::Ours;
                let kept = self.kept();
                if let Some(word) = kept {
                    self.take_in(word);
                }
                self.session.handle_lock(self.now, false, kept);
            }
            Lock::Peers { .. } => {
                self.lock = Lock::Peers { wanted: true };
                self.rules.lost_in = Some(self.rules.epoch);
                self.session.handle_busy(self.now);
            }
            Lock::Ours => panic!("the lock is asked for twice"),
        }
    }

    fn send(&mut self, id: CallId) {
        let (epoch, lost_in) = (self.rules.epoch, self.rules.lost_in);
        let seen = self.calls.get_mut(&key(id)).unwrap();
        assert_eq!(seen.got, None, "a call that is settled is not sent");
        assert!(
            !seen.on_wire,
            "a request is not sent while it is on the wire"
        );
        if let Some(Attempt { epoch: before, .. }) = seen.attempts.last().copied() {
            let may_be = matches!(
                seen.kind,
                Kind::Request { replayable: true } | Kind::SignOut
            );
            assert!(may_be, "sent a second time");
            assert!(
                !(seen.replayed && self.alone),
                "a call is replayed once: {:?} {epoch} {lost_in:?} {:?} {:?}",
                seen.attempts,
                seen.id,
                self.session
            );
            let asks = lost_in == Some(epoch) || self.rules.found_in == Some(epoch);
            let anew = seen.held.is_none() && self.session.standing() == Standing::Expired;
            assert!(
                before < epoch || asks || anew || !self.alone || seen.kind == Kind::SignOut,
                "sent again under the cookie that was refused"
            );
            seen.replayed = !asks;
        }
        seen.held = None;
        seen.on_wire = true;
        seen.attempts.push(Attempt {
            at: self.now,
            epoch,
            cookie: self.cookie,
        });
        self.wire.push_back(Wire::Call(id));
    }

    fn send_refresh(&mut self, client: ClientId, number: u32, key: Key) {
        assert_eq!(self.lock, Lock::Ours, "a refresh without the lock");
        let rules = &self.rules;
        assert_eq!(rules.underway, None, "one refresh at a time");
        let unauthorized = rules.unauthorized_in == Some(rules.epoch);
        let expired = rules.expires_at.is_some_and(|it| self.now >= it);
        let asked = self.calls.values().any(Seen::is_waiting_command);
        let learnt = self.told.iter().any(|word| word.lifetime.is_used());
        let known = unauthorized || expired || asked || learnt;
        assert!(known || !self.alone, "a refresh for nothing");
        self.rules.underway = Some(number);
        self.wire.push_back(Wire::Refresh(number));
        self.refreshes.push(Refreshed {
            at: self.now,
            client,
            number,
            key,
        });
    }

    fn note(&mut self, event: Event, credit: Credit) {
        let Credit { client, cause, .. } = credit;
        match event {
            Event::Expired if client.is_none() || cause == Cause::Superseded => {}
            Event::Expired => assert!(
                self.rules.refused || !self.alone,
                "expired, and no refresh was refused"
            ),
            Event::Unavailable if cause == Cause::Overdue => {
                self.rules.underway = None;
                self.rules.lost_in = Some(self.rules.epoch);
            }
            Event::Refreshed | Event::Unavailable | Event::Ineffective => {}
        }
        self.events.push((event, cause));
    }

    /// What was sent since the cookie changed has the new one.
    fn begin_epoch(&mut self) {
        let rules = &mut self.rules;
        rules.renewed();
        // An age and back is not exact.
        let moment = rules.renewed_at + 0.001;
        for seen in self.calls.values_mut() {
            for attempt in &mut seen.attempts {
                if attempt.at > moment {
                    attempt.epoch = rules.epoch;
                    if seen.got.is_none() && !seen.on_wire {
                        rules.unauthorized_in = Some(rules.epoch);
                    }
                }
            }
        }
    }

    /// A peer's word makes it uncertain what became of a refresh, or begins another epoch unannounced.
    fn take_in(&mut self, word: Word) {
        self.rules.renewed_at = self.now - word.age;
        match word.news {
            News::SignedIn | News::SignedOut => {
                self.rules.underway = None;
                self.rules.refused = false;
                self.begin_epoch();
            }
            _ => self.rules.lost_in = Some(self.rules.epoch),
        }
    }

    fn settle(&mut self, id: CallId, got: Got) {
        let seen = self.calls.get_mut(&key(id)).unwrap();
        assert_eq!(seen.got, None, "a call settles once");
        seen.got = Some(got);
    }

    fn arrive(&mut self, id: CallId) {
        self.wire.retain(|it| *it != Wire::Call(id));
        self.calls.get_mut(&key(id)).unwrap().on_wire = false;
    }

    fn issue_token(&mut self) {
        self.cookie += 1;
        self.valid = Some(self.cookie);
    }

    fn seen(&self, id: CallId) -> &Seen {
        &self.calls[&key(id)]
    }
}

impl Seen {
    fn is_waiting_command(&self) -> bool {
        self.got.is_none() && matches!(self.kind, Kind::EnsureFresh { .. } | Kind::Refresh)
    }
}

impl Rules {
    fn renewed(&mut self) {
        self.epoch += 1;
        self.expires_at = None;
    }

    fn grant(&mut self, asked_at: Millis, grant: Grant) {
        if grant.lifetime.is_finite() {
            self.expires_at = Some(asked_at + grant.lifetime);
        }
    }
}

fn is_renewal(action: &Action) -> bool {
    match action {
        Action::Announce { event, .. } => *event == Event::Refreshed,
        Action::Tell(word) => matches!(word.news, News::SignedIn | News::SignedOut),
        _ => false,
    }
}

fn key(id: CallId) -> u64 {
    id.to_number() as u64
}

/// A word of a peer's, of something that came about so long ago.
pub(super) fn peers_word(news: News, age: Millis, span: Millis) -> Word {
    Word {
        news,
        age,
        span,
        sent: age,
        cause: Cause::Unauthorized,
        status: 0,
        address: 0,
        session: Key::default(),
        subject: 0,
        lifetime: Lifetime::default(),
        key: Key {
            seed: 2.0,
            number: 7,
        },
    }
}

/// A refresh that was answered.
pub(super) fn answered(status: u16, retry_after: Option<Millis>) -> RefreshEnd {
    RefreshEnd::Answered {
        status,
        said: None,
        retry_after,
        grant: Grant::default(),
    }
}
