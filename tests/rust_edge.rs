//! The Rust edge in a real browser, with a scripted fetch: the rules, where they say something about it. In a window, a
//! dedicated worker and a service worker, whichever the runner is told.
#![cfg(all(target_arch = "wasm32", feature = "client"))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![allow(clippy::panic, reason = "a test that panics has failed")]

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all, poll};
use gloo_net::http::{Request, Response};
#[cfg(feature = "serde")]
use js_sys::Array;
use js_sys::{Function, Promise, Reflect, eval};
use keepfresh::{
    By, Cause, Client, ClientBuilder, Csrf, Error, EventKind, Meaning, Outcome, RefreshError,
    ReplyOf, State, Traced, TracedRequest,
};
use server_fn::ServerFnError;
use server_fn_macro_default::server;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::AbortController;

/// A server with an access token that has expired. `calls` are the requests that reached it, as they were sent.
struct World(JsValue);

impl World {
    /// `changes` is the script's chance to have it go otherwise.
    fn new(changes: &str) -> Self {
        let source = format!(
            r#"(() => {{
              const world = {{ fresh: false, status: 200, calls: [], refreshes: [], last: undefined }};
              const reached = Promise.withResolvers();
              world.reached = reached.promise;
              world.refresh = async () => {{
                world.fresh = world.status === 200;
                return new Response(null, {{ status: world.status }});
              }};
              world.answer = async (request) => world.fresh
                ? new Response("fine")
                : new Response('{{"error":"expired"}}', {{ status: 401 }});
              world.fetch = (input, init) => {{
                const request = new Request(input, init);
                if (new URL(request.url).pathname.startsWith("/auth/refresh")) {{
                  world.refreshes.push({{ request, init }});
                  reached.resolve();
                  return world.refresh(request);
                }}
                const noted = {{ request, input }};
                noted.text = request.clone().text();
                world.calls.push(noted);
                const answer = world.answer(request);
                answer.then((answer) => (world.last = answer), () => {{}});
                return answer;
              }};
              {changes};
              return world;
            }})()"#
        );
        Self(eval(&source).unwrap())
    }

    fn builder(&self) -> ClientBuilder {
        // A session of its own: the path of the refresh URL is its name.
        thread_local!(static LATEST: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
        let number = LATEST.replace(LATEST.get() + 1);
        Client::builder(format!("/auth/refresh/{number}")).fetch(self.get("fetch").unchecked_into())
    }

    fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    fn get(&self, name: &str) -> JsValue {
        Reflect::get(&self.0, &name.into()).unwrap()
    }

    /// Evaluates an expression about `world`, and waits if it is a promise.
    async fn ask(&self, expression: &str) -> JsValue {
        let ask = Function::new_with_args("world", &format!("return {expression}"));
        let value = ask.call1(&JsValue::UNDEFINED, &self.0).unwrap();
        JsFuture::from(Promise::resolve(&value)).await.unwrap()
    }

    async fn count(&self, expression: &str) -> f64 {
        self.ask(expression).await.as_f64().unwrap()
    }

    async fn says(&self, expression: &str) -> String {
        let said = self.ask(expression).await;
        said.as_string().unwrap_or_else(|| panic!("{said:?}"))
    }
}

/// Lets everything that is ready to happen, happen.
async fn settle() {
    let ticks = "(async () => { for (let i = 0; i < 100; i++) await 0 })()";
    let ticks: Promise = eval(ticks).unwrap().unchecked_into();
    JsFuture::from(ticks).await.unwrap();
}

fn expect_fetch_error(result: Result<Response, Error>) -> JsValue {
    match result {
        Err(Error::Fetch(rejection)) => rejection.value().clone(),
        other => panic!("expected a rejection of fetch, got {other:?}"),
    }
}

#[wasm_bindgen_test]
async fn r1_a_request_out_of_scope_goes_to_fetch_untouched() {
    let world = World::new("world.fresh = true");
    let client = world
        .builder()
        .guard(["/api"])
        .csrf_header("x-csrf", "1")
        .build()
        .unwrap();
    let request = Request::post("/elsewhere").header("a", "b").body("text");
    let raw: web_sys::Request = request.unwrap().into();
    client.send(raw.clone().unwrap().into()).await.unwrap();
    client.send(raw.into()).await.unwrap();
    let sent = r#"world.calls.map(({ request: r }) =>
        [r.method, new URL(r.url).pathname, r.credentials, r.mode, r.referrer, ...r.headers].join()).join("|")"#;
    let one =
        "POST,/elsewhere,same-origin,cors,about:client,a,b,content-type,text/plain;charset=UTF-8";
    assert_eq!(world.says(sent).await, format!("{one}|{one}"));
    assert_eq!(world.says("world.calls[1].text").await, "text");
}

#[wasm_bindgen_test]
async fn r2_a_response_that_is_not_an_expired_status_is_the_very_response_that_fetch_gave() {
    let world = World::new("world.fresh = true");
    let answer = world.client().get("/api/me").send().await.unwrap();
    let answer: web_sys::Response = answer.into();
    assert!(js_sys::Object::is(&answer, &world.get("last")));
    assert_eq!(world.count("world.calls.length").await, 1.0);
}

