//! `client.fetch` is fetch: what native fetch accepts, refuses, consumes, reads once or resolves, it does likewise.

use keepfresh_e2e::Page;
use serde_json::json;

/// R31. A URL is resolved once, at the call: where the page has moved since, the replay goes where the request went.
#[tokio::test(flavor = "multi_thread")]
async fn r31_a_relative_url_is_resolved_at_the_call_wherever_the_page_is_at_the_replay() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const seen = {};
            const moves = {
                "another path": () => history.pushState({}, "", "/elsewhere/deep/"),
                "a base": () => document.head.append(Object.assign(document.createElement("base"), { href: "http://127.0.0.1:1/x/" })),
            };
            const client = newClient();
            await client.fetch("/api/me");
            for (const [name, move] of Object.entries(moves)) {
                const before = location.href;
                history.pushState({}, "", "/api/");
                await lab.expireAccess();
                const held = holdRefresh();
                const refreshing = newClient({ fetch: held.fetch });
                const replayed = refreshing.fetch("me");
                await held.reached;
                const gated = refreshing.fetch("me");
                move();
                held.release();
                seen[name] = [await outcome(replayed), await outcome(gated)];
                document.querySelector("base")?.remove();
                history.pushState({}, "", before);
                refreshing.dispose();
            }
            return { seen, trail: await lab.trail("/api/me") };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "seen": { "another path": [200, 200], "a base": [200, 200] },
            "trail": [200, 401, 200, 200, 401, 200, 200],
        })
    );
}

/// R31. What is not plain (a proxy, members behind getters or not enumerable, a class of one's own, something that only has
/// `toString`, a `Request` of another realm or of a subclass) means what it means to fetch, and each member is read once.
#[tokio::test(flavor = "multi_thread")]
async fn r31_what_is_not_plain_means_what_it_means_to_fetch_and_each_member_is_read_once() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const frame = document.body.appendChild(document.createElement("iframe"));
            const realm = frame.contentWindow;
            class Named extends Request { get url() { return "/lies"; } get method() { return "GET"; } }
            const post = { method: "POST", headers: { "x-own": "1" }, body: "text" };
            const hidden = (members) => Object.defineProperties({}, Object.fromEntries(
                Object.entries(members).map(([name, value]) => [name, { value, enumerable: false }])));
            const behind = (members, reads) => Object.defineProperties({}, Object.fromEntries(
                Object.entries(members).map(([name, value]) => [name, { enumerable: true, get: () => (reads.push(name), value) }])));
            const proxied = (members, reads) => new Proxy({}, { get: (_, name) => (reads.push(name), members[name]) });
            class Init { get method() { return "POST"; } get body() { return "text"; } headers = new Map([["x-own", "1"]]); }
            // Each is made anew, with the list of what is read of it.
            const shapes = {
                "plain": (url) => [url, post],
                "a URL": (url) => [new URL(url, location), post],
                "something with a name": (url, reads) => [{ url: "/lies", toString: () => (reads.push("toString"), url) }, post],
                "not enumerable": (url) => [url, hidden(post)],
                "behind getters": (url, reads) => [url, behind(post, reads)],
                "a proxy": (url, reads) => [url, proxied(post, reads)],
                "a class": (url) => [url, new Init()],
                "of no prototype": (url) => [url, Object.assign(Object.create(null), post)],
                "inherited": (url) => [url, Object.create(post)],
                "a Request": (url) => [new Request(url, post)],
                "a Request and more": (url) => [new Request(url, post), { headers: [["x-own", "2"]] }],
                "a Request of a subclass": (url) => [new Named(url, post)],
                "a Request of another realm": (url) => [new realm.Request(new URL(url, location), post)],
                "a list of headers": (url) => [url, { ...post, headers: [["x-own", "1"], ["X-Other", "ä"]] }],
                "headers with numbers": (url) => [url, { ...post, headers: { "x-own": 1 } }],
                "a number for a body": (url) => [url, { ...post, body: 5 }],
                "an object for a body": (url) => [url, { ...post, body: { toString: () => "mine" } }],
                "a buffer of another realm": (url) => [url, { ...post, body: new realm.Uint8Array([65, 66]) }],
                "a method in small letters": (url) => [url, { ...post, method: "put" }],
                "a method of no name": (url) => [url, { ...post, method: { toString: () => "POST" } }],
            };
            const logOf = async (query) => {
                const log = (await lab.log()).filter((entry) => entry.path === "/api/upload" && entry.query === query);
                return log.map(({ method, headers, content_type, sha256, length }) => ({ method, headers, content_type, sha256, length }));
            };
            const different = {};
            const client = newClient();
            await client.fetch("/api/me");
            const early = newClient();
            let number = 0;
            for (const [name, shape] of Object.entries(shapes)) {
                const tried = {};
                for (const [how, send] of Object.entries({ native: fetch, warm: client.fetch, cold: newClient().fetch })) {
                    const reads = [];
                    const query = `n=${number++}`;
                    if (how !== "native") await lab.expireAccess();
                    const answer = await send(...shape(`/api/upload?${query}`, reads)).catch((error) => error);
                    const arrived = answer.ok ? await answer.json() : String(answer);
                    const log = await logOf(query);
                    // The first attempt of ours is refused, and its replay is what counts.
                    tried[how] = JSON.stringify([arrived, log.at(-1), reads.filter((it) => it in post || it === "toString").sort()]);
                }
                const { native, ...others } = tried;
                for (const [how, ours] of Object.entries(others)) {
                    if (ours !== native) different[`${name}, ${how}`] = [ours, native];
                }
            }
            frame.remove();
            return { different, tried: number };
            "#,
        )
        .await;
    assert_eq!(seen, json!({ "different": {}, "tried": 60 }));
}

