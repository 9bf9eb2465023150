//! Builds everything and serves the demo page.

use std::process::Command;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::cargo::{artifact, cargo};
use crate::{engine, step};

/// Becomes the demo server; returns only if that fails.
pub(crate) fn run(sh: &Shell, port: u16, release: bool) -> Result<()> {
    if release {
        engine::build_release(sh)?;
    } else {
        engine::build(sh)?;
    }
    step("building the demo server");
    let name = "keepfresh-demo-server";
    let server = artifact(
        cargo(sh).args(["build", "--package", name, "--bin", name]),
        name,
        "",
    )?;
    let database = server.with_file_name("demo.sqlite");
    let port = port.to_string();
    // Life times of seconds, so that a visitor sees a token expire.
    let serve = cmd!(
        sh,
        "{server} --lab --db {database} --www www --pkg pkg --port {port} --access-ttl 20s --refresh-ttl 10m"
    );
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
