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

/// R36. A page whose policy forbids WebAssembly works as with plain fetch: requests go out, with the CSRF header, a 401 is
/// handed over, and what keepfresh cannot do without its engine says which directive is missing.
#[tokio::test(flavor = "multi_thread")]
async fn r36_a_page_whose_policy_forbids_webassembly_works_as_with_plain_fetch() {
    // The page loads its script itself: what Firefox's driver runs is not under the page's policy.
    let page = Page::open(with_pages(usual()), "/no-wasm.html").await;
    let seen = page
        .run("return await (window.without ?? (await import('/entries.js')).without)();")
        .await;
    let told = json!([
        "engine_unavailable",
        "keepfresh: WebAssembly cannot run here; import keepfresh/js, or add 'wasm-unsafe-eval' to the policy's script-src",
        true,
    ]);
    let each = json!({
        "elsewhere": 404,
        "guarded": 200,
        "notes": [201, "text of the note"],
        "unauthorized": 401,
        "signedOut": 204,
        "csrf": ["token", "token"],
        "events": [["engine", "client"]],
        "warned": 1,
        "state": "unknown",
        "init": told,
        "ensureFresh": told,
        "refresh": told,
    });
    assert_eq!(seen, json!({ "index": each, "slim": each }));
}

/// R36. Under the policy that forbids WebAssembly `keepfresh/js` does all that there is to do.
#[tokio::test(flavor = "multi_thread")]
async fn r36_under_a_policy_without_webassembly_the_js_entry_refreshes_once_for_twenty_requests() {
    let page = Page::open(with_pages(usual()), "/no-wasm.html").await;
    let seen = page
        .run("return await (window.translated ?? (await import('/entries.js')).translated)();")
        .await;
    assert_eq!(
        seen,
        json!({ "answers": vec![200; 20], "refreshes": 1, "state": "active" })
    );
}

/// R36, R18. While the engine is on its way nothing waits for it that need not, and what does has its deadline and its signal.
#[tokio::test(flavor = "multi_thread")]
async fn r36_an_engine_that_never_arrives_holds_nobody_up_for_longer_than_the_deadline() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const { createClient, init } = await import("/keepfresh/slim.js");
            init(new Promise(() => {}));
            const client = createClient({ ...usual, timeout: 400 });
            const events = [];
            client.addEventListener("unavailable", ({ detail }) => events.push(detail.cause));
            const undo = client.install();
            const outOfScope = await outcome(fetch("https://127.0.0.1:1/").catch(() => ({ status: "refused" })));
            const first = await outcome(client.fetch("/api/me"));
            const aborted = client.ensureFresh({ signal: AbortSignal.timeout(10) });
            const reason = await aborted.catch((error) => error.name);
            await lab.expireAccess();
            const waiting = new AbortController();
            const refused = client.fetch("/api/me", { signal: waiting.signal });
            // Its 401 has come, and waits for the engine.
            await until(async () => (await lab.trail("/api/me")).length === 2);
            waiting.abort("enough");
            const abortedLater = await refused.catch((error) => error);
            const handedOver = await outcome(client.fetch("/api/me"));
            const stream = await outcome(client.fetch("/auth/sign-in", {
                method: "POST",
                headers: { "content-type": "application/json" },
                body: JSON.stringify({ login: "ada", password: "correct horse" }),
            }));
            const commands = [await outcome(client.ensureFresh()), await outcome(client.refresh())];
            undo();
            return { outOfScope, first, reason, abortedLater, handedOver, stream, commands, events, trail: await lab.trail("/api/me") };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "outOfScope": "refused",
            "first": 200,
            "reason": "TimeoutError",
            "abortedLater": "enough",
            "handedOver": 401,
            "stream": 200,
            "commands": ["engine_unavailable", "engine_unavailable"],
            "events": ["engine"],
            "trail": [200, 401, 401],
        })
    );
}

/// R36. What is asked for while the engine loads is sent at once, and the engine is told: a storm of first requests at expiry
/// causes one refresh, and each is sent twice.
#[tokio::test(flavor = "multi_thread")]
async fn r36_first_requests_are_sent_at_once_and_their_answers_told_to_the_engine() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const { createClient, init } = await import("/keepfresh/slim.js");
            const arrives = Promise.withResolvers();
            init(arrives.promise);
            const { fetch: send, calls } = wire();
            const client = createClient({ ...usual, fetch: send });
            const fine = await client.fetch("/api/me?fine");
            const theVeryResponse = fine === calls[0].response;
            const early = client.state;
            await lab.expireAccess();
            const storm = many(20, (n) => client.fetch(`/api/me?${n}`));
            // In the task of their calls.
            const atOnce = calls.length - 1;
            await until(() => calls.filter(({ response }) => response?.status === 401).length === 20);
            const atHome = calls.every(({ path }) => path !== "/auth/refresh");
            arrives.resolve(fetch("/keepfresh/engine/keepfresh.wasm"));
            const answers = (await storm).map(({ status }) => status);
            const sent = calls.filter(({ path }) => path.startsWith("/api/me?")).length;
            return {
                theVeryResponse, early, atOnce, atHome, sent, state: client.state,
                answers: answers.every((status) => status === 200),
                refreshes: await lab.trail("/auth/refresh"),
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "theVeryResponse": true,
            "early": "active",
            "atOnce": 20,
            "atHome": true,
            "sent": 41,
            "state": "active",
            "answers": true,
            "refreshes": [200],
        })
    );
}

