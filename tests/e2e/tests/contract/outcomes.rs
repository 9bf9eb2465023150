//! Outcomes: a refresh that is refused, and one that could not be asked for.

use keepfresh_e2e::{Engine, Page, serve, usual};
use serde_json::json;

/// R12. `expired`: the refresh was answered 400, 401, 403 or another 4xx but 407, 408, 425, 429. Callers get their
/// 401; `expired` is announced once per client; no further refresh until a sign-in or a success elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn r12_a_refused_refresh_hands_over_the_401s_and_announces_expired_once_until_a_sign_in() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const seen = {};
            for (const status of [400, 401, 403]) {
                const clients = [newClient(), newClient()];
                const [client] = clients;
                await signIn(client.fetch);
                await lab.set({ refresh: { fail: status } });
                await lab.expireAccess();
                await lab.reset();
                const answers = [
                    ...await many(5, (n) => outcome(clients[n % 2].fetch("/api/me"))),
                    await outcome(client.fetch("/api/me")),
                ];
                const { refresh_requests } = await lab.counters();
                const heard = clients.map((client) => client.heard);
                const { state } = client;
                await signIn(client.fetch);
                answers.push(await outcome(client.fetch("/api/me")));
                seen[status] = { answers, refresh_requests, heard, state };
                clients.forEach((client) => client.dispose());
            }
            return seen;
            "#,
        )
        .await;
    let refused = json!({
        "answers": [401, 401, 401, 401, 401, 401, 200],
        "refresh_requests": 1,
        "heard": [["expired"], ["expired"]],
        "state": "expired",
    });
    for status in [400, 401, 403] {
        assert_eq!(
            seen.get(status.to_string()),
            Some(&refused),
            "refresh answered {status}"
        );
    }
}

/// R13. A refresh that is answered by a redirect, or by a 4xx that says nothing about the session, is unavailable: nobody is
/// told that they are signed out.
#[tokio::test(flavor = "multi_thread")]
async fn r13_a_redirect_and_a_4xx_that_says_nothing_about_the_session_are_unavailable() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const faults = [404, 405, 410, 418, 422, 451].map((status) => ({ fail: status }));
            const seen = [];
            for (const fault of [...faults, { redirect: "/api/lab/answer?status=200" }]) {
                const client = newClient({ timeout: 1500 });
                await signIn(client.fetch);
                await lab.set({ refresh: fault });
                await lab.expireAccess();
                const refused = await outcome(client.fetch("/api/me"));
                const { state } = client;
                await lab.set({ refresh: {} });
                // The pause that the refusals have caused may be longer than one deadline.
                let recovered;
                do recovered = await outcome(client.fetch("/api/me"));
                while (recovered === "refresh_unavailable");
                seen.push([refused, recovered, client.heard.includes("expired"), state]);
                client.dispose();
            }
            return [...seen, await lab.trail("/api/lab/answer?status=200")];
            "#,
        )
        .await;
    let unharmed = json!(["refresh_unavailable", 200, false, "active"]);
    let mut expected = vec![unharmed; 7];
    // And the redirect was not followed.
    expected.push(json!([]));
    assert_eq!(seen, json!(expected));
}

/// R12. After a refusal a success elsewhere (a sign-in that the client did not see) makes it refresh again.
#[tokio::test(flavor = "multi_thread")]
async fn r12_a_success_elsewhere_ends_an_expiry() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            await lab.revokeRefresh();
            await lab.expireAccess();
            const client = newClient();
            const refused = await outcome(client.fetch("/api/me"));
            const stateThen = client.state;
            await signIn();
            clock.advance(1000);
            const seen = await outcome(client.fetch("/api/me"));
            const stateNow = client.state;
            await lab.expireAccess();
            const refreshed = await outcome(client.fetch("/api/me"));
            return { refused, stateThen, seen, stateNow, refreshed, refreshes: await lab.trail("/auth/refresh") };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "refused": 401,
            "stateThen": "expired",
            "seen": 200,
            "stateNow": "active",
            "refreshed": 200,
            "refreshes": [401, 200],
        })
    );
}

