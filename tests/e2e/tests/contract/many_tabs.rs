//! Many tabs, and workers: they refresh once between them, whoever of them dies.
//!
//! The server is strict: a refresh too many, or a lost answer that nobody asks for again, ends the session.

#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use keepfresh_e2e::{Config, Engine, Mode, Setting, Tabs, usual};
use serde_json::{Value, json};

/// Rounds that begin in all tabs at once, each with the access token expired. The first tab conducts.
const ROUNDS: &str = r#"
    async function play(rounds, requests, tabs, tab, path = "/api/me?") {
        const client = (globalThis.client ??= newClient());
        const channel = new BroadcastChannel("rounds");
        const heard = [];
        let wake = () => {};
        channel.onmessage = ({ data }) => (heard.push(data), wake());
        const hear = async (wanted) => {
            while (heard.filter((word) => word === wanted.word).length < wanted.times) {
                await new Promise((resolve) => (wake = resolve));
            }
        };
        if (tab > 0) channel.postMessage("here");
        else await hear({ word: "here", times: tabs - 1 });
        const answers = {};
        for (let round = 0; round < rounds; round++) {
            if (tab === 0) {
                await lab.expireAccess();
                channel.postMessage(`go ${round}`);
            } else {
                await hear({ word: `go ${round}`, times: 1 });
            }
            for (const answer of await many(requests, (n) => outcome(client.fetch(`${path}n=${n}`)))) {
                answers[answer] = (answers[answer] ?? 0) + 1;
            }
            if (tab > 0) channel.postMessage(`done ${round}`);
            else await hear({ word: `done ${round}`, times: tabs - 1 });
        }
        channel.close();
        return answers;
    }
"#;

/// How often something is repeated: in full in Chromium, and a fifth of that elsewhere, to be done in minutes.
fn rounds(full: usize) -> usize {
    match Engine::chosen() {
        Engine::Chromium => full,
        _ => full / 5,
    }
}

/// Plays rounds in tabs that are there, and says what each tab's requests were answered.
async fn play(tabs: &Tabs, rounds: usize, requests: usize, count: usize) -> Vec<Value> {
    play_at(tabs, rounds, requests, count, "/api/me?").await
}

async fn play_at(
    tabs: &Tabs,
    rounds: usize,
    requests: usize,
    count: usize,
    path: &str,
) -> Vec<Value> {
    let script = |tab| {
        format!("{ROUNDS}\nreturn await play({rounds}, {requests}, {count}, {tab}, '{path}');")
    };
    tabs.begin(0, &script(0)).await;
    for tab in 1..count {
        tabs.begin(tab, &script(tab)).await;
    }
    let mut answers = Vec::new();
    for tab in 0..count {
        answers.push(tabs.end(tab).await);
    }
    answers
}

/// Has a tab wait until a request to this path was answered.
async fn asked(tabs: &Tabs, tab: usize, path: &str) {
    let script = format!(
        "await until(async () => (await lab.trail('{path}')).some((status) => status !== null));"
    );
    tabs.run(tab, &script).await;
}

async fn counters(tabs: &Tabs, tab: usize) -> Value {
    let script = "
        const { refreshes, refresh_requests, reuse_detected } = await lab.counters();
        return { refreshes, refresh_requests, reuse_detected };
    ";
    tabs.run(tab, script).await
}

fn only_good(refreshes: usize) -> Value {
    json!({ "refreshes": refreshes, "refresh_requests": refreshes, "reuse_detected": 0 })
}

/// R21. Tabs whose access token expires together cause one refresh between them.
#[tokio::test(flavor = "multi_thread")]
async fn r21_tabs_whose_access_token_expires_together_cause_one_refresh_between_them() {
    let tabs = Tabs::signed_in(8).await;
    // In parts, so that no script runs for too long on a busy machine.
    for part in 1..=rounds(100) / 20 {
        let answers = play(&tabs, 20, 20, 8).await;
        assert_eq!(counters(&tabs, 0).await, only_good(20 * part));
        assert_eq!(answers, vec![json!({ "200": 400 }); 8]);
    }
}

