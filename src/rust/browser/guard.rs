use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal};

/// Aborts a call that is given up: whose future is dropped before it is done.
pub(super) struct Abandon(Option<AbortController>);

impl Abandon {
    pub(super) fn new() -> Self {
        Self(AbortController::new().ok())
    }

    /// The signal, or `undefined`.
    pub(super) fn signal(&self) -> JsValue {
        self.0
            .as_ref()
            .map_or(JsValue::UNDEFINED, |controller| controller.signal().into())
    }

    /// A signal that follows both, this one and that of the caller's. A browser that cannot join the two (before
    /// 2024) keeps to the caller's.
    pub(super) fn joined_with(&self, own: &AbortSignal) -> JsValue {
        globals::any(&js_sys::Array::of2(&own.into(), &self.signal()))
            .unwrap_or_else(|_| own.into())
    }
}

impl Drop for Abandon {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take() {
            controller.abort();
        }
    }
}

/// Waits for what a call comes to.
pub(super) async fn follow(promise: Promise, mut abandon: Abandon) -> Result<JsValue, JsValue> {
    let settlement = JsFuture::from(promise).await;
    // It is done: the body of an answer is the caller's to read.
    abandon.0 = None;
    settlement
}

mod globals {
    use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(catch, js_namespace = AbortSignal)]
        pub(super) fn any(signals: &JsValue) -> Result<JsValue, JsValue>;
    }
}
