use super::world::*;

#[test]
fn a_stream_is_sent_once_and_after_a_401_the_session_is_renewed_and_the_caller_told() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let upload = world.upload_stream();
    world.serve();
    assert_eq!(world.got(upload), NOT_REPLAYABLE);
    assert_eq!(world.hits(upload), 1);
    assert_eq!(world.refreshes.len(), 1);

    let upload = world.upload_stream();
    world.serve();
    assert_eq!(world.got(upload), OK);
}

#[test]
fn a_late_401_of_a_stream_needs_no_refresh_to_be_told() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let (call, upload) = (world.fetch(), world.upload_stream());
    world.answer(call, 401);
    world.serve_refresh();
    world.answer(upload, 401);
    assert_eq!(world.got(upload), NOT_REPLAYABLE);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_stream_that_waits_on_the_gate_has_not_been_sent_and_is_sent_after_the_refresh() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.fetch();
    world.serve_requests();
    let upload = world.upload_stream();
    world.serve();
    assert_eq!(world.got(upload), OK);
    assert_eq!(world.hits(upload), 1);
}

#[test]
fn a_stream_gets_its_401_when_the_refresh_is_refused() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    let upload = world.upload_stream();
    world.serve();
    assert_eq!(world.got(upload), UNAUTHORIZED);
}

#[test]
fn a_stream_asks_nobody_about_a_lost_refresh() {
    let mut world = World::with_expired_token(&[Fate::IsLost]);
    let upload = world.upload_stream();
    world.serve();
    assert_eq!(world.got(upload), UNAVAILABLE);
    assert_eq!(world.hits(upload), 1);
}

#[test]
fn a_401_that_was_too_large_to_keep_is_fetched_anew_once_if_the_refresh_is_refused() {
    for status in [401, 403, 200] {
        let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
        let (first, large, small) = (world.fetch(), world.fetch(), world.fetch());
        world.serve_requests();
        world.serve_refresh();
        assert!(world.is_on_wire(first), "it asks");
        world.drop_body(large);
        world.serve_call(first);
        assert_eq!(world.got(small), UNAUTHORIZED);
        assert_eq!(world.hits(small), 1);
        assert_eq!(world.got(large), NOTHING_YET);

        world.answer(large, status);
        assert_eq!(world.got(large), Some(Got::Answer(status)));
        assert_eq!(world.hits(large), 2);
        assert_eq!(world.refreshes.len(), 1);
    }
}

#[test]
fn a_401_that_was_too_large_to_keep_is_not_missed_if_the_refresh_succeeds() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let call = world.fetch();
    world.serve_requests();
    world.drop_body(call);
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.hits(call), 2);
}

#[test]
fn each_new_401_of_a_call_is_kept_for_itself() {
    // The first is too large; those that asking brings are not.
    let mut world = World::with_expired_token(&[Fate::IsLost, Fate::Answers(401, None)]);
    let call = world.fetch();
    world.serve_requests();
    world.drop_body(call);
    world.serve();
    world.pass(SECOND);
    world.serve();
    assert_eq!(world.got(call), UNAUTHORIZED);
    // After the loss, and before the refusal is believed.
    assert_eq!(world.hits(call), 3);
}

#[test]
fn a_401_that_was_too_large_to_keep_is_not_fetched_anew_for_whoever_signs_in_meanwhile() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    let call = world.fetch();
    world.serve_requests();
    world.drop_body(call);
    world.signed_in();
    assert_eq!(world.hits(call), 1);
    assert_eq!(world.got(call), NOT_REPLAYABLE);
}

#[test]
fn a_body_that_is_dropped_after_the_call_has_settled_is_no_news() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    let call = world.fetch();
    world.serve();
    world.drop_body(call);
    assert_eq!(world.got(call), UNAUTHORIZED);
}
