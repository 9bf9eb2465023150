use js_sys::Object;
use wasm_bindgen::JsValue;
use web_sys::Response;

use super::bindings::{self, HeaderList, Init, view};
use crate::core::RefreshEnd;

/// The refresh as a client has configured it.
pub(crate) struct RefreshRequest {
    pub(crate) url: JsValue,
    pub(crate) method: JsValue,
    /// Extra headers, or `undefined`.
    pub(crate) headers: JsValue,
    /// Whether it goes to the page's own origin.
    pub(crate) home: bool,
    pub(crate) idempotency_key: bool,
}

impl RefreshRequest {
    pub(crate) fn init(
        &self,
        csrf: Option<(&JsValue, JsValue)>,
        key: &JsValue,
        signal: &JsValue,
    ) -> Result<JsValue, JsValue> {
        let headers = HeaderList::copy(&self.headers)?;
        if let Some((name, value)) = csrf {
            headers.set(name, &value)?;
        }
        if self.idempotency_key {
            headers.set(&"idempotency-key".into(), key)?;
        }
        let object = JsValue::from(Object::new());
        let init: &Init = view(&object);
        init.set_method(&self.method);
        init.set_headers(&headers);
        init.set_credentials(if self.home { "same-origin" } else { "include" });
        // A reload or a closed tab must not lose the cookie that the server has just rotated.
        init.set_keepalive(true);
        // A refresh that is sent elsewhere, to a sign-in page say, is a refusal and not a 200.
        init.set_redirect("manual");
        init.set_cache("no-store");
        init.set_signal(signal);
        Ok(object)
    }
}

/// A new `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header, a quoted string): 128 random bits.
///
/// From `getRandomValues`, because `randomUUID` is missing in an insecure context.
pub(crate) fn new_key() -> String {
    let mut bytes = [0; 16];
    bindings::fill_random(&mut bytes);
    let digit = |value: u8| {
        char::from(if value < 10 {
            b'0' + value
        } else {
            b'a' - 10 + value
        })
    };
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    ['"'].into_iter().chain(digits).chain(['"']).collect()
}

/// What the refresh was answered.
pub(crate) fn read_end(response: &Response) -> RefreshEnd {
    RefreshEnd::Answered {
        status: response.status(),
        // Seen so by whoever follows redirects all the same: a service worker, an injected fetch.
        redirected: response.redirected() || response.status() == 0,
        retry_after: retry_after(response),
    }
}

/// `Retry-After` in milliseconds: it comes as seconds or as a date (RFC 9110 section 10.2.3).
fn retry_after(response: &Response) -> Option<f64> {
    let value = JsValue::from(response.headers().get("retry-after").ok()??);
    let seconds = bindings::to_number(&value);
    let milliseconds = if seconds.is_nan() {
        js_sys::Date::parse(&value.as_string()?) - js_sys::Date::now()
    } else {
        seconds * 1_000.0
    };
    (!milliseconds.is_nan()).then_some(milliseconds)
}
