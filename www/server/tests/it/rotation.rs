//! Refresh tokens: rotated at each use, and what becomes of those that were used.

use std::collections::BTreeSet;
use std::time::Duration;

use keepfresh_demo_server::Config;
use serde_json::json;
use tokio::task::JoinSet;

use crate::browser::{Answer, Browser};
use crate::{config, start, strict};

#[tokio::test]
async fn a_refresh_replaces_both_cookies() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    let before = browser.cookies.clone();
    assert_eq!(browser.post("/lab/expire-access").await.status, 204);
    assert_eq!(browser.get("/api/me").await.status, 401);

    let answer = browser.refresh().await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "expires_in": 1800 }))
    );
    assert_eq!(browser.get("/api/me").await.status, 200);
    for name in ["kf_access", "kf_refresh"] {
        assert_ne!(browser.cookies[name], before[name]);
    }
    assert_eq!(
        browser.refresh().await.status,
        200,
        "the new token is good in turn"
    );
}

#[tokio::test]
async fn without_a_refresh_token_or_with_an_unknown_one_the_refresh_is_refused() {
    let server = start(strict()).await;
    let mut browser = Browser::new(&server);
    let answer = browser.refresh().await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (401, "no_refresh_token")
    );
    browser
        .cookies
        .insert("kf_refresh".to_owned(), "rubbish".to_owned());
    let answer = browser.refresh().await;
    assert_eq!((answer.status, answer.error().as_str()), (401, "unknown"));
}

#[tokio::test]
async fn an_expired_refresh_token_is_refused() {
    let server = start(Config {
        refresh_ttl: Duration::ZERO,
        ..strict()
    })
    .await;
    let answer = Browser::signed_in(&server).await.refresh().await;
    assert_eq!((answer.status, answer.error().as_str()), (401, "expired"));
}

#[tokio::test]
async fn reuse_outside_the_leeway_ends_the_family() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    let mut thief = browser.clone();
    assert_eq!(browser.refresh().await.status, 200);

    let answer = thief.refresh().await;
    assert_eq!((answer.status, answer.error().as_str()), (401, "reused"));
    let answer = browser.refresh().await;
    assert_eq!((answer.status, answer.error().as_str()), (401, "revoked"));
    assert_eq!(browser.counters().await["reuse_detected"], 1);
}

#[tokio::test]
async fn reuse_ends_no_other_session_of_the_user() {
    let server = start(strict()).await;
    let mut elsewhere = Browser::signed_in(&server).await;
    let mut browser = Browser::signed_in(&server).await;
    let mut thief = browser.clone();
    browser.refresh().await;
    assert_eq!(thief.refresh().await.error(), "reused");
    assert_eq!(elsewhere.refresh().await.status, 200);
}

#[tokio::test]
async fn reuse_within_the_leeway_gets_what_the_winner_has_and_no_branch_of_its_own() {
    let server = start(Config {
        leeway: Duration::from_secs(3600),
        ..config()
    })
    .await;
    let mut winner = Browser::signed_in(&server).await;
    let mut loser = winner.clone();
    assert_eq!(winner.refresh().await.status, 200);
    assert_eq!(loser.refresh().await.status, 200);
    assert_eq!(winner.cookies["kf_refresh"], loser.cookies["kf_refresh"]);
    assert_eq!(winner.refresh().await.status, 200);
    assert_eq!(loser.refresh().await.status, 200);
    assert_eq!(winner.cookies["kf_refresh"], loser.cookies["kf_refresh"]);
    assert_eq!(winner.counters().await["reuse_detected"], 0);
}

#[tokio::test]
async fn a_refused_refresh_deletes_no_cookie() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    let mut late = browser.clone();
    browser.refresh().await;
    let answer = late.refresh().await;
    assert_eq!(answer.error(), "reused");
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn the_same_idempotency_key_gets_the_same_refresh_token() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    let mut again = browser.clone();
    let first = browser.refresh_with_key("\"k\"").await.unwrap();
    let second = again.refresh_with_key("\"k\"").await.unwrap();
    assert_eq!((first.status, second.status), (200, 200));
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(browser.cookies["kf_refresh"], again.cookies["kf_refresh"]);
    assert_eq!(again.get("/api/me").await.status, 200);

    let counters = browser.counters().await;
    assert_eq!(counters["idempotent_repeats"], 1);
    assert_eq!(counters["reuse_detected"], 0);
    assert_eq!(browser.refresh().await.status, 200);
}

