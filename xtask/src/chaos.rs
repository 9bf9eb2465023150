//! The chaos run: random rounds in a real browser.

use anyhow::Result;
use xshell::Shell;

use crate::browser::Browser;
use crate::cargo::cargo;
use crate::{engine, step};

/// Plays rounds; an error if anything was wrong in one of them.
pub(crate) fn run(sh: &Shell, rounds: u64, seed: u64, browser: Browser) -> Result<()> {
    engine::build(sh)?;
    browser.prepare(sh)?;
    step(&format!("chaos: {rounds} rounds from seed {seed}"));
    let arguments = format!(
        "run --quiet --package keepfresh-e2e --bin chaos -- --rounds {rounds} --seed {seed}"
    );
    browser.with(sh, cargo(sh, &arguments)).run()?;
    Ok(())
}
