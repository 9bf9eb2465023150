//! Security: what leaves the page goes to guarded URLs only, and nothing of it is kept.

use keepfresh_e2e::Page;
use serde_json::json;

/// R26. Credentials, CSRF header and refresh go to guarded URLs only.
#[tokio::test(flavor = "multi_thread")]
async fn r26_credentials_csrf_header_and_refresh_go_to_guarded_urls_only() {
    let page = Page::signed_in().await;
    // Cookies know no ports: it would get those of the page, were they sent.
    let foreign = page.another_server().await;
    page.give("foreign", foreign.origin()).await;
    let seen = page
        .run(
            r#"
            document.cookie = "readable=from-cookie";
            const seen = {};
            for (const [name, csrf] of Object.entries({
                value: { header: "x-csrf", value: "static" },
                cookie: { header: "x-csrf", cookie: "readable" },
            })) {
                const sent = wire();
                const client = newClient({ guard: ["/api/notes"], csrf, fetch: sent.fetch });
                const headers = { "content-type": "application/json" };
                const note = { method: "POST", headers, body: JSON.stringify({ text: "a note" }) };
                await lab.expireAccess();
                const before = (await lab.log()).length;
                const answers = [
                    await outcome(client.fetch("/api/notes", note)),
                    await outcome(client.fetch("/api/notes")),
                    await outcome(client.fetch("/api/upload", { method: "POST", body: "text" })),
                    await outcome(client.fetch(`${foreign}/api/notes`, { method: "POST" })),
                    await outcome(client.fetch(`${foreign}/api/lab/answer?status=401&cors=1`, { method: "POST" })),
                ];
                const ours = (await lab.log()).slice(before);
                const carry = ours.filter(({ headers }) => headers.includes("x-csrf"));
                const values = sent.calls.map(({ args: [, init] }) => new Headers(init?.headers).get("x-csrf"));
                seen[name] = {
                    answers,
                    carry: carry.map(({ method, path }) => `${method} ${path}`),
                    values: [...new Set(values.filter((value) => value !== null))],
                };
            }
            const theirs = (await labOf(foreign).log()).filter(({ method }) => method !== "OPTIONS");
            return {
                seen,
                foreign: theirs.map(({ path, cookies, headers }) => [path, cookies, headers.includes("x-csrf")]),
            };
            "#,
        )
        .await;
    let carry = json!(["POST /api/notes", "POST /auth/refresh", "POST /api/notes"]);
    // The last two are the foreign origin's.
    let answers = json!([201, 200, 200, 401, 401]);
    let foreign = json!([["/api/notes", [], false], ["/api/lab/answer", [], false]]);
    let mut both = foreign.as_array().cloned().unwrap_or_default();
    both.extend(both.clone());
    assert_eq!(
        seen,
        json!({
            "seen": {
                "value": { "answers": answers, "carry": carry, "values": ["static"] },
                "cookie": { "answers": answers, "carry": carry, "values": ["from-cookie"] },
            },
            "foreign": both,
        })
    );
}

