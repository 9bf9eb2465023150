//! `client.install()`: the page's own `fetch` is replaced, and comes back.

use keepfresh_e2e::Page;
use serde_json::json;

/// What is not installed is not there: `fetch` is replaced at the caller's wish alone, and put back.
#[tokio::test(flavor = "multi_thread")]
async fn install_replaces_fetch_and_its_result_puts_it_back() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const native = fetch;
            const client = newClient();
            const untouched = fetch === native;
            const undo = client.install();
            await lab.expireAccess();
            const installed = await outcome(fetch("/api/me"));
            undo();
            const restored = fetch === native;
            await lab.expireAccess();
            return { untouched, installed, restored, after: await outcome(fetch("/api/me")) };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "untouched": true, "installed": 200, "restored": true, "after": 401 })
    );
}

/// Installed twice, before or after another patcher, undone in any order, installed again: no request goes round.
#[tokio::test(flavor = "multi_thread")]
async fn installed_beside_other_patchers_and_undone_in_any_order_it_leaves_no_loop() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const native = fetch;
            let sent, patched;
            const count = (...args) => (sent++, native(...args));
            // As an error monitor does it, or a mock service worker.
            const patch = () => {
                const before = globalThis.fetch;
                const mine = (...args) => (patched++, before(...args));
                globalThis.fetch = mine;
                return () => {
                    if (globalThis.fetch === mine) globalThis.fetch = before;
                };
            };
            const seen = {};
            for (const [name, steps] of Object.entries({
                "twice": "A A",
                "two clients": "A B",
                "two clients, the first undone": "A B -A",
                "two clients, both undone": "A B -A -B",
                "after a patcher": "P A",
                "after a patcher that is undone": "P A -P",
                "before a patcher": "A P",
                "before a patcher, undone": "A P -A",
                "before a patcher, undone, and again": "A P -A A",
                "again and again": "A P -A A P2 -A A",
                "all undone, the wrong way round": "A P B -A -P -B",
            })) {
                globalThis.fetch = count;
                const clients = { A: newClient(), B: newClient() };
                const undos = {};
                for (const step of steps.split(" ")) {
                    if (step.startsWith("-")) undos[step.slice(1)]();
                    else undos[step] = clients[step]?.install() ?? patch();
                }
                await lab.expireAccess();
                sent = patched = 0;
                const status = await outcome(fetch("/api/me"));
                // A 401 and a replay, each sent once; the refresh besides.
                seen[name] = [status, sent, patched];
            }
            globalThis.fetch = native;
            return seen;
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "twice": [200, 3, 0],
            "two clients": [200, 3, 0],
            "two clients, the first undone": [200, 3, 0],
            "two clients, both undone": [401, 1, 0],
            "after a patcher": [200, 3, 3],
            "after a patcher that is undone": [200, 3, 3],
            "before a patcher": [200, 3, 1],
            "before a patcher, undone": [401, 1, 1],
            // What lies under it is the patcher, which lies over what was installed before.
            "before a patcher, undone, and again": [200, 3, 3],
            "again and again": [200, 3, 6],
            "all undone, the wrong way round": [401, 1, 1],
        })
    );
}

/// An undo that is called again does not undo what was installed since.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_undoes_its_own_installation_alone() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const native = fetch;
            const client = newClient();
            const first = client.install();
            first();
            const second = client.install();
            first();
            await lab.expireAccess();
            const installed = await outcome(fetch("/api/me"));
            client.dispose();
            second();
            return { installed, restored: fetch === native };
            "#,
        )
        .await;
    assert_eq!(seen, json!({ "installed": 200, "restored": true }));
}

/// A `fetch` that is handed over and looks up the page's own meets what is underneath, and not the client again.
#[tokio::test(flavor = "multi_thread")]
async fn an_injected_fetch_that_calls_the_installed_one_goes_through() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient({ fetch: (...args) => globalThis.fetch(...args) });
            const undo = client.install();
            await lab.expireAccess();
            const seen = await outcome(fetch("/api/me"));
            undo();
            return { seen, trail: await lab.trail("/api/me") };
            "#,
        )
        .await;
    assert_eq!(seen, json!({ "seen": 200, "trail": [401, 200] }));
}