/// R31. Two tabs ask for the same addresses, whose answers the cache has and asks about (`ETag`, as Express sends them): what a
/// caller gets is the answer, never the 304 that was for the cache.
#[tokio::test(flavor = "multi_thread")]
async fn r31_at_expiry_no_caller_gets_a_304_that_was_meant_for_the_cache() {
    let tabs = Tabs::signed_in(2).await;
    let rounds = rounds(40);
    let path = "/api/lab/protected?etag=1&max_age=0&bytes=300&";
    let answers = play_at(&tabs, rounds, 10, 2, path).await;
    let all = json!({ "200": rounds * 10 });
    assert_eq!(answers, [all.clone(), all]);
    assert_eq!(counters(&tabs, 0).await, only_good(rounds));
}

/// R21. So do tabs that nobody looks at, whose timers the browser slows down.
#[tokio::test(flavor = "multi_thread")]
async fn r21_hidden_and_slowed_down_tabs_cause_one_refresh_too() {
    let tabs = Tabs::signed_in_with(Setting {
        count: 3,
        mode: Mode {
            throttled: true,
            ..Mode::default()
        },
        ..Setting::default()
    })
    .await;
    // The drivers of the others minimize no window, and show the tab that they look at.
    if Engine::chosen() == Engine::Chromium {
        tabs.hide().await;
        for tab in 0..3 {
            let hidden = tabs.run(tab, "return document.visibilityState;").await;
            assert_eq!(hidden, "hidden");
        }
    }
    let answers = play(&tabs, 20, 5, 3).await;
    assert_eq!(counters(&tabs, 0).await, only_good(20));
    assert_eq!(answers, vec![json!({ "200": 100 }); 3]);
}

/// R21. Clients of one page, another tab, a dedicated and a shared worker are peers.
#[tokio::test(flavor = "multi_thread")]
async fn r21_clients_of_one_page_and_workers_are_peers_of_other_tabs() {
    let tabs = Tabs::signed_in(2).await;
    let setup = r#"
        const said = (port) => new Promise((resolve) => (port.onmessage = ({ data }) => resolve(data)));
        const dedicated = new Worker("/worker.js", { type: "module" });
        const shared = new SharedWorker("/worker.js", { type: "module" }).port;
        await Promise.all([dedicated, shared].map(said));
        const ask = (port) => (path) => {
            const answer = said(port);
            port.postMessage(path);
            return answer;
        };
        const clients = [newClient(), newClient()];
        const call = (client) => (path) => outcome(client.fetch(path));
        globalThis.callers = [...clients.map(call), ask(dedicated), ask(shared)];
    "#;
    for tab in 0..2 {
        tabs.run(tab, setup).await;
    }
    for round in 1..=10 {
        tabs.run(0, "await lab.expireAccess();").await;
        let answers = tabs
            .at_once("return await Promise.all(callers.map((call) => call('/api/me')));")
            .await;
        assert_eq!(answers, vec![json!([200, 200, 200, 200]); 2]);
        assert_eq!(counters(&tabs, 0).await, only_good(round));
    }
}

/// R20. A tab that is closed in the middle of a refresh does not lose the rotated cookie: its peer waits, by asking.
#[tokio::test(flavor = "multi_thread")]
async fn r20_a_tab_closed_in_the_middle_of_a_refresh_loses_no_session() {
    let rounds = rounds(50);
    let mut tabs = Tabs::signed_in(1).await;
    tabs.run(0, "globalThis.client = newClient();").await;
    for round in 0..rounds {
        let doomed = tabs.add().await;
        tabs.held.hold();
        tabs.run(0, "await lab.expireAccess();").await;
        tabs.begin(doomed, "await newClient().fetch('/api/me');")
            .await;
        tabs.held.reached(1).await;
        // Every other time the peer has been waiting before.
        let path = format!("/api/me?round={round}");
        let call = format!("return await outcome(client.fetch('{path}'));");
        if round % 2 == 0 {
            tabs.begin(0, &call).await;
            asked(&tabs, 0, &path).await;
            tabs.close(doomed).await;
        } else {
            tabs.close(doomed).await;
            tabs.begin(0, &call).await;
            asked(&tabs, 0, &path).await;
        }
        tabs.held.release();
        assert_eq!(tabs.end(0).await, 200, "round {round}");
    }
    assert_eq!(counters(&tabs, 0).await, only_good(rounds));
}

