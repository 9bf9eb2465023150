//! A front end in Rust: the example in Leptos, as `cargo xtask demo --app leptos` serves it.

use std::path::Path;

use keepfresh_e2e::{Config, Page, usual};
use serde_json::json;

/// At its start the app asks whether somebody is signed in, and the answer takes a refresh that is refused.
const BEFORE: u16 = 401;

/// The story that the project exists for, told by an app that has nothing to do with JavaScript's half.
#[tokio::test(flavor = "multi_thread")]
async fn r5_a_rust_app_that_loads_20_times_at_once_at_expiry_causes_one_refresh() {
    let page = signed_in().await;
    expire_and_hold_the_refresh(&page).await;
    page.click("load").await;
    page.run(
        r#"
        await until(async () => (await lab.counters()).api[401] === 20);
        release();
        "#,
    )
    .await;
    page.see("loaded", "loaded 20 times").await;
    let seen = page
        .run(
            r#"
            return {
                trail: await lab.trail("/api/notes"),
                refreshes: await lab.trail("/auth/refresh"),
                cookie: document.cookie,
            };
            "#,
        )
        .await;
    let once_and_each_twice = [vec![200], vec![401; 20], vec![200; 20]].concat();
    assert_eq!(
        seen,
        json!({
            "trail": once_and_each_twice,
            "refreshes": [BEFORE, 200],
            "cookie": "",
        })
    );
}

/// A note that is added when the access token has expired is added once, with the same bytes.
#[tokio::test(flavor = "multi_thread")]
async fn r15_a_rust_app_adds_a_note_through_a_refresh_with_the_same_bytes() {
    let page = signed_in().await;
    page.run(
        r#"
        await lab.expireAccess();
        const text = document.getElementById("text");
        text.value = "Grüße, 🍞";
        text.dispatchEvent(new Event("input"));
        "#,
    )
    .await;
    page.click("add").await;
    page.see("notes", "Grüße, 🍞").await;
    let seen = page
        .run(
            r#"
            const notes = await (await fetch("/api/notes")).json();
            return {
                notes: notes.map((note) => note.text),
                refreshes: await lab.trail("/auth/refresh"),
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "notes": ["Grüße, 🍞"], "refreshes": [BEFORE, 200] })
    );
}

/// R12. `expired`: the app hears of it, and shows the sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn r12_a_rust_app_hears_that_its_session_has_expired() {
    let page = signed_in().await;
    page.run("await lab.expireAccess(); await lab.revokeRefresh();")
        .await;
    page.click("load").await;
    assert_eq!(page.text("sign-in").await, "Sign in");
    let refreshes = page.run(r#"return lab.trail("/auth/refresh");"#).await;
    assert_eq!(refreshes, json!([BEFORE, 401]));
}

/// R9, R21. A Rust app and the npm package on one page are two engines, and peers: they share one refresh.
#[tokio::test(flavor = "multi_thread")]
async fn r21_a_rust_app_and_the_npm_package_on_one_page_share_one_refresh() {
    let page = signed_in().await;
    expire_and_hold_the_refresh(&page).await;
    page.click("load").await;
    let seen = page
        .run(
            r#"
            const client = newClient();
            const answers = many(20, (n) => outcome(client.fetch(`/api/me?n=${n}`)));
            await until(async () => (await lab.counters()).api[401] === 40);
            release();
            return {
                answers: await answers,
                trails: await many(20, (n) => lab.trail(`/api/me?n=${n}`)),
                heard: client.heard,
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "answers": vec![200; 20],
            "trails": vec![[401, 200]; 20],
            "heard": ["refreshed"],
        })
    );
    page.see("loaded", "loaded 20 times").await;
    let refreshes = page.run(r#"return lab.trail("/auth/refresh");"#).await;
    assert_eq!(refreshes, json!([BEFORE, 200]));
}

/// The exports of the npm package are for the npm package.
#[tokio::test(flavor = "multi_thread")]
async fn a_rust_app_exports_nothing_of_keepfresh() {
    let page = app().await;
    let seen = page
        .run(
            r#"
            const namesOf = async (wasm) => {
                const module = await WebAssembly.compileStreaming(fetch(wasm));
                return WebAssembly.Module.exports(module).map(({ name }) => name);
            };
            const names = await namesOf("/keepfresh/engine/keepfresh.wasm");
            // What is left over are wasm-bindgen's own.
            const ours = names.filter((name) => /^[a-z]{4}/i.test(name) && name !== "memory");
            const isOurs = (name) => ours.includes(name);
            return {
                package: ours.toSorted(),
                app: (await namesOf("/app_bg.wasm")).filter(isOurs),
                glue: Object.keys(await import("/app.js")).filter(isOurs),
            };
            "#,
        )
        .await;
    let package = [
        "call",
        "create",
        "dispose",
        "ensureFresh",
        "refresh",
        "resume",
        "signedIn",
        "signedOut",
        "state",
    ];
    assert_eq!(seen, json!({ "package": package, "app": [], "glue": [] }));
    assert_eq!(page.console_errors().await, Vec::<String>::new());
}

/// The app, with a user who has signed in, and what `page.js` offers beside it. It runs in a blank page: the policy of its
/// own lets no script be made of text, and in Firefox scripts that are not see nothing of each other.
async fn signed_in() -> Page {
    let page = Page::blank(served()).await;
    page.run("await import('/start.js');").await;
    page.click("sign-in").await;
    assert_eq!(page.text("load").await, "Load 20 times at once");
    page.run("await lab.reset();").await;
    page
}

/// Lets the access token expire. The refresh is held back until a script calls `release`.
async fn expire_and_hold_the_refresh(page: &Page) {
    page.run(
        r#"
        await lab.expireAccess();
        const { fetch } = globalThis;
        const released = Promise.withResolvers();
        globalThis.release = released.resolve;
        globalThis.fetch = async (...args) => {
            if (pathOf(args[0]) === "/auth/refresh") await released.promise;
            return fetch(...args);
        };
        "#,
    )
    .await;
}

async fn app() -> Page {
    Page::open(served(), "/").await
}

fn served() -> Config {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/leptos/dist");
    assert!(
        dist.join("app.js").exists(),
        "the example is not built: run cargo xtask demo --app leptos"
    );
    Config {
        www: Some(dist),
        ..usual()
    }
}
