//! The browsers that the tests run in, each driven over its WebDriver.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;
use xshell::{Cmd, Shell, cmd};

use crate::cargo::cargo;
use crate::step;

const GECKODRIVER: &str = "0.37.1";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Browser {
    Chromium,
    Firefox,
    Webkit,
}

impl Browser {
    pub(crate) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Makes sure that the browser and its driver are there.
    pub(crate) fn prepare(self, sh: &Shell) -> Result<()> {
        if sh.var_os(self.variable()).is_none() && !self.is_there() {
            self.install(sh)?;
        }
        if self == Browser::Firefox && sh.var_os(self.variable()).is_none() {
            geckodriver(sh)?;
        }
        Ok(())
    }

    /// Has the tests run in this browser and no other.
    pub(crate) fn with<'a>(self, sh: &Shell, mut tests: Cmd<'a>) -> Cmd<'a> {
        for other in Self::value_variants() {
            tests = tests.env_remove(other.variable());
        }
        tests
            .env(self.variable(), self.driver(sh))
            .env("KEEPFRESH_BROWSER", self.name())
    }

    /// The screen that it needs, for tests that bring none.
    pub(crate) fn on_screen<'a>(self, sh: &'a Shell, tests: Cmd<'a>) -> Cmd<'a> {
        if self != Browser::Webkit {
            return tests;
        }
        let inner: std::process::Command = tests.into();
        let changes = inner.get_envs();
        let with =
            |cmd: Cmd<'a>, (name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| match value
            {
                Some(value) => cmd.env(name, value),
                None => cmd.env_remove(name),
            };
        changes
            .fold(cmd!(sh, "xvfb-run --auto-servernum").quiet(), with)
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .arg(inner.get_program())
            .args(inner.get_args())
    }

    /// Where wasm-bindgen's test runner looks for a driver, and ours too.
    fn variable(self) -> &'static str {
        match self {
            Browser::Chromium => "CHROMEDRIVER",
            Browser::Firefox => "GECKODRIVER",
            Browser::Webkit => "SAFARIDRIVER",
        }
    }

    fn driver(self, sh: &Shell) -> OsString {
        let usual = match self {
            Browser::Chromium => "chromedriver".into(),
            Browser::Firefox if found("geckodriver") => "geckodriver".into(),
            Browser::Firefox => installed_geckodriver(sh).into(),
            Browser::Webkit => "WebKitWebDriver".into(),
        };
        sh.var_os(self.variable()).unwrap_or(usual)
    }

    fn is_there(self) -> bool {
        match self {
            Browser::Chromium => found("chromedriver"),
            Browser::Firefox => found("firefox") || found("firefox-esr"),
            Browser::Webkit => ["WebKitWebDriver", "Xvfb", "xvfb-run", "xauth"]
                .into_iter()
                .all(found),
        }
    }

    fn install(self, sh: &Shell) -> Result<()> {
        let (name, packages) = match self {
            Browser::Chromium => ("Chromium and chromedriver", "chromium chromium-driver"),
            Browser::Firefox => ("Firefox", "firefox-esr"),
            Browser::Webkit => (
                "WebKitGTK's driver and Xvfb",
                "webkit2gtk-driver xvfb xauth",
            ),
        };
        let root = cmd!(sh, "id -u")
            .quiet()
            .ignore_stderr()
            .read()
            .is_ok_and(|user| user == "0");
        if !root || !found("apt-get") {
            bail!("install {name} (Debian, as root: apt-get install {packages})");
        }
        step(&format!("installing {name}"));
        let apt = || {
            cmd!(sh, "apt-get -qq")
                .env("DEBIAN_FRONTEND", "noninteractive")
                .quiet()
        };
        apt().arg("update").run()?;
        apt()
            .args(["install", "-y"])
            .args(packages.split(' '))
            .run()?;
        Ok(())
    }
}

/// Firefox's driver is a crate, and in no Debian package.
fn geckodriver(sh: &Shell) -> Result<()> {
    if found("geckodriver") || installed_geckodriver(sh).exists() {
        return Ok(());
    }
    step("building geckodriver, once, for some minutes");
    let install = cargo(sh, "install --quiet --locked geckodriver --version");
    install
        .arg(GECKODRIVER)
        .arg("--root")
        .arg(tools(sh))
        .run()?;
    Ok(())
}

fn installed_geckodriver(sh: &Shell) -> PathBuf {
    tools(sh).join("bin/geckodriver")
}

/// Among what is built, and so kept where that is kept.
fn tools(sh: &Shell) -> PathBuf {
    let target = sh.var_os("CARGO_TARGET_DIR").unwrap_or("target".into());
    sh.current_dir().join(target).join("tools")
}

fn found(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
