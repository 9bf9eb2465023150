//! Loading the engine: from wherever it is, under a strict policy, and when that fails.

use keepfresh_e2e::{Engine, Page, usual, with_pages};
use serde_json::{Value, json};

/// A page with this policy, and nothing injected into it: `page.js` comes with the default entry.
async fn page_under(policy: &str) -> Page {
    let query: String = url::form_urlencoded::byte_serialize(policy.as_bytes()).collect();
    Page::open(with_pages(usual()), &format!("/lab/blank?csp={query}")).await
}

/// Signs in, lets the access token expire, and calls once with each entry.
async fn calls(page: &Page) -> Value {
    page.run("return await (window.calls ?? (await import('/entries.js')).calls)();")
        .await
}

/// `script-src 'self' 'wasm-unsafe-eval'` is enough, Trusted Types or not.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_policy_allows_webassembly_works_trusted_types_or_not() {
    for more in [
        "",
        "; require-trusted-types-for 'script'; trusted-types 'none'",
    ] {
        let policy = format!("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{more}");
        let page = page_under(&policy).await;
        assert_eq!(
            calls(&page).await,
            json!({ "index": 200, "slim": 200 }),
            "{policy}"
        );
    }
}

/// Without the directive the call rejects with `engine_unavailable` and names it; it never hangs.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_forbids_webassembly_is_told_with_the_directive_that_is_missing() {
    // The page loads its script itself: what Firefox's driver runs is not under the page's policy.
    let page = Page::open(with_pages(usual()), "/no-wasm.html").await;
    let told = json!([
        "engine_unavailable",
        "keepfresh: the page's Content Security Policy forbids WebAssembly; add 'wasm-unsafe-eval' to script-src",
        true,
    ]);
    assert_eq!(calls(&page).await, json!({ "index": told, "slim": told }));
}

/// The lean entry takes the engine in any form, of whatever MIME type.
#[tokio::test(flavor = "multi_thread")]
async fn slim_takes_a_url_a_response_bytes_a_module_or_what_gets_one() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const url = "/keepfresh/engine/keepfresh.wasm";
            const bytes = await (await fetch(url)).arrayBuffer();
            const typed = (type) => new Response(bytes, { headers: { "content-type": type } });
            // A function, so that each form is made once the module that it is for is there.
            const forms = {
                "a path": () => url,
                "a URL": () => new URL(url, location),
                "a Response": () => typed("application/wasm"),
                "a promise of one": () => fetch(url),
                "a Response of the wrong type": () => typed("application/octet-stream"),
                "a Response of a type with parameters": () => typed("application/wasm; charset=utf-8"),
                "a Response of no type": () => new Response(bytes),
                "bytes": () => bytes,
                "a view of bytes": () => new Uint8Array(bytes),
                "a Module": () => WebAssembly.compile(bytes),
                "a function": () => () => fetch(url),
            };
            const streamed = [];
            const { compileStreaming } = WebAssembly;
            let form;
            WebAssembly.compileStreaming = (response) => (streamed.push(form), compileStreaming(response));
            const seen = {};
            for (form of Object.keys(forms)) {
                // A page has one engine; what is asked here is whether this form would make one.
                const { compile } = await import("/keepfresh/compile.js");
                const module = await compile(await forms[form]());
                seen[form] = WebAssembly.Module.exports(module).some(({ name }) => name === "ensureFresh");
            }
            return { seen: Object.values(seen), streamed };
            "#,
        )
        .await;
    let streamed = json!([
        "a path",
        "a URL",
        "a Response",
        "a promise of one",
        "a function"
    ]);
    assert_eq!(
        seen,
        json!({ "seen": vec![true; 11], "streamed": streamed })
    );
}

/// Offline, 404, a page in its place, wrong bytes, another version: the call says which, and the next one tries again.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_to_load_says_what_to_do_and_the_next_call_tries_again() {
    let page = Page::signed_in().await;
    let offline = match Engine::chosen() {
        Engine::Chromium => "Failed to fetch",
        Engine::Firefox => "NetworkError",
        Engine::Webkit => "Load failed",
    };
    page.give("offline", offline).await;
    page.give("nowhere", "http://127.0.0.1:1/keepfresh.wasm")
        .await;
    let seen = page
        .run(
            r#"
            const { createClient, init } = await import("/keepfresh/slim.js");
            const client = createClient({ refresh: "/auth/refresh" });
            const module = (...bytes) => new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...bytes]);
            const bad = {
                "not told": undefined,
                "offline": nowhere,
                "missing": "/keepfresh/engine/elsewhere.wasm",
                "a page": () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } }),
                "wrong bytes": () => new Response("not wasm", { headers: { "content-type": "application/wasm" } }),
                "cut short": module(1),
                // (import "k0" "f" (func))
                "another version": module(1, 4, 1, 0x60, 0, 0, 2, 8, 1, 2, 0x6b, 0x30, 1, 0x66, 0, 0),
            };
            const expected = {
                "not told": "call init()",
                "offline": offline,
                "missing": "elsewhere.wasm was answered 404",
                "a page": "is a page",
                "wrong bytes": "CompileError",
                "cut short": "CompileError",
                "another version": "another version",
            };
            const wrong = {};
            for (const [name, source] of Object.entries(bad)) {
                const told = [
                    source && (await init(source).then(String, (error) => error)),
                    await client.fetch("/api/me").then(String, (error) => error),
                    await client.ensureFresh().then(String, (error) => error),
                ];
                for (const error of told.filter(Boolean)) {
                    const kind = isKeepfreshError(error) && error.code === "engine_unavailable" && error.cause;
                    if (!kind || !error.message.includes(expected[name])) wrong[name] = String(error);
                }
            }
            init(() => fetch("/keepfresh/engine/keepfresh.wasm"));
            await lab.expireAccess();
            return { wrong, then: await outcome(client.fetch("/api/me")) };
            "#,
        )
        .await;
    assert_eq!(seen, json!({ "wrong": {}, "then": 200 }));
}

/// An installed client would wait for the engine, and the engine for it.
#[tokio::test(flavor = "multi_thread")]
async fn slim_loads_its_engine_past_a_client_that_is_installed() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const { createClient, init } = await import("/keepfresh/slim.js");
            const undo = createClient({ refresh: "/auth/refresh" }).install();
            init("/keepfresh/engine/keepfresh.wasm");
            await lab.expireAccess();
            const seen = await outcome(fetch("/api/me"));
            undo();
            return seen;
            "#,
        )
        .await;
    assert_eq!(seen, json!(200));
}
