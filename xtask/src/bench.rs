//! Measures keepfresh in a browser, beside raw fetch and what people use today.

use anyhow::Result;
use clap::Args;
use xshell::{Shell, cmd};

use crate::browser::Browser;
use crate::cargo::cargo;
use crate::{engine, step, tools};

const FOLDER: &str = "bench";

/// As the bench itself takes them.
#[derive(Args)]
pub(crate) struct Options {
    /// How often everything is measured
    #[arg(long, default_value_t = 30)]
    rounds: u32,
    /// Measure one thing alone: overhead, wire, expiry, storm, cold, memory
    #[arg(long)]
    only: Option<String>,
    /// Measure these contenders alone, beside raw fetch: keepfresh,hand_written
    #[arg(long)]
    against: Option<String>,
    /// Rewrite the figures in README.md and draw docs/bench.svg
    #[arg(long)]
    write: bool,
}

/// Fails if something does not work, and never because something is slow.
pub(crate) fn run(sh: &Shell, options: &Options) -> Result<()> {
    engine::build_release(sh)?;
    let page = bundle(sh)?;
    Browser::Chromium.prepare(sh)?;
    step("building the bench");
    cargo(
        sh,
        "build --quiet --profile bench --package keepfresh-bench",
    )
    .run()?;

    let rounds = options.rounds.to_string();
    let mut run = cargo(
        sh,
        "run --quiet --profile bench --package keepfresh-bench --",
    )
    .args(["--rounds", &rounds])
    .arg("--page")
    .arg(page);
    for (name, value) in [("--only", &options.only), ("--against", &options.against)] {
        if let Some(value) = value {
            run = run.args([name, value]);
        }
    }
    if options.write {
        run = run.arg("--write");
    }
    Ok(run.run()?)
}

/// The page with all contenders in it, and each of them by itself for the cold starts. Returns where it is.
fn bundle(sh: &Shell) -> Result<std::path::PathBuf> {
    let esbuild = tools::npm(sh, "esbuild")?;
    tools::install(sh, &sh.current_dir().join(FOLDER))?;
    let out = sh.current_dir().join("target/bench-page");
    sh.remove_path(&out)?;
    let mut entries = sh.read_dir("bench/contenders")?;
    entries.extend(
        ["main.js", "cold.js", "index.html", "cold.html"]
            .map(|file| format!("bench/page/{file}").into()),
    );
    let how =
        "--bundle --minify --format=esm --outbase=bench --loader:.html=copy --log-level=warning";
    cmd!(sh, "{esbuild} {entries...} --outdir={out}")
        .args(how.split(' '))
        .quiet()
        .run()?;
    Ok(out)
}