#[wasm_bindgen_test]
async fn r3_a_request_with_credentials_omit_is_passed_through_and_a_cross_origin_one_is_sent_with_include()
 {
    let world = World::new("");
    let client = world
        .builder()
        .guard(["/api", "http://api.test"])
        .build()
        .unwrap();
    let request = Request::get("/api/me").credentials(web_sys::RequestCredentials::Omit);
    let answer = client.send(request.build().unwrap()).await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(world.count("world.refreshes.length").await, 0.0);

    client.get("http://api.test/me").send().await.unwrap();
    let credentials = "world.calls.map(({ request }) => request.credentials).join()";
    assert_eq!(world.says(credentials).await, "omit,include,include");
}

#[wasm_bindgen_test]
async fn r4_rejections_of_fetch_reach_the_caller_as_they_are_even_when_they_are_no_errors() {
    for (thrown, words) in [
        ("new TypeError('no net')", "TypeError: no net"),
        ("'why not'", "why not"),
        ("undefined", "undefined"),
        ("null", "null"),
        ("Symbol('s')", "Symbol(s)"),
        ("Object.create(null)", "a value that cannot be described"),
        ("[[], 2, 3]", ",2,3"),
    ] {
        let world = World::new(&format!(
            "world.thrown = {thrown}; world.answer = () => Promise.reject(world.thrown)"
        ));
        let answer = world.client().get("/api/me").send().await;
        let message = match &answer {
            Err(Error::Fetch(rejection)) => rejection.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(message, words);
        assert!(js_sys::Object::is(
            &expect_fetch_error(answer),
            &world.get("thrown")
        ));
    }
    // One that throws in place of rejecting, too.
    let world = World::new("world.fetch = () => { throw 'at once' }");
    let answer = world.client().get("/api/me").send().await;
    assert_eq!(expect_fetch_error(answer), JsValue::from("at once"));
}

#[wasm_bindgen_test]
async fn r5_any_number_of_concurrent_401s_cause_one_refresh_and_each_request_is_replayed_once() {
    let world = World::new("");
    let client = world.client();
    let calls = (0..20).map(|_| client.get("/api/me").send());
    for answer in join_all(calls).await {
        assert_eq!(answer.unwrap().text().await.unwrap(), "fine");
    }
    assert_eq!(world.count("world.refreshes.length").await, 1.0);
    assert_eq!(world.count("world.calls.length").await, 40.0);
    assert_eq!(client.state(), State::Active);
}

#[wasm_bindgen_test]
async fn r7_guarded_requests_made_while_a_refresh_is_under_way_wait_for_it_and_are_then_sent_once()
{
    let world = World::new(
        "const { refresh } = world; const held = Promise.withResolvers(); world.release = held.resolve;
         world.refresh = async () => (await held.promise, refresh())",
    );
    let client = world.client();
    let mut first = pin!(client.get("/api/first").send());
    assert!(poll!(&mut first).is_pending());
    world.ask("world.reached").await;
    assert_eq!(client.state(), State::Refreshing);
    let mut later = pin!(client.get("/api/later").send());
    assert!(poll!(&mut later).is_pending());
    settle().await;
    world.ask("world.release()").await;
    assert_eq!(first.await.unwrap().status(), 200);
    assert_eq!(later.await.unwrap().status(), 200);
    let paths = "world.calls.map(({ request }) => new URL(request.url).pathname).join()";
    assert_eq!(world.says(paths).await, "/api/first,/api/first,/api/later");
}

#[wasm_bindgen_test]
async fn r9_two_clients_of_one_page_with_the_same_refresh_url_share_one_refresh() {
    let world = World::new("");
    let builder = world.builder();
    let (one, other) = (builder.clone().build().unwrap(), builder.build().unwrap());
    assert_ne!(one, other);
    assert_eq!(one, one.clone());
    let (mut events, mut of_other) = (one.events(), other.events());
    let calls = [one.get("/api/me").send(), other.get("/api/me").send()];
    for answer in join_all(calls).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(world.count("world.refreshes.length").await, 1.0);
    assert_eq!(events.next().await.unwrap().by, By::Client);
    assert_eq!(of_other.next().await.unwrap().by, By::Peer);
}

#[wasm_bindgen_test]
async fn r10_a_replay_that_is_answered_401_goes_to_the_caller_and_ineffective_is_announced() {
    let world = World::new("world.answer = async () => new Response('no', { status: 401 })");
    let client = world.client();
    let events = client.events();
    let answer = client.get("/api/me").send().await.unwrap();
    assert_eq!(
        (answer.status(), answer.text().await.unwrap()),
        (401, "no".to_owned())
    );
    drop(client);
    let kinds: Vec<_> = events.map(|event| event.kind).collect().await;
    assert_eq!(kinds, [EventKind::Refreshed, EventKind::Ineffective]);
}

#[wasm_bindgen_test]
async fn r11_a_redirect_that_ended_at_an_unguarded_url_is_not_ours() {
    let world = World::new(
        "world.answer = async () => Object.defineProperties(new Response('', { status: 401 }),
           { redirected: { value: true }, url: { value: 'https://elsewhere.test/' } })",
    );
    let answer = world.client().get("/api/me").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(world.count("world.refreshes.length").await, 0.0);
}

