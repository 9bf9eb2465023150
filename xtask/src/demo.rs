//! Builds everything and serves the demo page.

use std::env::consts::EXE_EXTENSION;
use std::process::Command;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::app::App;
use crate::cargo::{artifact, cargo};
use crate::{engine, step};

/// Becomes the demo server; returns only if that fails.
pub(crate) fn run(sh: &Shell, port: u16, release: bool, app: Option<App>) -> Result<()> {
    if release {
        engine::build_release(sh)?;
    } else {
        engine::build(sh)?;
    }
    let www = match app {
        Some(app) => app.build(sh)?,
        None => sh.current_dir().join("www"),
    };
    step("building the demo server");
    let build = cargo(sh, "build --package keepfresh-demo-server");
    let server = artifact(build, "keepfresh-demo-server", EXE_EXTENSION)?;
    let database = server.with_file_name("demo.sqlite");
    let port = port.to_string();
    // Life times so short that a visitor sees a token expire.
    let serve = cmd!(sh, "{server} --lab --access-ttl 20s --refresh-ttl 10m")
        .args(["--pkg", "pkg", "--port", &port])
        .arg("--www")
        .arg(www)
        .arg("--db")
        .arg(database);
    become_process(serve.into())
}

/// Signals and the exit code are the server's own, as if it had been started by hand.
#[cfg(unix)]
fn become_process(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("the demo server does not start")
}

#[cfg(not(unix))]
fn become_process(mut command: Command) -> Result<()> {
    let status = command.status().context("the demo server does not start")?;
    std::process::exit(status.code().unwrap_or(1));
}
