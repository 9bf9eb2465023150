use std::cell::Cell;

use js_sys::Function;
use wasm_bindgen::JsValue;

use super::bindings::{clear_timeout, now, set_timeout};

/// The one timer of a session. It runs only while somebody waits, so that an idle page has none.
#[derive(Default)]
pub(crate) struct Timer {
    set: Cell<Option<(f64, JsValue)>>,
}

impl Timer {
    /// Has `then` called at `moment`, and at no other.
    pub(crate) fn set(&self, moment: Option<f64>, then: impl FnOnce() -> Function) {
        let set = self.set.take();
        if set.as_ref().map(|(set, _)| *set) == moment {
            return self.set.set(set);
        }
        if let Some((_, timer)) = set {
            clear_timeout(&timer);
        }
        self.set.set(moment.map(|moment| {
            // Rounded up: a timer that rings a fraction of a millisecond early would find nothing to do.
            (
                moment,
                set_timeout(&then(), (moment - now()).max(0.0).ceil()),
            )
        }));
    }

    /// It rang.
    pub(crate) fn clear(&self) {
        self.set.take();
    }
}