#[wasm_bindgen_test]
async fn r12_expired_hands_over_the_401_readable_and_is_announced_once() {
    let world = World::new("world.status = 401");
    let client = world.client();
    let events = client.events();
    for _ in 0..2 {
        let answer = client.get("/api/me").send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.text().await.unwrap(), r#"{"error":"expired"}"#);
    }
    assert_eq!(client.state(), State::Expired);
    assert_eq!(world.count("world.refreshes.length").await, 1.0);
    drop(client);
    let heard: Vec<_> = events.collect().await;
    let seen: Vec<_> = heard.iter().map(|it| (it.kind, it.cause, it.by)).collect();
    assert_eq!(seen, [(EventKind::Expired, Cause::Answered, By::Client)]);
}

#[wasm_bindgen_test]
async fn r13_unavailable_is_an_error_with_its_cause_and_nobody_is_told_that_they_are_signed_out() {
    let answered = World::new("world.status = 503");
    let client = answered
        .builder()
        .timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    match client.get("/api/me").send().await {
        Err(Error::RefreshUnavailable(RefreshError::Answered(503))) => {}
        other => panic!("{other:?}"),
    }
    assert_ne!(client.state(), State::Expired);

    let lost = World::new("world.refresh = () => Promise.reject('pulled')");
    let client = lost
        .builder()
        .timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    match client.refresh().await {
        Err(Error::RefreshUnavailable(RefreshError::Lost(why))) => {
            assert_eq!(*why.value(), JsValue::from("pulled"));
        }
        other => panic!("{other:?}"),
    }

    let silent = World::new("world.refresh = () => new Promise(() => {})");
    let client = silent
        .builder()
        .timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    match client.refresh().await {
        Err(Error::RefreshUnavailable(RefreshError::Overdue)) => {}
        other => panic!("{other:?}"),
    }
}

#[wasm_bindgen_test]
async fn r15_a_replay_carries_the_same_bytes_and_headers() {
    let expired = || World::new("world.status = 200");
    let twice = "Promise.all(world.calls.map(async ({ request, text }) =>
        [request.method, request.headers.get('content-type'), request.headers.get('x'), await text].join()))
        .then((all) => all.join('|'))";
    let form = "(() => { const form = new FormData(); form.append('a', 'b'); return form })()";
    let bodies: [(JsValue, &str, &str); 3] = [
        ("Grüße".into(), "text/plain;charset=UTF-8", "Grüße"),
        (
            eval("new Blob(['blob'], { type: 'a/b' })").unwrap(),
            "a/b",
            "blob",
        ),
        (
            eval("new URLSearchParams({ a: 'b' })").unwrap(),
            "application/x-www-form-urlencoded;charset=UTF-8",
            "a=b",
        ),
    ];
    for (body, kind, text) in bodies {
        let world = expired();
        let request = Request::put("/api/me").header("x", "y").body(body).unwrap();
        assert_eq!(world.client().send(request).await.unwrap().status(), 200);
        let one = format!("PUT,{kind},y,{text}");
        assert_eq!(world.says(twice).await, format!("{one}|{one}"));
    }

    // The boundary is the same, too.
    let world = expired();
    let request = Request::post("/api/me").body(eval(form).unwrap()).unwrap();
    assert_eq!(world.client().send(request).await.unwrap().status(), 200);
    let seen = world.says(twice).await;
    let (first, replay) = seen.split_once('|').unwrap();
    assert_eq!(first, replay);
    assert!(first.contains("form-data; name=\"a\""), "{first}");

    let world = expired();
    let request = world.client().post("/api/me").json(&["milk"]);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let one = r#"POST,application/json,,["milk"]"#;
    assert_eq!(world.says(twice).await, format!("{one}|{one}"));

    let world = expired();
    let request = world.client().post("/api/me").body(vec![1, 2, 255]);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let bytes = "Promise.all(world.calls.map(async ({ request }) =>
        [...new Uint8Array(await request.arrayBuffer())].join())).then((all) => all.join('|'))";
    assert_eq!(world.says(bytes).await, "1,2,255|1,2,255");
}

