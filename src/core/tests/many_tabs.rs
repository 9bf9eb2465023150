//! Many tabs: locks, what peers say, orphans, and the fence around a sign-out.

use super::world::*;
use crate::core::{Cause, Event, News, Standing};

/// A call of this tab waits, and a peer has the lock.
fn behind_a_peer() -> (World, crate::core::CallId) {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.now = SECOND;
    world.peer_locks();
    let call = world.fetch();
    world.serve_requests();
    assert_eq!(world.lock, Lock::Peers { wanted: true });
    (world, call)
}

/// A page that comes up while the refresh of a page that is gone is under way, for a second now.
fn with_an_orphan(fates: &[Fate]) -> World {
    let mut world = World::with_expired_token(fates);
    world.now = SECOND / 10.0;
    world.keep(News::Started, SECOND, TIMEOUT);
    world
}

#[test]
fn what_was_refused_before_a_worker_could_hear_anybody_asks_before_it_refreshes() {
    for renewed in [true, false] {
        let mut world = World::with_expired_token(&[Fate::Renews]);
        world.now = SECOND;
        world.open_without_words();
        let call = world.fetch_since(SECOND - 50.0);
        if renewed {
            world.renew_unheard();
        }
        world.now += 1.0;
        world.serve();
        assert_eq!(world.got(call), OK);
        assert_eq!(world.refreshes.len(), usize::from(!renewed), "{renewed}");
        // What is sent from here on needs no such question.
        let before = world.refreshes.len();
        world.expire_token();
        let later = world.fetch();
        world.serve();
        assert_eq!(world.got(later), OK);
        assert_eq!(world.refreshes.len(), before + 1);
    }
}

#[test]
fn the_lock_is_held_around_the_refresh_alone() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    let call = world.fetch();
    assert_eq!(world.lock, Lock::Free);
    world.serve_requests();
    assert_eq!(world.lock, Lock::Ours);
    world.serve_refresh();
    assert_eq!(world.lock, Lock::Free);
    assert_eq!(world.got(call), NOTHING_YET);
}

#[test]
fn the_lock_is_given_back_whatever_becomes_of_the_refresh() {
    for fate in [
        Fate::Renews,
        Fate::Answers(401, None),
        Fate::Answers(503, None),
        Fate::IsLost,
        Fate::Hangs,
    ] {
        let mut world = World::with_expired_token(&[fate]);
        world.fetch();
        world.serve_requests();
        world.serve_refresh();
        world.pass(TIMEOUT);
        world.fates = vec![Fate::Renews];
        world.serve();
        world.pass(TIMEOUT);
        assert_eq!(world.lock, Lock::Free, "{fate:?}");
    }
}

#[test]
fn who_waits_for_the_lock_and_gives_up_leaves_nothing_behind() {
    let (mut world, call) = behind_a_peer();
    world.abort(call);
    assert_eq!(world.lock, Lock::Peers { wanted: false });
    assert_eq!(world.timer(), None);

    let (mut world, call) = behind_a_peer();
    for _ in 0..20 {
        world.pass(SECOND);
        world.serve();
    }
    assert_eq!(world.got(call), UNAVAILABLE);
    assert_eq!(world.lock, Lock::Peers { wanted: false });
}

#[test]
fn a_peers_success_renews_this_tab_without_a_request() {
    let (mut world, call) = behind_a_peer();
    let gated = world.fetch();
    assert_eq!(world.hits(gated), 0);
    world.peer_renews();
    world.hear_of(News::Refreshed, 0.0, 0.0);
    assert_eq!(world.lock, Lock::Peers { wanted: false });
    world.serve();
    for call in [call, gated] {
        assert_eq!(world.got(call), OK);
    }
    assert_eq!((world.hits(call), world.hits(gated)), (2, 1));
    assert_eq!(world.refreshes.len(), 0);
    assert_eq!(world.announced(Event::Refreshed), 1);
    assert_eq!(world.told.len(), 0);
}

