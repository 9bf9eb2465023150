//! The browser, started by itself: a driver would attach DevTools, which changes what is measured.

use std::fs;
use std::process::Stdio;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Ends when it is dropped.
pub(crate) struct Browser {
    version: String,
    _process: Child,
    _profile: TempDir,
}

impl Browser {
    /// Opens a page, in a profile of its own.
    pub(crate) async fn start(program: &str, url: &str) -> Result<Self> {
        let missing =
            || format!("cannot start {program}: install Chromium, or name it with --chromium");
        let version = Command::new(program).arg("--version").output().await;
        let version = version.with_context(missing)?.stdout;
        let profile = tempfile::tempdir()?;
        let process = Command::new(program)
            .args([
                "--headless=new",
                // Benches run as root in containers, where Chromium's sandbox cannot be set up.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-quic",
                "--no-first-run",
                "--no-default-browser-check",
                // A process for each site: a cold start is to be one.
                "--site-per-process",
                "--enable-precise-memory-info",
                "--js-flags=--expose-gc",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // Browsers complain of what a container lacks.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(missing)?;
        Ok(Self {
            version: short(&String::from_utf8_lossy(&version)),
            _process: process,
            _profile: profile,
        })
    }

    /// Where and with what it was measured, in one sentence.
    pub(crate) fn setting(&self, rounds: u32) -> String {
        let cores = available_parallelism().map_or(0, usize::from);
        format!(
            "{}, {} cores ({}), {rounds} rounds; {}.",
            self.version,
            cores,
            processor().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            contenders(),
        )
    }
}

/// The name and version, without where it was built.
fn short(version: &str) -> String {
    version
        .split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let model = info.lines().find(|line| line.starts_with("model name"))?;
    Some(model.split_once(':')?.1.trim().to_owned())
}

/// The versions of the others, as package.json pins them.
fn contenders() -> String {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Package {
        dev_dependencies: std::collections::BTreeMap<String, String>,
    }
    serde_json::from_str::<Package>(include_str!("../package.json")).map_or_else(
        |_| String::new(),
        |package| {
            let named = package.dev_dependencies.into_iter();
            named
                .map(|(name, version)| format!("{name} {version}"))
                .collect::<Vec<_>>()
                .join(", ")
        },
    )
}
