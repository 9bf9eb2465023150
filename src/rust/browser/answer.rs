//! What answers say.

use std::{cell::Cell, rc::Rc};

use js_sys::{Array, Function, Promise, Uint8Array};
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};
use web_sys::{Headers, ReadableStreamDefaultReader, Response};

/// The most that we read of a body by ourselves, in bytes.
const LARGEST: usize = 65_536;
/// The longest that we wait for it, in milliseconds.
const LONGEST: f64 = 1_000.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, milliseconds: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
    #[wasm_bindgen(js_name = Number)]
    fn to_number(text: &str) -> f64;
    #[wasm_bindgen(js_namespace = Date, js_name = parse)]
    fn parse_date(text: &str) -> f64;

    /// Anything that `fetch` may resolve with.
    type Anything;
    #[wasm_bindgen(method, getter, catch)]
    fn status(this: &Anything) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, getter, js_name = type)]
    fn kind(this: &Anything) -> JsValue;

    type Chunk;
    #[wasm_bindgen(method, getter)]
    fn value(this: &Chunk) -> Option<Uint8Array>;
}

/// What `fetch` resolved with, if that is a response. From a fetch that the page brought along, it may be anything.
pub(super) fn expect_response(answer: JsValue) -> Result<Response, JsValue> {
    let status = answer.unchecked_ref::<Anything>().status();
    if status.is_ok_and(|status| status.as_f64().is_some()) {
        return Ok(answer.unchecked_into());
    }
    Err(js_sys::TypeError::new("fetch resolved with what is no Response").into())
}

/// Whether it is a response of that type ("error", "opaqueredirect").
pub(super) fn is(response: &Response, kind: &str) -> bool {
    response.unchecked_ref::<Anything>().kind() == *kind
}

/// How long the access token lives, in milliseconds; `NaN` if nobody says.
pub(super) fn lifetime_in(body: Option<&Value>) -> f64 {
    let said = |name| {
        let value = body?.get(name)?;
        (!value.is_null()).then_some(value)
    };
    let seconds = said("expires_in").or_else(|| said("expiresIn"));
    in_milliseconds(seconds.and_then(Value::as_f64))
}

/// A lifetime in milliseconds, or `NaN`. A finite number of seconds above zero counts, and nothing else.
pub(super) fn in_milliseconds(seconds: Option<f64>) -> f64 {
    seconds
        .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
        .map_or(f64::NAN, |seconds| seconds * 1_000.0)
}

/// The body of a response that is ours. `None` if there is none, or if it is too large or too slow: then it is given up.
pub(super) async fn read_body(response: &Response) -> Option<Vec<u8>> {
    let reader: ReadableStreamDefaultReader = response.body()?.get_reader().unchecked_into();
    let is_over = Rc::new(Cell::new(false));
    let late = Closure::<dyn Fn()>::new({
        let (reader, is_over) = (reader.clone(), Rc::clone(&is_over));
        move || {
            is_over.set(true);
            give_up(&reader);
        }
    });
    let timer = set_timeout(late.as_ref().unchecked_ref(), LONGEST);
    let mut bytes = Vec::new();
    loop {
        let Ok(chunk) = JsFuture::from(reader.read()).await else {
            is_over.set(true);
            break;
        };
        let Some(chunk) = chunk.unchecked_ref::<Chunk>().value() else {
            break;
        };
        bytes.extend(chunk.to_vec());
        if bytes.len() > LARGEST {
            is_over.set(true);
            give_up(&reader);
            break;
        }
    }
    clear_timeout(&timer);
    (!is_over.get()).then_some(bytes)
}

/// What that comes to; `false` if it takes longer than so many milliseconds.
pub(super) async fn within(timeout: f64, answer: impl Future<Output = bool> + 'static) -> bool {
    let answer = future_to_promise(async move { Ok(answer.await.into()) });
    let mut timer = JsValue::UNDEFINED;
    let late = Promise::new(&mut |resolve, _| timer = set_timeout(&resolve, timeout));
    let first = JsFuture::from(Promise::race(&Array::of2(&answer, &late))).await;
    clear_timeout(&timer);
    first.is_ok_and(|first| first == JsValue::TRUE)
}

fn give_up(reader: &ReadableStreamDefaultReader) {
    follow_to_nowhere(reader.cancel());
}

/// Gives up a body that nobody will read, and with it the connection.
pub(super) fn cancel(response: &Response) {
    if let Some(body) = response.body() {
        follow_to_nowhere(body.cancel());
    }
}

/// Lest its rejection be reported as one that nobody handles.
fn follow_to_nowhere(promise: Promise) {
    spawn_local(async move {
        let _ = JsFuture::from(promise).await;
    });
}

/// `Retry-After` in milliseconds, or `NaN`: it comes as seconds or as a date (RFC 9110, section 10.2.3). A date is one of
/// the server's clock, which the answer tells too.
pub(super) fn retry_after(headers: &Headers) -> f64 {
    let get = |name| headers.get(name).ok().flatten();
    let Some(value) = get("retry-after").filter(|value| !value.is_empty()) else {
        return f64::NAN;
    };
    let seconds = to_number(&value);
    if !seconds.is_nan() {
        return seconds * 1_000.0;
    }
    let now = get("date").map_or(f64::NAN, |date| parse_date(&date));
    let now = if now.is_nan() {
        js_sys::Date::now()
    } else {
        now
    };
    parse_date(&value) - now
}
