use super::world::*;
use crate::core::{CallId, Standing};

/// A call in each of the places where one can be, and the world that it is in.
fn everywhere() -> Vec<(&'static str, World, CallId)> {
    let mut places = Vec::new();

    let mut world = World::new();
    let call = world.fetch();
    places.push(("on the wire", world, call));

    let mut world = World::with_expired_token(&[Fate::Hangs]);
    let call = world.fetch();
    world.serve();
    places.push(("holding a 401", world, call));

    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.fetch();
    world.serve();
    let call = world.fetch();
    places.push(("gated", world, call));

    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.fetch();
    world.serve();
    let call = world.sign_out();
    places.push(("gated, to sign out", world, call));

    let mut world = World::with_expired_token(&[Fate::Hangs]);
    let call = world.refresh();
    world.serve();
    places.push(("in a command", world, call));

    let mut world = World::with_expired_token(&[Fate::Answers(503, None)]);
    let call = world.fetch();
    world.serve();
    places.push(("cooling", world, call));

    let mut world = World::with_expired_token(&[Fate::IsLost]);
    let call = world.fetch();
    world.serve_requests();
    world.serve_refresh();
    places.push(("asking", world, call));

    let mut world = World::with_expired_token(&[Fate::Renews]);
    let call = world.fetch();
    world.serve_requests();
    world.serve_refresh();
    places.push(("being replayed", world, call));

    places
}

#[test]
fn an_abort_settles_its_caller_wherever_it_is_and_what_comes_later_is_nobodys() {
    for (place, mut world, call) in everywhere() {
        assert_eq!(world.got(call), NOTHING_YET, "{place}");
        world.abort(call);
        assert_eq!(world.got(call), ABORTED, "{place}");
        if world.is_on_wire(call) {
            world.reject(call);
        }
        world.pass(HOUR);
        world.serve();
        assert_eq!(world.got(call), ABORTED, "{place}");
        assert_ne!(world.standing(), Standing::Expired, "{place}");
    }
}

#[test]
fn the_shared_refresh_goes_on_for_the_others() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let calls: Vec<_> = (0..20).map(|_| world.fetch()).collect();
    world.serve_requests();
    // The first is the one that the refresh was started for.
    world.abort(calls[0]);
    world.serve();
    for call in &calls[1..] {
        assert_eq!(world.got(*call), OK);
    }
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_refresh_that_nobody_waits_for_any_more_still_renews() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let call = world.fetch();
    world.serve_requests();
    world.abort(call);
    assert_eq!(
        world.timer(),
        Some(TIMEOUT),
        "the lock is not held for ever"
    );
    world.serve();
    assert_eq!(world.standing(), Standing::Active);
    assert_eq!(world.timer(), None);
}

#[test]
fn a_call_that_waits_settles_by_its_deadline_wherever_it_waits() {
    for (place, mut world, call) in everywhere() {
        if world.is_on_wire(call) {
            continue;
        }
        world.pass(TIMEOUT);
        let sent = world.is_on_wire(call);
        assert!(sent || world.got(call) == UNAVAILABLE, "{place}");
    }
}

#[test]
fn a_refresh_that_hangs_settles_all_within_the_deadline() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    let calls: Vec<_> = (0..20).map(|_| world.fetch()).collect();
    world.serve();
    world.pass(TIMEOUT - 1.0);
    assert_eq!(world.unsettled(), calls);
    world.pass(1.0);
    for call in calls {
        assert_eq!(world.got(call), UNAVAILABLE);
    }
    assert_eq!(world.timer(), None);
}

#[test]
fn all_the_waits_of_a_call_together_are_bounded() {
    // 9 s on the gate of a refresh that succeeds, and then a refresh that hangs.
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.refresh();
    world.serve();
    let call = world.fetch();
    world.pass(9.0 * SECOND);
    world.renew(world.refreshes[0].number);
    world.expire_token();
    world.pass(HOUR);
    world.serve();
    assert!(
        world.is_holding(call),
        "the time on the wire is the server's"
    );
    let waits_from = world.now;
    world.pass(HOUR);
    assert_eq!(world.got(call), UNAVAILABLE);
    assert_eq!(world.refreshes[1].at, waits_from);
}

