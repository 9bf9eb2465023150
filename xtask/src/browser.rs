//! The browsers that the tests run in, each driven over its WebDriver.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::ValueEnum;
use xshell::{Cmd, Shell, cmd};

use crate::step;
use crate::tools::{self, Program, found};

const GECKODRIVER: Program = Program {
    name: "geckodriver",
    version: "0.37.1",
};

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
            // A crate, and in no Debian package.
            tools::build_program(sh, GECKODRIVER)?;
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
            Browser::Firefox => tools::program(sh, GECKODRIVER).into(),
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
