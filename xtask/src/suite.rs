//! The test suites, from the quickest to the one that takes everything together.

use std::time::Instant;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::app::App;
use crate::browser::Browser;
use crate::cargo::cargo;
use crate::matrix::Matrix;
use crate::{backends, consumers, engine, package, size, step, tally, tools};

/// Where in a browser the shell's tests run, as wasm-bindgen's test runner calls it.
const PLACES: [(&str, &str); 3] = [
    ("window", "WASM_BINDGEN_USE_BROWSER"),
    ("dedicated worker", "WASM_BINDGEN_USE_DEDICATED_WORKER"),
    ("service worker", "WASM_BINDGEN_USE_SERVICE_WORKER"),
];

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Suite {
    /// The engine's core, the demo server and these commands, on the host
    Core,
    /// The engine's shell, compiled to WebAssembly, in browsers: in a window and in workers
    Browser,
    /// The npm package: its parts in Node, its size, and its tarball in small apps
    Package,
    /// Browsers against the demo server
    E2e,
    /// The package over servers that people run, each as its own docs set it up
    Backends,
}

/// Runs all suites or one; a suite that fails does not keep the others from running.
/// `write`: what is seen of the backends is written into the README.
pub(crate) fn run(
    sh: &Shell,
    only: Option<Suite>,
    browser: Option<Browser>,
    write: bool,
) -> Result<()> {
    let start = Instant::now();
    let browsers = browser
        .as_ref()
        .map_or(Browser::value_variants(), std::slice::from_ref);
    let mut matrix = Matrix::default();
    let suites = only
        .as_ref()
        .map_or(Suite::value_variants(), std::slice::from_ref);
    let mut passed = Vec::new();
    let mut failed = Vec::new();
    for suite in suites {
        let name = format!("{suite:?}").to_lowercase();
        step(&format!("testing: {name}"));
        match suite.run(sh, browsers, write, &mut matrix) {
            Ok(count) => passed.push(format!("{name} {count}")),
            Err(error) => {
                eprintln!("xtask: {name}: {error:#}");
                failed.push(name);
            }
        }
    }
    print!("{matrix}");
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
    fn run(
        self,
        sh: &Shell,
        browsers: &[Browser],
        write: bool,
        matrix: &mut Matrix,
    ) -> Result<u32> {
        match self {
            // One after the other: together they would be built with each other's features, all anew.
            Suite::Core => ["keepfresh", "keepfresh-demo-server", "xtask"]
                .map(|package| test(sh, package))
                .into_iter()
                .sum(),
            Suite::Browser => {
                tools::wasm_target(sh)?;
                // Cargo would build it too, but in silence, and it takes minutes the first time.
                step("building wasm-bindgen's test runner");
                cargo(sh, "build --package keepfresh-wasm-runner").run()?;
                each(browsers, |browser| {
                    browser.prepare(sh)?;
                    PLACES
                        .iter()
                        .map(|place| shell_tests(sh, browser, *place))
                        .sum()
                })
            }
            Suite::Package => {
                let units = units(sh)?;
                let tarball = package::pack(sh)?;
                package::lint(sh, &tarball)?;
                size::check(sh, false)?;
                App::Leptos.cost(sh, false)?;
                consumers::build(sh, &tarball)?;
                Browser::Chromium.prepare(sh)?;
                let tests = "test --package keepfresh-e2e --features consumers --test consumers";
                let tests = cargo(sh, tests).env("KEEPFRESH_TARBALL", tarball);
                let passed = tally::run(Browser::Chromium.with(sh, tests), |_, _| {})?;
                consumers::check_table(sh, false)?;
                Ok(units + passed)
            }
            Suite::E2e => {
                // With all that is published: one of the entries is in no other build.
                engine::build_release(sh)?;
                App::Leptos.build(sh)?;
                // Of them, axe-core.
                tools::install(sh, &sh.current_dir())?;
                each(browsers, |browser| {
                    browser.prepare(sh)?;
                    matrix.begin(browser);
                    step(&format!("testing: {}", browser.name()));
                    let tests = cargo(sh, "test --no-fail-fast --package keepfresh-e2e");
                    tally::run(browser.with(sh, tests), |test, passed| {
                        matrix.note(test, passed)
                    })
                })
            }
            Suite::Backends => {
                engine::build(sh)?;
                backends::install(sh)?;
                Browser::Chromium.prepare(sh)?;
                let tests = "test --package keepfresh-e2e --features backends --test backends";
                let tests = Browser::Chromium.with(sh, cargo(sh, tests));
                let passed = tally::run(tests, |_, _| {})?;
                backends::check_table(sh, write)?;
                Ok(passed)
            }
        }
    }
}

/// The package's own JavaScript, where it needs no browser.
fn units(sh: &Shell) -> Result<u32> {
    engine::build(sh)?;
    tools::node(sh)?;
    let tests = cmd!(sh, "node --test --test-reporter=spec tests/package");
    tally::run(tests.quiet(), |_, _| {})
}

fn test(sh: &Shell, package: &str) -> Result<u32> {
    let arguments = format!("test --no-fail-fast --package {package}");
    tally::run(cargo(sh, &arguments), |_, _| {})
}

/// What runs in one browser, in one after the other. One that fails does not keep the others from running.
fn each(browsers: &[Browser], mut run: impl FnMut(Browser) -> Result<u32>) -> Result<u32> {
    let mut passed = 0;
    let mut failed = Vec::new();
    for &browser in browsers {
        match run(browser) {
            Ok(count) => passed += count,
            Err(error) => failed.push(format!("{}: {error:#}", browser.name())),
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(passed)
}

fn shell_tests(sh: &Shell, browser: Browser, (place, variable): (&str, &str)) -> Result<u32> {
    step(&format!("testing: {}, {place}", browser.name()));
    let tests = "--test browser --test rust_edge --features js,serde --no-fail-fast";
    let tests = cargo(
        sh,
        &format!("test --package keepfresh {tests} --target wasm32-unknown-unknown"),
    );
    let tests = browser.with(sh, tests.env(variable, "1"));
    tally::run(browser.on_screen(sh, tests), |_, _| {})
}
