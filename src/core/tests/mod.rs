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
// It has a property too.
#[cfg(not(target_arch = "wasm32"))]
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

/// How many cases a property is tried with: fewer where the tests run for each of many mutants.
#[cfg(not(target_arch = "wasm32"))]
fn cases(usual: u32) -> u32 {
    let given = std::env::var("KEEPFRESH_PROPERTY_CASES");
    given.ok().and_then(|it| it.parse().ok()).unwrap_or(usual)
}
