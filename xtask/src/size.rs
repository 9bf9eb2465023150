//! How much a page has to download, the budgets for it, and what it is made of.

use std::fs;
use std::io::Write;
use std::ops::Sub;
use std::path::Path;

use anyhow::{Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use walrus::{FunctionKind, Module};
use xshell::{Shell, cmd};

use crate::{engine, readme, tools};

/// For the default entry, bundled and minified, in bytes after gzip.
const DEFAULT_BUDGET: usize = 25_700;
const DEFAULT_AIM: usize = 16_000;
/// For the lean entry and its wasm, in bytes after brotli.
const SLIM_BUDGET: usize = 22_700;
const SLIM_AIM: usize = 14_000;
/// For the entry that needs no WebAssembly, in bytes after gzip.
const JS_BUDGET: usize = 30_400;
const JS_AIM: usize = 19_000;
/// What writes the figures into the README.
pub(crate) const WRITE: &str = "cargo xtask size --write";
/// How many functions are listed.
const LARGEST: usize = 25;

/// One line of a table: bytes as they are, and packed.
pub(crate) struct Size {
    name: &'static str,
    raw: usize,
    gzip: usize,
    brotli: usize,
}

/// What one has more than the other.
impl Sub for Size {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            name: self.name,
            raw: self.raw - other.raw,
            gzip: self.gzip - other.gzip,
            brotli: self.brotli - other.brotli,
        }
    }
}

/// Prints the sizes of what was built last; an error if one is over its budget, or if the README says otherwise.
/// `write`: the README is made to agree.
pub(crate) fn check(sh: &Shell, write: bool) -> Result<()> {
    let sizes = measure(sh)?;
    let table = table(&sizes);
    print!("{table}");
    let [wasm, _, default, slim, js] = &sizes;
    budget("index.js, gzip", default.gzip, DEFAULT_BUDGET, DEFAULT_AIM)?;
    let lean = slim.brotli + wasm.brotli;
    budget(
        "slim.js and keepfresh.wasm, brotli",
        lean,
        SLIM_BUDGET,
        SLIM_AIM,
    )?;
    budget("js.js, gzip", js.gzip, JS_BUDGET, JS_AIM)?;
    readme::agree(sh, "sizes", &table, write, WRITE)
}

/// Prints the largest functions of the engine.
pub(crate) fn functions(sh: &Shell) -> Result<()> {
    let module = Module::from_file(engine::with_names(sh)?)?;
    let mut functions: Vec<_> = module
        .funcs
        .iter()
        .filter_map(|function| match &function.kind {
            FunctionKind::Local(local) => {
                let bytes = local.original_range.as_ref()?.len();
                Some((bytes, function.name.as_deref().unwrap_or("nameless")))
            }
            _ => None,
        })
        .collect();
    functions.sort_unstable_by(|one, other| other.cmp(one));
    let all: usize = functions.iter().map(|(bytes, _)| bytes).sum();
    println!(
        "{all} bytes in {} functions of the wasm; the largest:",
        functions.len()
    );
    for (bytes, name) in functions.iter().take(LARGEST) {
        println!("{bytes:>8}  {:#}", rustc_demangle::demangle(name));
    }
    Ok(())
}

fn measure(sh: &Shell) -> Result<[Size; 5]> {
    let engine = engine::directory(sh);
    let package = sh.current_dir().join("pkg");
    Ok([
        size(
            "`keepfresh.wasm`",
            &fs::read(engine.join("keepfresh.wasm"))?,
        )?,
        size("its glue, minified", &minify(sh, &engine.join("glue.js"))?)?,
        size(
            "`keepfresh`, all in one",
            &minify(sh, &package.join("index.js"))?,
        )?,
        size(
            "`keepfresh/slim`, less the wasm",
            &minify(sh, &package.join("slim.js"))?,
        )?,
        size(
            "`keepfresh/js`, all in one",
            &minify(sh, &package.join("js.js"))?,
        )?,
    ])
}

/// In Markdown.
pub(crate) fn table(sizes: &[Size]) -> String {
    let mut table = String::from("| bytes | raw | gzip | brotli |\n| --- | --: | --: | --: |\n");
    for Size {
        name,
        raw,
        gzip,
        brotli,
    } in sizes
    {
        table += &format!("| {name} | {raw} | {gzip} | {brotli} |\n");
    }
    table
}

fn budget(what: &str, bytes: usize, budget: usize, aim: usize) -> Result<()> {
    println!("{what}: {bytes} of {budget} (aim {aim})");
    ensure!(
        bytes <= budget,
        "{what}: {} bytes over the budget",
        bytes - budget
    );
    Ok(())
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

pub(crate) fn size(name: &'static str, content: &[u8]) -> Result<Size> {
    Ok(Size {
        name,
        raw: content.len(),
        gzip: gzip(content)?,
        brotli: brotli(content)?,
    })
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
