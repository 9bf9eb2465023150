use super::world::*;
use crate::core::{Cause, ClientId, Event, Failure, Kind, News, RefreshEnd, Standing, Word};

const REQUEST: Kind = Kind::Request { replayable: true };

#[test]
fn a_sign_in_makes_all_work_again() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None), Fate::Renews]);
    world.fetch();
    world.serve();
    world.sign_in(200);
    assert_eq!(world.standing(), Standing::Active);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.hits(call), 1);

    world.expire_token();
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.announced(Event::Expired), 1);
}

#[test]
fn the_second_expiry_is_announced_like_the_first() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    world.fetch();
    world.serve();
    world.sign_in(200);
    world.expire_token();
    world.fetch();
    world.serve();
    assert_eq!(world.announced(Event::Expired), 2);
}

#[test]
fn a_sign_in_that_fails_changes_nothing() {
    for status in [400, 401, 403, 429, 500] {
        let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
        world.fetch();
        world.serve();
        world.sign_in(status);
        assert_eq!(world.standing(), Standing::Expired, "{status}");
    }
}

#[test]
fn a_request_is_not_sent_again_under_the_cookies_of_somebody_else() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    let (holding, on_wire) = (world.fetch(), world.fetch());
    world.answer(holding, 401);
    world.signed_in();
    world.answer(on_wire, 401);
    for call in [holding, on_wire] {
        assert_eq!(world.got(call), UNAUTHORIZED);
        assert_eq!(world.hits(call), 1);
    }
}

#[test]
fn that_a_refresh_has_failed_that_a_sign_in_has_overtaken_is_no_news() {
    for end in [answered(401, None), answered(503, None), RefreshEnd::Lost] {
        let mut world = World::with_expired_token(&[Fate::Hangs]);
        world.fetch();
        world.serve();
        world.signed_in();
        world.end_refresh(world.refreshes[0].number, end);
        assert_eq!(world.standing(), Standing::Active);
        assert_eq!(world.events, []);
    }
}

#[test]
fn that_a_refresh_has_worked_that_a_sign_in_has_overtaken_is_told_as_superseded() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.fetch();
    world.serve();
    world.signed_in();
    world.renew(world.refreshes[0].number);
    assert_eq!(world.standing(), Standing::Expired);
    assert_eq!(world.events, [(Event::Expired, Cause::Superseded)]);
    let told = world.told.last().unwrap();
    assert_eq!((told.news, told.cause), (News::Expired, Cause::Superseded));

    // Whom those cookies let in is not who signed in, so nothing revives that session.
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.standing(), Standing::Expired);
    world.sign_in(200);
    assert_eq!(world.standing(), Standing::Active);
}

#[test]
fn cookies_of_the_same_user_supersede_nobody() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.fetch();
    world.serve();
    world.grant.subject = 7;
    let sign_in = world.call(Kind::SignIn);
    world.pass(TIMEOUT);
    world.answer(sign_in, 200);
    world.renew(world.refreshes[0].number);
    assert_eq!(world.standing(), Standing::Active);
    assert_eq!(world.announced(Event::Expired), 0);
}

#[test]
fn a_sign_in_waits_for_the_refresh_under_way_and_holds_the_lock_while_it_is_on_the_wire() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let call = world.fetch();
    world.serve_requests();
    let sign_in = world.call(Kind::SignIn);
    assert_eq!(world.hits(sign_in), 0);
    world.serve_refresh();
    assert!(world.is_on_wire(sign_in));
    assert_eq!(world.lock, Lock::Ours, "no refresh begins beside it");
    world.serve();
    assert_eq!(world.got(sign_in), OK);
    assert_eq!(world.got(call), OK);
    assert_eq!(world.lock, Lock::Free);
    assert_eq!(world.told.last().unwrap().news, News::SignedIn);
}

