//! Bodies: what is replayed is what was sent, and what cannot be replayed is not.

use keepfresh_e2e::{Config, Engine, Page, usual};
use serde_json::json;

/// Bodies of every kind, each made anew, with the SHA-256 of the bytes that it stands for at the call. `after` is what
/// the caller does with it once the call is made.
const BODIES: &str = r#"
    const text = "Grüße, 世界 🦀\r\n\0";
    const bytes = randomBytes(100_000);
    const at = (body, hash, after) => ({ body, hash, after });
    const hashes = { text: await sha256(text), bytes: await sha256(bytes), empty: await sha256("") };
    globalThis.bodies = {
        string: () => at(text, hashes.text),
        empty: () => at("", hashes.empty),
        params: async () => {
            const params = new URLSearchParams({ a: "1", "b c": "ä&=" });
            return at(params, await sha256(String(params)), () => params.set("a", "2"));
        },
        blob: () => at(new Blob([bytes], { type: "image/x-own" }), hashes.bytes),
        file: () => at(new File([bytes], "file.bin"), hashes.bytes),
        buffer: () => {
            const buffer = bytes.slice().buffer;
            return at(buffer, hashes.bytes, () => new Uint8Array(buffer).fill(0));
        },
        view: async () => {
            const view = new Uint16Array(bytes.slice().buffer, 10, 1000);
            return at(view, await sha256(view), () => view.fill(0));
        },
        dataView: async () => {
            const view = new DataView(bytes.slice().buffer, 3, 77);
            return at(view, await sha256(view), () => view.setUint8(0, ~view.getUint8(0)));
        },
        moved: () => {
            const buffer = bytes.slice().buffer;
            return at(buffer, hashes.bytes, () => structuredClone(buffer, { transfer: [buffer] }));
        },
        large: async () => {
            const large = randomBytes(5 * 1024 * 1024);
            return at(large, await sha256(large));
        },
    };
"#;

/// R15. A replay carries the same bytes and headers: strings, `URLSearchParams`, `Blob`/`File`, `ArrayBuffer` and views
/// (as they were at the call, even if the caller changed them later).
#[tokio::test(flavor = "multi_thread")]
async fn r15_a_replay_carries_the_same_bytes_and_headers() {
    let page = Page::signed_in().await;
    page.run(BODIES).await;
    let seen = page
        .run(
            r#"
            // One whose engine is there, and one each that has yet to get it.
            const warm = newClient();
            // Waits for the engine, and sends nothing.
            await warm.ensureFresh({ maxAge: Infinity });
            const different = [];
            let count = 0;
            for (const [name, make] of Object.entries(bodies)) {
                for (const client of [warm, newClient()]) {
                    const url = `/api/upload?n=${count++}`;
                    const { body, hash, after } = await make();
                    const headers = new Headers({ "x-own": "1" });
                    await lab.expireAccess();
                    const call = client.fetch(url, { method: "POST", body, headers });
                    after?.();
                    headers.set("x-later", "1");
                    const arrived = await (await call).json();

                    const log = (await lab.log()).filter((entry) => `${entry.path}?${entry.query}` === url);
                    const [first, replay] = log.map(({ n, status, user, ...entry }) => JSON.stringify(entry));
                    const statuses = log.map((entry) => entry.status).join();
                    const headersKept = log.every(({ headers }) => headers.includes("x-own") && !headers.includes("x-later"));
                    if (arrived.sha256 !== hash || first !== replay || statuses !== "401,200" || !headersKept) {
                        different.push({ name, warm: client === warm, hash, arrived, log });
                    }
                }
            }
            const { refreshes, uploads } = await lab.counters();
            return { different, count, refreshes, uploads };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "different": [], "count": 20, "refreshes": 20, "uploads": 20 })
    );
}

/// R15. A replay of `FormData` carries the same parts, as they were at the call.
#[tokio::test(flavor = "multi_thread")]
async fn r15_a_replay_of_form_data_carries_the_same_parts() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const bytes = randomBytes(70_000);
            const warm = newClient();
            // Waits for the engine, and sends nothing.
            await warm.ensureFresh({ maxAge: Infinity });
            const seen = [];
            for (const client of [warm, newClient()]) {
                const form = new FormData();
                form.append("text", "ä 世界");
                form.append("file", new File([bytes], "a name.bin", { type: "image/x-own" }));
                form.append("text", "again");
                await lab.expireAccess();
                const call = client.fetch("/api/upload", { method: "POST", body: form });
                form.append("later", "x");
                const { parts } = await (await call).json();
                const hashes = [await sha256("ä 世界"), await sha256(bytes), await sha256("again")];
                seen.push(parts.map((part, index) =>
                    `${part.name} ${part.filename} ${part.length} ${part.sha256 === hashes[index]}`));
            }
            return { seen, trail: await lab.trail("/api/upload") };
            "#,
        )
        .await;
    let parts = json!([
        "text null 9 true",
        "file a name.bin 70000 true",
        "text null 5 true"
    ]);
    assert_eq!(
        seen,
        json!({ "seen": [parts, parts], "trail": [401, 200, 401, 200] })
    );
}