#[wasm_bindgen_test]
async fn r16_a_bodiless_request_is_never_cloned_and_one_that_is_sent_once_neither() {
    let world = World::new("");
    let request: web_sys::Request = Request::get("/api/me").build().unwrap().into();
    let count = "(request) => { request.clone = () => { throw 'cloned' } }";
    let count: Function = eval(count).unwrap().unchecked_into();
    count.call1(&JsValue::UNDEFINED, &request).unwrap();
    let answer = world.client().send(Request::from(request)).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(world.count("world.calls.length").await, 2.0);

    let world = World::new("");
    let request = "new Request('/api/me', { method: 'POST', body: 'sent once' })";
    let request: web_sys::Request = eval(request).unwrap().unchecked_into();
    count.call1(&JsValue::UNDEFINED, &request).unwrap();
    let client = world.client();
    match client.send_once(request.into()).await {
        Err(Error::NotReplayable) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(world.count("world.calls.length").await, 1.0);
    assert_eq!(client.state(), State::Active);
}

#[wasm_bindgen_test]
async fn r18_an_abort_settles_its_caller_at_once_with_the_signals_reason() {
    let world = World::new("world.refresh = () => new Promise(() => {})");
    let client = world.client();
    let controller = AbortController::new().unwrap();
    let request = Request::get("/api/me").abort_signal(Some(&controller.signal()));
    let mut call = pin!(client.send(request.build().unwrap()));
    assert!(poll!(&mut call).is_pending());
    world.ask("world.reached").await;
    assert_eq!(world.count("world.refreshes.length").await, 1.0);
    controller.abort_with_reason(&"why not".into());
    assert_eq!(expect_fetch_error(call.await), JsValue::from("why not"));
}

#[wasm_bindgen_test]
async fn dropping_a_future_aborts_its_request() {
    let world = World::new("world.answer = () => new Promise(() => {})");
    let client = world.builder().exclude(["/public"]).build().unwrap();
    for path in ["/api/me", "/public"] {
        let mut call = Box::pin(client.get(path).send());
        assert!(poll!(&mut call).is_pending());
        settle().await;
        let aborted = "world.calls.at(-1).request.signal.aborted";
        assert_eq!(world.ask(aborted).await, false, "{path}");
        drop(call);
        assert_eq!(world.ask(aborted).await, true, "{path}");
    }
}

#[wasm_bindgen_test]
async fn dropping_a_future_that_waits_leaves_the_shared_refresh_alone() {
    let world = World::new(
        "const { refresh } = world; const held = Promise.withResolvers(); world.release = held.resolve;
         world.refresh = async () => (await held.promise, refresh())",
    );
    let client = world.client();
    let mut stays = pin!(client.get("/api/stays").send());
    let mut goes = Box::pin(client.get("/api/goes").send());
    assert!(poll!(&mut goes).is_pending());
    assert!(poll!(&mut stays).is_pending());
    world.ask("world.reached").await;
    drop(goes);
    let aborted = "world.refreshes[0].request.signal.aborted";
    assert_eq!(world.ask(aborted).await, false);
    world.ask("world.release()").await;
    assert_eq!(stays.await.unwrap().status(), 200);
    let paths = "world.calls.map(({ request }) => new URL(request.url).pathname).join()";
    assert_eq!(world.says(paths).await, "/api/goes,/api/stays,/api/stays");
    assert_eq!(world.count("world.refreshes.length").await, 1.0);
}

#[wasm_bindgen_test]
async fn a_call_that_is_done_leaves_the_body_of_its_answer_to_the_caller() {
    let world = World::new("world.fresh = true");
    let answer = world.client().get("/api/me").send().await.unwrap();
    settle().await;
    let aborted = "world.calls[0].request.signal.aborted";
    assert_eq!(world.ask(aborted).await, false);
    assert_eq!(answer.text().await.unwrap(), "fine");
}

#[wasm_bindgen_test]
async fn a_call_begins_when_it_is_polled() {
    let world = World::new("world.fresh = true");
    let call = world.client().get("/api/me").send();
    settle().await;
    assert_eq!(world.count("world.calls.length").await, 0.0);
    call.await.unwrap();
    assert_eq!(world.count("world.calls.length").await, 1.0);
}

#[wasm_bindgen_test]
async fn r20_r28_the_refresh_outlives_its_page_and_carries_an_idempotency_key() {
    let world = World::new("");
    let client = world
        .builder()
        .refresh_method("PUT")
        .refresh_header("x-app", "notes")
        .csrf_header("x-csrf", "1")
        .build()
        .unwrap();
    client.refresh().await.unwrap();
    client.refresh().await.unwrap();
    let sent = "world.refreshes.map(({ request: r, init }) => [r.method, init.keepalive, r.redirect, r.cache,
        r.credentials, r.headers.get('x-app'), r.headers.get('x-csrf'),
        /^\"[^\"]+-\\d+\"$/.test(r.headers.get('idempotency-key'))].join()).join('|')";
    let one = "PUT,true,manual,no-store,same-origin,notes,1,true";
    assert_eq!(world.says(sent).await, format!("{one}|{one}"));
    let keys = "new Set(world.refreshes.map(({ request }) => request.headers.get('idempotency-key'))).size";
    assert_eq!(world.count(keys).await, 2.0);
}

#[wasm_bindgen_test]
async fn r26_credentials_and_csrf_header_go_to_guarded_urls_only() {
    let world = World::new("world.fresh = true");
    let client = world
        .builder()
        .guard(["/api", "http://api.test/v1"])
        .csrf_header("x-csrf", "1")
        .build()
        .unwrap();
    for url in [
        "/api/me",
        "/apix",
        "http://api.test/v1/me",
        "http://api.test/v11",
        "http://api.test.evil.test/v1",
    ] {
        client.post(url).send().await.unwrap();
    }
    client.get("/api/me").send().await.unwrap();
    let sent = "world.calls.map(({ request: r }) =>
        [r.credentials, r.mode, r.headers.get('x-csrf')].join()).join('|')";
    assert_eq!(
        world.says(sent).await,
        "same-origin,cors,1|same-origin,cors,|include,cors,1|same-origin,cors,|same-origin,cors,|same-origin,cors,"
    );
}

