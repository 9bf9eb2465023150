//! The server over real HTTP, in this process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod access;
mod api;
mod browser;
mod files;
mod lab;
mod lab_sessions;
mod origins;
mod rotation;
mod start_and_stop;
mod tls;
mod under_attack;

use std::time::Duration;

use keepfresh_demo_server::{Config, Running, Server};

/// On a free port, with its database in memory and the lab at hand.
fn config() -> Config {
    Config {
        port: 0,
        memory: true,
        lab: true,
        ..Config::default()
    }
}

/// No consumed token is forgiven.
fn strict() -> Config {
    Config {
        leeway: Duration::ZERO,
        ..config()
    }
}

async fn start(config: Config) -> Running {
    Server::bind(config).await.unwrap().spawn()
}
