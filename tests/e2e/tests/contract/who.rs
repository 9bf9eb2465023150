//! Who is signed in: what the page believes is what the server said, in every tab.
//!
//! Two users sign in here, Ada and Grace. Answers of the server say for whom they are.

#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use keepfresh_e2e::{Page, Tabs};
use serde_json::{Value, json};

/// As whom a request runs that the client sends, and what the client believes.
const WHO: &str = "return [await who(client.fetch('/api/me')), client.state, client.heard];";

const SIGN_IN_AS_GRACE: &str =
    "globalThis.client ??= newClient(); return await signInAs('grace', client.fetch);";

/// A tab in which Ada's refresh is done, and its answer on its way for as long as the test likes; and others.
async fn with_adas_refresh_under_way(count: usize, options: &str) -> Tabs {
    let tabs = Tabs::signed_in(count).await;
    for tab in 0..count {
        let script =
            format!("globalThis.client = newClient({options}); await client.fetch('/api/me');");
        tabs.run(tab, &script).await;
    }
    tabs.run(0, "await lab.expireAccess();").await;
    tabs.held.hold();
    tabs.begin(0, "return await who(client.fetch('/api/me'));")
        .await;
    tabs.held.reached(1).await;
    tabs
}

/// R29. A sign-in waits for the refresh under way, here or in another tab, and who has signed in is served.
#[tokio::test(flavor = "multi_thread")]
async fn r29_a_sign_in_waits_for_the_refresh_under_way_here_or_in_another_tab() {
    for tab in [0, 1] {
        let tabs = with_adas_refresh_under_way(2, "{}").await;
        let script = format!(
            "globalThis.signingIn = (async () => {{ {SIGN_IN_AS_GRACE} }})(); signingIn.catch(() => {{}});
             for (let n = 0; n < 20; n++) await lab.counters();
             return (await lab.trail('/auth/sign-in')).length;"
        );
        assert_eq!(tabs.run(tab, &script).await, 1, "Ada's alone");
        tabs.held.release();
        assert_eq!(tabs.run(tab, "return await signingIn;").await, 200);
        for other in [0, 1] {
            let seen = tabs.run(other, WHO).await;
            assert_eq!(seen[0], "grace", "signed in in tab {tab}, seen in {other}");
            assert_eq!(seen[1], "active");
        }
    }
}

/// R29. It waits no longer than its deadline. If the refresh of the session before ends with success after all, clients are
/// told so in every tab.
#[tokio::test(flavor = "multi_thread")]
async fn r29_cookies_that_come_after_those_of_the_sign_in_are_told_as_superseded_in_every_tab() {
    for tab in [0, 1] {
        let tabs = with_adas_refresh_under_way(2, "{ timeout: 1000 }").await;
        for other in [0, 1] {
            tabs.run(
                other,
                "globalThis.expired = new Promise((resolve) =>
                     client.addEventListener('expired', ({ detail }) => resolve(detail.cause)));",
            )
            .await;
        }
        assert_eq!(tabs.run(tab, SIGN_IN_AS_GRACE).await, 200);
        let waited = tabs.end(0).await;
        assert!(waited != "ada" && waited != "grace", "{waited}");
        tabs.held.release();
        for other in [0, 1] {
            let told = tabs.run(other, "return await expired;").await;
            assert_eq!(
                told, "superseded",
                "signed in in tab {tab}, told in {other}"
            );
            assert_eq!(tabs.run(other, "return client.state;").await, "expired");
        }
        // Who signs in once more is served.
        assert_eq!(tabs.run(tab, SIGN_IN_AS_GRACE).await, 200);
        assert_eq!(tabs.run(1 - tab, WHO).await[0], "grace");
        assert_eq!(tabs.run(tab, WHO).await[1], "active");
    }
}

/// R29. A sign-in that fails changes nothing, and neither does one that a redirect took elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn r29_a_sign_in_that_fails_or_is_redirected_changes_nothing() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient({ signIn: "/auth/lab/sign-in" });
            await lab.revokeRefresh();
            await lab.expireAccess();
            const send = (login, password) => client.fetch("/auth/lab/sign-in", {
                method: "POST",
                body: new URLSearchParams({ login, password }),
            });
            const seen = [await outcome(client.fetch("/api/me")), client.state];
            // Its failure is a redirect to a page that is a 200.
            const failed = await send("ada", "wrong");
            seen.push(failed.status, failed.redirected, client.state);
            await lab.set({ sign_in: { fail: 500, times: 1 } });
            seen.push(await outcome(send("ada", "correct horse")), client.state);
            return [...seen, client.heard];
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!([
            401,
            "expired",
            200,
            true,
            "expired",
            500,
            "expired",
            ["expired"]
        ])
    );
}