#[wasm_bindgen_test]
async fn a_cookie_that_scripts_may_read_is_echoed_in_a_header() {
    let world = World::new(
        "world.fresh = true;
         world.set = (cookie) => { if (globalThis.document) document.cookie = `${cookie}; path=/` };
         world.sent = () => String(world.calls.at(-1).request.headers.get('x-csrf'))",
    );
    let client = world.builder().csrf_cookie("x-csrf", "csrf");
    let client = client.build().unwrap();
    world.ask("world.set('csrf=abc')").await;
    client.delete("/api/me").send().await.unwrap();
    // A worker has no cookies to read.
    let expected = world.says("globalThis.document ? 'abc' : 'null'").await;
    assert_eq!(world.says("world.sent()").await, expected);
    world.ask("world.set('csrf=; max-age=0')").await;
    client.delete("/api/me").send().await.unwrap();
    assert_eq!(world.says("world.sent()").await, "null");
}

#[wasm_bindgen_test]
async fn the_csrf_value_is_read_at_each_sending_and_decoded() {
    let world = World::new(
        "let turn = 0;
         world.set = (cookie) => { if (globalThis.document) document.cookie = `${cookie}; path=/` };
         const refresh = world.refresh;
         world.refresh = () => { world.set(`csrf2=${encodeURIComponent(`a=${++turn}`)}`); return refresh() };
         world.sent = () => world.calls.map(({ request }) => request.headers.get('x-csrf')).join()",
    );
    let client = world.builder().csrf_cookie("x-csrf", "csrf2");
    let client = client.build().unwrap();
    world.ask("world.set('csrf2=a%3D0')").await;
    client.delete("/api/me").send().await.unwrap();
    // A worker has no cookies to read.
    let expected = world.says("globalThis.document ? 'a=0,a=1' : ','").await;
    assert_eq!(world.says("world.sent()").await, expected);
    world.ask("world.set('csrf2=; max-age=0')").await;
}

#[wasm_bindgen_test]
async fn the_csrf_value_comes_from_a_function_and_goes_with_safe_methods_where_that_is_asked_for() {
    let world = World::new("world.fresh = true");
    let counter = std::sync::atomic::AtomicU32::new(0);
    let next = move || {
        let number = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (number != 1).then(|| format!("v{number}"))
    };
    let client = world
        .builder()
        .sign_in("/auth/sign-in")
        .csrf(Csrf::function("x-csrf", next).all(true))
        .refresh_csrf(Csrf::header("x-refresh", "r"))
        .build()
        .unwrap();
    client.get("/api/me").send().await.unwrap();
    client.get("/api/me").send().await.unwrap();
    client.post("/auth/sign-in").send().await.unwrap();
    client.refresh().await.unwrap();
    let sent = "world.calls.map(({ request }) => request.headers.get('x-csrf')).join() + ';' +
        world.refreshes.map(({ request: r }) => [r.headers.get('x-csrf'), r.headers.get('x-refresh')].join('/')).join()";
    assert_eq!(world.says(sent).await, "v0,,v2;/r");
}

#[wasm_bindgen_test]
async fn a_refresh_may_be_a_get_or_carry_a_body() {
    let world = World::new("");
    let client = world.builder().refresh_method("get").build().unwrap();
    assert_eq!(client.get("/api/me").send().await.unwrap().status(), 200);
    world.ask("world.fresh = false").await;
    let client = world
        .builder()
        .refresh_header("content-type", "application/json")
        .refresh_body("{}")
        .build()
        .unwrap();
    assert_eq!(client.get("/api/me").send().await.unwrap().status(), 200);
    let sent = "Promise.all(world.refreshes.map(async ({ request: r }) => `${r.method} ${await r.clone().text()}`))
        .then((all) => all.join())";
    assert_eq!(world.says(sent).await, "GET ,POST {}");
}

#[wasm_bindgen_test]
async fn is_expired_says_which_answers_mean_that_the_token_has_expired() {
    let world = World::new(
        "world.answer = async (request) => new URL(request.url).pathname === '/api/form'
           ? new Response('{}', { status: 422, headers: { 'x-why': 'invalid' } })
           : world.fresh ? new Response('fine') : new Response('{}', { status: 422, headers: { 'x-why': 'expired' } })",
    );
    let client = world.builder().is_expired(|response| {
        response.headers().get("x-why").ok().flatten().as_deref() == Some("expired")
    });
    let client = client.build().unwrap();
    assert_eq!(client.post("/api/form").send().await.unwrap().status(), 422);
    assert_eq!(world.count("world.refreshes.length").await, 0.0);
    assert_eq!(client.get("/api/me").send().await.unwrap().status(), 200);
    assert_eq!(world.count("world.refreshes.length").await, 1.0);
}

#[wasm_bindgen_test]
async fn is_expired_may_read_a_body_and_one_that_never_answers_harms_its_own_call_alone() {
    let world = World::new(
        r#"world.answer = async () => Response.json(world.fresh
             ? { data: { me: 'ada' } }
             : { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] })"#,
    );
    let client = world.builder().is_expired_by_body(|response| async move {
        let body = response.clone().unwrap().text().unwrap();
        let body = JsFuture::from(body).await.unwrap().as_string().unwrap();
        body.contains("UNAUTHENTICATED")
    });
    let client = client.build().unwrap();
    let response = client.post("/api/graphql").send().await.unwrap();
    assert!(response.text().await.unwrap().contains("ada"));
    assert_eq!(world.count("world.refreshes.length").await, 1.0);

    world.ask("world.fresh = false").await;
    let client = world.builder().timeout(Duration::from_millis(50));
    let client = client.is_expired_by_body(|_| std::future::pending());
    let response = client.build().unwrap().post("/api/graphql").send().await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(world.count("world.refreshes.length").await, 1.0);
}

