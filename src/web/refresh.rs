use web_sys::Response;

use super::bindings::{self, view};
use crate::core::RefreshEnd;

/// What the refresh was answered.
pub(crate) fn read_end(response: &Response) -> RefreshEnd {
    let status = response.status();
    RefreshEnd::Answered {
        status,
        // It is sent so that the browser does not follow redirects, and a redirect then has no status. A service
        // worker or an injected fetch may follow one all the same.
        redirected: response.redirected() || status == 0,
        retry_after: retry_after(response),
    }
}

/// `Retry-After` in milliseconds: it comes as seconds or as a date (RFC 9110 section 10.2.3).
fn retry_after(response: &Response) -> Option<f64> {
    let value = view::<bindings::Headers>(&response.headers()).get("retry-after");
    if value.is_null() {
        return None;
    }
    let seconds = bindings::to_number(&value);
    let milliseconds = if seconds.is_nan() {
        bindings::parse_date(&value) - js_sys::Date::now()
    } else {
        seconds * 1_000.0
    };
    (!milliseconds.is_nan()).then_some(milliseconds)
}
