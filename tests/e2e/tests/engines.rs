//! What engines do differently, as far as it can be seen from a page. ARCHITECTURE.md has the table.

use keepfresh_e2e::{Engine, Page};
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