#[wasm_bindgen_test]
async fn interpret_says_what_the_answers_of_refresh_and_sign_in_mean() {
    let world = World::new(
        "world.refresh = async () => Response.json({ ok: false });
         world.answer = async (request) => new URL(request.url).pathname === '/auth/sign-in'
           ? Response.json({ mfa_required: true })
           : new Response('{}', { status: 401 })",
    );
    let client = world
        .builder()
        .sign_in("/auth/sign-in")
        .interpret(|reply| {
            let body = reply.body.as_ref()?;
            let outcome = match reply.of {
                ReplyOf::Refresh if body.get("ok")?.as_bool() == Some(false) => Outcome::Expired,
                ReplyOf::SignIn if body.get("mfa_required").is_some() => Outcome::Unavailable,
                _ => return None,
            };
            Some(Meaning {
                outcome: Some(outcome),
                ..Meaning::default()
            })
        })
        .build()
        .unwrap();
    client.post("/auth/sign-in").send().await.unwrap();
    assert_eq!(client.state(), State::Unknown);
    let mut events = client.events();
    assert_eq!(client.get("/api/me").send().await.unwrap().status(), 401);
    let event = events.next().await.unwrap();
    assert_eq!((event.kind, event.status), (EventKind::Expired, Some(200)));
}

/// What Leptos makes of `#[server]`: its body runs on the server, and the page calls it by a POST.
#[server(endpoint = "rename")]
async fn rename(name: String) -> Result<String, ServerFnError> {
    Ok(name)
}

#[wasm_bindgen_test]
async fn a_server_function_meets_an_expiry_and_its_caller_does_not() {
    let world = World::new(
        "const native = globalThis.fetch; globalThis.fetch = world.fetch;
        world.restore = () => (globalThis.fetch = native);
        world.answer = async () => world.fresh
            ? Response.json('Ada')
            : new Response('{}', { status: 401 })",
    );
    let client = Client::builder("/auth/refresh/server-functions")
        .guard(["/api"])
        .build()
        .unwrap();
    client.install();
    assert_eq!(rename("Ada".to_owned()).await.unwrap(), "Ada");
    client.uninstall();
    world.ask("world.restore()").await;
    assert_eq!(world.count("world.refreshes.length").await, 1.0);
    assert_eq!(world.count("world.calls.length").await, 2.0);
    for attempt in 0..2 {
        let body = world.says(&format!("world.calls[{attempt}].text")).await;
        assert_eq!(body, "name=Ada");
    }
}

#[wasm_bindgen_test]
async fn trace_is_told_each_decision_and_no_query() {
    let world = World::new("");
    let told = Arc::new(Mutex::new(Vec::new()));
    let client = world.builder().trace({
        let told = Arc::clone(&told);
        move |entry| told.lock().unwrap().push(entry.what.clone())
    });
    let client = client.build().unwrap();
    let response = client.get("/api/me?secret=1").send().await.unwrap();
    assert_eq!(response.status(), 200);

    let call = |request: &TracedRequest| {
        let path = request.url.split_once("/api").map(|(_, path)| path);
        assert!(request.call.is_some());
        assert_eq!((request.method.as_str(), path), ("GET", Some("/me")));
    };
    let refresh = |request: &TracedRequest| {
        assert_eq!((request.method.as_str(), request.call), ("POST", None));
        assert!(request.url.contains("/auth/refresh/"));
    };
    let mut told = told.lock().unwrap().clone().into_iter();
    let mut next = || told.next().unwrap();
    assert!(matches!(next(), Traced::Sent(it) if { call(&it); true }));
    assert!(matches!(next(), Traced::Answered(it, 401) if { call(&it); true }));
    assert!(matches!(next(), Traced::Sent(it) if { refresh(&it); true }));
    assert!(matches!(next(), Traced::Answered(it, 200) if { refresh(&it); true }));
    assert!(matches!(next(), Traced::SentAgain(it) if { call(&it); true }));
    assert!(matches!(next(), Traced::Announced(it) if it.kind == EventKind::Refreshed));
    assert!(matches!(next(), Traced::Answered(it, 200) if { call(&it); true }));
    assert_eq!(told.next(), None);
}

#[wasm_bindgen_test]
async fn there_may_be_several_sign_ins_each_by_a_method_of_its_own() {
    let world = World::new("world.fresh = true");
    let client = world
        .builder()
        .sign_in("/auth/password")
        .sign_in_by("GET", "/auth/code")
        .build()
        .unwrap();
    client.get("/auth/password").send().await.unwrap();
    assert_eq!(client.state(), State::Unknown);
    client.get("/auth/code").send().await.unwrap();
    assert_eq!(client.state(), State::Active);
}

