//! Servers as they are: what the options are for.

use keepfresh_e2e::{Page, usual};
use serde_json::json;

/// Notes the CSRF header of each request on the wire, as `path: value`.
const NOTING: &str = r#"
    globalThis.noting = (header = "x-csrf", send = fetch) => {
        const seen = [];
        return {
            seen,
            fetch: (input, init) => {
                const headers = new Headers(init?.headers ?? input.headers);
                seen.push(`${pathOf(input)}: ${headers.get(header)}`);
                return send(input, init);
            },
        };
    };
    globalThis.note = { method: "POST", headers: { "content-type": "application/json" }, body: '{"text":"x"}' };
"#;

/// R26. The CSRF header is computed at each sending: a cookie that changes with the access cookie is read anew for the replay,
/// for what waited at the gate, and for sign-in and sign-out; a function is asked each time.
#[tokio::test(flavor = "multi_thread")]
async fn r26_the_csrf_header_is_computed_at_each_sending() {
    let page = Page::signed_in().await;
    page.run(NOTING).await;
    let seen = page
        .run(
            r#"
            const seen = {};
            const sources = { cookie: { cookie: "csrf" }, value: { value: () => document.cookie.match(/csrf=(\w+)/)?.[1] } };
            for (const [name, source] of Object.entries(sources)) {
                document.cookie = "csrf=first";
                const reached = Promise.withResolvers();
                const released = Promise.withResolvers();
                const noted = noting("x-csrf", async (input, init) => {
                    const answer = await fetch(input, init);
                    if (pathOf(input) === "/auth/refresh") {
                        reached.resolve();
                        await released.promise;
                        document.cookie = "csrf=second";
                    }
                    return answer;
                });
                const client = newClient({ csrf: { header: "x-csrf", ...source }, fetch: noted.fetch });
                await client.fetch("/api/me");
                await lab.expireAccess();
                const replayed = client.fetch("/api/notes", note);
                await reached.promise;
                const gated = client.fetch("/api/notes", note);
                released.resolve();
                await replayed;
                await gated;
                await client.fetch("/auth/sign-out", { method: "POST" });
                document.cookie = "csrf=third";
                await signIn(client.fetch);
                seen[name] = noted.seen;
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    let sent = json!([
        "/api/me: null",
        "/api/notes: first",
        "/auth/refresh: first",
        "/api/notes: second",
        "/api/notes: second",
        "/auth/sign-out: second",
        "/auth/sign-in: third",
    ]);
    assert_eq!(seen, json!({ "cookie": sent, "value": sent }));
}

/// R26. The cookie is percent-decoded; what no header can hold is left out; the caller's own header stays; a function that
/// throws is told, and harms no request.
#[tokio::test(flavor = "multi_thread")]
async fn r26_the_csrf_cookie_is_decoded_and_what_no_header_can_hold_is_left_out() {
    let page = Page::signed_in().await;
    page.run(NOTING).await;
    let seen = page
        .run(
            r#"
            const seen = {};
            const errors = [];
            addEventListener("error", (event) => { errors.push("told"); event.preventDefault(); });
            const cookies = {
                "encoded": "a%2Fb%3D%3D",
                "not encoded": "a/b==",
                "badly encoded": "100%",
                "for no header": "%E4%B8%80",
                "of two lines": "a%0Ab",
            };
            for (const [name, value] of Object.entries(cookies)) {
                document.cookie = `csrf=${value}`;
                const noted = noting();
                const client = newClient({ csrf: { header: "x-csrf", cookie: "csrf" }, fetch: noted.fetch });
                const status = await outcome(client.fetch("/api/notes", note));
                seen[name] = [status, noted.seen[0]];
            }
            const own = noting();
            const headers = { ...note.headers, "X-CSRF": "mine" };
            await newClient({ csrf: { header: "x-csrf", value: "ours" }, fetch: own.fetch }).fetch("/api/notes", { ...note, headers });
            const broken = noting();
            const value = () => { throw new Error("no token"); };
            const status = await outcome(newClient({ csrf: { header: "x-csrf", value }, fetch: broken.fetch }).fetch("/api/notes", note));
            return { seen, own: own.seen, broken: [status, ...broken.seen], errors };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "seen": {
                "encoded": [201, "/api/notes: a/b=="],
                "not encoded": [201, "/api/notes: a/b=="],
                "badly encoded": [201, "/api/notes: 100%"],
                "for no header": [201, "/api/notes: null"],
                "of two lines": [201, "/api/notes: null"],
            },
            "own": ["/api/notes: mine"],
            "broken": [201, "/api/notes: null"],
            "errors": ["told"],
        })
    );
}

