//! Time: aborts, deadlines, and lifetimes that the server announces.

use keepfresh_e2e::Page;
use serde_json::json;

/// R18. An abort settles its caller at once, wherever it is (waiting, refreshing, replaying), with the signal's
/// reason; the shared refresh goes on for the others.
#[tokio::test(flavor = "multi_thread")]
async fn r18_an_abort_settles_its_caller_at_once_wherever_it_is_and_the_refresh_goes_on() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.expireAccess();
            const held = wire({ hold: ({ path, nth }) =>
                path === "/auth/refresh" || (path === "/api/me?replaying" && nth === 2) });
            const client = newClient({ fetch: held.fetch });
            const aborted = {};
            const begin = (name, call) => {
                const controller = new AbortController();
                const reason = `${name} no more`;
                const settled = call(controller.signal).then(() => "no rejection", (it) => it === reason);
                return async () => {
                    controller.abort(reason);
                    aborted[name] = await settled;
                };
            };
            const get = (query) => (signal) => client.fetch(`/api/me?${query}`, { signal });

            // The one that started the refresh, and others at every place to wait.
            const refreshing = begin("refreshing", get("refreshing"));
            await held.reached;
            const waiting = begin("waiting", get("waiting"));
            const request = begin("request", (signal) => client.fetch(new Request("/api/me?request", { signal })));
            const ensureFresh = begin("ensureFresh", (signal) => client.ensureFresh({ maxAge: 0, signal }));
            const refresh = begin("refresh", (signal) => client.refresh({ signal }));
            const others = many(3, (n) => outcome(client.fetch(`/api/me?n=${n}`)));
            for (const abort of [refreshing, waiting, request, ensureFresh, refresh]) await abort();
            const state = client.state;
            held.release();
            const answers = await others;

            await lab.expireAccess();
            const again = wire({ hold: ({ path, nth }) => path === "/api/me?replaying" && nth === 2 });
            const second = newClient({ fetch: again.fetch });
            const replaying = begin("replaying", (signal) => second.fetch("/api/me?replaying", { signal }));
            await again.reached;
            await replaying();
            again.release();
            return {
                aborted,
                state,
                answers,
                refreshes: await lab.trail("/auth/refresh"),
                unsent: [...await lab.trail("/api/me?waiting"), ...await lab.trail("/api/me?request")],
                notReplayed: await lab.trail("/api/me?refreshing"),
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "aborted": {
                "refreshing": true,
                "waiting": true,
                "request": true,
                "ensureFresh": true,
                "refresh": true,
                "replaying": true,
            },
            "state": "refreshing",
            "answers": [200, 200, 200],
            "refreshes": [200, 200],
            "unsent": [],
            "notReplayed": [401],
        })
    );
}

/// Done when, 4. An aborted caller settles at once with its own reason (a string reason too) while 19 others get their
/// answer.
#[tokio::test(flavor = "multi_thread")]
async fn done_4_an_aborted_caller_settles_with_its_own_reason_while_19_others_get_their_answer() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const seen = [];
            for (const reason of [undefined, "a string", new Error("an error")]) {
                await lab.expireAccess();
                const held = holdRefresh();
                const client = newClient({ fetch: held.fetch });
                const controller = new AbortController();
                const init = (n) => (n === 7 ? { signal: controller.signal } : undefined);
                const calls = Array.from({ length: 20 }, (_, n) => client.fetch("/api/me", init(n)));
                await held.reached;
                const aborted = calls[7].catch((reason) => reason);
                controller.abort(reason);
                // The refresh is still held: who waited for it would wait for ever.
                const own = await aborted === controller.signal.reason;
                held.release();
                calls.splice(7, 1);
                seen.push({ own, others: await Promise.all(calls.map(outcome)) });
            }
            return { seen, refreshes: await lab.trail("/auth/refresh") };
            "#,
        )
        .await;
    let each = json!({ "own": true, "others": vec![200; 19] });
    assert_eq!(
        seen,
        json!({ "seen": [each, each, each], "refreshes": [200, 200, 200] })
    );
}

/// Done when, 4. A refresh that hangs settles all within the deadline.
#[tokio::test(flavor = "multi_thread")]
async fn done_4_a_refresh_that_hangs_settles_all_within_the_deadline() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.set({ refresh: { fail: "hang" } });
            await lab.expireAccess();
            const client = newClient({ timeout: 2000 });
            const first = client.fetch("/api/me");
            await until(() => client.state === "refreshing");
            return {
                answers: await Promise.all([
                    outcome(first),
                    many(10, (n) => outcome(client.fetch(`/api/me?n=${n}`))),
                    outcome(client.ensureFresh({ maxAge: 0 })),
                    outcome(client.refresh()),
                ]),
                heard: [...new Set(client.heard)],
            };
            "#,
        )
        .await;
    let no = "refresh_unavailable";
    assert_eq!(
        seen,
        json!({ "answers": [no, vec![no; 10], no, no], "heard": ["unavailable"] })
    );
}