/// R29, R30. Only unsafe requests sign in and out.
#[tokio::test(flavor = "multi_thread")]
async fn r29_r30_a_safe_request_to_those_addresses_is_neither_sign_in_nor_sign_out() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient({ signIn: "/api/lab/answer", signOut: "/api/lab/protected" });
            await client.fetch("/api/me");
            const seen = [];
            for (const method of ["GET", "HEAD"]) {
                seen.push(await outcome(client.fetch("/api/lab/protected", { method })), client.state);
            }
            await lab.revokeRefresh();
            await lab.expireAccess();
            await client.fetch("/api/me");
            for (const method of ["GET", "HEAD"]) {
                seen.push(await outcome(client.fetch("/api/lab/answer?status=200", { method })), client.state);
            }
            return seen;
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!([200, "active", 200, "active", 200, "expired", 200, "expired"])
    );
}

/// R32. What was refused before somebody else signed in unseen is not sent again under their cookies, once the client is told.
#[tokio::test(flavor = "multi_thread")]
async fn r32_what_was_refused_before_somebody_else_signed_in_unseen_is_not_sent_again() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.expireAccess();
            const held = wire({ keep: ({ path, nth }) => path === "/api/notes" && nth === 1 });
            const client = newClient({ fetch: held.fetch });
            const headers = { "content-type": "application/json" };
            const note = client.fetch("/api/notes", { method: "POST", headers, body: '{"text":"of Ada"}' });
            await held.reached;
            await signInByForm("grace");
            client.signedIn();
            held.release();
            return {
                note: await outcome(note),
                sent: await lab.trail("/api/notes"),
                who: await who(client.fetch("/api/me")),
                state: client.state,
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "note": 401, "sent": [401], "who": "grace", "state": "active" })
    );
}

/// R30. A sign-out that the server has refused, or that got lost, has ended nothing, in any tab.
#[tokio::test(flavor = "multi_thread")]
async fn r30_a_sign_out_that_the_server_has_not_accepted_ends_nothing() {
    let tabs = Tabs::signed_in(2).await;
    for tab in [0, 1] {
        tabs.run(
            tab,
            "globalThis.client = newClient(); await client.fetch('/api/me');",
        )
        .await;
    }
    for (fail, answer) in [
        (json!(400), json!(400)),
        (json!(403), json!(403)),
        (json!(404), json!(404)),
        (json!(500), json!(500)),
        (json!("drop"), json!("TypeError")),
    ] {
        let script = format!(
            "await lab.set({{ sign_out: {{ fail: {fail} }} }});
             return await outcome(client.fetch('/auth/sign-out', {{ method: 'POST' }}));"
        );
        assert_eq!(tabs.run(0, &script).await, answer, "{fail}");
        for tab in [0, 1] {
            tabs.run(tab, "await lab.set({ sign_out: {} });").await;
            let seen = tabs.run(tab, WHO).await;
            assert_eq!(seen, json!(["ada", "active", []]), "{fail}, tab {tab}");
        }
    }
    tabs.run(0, "await lab.expireAccess();").await;
    assert_eq!(tabs.run(1, WHO).await[0], "ada", "refreshes go on");
}

/// R30. A sign-out that is answered 401 while the session lives is refreshed and sent again, and ends the session.
#[tokio::test(flavor = "multi_thread")]
async fn r30_a_sign_out_at_expiry_is_refreshed_and_really_ends_the_session() {
    let tabs = Tabs::signed_in(2).await;
    for tab in [0, 1] {
        tabs.run(
            tab,
            "globalThis.client = newClient(); await client.fetch('/api/me');",
        )
        .await;
    }
    let seen = tabs
        .run(
            0,
            "await lab.set({ sign_out_needs_access: true });
             await lab.expireAccess();
             const answer = await outcome(client.fetch('/auth/sign-out', { method: 'POST' }));
             const trail = await lab.trail('/auth/sign-out');
             return [answer, trail, client.state, await outcome(fetch('/auth/refresh', { method: 'POST' }))];",
        )
        .await;
    assert_eq!(seen, json!([204, [401, 204], "expired", 401]));
    tabs.run(
        1,
        "await until(() => client.state === 'expired'); return client.heard;",
    )
    .await;
}

/// R30. A 401 of the sign-out after the refresh was refused says that there is nothing left to end.
#[tokio::test(flavor = "multi_thread")]
async fn r30_a_401_of_the_sign_out_after_the_refresh_was_refused_ends_the_session() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient();
            await client.fetch("/api/me");
            await lab.set({ sign_out_needs_access: true });
            await lab.revokeRefresh();
            await lab.expireAccess();
            const answer = await outcome(client.fetch("/auth/sign-out", { method: "POST" }));
            return [answer, await lab.trail("/auth/refresh"), client.state];
            "#,
        )
        .await;
    assert_eq!(seen, json!([401, [401], "expired"]));
}