/// R26. URLs are compared as parsed URLs (origin and path segment, never string prefix: `https://api.example.com.evil.test`
/// and `/apix` are out of scope).
#[tokio::test(flavor = "multi_thread")]
async fn r26_urls_are_compared_as_parsed_urls_and_never_by_string_prefix() {
    let page = Page::signed_in().await;
    page.give("port", page.server.addr().port()).await;
    let seen = page
        .run(
            r#"
            // Nothing of this is to leave the machine: what would be sent is looked at, and answered here.
            const sent = [];
            const client = newClient({
                refresh: `http://api.example.com:${port}/auth/refresh`,
                guard: [`http://api.example.com:${port}/api`],
                csrf: { header: "x-csrf", value: "token" },
                fetch: async (input, init) => {
                    sent.push({ url: String(input), touched: init?.credentials === "include" });
                    return new Response(null, { status: 401 });
                },
            });
            const touched = async (url) => {
                sent.length = 0;
                await client.fetch(url, { method: "POST" });
                return sent.some((one) => one.touched);
            };
            const here = `http://api.example.com:${port}`;
            const scope = {};
            for (const url of [
                `${here}/api`,
                `${here}/api/`,
                `${here}/api?query`,
                `${here}/api/notes`,
                `${here}/x/../api/notes`,
                `${here}//api/notes`,
                `HTTP://API.EXAMPLE.COM:${port}/api/notes`,
                `http://someone@api.example.com:${port}/api/notes`,
                `${here}/apix`,
                `${here}/api%2Fnotes`,
                `${here}/api/../secret`,
                `${here}/API/notes`,
                `${here}/other/api`,
                `http://api.example.com:${port}.evil.test/api`,
                `http://api.example.com.evil.test:${port}/api`,
                `http://api.example.com@evil.test:${port}/api`,
                `http://evil.test:${port}/api?${here}/api`,
                `http://api.example.com/api`,
                `https://api.example.com:${port}/api`,
                `http://example.com:${port}/api`,
                `http://x.api.example.com:${port}/api`,
            ]) {
                scope[url.replaceAll(String(port), "PORT")] = await touched(url).catch((error) => error.name);
            }
            return scope;
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "http://api.example.com:PORT/api": true,
            "http://api.example.com:PORT/api/": true,
            "http://api.example.com:PORT/api?query": true,
            "http://api.example.com:PORT/api/notes": true,
            "http://api.example.com:PORT/x/../api/notes": true,
            "http://api.example.com:PORT//api/notes": false,
            "HTTP://API.EXAMPLE.COM:PORT/api/notes": true,
            "http://someone@api.example.com:PORT/api/notes": true,
            "http://api.example.com:PORT/apix": false,
            "http://api.example.com:PORT/api%2Fnotes": false,
            "http://api.example.com:PORT/api/../secret": false,
            "http://api.example.com:PORT/API/notes": false,
            "http://api.example.com:PORT/other/api": false,
            "http://api.example.com:PORT.evil.test/api": false,
            "http://api.example.com.evil.test:PORT/api": false,
            "http://api.example.com@evil.test:PORT/api": false,
            "http://evil.test:PORT/api?http://api.example.com:PORT/api": false,
            "http://api.example.com/api": false,
            "https://api.example.com:PORT/api": false,
            "http://example.com:PORT/api": false,
            "http://x.api.example.com:PORT/api": false,
        })
    );
}