/// R15. `Request` objects are replayed, their own signal included.
#[tokio::test(flavor = "multi_thread")]
async fn r15_a_request_is_replayed_with_the_same_bytes_and_its_own_signal() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const bytes = randomBytes(100_000);
            const headers = { "content-type": "image/x-own" };
            const request = (query, signal) =>
                new Request(`/api/upload?${query}`, { method: "PUT", body: bytes, headers, signal });
            const warm = newClient();
            // Waits for the engine, and sends nothing.
            await warm.ensureFresh({ maxAge: Infinity });
            const arrived = [];
            for (const client of [warm, newClient()]) {
                await lab.expireAccess();
                const { sha256: hash, content_type } = await (await client.fetch(request("whole"))).json();
                arrived.push(hash === await sha256(bytes) && content_type);
            }

            // Aborted by the signal that it was made with, while its replay is on the wire.
            await lab.expireAccess();
            const held = wire({ hold: ({ path, nth }) => path === "/api/upload?aborted" && nth === 2 });
            const controller = new AbortController();
            const call = newClient({ fetch: held.fetch }).fetch(request("aborted", controller.signal));
            const reason = call.catch((reason) => reason);
            await held.reached;
            controller.abort("enough");
            const aborted = await reason;
            held.release();
            return {
                arrived,
                whole: await lab.trail("/api/upload?whole"),
                aborted,
                sent: await lab.trail("/api/upload?aborted"),
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "arrived": ["image/x-own", "image/x-own"],
            "whole": [401, 200, 401, 200],
            "aborted": "enough",
            "sent": [401],
        })
    );
}

/// R15. A caller's `Request` is consumed just as `fetch` would.
#[tokio::test(flavor = "multi_thread")]
async fn r15_a_callers_request_is_consumed_just_as_fetch_would() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const warm = newClient();
            // Waits for the engine, and sends nothing.
            await warm.ensureFresh({ maxAge: Infinity });
            const seen = {};
            const senders = { fetch: globalThis.fetch, warm: warm.fetch, cold: newClient().fetch };
            for (const [name, send] of Object.entries(senders)) {
                const request = new Request("/api/upload", { method: "POST", body: "text" });
                const call = send(request);
                const { bodyUsed } = request;
                const status = await outcome(call);
                seen[name] = { bodyUsed, status, again: await outcome(send(request)) };
            }
            return seen;
            "#,
        )
        .await;
    let as_fetch = json!({ "bodyUsed": true, "status": 200, "again": "TypeError" });
    assert_eq!(
        seen,
        json!({ "fetch": as_fetch, "warm": as_fetch, "cold": as_fetch })
    );
}

/// R16. A bodiless request is never cloned.
#[tokio::test(flavor = "multi_thread")]
async fn r16_a_bodiless_request_is_never_cloned() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const { fetch, calls } = wire();
            const client = newClient({ fetch });
            await client.fetch("/api/me");
            let clones = 0;
            const { clone } = Request.prototype;
            Request.prototype.clone = function () { clones += 1; return clone.call(this); };
            await lab.expireAccess();
            const request = new Request("/api/me");
            const status = await outcome(client.fetch(request));
            const sent = calls.filter(({ path }) => path === "/api/me").slice(1);
            return { status, clones, theVeryRequest: sent.map(({ args }) => args[0] === request) };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "status": 200, "clones": 0, "theVeryRequest": [true, true] })
    );
}

