//! A server that announces no lifetime: how long its tokens live is learnt from two expiries that agree.

use proptest::prelude::*;

use super::{cases, world::*};
use crate::core::{Cause, Event, Lifetime, Millis, News, Word};

const MINUTE: Millis = 60.0 * SECOND;

/// A server whose access tokens live so long, and the page that asks it now and then.
struct Life {
    world: World,
    lifetime: Millis,
    /// When the token of now was issued.
    issued: Millis,
    /// Whether each request renews the token.
    slides: bool,
    /// How many requests met a 401.
    refused: usize,
}

impl Life {
    fn new(lifetime: Millis, learns: bool) -> Self {
        let mut world = World::new();
        if !learns {
            world.stop_learning();
        }
        world.sign_in(200);
        Self {
            world,
            lifetime,
            issued: 0.0,
            slides: false,
            refused: 0,
        }
    }

    /// Asks once, and returns how often its request was on the wire.
    fn ask(&mut self) -> usize {
        let refreshes = self.world.refreshes.len();
        if self.world.now - self.issued >= self.lifetime {
            self.world.expire_token();
        }
        let call = self.world.fetch();
        self.world.serve();
        assert_eq!(self.world.got(call), OK);
        if self.slides || self.world.refreshes.len() > refreshes {
            self.issued = self.world.now;
        }
        let hits = self.world.hits(call);
        self.refused += hits - 1;
        hits
    }

    /// Asks at that age of the token.
    fn ask_at(&mut self, age: Millis) -> usize {
        self.world.pass(self.issued + age - self.world.now);
        self.ask()
    }

    fn ask_every(&mut self, span: Millis, times: usize) {
        for _ in 0..times {
            self.world.pass(span);
            self.ask();
        }
    }

    fn refreshes(&self) -> usize {
        self.world.refreshes.len()
    }
}

/// Two expiries have been met.
fn taught() -> Life {
    let mut life = Life::new(MINUTE, true);
    assert_eq!([life.ask_at(MINUTE), life.ask_at(MINUTE)], [2, 2]);
    life
}

#[test]
fn r37_two_expiries_are_met_and_the_third_is_not() {
    let mut life = taught();
    assert_eq!(life.ask_at(MINUTE), 1);
    assert_eq!(life.refreshes(), 3);
    let last = life.world.events.last().copied();
    assert_eq!(last, Some((Event::Refreshed, Cause::Learnt)));
}

#[test]
fn no_refresh_is_sent_before_that_time() {
    let mut life = taught();
    assert_eq!(life.ask_at(MINUTE - 2.0 * SECOND), 1);
    assert_eq!(life.refreshes(), 2);
}

#[test]
fn learn_false_learns_nothing() {
    let mut life = Life::new(MINUTE, false);
    let hits = [0; 4].map(|_| life.ask_at(MINUTE));
    assert_eq!(hits, [2; 4]);
}

#[test]
fn ages_agree_within_a_tenth_and_the_smaller_counts() {
    let mut life = Life::new(MINUTE, true);
    life.ask_at(1.05 * MINUTE);
    life.ask_at(1.0 * MINUTE);
    assert_eq!(life.ask_at(MINUTE), 1);
    let mut life = Life::new(MINUTE, true);
    life.ask_at(1.2 * MINUTE);
    life.ask_at(1.0 * MINUTE);
    assert_eq!(life.ask_at(MINUTE), 2);
}

#[test]
fn a_lifetime_below_ten_seconds_is_not_believed() {
    let mut life = Life::new(9.0 * SECOND, true);
    let hits = [0; 4].map(|_| life.ask_at(9.0 * SECOND));
    assert_eq!(hits, [2; 4]);
}

#[test]
fn what_the_server_announces_wins() {
    let mut life = taught();
    life.world.grant.lifetime = 10.0 * MINUTE;
    life.lifetime = 10.0 * MINUTE;
    life.ask_at(MINUTE);
    life.ask_at(9.0 * MINUTE);
    assert_eq!(life.refreshes(), 3);
    life.ask_at(10.0 * MINUTE);
    assert_eq!((life.refreshes(), life.refused), (4, 2));
}

#[test]
fn an_address_that_is_refused_for_reasons_of_its_own_teaches_nothing() {
    let mut world = World::new();
    world.sign_in(200);
    for _ in 0..4 {
        world.pass(2.0 * MINUTE);
        let call = world.fetch();
        world.answer(call, 401);
        world.serve_refresh();
        world.answer(call, 401);
    }
    assert!(world.told.iter().all(|word| !word.lifetime.is_used()));
}

#[test]
fn a_cookie_of_unknown_age_teaches_nothing() {
    let mut world = World::new();
    world.pass(MINUTE);
    world.expire_token();
    world.fetch();
    world.serve();
    assert_eq!(
        world.told.last().map(|word| word.lifetime),
        Some(Lifetime::default())
    );
}

