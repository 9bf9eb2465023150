use wasm_bindgen::JsValue;

use super::bindings::{Numbers, view};
use crate::core::{Grant, Outcome, RefreshEnd};

/// What the refresh was answered, as an edge hands it over: five numbers.
pub(crate) struct End {
    /// 0: with a redirect.
    pub(crate) status: u16,
    /// `Retry-After`, in milliseconds; `NaN` if there was none.
    retry_after: f64,
    said: u32,
    grant: Grant,
}

impl End {
    pub(crate) fn read(numbers: &JsValue) -> Self {
        let numbers: &Numbers = view(numbers);
        Self {
            status: numbers.at(0) as u16,
            retry_after: numbers.at(1),
            said: numbers.at(2) as u32,
            grant: Grant {
                lifetime: numbers.at(3),
                subject: numbers.at(4) as u32,
            },
        }
    }

    pub(crate) fn answered(&self) -> RefreshEnd {
        let after = self.retry_after;
        RefreshEnd::Answered {
            status: self.status,
            said: Outcome::said(self.said),
            retry_after: (!after.is_nan()).then_some(after),
            grant: self.grant,
        }
    }
}
