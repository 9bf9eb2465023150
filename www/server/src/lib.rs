//! The server half of the keepfresh demo: sign-in, rotated refresh tokens, and a small API behind them.
//!
//! It is written to be copied. The backend proper is everything outside [`mod@lab`]: access tokens that are
//! checked without a look-up ([`mod@access`]), refresh tokens that are good for one use ([`mod@families`]),
//! cookies that no script can read ([`mod@cookies`]), and a check of the request's origin ([`mod@origin`]).
//! The lab is a layer around it that makes things go wrong on demand; without `--lab` it is not there.
//!
//! ```no_run
//! # async fn example() -> Result<(), keepfresh_demo_server::StartError> {
//! use keepfresh_demo_server::{Config, Server};
//!
//! let config = Config { port: 0, memory: true, lab: true, ..Config::default() };
//! let server = Server::bind(config).await?.spawn();
//! println!("{}/", server.origin());
//! server.stop().await; // or drop it, which does not wait
//! # Ok(())
//! # }
//! ```
#![allow(
    rustdoc::private_intra_doc_links,
    reason = "the reader has the source; nothing here is published"
)]

mod access;
mod app;
mod attempts;
mod auth;
mod backend;
mod clock;
mod config;
mod connections;
mod cookies;
mod database;
mod failure;
mod families;
mod files;
mod idempotency_key;
mod lab;
mod me;
mod notes;
mod origin;
mod password;
mod refresh_token;
mod server;
mod session;
mod tls;
mod unread;
mod upload;
mod users;

pub use config::Config;
pub use connections::NoAnswer;
pub use origin::{InvalidOrigin, Origin};
pub use server::{Running, Server, StartError};
