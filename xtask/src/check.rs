//! Everything that can be said about the code without running it.

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::cargo::cargo;
use crate::{engine, step, tools};

const CRATES_IO: &str = r#"source = "registry+https://github.com/rust-lang/crates.io-index""#;

/// Stops at the first complaint.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    tools::components(sh)?;
    tools::wasm_target(sh)?;
    format(sh)?;
    lint(sh)?;
    document(sh)?;
    types(sh)?;
    lock_files(sh)?;
    unfinished(sh)?;
    println!("check: nothing to complain about");
    Ok(())
}

fn format(sh: &Shell) -> Result<()> {
    step("checking the format");
    cargo(sh, "fmt --all --check")
        .run()
        .context("run cargo fmt")
}

fn lint(sh: &Shell) -> Result<()> {
    step("linting");
    for code in [
        "--workspace --all-targets",
        "--package keepfresh --target wasm32-unknown-unknown",
        "--package keepfresh --target wasm32-unknown-unknown --all-targets --features js",
    ] {
        cargo(sh, &format!("clippy {code} -- --deny warnings")).run()?;
    }
    Ok(())
}

fn document(sh: &Shell) -> Result<()> {
    step("documenting");
    for code in [
        "--workspace",
        "--package keepfresh --target wasm32-unknown-unknown --features js",
    ] {
        let doc = cargo(sh, &format!("doc --no-deps {code}"));
        doc.env("RUSTDOCFLAGS", "--deny warnings").run()?;
    }
    Ok(())
}

/// The hand-written JavaScript against its types; it imports the engine's glue, so that is built.
fn types(sh: &Shell) -> Result<()> {
    engine::build(sh)?;
    let tsc = tools::npm(sh, "tsc")?;
    step("checking the types");
    cmd!(sh, "{tsc} --project tsconfig.json")
        .quiet()
        .run()
        .context("types do not agree")
}

/// A lock file that names a mirror works only for those who can reach that mirror.
fn lock_files(sh: &Shell) -> Result<()> {
    let cargo = sh.read_file("Cargo.lock")?;
    for line in cargo.lines().filter(|line| line.starts_with("source")) {
        ensure!(
            line == CRATES_IO,
            "Cargo.lock has a source that is not crates.io: {line}"
        );
    }
    let npm = cmd!(sh, "git ls-files -- package-lock.json */package-lock.json");
    for file in npm.quiet().read()?.lines() {
        let lock = sh.read_file(file)?;
        if let Some(line) = lock.lines().find(|line| line.contains("\"resolved\":")) {
            bail!("{file} names a registry: {line}");
        }
    }
    Ok(())
}

/// What is left to do is written in an issue.
fn unfinished(sh: &Shell) -> Result<()> {
    // The brackets keep this line from finding itself.
    let marks = "TO[D]O|FIX[M]E|XX[X]";
    let found = cmd!(sh, "git grep -nIwE {marks}")
        .quiet()
        .ignore_status()
        .read()?;
    ensure!(found.is_empty(), "unfinished work is marked in:\n{found}");
    Ok(())
}
