//! What engines do differently, as far as it can be seen from a page. ARCHITECTURE.md has the table.

use keepfresh_e2e::{Engine, Mode, Page, Setting, Tabs, serve, usual};
use serde_json::json;

/// R18. A signal that is made of others settles its caller too, with the reason of the one that was aborted.
#[tokio::test(flavor = "multi_thread")]
async fn r18_a_signal_made_of_others_settles_its_caller_with_their_reason() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const settled = {};
            const lastly = [];
            for (const place of ["sent", "waiting"]) {
                await lab.expireAccess();
                const held = wire({ hold: ({ path }) => path === (place === "sent" ? "/api/me" : "/auth/refresh") });
                const client = newClient({ fetch: held.fetch });
                const [one, another] = [new AbortController(), new AbortController()];
                const signal = AbortSignal.any([one.signal, another.signal]);
                const reason = { of: place };
                const call = client.fetch("/api/me", { signal }).then(() => "answered", (it) => it === reason);
                await held.reached;
                another.abort(reason);
                // What is held goes out now, with a signal that has been aborted.
                if (place === "sent") held.release();
                settled[place] = await call;
                held.release();
                lastly.push(await outcome(client.fetch("/api/me")));
            }
            return { settled, lastly };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "settled": { "sent": true, "waiting": true }, "lastly": [200, 200] })
    );
}

/// R4. A connection that is dropped is a `TypeError` everywhere; what it says is each engine's own.
#[tokio::test(flavor = "multi_thread")]
async fn r4_a_dropped_connection_is_a_type_error_with_the_engines_own_words() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.set({ api: { fail: "drop" } });
            const errors = [];
            for (const send of [window.fetch, newClient().fetch]) {
                errors.push(await send("/api/me").catch((error) => `${error.name}: ${error.message}`));
            }
            return errors;
            "#,
        )
        .await;
    let error = match Engine::chosen() {
        Engine::Chromium => "TypeError: Failed to fetch",
        Engine::Firefox => "TypeError: NetworkError when attempting to fetch resource.",
        Engine::Webkit => "TypeError: Load failed",
    };
    assert_eq!(seen, json!([error, error]));
}

/// R24. What a sandboxed frame may use: what it is refused, the package has to do without.
#[tokio::test(flavor = "multi_thread")]
async fn r24_a_sandboxed_frame_has_no_storage_and_no_locks() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const script = `
                const name = async (what) => { try { return (await what()) ?? "works"; } catch (error) { return error.name; } };
                (async () => parent.postMessage({
                    storage: await name(() => localStorage.length),
                    locks: await name(() => navigator.locks.request("name", () => {})),
                    channel: await name(() => new BroadcastChannel("name").postMessage(1)),
                    cookies: await name(() => document.cookie),
                }, "*"))();`;
            const told = new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data)));
            const frame = document.createElement("iframe");
            frame.sandbox = "allow-scripts";
            frame.srcdoc = `<script>${script}<\/script>`;
            document.body.append(frame);
            return await told;
            "#,
        )
        .await;
    let no = "SecurityError";
    let cookies = match Engine::chosen() {
        Engine::Chromium | Engine::Firefox => no,
        // There are none to be seen.
        Engine::Webkit => "",
    };
    assert_eq!(
        seen,
        json!({ "storage": no, "locks": no, "channel": "works", "cookies": cookies })
    );
}

/// R28. Which browsers send a refresh again by themselves when its connection is dropped: its `Idempotency-Key` is what
/// tells the server.
#[tokio::test(flavor = "multi_thread")]
async fn r28_a_browser_may_send_a_dropped_refresh_again_by_itself() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            await lab.expireAccess();
            await lab.set({ refresh: { fail: "drop" } });
            const sent = wire();
            const client = newClient({ timeout: 500, fetch: sent.fetch });
            const answer = await outcome(client.fetch("/api/me"));
            const tries = (await lab.counters()).refresh_requests;
            return { answer, again: tries > sent.calls.filter(({ path }) => path === "/auth/refresh").length };
            "#,
        )
        .await;
    let again = Engine::chosen() != Engine::Webkit;
    assert_eq!(
        seen,
        json!({ "answer": "refresh_unavailable", "again": again })
    );
}

