//! The lab: who signs in and out, as whom requests are executed, and what goes wrong with it.

use keepfresh_demo_server::{Config, Running};
use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{Answer, Browser};
use crate::lab::until;
use crate::{config, start, strict};

async fn signed_in_as_grace(server: &Running) -> Browser {
    let mut browser = Browser::new(server);
    let answer = browser.sign_in("grace", "battery staple").await;
    assert_eq!(answer.status, 200);
    browser
}

/// As a form does, which is where answers are redirects.
async fn post_form(browser: &mut Browser, form: &str) -> Answer {
    let request = browser
        .request(Method::POST, "/auth/lab/sign-in")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned());
    browser.send(request).await.unwrap()
}

async fn whole(browser: &mut Browser) -> Value {
    browser.get("/lab/counters?all=1").await.json()
}

#[tokio::test]
async fn answers_say_as_whom_the_request_was_executed() {
    let server = start(strict()).await;
    let mut ada = Browser::signed_in(&server).await;
    let mut grace = signed_in_as_grace(&server).await;
    for (browser, user) in [(&mut ada, "ada"), (&mut grace, "grace")] {
        for path in [
            "/api/me",
            "/api/notes",
            "/api/nothing",
            "/api/lab/protected",
            "/api/lab/private",
            "/api/lab/answer?status=401",
        ] {
            assert_eq!(browser.get(path).await.headers["x-user"], user, "{path}");
        }
        let note = browser
            .request(Method::POST, "/api/notes")
            .json(&json!({ "text": "mine" }));
        assert_eq!(browser.send(note).await.unwrap().headers["x-user"], user);
        assert_eq!(browser.refresh().await.headers["x-user"], user);
        let counters = browser.counters().await;
        assert_eq!(counters["api_users"], json!({ user: 7 }));
        let answer = browser.post("/auth/sign-out").await;
        assert_eq!(answer.headers["x-user"], user);
    }
    assert_eq!(
        whole(&mut ada).await["api_users"],
        json!({ "ada": 7, "grace": 7 })
    );
}

#[tokio::test]
async fn who_is_refused_is_nobody() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let answer = browser.sign_in("ada", "wrong").await;
    assert!(!answer.headers.contains_key("x-user"));
    browser.post("/lab/expire-access").await;
    for path in ["/api/me", "/api/lab/protected", "/api/lab/answer"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.headers.contains_key("x-user"), "{path}");
    }
    assert_eq!(browser.counters().await["api_users"], json!({}));
}

#[tokio::test]
async fn the_log_says_as_whom_even_if_the_answer_was_lost() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "api": { "fail": "lost", "times": 1 } }))
        .await;
    let lost = browser.request(Method::GET, "/api/me");
    assert!(browser.send(lost).await.is_err());
    browser.post("/lab/expire-access").await;
    browser.get("/api/me").await;
    let log = browser.get("/lab/log").await.json();
    assert_eq!(
        (&log[0]["status"], &log[0]["user"]),
        (&Value::Null, &json!("ada"))
    );
    assert_eq!(
        (&log[1]["status"], &log[1]["user"]),
        (&json!(401), &Value::Null)
    );
}

#[tokio::test]
async fn what_is_set_for_everybody_holds_where_a_session_has_not_set_it() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "sign_out": { "fail": 502 } }))
        .await;
    let mut stranger = Browser::new(&server);
    stranger
        .set_lab_for_all(json!({
            "sign_out": { "fail": 503, "retry_after": "7" },
            "refresh": { "fail": 504, "times": 2 },
        }))
        .await;
    let answer = stranger.post("/auth/sign-out").await;
    assert_eq!(
        (answer.status, &answer.headers["retry-after"]),
        (503, &"7".parse().unwrap())
    );
    assert_eq!(browser.post("/auth/sign-out").await.status, 502);
    assert_eq!(browser.refresh().await.status, 504);
    assert_eq!(stranger.refresh().await.status, 504);
    assert_eq!(
        browser.refresh().await.status,
        200,
        "the times are everybody's"
    );
}

#[tokio::test]
async fn a_failing_sign_out_answers_as_told_and_ends_nothing() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    let before = browser.cookies.clone();
    for fail in [json!(403), json!(500), json!("drop")] {
        browser
            .set_lab(json!({ "sign_out": { "fail": fail, "times": 1 } }))
            .await;
        let request = browser.request(Method::POST, "/auth/sign-out");
        let answer = browser.send(request).await;
        assert_eq!(answer.is_err(), fail == "drop");
        assert_eq!(browser.cookies, before);
    }
    assert_eq!(browser.refresh().await.status, 200);
    let counters = browser.counters().await;
    assert_eq!(counters["sign_out_requests"], 3);
    assert_eq!(counters["sign_outs"], 0);
}

