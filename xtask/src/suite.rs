//! The test suites, from the quickest to the one that takes everything together.

use std::time::Instant;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::app::App;
use crate::browser::Browser;
use crate::cargo::cargo;
use crate::{engine, size, step, tally, tools};

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Suite {
    /// The engine's core, the demo server and these commands, on the host
    Core,
    /// The engine's shell, compiled to WebAssembly, in a browser
    Browser,
    /// The npm package: its size, and its tests in Node
    Package,
    /// A browser against the demo server
    E2e,
}

/// Runs all suites or one; a suite that fails does not keep the others from running.
pub(crate) fn run(sh: &Shell, only: Option<Suite>, browser: Browser) -> Result<()> {
    let start = Instant::now();
    let suites = only
        .as_ref()
        .map_or(Suite::value_variants(), std::slice::from_ref);
    let mut passed = Vec::new();
    let mut failed = Vec::new();
    for suite in suites {
        let name = format!("{suite:?}").to_lowercase();
        step(&format!("testing: {name}"));
        match suite.run(sh, browser) {
            Ok(count) => passed.push(format!("{name} {count}")),
            Err(error) => {
                eprintln!("xtask: {name}: {error:#}");
                failed.push(name);
            }
        }
    }
    ensure!(failed.is_empty(), "tests failed: {}", failed.join(", "));
    println!(
        "tests passed: {} in {} s",
        passed.join(", "),
        start.elapsed().as_secs()
    );
    Ok(())
}

impl Suite {
    /// Returns how many tests passed.
    fn run(self, sh: &Shell, browser: Browser) -> Result<u32> {
        match self {
            // One after the other: together they would be built with each other's features, all anew.
            Suite::Core => ["keepfresh", "keepfresh-demo-server", "xtask"]
                .map(|package| test(sh, package))
                .into_iter()
                .sum(),
            Suite::Browser => {
                tools::wasm_target(sh)?;
                browser.prepare(sh)?;
                // Cargo would build it too, but in silence, and it takes minutes the first time.
                step("building wasm-bindgen's test runner");
                cargo(sh, "build --package keepfresh-wasm-runner").run()?;
                let tests = "--test browser --test rust_edge --features js,serde";
                test(
                    sh,
                    &format!("keepfresh {tests} --target wasm32-unknown-unknown"),
                )
            }
            Suite::Package => {
                engine::build_release(sh)?;
                size::check(sh)?;
                // The budget is the first test.
                Ok(1 + package_tests(sh)?)
            }
            Suite::E2e => {
                engine::build(sh)?;
                App::Leptos.build(sh)?;
                browser.prepare(sh)?;
                test(sh, "keepfresh-e2e")
            }
        }
    }
}

fn test(sh: &Shell, package: &str) -> Result<u32> {
    let arguments = format!("test --no-fail-fast --package {package}");
    tally::run(cargo(sh, &arguments))
}

fn package_tests(sh: &Shell) -> Result<u32> {
    if !sh.path_exists("pkg/tests") {
        return Ok(0);
    }
    let mut files = sh.read_dir("pkg/tests")?;
    files.retain(|file| file.to_string_lossy().ends_with(".test.js"));
    tally::run(cmd!(sh, "node --test --test-reporter=spec {files...}").quiet())
}
