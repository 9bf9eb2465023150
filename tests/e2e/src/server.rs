//! The demo server, in this process.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use keepfresh_demo_server::Server;

pub use keepfresh_demo_server::{Config, Running};

/// What most tests want: a free port, the package and the lab, nothing kept.
///
/// It is strict: a refresh token that is used twice is theft, and ends the session. So a refresh too many is never
/// overlooked.
pub fn usual() -> Config {
    Config {
        port: 0,
        memory: true,
        lab: true,
        leeway: Duration::ZERO,
        pkg: Some(package()),
        ..Config::default()
    }
}

/// The demo page, served as a visitor gets it.
pub fn demo() -> Config {
    Config {
        www: Some(root().join("www")),
        leeway: Config::default().leeway,
        ..usual()
    }
}

/// With the tests' own pages and workers at `/`.
pub fn with_pages(config: Config) -> Config {
    Config {
        www: Some(root().join("tests/e2e/pages")),
        ..config
    }
}

/// Starts a server. Dropped, it stops.
pub async fn serve(config: Config) -> Running {
    match Server::bind(config).await {
        Ok(server) => server.spawn(),
        Err(error) => panic!("{error}"),
    }
}

/// A host that no other server has had: cookies and storage, which browsers keep by it, start empty.
pub(crate) fn own_host() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = u32::from(Ipv4Addr::new(127, 1, 0, 1));
    Ipv4Addr::from(first + NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn package() -> PathBuf {
    let package = root().join("pkg");
    assert!(
        package.join("engine/inline.js").exists(),
        "the package is not built: run cargo xtask build"
    );
    package
}