#[tokio::test]
async fn a_lost_sign_out_has_ended_the_session() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "sign_out": { "fail": "lost", "times": 1 } }))
        .await;
    let request = browser.request(Method::POST, "/auth/sign-out");
    assert!(browser.send(request).await.is_err());
    assert_eq!(browser.counters().await["sign_outs"], 1);
    let log = browser.get("/lab/log").await.json();
    assert_eq!(log[0]["user"], "ada");
    assert_eq!(browser.refresh().await.error(), "revoked");

    let again = browser.clone().post("/auth/sign-out").await;
    assert_eq!(again.status, 204);
    let counters = browser.counters().await;
    assert_eq!(
        (&counters["sign_out_requests"], &counters["sign_outs"]),
        (&json!(2), &json!(1)),
        "there was nothing left to end"
    );
}

#[tokio::test]
async fn a_hanging_sign_out_is_never_answered() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "sign_out": { "fail": "hang", "times": 1 } }))
        .await;
    let mut tab = browser.clone();
    let hanging = tokio::spawn(async move { tab.post("/auth/sign-out").await });
    until(&mut browser, |counters| counters["sign_out_requests"] == 1).await;
    hanging.abort();
    assert_eq!(browser.refresh().await.status, 200, "nothing has ended");
}

#[tokio::test]
async fn a_sign_out_can_want_a_good_access_token() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "sign_out_needs_access": true }))
        .await;
    browser.post("/lab/expire-access").await;
    let answer = browser.post("/auth/sign-out").await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (401, "access_token_expired")
    );
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(browser.refresh().await.status, 200, "nothing has ended");
    assert_eq!(browser.post("/auth/sign-out").await.status, 204);

    let mut stranger = Browser::new(&server);
    stranger
        .set_lab_for_all(json!({ "sign_out_needs_access": true }))
        .await;
    let answer = stranger.post("/auth/sign-out").await;
    assert_eq!(answer.error(), "access_token_missing");
}

#[tokio::test]
async fn a_server_that_ends_only_the_token_is_counted_by_what_it_ended() {
    let server = start(Config {
        sign_out_ends_token_only: true,
        ..strict()
    })
    .await;
    let mut browser = Browser::signed_in(&server).await;
    let mut copied = browser.clone();
    assert_eq!(browser.post("/auth/sign-out").await.status, 204);
    assert_eq!(copied.post("/auth/sign-out").await.status, 204);
    assert_eq!(whole(&mut browser).await["sign_outs"], 1);
}

#[tokio::test]
async fn a_failing_sign_in_answers_as_told_and_begins_nothing() {
    let server = start(config()).await;
    let mut browser = Browser::new(&server);
    for (faults, status) in [
        (json!({ "fail": 500 }), 500),
        (
            json!({ "fail": 200, "body": { "mfa_required": true } }),
            200,
        ),
        (json!({ "redirect": "/lab/blank" }), 302),
    ] {
        browser.set_lab_for_all(json!({ "sign_in": faults })).await;
        let answer = browser.sign_in("ada", "correct horse").await;
        assert_eq!(answer.status, status);
        assert!(browser.cookies.is_empty());
        if status == 200 {
            assert_eq!(answer.json(), json!({ "mfa_required": true }));
        }
    }
    browser
        .set_lab_for_all(json!({ "sign_in": { "latency_ms": 1 } }))
        .await;
    assert_eq!(browser.sign_in("ada", "correct horse").await.status, 200);
    let counters = whole(&mut browser).await;
    assert_eq!(counters["sign_in_requests"], 4);
    assert_eq!(counters["sign_ins"], 1);
}

#[tokio::test]
async fn somebody_signs_in_over_a_session_that_is_there() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "sign_in": { "fail": 403, "times": 1 } }))
        .await;
    let answer = browser.sign_in("grace", "battery staple").await;
    assert_eq!(answer.status, 403, "as it was set for the session before");
    let mut before = browser.clone();
    let answer = browser.sign_in("grace", "battery staple").await;
    assert_eq!(answer.headers["x-user"], "grace");
    assert_eq!(browser.get("/api/me").await.json()["user"]["id"], "grace");
    assert_eq!(
        before.refresh().await.headers["x-user"],
        "ada",
        "a late refresh of the session before is as good as before"
    );
}

#[tokio::test]
async fn a_form_signs_in_by_a_redirect() {
    let server = start(config()).await;
    let mut browser = Browser::new(&server);
    let page = browser.get("/lab/sign-in").await;
    assert!(page.text.contains("action=\"/auth/lab/sign-in\""));
    let form = "login=grace&password=battery+staple";
    for (form, to) in [
        (form.to_owned(), "/lab/blank"),
        (format!("{form}&to=%2Fnext"), "/next"),
    ] {
        let answer = post_form(&mut browser, &form).await;
        assert_eq!(
            (answer.status, &answer.headers["location"]),
            (303, &to.parse().unwrap())
        );
        assert_eq!(browser.get("/api/me").await.json()["user"]["id"], "grace");
    }
    assert_eq!(whole(&mut browser).await["sign_ins"], 2);
}

