//! What happened in a round, as the pages saw it and as it was, and what was wrong about it.

use std::collections::BTreeMap;

use crate::agents::{Said, What};
use crate::plan::{Kind, Plan, User};
use crate::weather::{Truth, now};
use crate::world::TIMEOUT;

/// How long word from another tab may take on a busy machine, in milliseconds.
const NEWS: f64 = 500.0;

/// How much later than its deadline a call may settle, in milliseconds: several browsers share two cores, and each page
/// has to wait for its turn.
const TOLERANCE: f64 = 3000.0;

pub(crate) struct Round {
    pub(crate) seed: u64,
    pub(crate) calls: BTreeMap<u64, Call>,
    expired: Vec<(usize, f64)>,
    /// What pages said.
    log: Vec<(f64, String)>,
    pub(crate) truth: Truth,
    pub(crate) reloads: u64,
    pub(crate) closings: u64,
    pub(crate) expiries: u64,
    /// Expiries that wait for their moment.
    pub(crate) expiring: u64,
    /// When the weather cleared up for good.
    pub(crate) ended: f64,
    /// What each tab's last request came to.
    pub(crate) last: Vec<String>,
    /// Whether the browser had a session in the end.
    pub(crate) alive: bool,
    is_harmless: bool,
    has_sessions_changed: bool,
}

pub(crate) struct Call {
    tab: usize,
    /// None is our own.
    pub(crate) kind: Option<Kind>,
    asked: f64,
    called: Option<f64>,
    settled: Option<(f64, String)>,
    /// As whom it was carried out, by its answer.
    user: Option<String>,
    cut: bool,
}

/// What a round has to answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// A page was told that the session is over, and nobody had ended it.
    SignOut,
    /// A page was served as somebody who was not signed in there, and was not told.
    User,
    /// A sign-out was announced that the server had not accepted.
    None,
    /// A call never settled.
    Lost,
    /// A POST was carried out twice.
    Double,
    /// A call settled later than its deadline, and nobody but us held it up.
    Late,
    /// A call failed, and nothing had gone wrong.
    Failure,
}

impl Wrong {
    pub(crate) const ALL: [(Self, &'static str); 7] = [
        (Self::User, "wrong users"),
        (Self::SignOut, "wrong sign-outs"),
        (Self::None, "sign-outs that were none"),
        (Self::Lost, "lost calls"),
        (Self::Double, "double executions of a POST"),
        (Self::Late, "settled-late calls"),
        (Self::Failure, "failures without a cause"),
    ];
}

impl Call {
    pub(crate) fn new(tab: usize, kind: Option<Kind>) -> Self {
        Self {
            tab,
            kind,
            asked: now(),
            called: None,
            settled: None,
            user: None,
            cut: false,
        }
    }

    fn changes_session(&self) -> bool {
        matches!(
            self.kind,
            Some(Kind::SignIn(_) | Kind::Form(_) | Kind::SignOut)
        )
    }

    /// Whose sign-in it is.
    fn signs_in(&self) -> Option<User> {
        match self.kind {
            Some(Kind::SignIn(user) | Kind::Form(user)) => Some(user),
            _ => None,
        }
    }

    /// From when to when the cookies may have changed by it.
    fn span(&self) -> (f64, f64) {
        let from = self.called.unwrap_or(self.asked);
        let settled = self.settled.as_ref().map(|(at, _)| at + NEWS);
        (from, settled.unwrap_or(f64::INFINITY))
    }

    fn is_guarded(&self) -> bool {
        matches!(self.kind, Some(Kind::Get | Kind::Post(_)))
    }
}

impl Round {
    pub(crate) fn new(seed: u64, plan: &Plan) -> Self {
        Self {
            seed,
            calls: BTreeMap::new(),
            expired: Vec::new(),
            log: Vec::new(),
            truth: Truth::default(),
            reloads: 0,
            closings: 0,
            expiries: 0,
            expiring: 0,
            ended: 0.0,
            last: Vec::new(),
            alive: false,
            is_harmless: plan.is_harmless(),
            has_sessions_changed: plan.has_sessions_changed(),
        }
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.calls.last_key_value().map_or(0, |(id, _)| *id) + 1
    }