#[test]
fn a_sign_in_waits_no_longer_than_its_deadline_and_holds_the_lock_no_longer_either() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.peer_locks();
    let sign_in = world.call(Kind::SignIn);
    world.pass(TIMEOUT - 1.0);
    assert_eq!(world.hits(sign_in), 0);
    world.pass(1.0);
    assert!(world.is_on_wire(sign_in));

    let mut world = World::new();
    let sign_in = world.call(Kind::SignIn);
    assert_eq!(world.lock, Lock::Ours);
    world.pass(TIMEOUT);
    assert_eq!(world.lock, Lock::Free);
    world.serve();
    assert_eq!(world.got(sign_in), OK);
}

#[test]
fn a_401_that_waits_while_somebody_signs_in_is_refreshed_if_that_fails() {
    let mut world = World::new();
    let sign_in = world.call(Kind::SignIn);
    world.expire_token();
    let call = world.fetch();
    world.serve_call(call);
    assert_eq!(world.refreshes.len(), 0);
    world.answer(sign_in, 403);
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_change_of_subject_is_a_change_of_user() {
    let mut world = World::new();
    world.grant.subject = 7;
    world.sign_in(200);
    world.expire_token();
    let call = world.fetch();
    world.serve_requests();
    // Somebody else has signed in by a form: the refresh says whose the cookies are.
    world.grant.subject = 8;
    world.serve();
    assert_eq!(world.got(call), UNAUTHORIZED);
    assert_eq!(world.hits(call), 1);
    assert_eq!(world.standing(), Standing::Active);
    assert_eq!(world.told.last().unwrap().news, News::SignedIn);
}

#[test]
fn what_was_sent_before_somebody_is_said_to_have_signed_in_is_not_sent_again() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let call = world.fetch();
    world.signed_in();
    world.serve_call(call);
    assert_eq!(world.got(call), UNAUTHORIZED);
    assert_eq!(world.hits(call), 1);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_sign_out_that_the_server_has_not_accepted_ends_nothing() {
    for status in [400, 403, 404, 500] {
        let mut world = World::new();
        let sign_out = world.sign_out();
        world.answer(sign_out, status);
        assert_eq!(world.got(sign_out), Some(Got::Answer(status)));
        assert_ne!(world.standing(), Standing::Expired, "{status}");
        assert_eq!(world.told, [], "{status}");
        world.expire_token();
        let call = world.fetch();
        world.serve();
        assert_eq!(world.got(call), OK, "{status}");
    }
    let mut world = World::new();
    let sign_out = world.sign_out();
    world.reject(sign_out);
    assert_ne!(world.standing(), Standing::Expired);
    assert_eq!(world.told, []);
}

#[test]
fn a_sign_out_that_is_answered_401_is_refreshed_and_sent_again() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let sign_out = world.sign_out();
    world.answer(sign_out, 401);
    assert_eq!(world.refreshes.len(), 1);
    world.serve_refresh();
    assert!(world.is_on_wire(sign_out));
    world.answer(sign_out, 200);
    assert_eq!(world.got(sign_out), OK);
    assert_eq!(world.hits(sign_out), 2);
    assert_eq!(world.standing(), Standing::Expired);
    assert_eq!(world.told.last().unwrap().news, News::SignedOut);
}

#[test]
fn a_sign_out_that_is_answered_401_again_has_ended_nothing() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let sign_out = world.sign_out();
    world.answer(sign_out, 401);
    world.serve_refresh();
    world.answer(sign_out, 401);
    assert_eq!(world.got(sign_out), UNAUTHORIZED);
    assert_eq!(world.standing(), Standing::Active);
}

#[test]
fn a_401_of_the_sign_out_after_the_refresh_was_refused_ends_the_session() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    let sign_out = world.sign_out();
    world.answer(sign_out, 401);
    world.serve_refresh();
    assert_eq!(world.got(sign_out), UNAUTHORIZED);
    assert_eq!(world.hits(sign_out), 1);
    assert_eq!(world.standing(), Standing::Expired);
}