/// R16. A stream body is never buffered or teed: it is sent once, and after a 401 the session is renewed and the caller
/// gets `KeepfreshError` `not_replayable`. Where the browser cannot send streams, the caller gets what it has instead.
#[tokio::test(flavor = "multi_thread")]
async fn r16_a_stream_body_is_sent_once_and_after_a_401_the_session_is_renewed_and_the_caller_told()
{
    // Browsers send streams over HTTP/2 alone, and speak that over TLS alone.
    let page = Page::blank(Config {
        tls: true,
        ..usual()
    })
    .await;
    let seen = page
        .run(
            r#"
            await signIn();
            let tees = 0;
            const { tee } = ReadableStream.prototype;
            ReadableStream.prototype.tee = function () { tees += 1; return tee.call(this); };
            const bytes = randomBytes(50_000);
            const stream = () => new Blob([bytes]).stream();
            const kinds = { [await sha256(bytes)]: "the bytes", [await sha256("[object ReadableStream]")]: "its name" };
            const { fetch, calls } = wire();
            const warm = newClient({ fetch });
            // Waits for the engine, and sends nothing.
            await warm.ensureFresh({ maxAge: Infinity });

            const upload = (send, body) =>
                send("/api/upload", { method: "POST", body, duplex: "half" })
                    .then((answer) => answer.json())
                    .then((arrived) => kinds[arrived.sha256], (error) => (isKeepfreshError(error) ? error.code : error.name));
            const plain = await upload(window.fetch, stream());
            const seen = [];
            for (const client of [warm, newClient({ fetch })]) {
                await lab.expireAccess();
                const body = stream();
                const first = await upload(client.fetch, body);
                // The one that has to wait for the engine is taken over at the call, as fetch does.
                const theVeryStream = client !== warm || calls.some(({ args }) => args[1]?.body === body);
                seen.push({ first, theVeryStream, second: await upload(client.fetch, stream()) });
            }
            return {
                plain,
                seen,
                tees,
                trail: await lab.trail("/api/upload"),
                refreshes: await lab.trail("/auth/refresh"),
                heard: warm.heard,
            };
            "#,
        )
        .await;
    // What fetch itself makes of a stream; what the client says of the first one, and what becomes of the second.
    let each_once = vec![200, 401, 200, 401, 200];
    let (plain, first, second, trail) = match Engine::chosen() {
        Engine::Chromium => ("the bytes", "not_replayable", "the bytes", each_once),
        // It sends "[object ReadableStream]".
        Engine::Firefox => ("its name", "not_replayable", "its name", each_once),
        // Nothing is sent, so no 401 is met.
        Engine::Webkit => (
            "NotSupportedError",
            "NotSupportedError",
            "NotSupportedError",
            vec![],
        ),
    };
    let renewed = trail.iter().filter(|status| **status == 401).count();
    let each = json!({ "first": first, "theVeryStream": true, "second": second });
    assert_eq!(
        seen,
        json!({
            "plain": plain,
            "seen": [each, each],
            "tees": 0,
            "trail": trail,
            "refreshes": vec![200; renewed],
            "heard": vec!["refreshed"; renewed],
        })
    );
}

/// R17. A 401 that waits for a refresh holds no connection: forty large ones would starve the very refresh that they
/// wait for.
#[tokio::test(flavor = "multi_thread")]
async fn r17_forty_large_401s_do_not_starve_the_refresh_that_they_wait_for() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.expireAccess();
            const held = holdRefresh();
            const client = newClient({ fetch: held.fetch });
            // Larger than what a browser keeps of a body that nobody reads.
            const answers = many(40, (n) => outcome(client.fetch(`/api/lab/protected?error_bytes=2000000&n=${n}`)));
            await until(async () => (await lab.counters()).api[401] === 40);
            held.release();
            return { answers: await answers, refreshes: await lab.trail("/auth/refresh"), api: (await lab.counters()).api };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "answers": vec![200; 40],
            "refreshes": [200],
            "api": { "200": 40, "401": 40 },
        })
    );
}

/// R17. Whoever gets a 401 in the end gets a native `Response` whose body can still be read. A small body (up to 64 KB)
/// is read ahead while its response stays whole, a larger one is cancelled, and its caller's answer is fetched anew.
#[tokio::test(flavor = "multi_thread")]
async fn r17_whoever_gets_a_401_in_the_end_can_read_its_body_be_it_small_or_large() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            await lab.revokeRefresh();
            await lab.expireAccess();
            const held = holdRefresh();
            const client = newClient({ fetch: held.fetch });
            const sizes = [100, 65_536, 65_537, 300_000, 2_000_000];
            const url = (n) => `/api/lab/protected?error_bytes=${sizes[n % 5]}&n=${n}`;
            const answers = many(40, async (n) => {
                const response = await client.fetch(url(n));
                const native = response instanceof Response && !response.bodyUsed;
                const text = await response.text();
                return [native, response.status, text.length === sizes[n % 5], JSON.parse(text).error];
            });
            await until(async () => (await lab.counters()).api[401] === 40);
            held.release();
            const seen = new Set((await answers).map(String));
            const hits = await many(40, async (n) => (await lab.trail(url(n))).length);
            const total = (which) => hits.filter((_, n) => which(sizes[n % 5])).reduce((sum, hit) => sum + hit);
            return {
                seen: [...seen],
                refreshes: await lab.trail("/auth/refresh"),
                large: total((size) => size > 65_536),
                // One of the forty, any of them, asks before the refusal is believed.
                small: [16, 17].includes(total((size) => size <= 65_536)),
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "seen": ["true,401,true,access_token_expired"],
            "refreshes": [401],
            "large": 48,
            "small": true,
        })
    );
}

