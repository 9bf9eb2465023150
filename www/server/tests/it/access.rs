//! Signing in and out, and what an access token opens.

use std::time::Duration;

use keepfresh_demo_server::Config;
use reqwest::Method;

use crate::browser::Browser;
use crate::{config, start};

#[tokio::test]
async fn a_user_signs_in_with_id_or_email_in_any_case() {
    let server = start(config()).await;
    for login in ["ada", "ada@example.com", "Ada@Example.com"] {
        let mut browser = Browser::new(&server);
        let answer = browser.sign_in(login, "correct horse").await;
        assert_eq!(answer.status, 200, "{login}");
        let body = answer.json();
        assert_eq!(body["expires_in"], 1800);
        assert_eq!(body["user"]["name"], "Ada Lovelace");
        assert_eq!(browser.get("/api/me").await.json()["user"], body["user"]);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_told_the_same() {
    let server = start(config()).await;
    for (login, password) in [("ada", "wrong"), ("nobody", "correct horse"), ("ada", "")] {
        let mut browser = Browser::new(&server);
        let answer = browser.sign_in(login, password).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (401, "wrong_credentials")
        );
        assert!(browser.cookies.is_empty());
    }
}

#[tokio::test]
async fn a_sign_in_that_is_no_json_is_a_bad_request() {
    let server = start(config()).await;
    let mut browser = Browser::new(&server);
    for body in ["", "{", "{\"login\":\"ada\"}"] {
        let request = browser
            .request(Method::POST, "/auth/sign-in")
            .header("content-type", "application/json")
            .body(body);
        let answer = browser.send(request).await.unwrap();
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (400, "bad_request"),
            "{body}"
        );
    }
    // A form of a foreign page can send text, but no JSON.
    let request = browser
        .request(Method::POST, "/auth/sign-in")
        .header("content-type", "text/plain")
        .body("{\"login\":\"ada\",\"password\":\"correct horse\"}");
    assert_eq!(browser.send(request).await.unwrap().status, 400);
}

#[tokio::test]
async fn no_script_can_read_the_cookies_and_each_goes_no_wider_than_it_must() {
    let server = start(config()).await;
    let mut browser = Browser::new(&server);
    let answer = browser.sign_in("ada", "correct horse").await;
    let attributes = |name| {
        let cookie = answer.set_cookie(name);
        cookie.split_once("; ").unwrap().1.to_owned()
    };
    assert_eq!(
        attributes("kf_access"),
        "HttpOnly; SameSite=Lax; Path=/; Max-Age=1209600"
    );
    assert_eq!(
        attributes("kf_refresh"),
        "HttpOnly; SameSite=Strict; Path=/auth; Max-Age=1209600"
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_missing_an_invalid_and_an_expired_access_token_are_told_apart() {
    let server = start(config()).await;
    let mut browser = Browser::new(&server);
    let answer = browser.get("/api/me").await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (401, "access_token_missing")
    );

    browser
        .cookies
        .insert("kf_access".to_owned(), "rubbish".to_owned());
    let answer = browser.get("/api/me").await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (401, "access_token_invalid")
    );

    let short = start(Config {
        access_ttl: Duration::ZERO,
        ..config()
    })
    .await;
    let answer = Browser::signed_in(&short).await.get("/api/me").await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (401, "access_token_expired")
    );
}

#[tokio::test]
async fn me_tells_how_long_the_access_token_lasts() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let left = browser.get("/api/me").await.json()["access_expires_in"]
        .as_f64()
        .unwrap();
    assert!(left > 0.0 && left <= 1800.0, "{left}");
}

#[tokio::test]
async fn an_access_token_of_another_server_is_invalid() {
    let (one, other) = (start(config()).await, start(config()).await);
    let mut browser = Browser::new(&other);
    browser.cookies = Browser::signed_in(&one).await.cookies;
    assert_eq!(browser.get("/api/me").await.error(), "access_token_invalid");
    assert_eq!(browser.refresh().await.error(), "unknown");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_deletes_both_cookies() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let copied = browser.clone();
    let answer = browser.post("/auth/sign-out").await;
    assert_eq!(answer.status, 204);
    assert!(browser.cookies.is_empty());
    for (name, path) in [("kf_access", "Path=/"), ("kf_refresh", "Path=/auth")] {
        let removal = answer.set_cookie(name);
        assert!(removal.split("; ").any(|part| part == path), "{removal}");
        assert!(removal.contains("Max-Age=0"), "{removal}");
    }
    assert_eq!(copied.clone().refresh().await.error(), "revoked");
}

#[tokio::test]
async fn either_cookie_is_enough_to_sign_out_and_none_is_no_error() {
    let server = start(config()).await;
    for kept in ["kf_access", "kf_refresh"] {
        let mut browser = Browser::signed_in(&server).await;
        let mut copied = browser.clone();
        browser.cookies.retain(|name, _| name == kept);
        assert_eq!(browser.post("/auth/sign-out").await.status, 204);
        assert_eq!(copied.refresh().await.error(), "revoked", "{kept}");
    }
    assert_eq!(
        Browser::new(&server).post("/auth/sign-out").await.status,
        204
    );
}

#[tokio::test]
async fn an_expired_access_token_is_enough_to_sign_out() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let mut copied = browser.clone();
    assert_eq!(browser.post("/lab/expire-access").await.status, 204);
    browser.cookies.remove("kf_refresh");
    assert_eq!(browser.post("/auth/sign-out").await.status, 204);
    assert_eq!(copied.refresh().await.error(), "revoked");
}

#[tokio::test]
async fn a_server_that_ends_only_the_token_leaves_the_one_that_replaced_it() {
    let server = start(Config {
        sign_out_ends_token_only: true,
        ..config()
    })
    .await;
    let mut browser = Browser::signed_in(&server).await;
    let mut renewed = browser.clone();
    assert_eq!(renewed.refresh().await.status, 200);
    let mut copied = browser.clone();
    assert_eq!(browser.post("/auth/sign-out").await.status, 204);
    assert_eq!(copied.refresh().await.error(), "unknown");
    assert_eq!(renewed.refresh().await.status, 200);
}