/// R26. The refresh may have a CSRF header of its own, and one server in many wants the header on every method.
#[tokio::test(flavor = "multi_thread")]
async fn r26_the_refresh_may_have_a_csrf_header_of_its_own_and_all_means_safe_methods_too() {
    let page = Page::signed_in().await;
    page.run(NOTING).await;
    let seen = page
        .run(
            r#"
            document.cookie = "refresh_csrf=of%20the%20refresh";
            const noted = noting();
            const client = newClient({
                refresh: { url: "/auth/refresh", csrf: { header: "x-csrf", cookie: "refresh_csrf" } },
                csrf: { header: "x-csrf", value: "of the rest", all: true },
                fetch: noted.fetch,
            });
            await lab.expireAccess();
            await client.fetch("/api/me");
            await client.fetch(new Request("/api/me"));
            return noted.seen;
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!([
            "/api/me: of the rest",
            "/auth/refresh: of the refresh",
            "/api/me: of the rest",
            "/api/me: of the rest",
        ])
    );
}

/// R13. A refresh by GET, or with a body, is sent as the options say.
#[tokio::test(flavor = "multi_thread")]
async fn the_refresh_is_sent_with_the_method_and_the_body_of_the_options() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const seen = [];
            const refreshes = [
                { url: "/auth/refresh", method: "get" },
                { url: "/auth/refresh", body: '{"grant":"refresh"}', headers: { "content-type": "application/json" } },
            ];
            for (const refresh of refreshes) {
                const client = newClient({
                    refresh,
                    fetch: (input, init) => {
                        if (pathOf(input) !== "/auth/refresh") return fetch(input, init);
                        seen.push([init.method, init.body ?? null, new Headers(init.headers).get("content-type")]);
                        return fetch(input, { ...init, method: "POST" });
                    },
                });
                await lab.expireAccess();
                seen.push(await outcome(client.fetch("/api/me")));
                client.dispose();
            }
            return seen;
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!([
            ["GET", null, null],
            200,
            ["POST", "{\"grant\":\"refresh\"}", "application/json"],
            200,
        ])
    );
}

/// `isExpired` in place of a list of statuses, synchronous or not: by status and body, by GraphQL's errors, by a redirect. An
/// answer that it does not mean is the very one that fetch gave.
#[tokio::test(flavor = "multi_thread")]
async fn is_expired_says_which_answers_mean_that_the_access_token_has_expired() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const says = (status, body) => (response) => new Response(JSON.stringify(body), { status, headers: response.headers });
            const servers = {
                "422 and its words": {
                    refuse: says(422, { msg: "Token has expired" }),
                    isExpired: async (response) => response.status === 422 && (await response.clone().json()).msg === "Token has expired",
                },
                "403": { refuse: says(403, {}), isExpired: ({ status }) => status === 403 },
                "419": { refuse: says(419, {}), isExpired: ({ status }) => [401, 419].includes(status) },
                "GraphQL": {
                    refuse: says(200, { errors: [{ extensions: { code: "UNAUTHENTICATED" } }] }),
                    isExpired: async (response) => {
                        const { errors = [] } = await response.clone().json();
                        return errors.some(({ extensions }) => extensions?.code === "UNAUTHENTICATED");
                    },
                },
            };
            const seen = {};
            for (const [name, { refuse, isExpired }] of Object.entries(servers)) {
                for (const warm of [false, true]) {
                    let sent = 0;
                    const client = newClient({
                        isExpired,
                        fetch: async (input, init) => {
                            const answer = await fetch(input, init);
                            if (pathOf(input) === "/api/me") sent += 1;
                            return answer.status === 401 && pathOf(input) === "/api/me" ? refuse(answer) : answer;
                        },
                    });
                    if (warm) await client.refresh();
                    await lab.expireAccess();
                    const refused = await outcome(client.fetch("/api/me"));
                    const other = await client.fetch("/api/lab/answer?status=422");
                    seen[`${name}${warm ? ", warm" : ""}`] = [refused, sent, client.heard.filter((it) => it === "refreshed").length, other.status, other.bodyUsed];
                    client.dispose();
                }
            }
            return seen;
            "#,
        )
        .await;
    for (name, told) in seen.as_object().into_iter().flatten() {
        let refreshes = if name.ends_with("warm") { 2 } else { 1 };
        assert_eq!(told, &json!([200, 2, refreshes, 422, false]), "{name}");
    }
    assert_eq!(seen.as_object().map(serde_json::Map::len), Some(8));
}

