//! R19: nothing that a page, an injected fetch or the engine's surroundings do makes another call hang or fail.

use keepfresh_e2e::Page;
use serde_json::json;

/// R19. What an injected fetch answers that is no response is a `TypeError` for that call, at the sign-in, the refresh or
/// anywhere, and nothing else: ten thousand times as well as once.
#[tokio::test(flavor = "multi_thread")]
async fn r19_an_injected_fetch_that_returns_no_response_harms_its_own_call_alone() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const seen = {};
            const nothings = {
                "undefined": undefined, "null": null, "a number": 5, "an object": {}, "a status in words": { status: "200" },
                "a lie": { status: 401, get body() { throw new Error("mine"); } },
                "half a response": { status: 401, body: {}, clone: () => ({ body: { getReader: () => ({}) } }) },
            };
            for (const [name, nothing] of Object.entries(nothings)) {
                for (const where of ["/api/me", "/auth/sign-in", "/auth/sign-out"]) {
                    let once = true;
                    const client = newClient({
                        timeout: 500,
                        name: `${name} ${where}`,
                        fetch: (input, init) => {
                            if (pathOf(input) !== where || !once) return fetch(input, init);
                            once = false;
                            return nothing;
                        },
                    });
                    await client.fetch("/api/me?first");
                    const method = where === "/api/me" ? "GET" : "POST";
                    const first = await outcome(client.fetch(where, { method }));
                    if (where === "/auth/sign-out") await signIn();
                    if (where === "/auth/sign-out") client.signedIn();
                    await lab.expireAccess();
                    const later = await many(3, (n) => outcome(client.fetch(`/api/me?${n}`)));
                    const isOwn = first === "TypeError" || name === "a lie" || name === "half a response";
                    if (!isOwn || later.some((status) => status !== 200)) seen[`${name} ${where}`] = [first, later];
                    client.dispose();
                }
            }
            const client = newClient({ name: "often", fetch: (input, init) => (pathOf(input) === "/api/often" ? undefined : fetch(input, init)) });
            await client.fetch("/api/me");
            const often = new Set();
            for (let round = 0; round < 20; round += 1) {
                for (const it of await many(500, () => outcome(client.fetch("/api/often")))) often.add(it);
            }
            await lab.expireAccess();
            return { seen, often: [...often], then: await outcome(client.fetch("/api/me")), other: await outcome(newClient({ name: "other" }).fetch("/api/me")) };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "seen": {}, "often": ["TypeError"], "then": 200, "other": 200 })
    );
}

/// R19. A call in every frame of a recursion that overflows and is caught: all of them settle, and so do later ones.
#[tokio::test(flavor = "multi_thread")]
async fn r19_a_stack_that_overflows_harms_no_later_call() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient({ timeout: 2000 });
            await client.fetch("/api/me");
            const seen = [];
            for (const expired of [false, true]) {
                if (expired) await lab.expireAccess();
                const calls = [];
                let left = 60;
                const dive = (depth) => {
                    try {
                        dive(depth + 1);
                    } finally {
                        // On the way back, from where there is no stack at all to where there is enough.
                        if (left > 0) {
                            left -= 1;
                            try { calls.push(client.fetch("/api/me?dive")); } catch (error) { calls.push(Promise.reject(error)); }
                        }
                    }
                };
                try { dive(0); } catch {}
                const settled = await Promise.all(calls.map(outcome));
                const kinds = new Set(settled.filter((it) => it !== 200 && it !== 401 && it !== "RangeError" && it !== "InternalError"));
                seen.push([...kinds], await outcome(client.fetch("/api/me")));
            }
            await lab.expireAccess();
            seen.push(...(await many(3, (n) => outcome(client.fetch(`/api/me?${n}`)))));
            return seen;
            "#,
        )
        .await;
    assert_eq!(seen, json!([[], 200, [], 200, 200, 200, 200]));
}

/// R19. Whatever the engine calls in its surroundings throws, one after another and at every step of a story with an expiry:
/// later calls of that client and of another settle. The engine is the same throughout.
#[tokio::test(flavor = "multi_thread")]
async fn r19_whatever_throws_around_the_engine_later_calls_settle() {
    let page = Page::blank(keepfresh_e2e::usual()).await;
    let seen = page
        .run(
            r#"
            const { imports } = await import("/keepfresh/engine/glue.js");
            const [list] = Object.values(imports);
            let armed, countdown;
            const counts = list.map(() => 0);
            for (const [index, original] of list.entries()) {
                list[index] = (...args) => {
                    counts[index] += 1;
                    if (armed === index && --countdown === 0) {
                        armed = undefined;
                        throw new Error("a fault");
                    }
                    return original(...args);
                };
            }
            // What the faults throw in callbacks of the browser's is nobody's to catch.
            addEventListener("error", (event) => event.preventDefault());
            addEventListener("unhandledrejection", (event) => event.preventDefault());
            const { createClient, init } = await import("/keepfresh/slim.js");
            await init("/keepfresh/engine/keepfresh.wasm");

            let number = 0;
            const make = () => {
                const state = { fresh: false };
                const answer = (status) => Promise.resolve(new Response(status === 204 ? null : "{}", { status }));
                const send = (input) => {
                    const path = pathOf(input);
                    if (path === "/auth/refresh") return (state.fresh = true), answer(200);
                    return answer(state.fresh || path.startsWith("/auth/") ? 200 : 401);
                };
                const client = createClient({ ...usual, name: `faults ${number++}`, timeout: 150, fetch: send });
                return { client, state };
            };
            const settles = (call) => Promise.race([
                outcome(call).then(() => true),
                new Promise((resolve) => setTimeout(resolve, 3000, false)),
            ]);
            const story = async ({ client, state }) => {
                const aborted = new AbortController();
                const calls = many(3, () => outcome(client.fetch("/api/me")));
                const left = outcome(client.fetch("/api/me", { signal: aborted.signal }));
                aborted.abort();
                await Promise.race([calls, new Promise((resolve) => setTimeout(resolve, 400))]);
                state.fresh = false;
                await Promise.race([outcome(client.fetch("/api/me", { method: "POST", body: "x" })), new Promise((resolve) => setTimeout(resolve, 400))]);
                void left;
            };
            // How often each is called in the story.
            counts.fill(0);
            const first = make();
            await first.client.ensureFresh().catch(() => {});
            await story(first);
            first.client.dispose();
            const often = [...counts];
            const other = make();
            await other.client.fetch("/api/me");
            const stuck = [];
            let faults = 0;
            for (const [index, count] of often.entries()) {
                for (const nth of new Set([1, 2, Math.ceil(count / 2), count])) {
                    if (nth > count || nth < 1) continue;
                    const tried = make();
                    armed = index;
                    countdown = nth;
                    await story(tried).catch(() => {});
                    if (armed === undefined) faults += 1;
                    armed = undefined;
                    const later = [tried.client.fetch("/api/me"), other.client.fetch("/api/me")];
                    for (const [which, call] of later.entries()) {
                        if (!(await settles(call))) stuck.push([list.length, index, nth, which]);
                    }
                    other.state.fresh = false;
                    tried.client.dispose();
                }
            }
            return { stuck, tried: faults > 60 };
            "#,
        )
        .await;
    assert_eq!(seen, json!({ "stuck": [], "tried": true }));
}