    pub(crate) fn hear(&mut self, tab: usize, said: Said) {
        self.log
            .push((said.at, format!("tab {tab}: {:?}", said.what)));
        match said.what {
            What::Here | What::Noted { .. } => {}
            What::Expired => self.expired.push((tab, said.at)),
            What::Called { id } => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.called = Some(said.at);
                }
            }
            What::Settled { id, outcome, user } => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.settled = Some((said.at, outcome));
                    call.user = user;
                }
            }
        }
    }

    /// A page goes, and with it the calls that it has under way.
    pub(crate) fn cut(&mut self, tab: usize) {
        self.log.push((now(), format!("tab {tab} goes")));
        for call in self.calls.values_mut() {
            call.cut |= call.tab == tab && call.settled.is_none();
        }
    }

    /// When the oldest request that is under way was asked for.
    pub(crate) fn oldest(&self) -> f64 {
        let under_way = |call: &&Call| call.is_guarded() && !call.cut && call.settled.is_none();
        let since = self.calls.values().filter(under_way).map(|call| call.asked);
        since.fold(f64::INFINITY, f64::min)
    }

    /// Whether somebody has signed in since, and pages were told, or are about to be: the last that was asked for need not be
    /// the last that was carried out.
    pub(crate) fn should_know_of_session(&self) -> bool {
        let last = self.truth.sessions.last();
        if last.is_some_and(|change| change.signed_in) {
            return true;
        }
        let latest = self
            .calls
            .values()
            .filter(|call| call.changes_session() && !call.cut)
            .max_by(|one, other| one.asked.total_cmp(&other.asked));
        latest.is_some_and(|call| call.signs_in().is_some())
    }

    /// Whether somebody in between has refused a refresh: it is tried again, after a while.
    pub(crate) fn was_refused_in_between(&self) -> bool {
        !self.truth.refused_in_between.is_empty()
    }

    /// Whether the last that happened to the session, as far as the server knows, was its end.
    fn is_signed_out(&self) -> bool {
        let last = self.truth.sessions.last();
        last.is_some_and(|change| !change.signed_in)
    }

    /// Whether a page went while it signed in or out, or somebody has signed in and no page that lives was told.
    pub(crate) fn is_unclear(&self) -> bool {
        let mut calls = self.calls.values();
        self.was_unseen(f64::INFINITY) || calls.any(|call| call.cut && call.changes_session())
    }

    /// Whether an answer was lost, the browser sent that refresh again by itself, and somebody in between refused it: a
    /// refusal is the end of a refresh and of its key, so the next one is reuse to a strict server.
    fn has_lost_its_key(&self) -> bool {
        self.was_refused_in_between() && self.truth.faults.contains_key("answer lost")
    }

    /// Whether the last who signed in by then did so by a form, which no client sees.
    fn was_unseen(&self, by: f64) -> bool {
        let failed = |call: &Call| {
            let outcome = call.settled.as_ref().map(|(_, outcome)| outcome.as_str());
            outcome.is_some_and(|outcome| outcome != "200")
        };
        let sign_ins = self
            .calls
            .values()
            .filter(|call| call.signs_in().is_some() && !failed(call));
        let before = sign_ins.filter(|call| call.span().0 <= by);
        let latest = before.max_by(|one, other| one.span().0.total_cmp(&other.span().0));
        latest.is_some_and(|call| matches!(call.kind, Some(Kind::Form(_))))
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.calls
            .values()
            .all(|call| call.cut || call.settled.is_some())
    }

    pub(crate) fn outcome(&self, id: u64) -> Option<&str> {
        let (_, outcome) = self.calls.get(&id)?.settled.as_ref()?;
        Some(outcome)
    }

    /// Whether its page went while it was under way.
    pub(crate) fn is_cut(&self, id: u64) -> bool {
        self.calls.get(&id).is_some_and(|call| call.cut)
    }

    /// What happened, in its order.
    pub(crate) fn story(&self) -> String {
        let mut lines: Vec<_> = self.log.iter().chain(&self.truth.log).collect();
        lines.sort_by(|one, other| one.0.total_cmp(&other.0));
        let start = lines.first().map_or(0.0, |line| line.0);
        let told = lines
            .iter()
            .map(|(at, line)| format!("{:7.1} {line}\n", at - start));
        told.collect()
    }

    /// What bears on the session, in one line.
    pub(crate) fn digest(&self) -> String {
        let story = self.story();
        let bears = |line: &&str| {
            let signs = self
                .calls
                .iter()
                .any(|(id, call)| call.changes_session() && line.contains(&format!("{{ id: {id}")));
            signs || line.contains("/auth/") || line.contains("Noted") || line.contains(" goes")
        };
        let lines: Vec<_> = story.lines().filter(bears).map(str::trim).collect();
        lines.join(" | ")
    }

    /// Everything that was wrong, as sentences.
    pub(crate) fn judge(&self) -> Vec<(Wrong, String)> {
        let mut wrongs = Vec::new();
        for (id, call) in &self.calls {
            self.judge_call(*id, call, &mut wrongs);
        }
        let is_refused = |call: &&Call| {
            let outcome = call.settled.as_ref().map(|(_, outcome)| outcome.as_str());
            call.kind == Some(Kind::SignOut) && matches!(outcome, Some("403" | "500"))
        };
        let accepted = self.truth.sessions.iter().any(|change| !change.signed_in);
        let ends = self.truth.refused.len() + self.truth.refused_in_between.len();
        if self.calls.values().any(|call| is_refused(&call)) && !accepted && ends == 0 {
            for (tab, _) in &self.expired {
                let sentence = format!("tab {tab} was told of a sign-out that was refused");
                wrongs.push((Wrong::None, sentence));
            }
        }
        for (tab, at) in &self.expired {
            // The refresh that was refused may have been on its way for as long as a call can wait, and so may the news.
            let since = at - 2.0 * deadline();
            let mut refused = self.truth.refused_in_between.iter();
            if self.has_lost_its_key() && !self.truth.refused.is_empty() {
                // Reuse to the server, and so the end.
                continue;
            }
            if !self.was_unsettled(since, *at) && !refused.any(|it| (since..=*at).contains(it)) {
                let sentence = format!("`expired` was announced in tab {tab} at {at:.0}");
                wrongs.push((Wrong::SignOut, sentence));
            }
        }
        if self.alive && !self.is_signed_out() {
            for (tab, last) in self.last.iter().enumerate() {
                if last != "200" {
                    let sentence = format!("tab {tab} ended with {last}, and the session is alive");
                    wrongs.push((Wrong::SignOut, sentence));
                }
            }
        } else if !self.alive && !self.has_sessions_changed && !self.has_lost_its_key() {
            let refused = self.truth.refused.join(", ");
            let sentence = format!("the session is gone, and nobody ended it (refused: {refused})");
            wrongs.push((Wrong::SignOut, sentence));
        }
        wrongs
    }

    fn judge_call(&self, id: u64, call: &Call, wrongs: &mut Vec<(Wrong, String)>) {
        let tab = call.tab;
        let created = self.truth.created.get(&id).copied().unwrap_or(0);
        if created > 1 {
            wrongs.push((Wrong::Double, format!("call {id}: {created} notes")));
        }
        if call.cut {
            return;
        }
        let Some((settled, outcome)) = &call.settled else {
            wrongs.push((
                Wrong::Lost,
                format!("call {id} in tab {tab}: {:?}", call.kind),
            ));
            return;
        };
        if !call.is_guarded() {
            return;
        }
        let called = call.called.unwrap_or(*settled);
        let at_the_server: f64 = self.truth.attempts.get(&id).map_or(0.0, |attempts| {
            attempts.iter().map(|(arrived, left)| left - arrived).sum()
        });
        let held_up = settled - called - at_the_server;
        if held_up > deadline() + TOLERANCE {
            let sentence = format!("call {id} in tab {tab} was held up for {held_up:.0} ms");
            wrongs.push((Wrong::Late, sentence));
        }
        let is_created = created == 1;
        if let Some(sentence) = self.judge_user(id, call, *settled) {
            wrongs.push((Wrong::User, sentence));
        }
        match outcome.as_str() {
            "200" => {}
            "201" if is_created => {}
            "401" if self.was_unsettled(called, *settled) => {}
            "401" if self.was_refused_in_between() => {}
            // It knows of the end, and nobody has told it of the beginning: after a sign-out nothing is tried.
            "401" if self.knows_of_an_end(tab, *settled) && self.was_unseen(*settled) => {}
            // Its page knows that the session is over, and word that somebody has signed in elsewhere is on its way.
            "401"
                if self.knows_of_an_end(tab, called)
                    && self.was_unsettled(called - NEWS, called) => {}
            "401" => {
                let sentence = format!(
                    "call {id} in tab {tab} was answered 401 (refused: {})",
                    self.truth.refused.join(", ")
                );
                wrongs.push((Wrong::SignOut, sentence));
            }
            // That it could not be had in time may be the machine's fault. It must not last: see `last`.
            "refresh_unavailable" => {}
            _ if self.is_harmless => {
                let sentence = format!("call {id} in tab {tab}: {outcome}");
                wrongs.push((Wrong::Failure, sentence));
            }
            _ => {}
        }
    }

    /// Whether it was carried out as somebody who cannot have been signed in there.
    fn judge_user(&self, id: u64, call: &Call, settled: f64) -> Option<String> {
        let user = call.user.as_deref()?;
        let called = call.called?;
        // Told that the server takes the user for somebody else: whatever comes then is no secret.
        if self.knows_of_an_end(call.tab, settled) {
            return None;
        }
        let sign_ins: Vec<_> = self
            .calls
            .values()
            .filter_map(|call| Some((call.signs_in()?.name(), call.span())))
            .collect();
        // Of a form the client knows nothing, unless it is told.
        let is_seen = !self
            .calls
            .values()
            .any(|call| matches!(call.kind, Some(Kind::Form(_))));
        let overlaps = |(from, to): (f64, f64), since, until| from <= until && to >= since;
        let before = sign_ins.iter().filter(|(_, (_, to))| *to < called);
        let latest = before.max_by(|one, other| one.1.1.total_cmp(&other.1.1));
        let mut may_be: Vec<&str> = sign_ins
            .iter()
            .filter(|(_, span)| {
                overlaps(*span, called, settled)
                    || latest.is_some_and(|(_, (from, to))| overlaps(*span, *from, *to))
            })
            .map(|(name, _)| *name)
            .collect();
        match latest {
            Some((name, _)) => may_be.push(name),
            // The round's own.
            None => may_be.push(User::Ada.name()),
        }
        if !may_be.contains(&user) {
            let tab = call.tab;
            return Some(format!(
                "call {id} in tab {tab} was carried out as {user}, and signed in may be {may_be:?}"
            ));
        }
        // Refused before somebody else began to sign in, and sent again as that one.
        let attempts = self.truth.attempts.get(&id)?;
        let first = attempts.iter().map(|(_, left)| *left).reduce(f64::min)?;
        let is_stolen = is_seen
            && attempts.len() > 1
            && sign_ins
                .iter()
                .all(|(name, (from, _))| *name != user || *from > first)
            && latest.map_or(User::Ada.name(), |(name, _)| name) != user;
        is_stolen.then(|| format!("call {id}: refused before {user} signed in, sent again after"))
    }

    fn knows_of_an_end(&self, tab: usize, by: f64) -> bool {
        let mut told = self.expired.iter();
        let mut own = self.calls.values().filter(|call| call.tab == tab);
        let has_ended_it = |call: &Call| {
            let settled = call.settled.as_ref();
            call.kind == Some(Kind::SignOut)
                && settled.is_some_and(|(at, outcome)| *at <= by && outcome == "204")
        };
        told.any(|(one, at)| *one == tab && *at <= by) || own.any(has_ended_it)
    }

    /// Whether there was a moment without a session, or one at which it was being changed.
    fn was_unsettled(&self, from: f64, to: f64) -> bool {
        let mut changes: Vec<(f64, f64)> = Vec::new();
        for call in self.calls.values().filter(|call| call.changes_session()) {
            let Some(called) = call.called else {
                // Its page was gone before it was heard of; so nobody knows.
                if call.cut {
                    return true;
                }
                continue;
            };
            let settled = call.settled.as_ref().map_or(f64::INFINITY, |(at, _)| *at);
            changes.push((called, settled));
        }
        if changes
            .iter()
            .any(|(called, settled)| *called <= to && *settled >= from)
        {
            return true;
        }
        // Two at once: nobody knows whose cookies the browser took last.
        let muddled = changes.iter().enumerate().any(|(index, one)| {
            changes
                .iter()
                .skip(index + 1)
                .any(|other| one.0 <= other.1 && other.0 <= one.1 && one.0.max(other.0) <= to)
        });
        let sessions = &self.truth.sessions;
        let before = sessions.iter().rev().find(|change| change.at <= from);
        muddled
            || before.is_some_and(|change| !change.signed_in)
            || sessions
                .iter()
                .any(|change| !change.signed_in && (from..=to).contains(&change.at))
    }
}

