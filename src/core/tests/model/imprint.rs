//! What tells one state of the model from another.
//!
//! A module of the session's, so that it sees its fields; and it names each of them, so that a new one is not forgotten.

use std::hash::{Hash, Hasher};

use crate::core::{
    Kind, Millis,
    backoff::Backoff,
    calls::{Call, Stage},
    cookie::Cookie,
    doubt::Doubt,
    flight::{Flight, Start},
    lease::Lease,
    lifetime::{Learning, Lifetime},
    pacing::{Pacing, Place},
    peers::{Key, Word},
    refresh::Refresh,
    session::{Session, State},
};

/// Moments ahead are told apart as timers are: by their order, and by so many milliseconds.
const GRAIN: Millis = 250.0;

/// Before anything that can happen here.
const LONG_AGO: Millis = -1e9;

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
        let Word {
            news,
            age: _,
            span: _,
            sent: _,
            cause,
            status,
            key,
            address,
            session,
            subject,
            lifetime,
        } = word;
        self.fact((news as u8, cause as u8, status, address, subject));
        self.key(key);
        self.key(session);
        self.lifetime(lifetime);
    }

    fn lifetime(&mut self, lifetime: Lifetime) {
        let Lifetime { age, uses, changes } = lifetime;
        self.fact((grains(age), uses, changes));
    }

    fn learning(&mut self, learning: &Learning) {
        let Learning {
            is_on,
            known,
            before,
            met,
            address,
        } = learning;
        self.fact((*is_on, *address, met.map(grains)));
        self.lifetime(*known);
        self.lifetime(*before);
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
                    (rank, grains(moment - now)).hash(hasher);
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
            sent_at,
            session,
            session_at,
            name,
            until,
            is_learnt,
            proven,
            is_found,
            subject,
        } = cookie;
        self.fact((session == epoch, *proven, *subject, *is_learnt, *is_found));
        self.key(*name);
        for moment in [*at, *sent_at, *session_at] {
            self.moment(moment.max(LONG_AGO));
        }
        self.option(*until);
    }

    fn lease(&mut self, lease: &Lease) {
        let Lease {
            held,
            at,
            waited,
            longest,
        } = lease;
        self.fact((*held, *waited, longest.to_bits()));
        if *held {
            self.moment(*at);
        }
    }

    fn flight(&mut self, flight: &Flight) {
        let Flight {
            seed,
            number,
            awaited,
            sent_at,
            limit,
            credit,
            unsettled,
            settled,
            foreign,
        } = flight;
        self.key(*settled);
        self.fact((*number, credit.cause as u8, credit.status));
        self.fact(credit.client.is_some());
        self.number(seed.to_bits());
        self.number(unsettled.is_some());
        self.key(unsettled.unwrap_or_default());
        self.option(*foreign);
        self.moment(sent_at.max(LONG_AGO));
        self.moment(limit.max(LONG_AGO));
        for start in awaited {
            let Start {
                number,
                at,
                key,
                client,
                cause,
                stale,
            } = start;
            self.fact((*number, client.0, *cause as u8, *stale));
            self.key(*key);
            self.moment(*at);
        }
    }

    fn doubt(&mut self, doubt: &Doubt) {
        let Doubt {
            since,
            asking,
            asked,
        } = doubt;
        self.option(*since);
        self.fact((asking.map(|id| id.to_number() as u64), *asked));
    }

    fn pacing(&mut self, pacing: &Pacing, cookie: &Cookie, now: Millis) {
        let Pacing {
            unavailable,
            ineffective_in,
            refused,
            places,
            latest,
        } = pacing;
        self.number(*latest);
        self.fact(*ineffective_in == Some(cookie.epoch));
        for backoff in [unavailable, refused] {
            self.backoff(backoff, now);
        }
        for Place {
            address,
            ineffective,
            epoch,
        } in places
        {
            self.fact((*address, *epoch == Some(cookie.epoch)));
            self.backoff(ineffective, now);
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
            state,
            cookie,
            refresh,
            due,
            lease,
            flight,
            doubt,
            pacing,
            learning,
            calls,
            actions,
        } = self;
        debug_assert!(actions.is_empty(), "the shell does at once what it is told");
        imprint.fact(std::mem::discriminant(state));
        match *state {
            State::Unknown { over_at } => imprint.option(over_at),
            State::Active => {}
            State::Over { at, why } => {
                imprint.fact(why as u8);
                imprint.moment(at);
            }
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
        imprint.learning(learning);
        for id in calls.waiting() {
            imprint.number(id.to_number() as u64);
        }
        // Of those on the wire the order does not matter.
        let mut calls = calls.all();
        calls.sort_by_key(|call| call.id.to_number() as u64);
        for call in calls {
            self.leave_imprint_of(imprint, &call);
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
            address,
            timeout,
            patience,
            ..
        } = call;
        imprint.fact((id.to_number() as u64, client.0, timeout.to_bits(), *address));
        imprint.fact((std::mem::discriminant(stage), std::mem::discriminant(kind)));
        if let Stage::Refused { whole } = stage {
            imprint.number(*whole);
        }
        if let Kind::Request { replayable } = kind {
            imprint.number(*replayable);
        }
        if *stage != Stage::Gated {
            imprint.fact((*epoch == self.cookie.epoch, *epoch < self.cookie.session));
            imprint.moment(sent_at.max(LONG_AGO));
        }
        if call.waits() {
            imprint.moment(*patience);
        } else {
            // A span: what is left.
            imprint.number(grains(*patience));
        }
    }
}

/// A span, as it is told from others. One that is over is none.
fn grains(span: Millis) -> u64 {
    (span / GRAIN).round().max(0.0) as u64
}