/// R13. `unavailable`: network failure, timeout, 407, 408, 425, 429 or 5xx. Nobody is told that they are signed out.
/// If the deadline passes, callers get `KeepfreshError` `refresh_unavailable` with its `cause`.
#[tokio::test(flavor = "multi_thread")]
async fn r13_a_refresh_that_cannot_be_had_is_unavailable_and_nobody_is_told_that_they_are_signed_out()
 {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const seen = {};
            for (const fail of [407, 408, 425, 429, 500, 502, 503, 504, 599, "drop", "hang"]) {
                if (fail === "hang") clock.start();
                const client = newClient({ timeout: 500 });
                await signIn(client.fetch);
                await lab.set({ refresh: { fail } });
                await lab.expireAccess();
                const errors = await many(3, () => client.fetch("/api/me").catch((error) => error));
                seen[fail] = {
                    codes: errors.map((error) => isKeepfreshError(error) && error.code),
                    cause: errors[0].cause.name + (errors[0].cause.name === "Error" ? `: ${errors[0].cause.message}` : ""),
                    heard: [...new Set(client.heard)],
                    state: client.state,
                };
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    let answered = |status| format!("Error: the refresh was answered {status}");
    let causes = [
        match Engine::chosen() {
            // It takes a 407 from a server that is no proxy for a failure of the network.
            Engine::Chromium => ("407", "TypeError".to_owned()),
            Engine::Firefox | Engine::Webkit => ("407", answered(407)),
        },
        ("408", answered(408)),
        ("425", answered(425)),
        ("429", answered(429)),
        ("500", answered(500)),
        ("502", answered(502)),
        ("503", answered(503)),
        ("504", answered(504)),
        ("599", answered(599)),
        ("drop", "TypeError".to_owned()),
        ("hang", "TimeoutError".to_owned()),
    ];
    for (fail, cause) in causes {
        let expected = json!({
            "codes": vec!["refresh_unavailable"; 3],
            "cause": cause,
            "heard": ["unavailable"],
            "state": "active",
        });
        assert_eq!(seen.get(fail), Some(&expected), "refresh fails by {fail}");
    }
}

/// R13. Answered refusals (429, 5xx) are tried again within the deadline.
#[tokio::test(flavor = "multi_thread")]
async fn r13_answered_refusals_are_tried_again_within_the_deadline() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const seen = {};
            for (const status of [429, 503]) {
                const client = newClient();
                await signIn(client.fetch);
                await lab.set({ refresh: { fail: status, retry_after: "0", times: 1 } });
                await lab.expireAccess();
                await lab.reset();
                const answers = await many(5, () => outcome(client.fetch("/api/me")));
                const { refresh_requests, refreshes } = await lab.counters();
                seen[status] = { answers, refresh_requests, refreshes, heard: client.heard };
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    let expected = json!({
        "answers": vec![200; 5],
        "refresh_requests": 2,
        "refreshes": 1,
        "heard": ["unavailable", "refreshed"],
    });
    assert_eq!(seen, json!({ "429": expected, "503": expected }));
}

/// R13. `Retry-After` (seconds or a date) is honoured, and without it a cool-down keeps a failing server from being
/// hammered.
#[tokio::test(flavor = "multi_thread")]
async fn r13_retry_after_and_the_cool_down_keep_the_client_away_from_a_failing_server() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const inAMinute = new Date(Date.now() + 60_000).toUTCString();
            const seen = {};
            // In milliseconds, when it is too early (who can wait for the rest does), and when it is time.
            for (const [retry_after, early, due] of [
                [null, 499, 1000], ["0", 499, 1000], ["nonsense", 499, 1000], ["7", 6499, 7000],
                [inAMinute, 50_000, 61_000],
            ]) {
                const client = newClient({ timeout: 500 });
                await signIn(client.fetch);
                await lab.set({ refresh: { fail: 503, retry_after } });
                await lab.expireAccess();
                await lab.reset();
                const call = () => outcome(client.fetch("/api/me"));
                const asked = async () => (await lab.counters()).refresh_requests;
                const steps = [await call(), await call(), await asked()];
                clock.advance(early);
                steps.push(await call(), await asked());
                await lab.set({ refresh: {} });
                clock.advance(due - early);
                steps.push(await call(), await asked());
                seen[retry_after === inAMinute ? "a date" : String(retry_after)] = steps;
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    let no = "refresh_unavailable";
    let expected = json!([no, no, 1, no, 1, 200, 2]);
    assert_eq!(
        seen,
        json!({ "null": expected, "0": expected, "nonsense": expected, "7": expected, "a date": expected })
    );
}

/// R13. A refresh whose fate is unknown is never blindly sent again: the request is replayed first, and a refresh
/// follows only if that is still 401.
#[tokio::test(flavor = "multi_thread")]
async fn r13_after_a_lost_refresh_the_request_is_replayed_first_and_a_refresh_follows_a_401() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const seen = {};
            for (const fail of ["drop", "lost"]) {
                const seenOnWire = wire();
                const client = newClient({ fetch: async (...args) => {
                    try {
                        return await seenOnWire.fetch(...args);
                    } finally {
                        // The refresh works again as soon as the request has been replayed.
                        if (seenOnWire.calls.length === 3) await lab.set({ refresh: {} });
                    }
                } });
                await signIn();
                await lab.set({ refresh: { fail } });
                await lab.expireAccess();
                const answer = await outcome(client.fetch("/api/me"));
                const { reuse_detected } = await lab.counters();
                seen[fail] = { answer, trail: seenOnWire.trail(), reuse_detected, heard: client.heard };
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    let expected = json!({
        "answer": 200,
        "trail": [
            "/api/me 401",
            "/auth/refresh TypeError",
            "/api/me 401",
            "/auth/refresh 200",
            "/api/me 200",
        ],
        "reuse_detected": 0,
        "heard": ["unavailable", "refreshed"],
    });
    assert_eq!(seen, json!({ "drop": expected, "lost": expected }));
}

/// R13. A refresh that was lost is tried again under its `Idempotency-Key`, whichever client tries: to a strict server
/// another key is theft.
#[tokio::test(flavor = "multi_thread")]
async fn r13_a_lost_refresh_is_tried_again_as_the_same_one_by_another_client_too() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const [one, another] = [newClient({ timeout: 500 }), newClient({ timeout: 500 })];
            await lab.set({ refresh: { fail: "lost" } });
            await lab.expireAccess();
            const lost = await outcome(one.fetch("/api/me"));
            await lab.set({ refresh: {} });
            clock.advance(1000);
            const after = await outcome(another.fetch("/api/me"));
            return { lost, after, reuse_detected: (await lab.counters()).reuse_detected };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "lost": "refresh_unavailable", "after": 200, "reuse_detected": 0 })
    );
}

