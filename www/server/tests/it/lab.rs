//! The lab does what it says.

use keepfresh_demo_server::{Config, Running};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::browser::{Answer, Browser};
use crate::{config, start, strict};

#[tokio::test]
async fn without_the_flag_there_is_no_lab() {
    let server = start(Config {
        lab: false,
        ..config()
    })
    .await;
    let mut browser = Browser::signed_in(&server).await;
    for path in ["/lab/counters", "/lab/blank", "/api/lab/answer"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    assert_eq!(browser.post("/lab/set").await.status, 404);
}

#[tokio::test]
async fn a_failing_refresh_answers_as_told_and_consumes_nothing() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    let before = browser.cookies.clone();
    browser
        .set_lab(json!({ "refresh": { "fail": 429, "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT", "times": 2 } }))
        .await;
    for _ in 0..2 {
        let answer = browser.refresh().await;
        assert_eq!(answer.status, 429);
        assert_eq!(
            answer.headers["retry-after"],
            "Wed, 21 Oct 2015 07:28:00 GMT"
        );
        assert_eq!(browser.cookies, before);
    }
    assert_eq!(
        browser.refresh().await.status,
        200,
        "only the next two failed"
    );
    let counters = browser.counters().await;
    assert_eq!(counters["refresh_requests"], 3);
    assert_eq!(counters["refreshes"], 1);
}

#[tokio::test]
async fn a_dropped_refresh_has_no_answer_and_consumes_nothing() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "fail": "drop", "times": 1 } }))
        .await;
    assert!(browser.refresh_with_key("k").await.is_err());
    let answer = browser.refresh_with_key("k").await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        !answer.headers.contains_key("idempotent-replayed"),
        "the first did nothing"
    );
}

#[tokio::test]
async fn a_hanging_refresh_is_never_answered_and_ends_with_its_client() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "fail": "hang", "times": 1 } }))
        .await;
    let mut tab = browser.clone();
    let hanging = tokio::spawn(async move { tab.refresh().await });
    until(&mut browser, |counters| counters["refresh_requests"] == 1).await;
    hanging.abort();
    assert_eq!(browser.refresh().await.status, 200, "nothing was consumed");
    let log = browser.get("/lab/log").await.json();
    let statuses: Vec<&Value> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["status"])
        .collect();
    assert_eq!(statuses, [&Value::Null, &json!(200)]);
}

#[tokio::test]
async fn refreshes_at_once_are_counted_at_their_most() {
    let server = start(Config {
        leeway: std::time::Duration::from_secs(3600),
        ..config()
    })
    .await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "fail": "hang" } }))
        .await;
    let mut hanging = JoinSet::new();
    for _ in 0..3 {
        let mut tab = browser.clone();
        hanging.spawn(async move { tab.refresh().await });
    }
    until(&mut browser, |counters| counters["refresh_requests"] == 3).await;
    assert_eq!(browser.counters().await["refreshes_at_once_max"], 3);
}

#[tokio::test]
async fn a_redirected_refresh_goes_where_told() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "redirect": "/login?next=%2F" } }))
        .await;
    let answer = browser.refresh().await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.headers["location"], "/login?next=%2F");
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn the_hint_can_be_left_out_or_be_nonsense() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "hint": false } }))
        .await;
    assert_eq!(browser.refresh().await.json(), json!({}));
    let signed_in = browser.sign_in("ada", "correct horse").await.json();
    assert_eq!(signed_in["user"]["id"], "ada");
    assert_eq!(signed_in.get("expires_in"), None);

    for nonsense in [json!("soon"), json!(-1), json!({}), json!(1e300)] {
        browser
            .set_lab(json!({ "refresh": { "expires_in": nonsense } }))
            .await;
        assert_eq!(browser.refresh().await.json()["expires_in"], nonsense);
    }
    browser.set_lab(json!({ "refresh": {} })).await;
    assert_eq!(browser.refresh().await.json()["expires_in"], 1800);
}

#[tokio::test]
async fn the_api_fails_as_told() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "api": { "fail": 503, "times": 1 } }))
        .await;
    let upload = browser.request(Method::POST, "/api/upload").body("bytes");
    assert_eq!(browser.send(upload).await.unwrap().status, 503);
    let upload = browser.request(Method::POST, "/api/upload").body("bytes");
    assert_eq!(browser.send(upload).await.unwrap().status, 200);

    browser
        .set_lab(json!({ "api": { "fail": "drop", "times": 1 } }))
        .await;
    let dropped = browser.request(Method::GET, "/api/me");
    assert!(browser.send(dropped).await.is_err());
    assert_eq!(browser.get("/api/me").await.status, 200);

    let counters = browser.counters().await;
    assert_eq!(
        counters["uploads"], 1,
        "the one that was refused was not carried out"
    );
    assert_eq!(counters["api_requests"], 4);
    assert_eq!(counters["api"], json!({ "200": 2, "503": 1 }));
}