/// R20. A page that is reloaded in the middle of a refresh waits for it, by asking.
#[tokio::test(flavor = "multi_thread")]
async fn r20_a_page_reloaded_in_the_middle_of_a_refresh_loses_no_session() {
    let rounds = rounds(50);
    let tabs = Tabs::signed_in(1).await;
    for round in 0..rounds {
        tabs.held.hold();
        tabs.run(0, "await lab.expireAccess();").await;
        tabs.begin(0, "await newClient().fetch('/api/me');").await;
        tabs.held.reached(1).await;
        tabs.reload(0).await;
        let path = format!("/api/me?round={round}");
        let call = format!("return await outcome(newClient().fetch('{path}'));");
        tabs.begin(0, &call).await;
        asked(&tabs, 0, &path).await;
        tabs.held.release();
        assert_eq!(tabs.end(0).await, 200, "round {round}");
    }
    assert_eq!(counters(&tabs, 0).await, only_good(rounds));
}

/// R20. A refresh of a page that is gone, and that never reached the server, is sent again in the end.
#[tokio::test(flavor = "multi_thread")]
async fn r20_an_orphan_that_was_lost_is_sent_again_as_the_same_refresh() {
    for fail in ["drop", "lost", "hang"] {
        let tabs = Tabs::signed_in(1).await;
        let script = format!(
            "await lab.set({{ refresh: {{ fail: '{fail}', times: 1 }} }});
             await lab.expireAccess();"
        );
        tabs.run(0, &script).await;
        tabs.begin(0, "await newClient().fetch('/api/me');").await;
        asked_refreshes(&tabs, 0, 1).await;
        tabs.reload(0).await;
        // One that hangs may be on its way for as long as a call waits; this one has some time left then.
        let answer = tabs
            .run(
                0,
                "return await outcome(newClient({ timeout: 20_000 }).fetch('/api/me'));",
            )
            .await;
        assert_eq!(answer, 200, "{fail}");
        let reuse = tabs
            .run(0, "return (await lab.counters()).reuse_detected;")
            .await;
        assert_eq!(reuse, 0, "{fail}");
    }
}

/// Has a tab wait until so many refreshes have arrived.
async fn asked_refreshes(tabs: &Tabs, tab: usize, count: usize) {
    let script =
        format!("await until(async () => (await lab.counters()).refresh_requests >= {count});");
    tabs.run(tab, &script).await;
}

/// R21a. Who waits for a peer asks now and then: a frozen holder may have succeeded long ago.
#[tokio::test(flavor = "multi_thread")]
async fn r21a_who_waits_for_a_frozen_holder_asks() {
    let tabs = Tabs::signed_in(3).await;
    for tab in 0..3 {
        tabs.run(tab, "globalThis.client = newClient();").await;
    }
    tabs.run(0, "await lab.expireAccess();").await;
    tabs.held.hold();
    let call = |tab| format!("return await outcome(client.fetch('/api/me?tab={tab}'));");
    tabs.begin(0, &call(0)).await;
    tabs.held.reached(1).await;
    tabs.freeze(0).await;
    for tab in [1, 2] {
        tabs.begin(tab, &call(tab)).await;
        asked(&tabs, tab, &format!("/api/me?tab={tab}")).await;
    }
    tabs.held.release();
    assert_eq!(tabs.end(1).await, 200);
    assert_eq!(tabs.end(2).await, 200);
    tabs.resume(0).await;
    assert_eq!(tabs.end(0).await, 200);
    assert_eq!(counters(&tabs, 0).await, only_good(1));
}