/// Done when, 4. A refresh answered 500, 503, 429 or dropped never announces `expired`, and the next call works.
#[tokio::test(flavor = "multi_thread")]
async fn done_4_a_refresh_answered_500_503_429_or_dropped_never_announces_expired_and_the_next_call_works()
 {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const client = newClient({ timeout: 500 });
            const seen = {};
            for (const fail of [500, 503, 429, "drop"]) {
                await lab.set({ refresh: { fail } });
                await lab.expireAccess();
                const during = await many(3, () => outcome(client.fetch("/api/me")));
                await lab.set({ refresh: {} });
                clock.advance(1000);
                seen[fail] = [...during, await outcome(client.fetch("/api/me"))];
            }
            return { seen, expired: client.heard.includes("expired") };
            "#,
        )
        .await;
    let no = "refresh_unavailable";
    let each = json!([no, no, no, 200]);
    assert_eq!(
        seen,
        json!({
            "seen": { "500": each, "503": each, "429": each, "drop": each },
            "expired": false,
        })
    );
}

/// A server that announces nothing: two expiries are met, and the third is not.
#[tokio::test(flavor = "multi_thread")]
async fn r37_where_the_server_announces_no_lifetime_it_is_learnt_from_two_expiries_that_agree() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            await lab.set({ refresh: { hint: false } });
            const wire = async () => {
                const { refreshes, api } = await lab.counters();
                return { refreshes, denied: api[401] ?? 0 };
            };
            const seen = {};
            for (const learn of [true, false]) {
                const client = newClient({ learn, name: `learns: ${learn}` });
                await client.refresh();
                await until(() => client.state === "active");
                const causes = [];
                client.addEventListener("refreshed", ({ detail }) => causes.push(detail.cause));
                const expiries = [];
                for (let expiry = 1; expiry <= 4; expiry += 1) {
                    clock.advance(15 * 60_000);
                    await lab.expireAccess();
                    const before = await wire();
                    const statuses = await many(20, () => outcome(client.fetch("/api/me")));
                    const after = await wire();
                    expiries.push({
                        ok: statuses.every((status) => status === 200),
                        refreshes: after.refreshes - before.refreshes,
                        isMet: after.denied > before.denied,
                    });
                }
                seen[learn] = { expiries, causes };
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    let met = json!({ "ok": true, "refreshes": 1, "isMet": true });
    let unmet = json!({ "ok": true, "refreshes": 1, "isMet": false });
    assert_eq!(
        seen,
        json!({
            "true": {
                "expiries": [met, met, unmet, unmet],
                "causes": ["unauthorized", "unauthorized", "learnt", "learnt"],
            },
            "false": { "expiries": [met, met, met, met], "causes": vec!["unauthorized"; 4] },
        })
    );
}

/// `expires_in`, when the server sends it in the sign-in or refresh response, is used: a guarded request made after
/// that time waits for a refresh first and never meets a 401.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_made_after_the_announced_lifetime_waits_for_a_refresh_and_never_meets_a_401() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const client = newClient();
            await signIn(client.fetch);
            const lifetime = 30 * 60_000;
            const refreshes = async () => (await lab.counters()).refreshes;
            const seen = [];
            // Once by what the sign-in said, and once by what the refresh said.
            for (let round = 1; round <= 2; round += 1) {
                // Of the answer that says so, the body is read beside its caller.
                await until(async () => {
                    await client.ensureFresh();
                    return client.state === "active";
                });
                clock.advance(lifetime - 1);
                await client.fetch("/api/me");
                const before = await refreshes();
                await lab.expireAccess();
                clock.advance(1);
                const answers = await many(10, () => outcome(client.fetch("/api/me")));
                seen.push({ before, after: await refreshes(), answers });
            }
            return { seen, denied: (await lab.counters()).api[401] ?? 0 };
            "#,
        )
        .await;
    let answers = vec![200; 10];
    assert_eq!(
        seen,
        json!({
            "seen": [
                { "before": 0, "after": 1, "answers": answers },
                { "before": 1, "after": 2, "answers": answers },
            ],
            "denied": 0,
        })
    );
}