fn deadline() -> f64 {
    TIMEOUT.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::{Call, Kind, Plan, Round, User, Wrong};
    use crate::agents::{Said, What};
    use crate::weather::Change;

    /// A round without sign-ins and sign-outs, in which nothing went wrong.
    fn fine() -> Round {
        let seed = (0..).find(|seed| !Plan::of(*seed).has_sessions_changed());
        let plan = Plan::of(seed.expect("some rounds have none"));
        let mut round = Round::new(0, &plan);
        round.alive = true;
        round.last = vec!["200".to_owned(); 3];
        round
    }

    fn call(round: &mut Round, kind: Kind, called: f64, settled: f64, outcome: &str) -> u64 {
        let id = begin(round, kind, called);
        let outcome = outcome.to_owned();
        let what = What::Settled {
            id,
            outcome,
            user: None,
        };
        round.hear(0, Said { at: settled, what });
        id
    }

    fn begin(round: &mut Round, kind: Kind, called: f64) -> u64 {
        let id = round.next_id();
        round.calls.insert(id, Call::new(0, Some(kind)));
        let what = What::Called { id };
        round.hear(0, Said { at: called, what });
        id
    }

    fn wrongs(round: &Round) -> Vec<Wrong> {
        round.judge().into_iter().map(|(wrong, _)| wrong).collect()
    }

    #[test]
    fn a_401_is_wrong_unless_somebody_signed_out() {
        let mut round = fine();
        call(&mut round, Kind::Get, 10.0, 20.0, "401");
        assert_eq!(wrongs(&round), [Wrong::SignOut]);
        round.truth.sessions.push(Change {
            at: 15.0,
            signed_in: false,
        });
        assert_eq!(wrongs(&round), []);
    }

    #[test]
    fn after_a_sign_in_a_401_is_wrong_again() {
        let mut round = fine();
        for (at, signed_in) in [(15.0, false), (30.0, true)] {
            round.truth.sessions.push(Change { at, signed_in });
        }
        call(&mut round, Kind::Get, 20.0, 25.0, "401");
        assert_eq!(wrongs(&round), []);
        call(&mut round, Kind::Get, 40.0, 50.0, "401");
        assert_eq!(wrongs(&round), [Wrong::SignOut]);
    }

    #[test]
    fn expired_is_wrong_while_nobody_signs_out() {
        let mut round = fine();
        let what = What::Expired;
        round.hear(1, Said { at: 9000.0, what });
        assert_eq!(wrongs(&round), [Wrong::SignOut]);
        call(&mut round, Kind::SignOut, 8500.0, 8600.0, "204");
        assert_eq!(wrongs(&round), []);
    }

    #[test]
    fn a_page_that_does_not_know_of_its_session_in_the_end_is_wrong() {
        let mut round = fine();
        round.last[1] = "401".to_owned();
        assert_eq!(wrongs(&round), [Wrong::SignOut]);
    }

    #[test]
    fn pages_are_to_know_of_a_sign_in_that_was_carried_out_last() {
        let mut round = fine();
        call(&mut round, Kind::SignIn(User::Grace), 10.0, 90.0, "200");
        call(&mut round, Kind::SignOut, 20.0, 60.0, "204");
        for (at, signed_in) in [(50.0, false), (80.0, true)] {
            round.truth.sessions.push(Change { at, signed_in });
        }
        assert!(round.should_know_of_session());
    }

    #[test]
    fn a_session_that_nobody_ended_must_not_be_gone() {
        let mut round = fine();
        round.alive = false;
        assert_eq!(wrongs(&round), [Wrong::SignOut]);
    }

    #[test]
    fn a_call_that_never_settles_is_lost_unless_its_page_is_gone() {
        let mut round = fine();
        begin(&mut round, Kind::Get, 10.0);
        assert_eq!(wrongs(&round), [Wrong::Lost]);
        round.cut(0);
        assert_eq!(wrongs(&round), []);
    }

    #[test]
    fn who_is_served_must_have_signed_in_there() {
        let mut round = fine();
        let id = call(&mut round, Kind::Get, 5000.0, 5010.0, "200");
        let as_user = |round: &mut Round, user: &str| {
            if let Some(call) = round.calls.get_mut(&id) {
                call.user = Some(user.to_owned());
            }
        };
        as_user(&mut round, "ada");
        assert_eq!(wrongs(&round), []);
        as_user(&mut round, "grace");
        assert_eq!(wrongs(&round), [Wrong::User]);
        call(&mut round, Kind::SignIn(User::Grace), 1000.0, 1010.0, "200");
        assert_eq!(wrongs(&round), []);
        as_user(&mut round, "ada");
        assert_eq!(wrongs(&round), [Wrong::User]);
    }

    #[test]
    fn what_was_refused_as_one_user_must_not_be_carried_out_as_another() {
        let mut round = fine();
        let id = call(&mut round, Kind::Post(1), 100.0, 2000.0, "201");
        call(&mut round, Kind::SignIn(User::Grace), 300.0, 400.0, "200");
        round.truth.created.insert(id, 1);
        round
            .truth
            .attempts
            .insert(id, vec![(110.0, 120.0), (1900.0, 1990.0)]);
        if let Some(call) = round.calls.get_mut(&id) {
            call.user = Some("grace".to_owned());
        }
        assert_eq!(wrongs(&round), [Wrong::User]);
        round.truth.attempts.insert(id, vec![(1900.0, 1990.0)]);
        assert_eq!(wrongs(&round), []);
    }

    #[test]
    fn a_sign_out_that_was_refused_must_not_be_announced() {
        let mut round = fine();
        call(&mut round, Kind::SignOut, 8500.0, 8600.0, "403");
        let what = What::Expired;
        round.hear(1, Said { at: 8700.0, what });
        assert!(wrongs(&round).contains(&Wrong::None));
    }

    #[test]
    fn two_notes_of_one_call_are_a_double_execution() {
        let mut round = fine();
        let id = call(&mut round, Kind::Post(1), 10.0, 20.0, "201");
        round.truth.created.insert(id, 1);
        assert_eq!(wrongs(&round), []);
        round.truth.created.insert(id, 2);
        assert!(wrongs(&round).contains(&Wrong::Double));
    }

    #[test]
    fn a_call_is_late_if_nobody_but_us_held_it_up() {
        let mut round = fine();
        let id = call(&mut round, Kind::Get, 0.0, 4500.0, "200");
        assert_eq!(wrongs(&round), [Wrong::Late]);
        round.truth.attempts.insert(id, vec![(100.0, 900.0)]);
        assert_eq!(wrongs(&round), []);
    }
}