/// R27. Nothing that the package writes (storage, channel, events, logs, errors) holds a cookie, a header value or a
/// body.
#[tokio::test(flavor = "multi_thread")]
async fn r27_nothing_that_the_package_writes_holds_a_cookie_a_header_value_or_a_body() {
    let page = Page::signed_in().await;
    let mut secrets = page.cookie_values().await;
    let written = page
        .run(
            r#"
            const written = [];
            const write = (...what) => written.push(what.map((it) =>
                it instanceof Error ? `${it} ${it.stack} ${JSON.stringify(it)} ${it.cause}` : `${it} ${JSON.stringify(it)}`));
            for (const [owner, names] of [
                [Storage.prototype, ["setItem"]],
                [BroadcastChannel.prototype, ["postMessage"]],
                [MessagePort.prototype, ["postMessage"]],
                [IDBObjectStore.prototype, ["add", "put"]],
                [Cache.prototype, ["put"]],
                [LockManager.prototype, ["request"]],
                [window, ["postMessage"]],
                [console, ["log", "info", "warn", "error", "debug"]],
            ]) {
                for (const name of names) {
                    const original = owner[name];
                    owner[name] = function (...args) {
                        write(name, ...args);
                        return original.apply(this, args);
                    };
                }
            }

            clock.stop();
            const csrf = { header: "x-csrf", value: "secret-csrf" };
            const refresh = { url: "/auth/refresh", headers: { "x-refresh": "secret-refresh-header" } };
            const client = newClient({ refresh, csrf, timeout: 500 });
            for (const type of ["refreshed", "expired", "unavailable", "ineffective"]) {
                client.addEventListener(type, (event) => write(type, event.detail, Object.keys(event.detail)));
            }
            const call = async (path = "/api/upload") => {
                const headers = { authorization: "secret-header", "content-type": "text/plain" };
                const answer = client.fetch(path, { method: "POST", headers, body: "secret-body" });
                await answer.catch((error) => write("rejected", error));
            };
            // Whatever can be announced or thrown: refreshed, ineffective, unavailable, expired, disposed, refused options.
            await lab.expireAccess();
            await call();
            await call("/api/lab/answer?status=401");
            for (const fail of [503, "drop", 401]) {
                await signIn(client.fetch);
                await lab.set({ refresh: { fail } });
                await lab.expireAccess();
                await call();
                clock.advance(1000);
            }
            client.dispose();
            await call();
            try {
                newClient({ csrf: { ...csrf, cookie: "secret-csrf" } });
            } catch (error) {
                write("thrown", error);
            }
            return written.map((one) => one.join(" "));
            "#,
        )
        .await;
    let written: Vec<_> = written
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it.as_str())
        .collect();
    for kind in [
        "refreshed",
        "ineffective",
        "unavailable",
        "expired",
        "rejected",
        "thrown",
    ] {
        assert!(
            written.iter().any(|one| one.starts_with(kind)),
            "{kind} was to be seen in {written:#?}"
        );
    }
    secrets.extend(page.cookie_values().await);
    assert!(secrets.len() >= 4, "two cookies of two sessions");
    secrets.extend(["secret-".to_owned(), "correct horse".to_owned()]);
    for secret in secrets {
        let holding: Vec<_> = written.iter().filter(|one| one.contains(&secret)).collect();
        assert!(holding.is_empty(), "{secret} is in {holding:#?}");
    }
}

/// Done when, 7. A foreign origin's 401, and a redirect to one, cause no refresh and carry no credentials; no CSRF header
/// but one that the browser takes along on a redirect.
#[tokio::test(flavor = "multi_thread")]
async fn done_7_a_foreign_401_and_a_redirect_to_one_cause_no_refresh_and_carry_nothing_of_ours() {
    let page = Page::signed_in().await;
    // Cookies know no ports: it would get those of the page, were they sent.
    let foreign = page.another_server().await;
    page.give("foreign", foreign.origin()).await;
    let seen = page
        .run(
            r#"
            const client = newClient({ csrf: { header: "x-csrf", value: "token" } });
            const there = `${foreign}/api/lab/answer?status=401&cors=1`;
            const redirect = (status) => `/api/lab/redirect?status=${status}&to=${encodeURIComponent(there)}`;
            const answers = [];
            for (const init of [undefined, { method: "POST", body: "text" }, { method: "DELETE" }]) {
                answers.push(await outcome(client.fetch(there, init)));
            }
            answers.push(await outcome(client.fetch(redirect(302))));
            // The mode stays the caller's: a redirect that the browser follows takes the CSRF header along, and no cookie.
            for (const status of [302, 307]) {
                answers.push(await outcome(client.fetch(redirect(status), { method: "POST", body: "text" })));
            }
            const sent = (await labOf(foreign).log()).filter(({ method }) => method !== "OPTIONS");
            return {
                answers,
                arrived: sent.map(({ method, cookies, headers }) => [method, cookies, headers.includes("x-csrf")]),
                refreshes: await lab.trail("/auth/refresh"),
                heard: client.heard,
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "answers": [401, 401, 401, 401, 401, 401],
            "arrived": [
                ["GET", [], false], ["POST", [], false], ["DELETE", [], false], ["GET", [], false],
                ["GET", [], true], ["POST", [], true],
            ],
            "refreshes": [],
            "heard": [],
        })
    );
}
