//! `cargo xtask`: the one way to build, run and test keepfresh. See CONTRIBUTING.md.

mod app;
mod backends;
mod bench;
mod browser;
mod cargo;
mod chaos;
mod check;
mod consumers;
mod demo;
mod engine;
mod glue;
mod matrix;
mod mutants;
mod package;
mod readme;
mod recipes;
mod size;
mod suite;
mod tally;
mod tools;
mod translate;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use xshell::Shell;

use crate::app::App;
use crate::browser::Browser;
use crate::suite::Suite;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The commands of the keepfresh project")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the engine into pkg/engine/
    Build {
        /// Make it small (needs Node), measure it, and hold it to its size budget
        #[arg(long)]
        release: bool,
        /// Say what keepfresh adds to this example instead (needs Node)
        #[arg(long, conflicts_with = "release")]
        app: Option<App>,
    },
    /// Build everything and serve the demo page
    Demo {
        /// The port to listen on; 0 for any free one
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Serve the engine as it is published (needs Node)
        #[arg(long)]
        release: bool,
        /// Serve this example in place of the demo page
        #[arg(long)]
        app: Option<App>,
    },
    /// Run the tests, all of them unless told otherwise
    Test {
        #[arg(long)]
        only: Option<Suite>,
        /// The browser to run them in; all of them unless told otherwise
        #[arg(long)]
        browser: Option<Browser>,
        /// How many pairs of arguments are tried with native fetch and with the client's
        #[arg(long, default_value_t = 1_000)]
        cases: u64,
        /// The seed of the first of them
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Write what is seen of the backends into the README
        #[arg(long)]
        write: bool,
    },
    /// Play random rounds of many tabs, and compare what pages were told with the truth
    Chaos {
        /// How many rounds
        #[arg(long, default_value_t = 200)]
        rounds: u64,
        /// The seed of the first round; each one after it has the next
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The browser to play them in
        #[arg(long, default_value = "chromium")]
        browser: Browser,
    },
    /// Put small mistakes into the core, one at a time, and see whether a test fails for each; it takes an hour
    Mutants {
        /// How many are tried at once
        #[arg(long, default_value_t = 2)]
        jobs: u32,
        /// Only those of this file of src/core, "cookie.rs" say
        #[arg(long)]
        file: Option<String>,
    },
    /// Build what is published, and say what it weighs and what in it weighs most
    Size {
        /// Write the figures, and the table of consumers, into the README
        #[arg(long)]
        write: bool,
    },
    /// Measure it against raw fetch and against what people use today (needs Node and Chromium)
    Bench(bench::Options),
    /// Format, lints, docs, types, lock files
    Check,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let sh = Shell::new()?;
    // As cargo runs it, not as it was compiled: clones may share a target directory.
    let here = sh
        .var("CARGO_MANIFEST_DIR")
        .context("run this as `cargo xtask`")?;
    sh.change_dir(Path::new(&here).join(".."));
    match command {
        Command::Build { app: Some(app), .. } => app.cost(&sh, false),
        Command::Build { release: false, .. } => engine::build(&sh),
        Command::Build { release: true, .. } => {
            engine::build_release(&sh)?;
            size::check(&sh, false)
        }
        Command::Demo { port, release, app } => demo::run(&sh, port, release, app),
        Command::Test {
            only,
            browser,
            cases,
            seed,
            write,
        } => {
            sh.set_var("KEEPFRESH_CASES", cases.to_string());
            sh.set_var("KEEPFRESH_SEED", seed.to_string());
            suite::run(&sh, only, browser, write)
        }
        Command::Chaos {
            rounds,
            seed,
            browser,
        } => chaos::run(&sh, rounds, seed, browser),
        Command::Mutants { jobs, file } => mutants::run(&sh, jobs, file.as_deref()),
        Command::Size { write } => {
            engine::build_release(&sh)?;
            if write {
                consumers::check_table(&sh, true)?;
            }
            size::check(&sh, write)?;
            App::Leptos.cost(&sh, write)?;
            size::functions(&sh)
        }
        Command::Bench(options) => bench::run(&sh, &options),
        Command::Check => check::run(&sh),
    }
}

/// Says what a step that may take long is about.
fn step(what: &str) {
    eprintln!("{what} …");
}
