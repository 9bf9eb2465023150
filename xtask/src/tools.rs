//! What the commands need beside cargo: found, installed where that can be done unasked, or named
//! in one line.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::cargo::cargo;
use crate::step;

const OLDEST_NODE: u32 = 20;

/// Adds the wasm32 target if the toolchain lacks it.
pub(crate) fn wasm_target(sh: &Shell) -> Result<()> {
    let target = "wasm32-unknown-unknown";
    let libraries = cmd!(sh, "rustc --print target-libdir --target {target}")
        .quiet()
        .read()?;
    if Path::new(&libraries).exists() {
        return Ok(());
    }
    step("adding the wasm32 target to the Rust toolchain");
    cmd!(sh, "rustup target add {target}")
        .quiet()
        .run()
        .with_context(|| format!("install the Rust target {target} (rustup target add {target})"))
}

/// Adds rustfmt and clippy if the toolchain came without them.
pub(crate) fn components(sh: &Shell) -> Result<()> {
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let found = cargo(sh, &format!("{command} --version"))
            .ignore_stdout()
            .ignore_stderr()
            .run();
        if found.is_err() {
            step(&format!("adding {component} to the Rust toolchain"));
            cmd!(sh, "rustup component add {component}").quiet().run()?;
        }
    }
    Ok(())
}

/// The npm package's command `name`, from the versions that package-lock.json pins.
pub(crate) fn npm(sh: &Shell, name: &str) -> Result<PathBuf> {
    npm_packages(sh)?;
    let file = if cfg!(windows) {
        format!("{name}.cmd")
    } else {
        name.to_owned()
    };
    Ok(sh.current_dir().join("node_modules/.bin").join(file))
}

/// Installs what package-lock.json pins.
pub(crate) fn npm_packages(sh: &Shell) -> Result<()> {
    npm_packages_in(sh, ".")
}

/// Installs what the package-lock.json of that folder pins.
pub(crate) fn npm_packages_in(sh: &Shell, folder: &str) -> Result<()> {
    node(sh)?;
    let _there = sh.push_dir(folder);
    if npm_is_stale(sh) {
        step(&format!(
            "installing the npm packages of {folder}/package-lock.json"
        ));
        // No package needs its install script, and none gets to run one.
        cmd!(sh, "npm ci --ignore-scripts --no-audit --no-fund")
            .quiet()
            .ignore_stdout()
            .run()?;
    }
    Ok(())
}

fn node(sh: &Shell) -> Result<()> {
    let wanted = || format!("install Node {OLDEST_NODE} or later (https://nodejs.org)");
    let version = cmd!(sh, "node --version")
        .quiet()
        .read()
        .with_context(wanted)?;
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    match major {
        Some(major) if OLDEST_NODE <= major => Ok(()),
        _ => bail!("{}: this is {version}", wanted()),
    }
}

/// npm notes in a lock file of its own when it last installed.
fn npm_is_stale(sh: &Shell) -> bool {
    let modified = |file: &str| {
        sh.current_dir()
            .join(file)
            .metadata()
            .and_then(|data| data.modified())
    };
    match (
        modified("node_modules/.package-lock.json"),
        modified("package-lock.json"),
    ) {
        (Ok(installed), Ok(locked)) => installed < locked,
        _ => true,
    }
}