/// A page of a sign-in that the server redirects to is an expiry too, if `isExpired` says so.
#[tokio::test(flavor = "multi_thread")]
async fn is_expired_sees_where_a_redirect_ended() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const client = newClient({
                isExpired: ({ status, redirected, url }) => status === 401 || (redirected && url.endsWith("/lab/sign-in")),
            });
            await lab.expireAccess();
            const answer = await client.fetch("/api/lab/private");
            return [answer.status, answer.redirected, await lab.trail("/auth/refresh"), await lab.trail("/api/lab/private")];
            "#,
        )
        .await;
    assert_eq!(seen, json!([200, false, [200], [302, 200]]));
}

/// R19. A predicate that throws, or never answers, harms its own call alone: that gets the answer as it is.
#[tokio::test(flavor = "multi_thread")]
async fn r19_a_predicate_that_throws_or_never_answers_harms_its_own_call_alone() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const errors = [];
            addEventListener("error", (event) => { errors.push(String(event.error)); event.preventDefault(); });
            const bad = {
                throws: () => { throw new Error("mine"); },
                rejects: () => Promise.reject(new Error("mine")),
                hangs: () => new Promise(() => {}),
                "no promise": () => ({ then: "no function" }),
            };
            const seen = {};
            for (const [name, predicate] of Object.entries(bad)) {
                const client = newClient({
                    timeout: 300,
                    isExpired: (response) => (response.url.includes("bad") ? predicate() : response.status === 401),
                });
                await client.refresh();
                await lab.expireAccess();
                const controller = new AbortController();
                const aborted = client.fetch("/api/me?bad&aborted", { signal: controller.signal });
                const results = [client.fetch("/api/me?bad"), client.fetch("/api/me?good")];
                await until(async () => (await lab.trail("/api/me?bad&aborted")).length >= 1);
                if (name === "hangs") controller.abort("enough");
                const abortedAs = await aborted.then(({ status }) => status, (reason) => reason);
                seen[name] = [...await Promise.all(results.map(outcome)), abortedAs];
                client.dispose();
            }
            return { seen, errors: new Set(errors).size };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "seen": {
                "throws": [401, 200, 401],
                "rejects": [401, 200, 401],
                "hangs": [401, 200, "enough"],
                "no promise": [200, 200, 200],
            },
            "errors": 1,
        })
    );
}

/// `interpret` says what an answer means where its status does not: a refresh that was refused with a 200, or worked with a 400.
#[tokio::test(flavor = "multi_thread")]
async fn interpret_says_what_the_answer_to_a_refresh_means() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const answers = {
                "refused with a 200": [{ ok: false }, 200, ({ body }) => (body.ok ? undefined : { outcome: "expired" })],
                "busy with a 400": [{ busy: true }, 400, ({ body }) => (body.busy ? { outcome: "unavailable" } : undefined)],
                "of no opinion": ["text", 403, () => undefined],
            };
            const seen = {};
            for (const [name, [body, status, interpret]] of Object.entries(answers)) {
                const client = newClient({
                    timeout: 400,
                    interpret: (answer) => (answer.of === "refresh" ? interpret(answer) : undefined),
                    fetch: (input, init) =>
                        pathOf(input) === "/auth/refresh"
                            ? Promise.resolve(new Response(JSON.stringify(body), { status }))
                            : fetch(input, init),
                });
                await lab.expireAccess();
                seen[name] = [await outcome(client.fetch("/api/me")), client.heard.at(-1)];
                client.dispose();
                await signIn();
                newClient().signedIn();
            }
            return seen;
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "refused with a 200": [401, "expired"],
            "busy with a 400": ["refresh_unavailable", "unavailable"],
            "of no opinion": [401, "expired"],
        })
    );
}

