//! The npm package as it is published: a tarball, and what it has to be.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use xshell::{Shell, cmd};

use crate::{engine, step, tools};

/// What the tarball holds, in npm's order, and nothing else.
const FILES: [&str; 35] = [
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "answer.js",
    "check/cli.js",
    "check/fit.js",
    "check/jar.js",
    "check/options.js",
    "check/probes.js",
    "check/promises.js",
    "check/report.js",
    "check/visit.js",
    "check/wire.js",
    "client.js",
    "compile.js",
    "engine/glue.js",
    "engine/inline.js",
    "engine/keepfresh.wasm",
    "engine/translated.js",
    "error.js",
    "index.d.ts",
    "index.js",
    "js.d.ts",
    "js.js",
    "loader.js",
    "options.js",
    "package.json",
    "request.js",
    "scope.js",
    "slim.d.ts",
    "slim.js",
    "wait.js",
    "wasm.js",
    "wire.js",
];

/// Builds and packs the package, and returns the tarball. An error if its files are not those listed, or if packing
/// it again makes other bytes.
pub(crate) fn pack(sh: &Shell) -> Result<PathBuf> {
    engine::build_release(sh)?;
    step("packing");
    let npm = sh.current_dir().join("target/npm");
    let staged = stage(sh, &npm)?;
    let first = pack_into(sh, &staged, &npm.join("first"))?;
    let second = pack_into(sh, &staged, &npm.join("second"))?;
    ensure!(
        fs::read(&first)? == fs::read(&second)?,
        "packed twice, the package is not the same: see {}",
        npm.display()
    );
    Ok(first)
}

/// An error if a resolver or TypeScript would trip over the tarball.
pub(crate) fn lint(sh: &Shell, tarball: &Path) -> Result<()> {
    let (publint, attw) = (tools::npm(sh, "publint")?, tools::npm(sh, "attw")?);
    step("linting the package");
    // ESM alone, as the types say; and the wasm is a file, which has none.
    let exceptions = [
        "--profile",
        "esm-only",
        "--exclude-entrypoints",
        "keepfresh.wasm",
    ];
    for lint in [
        cmd!(sh, "{publint} {tarball} --strict"),
        cmd!(sh, "{attw} {tarball} --quiet {exceptions...}"),
    ] {
        lint.quiet().run()?;
    }
    Ok(())
}

/// Unpacks a tarball as npm does, in place of what is there.
pub(crate) fn unpack(sh: &Shell, tarball: &Path, to: &Path) -> Result<()> {
    sh.remove_path(to)?;
    sh.create_dir(to)?;
    cmd!(sh, "tar -xzf {tarball} -C {to} --strip-components=1")
        .quiet()
        .run()?;
    Ok(())
}

/// The folder that is packed: pkg/, with the texts that every package has beside it.
fn stage(sh: &Shell, npm: &Path) -> Result<PathBuf> {
    let staged = npm.join("package");
    sh.remove_path(&staged)?;
    sh.create_dir(staged.join("engine"))?;
    sh.create_dir(staged.join("check"))?;
    for from in ["pkg", "pkg/check", "pkg/engine"] {
        let to = staged.join(from.trim_start_matches("pkg").trim_start_matches('/'));
        for file in sh.read_dir(from)?.into_iter().filter(|path| path.is_file()) {
            sh.copy_file(file, &to)?;
        }
    }
    for text in ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        sh.copy_file(text, &staged)?;
    }
    // In the repository it is one folder up.
    let readme = sh.read_file("README.md")?;
    sh.write_file(staged.join("README.md"), readme.replace("](pkg/", "]("))?;
    Ok(staged)
}

fn pack_into(sh: &Shell, staged: &Path, folder: &Path) -> Result<PathBuf> {
    sh.remove_path(folder)?;
    sh.create_dir(folder)?;
    tools::node(sh)?;
    let _here = sh.push_dir(staged);
    let packed = cmd!(
        sh,
        "npm pack --json --ignore-scripts --pack-destination {folder}"
    )
    .quiet()
    .ignore_stderr()
    .read()?;
    let [packed] = serde_json::from_str::<[Packed; 1]>(&packed).context("npm pack")?;
    let mut files: Vec<_> = packed.files.iter().map(|file| file.path.as_str()).collect();
    files.sort_unstable();
    ensure!(
        files == FILES,
        "the tarball holds other files than are listed in xtask/src/package.rs: {files:?}"
    );
    Ok(folder.join(packed.filename))
}

#[derive(Deserialize)]
struct Packed {
    filename: String,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    path: String,
}