#[test]
fn a_success_at_a_greater_age_ends_what_was_learnt() {
    let mut life = taught();
    life.lifetime = 10.0 * MINUTE;
    // The refresh on account of what was learnt fails, so the request goes out as it is.
    life.world.fates = vec![Fate::Answers(503, None), Fate::Renews];
    life.ask_at(2.0 * MINUTE);
    life.world.pass(10.0 * SECOND);
    life.ask();
    assert_eq!(life.refreshes(), 3);
}

#[test]
fn a_page_that_comes_up_later_knows_what_was_learnt() {
    let before = taught();
    let kept = before.world.told.last().copied().unwrap();
    assert_eq!(before.world.refreshes.len(), 2);
    let mut world = World::new();
    world.keep_word(Word {
        age: 10.0 * SECOND,
        sent: 10.0 * SECOND,
        ..kept
    });
    world.open();
    world.pass(MINUTE);
    world.expire_token();
    let call = world.fetch();
    world.serve();
    assert_eq!(world.hits(call), 1);
}

#[test]
fn two_tabs_that_met_one_expiry_have_met_one() {
    let mut life = Life::new(MINUTE, true);
    life.ask_at(MINUTE);
    let known = life.world.told.last().unwrap().lifetime;
    // Its peer met the same one, and its word of that comes late.
    let word = Word {
        lifetime: known,
        ..peers_word(News::Refreshed, 0.0, 0.0)
    };
    life.world.pass(SECOND);
    life.world.hear(word);
    assert_eq!(life.ask_at(MINUTE), 2);
}

#[test]
fn a_server_that_changes_its_mind_twice_is_not_asked_a_third_time() {
    let mut life = Life::new(8.0 * MINUTE, true);
    for lifetime in [8.0, 4.0, 2.0] {
        life.lifetime = lifetime * MINUTE;
        for _ in 0..4 {
            life.ask_at(life.lifetime);
        }
    }
    let hits = [0; 4].map(|_| life.ask_at(2.0 * MINUTE));
    assert_eq!(hits, [2; 4]);
}

#[test]
fn a_server_that_renews_with_each_request_costs_one_needless_refresh_a_lifetime_at_the_most() {
    let mut life = Life::new(MINUTE, true);
    life.slides = true;
    life.world.pass(MINUTE);
    life.ask();
    life.world.pass(MINUTE);
    life.ask();
    let before = life.refreshes();
    life.ask_every(SECOND, 600);
    assert!(
        life.refreshes() - before <= 10,
        "{}",
        life.refreshes() - before
    );
}

/// What happens in the life of a session.
#[derive(Clone, Debug)]
enum Turn {
    /// So many requests, so far apart.
    Ask(Millis, usize),
    Sleep(Millis),
    Revoke,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        6 => (SECOND..2.0 * MINUTE, 1_usize..20).prop_map(|(span, times)| Turn::Ask(span, times)),
        1 => (0.0..8.0 * HOUR).prop_map(Turn::Sleep),
        1 => Just(Turn::Revoke),
    ]
}

/// Lives it, and returns how many refreshes and 401s that took.
fn live(turns: &[Turn], lifetime: Millis, jitter: &[f64], learns: bool) -> (usize, usize) {
    let mut life = Life::new(lifetime, learns);
    let mut jitter = jitter.iter().cycle();
    for turn in turns {
        match turn {
            Turn::Ask(span, times) => {
                for _ in 0..*times {
                    life.lifetime = lifetime * jitter.next().unwrap();
                    life.ask_every(*span, 1);
                }
            }
            Turn::Sleep(span) => life.world.sleep(*span),
            Turn::Revoke => life.world.expire_token(),
        }
    }
    (life.refreshes(), life.refused)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(500),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_the_lifetime_it_costs_no_more_401s_and_hardly_a_refresh(
        turns in prop::collection::vec(turn(), 1..40),
        lifetime in 5.0 * SECOND..30.0 * MINUTE,
        jitter in prop::collection::vec(0.95..1.0_f64, 1..20),
    ) {
        let (refreshes, refused) = live(&turns, lifetime, &jitter, true);
        let (refreshes_without, refused_without) = live(&turns, lifetime, &jitter, false);
        prop_assert!(refused <= refused_without, "{refused} 401s, {refused_without} without");
        // Sooner by a second or by the jitter, at each of them; and revocations at ages that agree are taken for expiries until
        // the next is met as if nothing had been learnt.
        let revoked = turns.iter().filter(|turn| matches!(turn, Turn::Revoke)).count();
        let sooner = refreshes_without / 5 + 1 + 8 * (revoked / 2);
        prop_assert!(refreshes <= refreshes_without + sooner, "{refreshes}, {refreshes_without} without");
    }
}
