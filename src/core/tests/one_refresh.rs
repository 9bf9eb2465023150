use super::world::*;
use crate::core::{ClientId, Event, Kind, News, Standing};

const REQUEST: Kind = Kind::Request { replayable: true };

#[test]
fn any_number_of_concurrent_401s_cause_one_refresh_and_one_replay_each() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let calls: Vec<_> = (0..200).map(|_| world.fetch()).collect();
    world.serve();
    assert_eq!(world.refreshes.len(), 1);
    for call in calls {
        assert_eq!(world.got(call), OK);
        assert_eq!(world.hits(call), 2);
    }
    assert_eq!(world.announced(Event::Refreshed), 1);
}

#[test]
fn a_late_401_causes_a_replay_and_no_refresh() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let (prompt, late) = (world.fetch(), world.fetch());
    world.answer(prompt, 401);
    world.serve_refresh();
    world.answer(late, 401);
    world.serve();
    assert_eq!(world.got(prompt), OK);
    assert_eq!(world.got(late), OK);
    assert_eq!(world.hits(late), 2);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_late_401_that_meets_the_next_refresh_waits_for_it_and_is_replayed_once() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let (first, late) = (world.fetch(), world.fetch());
    world.answer(first, 401);
    world.serve_refresh();
    world.expire_token();
    world.serve_call(first);
    let second = world.fetch();
    world.pass(SECOND);
    world.answer(second, 401);
    assert_eq!(world.refreshes.len(), 2);

    world.answer(late, 401);
    assert!(world.is_holding(late));
    world.serve();
    assert_eq!(world.got(late), OK);
    assert_eq!(world.hits(late), 2);
    assert_eq!(world.refreshes.len(), 2);
}

#[test]
fn a_late_401_that_meets_a_refresh_that_fails_is_replayed_all_the_same() {
    for fate in [Fate::Answers(503, None), Fate::IsLost] {
        let mut world = World::with_expired_token(&[Fate::Renews, fate]);
        let (first, late) = (world.fetch(), world.fetch());
        world.answer(first, 401);
        world.serve_refresh();
        // The cookie is good; it is the next refresh, that somebody asks for, that fails.
        world.refresh();
        world.answer(late, 401);
        world.serve();
        assert_eq!(world.got(late), OK, "{fate:?}");
        assert_eq!(world.hits(late), 2, "{fate:?}");
    }
}

#[test]
fn requests_made_while_a_refresh_is_under_way_wait_for_it_and_are_sent_once() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let first = world.fetch();
    world.serve_requests();
    let gated: Vec<_> = (0..20).map(|_| world.fetch()).collect();
    assert!(gated.iter().all(|call| world.hits(*call) == 0));
    assert_eq!(world.standing(), Standing::Refreshing);
    world.serve();
    assert_eq!(world.got(first), OK);
    for call in gated {
        assert_eq!(world.got(call), OK);
        assert_eq!(world.hits(call), 1);
    }
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_sign_in_does_not_wait_on_the_gate() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    let waiting = world.fetch();
    world.serve_requests();
    let gated = world.fetch();
    // It goes to `fetch` directly, and its answer opens the gate for the session that it has begun.
    world.signed_in();
    world.serve_call(gated);
    assert_eq!(world.got(gated), OK);
    assert_eq!(world.got(waiting), UNAUTHORIZED);
}

#[test]
fn a_401_of_a_sign_in_is_handed_over_without_a_refresh() {
    let mut world = World::new();
    let call = world.call(Kind::SignIn);
    world.answer(call, 401);
    assert_eq!(world.got(call), UNAUTHORIZED);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn two_clients_of_one_refresh_url_share_one_refresh() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let clients = [ClientId(0), ClientId(1)];
    let calls = clients.map(|client| world.call_of(client, REQUEST));
    world.serve();
    assert_eq!(calls.map(|call| world.got(call)), [OK, OK]);
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(world.refreshes[0].client, clients[0]);
}

