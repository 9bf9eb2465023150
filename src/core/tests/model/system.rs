//! Some tabs, the browser that they share and their server, as one state; and what can happen to it.
//!
//! A tab is a real [`Session`]. What the shell does with its actions is done here: the lock is asked for where it is free
//! and queued for where it is not, words go to every other tab and into storage, a refresh outlives its page.

use std::hash::{Hash, Hasher};

use super::super::world::{HOUR, PRIVATE, PUBLIC, SECOND, answered};
use crate::core::{
    Action, Answer, CallId, Cause, ClientId, Event, Grant, Imprint, Key, Kind, Millis, News,
    RefreshEnd, Session, Standing, Word,
};

/// How long a call may wait for us.
const TIMEOUT: Millis = 2.0 * SECOND;
/// How long a lenient server takes a consumed token for the loser of a race.
const LEEWAY: Millis = 10.0 * SECOND;
/// Nothing that happens takes so long, but for sleep.
const UNENDING: Millis = 300.0 * SECOND;
const CLIENT: ClientId = ClientId(0);

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Breach {
    TwoRefreshes,
    TokenReused,
    RefreshedForNothing,
    RefreshedBlindly,
    ExpiredUnasked,
    LeftSignedOut,
    Revived,
    /// Served as who was signed in before, and nobody was told.
    ServedAsAnother,
    /// Told that cookies had been replaced, where the lock keeps that from happening.
    SupersededByMistake,
    LeftWaiting,
    Unending,
    ReplayedTwice,
    LockedIdle,
    UnauthorizedByMistake,
    NotAnswered,
    /// Told that the session was over, and believed alive again though it is not.
    BelievedAlive,
}

/// How much may happen. What is not named here may always: answers and words may come in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    /// By tab.
    pub(super) calls: [u8; 3],
    /// How often time passes while something could still arrive.
    pub(super) delays: u8,
    /// Access tokens expire (they have already, once).
    pub(super) expiries: u8,
    /// The server ends the session by itself.
    pub(super) ends: u8,
    pub(super) lost_requests: u8,
    /// The server has rotated the token, and the cookies are lost with its answer.
    pub(super) lost_answers: u8,
    /// The cookies arrive, and the page does not hear of it.
    pub(super) unheard: u8,
    pub(super) server_errors: u8,
    pub(super) lost_words: u8,
    pub(super) deaths: u8,
    pub(super) births: u8,
    pub(super) freezes: u8,
    pub(super) aborts: u8,
    pub(super) sign_outs: u8,
    pub(super) sign_ins: u8,
    /// Somebody else signs in while somebody is signed in.
    pub(super) switches: u8,
    /// Somebody signs in beside the client, which is told.
    pub(super) forms: u8,
    /// A sign-out is refused, or does not arrive.
    pub(super) failed_sign_outs: u8,
    pub(super) sleeps: u8,
    /// The wall clock is set ahead or back by an hour.
    pub(super) jumps: u8,
    /// What is written in storage is not what is read.
    pub(super) stale_reads: u8,
    /// A page goes to the back-forward cache, where it hears nobody, and comes back.
    pub(super) absences: u8,
    /// Requests to where everybody is let in.
    pub(super) publics: u8,
    /// Somebody else rotates the cookie: a server that renders pages, say.
    pub(super) rotations: u8,
}

/// In which the shell lies to the core, so that it does what a broken core would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mutant {
    #[default]
    None,
    /// The lock is granted though it is taken.
    SkipsLock,
    /// Who had to wait for the lock is not told so, and nothing is read in storage under it.
    ChecksNothingInLock,
    /// A loss is taken for an answer that says "later".
    ResendsBlindly,
    /// What is kept of pages that are gone is not read.
    IgnoresOrphans,
    /// A refresh ends with its page.
    LacksKeepalive,
    /// A refresh that is tried again has a key of its own.
    ForgetsKey,
    /// Every word is taken for new.
    IgnoresAge,
    /// A sign-in is sent at once, and takes no lock.
    SignsInUnlocked,
    /// A sign-out is taken for one as it is sent.
    SignsOutUnheard,
    /// A success anywhere is taken for one where a request was refused.
    RevivesByAny,
    /// A refusal is believed, and nobody asks.
    BelievesRefusals,
}

/// One configuration.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) name: &'static str,
    pub(super) tabs: usize,
    pub(super) budget: Budget,
    /// The server answers a key that it has seen as it did before.
    pub(super) knows_keys: bool,
    /// A consumed token is good for some seconds more.
    pub(super) lenient: bool,
    /// A consumed token is refused, and that is all.
    pub(super) mild: bool,
    pub(super) locks: bool,
    /// An answer from the lock manager takes its time, as any other.
    pub(super) slow_locks: bool,
    /// What the server says to a request, and when it arrives, are two events.
    pub(super) slow_answers: bool,
    /// By tab.
    pub(super) storage: [bool; 3],
    pub(super) channel: bool,
    /// No refresh is on the wire for longer than it is given.
    pub(super) prompt: bool,
    pub(super) unchecked: &'static [Breach],
    pub(super) mutant: Mutant,
}

#[derive(Clone, Debug)]
pub(super) struct System {
    now: Millis,
    /// How far the wall clock is ahead of its start.
    wall: Millis,
    pages: Vec<Option<Page>>,
    born: u8,
    wire: Vec<Message>,
    jar: Jar,
    server: Server,
    holder: Option<usize>,
    kept: Option<Posted>,
    /// What was kept before that.
    kept_before: Option<Posted>,
    pub(super) left: Budget,
    /// The user has signed out, and not in since.
    signed_out: bool,
    pub(super) breach: Option<Breach>,
}

