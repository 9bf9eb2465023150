use std::cell::Cell;

use js_sys::Function;
use wasm_bindgen::JsValue;

use super::bindings::{clear_timeout, now, set_timeout};

/// The one timer of a session. It runs only while somebody waits, so that an idle page has none.
pub(crate) struct Timer {
    /// When it rings; infinitely far if it does not.
    moment: Cell<f64>,
    set: Cell<JsValue>,
}

impl Default for Timer {
    fn default() -> Self {
        Self {
            moment: Cell::new(f64::INFINITY),
            set: Cell::default(),
        }
    }
}

impl Timer {
    /// Has `then` called at `moment`, and at no other.
    pub(crate) fn set(&self, moment: f64, then: impl FnOnce() -> Function) {
        if self.moment.replace(moment) == moment {
            return;
        }
        clear_timeout(&self.set.take());
        if moment.is_finite() {
            // Rounded up: a timer that rings a fraction of a millisecond early would find nothing to do.
            let span = (moment - now()).max(0.0).ceil();
            self.set.set(set_timeout(&then(), span));
        }
    }

    /// It rang.
    pub(crate) fn clear(&self) {
        self.moment.set(f64::INFINITY);
    }
}
