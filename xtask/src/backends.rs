//! The servers that people run: installed as their lock and requirements files say.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::{step, tools};

/// Those in Python. The others are npm packages, of one lock file.
const PYTHON: [&str; 3] = ["django", "fastapi", "flask"];

pub(crate) fn install(sh: &Shell) -> Result<()> {
    let folder = sh.current_dir().join("tests/backends");
    tools::install(sh, &folder)?;
    for name in PYTHON {
        install_python(sh, &folder.join(name), name)?;
    }
    Ok(())
}

/// Into an environment of its own, unless it is there.
fn install_python(sh: &Shell, folder: &Path, name: &str) -> Result<()> {
    let requirements = folder.join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)?;
    let environment = tools::target(sh).join("backends").join(name);
    let stamp = environment.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    step(&format!("installing the Python packages of {name}"));
    cmd!(sh, "python3 -m venv {environment}")
        .quiet()
        .run()
        .context("install Python 3.10 or later, with venv (Debian: python3-venv)")?;
    let pip = environment.join("bin/pip");
    cmd!(
        sh,
        "{pip} install --quiet --disable-pip-version-check --requirement {requirements}"
    )
    .quiet()
    .run()?;
    fs::write(stamp, wanted)?;
    Ok(())
}
