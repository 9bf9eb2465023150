//! One refresh: however many requests, and whenever they are made.

use keepfresh_e2e::{Page, serve, usual};
use serde_json::json;

/// R5. Any number of concurrent 401s cause one refresh; each request is replayed once.
#[tokio::test(flavor = "multi_thread")]
async fn r5_any_number_of_concurrent_401s_cause_one_refresh_and_each_request_is_replayed_once() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.expireAccess();
            const held = holdRefresh();
            const client = newClient({ fetch: held.fetch });
            const answers = many(50, (n) => outcome(client.fetch(`/api/me?n=${n}`)));
            await until(async () => (await lab.counters()).api[401] === 50);
            held.release();
            return {
                answers: await answers,
                trails: await many(50, (n) => lab.trail(`/api/me?n=${n}`)),
                refreshes: await lab.trail("/auth/refresh"),
                heard: client.heard,
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "answers": vec![200; 50],
            "trails": vec![[401, 200]; 50],
            "refreshes": [200],
            "heard": ["refreshed"],
        })
    );
}

/// R6. A 401 of a request that was sent before the latest successful refresh causes a replay and no refresh.
#[tokio::test(flavor = "multi_thread")]
async fn r6_a_late_401_causes_a_replay_and_no_refresh() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.expireAccess();
            const late = wire({ keep: ({ path, nth }) => path === "/api/me?late" && nth === 1 });
            const client = newClient({ fetch: late.fetch });
            const answer = outcome(client.fetch("/api/me?late"));
            await late.reached;
            const meanwhile = await outcome(client.fetch("/api/me"));
            late.release();
            return { meanwhile, answer: await answer, trail: late.trail(), refreshes: await lab.trail("/auth/refresh") };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "meanwhile": 200,
            "answer": 200,
            "trail": [
                "/api/me?late 401",
                "/api/me 401",
                "/auth/refresh 200",
                "/api/me 200",
                "/api/me?late 200",
            ],
            "refreshes": [200],
        })
    );
}

/// R7. Guarded requests made while a refresh is under way wait for it and are then sent once.
#[tokio::test(flavor = "multi_thread")]
async fn r7_guarded_requests_made_while_a_refresh_is_under_way_wait_for_it_and_are_then_sent_once()
{
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.expireAccess();
            const held = holdRefresh();
            const client = newClient({ fetch: held.fetch });
            const first = outcome(client.fetch("/api/me?first"));
            await held.reached;
            const later = many(20, (n) => outcome(client.fetch(`/api/me?n=${n}`)));
            const state = client.state;
            const sentMeanwhile = held.calls.length;
            held.release();
            return {
                state,
                sentMeanwhile,
                answers: [await first, ...await later],
                trails: await many(20, (n) => lab.trail(`/api/me?n=${n}`)),
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "state": "refreshing",
            // The first request and the refresh.
            "sentMeanwhile": 2,
            "answers": vec![200; 21],
            "trails": vec![[200]; 20],
        })
    );
}

/// R8. The refresh call never waits on the gate.
#[tokio::test(flavor = "multi_thread")]
async fn r8_the_refresh_call_never_waits_on_the_gate() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.expireAccess();
            const held = wire({ hold: ({ path, nth }) => path === "/auth/refresh" && nth === 1 });
            const client = newClient({ fetch: held.fetch });
            const waiting = outcome(client.fetch("/api/me"));
            await held.reached;
            const byHand = await outcome(client.fetch("/auth/refresh", { method: "POST" }));
            const state = client.state;
            held.release();
            return { byHand, state, waiting: await waiting };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "byHand": 200, "state": "refreshing", "waiting": 200 })
    );
}

/// R8. Neither the refresh call nor a sign-in ever triggers a refresh.
#[tokio::test(flavor = "multi_thread")]
async fn r8_neither_the_refresh_nor_a_sign_in_ever_triggers_a_refresh() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient();
            const body = JSON.stringify({ login: "ada", password: "wrong" });
            const headers = { "content-type": "application/json" };
            const signIn = await outcome(client.fetch("/auth/sign-in", { method: "POST", headers, body }));
            await lab.revokeRefresh();
            const refresh = await outcome(client.fetch("/auth/refresh", { method: "POST" }));
            return { signIn, refresh, refreshes: await lab.trail("/auth/refresh"), heard: client.heard };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "signIn": 401,
            "refresh": 401,
            "refreshes": [401],
            "heard": [],
        })
    );
}