#[test]
fn signing_out_waits_for_the_refresh_under_way() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let call = world.fetch();
    world.serve_requests();
    let sign_out = world.sign_out();
    assert_eq!(world.hits(sign_out), 0);
    world.serve_refresh();
    assert!(world.is_on_wire(sign_out));
    world.serve();
    assert_eq!(world.got(sign_out), OK);
    assert_eq!(world.got(call), OK);
    assert_eq!(world.standing(), Standing::Expired);
}

#[test]
fn signing_out_goes_ahead_whatever_comes_of_that_refresh() {
    for fate in [
        Fate::Answers(503, None),
        Fate::Answers(401, None),
        Fate::IsLost,
        Fate::Hangs,
    ] {
        let mut world = World::with_expired_token(&[fate]);
        world.fetch();
        world.serve_requests();
        let sign_out = world.sign_out();
        world.serve();
        world.pass(TIMEOUT);
        world.serve();
        world.pass(TIMEOUT);
        world.serve();
        assert_eq!(world.got(sign_out), OK, "{fate:?}");
        // Once more after a refresh that may have set cookies beside it.
        let hits = if let Fate::Hangs = fate { 2 } else { 1 };
        assert_eq!(world.hits(sign_out), hits, "{fate:?}");
        assert_eq!(world.standing(), Standing::Expired, "{fate:?}");
    }
}

#[test]
fn a_refresh_that_ends_after_a_sign_out_does_not_revive_the_session() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.fetch();
    world.serve();
    world.sign_out();
    world.pass(TIMEOUT);
    world.serve();
    world.end_refresh(world.refreshes[0].number, answered(200, None));
    assert_eq!(world.standing(), Standing::Expired);
    assert_eq!(world.announced(Event::Refreshed), 0);
}

/// A request, a sign-out and another request wait for one refresh, in this order.
fn between_two(fate: Fate) -> (World, [crate::core::CallId; 3]) {
    let mut world = World::with_expired_token(&[fate]);
    let (before, after) = (world.fetch(), world.fetch());
    world.answer(before, 401);
    world.pass(SECOND);
    let sign_out = world.sign_out();
    world.answer(after, 401);
    (world, [before, sign_out, after])
}

#[test]
fn who_waits_when_the_sign_out_goes_ahead_gets_their_401() {
    for fate in [
        Fate::Answers(503, None),
        Fate::Answers(401, None),
        Fate::IsLost,
    ] {
        let (mut world, [before, sign_out, after]) = between_two(fate);
        world.serve_refresh();
        while let [asking, ..] = world.on_wire()[..]
            && asking != sign_out
        {
            world.answer(asking, 401);
        }
        assert!(world.is_on_wire(sign_out), "{fate:?}");
        world.answer(sign_out, 200);
        for call in [before, after] {
            assert_eq!(world.got(call), UNAUTHORIZED, "{fate:?}");
        }
        assert_eq!(world.hits(after), 1, "{fate:?}");
    }
}

#[test]
fn who_waits_when_the_sign_out_has_waited_long_enough_is_not_left_behind() {
    let (mut world, [_, sign_out, after]) = between_two(Fate::Hangs);
    world.pass(TIMEOUT - SECOND);
    assert!(world.is_on_wire(sign_out));
    world.answer(sign_out, 200);
    assert_eq!(world.got(after), UNAUTHORIZED);
    assert_eq!(world.standing(), Standing::Expired);
}

#[test]
fn no_answer_to_a_request_from_before_the_sign_out_revives_the_session() {
    for fate in [Fate::Answers(503, None), Fate::IsLost, Fate::Hangs] {
        let (mut world, _) = between_two(fate);
        world.serve_refresh();
        world.pass(TIMEOUT);
        for call in world.on_wire() {
            world.answer(call, 200);
        }
        world.pass(HOUR);
        assert_eq!(world.standing(), Standing::Expired, "{fate:?}");
        assert_eq!(world.announced(Event::Refreshed), 0, "{fate:?}");
    }
}

