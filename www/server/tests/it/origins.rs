//! Whose pages may do what.

use keepfresh_demo_server::Config;
use reqwest::Method;

use crate::browser::{Answer, Browser};
use crate::{config, start};

async fn from(browser: &mut Browser, origin: &str, method: Method, path: &str) -> Answer {
    let request = browser.request(method, path).header("origin", origin);
    browser.send(request).await.unwrap()
}

#[tokio::test]
async fn a_foreign_origin_may_change_nothing() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let port = server.addr().port();
    for origin in [
        "https://evil.example",
        "null",
        &format!("https://127.0.0.1:{port}"),
        &format!("http://127.0.0.1:{port}.evil.example"),
        "http://127.0.0.1",
    ] {
        for (method, path) in [
            (Method::POST, "/auth/refresh"),
            (Method::POST, "/auth/sign-out"),
            (Method::POST, "/auth/sign-in"),
            (Method::POST, "/api/notes"),
            (Method::DELETE, "/api/notes/1"),
            (Method::POST, "/lab/revoke-refresh"),
        ] {
            let answer = from(&mut browser, origin, method, path).await;
            assert_eq!(
                (answer.status, answer.error().as_str()),
                (403, "foreign_origin")
            );
            assert!(!answer.headers.contains_key("access-control-allow-origin"));
        }
    }
    assert_eq!(browser.refresh().await.status, 200, "nothing happened");
}

#[tokio::test]
async fn the_servers_own_origin_may_by_whatever_name_it_is_called() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let own = server.origin().to_owned();
    assert_eq!(
        from(&mut browser, &own, Method::POST, "/auth/refresh")
            .await
            .status,
        200
    );

    let host = format!("localhost:{}", server.addr().port());
    let request = browser
        .request(Method::POST, "/auth/refresh")
        .header("host", &host)
        .header("origin", format!("http://{host}"));
    assert_eq!(browser.send(request).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_foreign_origin_may_read_as_any_link_may_but_gets_no_cors() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let answer = from(&mut browser, "https://evil.example", Method::GET, "/api/me").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn an_allowed_origin_may_with_cookies_and_its_preflight_is_answered() {
    let app = "https://app.example.com";
    let server = start(Config {
        allow_origin: vec![app.parse().unwrap()],
        ..config()
    })
    .await;
    let mut browser = Browser::signed_in(&server).await;
    let answer = from(&mut browser, app, Method::POST, "/auth/refresh").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], app);
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");

    let preflight = browser
        .request(Method::OPTIONS, "/api/notes/1")
        .header("origin", app)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "content-type,x-csrf");
    let answer = browser.send(preflight).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], app);
    assert_eq!(
        answer.headers["access-control-allow-headers"],
        "content-type,x-csrf"
    );
    let methods = answer.headers["access-control-allow-methods"]
        .to_str()
        .unwrap();
    assert!(methods.contains("PUT"), "{methods}");

    let answer = from(
        &mut browser,
        "https://evil.example",
        Method::POST,
        "/auth/refresh",
    )
    .await;
    assert_eq!(answer.status, 403);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn an_answer_that_the_lab_made_up_has_cors_too() {
    let app = "https://app.example.com";
    let server = start(Config {
        allow_origin: vec![app.parse().unwrap()],
        ..config()
    })
    .await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(serde_json::json!({ "api": { "fail": 503 } }))
        .await;
    let answer = from(&mut browser, app, Method::GET, "/api/me").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["access-control-allow-origin"], app);
}
