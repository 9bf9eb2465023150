//! Pass-through: what is not ours stays as `fetch` has it.

use keepfresh_e2e::{Page, usual};
use serde_json::json;

/// R1. A request out of scope goes to `fetch` untouched: same arguments, same result, no header, no credentials added.
#[tokio::test(flavor = "multi_thread")]
async fn r1_a_request_out_of_scope_goes_to_fetch_untouched() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const seen = wire();
            const csrf = { header: "x-csrf", value: "token" };
            const client = newClient({ guard: ["/api/notes"], csrf, fetch: seen.fetch });
            await client.fetch("/api/notes");

            const post = Object.freeze({ method: "POST", headers: Object.freeze({ "x-own": "1" }), body: "text" });
            const unauthorized = new URL("/api/lab/answer?status=401", location);
            const calls = [["/elsewhere"], [unauthorized], [new Request("/elsewhere")], ["/elsewhere", post]];
            const same = [];
            for (const [index, args] of calls.entries()) {
                const response = await client.fetch(...args);
                const call = seen.calls[1 + index];
                same.push(response === call.response && args.every((arg, at) => arg === call.args[at]));
            }
            const entry = (await lab.log()).findLast((one) => one.method === "POST");
            return {
                same,
                untouched: calls.length + 1 === seen.calls.length,
                headers: ["x-csrf", "x-own"].filter((name) => entry.headers.includes(name)),
                refreshes: await lab.trail("/auth/refresh"),
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "same": vec![true; 4], "untouched": true, "headers": ["x-own"], "refreshes": [] })
    );
}

/// R2. A response that is not an expired status is the very `Response` that `fetch` gave.
#[tokio::test(flavor = "multi_thread")]
async fn r2_a_response_that_is_not_an_expired_status_is_the_very_response_that_fetch_gave() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const { fetch, calls } = wire();
            const client = newClient({ fetch });
            const same = {};
            for (const status of [200, 204, 304, 400, 403, 404, 500, 503]) {
                const response = await client.fetch(`/api/lab/answer?status=${status}`);
                same[status] = response === calls.at(-1).response && !response.bodyUsed;
            }
            await lab.expireAccess();
            const replayed = await client.fetch("/api/me");
            same.replayed = replayed === calls.at(-1).response && replayed.status === 200;
            return { same, calls: calls.length };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "same": {
                "200": true, "204": true, "304": true, "400": true, "403": true, "404": true,
                "500": true, "503": true, "replayed": true,
            },
            // One for each status; then the 401, the refresh and the replay.
            "calls": 8 + 3,
        })
    );
}

/// R3. A guarded request whose caller chose `credentials: "omit"` is passed through. A cross-origin guarded request
/// with the default credentials mode is sent with `include`.
#[tokio::test(flavor = "multi_thread")]
async fn r3_omit_is_passed_through_and_a_cross_origin_guarded_request_is_sent_with_include() {
    let page = Page::blank(usual()).await;
    let api = page.another_server().await;
    page.give("api", api.origin()).await;
    let seen = page
        .run(
            r#"
            const csrf = { header: "x-csrf", value: "token" };
            const client = newClient({ refresh: `${api}/auth/refresh`, signIn: `${api}/auth/sign-in`, csrf });
            const lab = labOf(api);
            await signIn(client.fetch, api);
            await lab.expireAccess();

            const init = { method: "POST", credentials: "omit" };
            const omitted = [
                await outcome(client.fetch(`${api}/api/notes?omit`, init)),
                await outcome(client.fetch(new Request(`${api}/api/notes?omit`, init))),
            ];
            const log = (await lab.log()).filter(({ query, method }) => query === "omit" && method === "POST");
            return {
                omitted,
                sent: log.map(({ status, cookies, headers }) => [status, cookies, headers.includes("x-csrf")]),
                before: await lab.trail("/auth/refresh"),
                included: [
                    await outcome(client.fetch(`${api}/api/me?string`)),
                    await outcome(client.fetch(new Request(`${api}/api/me?request`))),
                ],
                replayed: await lab.trail("/api/me?string"),
                after: await lab.trail("/auth/refresh"),
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "omitted": [401, 401],
            "sent": [[401, [], false], [401, [], false]],
            "before": [],
            "included": [200, 200],
            "replayed": [401, 200],
            "after": [200],
        })
    );
}

/// R4. Rejections of `fetch` reach the caller as they are: the abort reason itself, even when it is no Error.
#[tokio::test(flavor = "multi_thread")]
async fn r4_rejections_of_fetch_reach_the_caller_as_they_are() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const reasons = ["gone", 0, null, { any: "object" }, new RangeError("mine")];
            const same = {};
            const { fetch, calls } = wire();
            const client = newClient({ fetch });
            const rejection = (call) => call.then(() => "no rejection", (reason) => reason);

            await lab.set({ api: { fail: "drop" } });
            same.network = await rejection(client.fetch("/api/me")) === calls.at(-1).error;
            await lab.set({ api: { fail: "hang" } });
            for (const reason of reasons) {
                const controller = new AbortController();
                const call = client.fetch("/api/me", { signal: controller.signal });
                controller.abort(reason);
                same[`aborted: ${String(reason)}`] = await rejection(call) === reason;
                same[`aborted before: ${String(reason)}`] =
                    await rejection(client.fetch("/api/me", { signal: controller.signal })) === reason;
            }
            const nameless = new AbortController();
            const call = client.fetch("/api/me", { signal: nameless.signal });
            nameless.abort();
            same.nameless = await rejection(call) === nameless.signal.reason;
            for (const thrown of ["text", undefined, new Error("an error")]) {
                for (const broken of [() => { throw thrown; }, () => Promise.reject(thrown)]) {
                    const call = newClient({ fetch: broken }).fetch("/api/me");
                    same[`injected: ${broken} ${thrown}`] = await rejection(call) === thrown;
                }
            }
            return Object.entries(same).filter(([, it]) => !it).map(([name]) => name);
            "#,
        )
        .await;
    assert_eq!(seen, json!([]), "rejections that are not what fetch gave");
}
