use super::world::*;
use crate::core::{Cause, Event, News, Standing};

/// Its refresh is refused, and the session is over.
fn signed_out() -> World {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    world.fetch();
    world.serve();
    assert_eq!(world.standing(), Standing::Expired);
    world
}

#[test]
fn when_the_refresh_is_refused_all_callers_get_their_401_and_expired_is_announced_once() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    let calls: Vec<_> = (0..50).map(|_| world.fetch()).collect();
    world.serve();
    let later: Vec<_> = (0..50).map(|_| world.fetch()).collect();
    world.serve();
    let hits: usize = calls.iter().map(|call| world.hits(*call)).sum();
    assert_eq!(hits, 51, "one of them asks before the refusal is believed");
    for call in calls.into_iter().chain(later) {
        assert_eq!(world.got(call), UNAUTHORIZED);
    }
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(world.events, [(Event::Expired, Cause::Answered)]);
    assert_eq!(world.standing(), Standing::Expired);
}

#[test]
fn a_redirect_of_the_refresh_signs_nobody_out() {
    let mut world = World::with_expired_token(&[Fate::Redirects, Fate::Renews]);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.announced(Event::Expired), 0);
    assert_eq!(world.announced(Event::Unavailable), 1);
    world.pass(SECOND);
    world.serve();
    assert_eq!(world.got(call), OK);
}

#[test]
fn after_a_refusal_refreshes_back_off_from_5_s_doubling_to_60_s_and_nobody_is_told_again() {
    let mut world = signed_out();
    for pause in [5.0, 10.0, 20.0, 40.0, 60.0, 60.0] {
        let before = world.refreshes.len();
        world.pass(pause * SECOND - 1.0);
        let call = world.fetch();
        world.serve();
        assert_eq!(world.got(call), UNAUTHORIZED);
        assert_eq!(world.refreshes.len(), before, "{pause} s");
        world.pass(1.0);
        let call = world.fetch();
        world.serve();
        assert_eq!(world.got(call), UNAUTHORIZED);
        assert_eq!(world.refreshes.len(), before + 1, "{pause} s");
    }
    assert_eq!(world.announced(Event::Expired), 1);
}

#[test]
fn a_refresh_that_succeeds_after_a_refusal_revives_the_session() {
    let mut world = signed_out();
    // Somebody has signed in elsewhere, and the access token of then has expired.
    world.fates = vec![Fate::Renews];
    world.pass(5.0 * SECOND);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.standing(), Standing::Active);
}

#[test]
fn after_a_sign_out_there_is_no_refresh_until_a_sign_in() {
    let mut world = World::new();
    world.sign_out();
    world.serve();
    world.expire_token();
    world.pass(HOUR);
    world.fetch();
    world.serve();
    assert_eq!(world.refreshes.len(), 0);

    world.sign_in(200);
    world.expire_token();
    world.fates = vec![Fate::Renews];
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_success_where_a_request_was_refused_ends_an_expiry_too_and_peers_are_told() {
    let mut world = signed_out();
    world.pass(SECOND);
    let call = world.fetch();
    world.answer(call, 200);
    assert_eq!(world.standing(), Standing::Active);
    assert_eq!(world.told.last().unwrap().news, News::SignedIn);

    world.fates = vec![Fate::Renews];
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
}

#[test]
fn a_success_of_a_request_that_was_sent_before_the_refusal_does_not() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    let (slow, call) = (world.fetch(), world.fetch());
    world.answer(call, 401);
    world.serve_refresh();
    world.answer(call, 401);
    world.answer(slow, 200);
    assert_eq!(world.standing(), Standing::Expired);
}

#[test]
fn successes_between_refusals_do_not_make_refreshes_frequent() {
    // Some guarded requests are public, and always succeed.
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    for _ in 0..600 {
        let private = world.fetch();
        world.serve();
        assert_eq!(world.got(private), UNAUTHORIZED);
        world.pass(SECOND / 2.0);
        let public = world.fetch_from(PUBLIC);
        world.answer(public, 200);
        assert_eq!(world.standing(), Standing::Expired);
    }
    assert_eq!(world.announced(Event::Expired), 1);
    assert!(world.refreshes.len() <= 12, "{}", world.refreshes.len());
}

#[test]
fn a_refresh_that_is_unavailable_tells_nobody_that_they_are_signed_out() {
    let unavailable = [407, 408, 425, 429, 500, 502, 503, 504];
    let fates = unavailable.map(|status| Fate::Answers(status, None));
    for fate in fates.into_iter().chain([Fate::IsLost, Fate::Hangs]) {
        let mut world = World::with_expired_token(&[fate]);
        let call = world.fetch();
        for _ in 0..20 {
            world.serve();
            world.pass(SECOND);
        }
        assert_eq!(world.got(call), UNAVAILABLE, "{fate:?}");
        assert_eq!(world.announced(Event::Expired), 0, "{fate:?}");
        assert!(world.announced(Event::Unavailable) > 0, "{fate:?}");
        assert_ne!(world.standing(), Standing::Expired, "{fate:?}");
        assert!(world.now >= TIMEOUT);
    }
}

