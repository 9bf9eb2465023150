//! The shell in a real browser, through the JavaScript edge, with a scripted server: in a window, a dedicated worker and
//! a service worker, whichever the runner is told.
#![cfg(all(target_arch = "wasm32", feature = "js"))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use js_sys::{Array, Promise, Reflect, eval};
use keepfresh::js;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

/// A server with an access token that has expired, whose refresh answers `status`; and a request to it.
fn world(session: &str, status: u16) -> (u32, JsValue) {
    let source = format!(
        r#"(() => {{
          const world = {{ fresh: false, refreshes: 0, sends: 0, events: [], last: undefined }};
          world.expiredStatuses = [401];
          world.host = {{
            refresh: async () => {{
              world.refreshes += 1;
              world.fresh = {status} === 200;
              return [{status}, NaN, 0, NaN, 0];
            }},
            error: (failure) => new Error(String(failure)),
            announce: (event) => world.events.push(event),
          }};
          world.request = (signal) => ({{
            signal,
            read: (response) => response.status,
            send: async () => {{
              world.sends += 1;
              return (world.last = world.fresh
                ? new Response("fine")
                : new Response("expired", {{ status: 401 }}));
            }},
          }});
          return world;
        }})()"#
    );
    let world = eval(&source).unwrap();
    let client = js::create(
        get(&world, "host").unchecked_into(),
        &session.into(),
        &get(&world, "expiredStatuses"),
        1_000.0,
        false,
        true,
    );
    (client, world)
}

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

fn fetch(client: u32, world: &JsValue, signal: &JsValue) -> Promise {
    let request: js_sys::Function = get(world, "request").unchecked_into();
    let request = request.call1(&JsValue::UNDEFINED, signal).unwrap();
    js::call(client, 0, request.unchecked_into(), true, 0, f64::NAN).unchecked_into()
}

async fn text(response: &JsValue) -> Option<String> {
    let response: &web_sys::Response = response.unchecked_ref();
    JsFuture::from(response.text().unwrap())
        .await
        .unwrap()
        .as_string()
}

#[wasm_bindgen_test]
async fn any_number_of_concurrent_401s_cause_one_refresh_and_each_request_is_replayed_once() {
    let (client, world) = world("storm", 200);
    let calls: Array = (0..20)
        .map(|_| fetch(client, &world, &JsValue::UNDEFINED))
        .collect();
    let answers: Array = JsFuture::from(Promise::all(&calls))
        .await
        .unwrap()
        .unchecked_into();
    for answer in answers.iter() {
        assert_eq!(text(&answer).await.as_deref(), Some("fine"));
    }
    assert_eq!(get(&world, "refreshes"), 1);
    assert_eq!(get(&world, "sends"), 40);
}

#[wasm_bindgen_test]
async fn the_caller_gets_the_very_response_that_fetch_gave() {
    let (client, world) = world("identity", 200);
    let answer = JsFuture::from(fetch(client, &world, &JsValue::UNDEFINED))
        .await
        .unwrap();
    assert!(js_sys::Object::is(&answer, &get(&world, "last")));
}

#[wasm_bindgen_test]
async fn a_401_that_has_waited_for_a_refusal_can_still_be_read() {
    let (client, world) = world("refused", 401);
    let answer = JsFuture::from(fetch(client, &world, &JsValue::UNDEFINED))
        .await
        .unwrap();
    assert_eq!(text(&answer).await.as_deref(), Some("expired"));
    // It was sent again before the refusal was believed.
    assert_eq!(get(&world, "sends"), 2);
    assert_eq!(js::state(client), 3);
}

#[wasm_bindgen_test]
async fn an_abort_settles_its_caller_with_a_reason_that_is_no_error() {
    let (client, world) = world("aborted", 200);
    let controller = web_sys::AbortController::new().unwrap();
    let held = "new Promise(() => {})";
    let hang = eval(&format!(
        "(world) => {{ world.host.refresh = () => {held} }}"
    ))
    .unwrap();
    hang.unchecked_ref::<js_sys::Function>()
        .call1(&JsValue::UNDEFINED, &world)
        .unwrap();
    let call = fetch(client, &world, &controller.signal());
    let ticks = "(async () => { for (let i = 0; i < 50; i++) await 0 })()";
    JsFuture::from(eval(ticks).unwrap().unchecked_into::<Promise>())
        .await
        .unwrap();
    controller.abort_with_reason(&"why not".into());
    assert_eq!(
        JsFuture::from(call).await.unwrap_err(),
        JsValue::from("why not")
    );
}