#[test]
fn a_peers_refreshed_message_causes_no_refresh() {
    let mut world = World::new();
    world.now = SECOND;
    let late = world.fetch();
    world.expire_token();
    world.pass(1.0);
    world.peer_renews();
    world.hear_of(News::Refreshed, 0.5, 0.0);
    assert_eq!(world.lock, Lock::Free);
    world.serve();
    assert_eq!(world.got(late), OK);
    assert_eq!(world.hits(late), 2);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_401_of_what_was_sent_after_a_peers_success_is_not_late() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.now = SECOND;
    let call = world.fetch();
    // Held up on its way: the cookie that it speaks of is older than that of the call.
    world.hear_of(News::Refreshed, SECOND / 2.0, 0.0);
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(world.announced(Event::Ineffective), 0);
}

#[test]
fn who_had_to_wait_for_the_lock_asks_before_it_refreshes() {
    let (mut world, call) = behind_a_peer();
    world.pass(1.0);
    world.peer_renews();
    // Its word is late, or lost.
    world.peer_unlocks();
    assert_eq!(
        world.lock,
        Lock::Free,
        "nothing of the user's runs while it is held"
    );
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 0);

    let (mut world, call) = behind_a_peer();
    world.pass(1.0);
    world.peer_unlocks();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(world.hits(call), 3);
}

#[test]
fn a_lock_that_is_busy_whenever_it_is_asked_for_keeps_nobody_from_refreshing() {
    let (mut world, call) = behind_a_peer();
    for _ in 0..2 {
        world.pass(1.0);
        world.peer_unlocks();
        // Our own, which is on its way back, say.
        if world.lock == Lock::Free {
            world.peer_locks();
        }
        world.serve_requests();
    }
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn the_epoch_is_checked_again_inside_the_lock() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.now = SECOND;
    let call = world.fetch();
    world.pass(10.0);
    world.peer_renews();
    // Nothing was heard, but it is written.
    world.keep(News::Refreshed, 5.0, 0.0);
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.hits(call), 2);
    assert_eq!(world.refreshes.len(), 0);
    assert_eq!(world.lock, Lock::Free);
}

#[test]
fn a_sign_in_that_is_read_inside_the_lock_leaves_nobody_waiting() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.now = SECOND;
    world.keep(News::SignedIn, 0.0, 0.0);
    world.pass(10.0);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn who_waits_for_a_peer_asks_now_and_then() {
    let (mut world, call) = behind_a_peer();
    let gated = world.fetch();
    world.pass(SECOND);
    assert!(world.is_on_wire(call));
    world.serve_requests();
    assert_eq!(world.got(call), NOTHING_YET);
    // The holder succeeded long ago, and is frozen.
    world.peer_renews();
    world.pass(2.0 * SECOND);
    world.serve();
    for call in [call, gated] {
        assert_eq!(world.got(call), OK);
    }
    assert_eq!(world.lock, Lock::Peers { wanted: false });
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_page_that_comes_up_during_an_orphan_waits_for_it_by_asking() {
    let mut world = with_an_orphan(&[Fate::Renews]);
    let call = world.fetch();
    for _ in 0..3 {
        world.serve();
        world.pass(SECOND);
    }
    assert_eq!(world.refreshes.len(), 0);
    assert_eq!(world.lock, Lock::Free);
    world.peer_renews();
    for _ in 0..3 {
        world.serve();
        world.pass(SECOND);
    }
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 0);
    // Who comes up later finds that it is over.
    assert_eq!(
        world.told.last().map(|word| word.news),
        Some(News::Refreshed)
    );
}