/// R19. A peer that hangs on its refresh holds nobody up beyond their own deadline.
#[tokio::test(flavor = "multi_thread")]
async fn r19_a_peer_whose_refresh_hangs_holds_nobody_up_beyond_their_own_deadline() {
    let tabs = Tabs::signed_in(2).await;
    tabs.run(
        0,
        "await lab.set({ refresh: { fail: 'hang' } }); await lab.expireAccess();",
    )
    .await;
    tabs.begin(0, "await newClient({ timeout: 60000 }).fetch('/api/me');")
        .await;
    asked_refreshes(&tabs, 1, 1).await;
    let answer = tabs
        .run(
            1,
            "return await outcome(newClient({ timeout: 500 }).fetch('/api/me'));",
        )
        .await;
    assert_eq!(answer, "refresh_unavailable");
    let requests = counters(&tabs, 1).await["refresh_requests"].clone();
    assert_eq!(requests, 1);
}

/// R22. A peer's success renews this tab without a request, and causes no refresh.
#[tokio::test(flavor = "multi_thread")]
async fn r22_a_peers_success_renews_this_tab_without_a_request() {
    let tabs = Tabs::signed_in(2).await;
    tabs.run(
        1,
        "globalThis.client = newClient();
         globalThis.by = new Promise((resolve) =>
             client.addEventListener('refreshed', ({ detail }) => resolve(detail.by)));
         await client.fetch('/api/me');",
    )
    .await;
    let before = tabs.run(1, "return (await lab.counters()).requests;").await;
    tabs.run(
        0,
        "await lab.expireAccess(); await newClient().fetch('/api/me');",
    )
    .await;
    assert_eq!(tabs.run(1, "return await by;").await, "peer");
    let seen = tabs
        .run(
            1,
            "const { requests, refreshes } = await lab.counters();
             return { requests, refreshes, state: client.state };",
        )
        .await;
    // The other tab's 401, its refresh and its replay.
    let requests = before.as_u64().unwrap_or_default() + 3;
    assert_eq!(
        seen,
        json!({ "requests": requests, "refreshes": 1, "state": "active" })
    );
}

/// R12, R22. `expired` in one tab is announced once in every tab, and no other tab asks the server.
#[tokio::test(flavor = "multi_thread")]
async fn r22_a_peers_expired_is_announced_here_too() {
    let tabs = Tabs::signed_in(3).await;
    let prepare = r#"
        globalThis.client = newClient();
        globalThis.by = new Promise((resolve) =>
            client.addEventListener("expired", ({ detail }) => resolve(detail.by)));
        await client.fetch("/api/me");
    "#;
    for tab in 0..3 {
        tabs.run(tab, prepare).await;
    }
    tabs.run(0, "await lab.revokeRefresh(); await lab.expireAccess();")
        .await;
    let answer = tabs
        .run(0, "return await outcome(client.fetch('/api/me'));")
        .await;
    assert_eq!(answer, 401);
    let seen = "return [await by, client.state, client.heard];";
    assert_eq!(
        tabs.run(0, seen).await,
        json!(["client", "expired", ["expired"]])
    );
    for tab in [1, 2] {
        assert_eq!(
            tabs.run(tab, seen).await,
            json!(["peer", "expired", ["expired"]])
        );
        let answer = tabs
            .run(tab, "return await outcome(client.fetch('/api/me'));")
            .await;
        assert_eq!(answer, 401);
    }
    let trail = tabs
        .run(0, "return await lab.trail('/auth/refresh');")
        .await;
    assert_eq!(trail, json!([401]));
}

/// R12, R25. A sign-in in one tab wakes the others from `expired`.
#[tokio::test(flavor = "multi_thread")]
async fn r25_a_sign_in_in_one_tab_wakes_the_others_from_expired() {
    let tabs = Tabs::signed_in(2).await;
    for tab in 0..2 {
        tabs.run(
            tab,
            "globalThis.client = newClient(); await client.fetch('/api/me');",
        )
        .await;
    }
    tabs.run(0, "await lab.revokeRefresh(); await lab.expireAccess();")
        .await;
    for tab in 0..2 {
        let answer = tabs
            .run(tab, "return await outcome(client.fetch('/api/me'));")
            .await;
        assert_eq!(answer, 401);
    }
    tabs.run(0, "await signIn(client.fetch);").await;
    tabs.run(1, "await until(() => client.state !== 'expired');")
        .await;
    // The other tab refreshes when it has to, as ever.
    tabs.run(0, "await lab.expireAccess();").await;
    let answer = tabs
        .run(1, "return await outcome(client.fetch('/api/me'));")
        .await;
    assert_eq!(answer, 200);
    let trail = tabs
        .run(0, "return await lab.trail('/auth/refresh');")
        .await;
    assert_eq!(trail, json!([401, 200]));
}

