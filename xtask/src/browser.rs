//! The browsers that the tests run in, each driven over its WebDriver.

use anyhow::{Result, bail};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::step;

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Browser {
    Chromium,
}

impl Browser {
    /// Makes sure that the driver is there, and names it to the tests in the variable they look for.
    pub(crate) fn prepare(self, sh: &Shell) -> Result<()> {
        let (variable, driver) = match self {
            Browser::Chromium => ("CHROMEDRIVER", "chromedriver"),
        };
        if sh.var_os(variable).is_some() {
            return Ok(());
        }
        if !runs(sh, driver) {
            self.install(sh)?;
        }
        sh.set_var(variable, driver);
        Ok(())
    }

    fn install(self, sh: &Shell) -> Result<()> {
        let (name, packages) = match self {
            Browser::Chromium => ("Chromium and chromedriver", ["chromium", "chromium-driver"]),
        };
        let root = cmd!(sh, "id -u")
            .quiet()
            .ignore_stderr()
            .read()
            .is_ok_and(|user| user == "0");
        if !root || !runs(sh, "apt-get") {
            bail!(
                "install {name} (Debian, as root: apt-get install {})",
                packages.join(" ")
            );
        }
        step(&format!("installing {name}"));
        let apt = || {
            cmd!(sh, "apt-get -qq")
                .env("DEBIAN_FRONTEND", "noninteractive")
                .quiet()
        };
        apt().arg("update").run()?;
        apt().args(["install", "-y"]).args(packages).run()?;
        Ok(())
    }
}

fn runs(sh: &Shell, program: &str) -> bool {
    cmd!(sh, "{program} --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_ok()
}