/// R12. A frame in a page of another site has none of our cookies, so to it the session is over. That is no news to
/// those who have them: browsers keep what such a frame says and stores apart.
#[tokio::test(flavor = "multi_thread")]
async fn r12_a_frame_in_a_page_of_another_site_signs_nobody_out() {
    let tabs = Tabs::signed_in(2).await;
    tabs.run(
        0,
        "localStorage.setItem('of the tab', '');
         globalThis.client = newClient();
         await client.fetch('/api/me');",
    )
    .await;
    let other = serve(usual()).await;
    tabs.visit(1, &format!("{}/lab/blank", other.origin()))
        .await;
    let script = format!(
        "const told = new Promise((resolve) => addEventListener('message', ({{ data }}) => resolve(data)));
         const frame = document.createElement('iframe');
         frame.src = '{}/frame.html';
         document.body.append(frame);
         return await told;",
        tabs.server.origin()
    );
    let told = tabs.run(1, &script).await;
    // What was said in the frame before is heard by then, if it is.
    tabs.run(0, "await client.fetch('/api/me');").await;
    let heard = tabs.run(0, "return [client.state, client.heard];").await;
    assert_eq!(
        (told, heard),
        (
            json!({ "status": 401, "expired": true, "shared": false }),
            json!(["active", []])
        )
    );
}

/// R21. Tabs of private windows are peers like any others: they have the locks, the channel and the storage, each empty
/// at the start.
#[tokio::test(flavor = "multi_thread")]
async fn r21_tabs_of_private_windows_are_peers_too() {
    let tabs = Tabs::signed_in_with(Setting {
        mode: Mode {
            private: true,
            ..Mode::default()
        },
        ..Setting::default()
    })
    .await;
    tabs.run(0, "await lab.expireAccess();").await;
    let answers = tabs
        .at_once(
            "globalThis.client = newClient();
             return await many(5, () => outcome(client.fetch('/api/me')));",
        )
        .await;
    assert_eq!(answers, vec![json!([200, 200, 200, 200, 200]); 2]);
    let seen = tabs
        .run(
            1,
            "const { refresh_requests } = await lab.counters();
             return [refresh_requests, client.state, localStorage.length];",
        )
        .await;
    assert_eq!(seen, json!([1, "active", 1]));
}

/// R22. A frozen tab hears nothing; once awake it is told what its peers have done meanwhile, and needs no refresh.
#[tokio::test(flavor = "multi_thread")]
async fn r22_a_tab_that_was_frozen_hears_of_its_peers_refresh_when_it_wakes_up() {
    let tabs = Tabs::signed_in(2).await;
    tabs.run(
        1,
        "globalThis.client = newClient();
         await client.fetch('/api/me');",
    )
    .await;
    tabs.freeze(1).await;
    tabs.run(
        0,
        "await lab.expireAccess(); await newClient().fetch('/api/me');",
    )
    .await;
    tabs.resume(1).await;
    let seen = tabs
        .run(
            1,
            "await until(() => client.heard.length > 0);
             const answer = await outcome(client.fetch('/api/me'));
             const { refresh_requests } = await lab.counters();
             return [client.heard, answer, refresh_requests];",
        )
        .await;
    assert_eq!(seen, json!([["refreshed"], 200, 1]));
}

/// R20, R21. A page that is left in the middle of a refresh: its lock goes to its peers, and so does the new cookie.
#[tokio::test(flavor = "multi_thread")]
async fn r20_a_page_left_in_the_middle_of_a_refresh_keeps_its_lock_from_nobody() {
    let tabs = Tabs::signed_in(2).await;
    let call = "return await outcome((globalThis.client ??= newClient()).fetch('/api/me'));";
    assert_eq!(tabs.run(0, call).await, 200);
    assert_eq!(tabs.run(1, call).await, 200);
    tabs.held.hold();
    tabs.run(0, "await lab.expireAccess();").await;
    tabs.begin(0, call).await;
    tabs.held.reached(1).await;
    tabs.leave(0, "/lab/blank").await;
    tabs.begin(1, call).await;
    tabs.run(
        1,
        "await until(async () => (await lab.trail('/api/me')).length >= 4);",
    )
    .await;
    tabs.held.release();
    assert_eq!(tabs.end(1).await, 200);
    tabs.back(0).await;
    let seen = tabs
        .run(
            0,
            "const kept = 'client' in globalThis;
             return [kept, kept ? await outcome(client.fetch('/api/me')) : (await fetch('/api/me')).status];",
        )
        .await;
    // A page that holds a lock, or waits for an answer, is one that only WebKit keeps.
    let kept = Engine::chosen() == Engine::Webkit;
    let refreshes = tabs
        .run(1, "return (await lab.counters()).refresh_requests;")
        .await;
    assert_eq!((seen, refreshes), (json!([kept, 200]), json!(1)));
}