#[test]
fn a_401_after_the_sign_out_is_handed_over_without_a_refresh() {
    let mut world = World::new();
    let before = world.fetch();
    let sign_out = world.sign_out();
    world.serve_call(sign_out);
    let after = world.fetch();
    world.answer(before, 401);
    world.answer(after, 401);
    assert_eq!(world.got(before), UNAUTHORIZED);
    assert_eq!(world.got(after), UNAUTHORIZED);
    assert_eq!(world.refreshes.len(), 0);
    assert_eq!(world.announced(Event::Expired), 0, "nobody is surprised");
}

#[test]
fn a_client_that_is_disposed_of_rejects_its_calls_that_wait_and_no_others() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let (gone, stays) = (ClientId(0), ClientId(1));
    let holding = world.call_of(gone, REQUEST);
    let other = world.call_of(stays, REQUEST);
    world.serve_requests();
    let gated = world.call_of(gone, REQUEST);
    let command = world.call_of(gone, Kind::Refresh);
    world.dispose(gone);
    for call in [holding, gated, command] {
        assert_eq!(world.got(call), DISPOSED);
    }
    world.serve();
    assert_eq!(world.got(other), OK);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn what_a_disposed_client_has_on_the_wire_comes_back_as_it_is() {
    for status in [200, 401, 500] {
        let mut world = World::new();
        let call = world.fetch();
        world.dispose(ClientId(0));
        world.answer(call, status);
        assert_eq!(world.got(call), Some(Got::Answer(status)));
        assert_eq!(world.refreshes.len(), 0);
    }
}

#[test]
fn a_client_that_is_disposed_of_while_it_asks_leaves_the_question_to_another() {
    let mut world = World::with_expired_token(&[Fate::RenewsUnheard]);
    let gone = world.call_of(ClientId(0), REQUEST);
    let other = world.call_of(ClientId(1), REQUEST);
    world.serve_requests();
    world.serve_refresh();
    assert_eq!(world.on_wire(), [gone]);
    world.dispose(ClientId(0));
    assert_eq!(world.on_wire(), [gone, other]);
    world.serve();
    assert_eq!(world.got(other), OK);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn refresh_refreshes_and_joins_the_one_under_way() {
    let mut world = World::new();
    let calls = [world.refresh(), world.refresh(), world.ensure_fresh(None)];
    assert_eq!(world.refreshes.len(), 1);
    world.serve();
    assert_eq!(calls.map(|call| world.got(call)), [DONE; 3]);
    assert_eq!(world.events, [(Event::Refreshed, Cause::Asked)]);
}

#[test]
fn refresh_asks_even_after_an_expiry_and_announces_it_no_second_time() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    world.fetch();
    world.serve();
    world.refresh();
    world.serve();
    assert_eq!(world.refreshes.len(), 2);
    assert_eq!(world.announced(Event::Expired), 1);
}