#[tokio::test]
async fn an_upload_whose_client_leaves_is_counted_if_it_was_carried_out() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "api": { "fail": "lost", "times": 1 } }))
        .await;
    let lost = browser.request(Method::POST, "/api/upload").body("bytes");
    assert!(browser.send(lost).await.is_err());
    assert_eq!(browser.counters().await["uploads"], 1);
}

#[tokio::test]
async fn each_part_that_is_set_replaces_that_part_alone() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "fail": 500, "hint": false }, "api": { "fail": 502 } }))
        .await;
    browser.set_lab(json!({ "refresh": { "fail": 504 } })).await;
    assert_eq!(browser.refresh().await.status, 504);
    assert_eq!(browser.get("/api/me").await.status, 502);
}

#[tokio::test]
async fn what_cannot_be_set_is_refused_with_the_reason() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    for (settings, reason) in [
        (json!({ "refresh": { "fail": "explode" } }), "fail is"),
        (json!({ "refresh": { "fail": 42 } }), "fail is"),
        (json!({ "refresh": { "latency": 1 } }), "unknown field"),
        (json!({ "apis": {} }), "unknown field"),
        (
            json!({ "refresh": { "retry_after": "a\nb" } }),
            "retry_after",
        ),
    ] {
        let request = browser.request(Method::POST, "/lab/set").json(&settings);
        let answer = browser.send(request).await.unwrap();
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (400, "bad_request")
        );
        let told = answer.json()["reason"].as_str().unwrap().to_owned();
        assert!(told.contains(reason), "{told}");
    }
}

#[tokio::test]
async fn one_session_does_not_disturb_another() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let mut other = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "fail": 500 }, "api": { "fail": 500 } }))
        .await;
    browser.post("/lab/expire-access").await;
    assert_eq!(other.get("/api/me").await.status, 200);
    assert_eq!(other.refresh().await.status, 200);
    browser.get("/api/me").await;
    assert_eq!(other.counters().await["api"], json!({ "200": 1 }));
    assert_eq!(browser.counters().await["api"], json!({ "500": 1 }));
    let whole = other.get("/lab/counters?all=1").await.json();
    assert_eq!(whole["api"], json!({ "200": 1, "500": 1 }));
    assert_eq!(
        whole["requests"], 5,
        "two sign-ins, two of the one, one of the other"
    );
}

#[tokio::test]
async fn expired_access_tokens_stay_expired_and_new_ones_are_good() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    let mut stale = browser.clone();
    for _ in 0..20 {
        browser.post("/lab/expire-access").await;
        assert_eq!(browser.get("/api/me").await.error(), "access_token_expired");
        assert_eq!(browser.refresh().await.status, 200);
        assert_eq!(browser.get("/api/me").await.status, 200);
    }
    assert_eq!(stale.get("/api/me").await.error(), "access_token_expired");
}

#[tokio::test]
async fn a_revoked_refresh_token_is_refused() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    assert_eq!(browser.post("/lab/revoke-refresh").await.status, 204);
    assert_eq!(browser.refresh().await.error(), "revoked");
    assert_eq!(browser.counters().await["reuse_detected"], 0);
}

#[tokio::test]
async fn the_log_names_what_came_and_holds_no_secret() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    let secrets: Vec<String> = browser.cookies.values().cloned().collect();
    let request = browser
        .request(Method::POST, "/auth/refresh?a=b")
        .header("idempotency-key", "the-key")
        .header("x-csrf", "the-proof")
        .header("origin", server.origin())
        .header("content-type", "text/plain")
        .body("four");
    assert_eq!(browser.send(request).await.unwrap().status, 200);
    let log = browser.get("/lab/log").await;
    for secret in secrets
        .iter()
        .map(String::as_str)
        .chain(["the-key", "the-proof"])
    {
        assert!(!log.text.contains(secret));
    }
    let entry = &log.json()[0];
    assert_eq!(entry["method"], "POST");
    assert_eq!(entry["path"], "/auth/refresh");
    assert_eq!(entry["query"], "a=b");
    assert_eq!(entry["origin"], server.origin());
    assert_eq!(entry["idempotency_key"], true);
    assert_eq!(entry["content_type"], "text/plain");
    assert_eq!(entry["content_length"], 4);
    assert_eq!(entry["status"], 200);
    let names = |key: &str| -> Vec<String> {
        let mut names: Vec<String> = serde_json::from_value(entry[key].clone()).unwrap();
        names.sort();
        names
    };
    assert_eq!(names("cookies"), ["kf_access", "kf_refresh"]);
    assert!(names("headers").contains(&"x-csrf".to_owned()));
}

