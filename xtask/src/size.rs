//! How much a page has to download, and the budget for it.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use xshell::{Shell, cmd};

use crate::{engine, tools};

/// For the default entry, bundled and minified, in bytes after gzip.
const BUDGET: usize = 20_000;
const AIM: usize = 14_000;

/// Prints the sizes of what was built last; an error if the default entry is over its budget.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let engine = engine::directory(sh);
    let glue = minify(sh, &engine.join("glue.js"))?;
    let entry = minify(sh, &sh.current_dir().join("pkg/index.js"))?;

    heading();
    report("keepfresh.wasm", &fs::read(engine.join("keepfresh.wasm"))?)?;
    report("glue.js, minified", &glue)?;
    let gzip = report("index.js, all in one", &entry)?;

    println!("budget of index.js: {BUDGET} gzip (aim {AIM})");
    ensure!(
        gzip <= BUDGET,
        "index.js is {} bytes over its budget",
        gzip - BUDGET
    );
    Ok(())
}

pub(crate) fn heading() {
    println!("{:<28}{:>10}{:>10}{:>10}", "bytes", "raw", "gzip", "brotli");
}

/// The module with all that it imports, as a page would get it from a bundler.
pub(crate) fn minify(sh: &Shell, module: &Path) -> Result<Vec<u8>> {
    let esbuild = tools::npm(sh, "esbuild")?;
    let output = cmd!(
        sh,
        "{esbuild} {module} --bundle --minify --format=esm --log-level=warning"
    );
    Ok(output.quiet().output()?.stdout)
}

/// Prints one line; returns the gzip size.
pub(crate) fn report(name: &str, content: &[u8]) -> Result<usize> {
    let gzip = gzip(content)?;
    println!(
        "{name:<28}{:>10}{:>10}{:>10}",
        content.len(),
        gzip,
        brotli(content)?
    );
    Ok(gzip)
}

fn gzip(content: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?.len())
}

fn brotli(mut content: &[u8]) -> Result<usize> {
    let mut packed = Vec::new();
    let best = brotli::enc::BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut content, &mut packed, &best)?;
    Ok(packed.len())
}