/// R34. What is asked for with `keepalive`, or while the page goes away, is sent in the same task, engine or no engine, gate
/// open or closed.
#[tokio::test(flavor = "multi_thread")]
async fn r34_a_keepalive_request_and_one_of_a_page_that_goes_away_are_sent_in_the_same_task() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const post = { method: "POST", headers: { "content-type": "application/json" }, body: '{"text":"x"}' };
            const elsewhere = "http://127.0.0.1:1";
            const sentNow = (client, calls, input, init) => {
                const before = calls.length;
                client.fetch(input, init).catch(() => {});
                return calls.length - before;
            };
            const seen = {};
            for (const when of ["no engine", "closed"]) {
                const { fetch: send, calls } = wire({ hold: ({ path }) => path !== "/api/me" });
                const client = newClient({ fetch: send, guard: [location.origin, `${elsewhere}/api`] });
                if (when === "closed") {
                    await lab.expireAccess();
                    client.fetch("/api/me").catch(() => {});
                    await until(() => calls.some(({ path }) => path === "/auth/refresh"));
                }
                const told = {
                    plain: sentNow(client, calls, `${elsewhere}/api/notes`, post),
                    keepalive: sentNow(client, calls, `${elsewhere}/api/notes`, { ...post, keepalive: true }),
                    ofARequest: sentNow(client, calls, new Request("/api/notes", { ...post, keepalive: true })),
                };
                const leave = () => (told.leaving = sentNow(client, calls, `${elsewhere}/api/notes`, post));
                addEventListener("pagehide", leave);
                dispatchEvent(new Event("pagehide"));
                removeEventListener("pagehide", leave);
                seen[when] = told;
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    let told = json!({ "plain": 0, "keepalive": 1, "ofARequest": 1, "leaving": 1 });
    assert_eq!(seen, json!({ "no engine": told, "closed": told }));
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

/// Offline, 404, a page in its place, wrong bytes, another version: what needs the engine says which, what does not goes out
/// as plain fetch would send it, and `init` tries again.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_to_load_says_what_to_do_and_init_tries_again() {
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
            const plain = [];
            for (const [name, source] of Object.entries(bad)) {
                const told = [
                    source && (await init(source).then(String, (error) => error)),
                    await client.ensureFresh().then(String, (error) => error),
                ];
                for (const error of told.filter(Boolean)) {
                    const kind = isKeepfreshError(error) && error.code === "engine_unavailable" && error.cause;
                    if (!kind || !error.message.includes(expected[name])) wrong[name] = String(error);
                }
                plain.push(await outcome(client.fetch("/api/me")));
            }
            init(() => fetch("/keepfresh/engine/keepfresh.wasm"));
            await lab.expireAccess();
            return { wrong, plain, then: await outcome(client.fetch("/api/me")) };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "wrong": {}, "plain": vec![200; 7], "then": 200 })
    );
}

/// R36. After a load that failed, calls try again by themselves, and not each of them: a pause lies in between.
#[tokio::test(flavor = "multi_thread")]
async fn r36_after_a_load_that_failed_later_calls_try_again_after_a_pause() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const { createClient, init } = await import("/keepfresh/slim.js");
            clock.stop();
            let loads = 0;
            let isThere = false;
            const source = () => {
                loads += 1;
                return isThere ? fetch("/keepfresh/engine/keepfresh.wasm") : Promise.reject(new Error("not yet"));
            };
            await init(source).catch(() => {});
            const client = createClient(usual);
            const seen = [];
            for (const pause of [0, 999, 1, 1999, 1]) {
                clock.advance(pause);
                await many(3, () => client.fetch("/api/me"));
                await outcome(client.ensureFresh());
                seen.push(loads);
            }
            isThere = true;
            clock.advance(4000);
            await lab.expireAccess();
            seen.push(await outcome(client.fetch("/api/me")), loads);
            return seen;
            "#,
        )
        .await;
    assert_eq!(seen, json!([1, 1, 2, 2, 3, 200, 4]));
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
