//! JavaScript that `web-sys` has no names for, or names that cost more: values whose type is the caller's choice.

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// The monotonic clock, in milliseconds.
    #[wasm_bindgen(js_namespace = performance)]
    pub(crate) fn now() -> f64;

    #[wasm_bindgen(js_name = setTimeout)]
    pub(crate) fn set_timeout(then: &Function, milliseconds: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    pub(crate) fn clear_timeout(timer: &JsValue);

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    pub(crate) fn fill_random(bytes: &mut [u8]);

    /// `undefined` where there is no document: in a worker, or outside a browser.
    #[wasm_bindgen(thread_local_v2, js_name = document)]
    pub(crate) static DOCUMENT: Option<Document>;
    pub(crate) type Document;
    #[wasm_bindgen(method, getter, js_name = baseURI)]
    pub(crate) fn base_uri(this: &Document) -> JsValue;

    #[wasm_bindgen(thread_local_v2, js_name = location)]
    pub(crate) static LOCATION: Option<Location>;
    pub(crate) type Location;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn href(this: &Location) -> JsValue;

    #[wasm_bindgen(js_name = String)]
    pub(crate) fn to_string(value: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = Number)]
    pub(crate) fn to_number(value: &JsValue) -> f64;

    /// The first argument of `fetch`: a `Request`, or something with none of these.
    #[wasm_bindgen(typescript_type = "RequestInfo")]
    pub(crate) type Input;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn url(this: &Input) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn referrer(this: &Input) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = referrerPolicy)]
    pub(crate) fn referrer_policy(this: &Input) -> JsValue;
    #[wasm_bindgen(method, catch, js_name = clone)]
    pub(crate) fn try_clone(this: &Input) -> Result<JsValue, JsValue>;

    /// The second argument of `fetch`. The getters serve for a `Request` as well.
    #[wasm_bindgen(typescript_type = "RequestInit")]
    pub(crate) type Init;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn method(this: &Init) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn headers(this: &Init) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn body(this: &Init) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn credentials(this: &Init) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn mode(this: &Init) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn signal(this: &Init) -> JsValue;
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_method(this: &Init, value: &JsValue);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_headers(this: &Init, value: &JsValue);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_body(this: &Init, value: &JsValue);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_credentials(this: &Init, value: &str);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_mode(this: &Init, value: &str);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_referrer(this: &Init, value: &JsValue);
    #[wasm_bindgen(method, setter, js_name = referrerPolicy)]
    pub(crate) fn set_referrer_policy(this: &Init, value: &JsValue);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_keepalive(this: &Init, value: bool);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_redirect(this: &Init, value: &str);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_cache(this: &Init, value: &str);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_signal(this: &Init, value: &JsValue);

    /// `[object FormData]` and the like: the kind of a value, from whatever realm it comes.
    #[wasm_bindgen(js_namespace = ["Object", "prototype", "toString"], js_name = call)]
    pub(crate) fn kind_of(value: &JsValue) -> String;

    #[wasm_bindgen(js_name = FormData)]
    pub(crate) type FormData;
    #[wasm_bindgen(constructor, js_class = "FormData")]
    pub(crate) fn new() -> FormData;
    #[wasm_bindgen(method)]
    pub(crate) fn append(this: &FormData, name: &JsValue, value: &JsValue);

    #[wasm_bindgen(js_name = URLSearchParams)]
    pub(crate) type SearchParams;
    #[wasm_bindgen(constructor, js_class = "URLSearchParams")]
    pub(crate) fn copy(from: &JsValue) -> SearchParams;

    #[wasm_bindgen(js_name = Headers)]
    pub(crate) type HeaderList;
    #[wasm_bindgen(constructor, catch, js_class = "Headers")]
    pub(crate) fn copy(from: &JsValue) -> Result<HeaderList, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn set(this: &HeaderList, name: &JsValue, value: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(js_name = URL)]
    pub(crate) type ParsedUrl;
    #[wasm_bindgen(constructor, catch, js_class = "URL")]
    pub(crate) fn parse(url: &JsValue, base: &JsValue) -> Result<ParsedUrl, JsValue>;

    #[wasm_bindgen(js_name = Request)]
    pub(crate) type FullRequest;
    #[wasm_bindgen(constructor, catch, js_class = "Request")]
    pub(crate) fn new(input: &JsValue, init: &JsValue) -> Result<FullRequest, JsValue>;

    /// The one function that everything asynchronous comes back through; bound to what it is about.
    pub(crate) type Callback;
    #[wasm_bindgen(method)]
    pub(crate) fn bind(this: &Callback, this_arg: &JsValue, step: u32, about: f64) -> Function;

    pub(crate) type Thenable;
    #[wasm_bindgen(method)]
    pub(crate) fn then(this: &Thenable, fulfilled: &Function, rejected: &Function) -> Promise;
    /// The same, where nobody follows on.
    #[wasm_bindgen(method, js_name = then)]
    pub(crate) fn watch(this: &Thenable, fulfilled: &Function, rejected: &Function);
    #[wasm_bindgen(method, js_name = then)]
    pub(crate) fn then_if_fulfilled(this: &Thenable, fulfilled: &Function) -> Promise;
}

/// Whether a property was left out: both ways to write that count.
pub(crate) fn is_absent(value: &JsValue) -> bool {
    value.is_undefined() || value.is_null()
}

/// Looks at a value as something else, unchecked: every getter of it may find `undefined`.
pub(crate) fn view<T: JsCast>(value: &JsValue) -> &T {
    value.unchecked_ref()
}