/// R13. `Retry-After` and the cool-down hold for peers too.
#[tokio::test(flavor = "multi_thread")]
async fn r13_retry_after_and_the_cool_down_hold_for_peers_too() {
    for retry_after in ["null", "'30'"] {
        let tabs = Tabs::signed_in(2).await;
        // A cool-down begins with a second: none of these calls waits so long.
        for tab in 0..2 {
            tabs.run(
                tab,
                "clock.stop();
                 globalThis.client = newClient({ timeout: 300 });
                 await client.fetch('/api/me');",
            )
            .await;
        }
        let script = format!(
            "await lab.set({{ refresh: {{ fail: 503, retry_after: {retry_after} }} }});
             await lab.expireAccess();"
        );
        tabs.run(0, &script).await;
        for tab in [0, 1, 1, 0] {
            let answer = tabs
                .run(tab, "return await outcome(client.fetch('/api/me'));")
                .await;
            assert_eq!(answer, "refresh_unavailable");
        }
        let trail = tabs
            .run(0, "return await lab.trail('/auth/refresh');")
            .await;
        assert_eq!(trail, json!([503]), "{retry_after}");
    }
}

/// R23. Before `expired` is believed after a race (a peer refreshed while we were refused), the request is replayed.
#[tokio::test(flavor = "multi_thread")]
async fn r23_before_expired_is_believed_after_a_race_the_request_is_replayed() {
    // Without locks there are races.
    let tabs = Tabs::signed_in_with(Setting {
        prelude: NO_LOCKS,
        ..Setting::default()
    })
    .await;
    tabs.run(
        0,
        "await lab.expireAccess();
         await lab.set({ refresh: { fail: 401, times: 1 } });
         globalThis.kept = wire({ keep: ({ path }) => path === '/auth/refresh' });
         globalThis.client = newClient({ fetch: kept.fetch });",
    )
    .await;
    tabs.begin(0, "return await outcome(client.fetch('/api/me'));")
        .await;
    tabs.run(0, "await kept.reached;").await;
    // The peer does not know of the refresh under way, as it would where there is storage.
    let peer = tabs
        .run(
            1,
            "localStorage.clear(); return await outcome(newClient().fetch('/api/me'));",
        )
        .await;
    assert_eq!(peer, 200);
    tabs.run(0, "kept.release();").await;
    assert_eq!(tabs.end(0).await, 200);
    let heard = tabs.run(0, "return client.heard;").await;
    assert_eq!(heard, json!(["refreshed"]));
}

const NO_LOCKS: &str = "delete Navigator.prototype.locks;";
const NO_CHANNEL: &str = "delete globalThis.BroadcastChannel;";
const NO_STORAGE: &str = r#"
    Object.defineProperty(globalThis, "localStorage", {
        configurable: true,
        get() { throw new DOMException("access is denied for this document", "SecurityError"); },
    });
"#;
const FORBIDDEN_LOCKS: &str = r#"
    LockManager.prototype.request = () => Promise.reject(new DOMException("no", "SecurityError"));
    LockManager.prototype.query = () => Promise.reject(new DOMException("no", "SecurityError"));
"#;
const THROWING: &str = r#"
    Object.defineProperty(Navigator.prototype, "locks", { get() { throw new DOMException("no", "SecurityError"); } });
    globalThis.BroadcastChannel = class { constructor() { throw new DOMException("no", "SecurityError"); } };
"#;
const FULL_STORAGE: &str = r#"
    Storage.prototype.setItem = () => { throw new DOMException("it is full", "QuotaExceededError"); };
"#;

