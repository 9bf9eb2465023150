use super::world::*;
use crate::core::{Cause, Event};

/// Signed in at 0, with an access token that lives for a minute.
fn with_lifetime() -> World {
    let mut world = World::new();
    world.grant.lifetime = 60.0 * SECOND;
    world.sign_in(200);
    world
}

#[test]
fn a_request_made_after_the_announced_lifetime_waits_for_a_refresh_and_never_meets_a_401() {
    let mut world = with_lifetime();
    world.pass(60.0 * SECOND);
    world.expire_token();
    let calls = [world.fetch(), world.fetch()];
    assert_eq!(calls.map(|call| world.hits(call)), [0, 0]);
    world.serve();
    assert_eq!(calls.map(|call| world.got(call)), [OK, OK]);
    assert_eq!(calls.map(|call| world.hits(call)), [1, 1]);
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(world.events, [(Event::Refreshed, Cause::Lifetime)]);
}

#[test]
fn a_request_made_before_that_time_is_sent_at_once() {
    let mut world = with_lifetime();
    world.pass(60.0 * SECOND - 1.0);
    let call = world.fetch();
    assert!(world.is_on_wire(call));
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_lifetime_is_counted_from_when_its_token_was_asked_for() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.fetch();
    world.serve_requests();
    world.pass(5.0 * SECOND);
    world.grant.lifetime = 60.0 * SECOND;
    world.serve();
    world.pass(55.0 * SECOND - 1.0);
    world.fetch();
    world.serve();
    assert_eq!(world.refreshes.len(), 1);
    world.pass(1.0);
    world.fetch();
    assert_eq!(world.refreshes.len(), 2);
}

#[test]
fn a_lifetime_that_makes_no_sense_is_harmless() {
    for lifetime in [
        0.0,
        -0.0,
        -60.0 * SECOND,
        f64::NAN,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        999.0,
    ] {
        let mut world = World::new();
        world.grant.lifetime = lifetime;
        world.sign_in(200);
        world.pass(10.0 * SECOND);
        let call = world.fetch();
        assert!(world.is_on_wire(call), "expires_in: {lifetime} ms");
        assert_eq!(world.refreshes.len(), 0, "expires_in: {lifetime} ms");
    }
}

#[test]
fn a_lifetime_longer_than_the_truth_costs_a_401_and_no_more() {
    for lifetime in [1e18, f64::MAX, f64::INFINITY] {
        let mut world = World::new();
        world.grant.lifetime = lifetime;
        world.sign_in(200);
        world.pass(HOUR);
        world.expire_token();
        let call = world.fetch();
        world.serve();
        assert_eq!(world.got(call), OK);
        assert_eq!(world.hits(call), 2);
    }
}

#[test]
fn a_lifetime_of_seconds_does_not_put_a_refresh_before_every_request() {
    let mut world = World::new();
    world.grant.lifetime = SECOND;
    world.sign_in(200);
    for _ in 0..100 {
        world.fetch();
        while let [call, ..] = world.on_wire()[..] {
            world.serve_call(call);
        }
        if world.standing() == crate::core::Standing::Refreshing {
            world.serve_refresh();
        }
        world.pass(SECOND / 10.0);
    }
    assert!(world.refreshes.len() <= 10, "{}", world.refreshes.len());
}

#[test]
fn a_refresh_on_account_of_a_lifetime_that_fails_does_not_hold_the_request_back() {
    for fate in [Fate::Answers(503, None), Fate::IsLost] {
        let mut world = with_lifetime();
        world.fates = vec![fate];
        world.pass(60.0 * SECOND);
        let call = world.fetch();
        // The server is lenient with its tokens.
        world.serve();
        assert_eq!(world.got(call), OK, "{fate:?}");
        assert_eq!(world.hits(call), 1, "{fate:?}");
    }
}

#[test]
fn a_failed_refresh_on_account_of_a_lifetime_is_not_repeated_before_each_request() {
    for fate in [Fate::Answers(503, Some(10.0 * SECOND)), Fate::IsLost] {
        let mut world = with_lifetime();
        world.fates = vec![fate];
        world.pass(60.0 * SECOND);
        for _ in 0..50 {
            let call = world.fetch();
            world.serve();
            assert_eq!(world.got(call), OK);
            world.pass(SECOND / 10.0);
        }
        assert_eq!(world.refreshes.len(), 1, "{fate:?}");
    }
}

#[test]
fn a_refusal_ends_the_lifetime_too() {
    let mut world = with_lifetime();
    world.fates = vec![Fate::Answers(401, None)];
    world.pass(60.0 * SECOND);
    world.expire_token();
    let calls = [world.fetch(), world.fetch()];
    world.serve();
    world.fetch();
    world.serve();
    assert_eq!(calls.map(|call| world.got(call)), [UNAUTHORIZED; 2]);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn neither_a_sign_out_nor_a_sign_in_waits_for_a_refresh_on_account_of_a_lifetime() {
    let mut world = with_lifetime();
    world.pass(HOUR);
    let call = world.sign_out();
    assert!(world.is_on_wire(call));
    assert_eq!(world.refreshes.len(), 0);
}