/// R31. What fetch refuses is refused likewise, with an error of the same kind, and an aborted signal does not hide it.
#[tokio::test(flavor = "multi_thread")]
async fn r31_what_fetch_refuses_is_refused_likewise() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const aborted = AbortSignal.abort("enough");
            const used = () => { const request = new Request("/api/me", { method: "POST", body: "x" }); request.text(); return request; };
            const refused = {
                "nothing": () => [],
                "a symbol": () => [Symbol("x")],
                "an init that is none": () => ["/api/me", 5],
                "a bad method": () => ["/api/me", { method: "NO METHOD" }],
                "a method that is forbidden": () => ["/api/me", { method: "TRACE" }],
                "that, and aborted": () => ["/api/me", { method: "TRACE", signal: aborted }],
                "aborted": () => ["/api/me", { signal: aborted }],
                "credentials that are none": () => ["/api/me", { credentials: "bogus" }],
                "a mode that is none": () => ["/api/me", { mode: "bogus" }],
                "a signal that is none": () => ["/api/me", { signal: {} }],
                "headers that are null": () => ["/api/me", { headers: null }],
                "headers of three": () => ["/api/me", { headers: [["a", "b", "c"]] }],
                "a header that is none": () => ["/api/me", { headers: { "x y": "1" } }],
                "a GET with a body": () => ["/api/me", { body: "x" }],
                "a body that was read": () => [used()],
                "a detached buffer": () => {
                    const buffer = new ArrayBuffer(8);
                    structuredClone(buffer, { transfer: [buffer] });
                    return ["/api/upload", { method: "POST", body: new Proxy(buffer, {}) }];
                },
                "shared memory": () => {
                    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
                    return ["/api/upload", { method: "POST", body: new Uint8Array(memory.buffer, 0, 4) }];
                },
                "a resizable view": () => ["/api/upload", { method: "POST", body: new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 })) }],
                "a URL with a password": () => ["http://a:b@127.0.0.1/api/me"],
                "undefined": () => [undefined],
            };
            const kind = (call) => call.then((answer) => answer.status, (error) => error?.name ?? error);
            const client = newClient();
            await client.fetch("/api/me");
            const different = {};
            for (const [name, make] of Object.entries(refused)) {
                const native = await kind(fetch(...make()));
                for (const [how, send] of Object.entries({ warm: client.fetch, cold: newClient().fetch })) {
                    let thrown = "rejected";
                    const ours = await kind((() => { try { return send(...make()); } catch (error) { thrown = error; return Promise.reject(error); } })());
                    if (ours !== native || thrown !== "rejected") different[`${name}, ${how}`] = [ours, native, String(thrown)];
                }
            }
            return { different, tried: Object.keys(refused).length, shape: [client.fetch.length, client.fetch.name, "prototype" in client.fetch] };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "different": {}, "tried": 20, "shape": [1, "fetch", false] })
    );
}