#[test]
fn an_orphan_that_is_certainly_over_is_tried_again_under_its_own_key() {
    let mut world = with_an_orphan(&[Fate::Renews]);
    let call = world.fetch();
    for _ in 0..30 {
        world.serve();
        if !world.refreshes.is_empty() {
            break;
        }
        world.pass(SECOND / 2.0);
    }
    world.serve();
    assert_eq!(world.got(call), OK);
    let refresh = world.refreshes[0];
    assert_eq!(refresh.at, SECOND / 10.0 - SECOND + TIMEOUT);
    assert_eq!(refresh.key, peers_word(News::Started, 0.0, 0.0).key);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_peer_that_takes_over_from_one_that_died_waits_for_its_refresh() {
    let (mut world, call) = behind_a_peer();
    world.hear_of(News::Started, 0.0, TIMEOUT);
    world.pass(SECOND / 2.0);
    // Its tab is closed; nothing was heard of its refresh.
    world.peer_unlocks();
    for _ in 0..3 {
        world.pass(SECOND);
        world.serve();
    }
    assert_eq!(world.refreshes.len(), 0);
    world.peer_renews();
    world.pass(2.0 * SECOND);
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_command_waits_for_an_orphan_too_though_it_cannot_ask() {
    let mut world = with_an_orphan(&[Fate::Renews]);
    let command = world.refresh();
    world.pass(TIMEOUT - 2.0 * SECOND);
    assert_eq!(world.refreshes.len(), 0);
    world.pass(SECOND);
    world.serve();
    assert_eq!(world.got(command), DONE);
    assert_eq!(world.refreshes.len(), 1);
}

#[test]
fn a_peers_expired_is_announced_here_too() {
    let (mut world, call) = behind_a_peer();
    world.hear_of(News::Expired, 0.0, 0.0);
    world.hear_of(News::Expired, 0.0, 0.0);
    assert_eq!(world.got(call), UNAUTHORIZED);
    assert_eq!(world.announced(Event::Expired), 1);
    assert_eq!(world.standing(), Standing::Expired);
    let later = world.fetch();
    world.serve();
    assert_eq!(world.got(later), UNAUTHORIZED);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_word_of_before_the_latest_renewal_is_no_news() {
    for news in [
        News::Expired,
        News::SignedOut,
        News::SignedIn,
        News::Refreshed,
    ] {
        let mut world = World::with_expired_token(&[Fate::Renews]);
        world.now = SECOND;
        world.fetch();
        world.serve();
        world.pass(SECOND);
        let announced = world.events.len();
        world.hear_of(news, 2.0 * SECOND, 0.0);
        assert_eq!(world.standing(), Standing::Active, "{news:?}");
        assert_eq!(world.events.len(), announced, "{news:?}");
    }
}

#[test]
fn retry_after_and_the_cool_down_hold_for_peers_too() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.hear_of(News::Unavailable, SECOND, 4.0 * SECOND);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.refreshes.len(), 0);
    world.pass(3.0 * SECOND);
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes[0].at, 3.0 * SECOND);
    // It is the same refresh, tried again.
    let key = peers_word(News::Started, 0.0, 0.0).key;
    assert_eq!(world.refreshes[0].key, key);

    // Who comes up later reads it.
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.keep(News::Unavailable, SECOND, 60.0 * SECOND);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), UNAVAILABLE);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn before_expired_is_believed_after_a_race_the_request_is_replayed() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    let call = world.fetch();
    world.serve_requests();
    world.pass(10.0);
    // Where there are no locks: both refreshed at once, and the peer won.
    world.peer_renews();
    let after = world.fetch();
    world.hear_of(News::Refreshed, 1.0, 0.0);
    world.serve_refresh();
    world.serve();
    for call in [call, after] {
        assert_eq!(world.got(call), OK);
    }
    assert_eq!(world.announced(Event::Expired), 0);
    assert_eq!(world.standing(), Standing::Active);
}

#[test]
fn signing_out_waits_for_the_refresh_of_another_tab() {
    let mut world = World::new();
    world.now = SECOND;
    world.peer_locks();
    world.hear_of(News::Started, 0.0, TIMEOUT);
    let sign_out = world.sign_out();
    assert_eq!(world.hits(sign_out), 0);
    assert_eq!(world.standing(), Standing::Unknown);
    world.hear_of(News::Refreshed, 0.0, 0.0);
    world.peer_unlocks();
    assert!(world.is_on_wire(sign_out));
    assert_eq!(world.lock, Lock::Ours, "no refresh begins beside it");
    world.serve();
    assert_eq!(world.got(sign_out), OK);
    assert_eq!(world.hits(sign_out), 1);
    assert_eq!(world.lock, Lock::Free);
}