#[test]
fn the_next_request_after_a_blip_recovers_by_itself() {
    for fate in [
        Fate::Answers(500, None),
        Fate::Answers(429, Some(HOUR)),
        Fate::IsLost,
        Fate::Hangs,
    ] {
        let mut world = World::with_expired_token(&[fate, Fate::Renews]);
        let first = world.fetch();
        world.serve();
        world.pass(HOUR);
        world.serve();
        assert!(world.got(first).is_some(), "{fate:?}");
        let next = world.fetch();
        world.serve();
        world.pass(SECOND);
        world.serve();
        assert_eq!(world.got(next), OK, "{fate:?}");
    }
}

#[test]
fn an_answered_refusal_is_tried_again_within_the_deadline_as_the_same_refresh() {
    let mut world = World::with_expired_token(&[Fate::Answers(503, None), Fate::Renews]);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), NOTHING_YET);
    world.pass(SECOND);
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 2);
    assert_eq!(world.refreshes[1].key, world.refreshes[0].key);

    // The next one is another.
    world.expire_token();
    world.fetch();
    world.serve();
    assert_ne!(world.refreshes[2].key, world.refreshes[1].key);
}

#[test]
fn retry_after_is_honoured_to_the_millisecond() {
    for status in [429, 503] {
        let mut world =
            World::with_expired_token(&[Fate::Answers(status, Some(3_500.0)), Fate::Renews]);
        let call = world.fetch();
        world.serve();
        world.pass(3_499.0);
        assert_eq!(world.refreshes.len(), 1);
        world.pass(1.0);
        assert_eq!(world.refreshes.len(), 2);
        world.serve();
        assert_eq!(world.got(call), OK);
    }
}

#[test]
fn a_retry_after_of_no_time_at_all_still_means_a_pause() {
    // A zero, and dates that are past.
    for asked in [0.0, -HOUR, 1.0, f64::NEG_INFINITY] {
        let mut world = World::with_expired_token(&[Fate::Answers(503, Some(asked))]);
        world.fetch();
        world.serve();
        for _ in 0..100 {
            world.pass(100.0);
            world.serve();
        }
        let times = world.refreshes.windows(2);
        let mut pauses = times.map(|pair| pair[1].at - pair[0].at);
        assert!(pauses.all(|pause| pause >= SECOND), "Retry-After: {asked}");
    }
}

#[test]
fn a_retry_after_of_years_parks_nobody_for_more_than_an_hour() {
    for asked in [f64::INFINITY, f64::NAN, 1e15] {
        let mut world = World::with_expired_token(&[Fate::Answers(503, Some(asked)), Fate::Renews]);
        world.fetch();
        world.serve();
        world.pass(HOUR);
        let call = world.fetch();
        world.serve();
        assert_eq!(world.got(call), OK, "Retry-After: {asked}");
    }
}

#[test]
fn who_cannot_wait_for_retry_after_is_told_at_once() {
    let mut world = World::with_expired_token(&[Fate::Answers(503, Some(30.0 * SECOND))]);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), UNAVAILABLE);
    assert_eq!(world.now, 0.0);
}

#[test]
fn the_cool_down_keeps_a_failing_server_from_being_hammered() {
    let mut world = World::with_expired_token(&[Fate::Answers(500, None)]);
    for _ in 0..600 {
        for _ in 0..10 {
            world.fetch();
        }
        world.serve();
        world.pass(SECOND / 2.0);
    }
    // 300 s: after 0, 1, 3, 7, 15, 31 and 63 s, and then each minute.
    assert!(world.refreshes.len() <= 11, "{}", world.refreshes.len());
}

#[test]
fn refresh_tries_at_once_whatever_pause_is_on() {
    let mut world =
        World::with_expired_token(&[Fate::Answers(503, Some(30.0 * SECOND)), Fate::Renews]);
    world.fetch();
    world.serve();
    assert_eq!(world.refreshes.len(), 1);
    let call = world.refresh();
    assert_eq!(world.refreshes.len(), 2);
    world.serve();
    assert_eq!(world.got(call), DONE);
}

#[test]
fn the_cool_down_holds_back_no_request_that_needs_no_refresh() {
    let mut world = World::with_expired_token(&[Fate::Answers(503, Some(5.0 * SECOND))]);
    let (waiting, gated) = (world.fetch(), {
        world.serve_requests();
        world.fetch()
    });
    world.serve_refresh();
    assert_eq!(world.got(waiting), NOTHING_YET);
    assert!(world.is_on_wire(gated));
    world.answer(gated, 200);
    let another = world.fetch();
    world.answer(another, 200);
    assert_eq!(world.got(gated), OK);
    assert_eq!(world.got(another), OK);
}

