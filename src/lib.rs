//! A fetch that keeps a session fresh.

mod core;
#[cfg(all(target_arch = "wasm32", feature = "js"))]
mod js;
#[cfg(target_arch = "wasm32")]
mod web;

#[cfg(all(target_arch = "wasm32", feature = "js"))]
pub use js::Engine;
