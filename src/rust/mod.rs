//! The Rust edge: gloo-net's `Request` in, its `Response` out.
//!
//! It is there on the host too, so that an app that is rendered on a server compiles; there is no browser there, and
//! every call says so.

#[cfg(target_arch = "wasm32")]
mod browser;
mod builder;
mod client;
mod csrf;
#[cfg(not(target_arch = "wasm32"))]
mod elsewhere;
mod error;
mod event;
mod interpret;
mod request;
mod trace;
#[cfg(all(target_arch = "wasm32", feature = "serde"))]
mod values;

#[cfg(target_arch = "wasm32")]
use browser::Handle;
#[cfg(not(target_arch = "wasm32"))]
use elsewhere::Handle;

pub use builder::ClientBuilder;
pub use client::Client;
pub use csrf::Csrf;
pub use error::{Error, RefreshError, Rejection};
pub use event::{By, Cause, Event, EventKind, Events, State};
pub use interpret::{Meaning, Outcome, Reply, ReplyOf};
pub use request::{Body, RequestBuilder};
pub use trace::{TraceEntry, Traced, TracedRequest};