#[test]
fn after_a_lost_refresh_the_request_is_replayed_first_and_that_may_be_all() {
    let mut world = World::with_expired_token(&[Fate::RenewsUnheard]);
    let calls = [world.fetch(), world.fetch(), world.fetch()];
    world.serve();
    for call in calls {
        assert_eq!(world.got(call), OK);
        assert_eq!(world.hits(call), 2);
    }
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(
        world.events,
        [
            (Event::Unavailable, Cause::Lost),
            (Event::Refreshed, Cause::Unauthorized),
        ]
    );
}

#[test]
fn a_refresh_follows_a_lost_one_only_if_the_replay_is_still_401() {
    let mut world = World::with_expired_token(&[Fate::IsLost, Fate::Renews]);
    let calls = [world.fetch(), world.fetch()];
    world.serve_requests();
    world.serve_refresh();
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(world.on_wire(), calls[..1], "one asks for all");

    world.serve();
    assert_eq!(world.refreshes.len(), 1, "and then there is a pause");
    world.pass(SECOND);
    world.serve();
    assert_eq!(calls.map(|call| world.got(call)), [OK, OK]);
    assert_eq!(world.refreshes.len(), 2);
    assert_eq!(world.refreshes[1].key, world.refreshes[0].key);
}

#[test]
fn who_asks_and_is_aborted_or_rejected_leaves_the_question_to_the_next() {
    let mut world = World::with_expired_token(&[Fate::RenewsUnheard]);
    let [first, second, third] = [world.fetch(), world.fetch(), world.fetch()];
    world.serve_requests();
    world.serve_refresh();
    world.abort(first);
    assert_eq!(world.on_wire(), [first, second]);
    world.reject(second);
    world.pass(4.0 * SECOND);
    world.serve();
    assert_eq!(world.got(third), OK);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_reply_that_proves_nothing_is_not_taken_for_a_renewal() {
    let mut world = World::with_expired_token(&[Fate::IsLost, Fate::Renews]);
    let [first, second] = [world.fetch(), world.fetch()];
    world.serve_requests();
    world.serve_refresh();
    world.answer(first, 500);
    assert_eq!(world.got(first), Some(Got::Answer(500)));
    assert_eq!(world.announced(Event::Refreshed), 0);
    for _ in 0..TIMEOUT as u32 / 1_000 {
        world.pass(SECOND);
        world.serve();
    }
    assert_eq!(world.got(second), OK);
}

#[test]
fn a_lost_refresh_that_no_request_waits_for_is_asked_about_by_the_next_request() {
    let mut world = World::with_expired_token(&[Fate::RenewsUnheard]);
    let command = world.refresh();
    world.serve();
    assert_eq!(world.got(command), UNAVAILABLE);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn an_overdue_refresh_counts_as_lost() {
    let mut world = World::with_expired_token(&[Fate::Hangs, Fate::Renews]);
    let first = world.fetch();
    world.serve();
    world.pass(5.0 * SECOND);
    let gated = world.fetch();
    world.pass(5.0 * SECOND);
    assert_eq!(world.got(first), UNAVAILABLE);
    assert_eq!(world.events, [(Event::Unavailable, Cause::Overdue)]);
    assert!(world.is_on_wire(gated), "the gate is open again");
    world.serve();
    world.pass(SECOND);
    world.serve();
    assert_eq!(world.got(gated), OK);
}

#[test]
fn the_late_answer_of_an_overdue_refresh_is_still_welcome() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.fetch();
    world.serve();
    let number = world.refreshes[0].number;
    world.pass(TIMEOUT - 1.0);
    let call = world.fetch();
    world.pass(1.0);
    world.serve();
    assert_eq!(world.got(call), NOTHING_YET);

    world.renew(number);
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(world.announced(Event::Refreshed), 1);
}

#[test]
fn the_late_refusal_of_an_overdue_refresh_expires_the_session() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.fetch();
    world.serve();
    let number = world.refreshes[0].number;
    world.pass(TIMEOUT - 1.0);
    let call = world.fetch();
    world.pass(1.0);
    world.serve();
    world.end_refresh(number, answered(401, None));
    world.serve();
    assert_eq!(world.got(call), UNAUTHORIZED);
    assert_eq!(world.announced(Event::Expired), 1);
}

#[test]
fn that_an_overdue_refresh_was_unavailable_is_no_news() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.fetch();
    world.serve();
    world.pass(TIMEOUT - 1.0);
    let call = world.fetch();
    world.pass(1.0);
    world.end_refresh(world.refreshes[0].number, answered(503, Some(HOUR)));
    assert_eq!(world.announced(Event::Unavailable), 1);
    assert_eq!(world.got(call), NOTHING_YET);
}

#[test]
fn the_end_of_a_refresh_that_another_has_followed_is_no_news() {
    let mut world = World::with_expired_token(&[Fate::Hangs, Fate::Renews]);
    world.fetch();
    world.serve();
    world.pass(TIMEOUT);
    let call = world.fetch();
    world.serve();
    world.pass(SECOND);
    assert_eq!(world.refreshes.len(), 2);
    world.end_refresh(world.refreshes[0].number, answered(401, None));
    assert_eq!(world.announced(Event::Expired), 0);
    world.serve();
    assert_eq!(world.got(call), OK);
}