/// R24. Without Web Locks, BroadcastChannel or storage, one or all of them, it works.
#[tokio::test(flavor = "multi_thread")]
async fn r24_without_web_locks_broadcast_channel_or_storage_it_works() {
    let nothing = [NO_LOCKS, NO_CHANNEL, NO_STORAGE].concat();
    let throwing = [THROWING, NO_STORAGE].concat();
    for prelude in [
        NO_LOCKS,
        NO_CHANNEL,
        NO_STORAGE,
        FORBIDDEN_LOCKS,
        FULL_STORAGE,
        &nothing,
        &throwing,
    ] {
        let tabs = Tabs::signed_in_with(Setting {
            prelude,
            ..Setting::default()
        })
        .await;
        for tab in [0, 1, 0, 1] {
            tabs.run(
                tab,
                "globalThis.client ??= newClient(); await lab.expireAccess();",
            )
            .await;
            let answers = tabs
                .run(
                    tab,
                    "return await many(5, () => outcome(client.fetch('/api/me')));",
                )
                .await;
            assert_eq!(answers, json!([200, 200, 200, 200, 200]), "{prelude}");
        }
        assert_eq!(counters(&tabs, 0).await, only_good(4), "{prelude}");
    }
}

/// R24. Without any of them it degrades to one refresh per tab.
#[tokio::test(flavor = "multi_thread")]
async fn r24_without_any_of_them_it_degrades_to_one_refresh_per_tab() {
    let prelude = [NO_LOCKS, NO_CHANNEL, NO_STORAGE].concat();
    let tabs = Tabs::signed_in_with(Setting {
        count: 2,
        prelude: &prelude,
        // Two at once are a race, which a strict server takes for theft.
        config: lenient(),
        ..Setting::default()
    })
    .await;
    tabs.held.hold();
    tabs.run(0, "await lab.expireAccess();").await;
    for tab in 0..2 {
        tabs.begin(
            tab,
            "return await many(5, () => outcome(newClient().fetch('/api/me')));",
        )
        .await;
    }
    tabs.held.reached(2).await;
    tabs.held.release();
    for tab in 0..2 {
        assert_eq!(tabs.end(tab).await, json!([200, 200, 200, 200, 200]));
    }
    assert_eq!(counters(&tabs, 0).await, only_good(2));
}

/// R24. An insecure context has no Web Locks; it works there too.
#[tokio::test(flavor = "multi_thread")]
async fn r24_in_an_insecure_context_it_works() {
    // No address of this machine is insecure there, and no name can be made up; the table of engines says so.
    if Engine::chosen() == Engine::Webkit {
        return;
    }
    let tabs = Tabs::signed_in_with(Setting {
        insecure: true,
        ..Setting::default()
    })
    .await;
    let context = tabs
        .run(0, "return [isSecureContext, 'locks' in navigator];")
        .await;
    assert_eq!(context, json!([false, false]));
    for tab in [0, 1, 0, 1] {
        tabs.run(
            tab,
            "globalThis.client ??= newClient(); await lab.expireAccess();",
        )
        .await;
        let answer = tabs
            .run(tab, "return await outcome(client.fetch('/api/me'));")
            .await;
        assert_eq!(answer, 200);
    }
    assert_eq!(counters(&tabs, 0).await, only_good(4));
}

fn lenient() -> Config {
    Config {
        leeway: Duration::from_secs(10),
        ..usual()
    }
}

/// A server that ends only the token that it is given.
fn forgetful() -> Config {
    Config {
        sign_out_ends_token_only: true,
        ..usual()
    }
}

/// What is left of the session: the statuses of a request and of a refresh that the engine does not see.
const REST: &str = r#"
    const me = await outcome(fetch("/api/me"));
    return [me, await outcome(fetch("/auth/refresh", { method: "POST" }))];
"#;

const SIGN_OUT: &str = r#"
    globalThis.client ??= newClient();
    return await outcome(client.fetch("/auth/sign-out", { method: "POST" }));
"#;

/// Two tabs of a server that ends only the token that it is given: in the first a refresh is under way, and its answer is
/// held back.
async fn while_a_refresh_is_held() -> Tabs {
    let tabs = Tabs::signed_in_with(Setting {
        config: forgetful(),
        ..Setting::default()
    })
    .await;
    tabs.run(
        1,
        "globalThis.client = newClient(); await client.fetch('/api/me');",
    )
    .await;
    tabs.run(0, "await lab.expireAccess();").await;
    tabs.held.hold();
    tabs.begin(0, "return await outcome(newClient().fetch('/api/me'));")
        .await;
    tabs.held.reached(1).await;
    tabs
}

