//! https and HTTP/2.

use keepfresh_demo_server::Config;
use reqwest::{Method, Version};
use serde_json::json;

use crate::browser::Browser;
use crate::{start, strict};

fn tls() -> Config {
    Config {
        tls: true,
        ..strict()
    }
}

#[tokio::test]
async fn over_tls_the_server_speaks_http_2_and_its_cookies_are_secure() {
    let server = start(tls()).await;
    assert!(server.origin().starts_with("https://127.0.0.1:"));
    let mut browser = Browser::new(&server);
    let response = browser.request(Method::GET, "/").send().await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);

    let answer = browser.sign_in("ada", "correct horse").await;
    for name in ["__Host-kf_access", "__Secure-kf_refresh"] {
        let cookie = answer.set_cookie(name);
        assert!(cookie.split("; ").any(|part| part == "Secure"), "{cookie}");
    }
    assert_eq!(browser.refresh().await.status, 200);
}

#[tokio::test]
async fn over_tls_the_own_origin_is_https() {
    let server = start(tls()).await;
    let mut browser = Browser::signed_in(&server).await;
    for (scheme, status) in [("https", 200), ("http", 403)] {
        let origin = format!("{scheme}://{}", server.addr());
        let request = browser
            .request(Method::POST, "/auth/refresh")
            .header("origin", origin);
        assert_eq!(
            browser.send(request).await.unwrap().status,
            status,
            "{scheme}"
        );
    }
}

#[tokio::test]
async fn over_http_2_a_drop_ends_the_request_alone() {
    let server = start(tls()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "refresh": { "fail": "drop", "times": 1 } }))
        .await;
    assert!(browser.refresh_with_key("k").await.is_err());
    assert_eq!(browser.refresh_with_key("k").await.unwrap().status, 200);
}

/// HTTP/2 allows each cookie a header of its own, and browsers make use of it.
#[tokio::test]
async fn over_http_2_cookies_may_come_one_by_one() {
    let server = start(tls()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser.post("/lab/expire-access").await;
    let mut crumbs = Browser::new(&server);
    let send = |crumbs: &Browser, method, path| {
        // The access cookie last: what is said of it must hold wherever it comes.
        browser
            .cookies
            .iter()
            .rev()
            .fold(crumbs.request(method, path), |request, (name, value)| {
                request.header("cookie", format!("{name}={value}"))
            })
    };
    let request = send(&crumbs, Method::GET, "/api/me");
    let answer = crumbs.send(request).await.unwrap();
    assert_eq!(answer.error(), "access_token_expired");
    let request = send(&crumbs, Method::POST, "/auth/refresh");
    assert_eq!(crumbs.send(request).await.unwrap().status, 200);
}
