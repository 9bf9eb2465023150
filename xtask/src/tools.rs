//! What the commands need beside cargo: found, installed where that can be done unasked, or named
//! in one line.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::cargo::cargo;
use crate::step;

/// Vite's.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// A program that is a crate.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// The one that is built where there is none.
    pub(crate) version: &'static str,
}

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
    install(sh, &sh.current_dir())?;
    let file = if cfg!(windows) {
        format!("{name}.cmd")
    } else {
        name.to_owned()
    };
    Ok(sh.current_dir().join("node_modules/.bin").join(file))
}

/// Installs the npm packages of a folder's lock file, unless they are there.
pub(crate) fn install(sh: &Shell, folder: &Path) -> Result<()> {
    node(sh)?;
    if npm_is_stale(folder) {
        let lock = folder.join("package-lock.json");
        step(&format!(
            "installing the npm packages of {}",
            lock.display()
        ));
        let _there = sh.push_dir(folder);
        // No package needs its install script, and none gets to run one.
        cmd!(sh, "npm ci --ignore-scripts --no-audit --no-fund")
            .quiet()
            .ignore_stdout()
            .run()?;
    }
    Ok(())
}

/// An error if there is no Node, or an old one.
pub(crate) fn node(sh: &Shell) -> Result<()> {
    let (major, minor) = OLDEST_NODE;
    let wanted = || format!("install Node {major}.{minor} or later (https://nodejs.org)");
    let version = cmd!(sh, "node --version")
        .quiet()
        .read()
        .with_context(wanted)?;
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if OLDEST_NODE <= (major, minor) => Ok(()),
        _ => bail!("{}: this is {version}", wanted()),
    }
}

/// Builds a program, unless it is there.
pub(crate) fn build_program(sh: &Shell, program: Program) -> Result<()> {
    let Program { name, version } = program;
    if found(name) || built(sh, name).exists() {
        return Ok(());
    }
    step(&format!("building {name}, once, for some minutes"));
    cargo(
        sh,
        &format!("install --quiet --locked {name} --version {version} --root"),
    )
    .arg(root(sh))
    .run()?;
    Ok(())
}

/// Where a program is that was found or built.
pub(crate) fn program(sh: &Shell, Program { name, .. }: Program) -> PathBuf {
    if found(name) {
        name.into()
    } else {
        built(sh, name)
    }
}

/// Whether the system has it.
pub(crate) fn found(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Where cargo puts what it builds: what else is built is kept there too.
pub(crate) fn target(sh: &Shell) -> PathBuf {
    let target = sh.var_os("CARGO_TARGET_DIR").unwrap_or("target".into());
    sh.current_dir().join(target)
}

fn built(sh: &Shell, name: &str) -> PathBuf {
    root(sh).join("bin").join(name)
}

fn root(sh: &Shell) -> PathBuf {
    target(sh).join("tools")
}

/// npm notes in a lock file of its own when it last installed.
fn npm_is_stale(folder: &Path) -> bool {
    let modified = |file: &str| {
        folder
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
