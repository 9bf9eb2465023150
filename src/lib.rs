//! A fetch that keeps a session fresh.

#[cfg_attr(
    not(all(target_arch = "wasm32", feature = "js")),
    allow(
        dead_code,
        unused_imports,
        reason = "an edge is what uses it; elsewhere only the tests do"
    )
)]
mod core;
#[cfg(all(target_arch = "wasm32", feature = "js"))]
mod js;
#[cfg(target_arch = "wasm32")]
#[cfg_attr(
    not(feature = "js"),
    allow(dead_code, unused_imports, reason = "an edge is what uses it")
)]
mod web;

#[cfg(all(target_arch = "wasm32", feature = "js"))]
pub use js::Engine;
