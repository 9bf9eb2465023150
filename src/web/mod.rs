//! The shell that acts: it turns the core's actions into fetch, timers and events, and what comes back into
//! the core's `handle_*`. It decides nothing.

mod bindings;
mod body;
mod client;
mod driver;
mod peers;
mod refresh;
mod timer;

#[cfg(feature = "js")]
pub(crate) use bindings::view;
pub(crate) use client::Client;

use std::cell::RefCell;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use web_sys::Response;

use crate::core::{Cause, Event, Facts, Failure, Key};

/// A request as it was when its caller made it, to be sent as often as need be with the same bytes.
///
/// An edge knows what its callers may still change, and keeps a copy of that. What may change from one sending to the
/// next (the CSRF header) is computed at each.
pub(crate) trait Outgoing {
    /// Sends it, once more. `again`: not for the first time, and so past the HTTP cache.
    fn send(&self, again: bool) -> Result<Promise, JsValue>;
    /// What there is to see of its answer.
    fn read(&self, response: &Response) -> Facts;
    /// The signal that aborts it, or `undefined`.
    fn signal(&self) -> JsValue;
    /// Of a sign-in that has been answered: how long the access token lives, in milliseconds; `NaN` if nobody says.
    fn lifetime(&self) -> f64;
    /// Likewise: tells whose the session is from whose others are; 0 if nobody says.
    fn subject(&self) -> u32;
}

/// What an edge does for the shell: it knows how its callers speak.
pub(crate) trait Edge {
    /// Sends the refresh, and gives it up after three times the time that it is given: until then a late answer is welcome. Its
    /// `Idempotency-Key` is made of `key`. The promise is of five numbers: the status (0: a
    /// redirect), `Retry-After` in milliseconds, what `interpret` said, the lifetime in milliseconds, and what tells
    /// the subject from others. What is not known is `NaN`, or 0.
    fn refresh(&self, key: Key) -> Result<Promise, JsValue>;
    /// The error that a caller is rejected with. `cause` is why the refresh failed: what `fetch` rejected with, or
    /// the status of the answer.
    fn error(&self, failure: Failure, cause: &JsValue) -> JsValue;
    /// Tells whoever listens. `peer`: another client brought it about. `status`: that of the answer behind it, or 0.
    fn announce(&self, event: Event, cause: Cause, peer: bool, status: u16);
}

/// An edge, and a request that came by it. Where only the JavaScript edge is compiled in, they are of no other kind, and
/// nothing is to be looked up at a call.
#[cfg(all(feature = "js", not(feature = "client")))]
mod any {
    pub(crate) use super::{Edge, Outgoing};
    pub(crate) use crate::js::{Host as AnyEdge, Request as AnyOutgoing};
}
#[cfg(not(all(feature = "js", not(feature = "client"))))]
mod any {
    pub(crate) use super::{Edge, Outgoing};

    pub(crate) type AnyEdge = Box<dyn Edge>;
    pub(crate) type AnyOutgoing = Box<dyn Outgoing>;

    impl<E: Edge + 'static> From<E> for AnyEdge {
        fn from(edge: E) -> Self {
            Box::new(edge)
        }
    }

    impl<O: Outgoing + 'static> From<O> for AnyOutgoing {
        fn from(request: O) -> Self {
            Box::new(request)
        }
    }
}

/// A short look at something shared. It never lasts while other code runs, so it cannot meet itself; were it to, doing
/// nothing would be better than the panic of `borrow_mut`, which costs a kilobyte besides.
pub(crate) fn update<T, R: Default>(shared: &RefCell<T>, how: impl FnOnce(&mut T) -> R) -> R {
    shared
        .try_borrow_mut()
        .map(|mut value| how(&mut value))
        .unwrap_or_default()
}
