//! The contract on a virtual clock: each test is named as the sentence that it holds us to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails is meant to panic"
)]

mod bodies;
mod facts;
mod learning;
mod lifetime;
mod many_tabs;
// It runs for the host's two cores, not in a browser.
#[cfg(not(target_arch = "wasm32"))]
mod model;
mod one_refresh;
mod outcomes;
mod pass_through;
// proptest draws from the entropy of a host.
#[cfg(not(target_arch = "wasm32"))]
mod properties;
// A URL is parsed there by a crate.
#[cfg(not(target_arch = "wasm32"))]
mod scope;
mod sessions;
mod time;
mod world;