/// R29, R30. `interpret` says whether a sign-in has begun a session and a sign-out ended one.
#[tokio::test(flavor = "multi_thread")]
async fn interpret_says_whether_a_session_has_begun_or_ended() {
    let page = Page::blank(usual()).await;
    let seen = page
        .run(
            r#"
            const bodies = [];
            const client = newClient({
                signIn: ["/api/lab/answer", { url: "/auth/sign-in", method: "POST" }],
                interpret: ({ of, response, body }) => {
                    bodies.push([of, response.status, typeof body]);
                    if (of === "signIn" && !body.user) return { outcome: "expired" };
                    if (of === "signOut") return { outcome: response.headers.get("x-left") ? "expired" : "unavailable" };
                },
                fetch: async (input, init) => {
                    const answer = await fetch(input, init);
                    return pathOf(input).includes("left") ? new Response("", { headers: { "x-left": "1" } }) : answer;
                },
            });
            await client.fetch("/api/lab/answer?status=200", { method: "POST" });
            const asked = client.state;
            const begun = await signIn(client.fetch);
            const then = client.state;
            await client.fetch("/auth/sign-out", { method: "POST" });
            const denied = client.state;
            // Its own lock would be taken for a peer's.
            await until(async () => (await navigator.locks.query()).held.length === 0);
            await client.fetch("/auth/sign-out?left", { method: "POST" });
            return { asked, begun, then, denied, ended: client.state, bodies };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "asked": "unknown",
            "begun": 200,
            "then": "active",
            "denied": "active",
            "ended": "expired",
            "bodies": [
                ["signIn", 200, "object"],
                ["signIn", 200, "object"],
                ["signOut", 204, "undefined"],
                ["signOut", 200, "undefined"],
            ],
        })
    );
}

/// R32. A refresh that comes back with another subject is a change of user: what was refused before is not sent again.
#[tokio::test(flavor = "multi_thread")]
async fn r32_a_refresh_with_another_subject_is_a_change_of_user() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            let subject = "ada";
            const client = newClient({
                interpret: ({ of }) => (of === "refresh" ? { subject } : undefined),
            });
            await client.refresh();
            await lab.expireAccess();
            const same = await outcome(client.fetch("/api/notes", { method: "POST", headers: { "content-type": "application/json" }, body: '{"text":"1"}' }));
            await lab.expireAccess();
            subject = "grace";
            const other = await outcome(client.fetch("/api/notes", { method: "POST", headers: { "content-type": "application/json" }, body: '{"text":"2"}' }));
            return { same, other, sent: await lab.trail("/api/notes"), then: await outcome(client.fetch("/api/me")), state: client.state };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "same": 201, "other": 401, "sent": [401, 201, 401], "then": 200, "state": "active" })
    );
}

/// The lifetime is taken from `expires_in` or `expiresIn` by itself, from elsewhere by `interpret`, and only if it is a finite
/// number above zero.
#[tokio::test(flavor = "multi_thread")]
async fn a_lifetime_is_a_finite_number_of_seconds_above_zero_and_nothing_else() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            clock.stop();
            const answers = {
                "expires_in": [{ expires_in: 60 }],
                "expiresIn": [{ expiresIn: 60 }],
                "by interpret": [{ data: { lifetime: 60 } }, ({ body }) => ({ expiresIn: body.data?.lifetime })],
                "true": [{ expires_in: true }],
                "text": [{ expires_in: "60" }],
                "a list": [{ expires_in: [60] }],
                "null": [{ expires_in: null }],
                "zero": [{ expires_in: 0 }],
                "below": [{ expires_in: -60 }],
                "no number": [{ expires_in: 1e999 }],
            };
            const known = [];
            for (const [name, [body, interpret]] of Object.entries(answers)) {
                const client = newClient({
                    interpret,
                    fetch: async (input, init) => {
                        const answer = await fetch(input, init);
                        return pathOf(input) === "/auth/refresh" ? new Response(JSON.stringify(body)) : answer;
                    },
                });
                await client.refresh();
                const before = (await lab.trail("/auth/refresh")).length;
                clock.advance(61_000);
                await client.fetch("/api/me");
                if ((await lab.trail("/auth/refresh")).length > before) known.push(name);
                client.dispose();
            }
            return known;
            "#,
        )
        .await;
    assert_eq!(seen, json!(["expires_in", "expiresIn", "by interpret"]));
}

