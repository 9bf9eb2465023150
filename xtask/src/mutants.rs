//! Mutation testing of the core: each mutant is a small mistake, and a test is to fail for it.

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::step;
use crate::tools::{self, Program};

const CARGO_MUTANTS: Program = Program {
    name: "cargo-mutants",
    version: "27.1.0",
};

/// First without the model, which takes its time, and with fewer property cases; then the survivors once more with everything.
/// Those that no test can tell from the core as it is are argued for in .cargo/mutants.toml.
pub(crate) fn run(sh: &Shell, jobs: u32, file: Option<&str>) -> Result<()> {
    tools::build_program(sh, CARGO_MUTANTS)?;
    let program = tools::program(sh, CARGO_MUTANTS);
    let (jobs, out) = (jobs.to_string(), tools::target(sh).join("mutants"));
    let pattern = format!("src/core/{}", file.unwrap_or("**/*.rs"));
    sh.create_dir(&out)?;
    let mutants = || {
        cmd!(sh, "{program} mutants --package keepfresh --file {pattern}")
            .args(["--exclude", "src/core/tests/**"])
            .args(["--output".as_ref(), out.as_os_str()])
            .args(["--jobs", &jobs, "--no-shuffle", "--baseline", "skip"])
    };
    step("mutants, without the model");
    sh.set_var("KEEPFRESH_PROPERTY_CASES", "100");
    let first = mutants()
        .args([
            "--timeout",
            "60",
            "--",
            "--lib",
            "--",
            "--skip",
            "core::tests::model",
        ])
        .run();
    if first.is_ok() {
        return Ok(());
    }
    step("those that nothing has caught, with the model");
    sh.set_var("KEEPFRESH_PROPERTY_CASES", "2000");
    mutants()
        .args(["--iterate", "--timeout", "600", "--", "--lib"])
        .run()
        .context("a mutant survives: see target/mutants/mutants.out/missed.txt; write a test that fails for it, or argue for it in .cargo/mutants.toml")
}
