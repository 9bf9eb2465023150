//! Everything that can be said about the code without running it.

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::cargo::cargo;
use crate::tools::{self, Program};
use crate::{engine, step};

const CARGO_DENY: Program = Program {
    name: "cargo-deny",
    version: "0.20.2",
};

const CRATES_IO: &str = r#"source = "registry+https://github.com/rust-lang/crates.io-index""#;

/// Stops at the first complaint.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    tools::components(sh)?;
    tools::wasm_target(sh)?;
    format(sh)?;
    lint(sh)?;
    document(sh)?;
    package(sh)?;
    dependencies(sh)?;
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
        // The examples are for browsers alone.
        "--workspace --exclude keepfresh-example-leptos --all-targets",
        "--package keepfresh --target wasm32-unknown-unknown --no-default-features",
        "--package keepfresh --target wasm32-unknown-unknown --no-default-features --features js",
        "--package keepfresh --target wasm32-unknown-unknown",
        "--package keepfresh --target wasm32-unknown-unknown --all-targets --features js,serde",
        "--package keepfresh-example-leptos --target wasm32-unknown-unknown",
        "--package keepfresh-example-leptos --target wasm32-unknown-unknown --no-default-features",
    ] {
        cargo(sh, &format!("clippy {code} -- --deny warnings")).run()?;
    }
    Ok(())
}

fn document(sh: &Shell) -> Result<()> {
    step("documenting");
    for code in [
        "--workspace --exclude keepfresh-example-leptos",
        "--package keepfresh --target wasm32-unknown-unknown --features serde",
        "--package keepfresh --target wasm32-unknown-unknown --features js,serde",
    ] {
        let doc = cargo(sh, &format!("doc --no-deps {code}"));
        doc.env("RUSTDOCFLAGS", "--deny warnings").run()?;
    }
    Ok(())
}

/// The crate as it would be published: what is in it compiles.
fn package(sh: &Shell) -> Result<()> {
    step("packaging the crate");
    cargo(sh, "package --quiet --package keepfresh --allow-dirty").run()?;
    println!(
        "check: no release to compare with yet, so cargo semver-checks has nothing to check the crate against"
    );
    Ok(())
}

/// Licences, bans and sources. Advisories come from a database on GitHub, which is not for a check to wait on.
fn dependencies(sh: &Shell) -> Result<()> {
    tools::build_program(sh, CARGO_DENY)?;
    step("checking the dependencies");
    let deny = tools::program(sh, CARGO_DENY);
    cmd!(
        sh,
        "{deny} --locked --workspace check licenses bans sources"
    )
    .quiet()
    .run()
    .context("see deny.toml")
}

/// The hand-written JavaScript against its types; it imports the engine, so that is built.
fn types(sh: &Shell) -> Result<()> {
    engine::build_release(sh)?;
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
    for lock in npm.quiet().read()?.lines() {
        // A workspace is resolved to its folder.
        let npm = sh.read_file(lock)?;
        let mut resolved = npm.lines().filter(|line| line.contains("\"resolved\":"));
        let foreign = resolved.find(|line| line.contains("://"));
        ensure!(
            foreign.is_none(),
            "{lock} names a registry: {}",
            foreign.unwrap_or_default()
        );
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