/// Two accounts on one origin, told apart at the refresh by a header, are two sessions by their names; and a refresh URL with
/// another query is the same one.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_tells_sessions_of_one_refresh_url_apart_and_a_query_does_not() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const heard = async (one, other) => {
                const [first, second] = [newClient(one), newClient(other)];
                await first.fetch("/api/me");
                await second.fetch("/api/me");
                await first.refresh();
                const seen = second.heard;
                first.dispose();
                second.dispose();
                return seen;
            };
            return {
                named: await heard({ name: "staff" }, { name: "guests" }),
                alike: await heard({ name: "staff" }, { name: "staff" }),
                queried: await heard({ refresh: "/auth/refresh?v=1" }, { refresh: "/auth/refresh?v=2#x" }),
            };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({ "named": [], "alike": ["refreshed"], "queried": ["refreshed"] })
    );
}

/// R13. What looks like a mistake of configuration is said in the console, once, with what to do; a failure is not.
#[tokio::test(flavor = "multi_thread")]
async fn r13_what_looks_like_a_mistake_of_configuration_is_said_in_the_console_once() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const seen = {};
            const { warn } = console;
            for (const status of [404, 405, 415, "redirect", 400, 500]) {
                const said = [];
                console.warn = (text) => said.push(text);
                await signIn();
                newClient().signedIn();
                const answer = () => (status === "redirect" ? fetch("/api/lab/redirect?to=/", { redirect: "manual" }) : Promise.resolve(new Response("", { status })));
                const client = newClient({
                    timeout: 300,
                    fetch: (input, init) => (pathOf(input) === "/auth/refresh" ? answer() : fetch(input, init)),
                });
                await lab.expireAccess();
                await outcome(client.fetch("/api/me"));
                await outcome(client.refresh());
                const names = said.every((text) => text.includes("/auth/refresh") && text.includes('option "refresh"'));
                seen[status] = [said.length, names, client.state];
                client.dispose();
            }
            console.warn = warn;
            return seen;
            "#,
        )
        .await;
    let told = json!([1, true, "active"]);
    assert_eq!(
        seen,
        json!({
            "404": told,
            "405": told,
            "415": told,
            "redirect": told,
            "400": [0, true, "expired"],
            "500": [0, true, "active"],
        })
    );
}

/// `trace` tells enough to answer why somebody was signed out, and nothing of what was sent: no query, no header, no body.
#[tokio::test(flavor = "multi_thread")]
async fn trace_tells_why_somebody_was_signed_out_and_no_secret() {
    let page = Page::signed_in().await;
    let seen = page
        .run(
            r#"
            const told = [];
            const errors = [];
            addEventListener("error", (event) => { errors.push("told"); event.preventDefault(); });
            const client = newClient({ trace: (entry) => told.push(entry), csrf: { header: "x-csrf", value: "secret" } });
            await client.fetch("/api/me?secret");
            await until(() => client.state === "active");
            await lab.revokeRefresh();
            await lab.expireAccess();
            await client.fetch("/api/notes?secret", { method: "POST", body: "secret" });
            const broken = newClient({ trace: () => { throw new Error("mine"); } });
            const status = await outcome(broken.fetch("/api/lab/answer?status=200"));
            const story = told.map(({ what, method, url, status, cause, by }) =>
                [what, method, url?.replace(location.origin, ""), status, cause, by].filter((it) => it !== undefined).join(" "));
            const inOrder = told.every(({ at }, index) => index === 0 || at >= told[index - 1].at);
            return { story, inOrder, calls: new Set(told.map(({ call }) => call)).size, secret: JSON.stringify(told).includes("secret"), broken: [status, errors.length > 0] };
            "#,
        )
        .await;
    assert_eq!(
        seen,
        json!({
            "story": [
                "sent GET /api/me",
                "answered GET /api/me 200",
                "sent POST /api/notes",
                "answered POST /api/notes 401",
                "refresh POST /auth/refresh",
                "refresh answered POST /auth/refresh 401",
                "sent again POST /api/notes",
                "answered POST /api/notes 401",
                "expired 401 answered client",
            ],
            "inOrder": true,
            // Two, and what is about none.
            "calls": 3,
            "secret": false,
            "broken": [200, true],
        })
    );
}