/// R17. Bodies of responses that nobody will see are cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn r17_bodies_of_responses_that_nobody_will_see_are_cancelled() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            // Notes which bodies are done with: read to their end, or cancelled.
            const open = new Set();
            const watched = async (input, init) => {
                const response = await fetch(input, init);
                if (response.body === null) return response;
                const name = `${pathOf(input)} ${response.status}`;
                const reader = response.body.getReader();
                open.add(name);
                const body = new ReadableStream({
                    async pull(controller) {
                        const { done, value } = await reader.read();
                        if (!done) return controller.enqueue(value);
                        open.delete(name);
                        controller.close();
                    },
                    cancel(reason) {
                        open.delete(name);
                        return reader.cancel(reason);
                    },
                });
                return new Response(body, response);
            };
            const patient = newClient({ fetch: watched });
            const client = newClient({ timeout: 500, fetch: watched });
            const read = async (url, init, { fetch } = client) => (await fetch(url, init)).text();
            const url = (bytes) => `/api/lab/protected?error_bytes=${bytes}`;

            // Two 401s that are replaced by a replay.
            await lab.expireAccess();
            await Promise.all([100, 2_000_000].map((bytes) => read(url(bytes), undefined, patient)));
            // A 401 whose caller has gone.
            await lab.expireAccess();
            await lab.set({ refresh: { fail: "hang" } });
            const controller = new AbortController();
            const aborted = read(url(3_000_000), { signal: controller.signal }).catch((reason) => reason);
            await until(() => client.state === "refreshing");
            controller.abort("gone");
            // A 401 whose caller gets an error, and an answer of the refresh.
            const failed = await read(url(4_000_000)).catch((error) => error.code);
            clock.advance(1000);
            await lab.set({ refresh: { fail: 503 } });
            await read(url(5_000_000)).catch((error) => error.code);
            await until(() => open.size === 0);
            return { aborted: await aborted, failed };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "aborted": "gone", "failed": "refresh_unavailable" })
    );
}

/// Done when, 3. Bodies arrive byte for byte after a replay (the server's SHA-256 says so): string, URLSearchParams,
/// Blob, FormData with a File, ArrayBuffer changed after the call, a `Request`, 5 MB. All at once.
#[tokio::test(flavor = "multi_thread")]
async fn done_3_bodies_of_all_kinds_at_once_arrive_byte_for_byte_after_a_replay() {
    let page = Page::signed_in().await;
    page.run(BODIES).await;
    let seen = page
        .run(
            r#"
            await lab.expireAccess();
            const held = holdRefresh();
            const client = newClient({ fetch: held.fetch });
            const made = await Promise.all(Object.values(bodies).map((make) => make()));
            const post = (body) => client.fetch("/api/upload", { method: "POST", body });
            const file = new File([randomBytes(100_000)], "file.bin");
            const form = new FormData();
            form.append("file", file);
            const large = randomBytes(5 * 1024 * 1024);

            const uploads = made.map(({ body, after }) => {
                const upload = post(body);
                after?.();
                return upload;
            });
            uploads.push(client.fetch(new Request("/api/upload", { method: "POST", body: large })), post(form));
            await until(async () => (await lab.counters()).api[401] === uploads.length);
            held.release();
            const arrived = await Promise.all(uploads.map(async (upload) => (await upload).json()));
            const hashes = made.map(({ hash }) => hash);
            hashes.push(await sha256(large), await sha256(await file.arrayBuffer()));
            const { refreshes, api } = await lab.counters();
            const same = arrived.map((it, index) => (it.parts?.[0] ?? it).sha256 === hashes[index]);
            return { same, refreshes, api, uploads: (await lab.counters()).uploads };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "same": vec![true; 12],
            "refreshes": 1,
            "api": { "200": 12, "401": 12 },
            "uploads": 12,
        })
    );
}