/// R8. Calling the client from any of its event handlers cannot deadlock.
#[tokio::test(flavor = "multi_thread")]
async fn r8_calling_the_client_from_any_of_its_event_handlers_cannot_deadlock() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const client = newClient({ timeout: 500 });
            const handled = {};
            for (const type of ["refreshed", "unavailable", "ineffective", "expired"]) {
                client.addEventListener(type, () => {
                    if (handled[type]) return;
                    handled[type] = Promise.all([
                        outcome(client.fetch("/api/me")),
                        outcome(client.ensureFresh()),
                        outcome(client.refresh()),
                    ]);
                });
            }
            await lab.expireAccess();
            await outcome(client.fetch("/api/me"));
            await handled.refreshed;
            await outcome(client.fetch("/api/lab/answer?status=401"));
            await handled.ineffective;

            await signIn(client.fetch);
            await lab.set({ refresh: { fail: 503 } });
            await lab.expireAccess();
            await outcome(client.fetch("/api/me"));
            await handled.unavailable;

            await signIn(client.fetch);
            await lab.set({ refresh: { fail: 401 } });
            await lab.expireAccess();
            await outcome(client.fetch("/api/me"));
            await handled.expired;
            return Object.fromEntries(await Promise.all(Object.entries(handled).map(async ([k, v]) => [k, await v])));
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "refreshed": [200, "done", "done"],
            "ineffective": [200, "done", "done"],
            // The sign-in was a moment ago: that is fresh, as far as anybody knows here.
            "unavailable": ["refresh_unavailable", "done", "refresh_unavailable"],
            "expired": [401, "done", "done"],
        })
    );
}

/// R9. Two clients of one page with the same refresh URL share one refresh.
#[tokio::test(flavor = "multi_thread")]
async fn r9_two_clients_of_one_page_with_the_same_refresh_url_share_one_refresh() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.expireAccess();
            const held = holdRefresh();
            const clients = [newClient({ fetch: held.fetch }), newClient({ timeout: 5000 })];
            const by = [];
            clients.forEach((client, index) =>
                client.addEventListener("refreshed", ({ detail }) => (by[index] = detail.by)));
            const first = outcome(clients[0].fetch("/api/me?first"));
            await held.reached;
            const states = clients.map((client) => client.state);
            const second = outcome(clients[1].fetch("/api/me?second"));
            // The second client's engine is there as soon as it has a state of its own.
            await until(() => clients[1].state === "refreshing");
            held.release();
            return {
                answers: await Promise.all([first, second]),
                refreshes: await lab.trail("/auth/refresh"),
                heard: clients.map((client) => client.heard),
                by,
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "answers": [200, 200],
            "refreshes": [200],
            "heard": [["refreshed"], ["refreshed"]],
            "by": ["client", "peer"],
        })
    );
}

/// R10. A replay that is answered 401 again goes to the caller as it is, and `ineffective` is announced. Until a
/// guarded request succeeds, further 401s start a refresh no more often than a growing back-off allows (1 s, doubling,
/// to 60 s).
#[tokio::test(flavor = "multi_thread")]
async fn r10_a_replay_that_is_answered_401_goes_to_the_caller_and_further_refreshes_back_off() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const { fetch, calls } = wire();
            const client = newClient({ fetch });
            const refreshes = async () => (await lab.counters()).refreshes;
            const denied = () => client.fetch("/api/lab/answer?status=401");

            const response = await denied();
            const asItIs = response === calls.at(-1).response && (await response.json()).error;
            const first = { refreshes: await refreshes(), heard: [...client.heard] };

            // A millisecond before the end of each pause, and at its end.
            const refreshed = [];
            for (const pause of [1, 2, 4, 8, 16, 32, 60, 60]) {
                clock.advance(pause * 1000 - 1);
                await denied();
                const early = await refreshes();
                clock.advance(1);
                await denied();
                refreshed.push([early, await refreshes()]);
            }
            return { asItIs, first, refreshed };
            "#,
        )
        .await;
    let one_each: Vec<_> = (1..=8).map(|before| [before, before + 1]).collect();
    assert_eq!(
        seen,
        json!({
            "asItIs": "lab",
            "first": { "refreshes": 1, "heard": ["refreshed", "ineffective"] },
            "refreshed": one_each,
        })
    );
}