/// R25. Signing out waits for the refresh under way in another tab, which does not revive the session.
#[tokio::test(flavor = "multi_thread")]
async fn r25_signing_out_waits_for_the_refresh_under_way_in_another_tab() {
    let tabs = while_a_refresh_is_held().await;
    tabs.begin(1, SIGN_OUT).await;
    // Whatever was sent at once has arrived before this is answered.
    tabs.run(0, "for (let n = 0; n < 20; n++) await lab.counters();")
        .await;
    let early = tabs
        .run(0, "return await lab.trail('/auth/sign-out');")
        .await;
    tabs.held.release();
    assert_eq!(tabs.end(1).await, 204);
    // Its replay may come before the sign-out or after it.
    tabs.end(0).await;
    assert_eq!(early, json!([]));
    assert_eq!(tabs.run(0, REST).await, json!([401, 401]));
}

/// R25. It waits for that of a tab that is gone, too.
#[tokio::test(flavor = "multi_thread")]
async fn r25_signing_out_waits_for_the_refresh_of_a_tab_that_is_gone() {
    let tabs = while_a_refresh_is_held().await;
    tabs.close(0).await;
    tabs.begin(1, SIGN_OUT).await;
    tabs.run(1, "for (let n = 0; n < 20; n++) await lab.counters();")
        .await;
    tabs.held.release();
    assert_eq!(tabs.end(1).await, 204);
    assert_eq!(tabs.run(1, REST).await, json!([401, 401]));
}

/// R25. A sign-out in one tab is one in all: no tab refreshes after it, and each hands over its 401.
#[tokio::test(flavor = "multi_thread")]
async fn r25_a_sign_out_in_one_tab_is_one_in_all() {
    let tabs = Tabs::signed_in(2).await;
    for tab in 0..2 {
        tabs.run(
            tab,
            "globalThis.client = newClient(); await client.fetch('/api/me');",
        )
        .await;
    }
    assert_eq!(tabs.run(0, SIGN_OUT).await, 204);
    let call = "return await outcome(client.fetch('/api/me'));";
    assert_eq!(tabs.run(1, call).await, 401);
    assert_eq!(tabs.run(0, call).await, 401);
    assert_eq!(tabs.run(0, REST).await, json!([401, 401]));
}

/// R28. A refresh that the browser sends again by itself is no theft, and one is one in all tabs.
#[tokio::test(flavor = "multi_thread")]
async fn r28_a_refresh_that_the_browser_sends_again_by_itself_is_no_theft() {
    let tabs = Tabs::signed_in(4).await;
    for _ in 0..10 {
        tabs.run(
            0,
            "await lab.set({ refresh: { fail: 'lost', times: 1 } });
             await lab.expireAccess();",
        )
        .await;
        let answers = tabs
            .at_once(
                "globalThis.client ??= newClient();
                 return await many(5, () => outcome(client.fetch('/api/me')));",
            )
            .await;
        assert_eq!(answers, vec![json!([200, 200, 200, 200, 200]); 4]);
    }
    let counters = tabs.run(0, "return await lab.counters();").await;
    assert_eq!(counters["reuse_detected"], 0);
}

/// Whatever the server says of the token's lifetime, there is no loop and nobody is signed out.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_hints_cause_no_loop_and_no_sign_out() {
    let tabs = Tabs::signed_in(3).await;
    for hint in ["1e12", "-5", "0", "'soon'", "null", "true"] {
        // Each begins with pages that know nothing.
        for tab in 0..3 {
            tabs.reload(tab).await;
        }
        let script = format!(
            "await signIn();
             await lab.set({{ refresh: {{ expires_in: {hint} }} }});
             await lab.expireAccess();
             await lab.reset();"
        );
        tabs.run(0, &script).await;
        for _ in 0..3 {
            let seen = tabs
                .at_once(
                    "globalThis.client ??= newClient();
                     const answers = await many(5, () => outcome(client.fetch('/api/me')));
                     return [answers, client.heard.includes('expired')];",
                )
                .await;
            assert_eq!(
                seen,
                vec![json!([[200, 200, 200, 200, 200], false]); 3],
                "{hint}"
            );
        }
        assert_eq!(counters(&tabs, 0).await, only_good(1), "{hint}");
    }
}