#[test]
fn ensure_fresh_refreshes_when_nothing_is_known_and_not_again_while_fresh() {
    let mut world = World::new();
    let first = world.ensure_fresh(None);
    world.serve();
    assert_eq!(world.got(first), DONE);
    let second = world.ensure_fresh(None);
    assert_eq!(world.got(second), DONE);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn ensure_fresh_keeps_to_the_age_that_its_caller_allows() {
    let mut world = World::new();
    world.sign_in(200);
    world.pass(30.0 * SECOND);
    world.ensure_fresh(Some(30.0 * SECOND));
    assert_eq!(world.refreshes.len(), 0);
    world.ensure_fresh(Some(30.0 * SECOND - 1.0));
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn ensure_fresh_believes_the_lifetime_that_the_server_announced() {
    let mut world = World::new();
    world.grant.lifetime = HOUR;
    world.sign_in(200);
    world.pass(HOUR - 1.0);
    world.ensure_fresh(None);
    assert_eq!(world.refreshes.len(), 0);
    world.pass(1.0);
    world.ensure_fresh(Some(f64::INFINITY));
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn ensure_fresh_does_not_ask_a_session_that_is_over() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    world.fetch();
    world.serve();
    let call = world.ensure_fresh(Some(0.0));
    assert_eq!(world.got(call), DONE);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_command_is_told_when_the_session_could_not_be_refreshed() {
    for fate in [Fate::Answers(503, None), Fate::IsLost, Fate::Hangs] {
        let mut world = World::with_expired_token(&[fate]);
        let calls = [world.refresh(), world.ensure_fresh(None)];
        for _ in 0..20 {
            world.serve();
            world.pass(SECOND);
        }
        assert_eq!(calls.map(|call| world.got(call)), [UNAVAILABLE; 2]);
    }
}

/// A sign-out that is answered half a second after it was sent, beside a peer's sign-in.
#[derive(Clone, Copy, Debug)]
enum Beside {
    /// The peer's word comes first.
    HeardBefore,
    HeardAfter,
    /// The sign-out is another peer's.
    Elsewhere,
    ElsewhereAndFirst,
}

#[test]
fn when_a_sign_in_and_a_sign_out_were_on_the_wire_together_the_next_request_finds_out() {
    for order in [
        Beside::HeardBefore,
        Beside::HeardAfter,
        Beside::Elsewhere,
        Beside::ElsewhereAndFirst,
    ] {
        let mut world = World::with_expired_token(&[Fate::Renews]);
        world.now = SECOND;
        let sign_in = |age| peers_word(News::SignedIn, age, 0.0);
        let sign_out = |age| Word {
            sent: age + 0.5 * SECOND,
            ..peers_word(News::SignedOut, age, 0.0)
        };
        match order {
            Beside::HeardBefore => {
                let call = world.sign_out();
                world.pass(0.4 * SECOND);
                world.hear(sign_in(0.0));
                world.pass(0.1 * SECOND);
                world.answer(call, 204);
                assert!(world.told.iter().all(|word| word.news != News::SignedOut));
            }
            Beside::HeardAfter => {
                let call = world.sign_out();
                world.pass(0.5 * SECOND);
                world.answer(call, 204);
                world.pass(0.1 * SECOND);
                world.hear(sign_in(0.2 * SECOND));
            }
            Beside::Elsewhere => {
                world.pass(SECOND);
                world.hear(sign_in(0.1 * SECOND));
                world.hear(sign_out(0.0));
                assert_eq!(world.announced(Event::Expired), 0);
            }
            Beside::ElsewhereAndFirst => {
                world.pass(SECOND);
                world.hear(sign_out(0.0));
                world.hear(sign_in(0.1 * SECOND));
            }
        }
        assert_eq!(world.standing(), Standing::Unknown, "{order:?}");
        let call = world.fetch();
        world.serve();
        assert_eq!(world.got(call), OK, "{order:?}");
        assert_eq!(world.refreshes.len(), 1, "{order:?}");
    }
}

#[test]
fn a_sign_out_that_is_sent_after_a_sign_in_ends_that_session() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.now = SECOND;
    world.hear(peers_word(News::SignedIn, 0.0, 0.0));
    world.pass(0.1 * SECOND);
    let call = world.sign_out();
    world.pass(0.1 * SECOND);
    world.answer(call, 204);
    assert_eq!(world.standing(), Standing::Expired);
}

#[test]
fn what_waits_at_the_gate_is_not_carried_out_as_somebody_who_signs_in_meanwhile() {
    for told in [true, false] {
        let mut world = World::with_expired_token(&[Fate::Hangs]);
        world.now = SECOND;
        let refused = world.fetch();
        world.serve();
        let gated = world.fetch();
        assert!(!world.is_on_wire(gated));
        world.pass(SECOND);
        if told {
            world.signed_in();
        } else {
            world.hear(peers_word(News::SignedIn, 0.0, 0.0));
        }
        world.serve();
        assert_eq!(world.got(refused), UNAUTHORIZED);
        assert_eq!(world.got(gated), Some(Got::Failed(Failure::NotReplayable)));
        assert_eq!(world.hits(gated), 0);
        let later = world.fetch();
        world.serve_call(later);
        assert_eq!(world.hits(later), 1);
    }
}

#[test]
fn a_sign_out_that_waits_is_sent_as_its_page_goes_away() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.fetch();
    world.serve();
    let sign_out = world.sign_out();
    assert!(!world.is_on_wire(sign_out));
    world.leave();
    assert!(world.is_on_wire(sign_out));
    world.answer(sign_out, 204);
    assert_eq!(world.standing(), Standing::Expired);
}

#[test]
fn a_sign_out_beside_a_refresh_whose_page_is_gone_is_sent_once_more_after_it() {
    let mut world = World::with_expired_token(&[]);
    world.now = SECOND;
    world.keep(News::Started, 0.1 * SECOND, 5.0 * SECOND);
    world.open();
    let sign_out = world.sign_out_since(world.now);
    world.pass(0.1 * SECOND);
    world.answer(sign_out, 204);
    assert_eq!(world.standing(), Standing::Expired);
    assert_eq!(world.got(sign_out), None);
    world.pass(4.0 * SECOND);
    assert_eq!(world.hits(sign_out), 1);
    world.pass(2.0 * SECOND);
    assert_eq!(world.hits(sign_out), 2);
    world.answer(sign_out, 204);
    assert_eq!(world.got(sign_out), Some(Got::Answer(204)));
}

#[test]
fn a_sign_in_and_a_sign_out_of_one_page_are_never_on_the_wire_together() {
    let orders = [
        [Kind::SignOut, Kind::SignIn],
        [Kind::SignIn, Kind::SignOut],
        [Kind::SignIn, Kind::SignIn],
    ];
    // Before the first has waited long enough to be sent without the lock, or after.
    for (order, is_early) in orders.into_iter().flat_map(|it| [(it, true), (it, false)]) {
        let mut world = World::with_expired_token(&[]);
        world.peer_locks();
        let first = world.call(order[0]);
        if order[0] == Kind::SignOut {
            // At once, and once more when the peer is done.
            world.answer(first, 204);
        }
        let second = if is_early {
            world.pass(5.0 * SECOND);
            let second = world.call(order[1]);
            world.pass(6.0 * SECOND);
            second
        } else {
            world.pass(11.0 * SECOND);
            world.call(order[1])
        };
        assert!(world.is_on_wire(first), "{order:?}: not put off for good");
        assert!(!world.is_on_wire(second), "{order:?}");
        world.peer_unlocks();
        assert!(!world.is_on_wire(second), "{order:?}");
        world.answer(first, 200);
        assert!(world.is_on_wire(second), "{order:?}");
        world.answer(second, 200);
        let is_signed_in = order[1] == Kind::SignIn;
        assert_eq!(world.standing() == Standing::Active, is_signed_in);
    }
}

#[test]
fn a_sign_out_that_hangs_holds_up_a_sign_in_for_its_deadline_at_the_most() {
    let mut world = World::with_expired_token(&[]);
    world.peer_locks();
    let sign_out = world.sign_out();
    world.answer(sign_out, 204);
    world.pass(5.0 * SECOND);
    let sign_in = world.call(Kind::SignIn);
    world.pass(6.0 * SECOND);
    world.peer_unlocks();
    assert!(!world.is_on_wire(sign_in));
    world.pass(5.0 * SECOND);
    assert!(world.is_on_wire(sign_in));
}
