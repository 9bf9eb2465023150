//! The servers that people run: installed as their lock and requirements files say.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value};
use xshell::{Shell, cmd};

use crate::{readme, step, tools};

/// Where they are.
const HERE: &str = "tests/backends";

/// One of them. Its folder has its name, and so has the test that starts it, with `_` for `-`.
struct Backend {
    name: &'static str,
    /// What the table in the README calls it, with `{}` for the version of each package.
    title: &'static str,
    packages: &'static [&'static str],
}

/// Those in Python, each with requirements of its own.
const PYTHON: [Backend; 3] = [
    Backend {
        name: "flask",
        title: "Flask {}, Flask-JWT-Extended {}",
        packages: &["Flask", "Flask-JWT-Extended"],
    },
    Backend {
        name: "django",
        title: "Django {}, simplejwt {}, dj-rest-auth {}",
        packages: &["Django", "djangorestframework_simplejwt", "dj-rest-auth"],
    },
    Backend {
        name: "fastapi",
        title: "FastAPI {}, AuthX {}",
        packages: &["fastapi", "authx"],
    },
];

/// The npm packages, of one lock file.
const NODE: [Backend; 4] = [
    Backend {
        name: "express",
        title: "Express {}, `GET /refresh`, 403",
        packages: &["express"],
    },
    Backend {
        name: "fastify",
        title: "Fastify {}, @fastify/jwt {}, @fastify/csrf-protection {}",
        packages: &["fastify", "@fastify/jwt", "@fastify/csrf-protection"],
    },
    Backend {
        name: "nestjs",
        title: "NestJS {}, passport-jwt {}",
        packages: &["@nestjs/core", "passport-jwt"],
    },
    Backend {
        name: "graphql-yoga",
        title: "GraphQL Yoga {}, 200 with `errors`",
        packages: &["graphql-yoga"],
    },
];

/// The scenes of the story, as tests/backends/story.js calls them, and as the table does.
const SCENES: [(&str, &str); 10] = [
    ("a wrong password", "wrong password"),
    ("a sign-in", "sign-in"),
    ("20 GETs at expiry", "20 GETs at expiry"),
    ("a POST at expiry", "POST"),
    ("an upload at expiry", "upload"),
    ("two tabs at expiry", "two tabs"),
    ("an answer that is forbidden", "forbidden"),
    ("a sign-out at expiry", "sign-out at expiry"),
    ("a revoked refresh", "revoked"),
    ("a sign-in again", "sign-in again"),
];

pub(crate) fn install(sh: &Shell) -> Result<()> {
    let folder = sh.current_dir().join(HERE);
    tools::install(sh, &folder)?;
    for Backend { name, .. } in PYTHON {
        install_python(sh, &folder.join(name), name)?;
    }
    Ok(())
}

/// An error if the README's table of backends is not what the run has just seen. `write`: it is made so.
pub(crate) fn check_table(sh: &Shell, write: bool) -> Result<()> {
    let table = table(sh)?;
    print!("{table}");
    let command = "cargo xtask test --only backends --write";
    readme::agree(sh, "backends", &table, write, command)
}

/// Backend by scene, and how it went.
fn table(sh: &Shell) -> Result<String> {
    let lock = sh.read_file(Path::new(HERE).join("package-lock.json"))?;
    let lock: Value = serde_json::from_str(&lock)?;
    let (names, lines): (Vec<_>, Vec<_>) =
        SCENES.map(|(_, name)| (name, "---")).into_iter().unzip();
    let mut table = format!(
        "| | {} |\n| --- | {} |\n",
        names.join(" | "),
        lines.join(" | ")
    );
    for backend in PYTHON.iter().chain(&NODE) {
        let seen = tools::target(sh).join(format!("backends/{}.json", backend.name));
        let seen = sh
            .read_file(seen)
            .context("not every backend has been run")?;
        let seen: Map<String, Value> = serde_json::from_str(&seen)?;
        let requirements = Path::new(HERE).join(backend.name).join("requirements.txt");
        let requirements = sh.read_file(requirements).unwrap_or_default();
        let mut title = backend.title.to_owned();
        for package in backend.packages {
            let version = pinned(&requirements, package).or_else(|| locked(&lock, package));
            let version = version.with_context(|| format!("no version of {package}"))?;
            title = title.replacen("{}", version, 1);
        }
        let cells = SCENES.map(|(scene, _)| match seen.get(scene) {
            Some(Value::Bool(true)) => "✓",
            _ => "fails",
        });
        table += &format!("| {title} | {} |\n", cells.join(" | "));
    }
    Ok(table)
}

fn pinned<'a>(requirements: &'a str, package: &str) -> Option<&'a str> {
    let mut lines = requirements.lines();
    lines.find_map(|line| line.strip_prefix(package)?.strip_prefix("=="))
}

fn locked<'a>(lock: &'a Value, package: &str) -> Option<&'a str> {
    let path = format!(
        "/packages/node_modules~1{}/version",
        package.replace('/', "~1")
    );
    lock.pointer(&path)?.as_str()
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