/// Keeps count of what is open in a page: listeners, channels, timers.
const WATCHED: &str = r#"
    globalThis.open = { listeners: 0, channels: 0, timers: new Set() };
    for (const target of [globalThis, document]) {
        const { addEventListener, removeEventListener } = target;
        const listeners = new Set();
        target.addEventListener = (type, listener, ...rest) => {
            if (!listeners.has(listener)) open.listeners++;
            listeners.add(listener);
            return addEventListener.call(target, type, listener, ...rest);
        };
        target.removeEventListener = (type, listener, ...rest) => {
            if (listeners.delete(listener)) open.listeners--;
            return removeEventListener.call(target, type, listener, ...rest);
        };
    }
    const { setTimeout, clearTimeout, BroadcastChannel } = globalThis;
    globalThis.setTimeout = (callback, ...rest) => {
        const timer = setTimeout(() => (open.timers.delete(timer), callback()), ...rest);
        open.timers.add(timer);
        return timer;
    };
    globalThis.clearTimeout = (timer) => (open.timers.delete(timer), clearTimeout(timer));
    globalThis.BroadcastChannel = class extends BroadcastChannel {
        constructor(name) {
            super(name);
            open.channels++;
        }
        close() {
            super.close();
            open.channels--;
        }
    };
    globalThis.openNow = async () => {
        const { held, pending } = await navigator.locks.query();
        return [open.listeners, open.channels, open.timers.size, held.length, pending.length];
    };
"#;

/// Dispose removes listeners, channel, timers and locks; calls under way settle; the client can be made again.
#[tokio::test(flavor = "multi_thread")]
async fn dispose_leaves_nothing_and_the_client_can_be_made_again() {
    let tabs = Tabs::signed_in_with(Setting {
        prelude: WATCHED,
        ..Setting::default()
    })
    .await;
    let seen = tabs
        .run(
            0,
            r#"
            const before = await openNow();
            const settled = [];
            for (let n = 0; n < 20; n++) {
                const client = newClient();
                await client.fetch("/api/me");
                await lab.expireAccess();
                const call = outcome(client.fetch("/api/me"));
                if (n % 2) settled.push(await call);
                client.dispose();
                await call;
            }
            // WebKit's driver has a timer of its own in the page while a script runs.
            const added = async () => (await openNow()).map((count, index) => count - before[index]);
            await until(async () => (await added()).every((count) => count === 0));
            return { settled, added: await added() };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "settled": vec![200; 10],
            "added": [0, 0, 0, 0, 0],
        })
    );
}

/// An idle page holds no lock, and comes back from the back-forward cache as it was; its first request is right.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_back_from_the_back_forward_cache_makes_its_first_request_correctly() {
    let tabs = Tabs::signed_in(2).await;
    tabs.run(
        0,
        "globalThis.client = newClient();
         globalThis.back = new Promise((resolve) =>
             addEventListener('pageshow', ({ persisted }) => resolve(persisted)));
         await lab.expireAccess();
         await client.fetch('/api/me');",
    )
    .await;
    tabs.leave(0, "/worker.js").await;
    // Meanwhile the token is renewed, and expires again.
    tabs.run(
        1,
        "globalThis.client = newClient();
         await lab.expireAccess();
         await fetch('/auth/refresh', { method: 'POST' });
         await lab.expireAccess();",
    )
    .await;
    tabs.back(0).await;
    assert_eq!(tabs.run(0, "return await globalThis.back;").await, true);
    let answers = tabs
        .at_once("return await many(5, () => outcome(client.fetch('/api/me')));")
        .await;
    assert_eq!(answers, vec![json!([200, 200, 200, 200, 200]); 2]);
    assert_eq!(counters(&tabs, 0).await, only_good(3));
}