#[tokio::test]
async fn the_log_keeps_the_last_thousand() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    for n in 0..1001 {
        browser.get(&format!("/api/lab/answer?n={n}")).await;
    }
    let log = browser.get("/lab/log").await.json();
    let log = log.as_array().unwrap();
    assert_eq!(log.len(), 1000);
    assert_eq!(log[0]["query"], "n=1");
    assert_eq!(log[999]["query"], "n=1000");
}

#[tokio::test]
async fn counters_are_reset_and_the_log_is_not() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser.get("/api/me").await;
    assert_eq!(browser.post("/lab/counters/reset").await.status, 204);
    let counters = browser.counters().await;
    assert_eq!(
        (&counters["requests"], &counters["api"]),
        (&json!(0), &json!({}))
    );
    assert_eq!(
        browser
            .get("/lab/log")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn without_a_session_only_the_whole_can_be_asked_for() {
    let server = start(config()).await;
    let mut stranger = Browser::new(&server);
    stranger.get("/api/me").await;
    let answer = stranger.get("/lab/counters").await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (409, "no_session")
    );
    assert_eq!(
        stranger.get("/lab/counters?all=1").await.json()["api"],
        json!({ "401": 1 })
    );
    let log = stranger.get("/lab/log?all=1").await.json();
    assert_eq!(
        (&log[0]["path"], &log[0]["cookies"]),
        (&json!("/api/me"), &json!([]))
    );
}

#[tokio::test]
async fn an_answer_can_be_ordered_from_any_origin() {
    let server = start(config()).await;
    let path = "/api/lab/answer?status=418&bytes=1000&cors=1";
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let answer = ordered(&server, method, path).await;
        assert_eq!((answer.status, answer.text.len()), (418, 1000));
        assert_eq!(answer.error(), "lab");
        assert_eq!(
            answer.headers["access-control-allow-origin"],
            "https://other.example"
        );
        assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    }
    let preflight = ordered(&server, Method::OPTIONS, path).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.headers["access-control-allow-methods"], "PUT");
    assert_eq!(preflight.headers["access-control-allow-headers"], "x-a,x-b");

    let plain = ordered(&server, Method::POST, "/api/lab/answer").await;
    assert_eq!(plain.status, 401);
    assert!(!plain.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn redirects_and_slow_bodies_can_be_ordered() {
    let server = start(config()).await;
    let to = "https%3A%2F%2Fother.example%2Fx";
    for (status, query) in [(302, ""), (307, "&status=307")] {
        let answer = ordered(
            &server,
            Method::GET,
            &format!("/api/lab/redirect?to={to}{query}"),
        )
        .await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers["location"], "https://other.example/x");
    }
    let answer = ordered(
        &server,
        Method::GET,
        "/api/lab/slow-body?status=401&bytes=500&ms=5",
    )
    .await;
    assert_eq!((answer.status, answer.text.len()), (401, 500));
    let answer = ordered(&server, Method::GET, "/api/lab/answer?status=99").await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_guarded_answer_of_any_size_can_be_ordered() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let path = "/api/lab/protected?bytes=300&error_bytes=70000";
    let answer = browser.get(path).await;
    assert_eq!((answer.status, answer.text.len()), (200, 300));
    assert_eq!(answer.json()["ok"], true);
    browser.post("/lab/expire-access").await;
    let answer = browser.get(path).await;
    assert_eq!((answer.status, answer.text.len()), (401, 70000));
    assert_eq!(answer.error(), "access_token_expired");
}

#[tokio::test]
async fn a_blank_page_has_the_policy_that_was_asked_for() {
    let server = start(config()).await;
    let mut browser = Browser::new(&server);
    let answer = browser.get("/lab/blank").await;
    assert!(answer.text.contains("<title>blank</title>"));
    assert!(!answer.headers.contains_key("content-security-policy"));
    let answer = browser.get("/lab/blank?csp=default-src%20%27none%27").await;
    assert_eq!(
        answer.headers["content-security-policy"],
        "default-src 'none'"
    );
    assert_eq!(
        browser.get("/lab/counters?all=1").await.json()["requests"],
        0
    );
}

/// As a page of another origin would, preflight included.
async fn ordered(server: &Running, method: Method, path: &str) -> Answer {
    let mut browser = Browser::new(server);
    let request = browser
        .request(method, path)
        .header("origin", "https://other.example")
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "x-a,x-b");
    browser.send(request).await.unwrap()
}

/// Asks for the counters until they say so.
pub(crate) async fn until(browser: &mut Browser, reached: impl Fn(&Value) -> bool) {
    while !reached(&browser.counters().await) {
        tokio::task::yield_now().await;
    }
}