#[tokio::test]
async fn a_repeat_after_the_new_token_was_used_is_reuse() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    let mut late = browser.clone();
    browser.refresh_with_key("k").await.unwrap();
    browser.refresh_with_key("l").await.unwrap();
    assert_eq!(late.refresh_with_key("k").await.unwrap().error(), "reused");
}

#[tokio::test]
async fn a_lost_answer_is_made_good_by_the_same_key_on_a_strict_server() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "fail": "lost", "times": 1 } }))
        .await;
    assert!(browser.refresh_with_key("k").await.is_err());

    let answer = browser.refresh_with_key("k").await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(browser.refresh().await.status, 200);
    let counters = browser.counters().await;
    assert_eq!(counters["refresh_requests"], 3);
    assert_eq!(counters["refreshes"], 2);
    assert_eq!(counters["reuse_detected"], 0);
}

#[tokio::test]
async fn a_lost_answer_without_a_key_is_theft_to_a_strict_server() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "fail": "lost", "times": 1 } }))
        .await;
    assert!(browser.refresh_with_key("k").await.is_err());
    assert_eq!(browser.refresh().await.error(), "reused");
}

#[tokio::test]
async fn of_many_refreshes_at_once_a_strict_server_grants_one() {
    let server = start(strict()).await;
    let answers = refresh_at_once(&Browser::signed_in(&server).await, 40, |_| None).await;
    let granted = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(granted.count(), 1);
    let reused = answers
        .iter()
        .filter(|answer| answer.status == 401 && answer.error() == "reused");
    assert_eq!(
        reused.count(),
        1,
        "the second ends the family, the others find it ended"
    );
}

#[tokio::test]
async fn of_many_refreshes_at_once_with_one_key_all_get_one_token() {
    let server = start(strict()).await;
    let key = |_| Some("k".to_owned());
    let answers = refresh_at_once(&Browser::signed_in(&server).await, 40, key).await;
    assert_eq!(tokens(&answers).len(), 1);
    assert_eq!(answers.len(), 40);
}

#[tokio::test]
async fn of_many_refreshes_at_once_a_lenient_server_grants_all_and_gives_them_one_token() {
    let server = start(Config {
        leeway: Duration::from_secs(3600),
        ..config()
    })
    .await;
    let key = |n: usize| n.is_multiple_of(2).then(|| n.to_string());
    let answers = refresh_at_once(&Browser::signed_in(&server).await, 40, key).await;
    assert_eq!(answers.len(), 40);
    assert_eq!(tokens(&answers).len(), 1);
}

#[tokio::test]
async fn a_restart_keeps_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        db: folder.path().join("demo.sqlite"),
        memory: false,
        ..strict()
    };
    let server = start(config.clone()).await;
    let mut before = Browser::signed_in(&server).await;
    before.refresh_with_key("k").await.unwrap();
    server.stop().await;

    let server = start(config).await;
    let mut after = Browser::new(&server);
    after.cookies = before.cookies;
    assert_eq!(
        after.get("/api/me").await.status,
        200,
        "the access token is still good"
    );
    assert_eq!(
        after.refresh().await.status,
        200,
        "and so is the refresh token"
    );
}

#[tokio::test]
async fn a_restart_does_not_forget_what_was_consumed_or_missed() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        db: folder.path().join("demo.sqlite"),
        memory: false,
        ..strict()
    };
    let server = start(config.clone()).await;
    let signed_in = Browser::signed_in(&server).await.cookies;
    let mut before = Browser::new(&server);
    before.cookies = signed_in.clone();
    before.refresh_with_key("k").await.unwrap();
    server.stop().await;

    let server = start(config).await;
    let mut after = Browser::new(&server);
    after.cookies = signed_in.clone();
    after.refresh_with_key("k").await.unwrap();
    assert_eq!(after.cookies["kf_refresh"], before.cookies["kf_refresh"]);
    after.cookies = signed_in;
    assert_eq!(after.refresh().await.error(), "reused");
}

/// All with the cookies of one browser, and each with its key.
async fn refresh_at_once(
    browser: &Browser,
    count: usize,
    key: impl Fn(usize) -> Option<String>,
) -> Vec<Answer> {
    let mut under_way = JoinSet::new();
    for n in 0..count {
        let mut tab = browser.clone();
        let key = key(n);
        under_way.spawn(async move {
            match key {
                Some(key) => tab.refresh_with_key(&key).await.unwrap(),
                None => tab.refresh().await,
            }
        });
    }
    under_way.join_all().await
}

fn tokens(answers: &[Answer]) -> BTreeSet<String> {
    answers
        .iter()
        .map(|answer| answer.set_cookie("kf_refresh"))
        .collect()
}