#[derive(Clone, Debug)]
struct Page {
    session: Session,
    /// Its clock starts here.
    born: Millis,
    seed: u8,
    frozen: bool,
    lease: Lease,
    /// Its own latest word.
    said: Option<Posted>,
    inbox: Vec<Posted>,
    calls: Vec<Seen>,
    /// Counts the renewals that it announced.
    renewals: u8,
    /// Since when it does not know what became of its refresh.
    blind: Option<Millis>,
    /// Its refresh was refused, and that may be believed yet: whether the session was over.
    refused: Option<bool>,
    /// It was told that the session was over.
    told_over: bool,
    /// It was told that somebody else's cookies are there.
    superseded: bool,
    /// It announced that a refresh had changed nothing; then it may hand over a 401 for a while.
    ineffective: bool,
    /// When the refresh that it is about to send will be overdue.
    limit: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lease {
    None,
    /// Asked for where it is free.
    Asked,
    /// Waited for.
    Queued,
    Ours,
}

/// A call, as its caller sees it.
#[derive(Clone, Debug)]
struct Seen {
    id: CallId,
    kind: Kind,
    /// The access cookie of the latest attempt.
    cookie: u32,
    /// That of the latest attempt that was refused.
    refused: Option<u32>,
    /// Of the page, when the latest attempt was sent.
    renewals: u8,
    sends: u8,
    replays: u8,
    /// The session was over at some moment of its wait.
    over: bool,
    /// Everybody is let in.
    public: bool,
}

/// A word on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Posted {
    word: Word,
    by: u8,
    /// When it came about, by the wall clock.
    stamp: Millis,
}