/// R31. `signal: null` takes the signal of a `Request` away.
#[tokio::test(flavor = "multi_thread")]
async fn r31_a_signal_of_null_takes_that_of_a_request_away() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient();
            await client.fetch("/api/me");
            const seen = [];
            for (const send of [fetch, client.fetch, newClient().fetch]) {
                if (send !== fetch) await lab.expireAccess();
                const controller = new AbortController();
                const call = send(new Request("/api/me", { signal: controller.signal }), { signal: null });
                controller.abort();
                seen.push(await outcome(call));
            }
            return seen;
            "#,
        )
        .await;
    assert_eq!(seen, json!([200, 200, 200]));
}

/// R15, R31. The names of headers arrive as they were written, with a CSRF header or without.
#[tokio::test(flavor = "multi_thread")]
async fn r31_an_injected_fetch_sees_headers_as_they_were_written() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const names = (headers) => (headers instanceof Headers ? [...headers] : Array.isArray(headers) ? headers : Object.entries(headers)).map(([name]) => name);
            const seen = {};
            for (const [name, csrf] of Object.entries({ without: undefined, with: { header: "X-Csrf", value: "token" } })) {
                const { fetch: send, calls } = wire();
                const client = newClient({ fetch: send, csrf });
                const shapes = [{ "X-Own": "1" }, [["X-Own", "1"]]];
                for (const headers of shapes) await client.fetch("/api/upload", { method: "POST", headers, body: "x" });
                seen[name] = calls.map(({ args: [, init] }) => names(init.headers));
            }
            return seen;
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "without": [["X-Own"], ["X-Own"]],
            "with": [["X-Own", "X-Csrf"], ["X-Own", "X-Csrf"]],
        })
    );
}

/// R16. A body that can be read only once is sent once, whatever it is: after a 401 the caller is told.
#[tokio::test(flavor = "multi_thread")]
async fn r16_an_async_iterable_is_sent_once_and_after_a_401_the_caller_told() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const body = () => ({ async *[Symbol.asyncIterator]() { yield new TextEncoder().encode("text"); } });
            const refused = newClient({ fetch: async () => new Response("", { status: 401 }) });
            const seen = [];
            for (const warm of [false, true]) {
                await lab.expireAccess();
                let sent = 0;
                const client = newClient({
                    fetch: (input, init) => {
                        if (pathOf(input) !== "/api/upload") return fetch(input, init);
                        sent += 1;
                        return fetch("/api/me");
                    },
                });
                if (warm) await client.refresh();
                if (warm) await lab.expireAccess();
                const result = await outcome(client.fetch("/api/upload", { method: "POST", body: body(), duplex: "half" }));
                seen.push([result, sent, client.heard.at(-1)]);
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!([
            ["not_replayable", 1, "refreshed"],
            ["not_replayable", 1, "refreshed"]
        ])
    );
}

/// R17. A replay reaches the server, although what was refused may be kept in the browser's cache.
#[tokio::test(flavor = "multi_thread")]
async fn r17_a_replay_reaches_the_server_although_what_was_refused_may_be_cached() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const seen = {};
            for (const status of [403, 404, 410]) {
                await lab.expireAccess();
                const path = `/api/lab/protected?status=${status}&max_age=60`;
                const client = newClient({ expiredStatuses: [401, status] });
                const answer = await client.fetch(path);
                seen[status] = [answer.status, (await lab.trail(path)).length];
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "403": [200, 2], "404": [200, 2], "410": [200, 2] })
    );
}
