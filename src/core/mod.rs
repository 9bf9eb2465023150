//! The core that decides: which requests are guarded, when to refresh, what to replay, what a caller gets.
//!
//! It does no I/O and has no clock. [`Session`] is told what happened (`handle_*`, each with `now`) and says
//! what to do next (`poll_action`, `poll_timeout`). Nothing of the web is imported here; the build for the
//! host, where there is no web, keeps it so.

mod action;
mod backoff;
mod calls;
mod cookie;
mod doubt;
mod epoch;
mod flight;
mod lease;
mod lifetime;
mod outcome;
mod pacing;
mod peers;
mod policy;
mod refresh;
// The JavaScript edge has its own.
#[cfg(any(test, feature = "client"))]
mod scope;
mod session;

#[cfg(test)]
mod tests;

pub(crate) use action::{Action, Cause, Event, Failure};
pub(crate) use calls::{CallId, ClientId};
pub(crate) use cookie::Grant;
pub(crate) use flight::Credit;
pub(crate) use lifetime::Lifetime;
pub(crate) use outcome::{Outcome, RefreshEnd};
pub(crate) use peers::{Key, News, Word};
#[cfg(test)]
pub(crate) use policy::Answer;
#[cfg(any(test, feature = "client"))]
pub(crate) use policy::{Cookies, Credentials};
pub(crate) use policy::{Facts, Policy};
#[cfg(any(test, feature = "client"))]
pub(crate) use scope::{Address, Endpoint, Place, Scope, is_read, is_unsafe};
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) use session::imprint::Imprint;
pub(crate) use session::{Kind, Session, Standing};

/// Milliseconds: a span, or a moment on the monotonic clock that the shell reads.
pub(crate) type Millis = f64;
