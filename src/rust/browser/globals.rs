//! What a page or a worker has by name, if it has it.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// By name at each call, so that whoever replaces it is heard.
    #[wasm_bindgen(catch, js_name = fetch)]
    fn global_fetch(input: &JsValue, init: &JsValue) -> Result<JsValue, JsValue>;

    /// The monotonic clock, in milliseconds.
    #[wasm_bindgen(js_namespace = performance)]
    pub(super) fn now() -> f64;
}

/// What relative addresses are relative to.
pub(super) fn base() -> Option<String> {
    text(&["document", "baseURI"]).or_else(|| text(&["location", "href"]))
}

/// The origin that we run in.
pub(super) fn origin() -> String {
    text(&["origin"]).unwrap_or_default()
}

/// Whether the page goes away at this moment, and with it what is on the wire.
pub(super) fn is_leaving() -> bool {
    text(&["event", "type"]).is_some_and(|event| event == "pagehide")
}

/// The value of a cookie that scripts may read, percent-decoded if it is encoded.
pub(super) fn cookie(name: &str) -> Option<String> {
    let cookies = text(&["document", "cookie"])?;
    let value = cookies
        .split("; ")
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let decoded = js_sys::decode_uri_component(value).ok();
    Some(decoded.map_or_else(|| value.to_owned(), String::from))
}

pub(super) fn fetch(
    given: Option<&Function>,
    input: &JsValue,
    init: &JsValue,
) -> Result<Promise, JsValue> {
    let answer = match given {
        Some(fetch) => fetch.call2(&JsValue::UNDEFINED, input, init),
        None => global_fetch(input, init),
    };
    Ok(Promise::resolve(&answer?))
}

/// Follows names from the global object on. To ask may throw: a sandboxed frame has a document and no cookies.
fn text(names: &[&str]) -> Option<String> {
    names
        .iter()
        .try_fold(JsValue::from(js_sys::global()), |value, name| {
            Reflect::get(&value, &JsValue::from(*name)).ok()
        })?
        .as_string()
}
