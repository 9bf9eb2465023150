//! JavaScript that `web-sys` has no names for, or names that cost more.

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

    /// `then` is called with the lock, which is held until the promise that it returns is settled.
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    pub(crate) fn request_lock(
        name: &JsValue,
        options: &JsValue,
        then: &Function,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = localStorage, js_name = setItem)]
    pub(crate) fn keep(name: &JsValue, text: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(catch, js_namespace = localStorage, js_name = getItem)]
    pub(crate) fn kept(name: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = sessionStorage, js_name = setItem)]
    pub(crate) fn keep_here(name: &JsValue, text: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(catch, js_namespace = sessionStorage, js_name = getItem)]
    pub(crate) fn kept_here(name: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = location)]
    pub(crate) fn reload() -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_name = addEventListener)]
    pub(crate) fn listen(event: &str, then: &Function) -> Result<(), JsValue>;
    #[wasm_bindgen(catch, js_name = removeEventListener)]
    pub(crate) fn unlisten(event: &str, then: &Function) -> Result<(), JsValue>;

    /// `web_sys` has it that each of these may throw; none does.
    #[wasm_bindgen(js_name = AbortController)]
    pub(crate) type Controller;
    #[wasm_bindgen(constructor, js_class = AbortController)]
    pub(crate) fn new() -> Controller;
    #[wasm_bindgen(method)]
    pub(crate) fn abort(this: &Controller);
    pub(crate) type Signal;
    #[wasm_bindgen(method, js_name = addEventListener)]
    pub(crate) fn listen(this: &Signal, event: &str, then: &Function);
    #[wasm_bindgen(method, js_name = removeEventListener)]
    pub(crate) fn unlisten(this: &Signal, event: &str, then: &Function);

    #[wasm_bindgen(js_name = Object)]
    type LockOptions;
    #[wasm_bindgen(constructor, js_class = Object)]
    fn new() -> LockOptions;
    #[wasm_bindgen(method, setter, js_name = ifAvailable)]
    fn set_if_available(this: &LockOptions, only_if_free: bool);

    #[wasm_bindgen(js_name = BroadcastChannel)]
    pub(crate) type Channel;
    #[wasm_bindgen(catch, constructor, js_class = BroadcastChannel)]
    fn new(name: &JsValue) -> Result<Channel, JsValue>;
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_onmessage(this: &Channel, then: &Function);
    #[wasm_bindgen(method, catch, js_name = postMessage)]
    pub(crate) fn post(this: &Channel, message: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    pub(crate) fn close(this: &Channel);
    /// Node has it, so that a channel keeps no process running.
    #[wasm_bindgen(method, catch, js_name = unref)]
    pub(crate) fn unref(this: &Channel) -> Result<(), JsValue>;

    /// A message of a channel, a `pagehide` or a `pageshow`.
    pub(crate) type Event;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn data(this: &Event) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn persisted(this: &Event) -> bool;

    #[wasm_bindgen(js_name = String)]
    pub(crate) fn to_text(value: &JsValue) -> JsValue;
    #[wasm_bindgen(js_namespace = Array, js_name = of)]
    #[allow(clippy::too_many_arguments, reason = "one for each number of a word")]
    pub(crate) fn list(
        version: f64,
        news: u32,
        moment: f64,
        span: f64,
        sent: f64,
        cause: u32,
        status: u16,
        seed: f64,
        number: u32,
        address: f64,
        session_seed: f64,
        session_number: u32,
        subject: f64,
        age: f64,
        uses: u32,
        changes: u32,
        end: f64,
    ) -> JsValue;

    /// An array of them.
    pub(crate) type Numbers;
    #[wasm_bindgen(method, indexing_getter)]
    pub(crate) fn at(this: &Numbers, index: u32) -> f64;

    /// A stream, or its reader.
    pub(crate) type Cancelable;
    #[wasm_bindgen(method)]
    pub(crate) fn cancel(this: &Cancelable) -> Promise;

    /// What a stream's reader is given: `{ done, value }`, where a value is bytes.
    pub(crate) type Chunk;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn value(this: &Chunk) -> Option<Bytes>;
    pub(crate) type Bytes;
    #[wasm_bindgen(method, getter, js_name = byteLength)]
    pub(crate) fn byte_length(this: &Bytes) -> f64;

    /// The one function that everything asynchronous comes back through; bound to what it is about.
    pub(crate) type Callback;
    #[wasm_bindgen(method)]
    pub(crate) fn bind(this: &Callback, this_arg: &JsValue, step: u32, about: f64) -> Function;

    #[wasm_bindgen(extends = Promise, js_name = Promise)]
    pub(crate) type Deferred;
    /// `executor` is called at once, with the two functions that settle the promise.
    #[wasm_bindgen(constructor, js_class = Promise)]
    fn new(executor: &Function) -> Deferred;

    /// One of those two. It does not throw.
    pub(crate) type Settle;
    #[wasm_bindgen(method)]
    pub(crate) fn call(this: &Settle, this_arg: &JsValue, value: &JsValue);

    pub(crate) type Thenable;
    #[wasm_bindgen(method)]
    pub(crate) fn then(this: &Thenable, fulfilled: &Function, rejected: &Function) -> Promise;
    /// The same, where nobody follows on.
    #[wasm_bindgen(method, js_name = then)]
    pub(crate) fn watch(this: &Thenable, fulfilled: &Function, rejected: &Function);
    #[wasm_bindgen(method, js_name = catch)]
    pub(crate) fn watch_rejection(this: &Thenable, rejected: &Function);
}

pub(crate) fn defer(executor: &Function) -> Promise {
    Deferred::new(executor).unchecked_into()
}

/// Settles a promise by one of the two functions that were made for it.
pub(crate) fn settle(how: &Function, value: &JsValue) {
    view::<Settle>(how).call(&JsValue::UNDEFINED, value);
}

pub(crate) fn open_channel(name: &JsValue) -> Result<Channel, JsValue> {
    Channel::new(name)
}

/// The options that ask for a lock only if it is free.
pub(crate) fn free_only() -> JsValue {
    let options = LockOptions::new();
    options.set_if_available(true);
    options.into()
}

/// Looks at a value as something else, unchecked: every getter of it may find `undefined`.
pub(crate) fn view<T: JsCast>(value: &JsValue) -> &T {
    value.unchecked_ref()
}
