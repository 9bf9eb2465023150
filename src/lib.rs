//! A fetch that keeps a session fresh, for front ends that are written in Rust.
//!
//! When the API answers `401` because the access token has expired, keepfresh has the server renew it, once for however
//! many requests, and sends each request again with the same bytes. Tokens stay in `HttpOnly` cookies: no JavaScript
//! and no WebAssembly ever sees one.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = keepfresh::Client::builder("/auth/refresh")
//!     .sign_in("/auth/sign-in")
//!     .sign_out("/auth/sign-out")
//!     .build()?;
//!
//! let response = client.get("/api/notes").send().await?;
//! if response.status() == 401 {
//!     // The session is over: show the sign-in.
//! }
//! let notes: Vec<String> = response.json().await?;
//! # Ok(()) }
//! ```
//!
//! Requests and responses are [`gloo_net::http`]'s: what [`Client::get`] and its like cannot say, say with a
//! `Request` of gloo-net's, and hand it to [`Client::send`]. One [`Client`] serves the whole app: keep it in the
//! framework's context. Clients of one page with the same refresh URL share a session.
//!
//! # On a server
//!
//! The crate compiles for every target, so an app that is rendered on a server keeps one source. There is no browser
//! there: a call comes back with [`Error::NeedsBrowser`], and the state is [`State::Unknown`].
//!
//! # Features
//!
//! - `client` (default): what is described here.
//! - `serde`: options from a `JsValue` (`ClientBuilder::from_js`), events and states to one (`Event::to_js`), and
//!   serde's traits for both.
//! - `js`: the exports that the npm package is built from, and an allocator. An app has no use for it, and without it
//!   its WebAssembly has no export of ours.

#[cfg_attr(
    not(all(target_arch = "wasm32", any(feature = "client", feature = "js"))),
    allow(
        dead_code,
        unused_imports,
        reason = "an edge is what uses it; elsewhere only the tests do"
    )
)]
mod core;
#[cfg(all(target_arch = "wasm32", feature = "js"))]
pub mod js;
#[cfg(feature = "client")]
mod rust;
#[cfg(target_arch = "wasm32")]
#[cfg_attr(
    not(any(feature = "client", feature = "js")),
    allow(dead_code, unused_imports, reason = "an edge is what uses it")
)]
mod web;

#[cfg(feature = "client")]
pub use rust::*;

/// What the README says of Rust compiles.
#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;
