//! What the end-to-end tests stand on: a server of the test's own, and a page of it in a real browser, in whichever
//! engine `KEEPFRESH_BROWSER` names.
//!
//! Everything is as users have it: the package as it is built, imported by a page; `HttpOnly` cookies; the demo
//! server, in this process, which counts and notes what arrives. A test is a script that runs in the page, and what
//! is expected of its result:
//!
//! ```no_run
//! # use keepfresh_e2e::Page;
//! # use serde_json::json;
//! # #[tokio::main] async fn main() {
//! let page = Page::signed_in().await;
//! let seen = page
//!     .run(
//!         r#"
//!             await lab.expireAccess();
//!             const response = await newClient().fetch("/api/me");
//!             return { status: response.status, trail: await lab.trail("/api/me") };
//!         "#,
//!     )
//!     .await;
//! assert_eq!(seen, json!({ "status": 200, "trail": [401, 200] }));
//! # }
//! ```
//!
//! What scripts find in the page beside the web's own is in `page.js`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "to panic is how a test says that it cannot go on"
)]

mod browser;
mod console;
mod driver;
mod engine;
mod held;
mod page;
mod pool;
mod server;
mod tabs;

pub use browser::{Browser, Mode};
pub use engine::Engine;
pub use fantoccini::wd::WindowHandle;
pub use held::Held;
pub use page::Page;
pub use server::{Config, Running, demo, serve, usual, with_pages};
pub use tabs::{Setting, Tab, Tabs};