/// R11. A redirect that ended at an unguarded URL is not ours: its 401 is handed over, no refresh.
#[tokio::test(flavor = "multi_thread")]
async fn r11_a_redirect_that_ended_at_an_unguarded_url_is_not_ours() {
    let page = Page::signed_in().await;
    let foreign = serve(usual()).await;
    page.give("foreign", foreign.origin()).await;
    let seen = page
        .run(
            r#"
            const client = newClient({ exclude: ["/api/lab/answer"] });
            const redirected = (to) => client.fetch(`/api/lab/redirect?to=${encodeURIComponent(to)}`);
            const answers = [
                await outcome(redirected("/api/lab/answer?status=401")),
                await outcome(redirected(`${foreign}/api/lab/answer?status=401&cors=1`)),
            ];
            const before = await lab.trail("/auth/refresh");

            // One that stays in scope is ours.
            await lab.expireAccess();
            const inScope = await outcome(redirected("/api/me"));
            return { answers, before, inScope, after: await lab.trail("/auth/refresh"), heard: client.heard };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "answers": [401, 401],
            "before": [],
            "inScope": 200,
            "after": [200],
            "heard": ["refreshed"],
        })
    );
}

/// Done when, 2. 200 concurrent requests with an expired access token give 1 refresh and 200 answers `200`; 20
/// requests made while that refresh is under way meet no 401; a late 401 gives no second refresh; `document.cookie`
/// stays empty throughout.
#[tokio::test(flavor = "multi_thread")]
async fn done_2_200_requests_20_more_and_a_late_401_cost_one_refresh_and_no_script_sees_a_cookie() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const cookies = new Set([document.cookie]);
            const isRefresh = ({ path }) => path === "/auth/refresh";
            const refresh = wire({ hold: isRefresh });
            const late = wire({ keep: ({ path, nth }) => path === "/api/me?late" && nth === 1 });
            const client = newClient({ fetch: (...args) =>
                (args[0] === "/api/me?late" ? late : refresh).fetch(...args) });

            await lab.expireAccess();
            const lateAnswer = outcome(client.fetch("/api/me?late"));
            await late.reached;
            const answers = many(200, (n) => outcome(client.fetch(`/api/me?n=${n}`)));
            await until(async () => (await lab.counters()).api[401] === 201);
            cookies.add(document.cookie);
            const meanwhile = many(20, (n) => outcome(client.fetch(`/api/me?meanwhile=${n}`)));
            refresh.release();
            const all = [...await answers, ...await meanwhile];
            cookies.add(document.cookie);
            late.release();
            all.push(await lateAnswer);
            cookies.add(document.cookie);
            return {
                answers: all,
                refreshes: await lab.trail("/auth/refresh"),
                api: (await lab.counters()).api,
                cookies: [...cookies],
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "answers": vec![200; 221],
            "refreshes": [200],
            "api": { "200": 221, "401": 201 },
            "cookies": [""],
        })
    );
}

/// Done when, 6. An API that always answers 401 costs at most one refresh and two hits a call, and repeated calls back
/// off.
#[tokio::test(flavor = "multi_thread")]
async fn done_6_an_api_that_always_answers_401_costs_one_refresh_and_two_hits_and_then_backs_off() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const client = newClient();
            const call = (n) => outcome(client.fetch(`/api/lab/answer?status=401&n=${n}`));
            const answers = [await call(0)];
            for (let n = 1; n < 10; n += 1) answers.push(await call(n));
            answers.push(...await many(10, (n) => call(10 + n)));
            return {
                answers,
                first: await lab.trail("/api/lab/answer?status=401&n=0"),
                others: await many(19, (n) => lab.trail(`/api/lab/answer?status=401&n=${1 + n}`)),
                refreshes: await lab.trail("/auth/refresh"),
                heard: client.heard,
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "answers": vec![401; 20],
            "first": [401, 401],
            "others": vec![[401]; 19],
            "refreshes": [200],
            "heard": ["refreshed", "ineffective"],
        })
    );
}