#[wasm_bindgen_test]
async fn clients_of_one_refresh_url_with_names_of_their_own_are_sessions_of_their_own() {
    let world = World::new("");
    let fetch = || world.get("fetch").unchecked_into::<Function>();
    let of = |name| {
        Client::builder("/auth/refresh/named")
            .fetch(fetch())
            .name(name)
    };
    let (one, other) = (of("one").build().unwrap(), of("other").build().unwrap());
    let (first, second) = futures_util::future::join(one.refresh(), other.refresh()).await;
    first.and(second).unwrap();
    assert_eq!(world.count("world.refreshes.length").await, 2.0);
}

#[wasm_bindgen_test]
async fn ensure_fresh_refreshes_what_is_too_old_and_nothing_else() {
    let world = World::new("");
    let client = world.client();
    client.ensure_fresh(None).await.unwrap();
    client.ensure_fresh(None).await.unwrap();
    assert_eq!(world.count("world.refreshes.length").await, 1.0);
    let tick = "(async (then) => {
        while (performance.now() === then) await new Promise((resolve) => setTimeout(resolve));
    })(performance.now())";
    world.ask(tick).await;
    client.ensure_fresh(Some(Duration::ZERO)).await.unwrap();
    assert_eq!(world.count("world.refreshes.length").await, 2.0);
}

#[wasm_bindgen_test]
async fn dropping_the_last_clone_disposes() {
    let world = World::new("");
    let client = world.client();
    let mut events = client.events();
    let clone = client.clone();
    drop(client);
    assert!(poll!(events.next()).is_pending());
    clone.refresh().await.unwrap();
    drop(clone);
    assert_eq!(events.next().await.unwrap().kind, EventKind::Refreshed);
    assert!(events.next().await.is_none());
}

#[wasm_bindgen_test]
async fn an_installed_client_keeps_fresh_what_calls_the_pages_fetch_by_itself() {
    // An answer from the network has an address, and reqwest reads it.
    let world = World::new(
        "world.native = globalThis.fetch; globalThis.fetch = world.fetch;
        const { answer } = world;
        world.answer = async (request) =>
            Object.defineProperty(await answer(request), 'url', { value: request.url })",
    );
    let client = Client::builder("/auth/refresh/installed")
        .guard(["/api"])
        .build()
        .unwrap();
    client.install();
    client.install();
    let origin = world.says("globalThis.origin").await;
    let url = format!("{origin}/api/me");
    let requests = (0..10).map(|_| reqwest::get(&url));
    for response in join_all(requests).await {
        assert_eq!(response.unwrap().text().await.unwrap(), "fine");
    }
    assert_eq!(world.count("world.refreshes.length").await, 1.0);
    assert_eq!(world.count("world.calls.length").await, 20.0);

    // By URL, by `Request`, and with a body, which is sent again as it was.
    world.ask("world.fresh = false").await;
    let posted = "fetch(new Request('/api/notes', { method: 'POST', body: 'milk' }))";
    assert_eq!(
        world
            .count(&format!("{posted}.then((it) => it.status)"))
            .await,
        200.0
    );
    assert_eq!(world.says("world.calls.at(-1).text").await, "milk");
    assert_eq!(world.count("world.refreshes.length").await, 2.0);

    // Out of scope: the same arguments, and the 401 is the page's own.
    world.ask("world.fresh = false").await;
    let elsewhere = "fetch(world.url = new URL('/elsewhere', origin)).then((it) => it.status)";
    assert_eq!(world.count(elsewhere).await, 401.0);
    assert_eq!(
        world.ask("world.calls.at(-1).input === world.url").await,
        true
    );
    assert_eq!(world.count("world.refreshes.length").await, 2.0);

    client.uninstall();
    assert_eq!(world.ask("globalThis.fetch === world.fetch").await, true);
    let raw = "fetch('/api/me').then((it) => it.status)";
    assert_eq!(world.count(raw).await, 401.0);
    world.ask("globalThis.fetch = world.native").await;
}

#[wasm_bindgen_test]
async fn an_installed_client_rejects_as_the_npm_package_does() {
    let world = World::new(
        "world.native = globalThis.fetch; globalThis.fetch = world.fetch; world.status = 503",
    );
    let client = Client::builder("/auth/refresh/installed-and-down")
        .timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    client.install();
    let failed = "fetch('/api/me').catch((it) => it.name + ' ' + it.code)";
    assert_eq!(
        world.says(failed).await,
        "KeepfreshError refresh_unavailable"
    );
    let rejected =
        "(world.answer = async () => { throw 'enough' }, fetch('/api/me').catch((it) => it))";
    assert_eq!(world.says(rejected).await, "enough");
    world
        .ask("(world.answer = async () => new Response(null, { status: 401 }), 0)")
        .await;

    // Somebody has wrapped it since: it stays in their chain, and hands through.
    let wrap =
        "(world.ours = globalThis.fetch, globalThis.fetch = (...args) => world.ours(...args), 0)";
    world.ask(wrap).await;
    client.dispose();
    assert_eq!(
        world
            .count("fetch('/api/me').then((it) => it.status)")
            .await,
        401.0
    );
    world.ask("globalThis.fetch = world.native").await;
}

#[wasm_bindgen_test]
async fn a_client_that_is_disposed_of_says_so() {
    let world = World::new("world.refresh = () => new Promise(() => {})");
    let client = world.client();
    let mut waiting = pin!(client.get("/api/me").send());
    assert!(poll!(&mut waiting).is_pending());
    world.ask("world.reached").await;
    client.dispose();
    assert!(matches!(waiting.await, Err(Error::Disposed)));
    let late = client.clone().get("/api/me").send().await;
    assert!(matches!(late, Err(Error::Disposed)));
    assert!(matches!(client.refresh().await, Err(Error::Disposed)));
    assert!(client.events().next().await.is_none());
}