#[tokio::test]
async fn a_failing_form_is_a_redirect_to_a_page_that_is_a_200() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let before = browser.cookies.clone();
    let answer = post_form(&mut browser, "login=grace&password=wrong").await;
    assert_eq!(answer.status, 303);
    assert_eq!(browser.cookies, before);
    assert!(!answer.headers.contains_key("x-user"));
    let to = answer.headers["location"].to_str().unwrap();
    assert_eq!(browser.get(to).await.status, 200);
    assert_eq!(browser.counters().await["sign_ins"], 0);
}

#[tokio::test]
async fn a_page_that_its_server_renders_renews_the_session_beside_the_client() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    let mut late = browser.clone();
    for method in [Method::GET, Method::POST] {
        let request = browser.request(method, "/auth/lab/page");
        let answer = browser.send(request).await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.text.contains("<p id=\"user\">ada</p>"));
    }
    assert_ne!(browser.cookies["kf_refresh"], late.cookies["kf_refresh"]);
    assert_eq!(browser.get("/api/me").await.status, 200);
    assert_eq!(browser.refresh().await.status, 200);
    assert_eq!(late.refresh().await.error(), "reused");
    let counters = browser.counters().await;
    assert_eq!(
        counters["refresh_requests"], 2,
        "the pages are none of the client's"
    );
    let answer = Browser::new(&server).get("/auth/lab/page").await;
    assert!(answer.text.contains("<p id=\"user\">nobody</p>"));
}

/// A refresh that was sent first and arrives last.
#[tokio::test]
async fn a_held_request_does_nothing_until_it_is_released() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "hold": "request", "times": 1 } }))
        .await;
    let mut tab = browser.clone();
    let held = tokio::spawn(async move { tab.refresh().await });
    until(&mut browser, |counters| counters["held"] == 1).await;
    assert_eq!(browser.get("/auth/lab/page").await.status, 200);
    assert_eq!(browser.post("/lab/release").await.status, 204);
    assert_eq!(
        held.await.unwrap().error(),
        "reused",
        "the page was there before"
    );
}

/// Somebody signs in while the refresh of the session before is on its way back.
#[tokio::test]
async fn a_held_answer_is_sent_when_it_is_released_or_never_if_its_client_leaves() {
    let server = start(strict()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "hold": "answer", "times": 2 } }))
        .await;
    let mut tab = browser.clone();
    let held = tokio::spawn(async move {
        tab.refresh_with_key("k").await.unwrap();
        tab
    });
    until(&mut browser, |counters| counters["held"] == 1).await;
    let mut later = browser.clone();
    let left = tokio::spawn(async move { later.refresh_with_key("k").await });
    until(&mut browser, |counters| counters["held"] == 2).await;
    left.abort();
    until(&mut browser, |counters| counters["held"] == 1).await;

    let mut grace = signed_in_as_grace(&server).await;
    grace.post("/lab/release").await;
    grace.cookies = held.await.unwrap().cookies;
    assert_eq!(
        grace.get("/api/me").await.headers["x-user"],
        "ada",
        "the late cookies have replaced those of the sign-in"
    );
    assert_eq!(browser.counters().await["refreshes"], 1);
}

#[tokio::test]
async fn a_private_page_sends_strangers_to_a_page_that_is_a_200() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    assert_eq!(browser.get("/api/lab/private").await.status, 200);
    browser.post("/lab/expire-access").await;
    let answer = browser.get("/api/lab/private").await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.headers["location"], "/lab/sign-in");
    assert_eq!(browser.get("/lab/sign-in").await.status, 200);
    let answer = browser
        .get("/api/lab/private?to=%2Fapi%2Flab%2Fanswer")
        .await;
    assert_eq!(answer.headers["location"], "/api/lab/answer");
}

#[tokio::test]
async fn answers_can_be_ordered_that_may_be_kept() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let kept = "private, max-age=60";
    let answer = browser.get("/api/lab/answer?status=200&max_age=60").await;
    assert_eq!(
        (answer.status, &answer.headers["cache-control"]),
        (200, &kept.parse().unwrap())
    );
    for status in [403, 404, 410, 419] {
        browser.post("/lab/expire-access").await;
        let path = format!("/api/lab/protected?status={status}&max_age=60");
        let answer = browser.get(&path).await;
        assert_eq!(
            (answer.status, &answer.headers["cache-control"]),
            (status, &kept.parse().unwrap())
        );
        assert_eq!(browser.refresh().await.status, 200);
        assert_eq!(browser.get(&path).await.status, 200);
    }
    let answer = browser.get("/api/lab/protected").await;
    assert_eq!(answer.headers["cache-control"], "no-store");
}
