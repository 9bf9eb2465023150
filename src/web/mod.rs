//! The shell that acts: it turns the core's actions into fetch, timers and events, and what comes back into
//! the core's `handle_*`. It decides nothing.

mod bindings;
mod body;
mod client;
mod driver;
mod refresh;
mod request;
mod timer;

pub(crate) use client::{Client, Config, address_of};
pub(crate) use refresh::RefreshRequest;

use wasm_bindgen::JsValue;

use crate::core::{Cause, Event, Failure};

/// What an edge does for the shell: it knows how its callers speak.
pub(crate) trait Edge {
    /// The fetch to use.
    fn fetch(&self, input: &JsValue, init: &JsValue) -> Result<js_sys::Promise, JsValue>;
    /// The value of the CSRF header as it is to be sent now, or `undefined` if there is none.
    fn csrf(&self) -> JsValue;
    /// The error that a caller is rejected with. `cause` is why the refresh failed: what `fetch` rejected with, or
    /// the status of the answer.
    fn error(&self, failure: Failure, cause: &JsValue) -> JsValue;
    /// Tells whoever listens. `peer`: another client brought it about.
    fn announce(&self, event: Event, cause: Cause, peer: bool);
}
