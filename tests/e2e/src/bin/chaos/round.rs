//! What happened in a round, as the pages saw it and as it was, and what was wrong about it.

use std::collections::BTreeMap;

use crate::agents::{Said, What};
use crate::plan::{Fault, Kind, Plan};
use crate::weather::Truth;
use crate::world::TIMEOUT;

/// How much later than its deadline a call may settle, in milliseconds: browsers and tests share two cores.
const TOLERANCE: f64 = 1000.0;

pub(crate) struct Round {
    pub(crate) seed: u64,
    pub(crate) calls: BTreeMap<u64, Call>,
    expired: Vec<(usize, f64)>,
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
    is_refresh_harmless: bool,
    has_sessions_changed: bool,
}

pub(crate) struct Call {
    tab: usize,
    /// None is our own.
    pub(crate) kind: Option<Kind>,
    called: Option<f64>,
    settled: Option<(f64, String)>,
    cut: bool,
}

/// What a round has to answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// A page was told that the session is over, and nobody had ended it.
    SignOut,
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
    pub(crate) const ALL: [(Self, &'static str); 5] = [
        (Self::SignOut, "wrong sign-outs"),
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
            called: None,
            settled: None,
            cut: false,
        }
    }

    fn changes_session(&self) -> bool {
        matches!(self.kind, Some(Kind::SignIn | Kind::SignOut))
    }

    fn is_guarded(&self) -> bool {
        matches!(self.kind, Some(Kind::Get | Kind::Post(_)))
    }
}

impl Round {
    pub(crate) fn new(seed: u64, plan: &Plan) -> Self {
        let late = |fault: &Fault| matches!(fault, Fault::Delay(_) | Fault::Latency(..=120));
        Self {
            seed,
            calls: BTreeMap::new(),
            expired: Vec::new(),
            truth: Truth::default(),
            reloads: 0,
            closings: 0,
            expiries: 0,
            expiring: 0,
            ended: 0.0,
            last: Vec::new(),
            alive: false,
            is_harmless: plan.is_harmless(),
            is_refresh_harmless: plan.forecast.refresh.iter().all(late),
            has_sessions_changed: plan.has_sessions_changed(),
        }
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.calls.last_key_value().map_or(0, |(id, _)| *id) + 1
    }

    pub(crate) fn hear(&mut self, tab: usize, said: Said) {
        match said.what {
            What::Here => {}
            What::Expired => self.expired.push((tab, said.at)),
            What::Called { id } => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.called = Some(said.at);
                }
            }
            What::Settled { id, outcome } => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.settled = Some((said.at, outcome));
                }
            }
        }
    }

    /// The calls of a page that goes, as far as they are under way.
    pub(crate) fn cut(&mut self, tab: usize) -> Vec<u64> {
        let mut cut = Vec::new();
        for (id, call) in &mut self.calls {
            if call.tab == tab && call.settled.is_none() {
                call.cut = true;
                cut.push(*id);
            }
        }
        cut
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

    /// Everything that was wrong, as sentences.
    pub(crate) fn judge(&self) -> Vec<(Wrong, String)> {
        let mut wrongs = Vec::new();
        for (id, call) in &self.calls {
            self.judge_call(*id, call, &mut wrongs);
        }
        for (tab, at) in &self.expired {
            // The refresh that was refused may have been on its way for as long as a call can wait, and so may the news.
            if !self.was_unsettled(at - 2.0 * deadline(), *at) {
                let sentence = format!("`expired` was announced in tab {tab} at {at:.0}");
                wrongs.push((Wrong::SignOut, sentence));
            }
        }
        if self.alive {
            for (tab, last) in self.last.iter().enumerate() {
                if last != "200" {
                    let sentence = format!("tab {tab} ended with {last}, and the session is alive");
                    wrongs.push((Wrong::SignOut, sentence));
                }
            }
        } else if !self.has_sessions_changed {
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
        match outcome.as_str() {
            "200" => {}
            "201" if is_created => {}
            "401" if self.was_unsettled(called, *settled) => {}
            "401" => {
                let sentence = format!(
                    "call {id} in tab {tab} was answered 401 (refused: {})",
                    self.truth.refused.join(", ")
                );
                wrongs.push((Wrong::SignOut, sentence));
            }
            "refresh_unavailable" if !self.is_refresh_harmless || self.has_sessions_changed => {}
            "refresh_unavailable" => {
                let sentence =
                    format!("call {id} in tab {tab}: {outcome}, and every refresh worked");
                wrongs.push((Wrong::Failure, sentence));
            }
            _ if self.is_harmless => {
                let sentence = format!("call {id} in tab {tab}: {outcome}");
                wrongs.push((Wrong::Failure, sentence));
            }
            _ => {}
        }
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