/// R34. A sign-out that nobody awaits arrives, though the page goes away in the same task.
#[tokio::test(flavor = "multi_thread")]
async fn r34_a_sign_out_that_nobody_awaits_arrives_though_the_page_goes_away() {
    let tabs = Tabs::signed_in(1).await;
    for round in 1..=10 {
        tabs.run(
            0,
            "await signIn();
             globalThis.client = newClient();
             await client.fetch('/api/me');
             await lab.counters();
             addEventListener('pagehide', () => {
                 client.fetch('/auth/sign-out', { method: 'POST', keepalive: true });
             });",
        )
        .await;
        tabs.reload(0).await;
        let arrived = tabs
            .run(
                0,
                &format!("await until(async () => (await lab.trail('/auth/sign-out')).length >= {round}); return true;"),
            )
            .await;
        assert_eq!(arrived, true, "round {round}");
    }
}

/// R34. So does one that waits for a refresh when its page goes away.
#[tokio::test(flavor = "multi_thread")]
async fn r34_a_sign_out_that_waits_for_a_refresh_arrives_though_the_page_goes_away() {
    let tabs = Tabs::signed_in(1).await;
    tabs.held.hold();
    tabs.run(
        0,
        "globalThis.client = newClient();
         await client.fetch('/api/me');
         await lab.expireAccess();
         client.fetch('/api/me').catch(() => {});",
    )
    .await;
    tabs.held.reached(1).await;
    tabs.run(
        0,
        "client.fetch('/auth/sign-out', { method: 'POST' }).catch(() => {});",
    )
    .await;
    tabs.reload(0).await;
    let arrived = tabs
        .run(
            0,
            "await until(async () => (await lab.trail('/auth/sign-out')).length >= 1); return true;",
        )
        .await;
    assert_eq!(arrived, true);
    tabs.held.release();
}

/// R12. Before a refusal is believed one waiting request is sent again: somebody else may have rotated the cookie.
#[tokio::test(flavor = "multi_thread")]
async fn r12_a_refusal_is_not_believed_where_a_request_is_let_in() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient();
            await client.fetch("/api/me");
            await lab.expireAccess();
            const held = holdRefresh();
            const refreshing = newClient({ fetch: held.fetch });
            const calls = many(5, (n) => who(refreshing.fetch(`/api/me?n=${n}`)));
            await held.reached;
            // A server that renders a page has renewed the session, and so the token that the refresh sends is of before.
            await lab.set({ refresh: { fail: 401 } });
            await fetch("/auth/lab/page");
            held.release();
            return [await calls, refreshing.state, refreshing.heard, client.heard];
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!([vec!["ada"; 5], "active", ["refreshed"], ["refreshed"]])
    );
}

/// R12. From `expired` there is a way back: a later 401 starts a refresh again, once the back-off allows it.
#[tokio::test(flavor = "multi_thread")]
async fn r12_an_expired_tab_finds_by_itself_that_somebody_has_signed_in_elsewhere() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const client = newClient();
            await lab.revokeRefresh();
            await lab.expireAccess();
            const seen = [await outcome(client.fetch("/api/me")), client.state];
            await signInByForm("grace");
            await lab.expireAccess();
            seen.push(await outcome(client.fetch("/api/me")), client.state);
            clock.advance(5_000);
            seen.push(await who(client.fetch("/api/me")), client.state, client.heard);
            return seen;
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!([
            401,
            "expired",
            401,
            "expired",
            "grace",
            "active",
            ["expired", "refreshed"]
        ])
    );
}

/// R12. No public success revives a session that is over: `expired` is announced once, and refreshes back off.
#[tokio::test(flavor = "multi_thread")]
async fn r12_public_successes_beside_private_401s_announce_expired_once() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const client = newClient();
            await lab.revokeRefresh();
            await lab.expireAccess();
            const answers = new Set();
            for (let second = 0; second < 25; second++) {
                answers.add(await outcome(client.fetch("/api/me")));
                answers.add(await outcome(client.fetch("/api/lab/answer?status=200")));
                clock.advance(1_000);
            }
            return [[...answers], client.state, client.heard, await lab.trail("/auth/refresh")];
            "#,
        )
        .await;
    // At 0, 5 and 15 s.
    assert_eq!(
        seen,
        json!([[401, 200], "expired", ["expired"], [401, 401, 401]])
    );
}

