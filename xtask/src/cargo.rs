//! Runs cargo, and asks it where it put what it built.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Cmd, Shell, cmd};

/// The cargo that runs this command, so that a `cargo +toolchain xtask` keeps its toolchain.
pub(crate) fn cargo<'a>(sh: &'a Shell) -> Cmd<'a> {
    let cargo = env!("CARGO");
    cmd!(sh, "{cargo}").quiet()
}

/// Runs a cargo command that builds `target`, and returns the one file of it that `extension` ends
/// (none for an executable). Cargo itself says where that is: a target directory can be set in many ways.
pub(crate) fn artifact(build: Cmd<'_>, target: &str, extension: &str) -> Result<PathBuf> {
    let messages = build
        .arg("--message-format=json-render-diagnostics")
        .read()?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|message: &Value| message["reason"] == "compiler-artifact")
        .filter(|message| message["target"]["name"] == target)
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(PathBuf::from))
        .find(|file| file.extension().unwrap_or_default() == extension)
        .with_context(|| format!("cargo built no {target} .{extension}"))
}
