//! What the answers to requests and refreshes mean.

use super::world::TIMEOUT;
use crate::core::{Answer, Facts, Outcome, Policy};

fn read(facts: Facts) -> Answer {
    let policy = Policy {
        expired_statuses: vec![401, 419],
        timeout: TIMEOUT,
        cross_tab: true,
        learn: true,
    };
    policy.read(facts)
}

#[test]
fn which_statuses_mean_expired_is_the_clients_choice() {
    let is_expired = |status| read(Facts::new(status)).expired;
    assert!(is_expired(401));
    assert!(is_expired(419));
    assert!(!is_expired(403));
    assert!(!is_expired(200));
}

#[test]
fn r11_a_401_after_a_redirect_out_of_scope_is_not_ours() {
    assert!(read(Facts::new(401).redirected(false)).expired);
    assert!(!read(Facts::new(401).redirected(true)).expired);
}

#[test]
fn what_is_expired_says_counts_in_place_of_the_status_wherever_a_redirect_ended() {
    assert!(read(Facts::new(200).judged(true)).expired);
    assert!(read(Facts::new(200).redirected(true).judged(true)).expired);
    assert!(!read(Facts::new(401).judged(false)).expired);
}

#[test]
fn r12_a_public_answer_by_redirect_or_from_a_cache_proves_nothing_about_the_session() {
    assert!(read(Facts::new(200)).ok);
    assert!(read(Facts::new(204)).ok);
    assert!(!read(Facts::new(200).redirected(false)).ok);
    assert!(!read(Facts::new(200).redirected(true)).ok);
    assert!(!read(Facts::new(200).cached()).ok);
    assert!(!read(Facts::new(404)).ok);
    // A redirect that was not followed.
    assert!(!read(Facts::new(0).redirected(true)).ok);
}

#[test]
fn r29_a_2xx_that_no_redirect_took_elsewhere_begins_a_session_unless_interpret_denies() {
    assert!(read(Facts::new(200)).begins);
    assert!(read(Facts::new(204)).begins);
    for status in [0, 302, 400, 401, 500] {
        assert!(!read(Facts::new(status)).begins, "{status}");
    }
    assert!(!read(Facts::new(200).redirected(false)).begins);
    for denied in [Outcome::Expired, Outcome::Unavailable] {
        assert!(!read(Facts::new(200).interpreted(denied)).begins);
    }
    let form = Facts::new(200).redirected(false);
    assert!(read(form.interpreted(Outcome::Renewed)).begins);
}

#[test]
fn r30_a_2xx_or_a_redirect_ends_the_session_unless_interpret_denies() {
    assert!(read(Facts::new(204)).ends);
    assert!(read(Facts::new(0).redirected(true)).ends);
    assert!(read(Facts::new(200).redirected(true)).ends);
    for status in [400, 401, 403, 404, 500, 503] {
        assert!(!read(Facts::new(status)).ends, "{status}");
    }
    for denied in [Outcome::Renewed, Outcome::Unavailable] {
        assert!(!read(Facts::new(200).interpreted(denied)).ends);
    }
    assert!(read(Facts::new(400).interpreted(Outcome::Expired)).ends);
}

#[test]
fn facts_are_packed_as_the_border_has_them() {
    // As `pkg/answer.js` packs them.
    assert_eq!(Facts::new(401).0, 401);
    assert_eq!(Facts::new(200).redirected(false).0, 200 | 1 << 10);
    assert_eq!(Facts::new(200).redirected(true).0, 200 | 3 << 10);
    assert_eq!(Facts::new(200).judged(true).0, 200 | 1 << 12);
    assert_eq!(Facts::new(200).judged(false).0, 200 | 2 << 12);
    for (said, number) in [
        (Outcome::Renewed, 1),
        (Outcome::Expired, 2),
        (Outcome::Unavailable, 3),
    ] {
        assert_eq!(Facts::new(0).interpreted(said).0, number << 14);
        assert_eq!(Outcome::said(number), Some(said));
    }
    assert_eq!(Outcome::said(0), None);
    assert_eq!(Facts::new(200).cached().0, 200 | 1 << 16);
}

#[test]
fn a_2xx_renews() {
    for status in [200, 201, 204, 299] {
        assert_eq!(Outcome::of(status, None, None), Outcome::Renewed);
    }
}

#[test]
fn r12_only_400_401_and_403_without_a_retry_after_expire_the_session() {
    for status in [400, 401, 403] {
        assert_eq!(Outcome::of(status, None, None), Outcome::Expired);
        let later = Some(1_000.0);
        assert_eq!(Outcome::of(status, None, later), Outcome::Unavailable);
    }
}

#[test]
fn r13_every_other_refusal_and_a_redirect_mean_nothing_for_the_session() {
    let others = (300..600).filter(|status| ![400, 401, 403].contains(status));
    for status in others.chain([0, 100]) {
        let outcome = Outcome::of(status, None, None);
        assert_eq!(outcome, Outcome::Unavailable, "{status}");
    }
}

#[test]
fn interpret_may_say_otherwise() {
    for said in [Outcome::Renewed, Outcome::Expired, Outcome::Unavailable] {
        for status in [0, 200, 401, 404, 503] {
            assert_eq!(Outcome::of(status, Some(said), Some(1.0)), said);
        }
    }
}