#[test]
fn of_the_time_that_it_may_wait_a_call_loses_only_what_it_has_waited() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.refresh();
    world.serve();
    let call = world.fetch();
    world.pass(9.0 * SECOND);
    world.renew(world.refreshes[0].number);
    world.expire_token();
    world.serve();
    world.pass(SECOND - 1.0);
    assert_eq!(world.got(call), NOTHING_YET);
    world.pass(1.0);
    assert_eq!(world.got(call), UNAVAILABLE);
}

#[test]
fn who_asks_on_a_slow_request_does_not_hold_up_the_others_beyond_their_deadline() {
    let mut world = World::with_expired_token(&[Fate::IsLost]);
    let (slow, other) = (world.fetch(), world.fetch());
    world.serve_requests();
    world.serve_refresh();
    world.pass(TIMEOUT);
    assert!(world.is_on_wire(slow));
    assert!(world.got(other).is_some());
    assert_eq!(world.timer(), None);
}

#[test]
fn who_asks_on_a_slow_request_does_not_stand_in_the_way_of_newcomers() {
    let mut world = World::with_expired_token(&[Fate::IsLost, Fate::Renews]);
    world.fetch();
    world.serve_requests();
    world.serve_refresh();
    world.pass(HOUR);
    let newcomer = world.fetch();
    world.serve_call(newcomer);
    world.serve_refresh();
    world.serve_call(newcomer);
    assert_eq!(world.got(newcomer), OK);
}

#[test]
fn a_machine_that_sleeps_for_hours_loses_nothing_that_was_answered() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let (waiting, gated) = (world.fetch(), {
        world.serve_requests();
        world.fetch()
    });
    world.sleep(8.0 * HOUR);
    // The answer comes before the timer rings.
    world.serve();
    assert_eq!(world.got(waiting), OK);
    assert_eq!(world.got(gated), OK);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_machine_that_sleeps_for_hours_finds_those_who_wait_in_vain_settled_when_it_wakes() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    let calls = [world.fetch(), world.fetch()];
    world.serve();
    world.sleep(8.0 * HOUR);
    world.wake();
    assert_eq!(calls.map(|call| world.got(call)), [UNAVAILABLE; 2]);
    assert_eq!(world.timer(), None);
}

#[test]
fn after_hours_of_sleep_the_first_request_is_enough() {
    let mut world = World::with_expired_token(&[Fate::Hangs, Fate::Renews]);
    world.fetch();
    world.serve();
    world.sleep(8.0 * HOUR);
    let call = world.fetch();
    assert!(world.is_on_wire(call), "the old refresh no longer gates it");
    world.serve();
    world.pass(SECOND);
    world.serve();
    assert_eq!(world.got(call), OK);
}

#[test]
fn nobody_waits_so_no_timer_runs() {
    let mut world = World::new();
    assert_eq!(world.timer(), None);
    world.fetch();
    assert_eq!(world.timer(), None, "a request on the wire needs none");
    world.serve();
    world.grant.lifetime = HOUR;
    world.sign_in(200);
    assert_eq!(world.timer(), None, "nor does a lifetime");

    for fate in [Fate::Renews, Fate::Answers(401, None)] {
        world.expire_token();
        world.fates = vec![fate];
        world.fetch();
        world.serve_requests();
        assert!(world.timer().is_some());
        world.serve();
        assert_eq!(world.timer(), None);
    }
}

#[test]
fn the_timer_rings_for_the_one_who_has_the_least_time_left() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    let first = world.fetch();
    world.serve();
    world.pass(SECOND);
    world.fetch();
    assert_eq!(world.timer(), Some(TIMEOUT));
    world.abort(first);
    // The refresh is still given no longer.
    assert_eq!(world.timer(), Some(TIMEOUT));
}

#[test]
fn an_answer_that_comes_late_finds_its_own_call_or_none_however_many_calls_later() {
    let mut world = World::new();
    for _ in 0..10_000 {
        let call = world.fetch();
        world.serve();
        assert_eq!(world.got(call), OK);
    }
}
