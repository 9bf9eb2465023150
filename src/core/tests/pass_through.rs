use super::world::*;
use crate::core::{Answer, Standing};

#[test]
fn a_401_that_is_not_ours_is_handed_over_without_a_refresh() {
    let mut world = World::new();
    let call = world.fetch();
    world.answer_as(call, 401, Answer::default());
    assert_eq!(world.got(call), UNAUTHORIZED);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_response_that_is_not_an_expired_status_goes_to_the_caller_at_once() {
    let mut world = World::new();
    for status in [200, 204, 304, 400, 403, 404, 429, 500, 503] {
        let call = world.fetch();
        world.answer(call, status);
        assert_eq!(world.got(call), Some(Got::Answer(status)));
        assert_eq!(world.hits(call), 1);
    }
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_rejection_of_fetch_ends_the_call_and_nothing_else() {
    let mut world = World::new();
    let (failing, other) = (world.fetch(), world.fetch());
    world.reject(failing);
    assert_eq!(world.got(failing), Some(Got::Rejected));
    world.serve();
    assert_eq!(world.got(other), OK);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn an_answer_that_is_not_ours_to_judge_is_neither_a_success_nor_an_expiry() {
    let mut world = World::new();
    let call = world.fetch();
    world.answer_as(call, 500, Answer::default());
    assert_eq!(world.standing(), Standing::Unknown);
}
