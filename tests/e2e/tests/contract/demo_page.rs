//! The demo page, clicked through as a visitor would.

use keepfresh_e2e::{Page, demo};
use serde_json::json;

/// The story: sign in, expire the access token, send fifty at once; then revoke, and sign in again.
#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_sees_one_refresh_for_fifty_requests_and_signs_in_again_after_a_revocation() {
    let page = Page::open(demo(), "/").await;
    page.click("sign-in").await;
    page.see("user", "Ada Lovelace").await;
    assert_eq!(page.text("cookies").await, "none");

    page.click("expire").await;
    page.see("countdown", "expired").await;
    page.click("fifty").await;
    page.see("summary", "1 refresh, 50 replays, 50 answers")
        .await;
    assert_eq!(
        page.text("summary").await,
        "keepfresh: 50 requests, 50 × 401, 1 refresh, 50 replays, 50 answers."
    );
    assert_eq!(page.text("refreshes").await, "1");
    assert_eq!(page.text("state").await, "active");

    page.click("revoke").await;
    page.see("notice", "revoked").await;
    page.click("one").await;
    page.see("sign-in-words", "Please sign in again").await;
    page.see("state", "signed out").await;
    page.see("summary", "1 lost").await;

    page.click("sign-in").await;
    page.see("user", "Ada Lovelace").await;
    page.click("one").await;
    page.see("summary", "keepfresh: 1 request, 1 answer.").await;

    assert_eq!(page.run("return document.cookie;").await, json!(""));
    assert_eq!(page.console_errors().await, [""; 0]);
}

/// The button that shows it all: raw `fetch` loses every answer, keepfresh none.
#[tokio::test(flavor = "multi_thread")]
async fn show_me_loses_fifty_answers_with_raw_fetch_and_none_with_keepfresh() {
    let page = Page::open(demo(), "/").await;
    page.click("show-me").await;
    page.see("summary", "keepfresh: 50 requests").await;
    page.see("summary", "1 refresh, 50 replays, 50 answers")
        .await;
    page.see("runs", "50 requests").await;
    assert_eq!(page.console_errors().await, [""; 0]);
}

/// From what `trace` is told one can tell what happened to a session, and why.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_each_decision() {
    let page = Page::open(demo(), "/").await;
    page.click("sign-in").await;
    page.see("user", "Ada Lovelace").await;
    page.click("expire").await;
    page.see("countdown", "expired").await;
    page.click("one").await;
    page.see("summary", "1 refresh, 1 replay, 1 answer").await;
    page.click("revoke").await;
    page.see("notice", "revoked").await;
    page.click("one").await;
    page.see("summary", "1 lost").await;

    page.click("decisions-open").await;
    for decision in [
        "answered  GET  /api/me  401",
        "refresh  POST  /auth/refresh",
        "refresh answered  POST  /auth/refresh  200",
        "sent again  GET  /api/me",
        "refreshed  200  unauthorized",
        "refresh answered  POST  /auth/refresh  401",
        "expired  401  answered",
    ] {
        page.see("decisions", decision).await;
    }
}

/// Five megabytes, replayed, arrive as they are.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_replayed_arrives_with_the_same_bytes() {
    let page = Page::open(demo(), "/").await;
    page.click("sign-in").await;
    page.see("user", "Ada Lovelace").await;
    page.click("expire").await;
    page.see("countdown", "expired").await;
    page.click("upload-made").await;
    page.see("upload-result", "the same bytes arrived").await;
    page.see("summary", "1 refresh, 1 replay, 1 answer").await;
    assert_eq!(page.console_errors().await, [""; 0]);
}

/// A refresh that fails is tried again, and signs nobody out.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_is_cut_off_signs_nobody_out() {
    let page = Page::open(demo(), "/").await;
    page.click("sign-in").await;
    page.see("user", "Ada Lovelace").await;
    page.click("fail-drop").await;
    page.see("notice", "cut off").await;
    page.click("expire").await;
    page.see("countdown", "expired").await;
    page.click("one").await;
    page.see("summary", "1 answer").await;
    assert_eq!(page.text("state").await, "active");
    assert_eq!(page.console_errors().await, [""; 0]);
}

/// Who is signed in is what the server said: Grace signs in while Ada's refresh is slow, a sign-out is refused, a refresh is
/// answered 404 once.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_who_is_signed_in_whatever_goes_wrong() {
    let page = Page::open(demo(), "/").await;
    page.see("state", "signed out").await;
    page.click("story-grace").await;
    page.see("story-told", "takes this browser for Grace Hopper")
        .await;
    assert_eq!(page.text("user").await, "Grace Hopper");
    page.click("story-refused").await;
    page.see(
        "story-told",
        "403: nobody has been signed out. The server takes this browser for Grace Hopper",
    )
    .await;
    assert_eq!(page.text("user").await, "Grace Hopper");
    page.click("story-404").await;
    page.see(
        "story-told",
        "tried again. The server takes this browser for Grace Hopper",
    )
    .await;
    assert_eq!(page.text("state").await, "active");
    page.click("sign-out").await;
    page.see("user", "nobody").await;
    page.click("as-ada").await;
    page.click("sign-in").await;
    page.see("user", "Ada Lovelace").await;
}

/// Without WebAssembly the page works as it would with plain fetch, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn without_webassembly_the_page_works() {
    // Where the switch leads: a driver may lose its way in a page that goes.
    let page = Page::open(demo(), "/?no-wasm").await;
    page.see("notice", "There is no engine").await;
    let is_on = page
        .run("return document.getElementById('no-wasm').checked;")
        .await;
    assert_eq!(is_on, json!(true));
    page.click("sign-in").await;
    page.see("user", "Ada Lovelace").await;
    page.click("one").await;
    page.see("summary", "1 answer").await;
    page.click("expire").await;
    page.see("countdown", "expired").await;
    page.click("one").await;
    page.see("summary", "1 lost").await;
    page.click("sign-out").await;
    page.see("user", "nobody").await;
}

/// axe-core finds no violation: signed out and signed in, with runs to be seen, in light and in dark.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_accessible_in_light_and_in_dark() {
    let page = Page::open(demo(), "/").await;
    page.see("state", "signed out").await;
    assert_eq!(page.accessibility_violations().await, [""; 0]);
    page.click("show-me").await;
    page.see("summary", "keepfresh: 50 requests").await;
    page.see("summary", "50 answers").await;
    assert_eq!(page.accessibility_violations().await, [""; 0]);
    page.prefer_dark().await;
    assert_eq!(page.accessibility_violations().await, [""; 0]);
}