/// R13. A lost refresh that did reach the server is not sent again: the replay is let in, and that settles it.
#[tokio::test(flavor = "multi_thread")]
async fn r13_after_a_lost_refresh_that_worked_the_replay_is_the_answer_and_no_refresh_follows() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.expireAccess();
            const seen = wire();
            // The cookies arrive, and the answer is lost on its last inch.
            const client = newClient({ fetch: async (...args) => {
                const response = await seen.fetch(...args);
                if (pathOf(args[0]) === "/auth/refresh") throw new TypeError("lost");
                return response;
            } });
            const answers = await many(3, (n) => outcome(client.fetch(`/api/me?n=${n}`)));
            return { answers, refreshes: await lab.trail("/auth/refresh"), heard: client.heard };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "answers": [200, 200, 200], "refreshes": [200], "heard": ["unavailable", "refreshed"] })
    );
}

/// R14. The next request after a blip recovers by itself: no state sticks.
#[tokio::test(flavor = "multi_thread")]
async fn r14_the_next_request_after_a_blip_recovers_by_itself() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const seen = {};
            for (const fail of [429, 500, 503, "drop", "lost", "hang"]) {
                if (fail === "hang") clock.start();
                const client = newClient({ timeout: 500 });
                await lab.set({ refresh: { fail } });
                await lab.expireAccess();
                const during = await outcome(client.fetch("/api/me"));
                await lab.set({ refresh: {} });
                clock.advance(1000);
                seen[fail] = [during, await outcome(client.fetch("/api/me")), client.state];
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    let expected = json!(["refresh_unavailable", 200, "active"]);
    assert_eq!(
        seen,
        json!({
            "429": expected,
            "500": expected,
            "503": expected,
            "drop": expected,
            "hang": expected,
            "lost": expected,
        })
    );
}

/// R14. A server that is not there at all is a blip too.
#[tokio::test(flavor = "multi_thread")]
async fn r14_a_refresh_endpoint_that_was_not_there_is_asked_again_when_it_is() {
    let page = Page::signed_in().await;
    let gone = serve(usual()).await;
    page.give("elsewhere", gone.origin()).await;
    gone.stop().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            await lab.expireAccess();
            let path = `${elsewhere}/auth/refresh`;
            const reroute = (input, init) => fetch(pathOf(input) === "/auth/refresh" ? path : input, init);
            const client = newClient({ timeout: 500, fetch: reroute });
            const error = await client.fetch("/api/me").catch((error) => error);
            path = "/auth/refresh";
            clock.advance(1000);
            return { code: error.code, cause: error.cause.name, after: await outcome(client.fetch("/api/me")) };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "code": "refresh_unavailable", "cause": "TypeError", "after": 200 })
    );
}

/// Done when, 5. Refresh refused: 50 at once and 50 later cause one refresh, all 100 callers get their 401, `expired`
/// is announced once. After a sign-in all works again.
#[tokio::test(flavor = "multi_thread")]
async fn done_5_a_refused_refresh_gives_100_callers_their_401_and_a_sign_in_makes_all_work_again() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.revokeRefresh();
            await lab.expireAccess();
            const held = holdRefresh();
            const client = newClient({ fetch: held.fetch });
            const call = async (n) => {
                const response = await client.fetch(`/api/me?n=${n}`);
                return `${response.status} ${(await response.json()).error}`;
            };
            const atOnce = many(50, call);
            await until(async () => (await lab.counters()).api[401] === 50);
            held.release();
            const answers = new Set(await atOnce);
            const later = new Set(await many(50, (n) => call(50 + n)));
            const refreshes = await lab.trail("/auth/refresh");
            const { heard } = client;
            await signIn(client.fetch);
            const after = await many(50, () => outcome(client.fetch("/api/me")));
            return { answers: [...answers], later: [...later], refreshes, heard, state: client.state, after };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "answers": ["401 access_token_expired"],
            "later": ["401 access_token_expired"],
            "refreshes": [401],
            "heard": ["expired"],
            "state": "active",
            "after": vec![200; 50],
        })
    );
}