#[wasm_bindgen_test]
async fn a_request_that_cannot_be_is_an_error_of_its_own() {
    let client = World::new("").client();
    for request in [
        client.get("http://["),
        client.get("/api").header("no good", "x"),
        client.get("/api").body("a GET has none"),
        client
            .post("/api")
            .json(&std::collections::HashMap::from([((1, 2), 3)])),
    ] {
        match request.send().await {
            Err(Error::InvalidRequest(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[wasm_bindgen_test]
fn options_that_make_no_sense_are_named() {
    let usual = || Client::builder("/auth/refresh");
    for (builder, name) in [
        (Client::builder(""), "refresh"),
        (Client::builder("http://["), "refresh"),
        (Client::builder("ftp://a/b"), "refresh"),
        (Client::builder("http://u:p@a/b"), "refresh"),
        (usual().refresh_method("TRACE"), "refresh_method"),
        (usual().refresh_method("a b"), "refresh_method"),
        (usual().refresh_header("a b", "c"), "refresh_header"),
        (usual().guard([""; 0]), "guard"),
        (usual().guard(["/api?a"]), "guard"),
        (usual().guard(["https://a.test"]), "guard"),
        (usual().exclude(["/api#a"]), "exclude"),
        (usual().sign_in("http://["), "sign_in"),
        (usual().sign_out(""), "sign_out"),
        (usual().expired_statuses([]), "expired_statuses"),
        (usual().expired_statuses([200]), "expired_statuses"),
        (usual().csrf_header("a b", "c"), "csrf"),
        (usual().csrf_cookie("a", ""), "csrf"),
        (usual().csrf(Csrf::function("a b", || None)), "csrf"),
        (usual().refresh_csrf(Csrf::header("a", "")), "refresh_csrf"),
        (
            usual().refresh_method("get").refresh_body("{}"),
            "refresh_body",
        ),
        (usual().sign_in_by("a b", "/sign-in"), "sign_in_by"),
        (usual().name(""), "name"),
        (
            usual().expired_statuses([419]).is_expired(|_| true),
            "is_expired",
        ),
        (usual().timeout(Duration::ZERO), "timeout"),
        (usual().timeout(Duration::MAX), "timeout"),
    ] {
        match builder.build() {
            Err(Error::InvalidOptions(message)) => {
                assert!(
                    message.starts_with(&format!("option `{name}`: ")),
                    "{message}"
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[wasm_bindgen_test]
fn errors_and_clients_can_be_kept_where_frameworks_keep_things() {
    fn is_kept<T: Send + Sync + 'static>() {}
    is_kept::<Client>();
    is_kept::<Error>();
    is_kept::<keepfresh::Events>();
    is_kept::<ClientBuilder>();
}

#[cfg(feature = "serde")]
#[wasm_bindgen_test]
async fn options_come_from_a_value_and_events_go_to_one() {
    let world = World::new("");
    let options = "({ refresh: { url: '/auth/refresh?value', method: 'put', headers: { a: 'b' } },
        guard: ['/api'], signIn: '/auth/sign-in', expiredStatuses: [401, 419], timeout: 5000,
        csrf: { header: 'x-csrf', value: '1', all: true }, learn: false, name: 'of a value',
        signOut: [{ url: '/auth/sign-out', method: 'DELETE' }, '/auth/leave'] })";
    let builder = ClientBuilder::from_js(eval(options).unwrap()).unwrap();
    let fetch: Function = world.get("fetch").unchecked_into();
    let client = builder.fetch(fetch).build().unwrap();
    let mut events = client.events();
    assert_eq!(client.post("/api/me").send().await.unwrap().status(), 200);
    let sent = "world.refreshes.map(({ request: r }) => [r.method, r.headers.get('a'), r.headers.get('x-csrf')].join())";
    let sent: Array = world.ask(sent).await.unchecked_into();
    assert_eq!(sent.to_vec(), ["PUT,b,1".into()] as [JsValue; 1]);

    let event = events.next().await.unwrap().to_js();
    let json = js_sys::JSON::stringify(&event).unwrap();
    assert_eq!(
        String::from(json),
        r#"{"kind":"refreshed","cause":"unauthorized","by":"client","status":200}"#
    );
    assert_eq!(client.state().to_js(), JsValue::from("active"));

    for (options, word) in [
        ("undefined", "options"),
        ("({})", "refresh"),
        ("({ refresh: '/r', gaurd: [] })", "gaurd"),
        ("({ refresh: { url: '/r', metod: 'PUT' } })", "options"),
        ("({ refresh: '/r', timeout: -1 })", "timeout"),
        ("({ refresh: '/r', timeout: '1' })", "options"),
    ] {
        let built = ClientBuilder::from_js(eval(options).unwrap()).and_then(ClientBuilder::build);
        match built {
            Err(Error::InvalidOptions(message)) => assert!(message.contains(word), "{message}"),
            other => panic!("{options}: {other:?}"),
        }
    }
}
