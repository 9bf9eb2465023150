//! What tells one state of the model from another.
//!
//! A module of the session's, so that it sees its fields; and it names each of them, so that a new one is not forgotten.

use std::hash::{Hash, Hasher};

use crate::core::{
    CallId, Kind, Millis,
    backoff::Backoff,
    calls::{Call, Stage},
    cookie::Cookie,
    doubt::Doubt,
    flight::Flight,
    lease::Lease,
    pacing::Pacing,
    peers::{Key, Word},
    refresh::Refresh,
    session::{Session, Standing},
};

/// Moments ahead are told apart as timers are: by their order, and by so many milliseconds.
const GRAIN: Millis = 250.0;

/// A state as it matters for what can come after it.
///
/// Only the order of the moments that have passed matters; of those ahead the distance matters too, to the [`GRAIN`].
#[derive(Default)]
pub(crate) struct Imprint {
    facts: Vec<Fact>,
    /// When the page at hand came up: its clock starts there.
    pub(crate) born: Millis,
}

enum Fact {
    Number(u64),
    Moment(Millis),
}

impl Imprint {
    pub(crate) fn number(&mut self, number: impl Into<u64>) {
        self.facts.push(Fact::Number(number.into()));
    }

    /// Anything that can be hashed.
    pub(crate) fn fact(&mut self, fact: impl Hash) {
        let mut hasher = std::hash::DefaultHasher::new();
        fact.hash(&mut hasher);
        self.number(hasher.finish());
    }

    pub(crate) fn moment(&mut self, moment: Millis) {
        self.facts.push(Fact::Moment(moment + self.born));
    }

    pub(crate) fn key(&mut self, key: Key) {
        self.number(key.seed.to_bits());
        self.number(key.number);
    }

    pub(crate) fn word(&mut self, word: Word) {
        self.fact((word.news as u8, word.cause as u8));
        self.key(word.key);
    }

    pub(crate) fn finish(&self, now: Millis, hasher: &mut impl Hasher) {
        let moments = self.facts.iter().filter_map(|fact| match fact {
            Fact::Moment(moment) => Some(*moment),
            Fact::Number(_) => None,
        });
        let mut moments: Vec<_> = moments.collect();
        moments.sort_by(f64::total_cmp);
        moments.dedup();
        for fact in &self.facts {
            match fact {
                Fact::Number(number) => number.hash(hasher),
                Fact::Moment(moment) => {
                    let rank = moments.partition_point(|other| other < moment);
                    let ahead = ((moment - now) / GRAIN).round().max(0.0);
                    (rank, ahead as u64).hash(hasher);
                }
            }
        }
    }

    fn backoff(&mut self, backoff: &Backoff, now: Millis) {
        let holds = backoff.holds(now);
        self.fact((backoff.failures, holds));
        if holds {
            self.moment(backoff.until());
        }
    }

    fn cookie(&mut self, cookie: &Cookie) {
        let Cookie {
            epoch,
            at,
            session,
            until,
        } = cookie;
        self.fact(session == epoch);
        self.moment(*at);
        self.option(*until);
    }

    fn lease(&mut self, lease: &Lease) {
        let Lease { held, at, waited } = lease;
        self.fact((*held, *waited));
        if *held {
            self.moment(*at);
        }
    }

    fn flight(&mut self, flight: &Flight) {
        let Flight {
            seed,
            number,
            awaited,
            unsettled,
            foreign,
            started,
        } = flight;
        self.fact((*number, *awaited));
        self.number(seed.to_bits());
        self.number(unsettled.is_some());
        self.key(unsettled.unwrap_or_default());
        self.option(*foreign);
        self.number(started.client.is_some());
        if *awaited {
            self.moment(started.at);
            self.moment(started.limit);
        }
    }

    fn doubt(&mut self, doubt: &Doubt) {
        let Doubt {
            since,
            asking,
            asked,
        } = doubt;
        self.option(*since);
        self.fact((asking.map(CallId::to_bits), *asked));
    }

    fn pacing(&mut self, pacing: &Pacing, cookie: &Cookie, now: Millis) {
        let Pacing {
            unavailable,
            ineffective,
            ineffective_in,
            refused,
        } = pacing;
        self.fact(*ineffective_in == Some(cookie.epoch));
        for backoff in [unavailable, ineffective, refused] {
            self.backoff(backoff, now);
        }
    }

    fn option(&mut self, moment: Option<Millis>) {
        self.number(moment.is_some());
        if let Some(moment) = moment {
            self.moment(moment);
        }
    }
}

impl Session {
    /// `now` is by the clock of the page.
    pub(crate) fn leave_imprint(&self, imprint: &mut Imprint, now: Millis) {
        let Self {
            standing,
            expired_at,
            cookie,
            refresh,
            due,
            lease,
            flight,
            doubt,
            pacing,
            calls,
            actions,
        } = self;
        debug_assert!(actions.is_empty(), "the shell does at once what it is told");
        imprint.fact(*standing as u8);
        if *standing == Standing::Expired {
            imprint.moment(*expired_at);
        }
        imprint.cookie(cookie);
        imprint.fact(std::mem::discriminant(refresh));
        if *refresh != Refresh::Idle {
            imprint.moment(*due);
        }
        imprint.lease(lease);
        imprint.flight(flight);
        imprint.doubt(doubt);
        imprint.pacing(pacing, cookie, now);
        for call in calls.waiting() {
            imprint.number(call.id.to_bits());
        }
        // Of those on the wire the order does not matter.
        let mut calls: Vec<_> = calls.calls.iter().collect();
        calls.sort_by_key(|call| call.id.to_bits());
        for call in calls {
            self.leave_imprint_of(imprint, call);
        }
    }

    fn leave_imprint_of(&self, imprint: &mut Imprint, call: &Call) {
        let Call {
            id,
            client,
            kind,
            stage,
            epoch,
            sent_at,
            timeout,
            patience,
        } = call;
        imprint.fact((id.to_bits(), client.0, timeout.to_bits()));
        imprint.fact((std::mem::discriminant(stage), std::mem::discriminant(kind)));
        if let Stage::Refused { whole } = stage {
            imprint.number(*whole);
        }
        if let Kind::Request { replayable } = kind {
            imprint.number(*replayable);
        }
        if *stage != Stage::Gated {
            imprint.fact((*epoch == self.cookie.epoch, *epoch < self.cookie.session));
            imprint.moment(*sent_at);
        }
        if call.waits() {
            imprint.moment(*patience);
        } else {
            // A span: what is left.
            imprint.number((patience / GRAIN).round().max(0.0) as u64);
        }
    }
}