/// Something on the wire.
#[derive(Clone, Debug)]
struct Message {
    slot: usize,
    seed: u8,
    what: What,
    /// The access cookie or, for what is about the session, the refresh cookie.
    cookie: u32,
    at: Millis,
    stage: Stage,
    /// Nobody waits for the answer, and its cookies are not taken.
    given_up: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Call(CallId),
    Public(CallId),
    SignIn(CallId),
    SignOut(CallId),
    Refresh {
        number: u32,
        key: Key,
        limit: Millis,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Sent,
    Served(Reply),
    /// The browser has it, and its page does not know it yet.
    Arrived(Reply),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reply {
    Ok,
    Unauthorized,
    /// Cookies of this number.
    Renewed(u32),
    /// `over`: and the session was, so it is no mistake.
    Refused {
        over: bool,
    },
    Unavailable,
    /// To a sign-out.
    Denied,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Jar {
    access: u32,
    refresh: u32,
}

/// Its tokens are numbers: those of a later sign-in begin with the next ten.
#[derive(Clone, Debug)]
struct Server {
    current: u32,
    over: bool,
    /// Access tokens up to this one have expired.
    expired: u32,
    /// Under which key and when.
    consumed: Vec<(u32, Key, Millis)>,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    Call(usize),
    Public(usize),
    Rotate,
    SignOut(usize),
    SignIn(usize),
    Form(usize),
    Abort(usize, CallId),
    Serve(usize),
    ServeError(usize),
    Deliver(usize),
    DeliverCookiesOnly(usize),
    LoseRequest(usize),
    LoseAnswer(usize),
    Hear(usize, usize),
    MissWord(usize, usize),
    AnswerLock(usize),
    Grant { slot: usize, stale: bool },
    Ring(usize),
    Expire,
    End,
    Die(usize),
    ComeUp(usize),
    Freeze(usize),
    Thaw(usize),
    Absent(usize),
    Sleep,
    Jump(i8),
}

impl Model {
    pub(super) fn start(&self) -> System {
        let mut system = System {
            now: 0.0,
            wall: 0.0,
            pages: vec![None; self.tabs],
            born: 0,
            wire: Vec::new(),
            jar: Jar::of(11),
            server: Server {
                current: 11,
                over: false,
                expired: 11,
                consumed: Vec::new(),
            },
            holder: None,
            kept: None,
            kept_before: None,
            left: self.budget,
            signed_out: false,
            breach: None,
        };
        for slot in 0..self.tabs {
            system.come_up(slot);
        }
        system
    }

    /// What can happen.
    pub(super) fn steps(&self, it: &System, steps: &mut Vec<Step>) {
        if it.breach.is_some() {
            return;
        }
        let left = &it.left;
        for (index, message) in it.wire.iter().enumerate() {
            self.steps_of_message(it, index, message, steps);
        }
        for (slot, page) in it.pages.iter().enumerate() {
            match page {
                Some(page) => self.steps_of_page(it, slot, page, steps),
                None if left.births > 0 => steps.push(Step::ComeUp(slot)),
                None => {}
            }
        }
        if left.expiries > 0
            && !it.server.over
            && it.jar.access == it.server.current
            && it.server.expired < it.jar.access
            && !it
                .wire
                .iter()
                .any(|message| message.cookie == it.jar.access)
        {
            // A token that has just been issued lasts longer than a request with it.
            steps.push(Step::Expire);
        }
        if left.ends > 0 && !it.server.over {
            steps.push(Step::End);
        }
        if left.sleeps > 0 && !it.wire.iter().any(Message::is_refresh) && it.is_busy() {
            steps.push(Step::Sleep);
        }
        if left.rotations > 0 && !it.server.over && it.jar.refresh == it.server.current {
            steps.push(Step::Rotate);
        }
        if left.jumps > 0 && it.is_busy() {
            steps.extend([Step::Jump(-1), Step::Jump(1)]);
        }
    }

    fn steps_of_message(
        &self,
        it: &System,
        index: usize,
        message: &Message,
        steps: &mut Vec<Step>,
    ) {
        let left = &it.left;
        let refreshes = message.is_refresh();
        let page = it.page_of(message);
        let frozen = page.is_some_and(|page| page.frozen);
        match message.stage {
            Stage::Sent => {
                if self.slow_answers || refreshes || frozen {
                    steps.push(Step::Serve(index));
                } else {
                    steps.push(Step::Deliver(index));
                }
                // One that is sent once more has been accepted before.
                let signs_out = matches!(message.what, What::SignOut(_))
                    && page.is_some_and(|page| {
                        page.calls.iter().any(|it| it.signs() && it.sends == 1)
                    });
                if refreshes && left.server_errors > 0 || signs_out && left.failed_sign_outs > 0 {
                    steps.push(Step::ServeError(index));
                }
                if signs_out && left.failed_sign_outs > 0 && !frozen {
                    steps.push(Step::LoseRequest(index));
                }
                if refreshes && left.lost_requests > 0 && !frozen {
                    steps.push(Step::LoseRequest(index));
                }
            }
            Stage::Served(_) => {
                steps.push(Step::Deliver(index));
                if refreshes && left.lost_answers > 0 && !frozen {
                    steps.push(Step::LoseAnswer(index));
                }
                if refreshes && left.unheard > 0 && !frozen && page.is_some() {
                    steps.push(Step::DeliverCookiesOnly(index));
                }
            }
            Stage::Arrived(_) if frozen => {}
            Stage::Arrived(_) => steps.push(Step::Deliver(index)),
        }
    }

    fn steps_of_page(&self, it: &System, slot: usize, page: &Page, steps: &mut Vec<Step>) {
        let left = &it.left;
        if page.frozen {
            steps.push(Step::Thaw(slot));
        } else {
            // The tabs are alike, so one begins.
            let first = slot == 0
                || it.born as usize > self.tabs
                || it.left.calls[0] < self.budget.calls[0]
                || self.budget.calls[0] == 0;
            if left.calls[slot] > 0 && first {
                steps.push(Step::Call(slot));
            }
            if left.publics > 0 && first {
                steps.push(Step::Public(slot));
            }
            let signs_out = |page: &Page| page.calls.iter().any(Seen::signs);
            if left.sign_outs > 0 && !it.signed_out && !it.pages.iter().flatten().any(signs_out) {
                steps.push(Step::SignOut(slot));
            }
            let is_over = it.signed_out || it.server.over;
            // The user does one thing at a time.
            let signs =
                |message: &Message| matches!(message.what, What::SignIn(_) | What::SignOut(_));
            let waits = |page: &Page| page.calls.iter().any(Seen::signs);
            let signing = it.wire.iter().any(signs) || it.pages.iter().flatten().any(waits);
            if !signing && (left.sign_ins > 0 && is_over || left.switches > 0) {
                steps.push(Step::SignIn(slot));
            }
            // Cookies of the session before do not come after those of a form: no lock keeps them from it.
            let comes = |message: &Message| message.is_refresh() && message.stage != Stage::Sent;
            if left.forms > 0 && !signing && !it.wire.iter().any(comes) {
                steps.push(Step::Form(slot));
            }
            if left.aborts > 0 {
                steps.extend(page.calls.iter().map(|call| Step::Abort(slot, call.id)));
            }
            for index in 0..page.inbox.len() {
                steps.push(Step::Hear(slot, index));
                if left.lost_words > 0 {
                    steps.push(Step::MissWord(slot, index));
                }
            }
            match page.lease {
                Lease::Asked => steps.push(Step::AnswerLock(slot)),
                Lease::Queued if it.holder.is_none() => {
                    steps.push(Step::Grant { slot, stale: false });
                    if left.stale_reads > 0 {
                        steps.push(Step::Grant { slot, stale: true });
                    }
                }
                _ => {}
            }
            if self.may_ring(it, page) {
                steps.push(Step::Ring(slot));
            }
            if left.freezes > 0 && page.session.poll_timeout().is_finite() {
                steps.push(Step::Freeze(slot));
            }
            let is_quiet = page.lease == Lease::None && !it.wire.iter().any(|it| it.slot == slot);
            if left.absences > 0 && is_quiet {
                steps.push(Step::Absent(slot));
            }
        }
        if left.deaths > 0 && (page.lease != Lease::None || it.is_busy()) {
            steps.push(Step::Die(slot));
        }
    }

    /// Time passes up to the next timer, at once if nothing else can happen, or late if it may.
    fn may_ring(&self, it: &System, page: &Page) -> bool {
        let Some(timer) = page.timer() else {
            return false;
        };
        if timer <= it.now {
            return true;
        }
        let awake = it.pages.iter().flatten().filter(|page| !page.frozen);
        let is_next = awake.filter_map(Page::timer).all(|other| timer <= other);
        let is_bound = |message: &Message| {
            let What::Refresh { limit, .. } = message.what else {
                return false;
            };
            self.prompt && timer >= limit && !matches!(message.stage, Stage::Arrived(_))
        };
        is_next
            && !it.wire.iter().any(is_bound)
            && (it.left.delays > 0 || !it.has_something_coming())
    }

    /// What comes of it.
    pub(super) fn take(&self, before: &System, step: Step) -> System {
        let mut it = before.clone();
        it.now += 1.0;
        match step {
            Step::Call(slot) => {
                it.left.calls[slot] -= 1;
                it.call(slot, Kind::Request { replayable: true });
                self.obey(&mut it, slot);
            }
            Step::Public(slot) => {
                it.left.publics -= 1;
                let address = if self.mutant == Mutant::RevivesByAny {
                    PRIVATE
                } else {
                    PUBLIC
                };
                it.call_to(slot, Kind::Request { replayable: true }, address, true);
                self.obey(&mut it, slot);
            }
            Step::Rotate => {
                it.left.rotations -= 1;
                let token = it.jar.refresh;
                if let Reply::Renewed(number) = self.rotate(&mut it, token, Key::default()) {
                    it.jar = Jar::of(number);
                }
            }
            Step::SignOut(slot) => {
                it.left.sign_outs -= 1;
                it.call(slot, Kind::SignOut);
                self.obey(&mut it, slot);
            }
            Step::SignIn(slot) => {
                if it.signed_out || it.server.over {
                    it.left.sign_ins = it.left.sign_ins.saturating_sub(1);
                } else {
                    it.left.switches -= 1;
                }
                if self.mutant == Mutant::SignsInUnlocked {
                    it.begin_unlocked(slot);
                } else {
                    it.call(slot, Kind::SignIn);
                }
                self.obey(&mut it, slot);
            }
            Step::Form(slot) => {
                it.left.forms -= 1;
                it.begin_unlocked(slot);
                self.obey(&mut it, slot);
            }
            Step::Abort(slot, id) => {
                it.left.aborts -= 1;
                it.tell(slot, |session, now| session.handle_abort(now, id));
                it.forget(slot, id);
                it.wire
                    .retain(|message| !(message.slot == slot && message.what == What::Call(id)));
                self.obey(&mut it, slot);
            }
            Step::Serve(index) => self.serve(&mut it, index),
            Step::ServeError(index) => {
                let reply = if it.wire[index].is_refresh() {
                    it.left.server_errors -= 1;
                    Reply::Unavailable
                } else {
                    it.left.failed_sign_outs -= 1;
                    Reply::Denied
                };
                it.wire[index].stage = Stage::Served(reply);
            }
            Step::Deliver(index) => {
                if it.wire[index].stage == Stage::Sent {
                    self.serve(&mut it, index);
                }
                self.deliver(&mut it, index, false);
            }
            Step::DeliverCookiesOnly(index) => {
                it.left.unheard -= 1;
                self.deliver(&mut it, index, true);
            }
            Step::LoseRequest(index) => {
                if it.wire[index].is_refresh() {
                    it.left.lost_requests -= 1;
                } else {
                    it.left.failed_sign_outs -= 1;
                }
                self.lose(&mut it, index);
            }
            Step::LoseAnswer(index) => {
                it.left.lost_answers -= 1;
                self.lose(&mut it, index);
            }
            Step::Hear(slot, index) => {
                let posted = it.page_mut(slot).inbox.remove(index);
                let word = self.read(&it, posted);
                it.tell(slot, |session, now| session.handle_word(now, word));
                self.obey(&mut it, slot);
            }
            Step::MissWord(slot, index) => {
                it.left.lost_words -= 1;
                it.page_mut(slot).inbox.remove(index);
            }
            Step::AnswerLock(slot) => {
                self.answer_lock(&mut it, slot);
                self.obey(&mut it, slot);
            }
            Step::Grant { slot, stale } => {
                it.left.stale_reads -= u8::from(stale);
                self.grant(&mut it, slot, true, stale);
                self.obey(&mut it, slot);
            }
            Step::Ring(slot) => {
                if it.has_something_coming()
                    && it.page(slot).timer().is_some_and(|at| at > before.now)
                {
                    it.left.delays = it.left.delays.saturating_sub(1);
                }
                it.now = it
                    .page(slot)
                    .timer()
                    .map_or(it.now, |timer| timer.max(it.now));
                it.tell(slot, Session::handle_time);
                self.obey(&mut it, slot);
                if it.page(slot).timer().is_some_and(|timer| timer <= it.now) {
                    it.breach = Some(Breach::Unending);
                }
            }
            Step::Expire => {
                it.left.expiries -= 1;
                it.server.expired = it.server.current;
            }
            Step::End => {
                it.left.ends -= 1;
                it.end_session();
            }
            Step::Die(slot) => self.die(&mut it, slot),
            Step::ComeUp(slot) => {
                it.left.births -= 1;
                it.come_up(slot);
                let kept = self.kept(&it, slot, false);
                it.tell(slot, |session, now| session.handle_open(now, kept, true));
                self.obey(&mut it, slot);
            }
            Step::Freeze(slot) => {
                it.left.freezes -= 1;
                it.page_mut(slot).frozen = true;
            }
            Step::Thaw(slot) => it.page_mut(slot).frozen = false,
            Step::Absent(slot) => {
                it.left.absences -= 1;
                it.page_mut(slot).inbox.clear();
                let kept = self.kept(&it, slot, false);
                it.tell(slot, |session, now| session.handle_return(now, kept));
                self.obey(&mut it, slot);
            }
            Step::Sleep => {
                it.left.sleeps -= 1;
                it.now += HOUR;
            }
            Step::Jump(hours) => {
                it.left.jumps -= 1;
                it.wall += f64::from(hours) * HOUR;
            }
        }
        self.judge(&mut it);
        if it
            .breach
            .is_some_and(|breach| self.unchecked.contains(&breach))
        {
            it.breach = None;
        }
        it
    }

    // The server.

    fn serve(&self, it: &mut System, index: usize) {
        let Message { what, cookie, .. } = it.wire[index];
        let reply = match what {
            What::Call(_) if cookie > it.server.expired => Reply::Ok,
            What::Call(_) => Reply::Unauthorized,
            What::Public(_) => Reply::Ok,
            What::SignIn(_) => Reply::Renewed(it.begin_session()),
            What::SignOut(_) => {
                // It ends the token that it is given, and no other.
                if cookie == it.server.current {
                    it.end_session();
                }
                it.signed_out = true;
                it.note_over();
                Reply::Ok
            }
            What::Refresh { key, .. } => self.rotate(it, cookie, key),
        };
        it.wire[index].stage = Stage::Served(reply);
    }

    fn rotate(&self, it: &mut System, token: u32, key: Key) -> Reply {
        // A token of a session before this one is nobody's.
        if it.server.over || token / 10 != it.server.current / 10 {
            return Reply::Refused { over: true };
        }
        if token == it.server.current {
            it.server.consumed.push((token, key, it.now));
            it.server.current += 1;
            return Reply::Renewed(it.server.current);
        }
        if self.mild {
            return Reply::Refused { over: false };
        }
        let mut consumed = it.server.consumed.iter().rev();
        let before = consumed.find(|(other, ..)| *other == token);
        let is_again = before.is_some_and(|(_, used, _)| *used == key);
        let is_recent = before.is_some_and(|(.., at)| it.now < at + LEEWAY);
        if (self.knows_keys && is_again && token + 1 == it.server.current)
            || (self.lenient && is_recent)
        {
            return Reply::Renewed(it.server.current);
        }
        // Where the answer was lost, and keys mean nothing, nobody could have helped it.
        if self.knows_keys || !is_again || self.budget.lost_answers == 0 {
            it.breach = Some(Breach::TokenReused);
        }
        it.end_session();
        Reply::Refused { over: true }
    }

    // The network.

    fn deliver(&self, it: &mut System, index: usize, unheard: bool) {
        let message = it.wire.remove(index);
        let reply = match message.stage {
            Stage::Served(reply) => {
                if !message.given_up {
                    it.take_cookies(message.what, reply);
                }
                reply
            }
            Stage::Arrived(reply) => reply,
            Stage::Sent => return,
        };
        let slot = message.slot;
        let Some(page) = it.page_of(&message) else {
            return;
        };
        if message.given_up {
            return;
        }
        if page.frozen {
            let stage = Stage::Arrived(reply);
            it.wire.insert(index, Message { stage, ..message });
            return;
        }
        match message.what {
            What::Call(id) | What::Public(id) | What::SignIn(id) | What::SignOut(id) => {
                self.deliver_answer(it, slot, id, message.at, reply);
            }
            What::Refresh { number, limit, .. } => {
                let end = match reply {
                    _ if unheard => RefreshEnd::Lost,
                    Reply::Unavailable => answered(503, None),
                    Reply::Refused { .. } => answered(401, None),
                    _ => answered(200, None),
                };
                let refused = match reply {
                    Reply::Refused { over } if !unheard => Some(over),
                    _ => None,
                };
                self.end_refresh(it, slot, number, limit, end, refused);
            }
        }
    }

    fn deliver_answer(
        &self,
        it: &mut System,
        slot: usize,
        id: CallId,
        sent_at: Millis,
        reply: Reply,
    ) {
        let expired = reply == Reply::Unauthorized;
        let is_success = matches!(reply, Reply::Ok | Reply::Renewed(_));
        let page = it.page_mut(slot);
        let Some(seen) = page.calls.iter_mut().find(|seen| seen.id == id) else {
            return;
        };
        if expired && page.blind.is_some_and(|blind| sent_at >= blind) {
            page.blind = None;
        }
        let before = std::mem::take(&mut seen.refused);
        seen.refused = expired.then_some(seen.cookie);
        // Whether a 401 would be an answer: it has been sent under two cookies, and both were refused.
        let twice = before.is_some_and(|before| seen.cookie > before);
        seen.over |= expired && twice;
        if is_success && seen.signs() {
            page.begin_session();
        }
        let answer = Answer {
            status: 0,
            expired,
            ok: is_success,
            begins: is_success,
            ends: is_success,
            grant: Grant::default(),
        };
        it.tell(slot, |session, now| session.handle_answer(now, id, answer));
        self.obey(it, slot);
    }

    fn lose(&self, it: &mut System, index: usize) {
        let message = it.wire.remove(index);
        if message.given_up || it.page_of(&message).is_none() {
            return;
        }
        let slot = message.slot;
        match message.what {
            What::Refresh { number, limit, .. } => {
                self.end_refresh(it, slot, number, limit, RefreshEnd::Lost, None);
            }
            What::Call(id) | What::Public(id) | What::SignIn(id) | What::SignOut(id) => {
                it.forget(slot, id);
                it.tell(slot, |session, now| session.handle_rejection(now, id));
                self.obey(it, slot);
            }
        }
    }

    fn end_refresh(
        &self,
        it: &mut System,
        slot: usize,
        number: u32,
        limit: Millis,
        end: RefreshEnd,
        refused: Option<bool>,
    ) {
        let now = it.now;
        let lost = matches!(end, RefreshEnd::Lost);
        if lost && now < limit {
            it.page_mut(slot).blind = Some(now);
        }
        let end = match self.mutant {
            Mutant::ResendsBlindly if lost => answered(503, None),
            _ => end,
        };
        let page = it.page_mut(slot);
        page.refused = page.refused.max(refused);
        it.tell(slot, |session, now| {
            session.handle_refresh_end(now, number, end)
        });
        self.obey(it, slot);
    }

    // The browser.

    fn die(&self, it: &mut System, slot: usize) {
        it.left.deaths -= 1;
        it.pages[slot] = None;
        if it.holder == Some(slot) {
            it.holder = None;
        }
        it.wire
            .retain(|message| message.slot != slot || message.is_refresh());
        if self.mutant == Mutant::LacksKeepalive {
            let gone = it.wire.iter_mut().filter(|message| message.slot == slot);
            gone.for_each(|message| message.given_up = true);
        }
    }

    fn answer_lock(&self, it: &mut System, slot: usize) {
        let free = it.holder.is_none() || !self.locks || self.mutant == Mutant::SkipsLock;
        if free {
            self.grant(it, slot, false, false);
        } else {
            it.page_mut(slot).lease = Lease::Queued;
            it.tell(slot, Session::handle_busy);
        }
    }

    fn grant(&self, it: &mut System, slot: usize, waited: bool, stale: bool) {
        it.holder = Some(slot);
        it.page_mut(slot).lease = Lease::Ours;
        let kept = self.kept(it, slot, stale);
        let (waited, kept) = match self.mutant {
            Mutant::ChecksNothingInLock => (false, None),
            _ => (waited, kept),
        };
        it.tell(slot, |session, now| session.handle_lock(now, waited, kept));
    }

    /// What a page finds in storage, unless it is its own.
    fn kept(&self, it: &System, slot: usize, stale: bool) -> Option<Word> {
        let kept = if stale { it.kept_before } else { it.kept };
        let readable = self.storage[slot];
        let said = it.page(slot).said;
        let kept = kept.filter(|kept| readable && Some(*kept) != said);
        let ignored = self.mutant == Mutant::IgnoresOrphans;
        let kept = kept.filter(|kept| !(ignored && kept.word.news == News::Started));
        kept.map(|kept| self.read(it, kept))
    }

    /// The word as it is now: it says how old it is.
    fn read(&self, it: &System, posted: Posted) -> Word {
        let age = match self.mutant {
            Mutant::IgnoresAge => 0.0,
            _ => it.now + it.wall - posted.stamp,
        };
        let sent = age + (posted.word.sent - posted.word.age).max(0.0);
        Word {
            age,
            sent,
            ..posted.word
        }
    }

    // The shell.

    fn obey(&self, it: &mut System, slot: usize) {
        while let Some(action) = it.page_mut(slot).session.poll_action() {
            match action {
                Action::Send { call }
                    if self.mutant == Mutant::BelievesRefusals
                        && it.page(slot).refused.is_some() =>
                {
                    let expired = Answer {
                        status: 401,
                        expired: true,
                        ..Answer::default()
                    };
                    it.tell(slot, |session, now| {
                        session.handle_answer(now, call, expired)
                    });
                }
                Action::Send { call } => {
                    it.send(slot, call);
                    let page = it.page(slot);
                    let is_sign_out = |seen: &Seen| seen.id == call && seen.kind == Kind::SignOut;
                    if self.mutant == Mutant::SignsOutUnheard && page.calls.iter().any(is_sign_out)
                    {
                        it.tell(slot, Session::handle_signed_out);
                    }
                }
                Action::Hold { .. } => {}
                Action::Answer { call } => it.settle(slot, call),
                Action::Done { call } => it.forget(slot, call),
                Action::Fail { call, .. } => {
                    it.forget(slot, call);
                    if self.is_harmless() {
                        it.breach = Some(Breach::NotAnswered);
                    }
                }
                Action::Lock => {
                    it.page_mut(slot).lease = Lease::Asked;
                    if !self.slow_locks {
                        self.answer_lock(it, slot);
                    }
                }
                Action::Unlock => {
                    if it.holder == Some(slot) {
                        it.holder = None;
                    }
                    it.page_mut(slot).lease = Lease::None;
                }
                Action::Refresh { number, key, .. } => self.send_refresh(it, slot, number, key),
                // Whoever comes back to it sees a page that is loaded anew; here it goes on.
                Action::Reload => {}
                Action::Tell(word) => self.post(it, slot, word),
                Action::Announce { event, credit } => {
                    it.announce(slot, event, credit.cause, credit.client.is_some());
                    // Where no refresh takes longer than it is given, no sign-in overtakes one.
                    if credit.cause == Cause::Superseded && self.prompt && self.locks {
                        it.breach = Some(Breach::SupersededByMistake);
                    }
                }
            }
        }
    }

    fn post(&self, it: &mut System, slot: usize, word: Word) {
        // Rounded up, to whole milliseconds.
        let stamp = it.now + it.wall - word.age + 1.0;
        let by = it.page(slot).seed;
        let posted = Posted { word, by, stamp };
        let limit = it.now + word.span;
        let page = it.page_mut(slot);
        page.said = Some(posted);
        if word.news == News::Started {
            page.limit = limit;
        }
        if self.storage[slot] {
            it.kept_before = it.kept;
            it.kept = Some(posted);
        }
        if self.channel {
            let others = it.pages.iter_mut().flatten().filter(|page| page.seed != by);
            others.for_each(|page| page.inbox.push(posted));
        }
    }

    fn send_refresh(&self, it: &mut System, slot: usize, number: u32, key: Key) {
        let now = it.now;
        let is_underway = |message: &Message| match message.what {
            What::Refresh { limit, .. } => !message.given_up && now < limit,
            _ => false,
        };
        let page = it.page(slot);
        let (seed, limit, blind) = (page.seed, page.limit, page.blind.is_some());
        if self.locks && it.wire.iter().any(is_underway) {
            it.breach = Some(Breach::TwoRefreshes);
        }
        if blind {
            it.breach = Some(Breach::RefreshedBlindly);
        }
        if it.jar.access > it.server.expired {
            it.breach = Some(Breach::RefreshedForNothing);
        }
        let key = match self.mutant {
            Mutant::ForgetsKey => Key {
                seed: seed.into(),
                number,
            },
            _ => key,
        };
        let cookie = it.jar.refresh;
        it.put(Message {
            slot,
            seed,
            what: What::Refresh { number, key, limit },
            cookie,
            at: now,
            stage: Stage::Sent,
            given_up: false,
        });
    }

    // What must hold.

    fn judge(&self, it: &mut System) {
        let breach = self.breach_of_locks(it).or_else(|| self.breach_at_rest(it));
        it.breach = it.breach.or(breach);
    }

    fn breach_of_locks(&self, it: &System) -> Option<Breach> {
        if it.now > UNENDING && self.budget.sleeps == 0 {
            return Some(Breach::Unending);
        }
        let holder = it.holder.filter(|_| self.locks)?;
        // A request that asks whether a refusal is to be believed.
        let asks = it.pages[holder]
            .as_ref()
            .is_some_and(|page| page.refused.is_some());
        let is_needed = |message: &Message| {
            let is_call = matches!(message.what, What::Call(_));
            message.slot == holder && (asks || !is_call) && !message.given_up
        };
        (!it.wire.iter().any(is_needed)).then_some(Breach::LockedIdle)
    }

    fn breach_at_rest(&self, it: &System) -> Option<Breach> {
        if it.breach.is_some() {
            return None;
        }
        let mut steps = Vec::new();
        self.steps(it, &mut steps);
        // What may happen but need not is no reason to wait.
        let is_due = |step: &Step| {
            matches!(
                step,
                Step::Serve(_)
                    | Step::Deliver(_)
                    | Step::Hear(..)
                    | Step::AnswerLock(_)
                    | Step::Grant { .. }
                    | Step::Ring(_)
                    | Step::Thaw(_)
            )
        };
        if steps.iter().any(is_due) {
            return None;
        }
        let waits = |page: &Page| {
            let timer = page.session.poll_timeout().is_finite();
            timer || !page.calls.is_empty() || page.session.standing() == Standing::Refreshing
        };
        if it.pages.iter().flatten().any(waits) || it.holder.is_some() {
            return Some(Breach::LeftWaiting);
        }
        if it.signed_out && !it.server.over && it.jar.refresh != 0 {
            return Some(Breach::Revived);
        }
        let believes = |page: &Page| page.session.standing() == Standing::Active;
        let is_anothers = it.jar.access != 0 && it.jar.access / 10 != it.server.current / 10;
        if is_anothers && it.pages.iter().flatten().any(believes) {
            return Some(Breach::ServedAsAnother);
        }
        let thinks_it_is_over =
            |page: &Page| page.session.standing() == Standing::Expired && !page.superseded;
        let is_mistaken = |page: &Page| page.told_over && believes(page);
        if it.server.over && it.pages.iter().flatten().any(is_mistaken) {
            return Some(Breach::BelievedAlive);
        }
        let over = it.server.over || it.signed_out;
        if !over && it.pages.iter().flatten().any(thinks_it_is_over) {
            return Some(Breach::LeftSignedOut);
        }
        None
    }

    /// Nothing goes wrong here, so that every call is to be answered.
    fn is_harmless(&self) -> bool {
        let calls_alone = Budget {
            calls: self.budget.calls,
            expiries: self.budget.expiries,
            absences: self.budget.absences,
            ends: self.budget.ends,
            ..Budget::default()
        };
        self.budget == calls_alone
    }
}

impl System {
    fn page(&self, slot: usize) -> &Page {
        self.pages[slot].as_ref().unwrap()
    }

    fn page_mut(&mut self, slot: usize) -> &mut Page {
        self.pages[slot].as_mut().unwrap()
    }

    /// Unless it is gone.
    fn page_of(&self, message: &Message) -> Option<&Page> {
        let page = self.pages[message.slot].as_ref();
        page.filter(|page| page.seed == message.seed)
    }

    fn tell<T>(&mut self, slot: usize, what: impl FnOnce(&mut Session, Millis) -> T) -> T {
        let now = self.now;
        let page = self.page_mut(slot);
        what(&mut page.session, now - page.born)
    }

    fn come_up(&mut self, slot: usize) {
        self.born += 1;
        self.pages[slot] = Some(Page {
            session: Session::new(self.born.into()),
            born: self.now,
            seed: self.born,
            frozen: false,
            lease: Lease::None,
            said: None,
            inbox: Vec::new(),
            calls: Vec::new(),
            renewals: 0,
            blind: None,
            refused: None,
            told_over: false,
            superseded: false,
            ineffective: false,
            limit: 0.0,
        });
    }

    fn call(&mut self, slot: usize, kind: Kind) {
        self.call_to(slot, kind, PRIVATE, false);
    }

    fn call_to(&mut self, slot: usize, kind: Kind, address: u32, public: bool) {
        let id = self.tell(slot, |session, now| {
            session.handle_call(now, CLIENT, kind, TIMEOUT, address, None)
        });
        let over = self.server.over || self.signed_out;
        self.page_mut(slot).calls.push(Seen {
            id,
            kind,
            cookie: 0,
            refused: None,
            renewals: 0,
            sends: 0,
            replays: 0,
            over: over || matches!(kind, Kind::SignIn | Kind::SignOut),
            public,
        });
    }

    fn send(&mut self, slot: usize, id: CallId) {
        let (jar, now) = (self.jar, self.now);
        let page = self.page_mut(slot);
        let (seed, renewals) = (page.seed, page.renewals);
        let Some(seen) = page.calls.iter_mut().find(|seen| seen.id == id) else {
            return;
        };
        let replays = seen.sends > 0 && renewals > seen.renewals;
        seen.replays += u8::from(replays);
        seen.sends += 1;
        (seen.cookie, seen.renewals) = (jar.access, renewals);
        let (sends, replays) = (seen.sends, seen.replays);
        let (kind, public) = (seen.kind, seen.public);
        if replays > 1 && !seen.signs() {
            self.breach = Some(Breach::ReplayedTwice);
        }
        if sends > 20 {
            self.breach = Some(Breach::Unending);
        }
        self.put(Message {
            slot,
            seed,
            what: match kind {
                Kind::SignIn => What::SignIn(id),
                Kind::SignOut => What::SignOut(id),
                _ if public => What::Public(id),
                _ => What::Call(id),
            },
            cookie: if kind == Kind::SignOut {
                jar.refresh
            } else {
                jar.access
            },
            at: now,
            stage: Stage::Sent,
            given_up: false,
        });
    }

    /// In an order that does not tell which was sent first.
    fn put(&mut self, message: Message) {
        let place = |message: &Message| match message.what {
            What::Call(id) | What::Public(id) => (message.seed, 0, id.to_number() as u64),
            What::SignIn(id) | What::SignOut(id) => (message.seed, 1, id.to_number() as u64),
            What::Refresh { number, .. } => (message.seed, 2, u64::from(number)),
        };
        let index = self
            .wire
            .partition_point(|other| place(other) < place(&message));
        self.wire.insert(index, message);
    }

    fn settle(&mut self, slot: usize, id: CallId) {
        let page = self.page_mut(slot);
        let excused = page.ineffective;
        let Some(seen) = page.calls.iter().find(|seen| seen.id == id) else {
            return;
        };
        if seen.refused.is_some() && !seen.over && !excused {
            self.breach = Some(Breach::UnauthorizedByMistake);
        }
        self.forget(slot, id);
    }

    fn forget(&mut self, slot: usize, id: CallId) {
        self.page_mut(slot).calls.retain(|seen| seen.id != id);
    }

    fn announce(&mut self, slot: usize, event: Event, cause: Cause, ours: bool) {
        let now = self.now;
        let page = self.page_mut(slot);
        match event {
            Event::Refreshed => {
                page.renewals += 1;
                page.blind = None;
                page.refused = None;
                page.told_over = false;
            }
            Event::Unavailable if ours && cause == Cause::Overdue => page.blind = Some(now),
            Event::Unavailable => {}
            Event::Ineffective => page.ineffective = true,
            Event::Expired => {
                page.blind = None;
                page.superseded |= cause == Cause::Superseded;
                page.told_over = true;
                let refused = std::mem::take(&mut page.refused);
                if ours && refused != Some(true) && cause == Cause::Answered {
                    self.breach = Some(Breach::ExpiredUnasked);
                }
            }
        }
    }

    fn take_cookies(&mut self, what: What, reply: Reply) {
        match (what, reply) {
            (What::Refresh { .. } | What::SignIn(_), Reply::Renewed(number)) => {
                self.jar = Jar::of(number);
            }
            (What::SignOut(_), Reply::Ok) => {
                self.jar = Jar::of(0);
            }
            _ => {}
        }
    }

    /// Somebody signs in; the tokens begin with that number.
    fn begin_session(&mut self) -> u32 {
        self.signed_out = false;
        let first = (self.server.current / 10 + 1) * 10;
        self.server.current = first;
        self.server.over = false;
        // What is open belongs to whoever was signed in before.
        self.note_over();
        first
    }

    /// Somebody signs in beside the lock, and the page is told.
    fn begin_unlocked(&mut self, slot: usize) {
        let first = self.begin_session();
        self.jar = Jar::of(first);
        self.tell(slot, Session::handle_signed_in);
        self.page_mut(slot).begin_session();
    }

    fn end_session(&mut self) {
        self.server.over = true;
        self.note_over();
    }

    fn note_over(&mut self) {
        let pages = self.pages.iter_mut().flatten();
        pages
            .flat_map(|page| &mut page.calls)
            .for_each(|seen| seen.over = true);
    }

    /// Something is under way.
    fn is_busy(&self) -> bool {
        let mut pages = self.pages.iter().flatten();
        !self.wire.is_empty() || pages.any(|page| page.session.poll_timeout().is_finite())
    }

    fn has_something_coming(&self) -> bool {
        let comes = |message: &Message| {
            let frozen = self.page_of(message).is_some_and(|page| page.frozen);
            !frozen || !matches!(message.stage, Stage::Arrived(_))
        };
        let awake = |page: &&Page| !page.frozen;
        let hears = |page: &Page| {
            let queued = page.lease == Lease::Queued && self.holder.is_none();
            !page.inbox.is_empty() || page.lease == Lease::Asked || queued
        };
        self.wire.iter().any(comes) || self.pages.iter().flatten().filter(awake).any(hears)
    }

    fn imprint(&self, hasher: &mut impl Hasher) {
        let Self {
            now,
            wall,
            pages,
            born,
            wire,
            jar,
            server,
            holder,
            kept,
            kept_before,
            left,
            signed_out,
            breach,
        } = self;
        let mut imprint = Imprint::default();
        imprint.fact((
            wall.to_bits(),
            *born,
            *jar,
            *holder,
            *left,
            *signed_out,
            *breach,
        ));
        imprint.fact((server.current, server.over, server.expired));
        for (token, key, at) in &server.consumed {
            imprint.number(*token);
            imprint.key(*key);
            imprint.moment(at + LEEWAY);
        }
        for posted in [kept, kept_before].into_iter().flatten() {
            posted.leave_imprint(&mut imprint, *wall);
        }
        for message in wire {
            message.leave_imprint(&mut imprint);
        }
        for page in pages {
            imprint.number(page.is_some());
            if let Some(page) = page {
                page.leave_imprint(&mut imprint, *now, *wall);
            }
        }
        imprint.finish(*now, hasher);
    }
}

impl Page {
    /// It knows that a session has begun or ended.
    fn begin_session(&mut self) {
        self.blind = None;
        self.refused = None;
        self.told_over = false;
        self.superseded = false;
    }

    fn timer(&self) -> Option<Millis> {
        let moment = self.session.poll_timeout();
        moment.is_finite().then_some(moment + self.born)
    }

    fn leave_imprint(&self, imprint: &mut Imprint, now: Millis, wall: Millis) {
        imprint.fact((self.seed, self.frozen, self.lease as u8, self.ineffective));
        imprint.fact((self.refused, self.told_over, self.superseded));
        imprint.number(self.said.is_some());
        for posted in self.said.iter().chain(&self.inbox) {
            posted.leave_imprint(imprint, wall);
        }
        imprint.number(self.blind.is_some());
        imprint.moment(self.blind.unwrap_or(0.0));
        for seen in &self.calls {
            let age = self.renewals - seen.renewals;
            let twice = seen.refused.map(|refused| seen.cookie > refused);
            imprint.fact((seen.id.to_number() as u64, seen.sends, seen.replays));
            imprint.fact(std::mem::discriminant(&seen.kind));
            imprint.fact((age > 0, twice, seen.cookie, seen.refused, seen.over));
        }
        imprint.born = self.born;
        self.session.leave_imprint(imprint, now - self.born);
        // Its own clock begins at nothing: what was before is no news.
        imprint.moment(0.0);
        imprint.born = 0.0;
    }
}

impl Jar {
    fn of(number: u32) -> Self {
        Self {
            access: number,
            refresh: number,
        }
    }
}

impl Seen {
    fn signs(&self) -> bool {
        matches!(self.kind, Kind::SignIn | Kind::SignOut)
    }
}

impl Posted {
    fn leave_imprint(&self, imprint: &mut Imprint, wall: Millis) {
        imprint.number(self.by);
        imprint.word(self.word);
        imprint.moment(self.stamp - wall);
        imprint.moment(self.stamp - wall + self.word.span);
    }
}

impl Message {
    fn is_refresh(&self) -> bool {
        matches!(self.what, What::Refresh { .. })
    }

    fn leave_imprint(&self, imprint: &mut Imprint) {
        imprint.fact((self.slot, self.seed, self.cookie, self.given_up));
        imprint.fact(match self.stage {
            Stage::Sent => (0, None),
            Stage::Served(reply) => (1, Some(reply)),
            Stage::Arrived(reply) => (2, Some(reply)),
        });
        imprint.moment(self.at);
        match self.what {
            What::Call(id) => imprint.fact((0, id.to_number() as u64)),
            What::Public(id) => imprint.fact((3, id.to_number() as u64)),
            What::SignIn(id) => imprint.fact((2, id.to_number() as u64)),
            What::SignOut(id) => imprint.fact((1, id.to_number() as u64)),
            What::Refresh { number, key, limit } => {
                imprint.number(number);
                imprint.key(key);
                imprint.moment(limit);
            }
        }
    }
}

impl Hash for System {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.imprint(hasher);
    }
}

impl PartialEq for System {
    fn eq(&self, other: &Self) -> bool {
        let hash = |system: &Self| {
            let mut hasher = std::hash::DefaultHasher::new();
            system.hash(&mut hasher);
            hasher.finish()
        };
        hash(self) == hash(other)
    }
}