#[test]
fn a_sign_out_is_sent_in_the_same_task_when_no_refresh_is_known_and_once_more_if_a_peer_had_one() {
    let mut world = World::new();
    world.peer_locks();
    let sign_out = world.sign_out();
    assert!(world.is_on_wire(sign_out));
    world.serve();
    assert_eq!(world.got(sign_out), NOTHING_YET);
    assert_eq!(world.standing(), Standing::Expired);
    world.peer_unlocks();
    assert!(world.is_on_wire(sign_out));
    assert_eq!(world.lock, Lock::Ours, "no refresh begins beside it");
    world.serve();
    assert_eq!(world.got(sign_out), OK);
    assert_eq!(world.hits(sign_out), 2);
    assert_eq!(world.lock, Lock::Free);
}

#[test]
fn signing_out_waits_no_longer_than_its_deadline_and_holds_the_lock_no_longer_either() {
    let mut world = World::new();
    world.now = SECOND;
    world.peer_locks();
    world.hear_of(News::Started, 0.0, TIMEOUT);
    let sign_out = world.sign_out();
    world.pass(TIMEOUT - 1.0);
    assert_eq!(world.hits(sign_out), 0);
    world.pass(1.0);
    assert!(world.is_on_wire(sign_out));

    let mut world = World::new();
    world.sign_out();
    assert_eq!(world.lock, Lock::Ours);
    world.pass(TIMEOUT);
    assert_eq!(world.lock, Lock::Free);
}

#[test]
fn signing_out_waits_for_an_orphan() {
    let mut world = with_an_orphan(&[Fate::Renews]);
    world.open();
    let sign_out = world.sign_out();
    world.pass(TIMEOUT - 2.0 * SECOND);
    assert_eq!(world.hits(sign_out), 0);
    world.pass(SECOND);
    assert_eq!(world.hits(sign_out), 1);
}

#[test]
fn a_sign_out_that_an_overdue_refresh_meets_on_its_way_is_sent_once_more() {
    let mut world = World::with_expired_token(&[Fate::Hangs]);
    world.fetch();
    world.serve_requests();
    world.pass(TIMEOUT);
    let sign_out = world.sign_out();
    world.renew(world.refreshes[0].number);
    world.serve();
    assert_eq!(world.standing(), Standing::Expired);
    assert_eq!(world.got(sign_out), OK);
    assert_eq!(world.hits(sign_out), 2);
}

#[test]
fn a_sign_out_in_one_tab_ends_the_session_in_the_others() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.now = SECOND;
    let before = world.fetch();
    world.hear_of(News::SignedOut, 0.0, 0.0);
    assert_eq!(
        world.events.last(),
        Some(&(Event::Expired, Cause::SignedOut))
    );
    world.serve();
    assert_eq!(world.got(before), UNAUTHORIZED);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_sign_in_in_one_tab_wakes_the_others_from_expired() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None), Fate::Renews]);
    world.now = SECOND;
    world.fetch();
    world.serve();
    assert_eq!(world.standing(), Standing::Expired);
    world.pass(SECOND);
    world.hear_of(News::SignedIn, 0.0, 0.0);
    assert_eq!(world.standing(), Standing::Active);
    world.pass(SECOND);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 2);
}

#[test]
fn a_page_that_is_back_after_it_could_hear_nobody_asks_for_itself() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None), Fate::Renews]);
    world.fetch();
    world.serve();
    world.sleep(HOUR);
    world.come_back();
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
}

#[test]
fn a_clock_that_jumped_ahead_or_back_loses_nothing() {
    for age in [-HOUR, HOUR] {
        for news in [News::Started, News::Refreshed, News::Unavailable] {
            let mut world = World::with_expired_token(&[Fate::Renews]);
            world.now = SECOND;
            world.keep(news, age, TIMEOUT);
            let call = world.fetch();
            for _ in 0..25 {
                world.serve();
                world.pass(SECOND / 2.0);
            }
            assert_eq!(world.got(call), OK, "{news:?} {age}");
            assert_eq!(world.announced(Event::Expired), 0);
        }
    }
}