#[test]
fn a_replay_that_is_answered_401_again_goes_to_the_caller_as_it_is() {
    let mut world = World::with_expired_token(&[Fate::Answers(200, None)]);
    let calls = [world.fetch(), world.fetch()];
    world.serve();
    for call in calls {
        assert_eq!(world.got(call), UNAUTHORIZED);
        assert_eq!(world.hits(call), 2);
    }
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(world.announced(Event::Ineffective), 1);
    assert_eq!(world.announced(Event::Expired), 0);
}

#[test]
fn refreshes_that_do_not_help_back_off_from_1_s_doubling_to_60_s() {
    // The refresh succeeds and sets no cookie: blocked, say.
    let mut world = World::with_expired_token(&[Fate::Answers(200, None)]);
    let mut pauses = Vec::new();
    let mut before = None;
    for _ in 0..300 * 4 {
        let refreshes = world.refreshes.len();
        let call = world.fetch();
        world.serve();
        assert_eq!(world.got(call), UNAUTHORIZED);
        if world.refreshes.len() > refreshes {
            pauses.extend(before.replace(world.now).map(|before| world.now - before));
        } else {
            assert_eq!(world.hits(call), 1, "no refresh, so no replay");
        }
        world.pass(SECOND / 4.0);
    }
    assert_eq!(
        pauses,
        [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0].map(|seconds| seconds * SECOND)
    );
}

#[test]
fn a_guarded_request_that_succeeds_ends_the_back_off() {
    let mut world = World::with_expired_token(&[Fate::Answers(200, None), Fate::Renews]);
    world.fetch();
    world.serve();
    let call = world.fetch();
    world.serve();
    assert_eq!(world.refreshes.len(), 1, "it is in force: {call:?}");

    let call = world.fetch();
    world.answer(call, 200);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 2);
}

#[test]
fn an_api_that_always_answers_401_costs_at_most_one_refresh_and_two_hits_a_call() {
    let mut world = World::with_expired_token(&[Fate::Answers(200, None)]);
    for _ in 0..500 {
        let refreshes = world.refreshes.len();
        let call = world.fetch();
        world.serve();
        assert_eq!(world.got(call), UNAUTHORIZED);
        assert!(world.hits(call) <= 2);
        assert!(world.refreshes.len() <= refreshes + 1);
        world.pass(SECOND);
    }
    assert!(world.refreshes.len() < 15, "{}", world.refreshes.len());
}

#[test]
fn such_an_api_costs_no_more_when_the_server_announces_lifetimes() {
    let mut world = World::with_expired_token(&[Fate::Answers(200, None)]);
    world.grant.lifetime = 2.0 * SECOND;
    for _ in 0..500 {
        let refreshes = world.refreshes.len();
        let call = world.fetch();
        while world.got(call).is_none() {
            if world.is_on_wire(call) {
                world.serve_call(call);
            } else {
                world.serve_refresh();
            }
        }
        assert_eq!(world.got(call), UNAUTHORIZED);
        assert!(world.hits(call) <= 2);
        assert!(world.refreshes.len() <= refreshes + 1);
        world.pass(SECOND);
    }
    assert!(world.refreshes.len() < 15, "{}", world.refreshes.len());
}

#[test]
fn a_401_that_only_seems_late_is_sent_again_and_then_refreshed_like_any_other() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.now = SECOND;
    let slow = world.fetch();
    world.pass(0.1 * SECOND);
    // A peer's request was let in after the answer of a refresh was lost: the cookie of now may have been there before that.
    world.hear(peers_word(News::Refreshed, 50.0, 0.0));
    world.pass(SECOND);
    world.answer(slow, 401);
    assert_eq!(world.refreshes.len(), 0);
    world.serve();
    assert_eq!(world.got(slow), OK);
    assert_eq!(world.hits(slow), 3);
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(world.announced(Event::Ineffective), 0);
}
