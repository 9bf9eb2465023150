//! Runs cargo, and asks it where it put what it built.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;
use xshell::{Cmd, Shell, cmd};

/// Cargo with the given words as its arguments.
pub(crate) fn cargo<'a>(sh: &'a Shell, arguments: &str) -> Cmd<'a> {
    env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| is_own(&name.to_string_lossy()))
        .fold(cmd!(sh, "cargo").quiet(), Cmd::env_remove)
        .args(arguments.split_whitespace())
}

/// Runs a cargo command that builds `target`, and returns the one file of it that `extension` ends
/// (none for an executable). Cargo itself says where that is: a target directory can be set in many ways.
pub(crate) fn artifact(build: Cmd<'_>, target: &str, extension: &str) -> Result<PathBuf> {
    let messages = build
        .arg("--message-format=json-render-diagnostics")
        .read()?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.target.name == target)
        .flat_map(|message| message.filenames)
        .find(|file| file.extension().unwrap_or_default() == extension)
        .with_context(|| format!("cargo built no {target} .{extension}"))
}

/// Whether this is what cargo tells a program that it runs about itself. Build scripts of other
/// packages would take it for a change, and run again.
fn is_own(variable: &str) -> bool {
    variable.starts_with("CARGO_MANIFEST_") || variable.starts_with("CARGO_PKG_")
}

/// Of cargo's messages, the one about a file that it built; the others lack these fields.
#[derive(Deserialize)]
struct Message {
    target: Target,
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}