/// R12. Neither a sign-in page that a redirect led to nor an answer of the HTTP cache revives a session.
#[tokio::test(flavor = "multi_thread")]
async fn r12_neither_a_redirected_nor_a_cached_answer_revives_a_session() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient();
            await outcome(client.fetch("/api/lab/protected?max_age=600"));
            await lab.revokeRefresh();
            await lab.expireAccess();
            const seen = [];
            // The same addresses have been refused.
            seen.push(await outcome(client.fetch("/api/lab/private?status=401")), client.state);
            seen.push(await outcome(client.fetch("/api/lab/protected")), client.state);
            const page = await client.fetch("/api/lab/private");
            seen.push(page.status, page.redirected, client.state);
            // Some browsers have it in their cache, and some do not.
            await outcome(client.fetch("/api/lab/protected?max_age=600"));
            seen.push(client.state);
            return [seen, client.heard];
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!([
            [
                401, "expired", 401, "expired", 200, true, "expired", "expired"
            ],
            ["expired"]
        ])
    );
}

/// R12. A success at an address that had been refused revives it, and other tabs are told.
#[tokio::test(flavor = "multi_thread")]
async fn r12_a_success_at_an_address_that_had_been_refused_revives_the_session_in_every_tab() {
    let tabs = Tabs::signed_in(2).await;
    for tab in [0, 1] {
        tabs.run(tab, "globalThis.client = newClient();").await;
    }
    let expired = "await until(() => client.state === 'expired'); return client.heard;";
    tabs.run(
        0,
        "await lab.revokeRefresh();
         await lab.expireAccess();
         await client.fetch('/api/me');",
    )
    .await;
    tabs.run(1, "await outcome(client.fetch('/api/me'));").await;
    for tab in [0, 1] {
        assert_eq!(tabs.run(tab, expired).await, json!(["expired"]));
    }
    tabs.run(
        0,
        "await signInByForm('grace'); await client.fetch('/api/me');",
    )
    .await;
    for tab in [0, 1] {
        let active = "await until(() => client.state === 'active'); return client.heard;";
        assert_eq!(tabs.run(tab, active).await, json!(["expired"]), "tab {tab}");
    }
}

/// R22. A page that is loaded anew knows by the word of before where a success is news.
#[tokio::test(flavor = "multi_thread")]
async fn r22_a_page_that_finds_the_session_alive_tells_the_others() {
    let tabs = Tabs::signed_in(2).await;
    tabs.run(
        0,
        "globalThis.client = newClient();
         await lab.revokeRefresh();
         await lab.expireAccess();
         await client.fetch('/api/me');",
    )
    .await;
    // Somebody signs in by a form, in the other tab, and that page is loaded anew.
    tabs.run(1, "await signInByForm('grace');").await;
    tabs.reload(1).await;
    let fresh = "globalThis.client = newClient(); return await who(client.fetch('/api/me'));";
    assert_eq!(tabs.run(1, fresh).await, "grace");
    let active = "await until(() => client.state === 'active'); return client.heard;";
    assert_eq!(tabs.run(0, active).await, json!(["expired"]));
}

/// R10. The back-off is kept for each address: one that always answers 401 backs off among others that are let in.
#[tokio::test(flavor = "multi_thread")]
async fn r10_an_address_that_always_answers_401_backs_off_among_successes() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const client = newClient();
            for (let poll = 0; poll < 12; poll++) {
                await client.fetch("/api/lab/answer?status=401");
                await client.fetch("/api/me");
                clock.advance(1_000);
            }
            return [client.heard.filter((it) => it === "ineffective").length, (await lab.trail("/auth/refresh")).length];
            "#,
        )
        .await;
    // At 0, 1, 3 and 7 s.
    assert_eq!(seen, json!([4, 4]));
}

/// R10. That back-off keeps no other address from being refreshed.
#[tokio::test(flavor = "multi_thread")]
async fn r10_a_wrong_password_thrice_keeps_no_other_address_from_being_refreshed() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient();
            const password = () => client.fetch("/api/lab/answer?status=401", { method: "POST", body: "WRONG" });
            const answers = [];
            for (let n = 0; n < 3; n++) answers.push(await outcome(password()));
            await lab.expireAccess();
            answers.push(await outcome(client.fetch("/api/me")));
            return answers;
            "#,
        )
        .await;
    assert_eq!(seen, json!([401, 401, 401, 200]));
}

/// R22. What the server announced as lifetime is known in other tabs and after a reload.
#[tokio::test(flavor = "multi_thread")]
async fn r22_the_announced_lifetime_is_known_after_a_reload_and_in_other_tabs() {
    let tabs = Tabs::signed_in(2).await;
    let fresh = "globalThis.client = newClient(); await client.ensureFresh(); return client.heard;";
    tabs.run(0, fresh).await;
    for _ in 0..5 {
        for tab in [0, 1] {
            tabs.reload(tab).await;
            assert_eq!(tabs.run(tab, fresh).await, json!([]), "tab {tab}");
        }
    }
    let refreshes: Value = tabs
        .run(0, "return await lab.trail('/auth/refresh');")
        .await;
    assert_eq!(refreshes, json!([200]));
}