#[test]
fn the_peers_are_told_what_came_of_each_refresh() {
    for (fate, news) in [
        (Fate::Renews, News::Refreshed),
        (Fate::Answers(401, None), News::Expired),
        (Fate::Answers(503, Some(7.0 * SECOND)), News::Unavailable),
        (Fate::IsLost, News::Unavailable),
    ] {
        let mut world = World::with_expired_token(&[fate]);
        world.fetch();
        world.serve_requests();
        world.serve_refresh();
        world.serve_requests();
        let told: Vec<_> = world.told.iter().map(|word| word.news).collect();
        assert_eq!(told, [News::Started, news]);
    }
    let mut world = World::new();
    world.sign_in(200);
    world.sign_out();
    world.serve();
    let told: Vec<_> = world.told.iter().map(|word| word.news).collect();
    assert_eq!(told, [News::SignedIn, News::SignedOut]);
}

#[test]
fn a_refusal_is_no_news_to_who_has_signed_in_since_the_refresh_was_sent() {
    let mut world = World::with_expired_token(&[Fate::Answers(401, None)]);
    world.now = SECOND;
    world.fetch();
    world.serve_requests();
    world.pass(SECOND);
    world.serve_refresh();
    world.serve_requests();
    let refusal = *world.told.last().unwrap();
    assert_eq!((refusal.news, refusal.age), (News::Expired, SECOND));

    // The user signed in there, while it was on its way here.
    let mut peer = World::new();
    peer.now = 1.5 * SECOND;
    peer.sign_in(200);
    peer.pass(SECOND / 2.0);
    peer.hear_of(refusal.news, refusal.age, refusal.span);
    assert_eq!(peer.standing(), Standing::Active);
    assert_eq!(peer.announced(Event::Expired), 0);
}

#[test]
fn a_sign_in_that_is_found_under_the_lock_keeps_no_refresh_waiting() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.now = 2.0 * SECOND;
    world.alone = false;
    world.keep(News::SignedIn, SECOND, 0.0);
    let call = world.fetch();
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.refreshes.len(), 1);
    assert_eq!(world.lock, Lock::Free);
}

#[test]
fn a_sign_out_that_waits_for_a_peer_does_not_wake_up_without_end() {
    let mut world = World::with_expired_token(&[Fate::IsLost]);
    let call = world.fetch();
    world.serve_requests();
    world.serve_refresh();
    assert!(world.is_on_wire(call), "it asks");
    world.peer_locks();
    world.hear_of(News::Started, 0.0, TIMEOUT);
    let sign_out = world.sign_out();
    world.pass(2.0 * SECOND);
    assert_eq!(world.lock, Lock::Peers { wanted: true });
    world.hear_of(News::Refreshed, 0.0, 0.0);
    world.peer_unlocks();
    assert!(world.is_on_wire(sign_out));
}

#[test]
fn who_asks_while_the_lock_comes_does_not_wake_this_tab_up_without_end() {
    let (mut world, call) = behind_a_peer();
    world.pass(SECOND);
    assert!(world.is_on_wire(call), "it asks");
    world.hear_of(News::Started, 0.0, SECOND);
    // The peer is gone, and its refresh on its way.
    world.fetch();
    world.peer_unlocks();
    world.pass(2.0 * SECOND);
    assert_eq!(world.refreshes.len(), 0);
    world.serve();
    assert_eq!(world.got(call), NOTHING_YET);
}

#[test]
fn a_peers_refusal_is_not_believed_while_this_tabs_refresh_is_under_way() {
    let mut world = World::with_expired_token(&[Fate::Renews]);
    world.now = SECOND;
    let call = world.fetch();
    world.serve_requests();
    world.hear_of(News::Expired, 0.0, 0.0);
    world.serve();
    assert_eq!(world.got(call), OK);
    assert_eq!(world.announced(Event::Expired), 0);
}

#[test]
fn signing_out_does_not_wait_for_the_pause_that_a_peer_has_told_of() {
    let mut world = World::new();
    world.now = SECOND;
    world.keep(News::Unavailable, SECOND / 2.0, 4.0 * SECOND);
    let sign_out = world.sign_out();
    assert!(world.is_on_wire(sign_out));
    world.serve();
    assert_eq!(world.got(sign_out), OK);
    assert_eq!(world.lock, Lock::Free);
}
