//! Makes pkg/engine/ from the crate: the wasm, its glue, and the wasm again, deflated, as a
//! JavaScript string. A release has it translated to JavaScript too.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Result;
use base64::prelude::{BASE64_STANDARD, Engine};
use xshell::{Shell, cmd};
use zopfli::{Format, Options};

use crate::cargo::{artifact, cargo};
use crate::glue::{Bound, bind};
use crate::{step, tools, translate};

const NAME: &str = "keepfresh";
const TRANSLATED: &str = "translated.js";
/// What rustc takes for granted of an engine today; wasm-opt assumes less unless told.
pub(crate) const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Twice, with the control flow taken apart in between: it comes together smaller. Nothing of the engine lies in the
/// first kilobyte of its memory, so an offset can go into the load or store that it is for.
const PASSES: [&str; 7] = [
    "--low-memory-unused",
    "-Oz",
    "--flatten",
    "--rereloop",
    "-Oz",
    "-Oz",
    "--converge",
];

/// What LLVM does for speed, also where it is asked for size: it counts several pointers in one loop, and copies a load
/// into the branches that lead to it.
const WITHOUT: [&str; 2] = ["-disable-lsr", "-enable-load-pre=false"];

const STRIP: [&str; 3] = [
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
];

/// Builds with nothing but Rust.
pub(crate) fn build(sh: &Shell) -> Result<()> {
    generate(sh, None)
}

/// Builds what is published: wasm-opt makes it smaller.
pub(crate) fn build_release(sh: &Shell) -> Result<()> {
    let wasm_opt = tools::npm(sh, "wasm-opt")?;
    generate(sh, Some(&wasm_opt))
}

/// Where the generated files go.
pub(crate) fn directory(sh: &Shell) -> PathBuf {
    sh.current_dir().join("pkg/engine")
}

/// The engine as it is published, but with the names of its functions.
pub(crate) fn with_names(sh: &Shell) -> Result<PathBuf> {
    let compiled = compile(sh)?;
    let work = compiled.with_extension("names");
    let wasm_opt = tools::npm(sh, "wasm-opt")?;
    let Bound { wasm, .. } = bind(fs::read(&compiled)?, true, &work)?;
    cmd!(
        sh,
        "{wasm_opt} {wasm} -o {wasm} -g {PASSES...} {FEATURES...}"
    )
    .quiet()
    .run()?;
    Ok(wasm)
}

fn generate(sh: &Shell, wasm_opt: Option<&Path>) -> Result<()> {
    let compiled = compile(sh)?;
    let source = fs::read(&compiled)?;
    let stamp = stamp(sh, &source, wasm_opt.is_some())?;
    let engine = directory(sh);
    if is_current(&engine, &stamp, wasm_opt.is_some()) {
        return Ok(());
    }

    step("writing pkg/engine/");
    let Bound { wasm, glue } = bind(source, false, &compiled.with_extension("engine"))?;
    if let Some(wasm_opt) = wasm_opt {
        step("making the engine small with wasm-opt");
        optimize(sh, wasm_opt, &wasm, &PASSES)?;
    }
    sh.create_dir(&engine)?;
    sh.copy_file(&wasm, engine.join("keepfresh.wasm"))?;
    sh.copy_file(&glue, engine.join("glue.js"))?;
    let translated = engine.join(TRANSLATED);
    // One of another build would be worse than none.
    sh.remove_path(&translated)?;
    if wasm_opt.is_some() {
        step("translating the engine to JavaScript");
        translate::translate(sh, &wasm, &glue, &compiled, &translated)?;
    }
    let inline = BASE64_STANDARD.encode(deflate(&fs::read(&wasm)?)?);
    // Last, because its stamp says that all is there.
    sh.write_file(
        engine.join("inline.js"),
        format!("{stamp}export default \"{inline}\";\n"),
    )?;
    Ok(())
}

/// Makes a module smaller, in place.
pub(crate) fn optimize(sh: &Shell, wasm_opt: &Path, wasm: &Path, passes: &[&str]) -> Result<()> {
    cmd!(
        sh,
        "{wasm_opt} {wasm} -o {wasm} {passes...} {FEATURES...} {STRIP...}"
    )
    .quiet()
    .run()?;
    Ok(())
}

fn compile(sh: &Shell) -> Result<PathBuf> {
    tools::wasm_target(sh)?;
    step("building the engine");
    let crate_type =
        "--package keepfresh --lib --crate-type cdylib --no-default-features --features js";
    let profile = "--release --target wasm32-unknown-unknown";
    let build = cargo(sh, &format!("rustc {crate_type} {profile}"))
        // Apart, as its flags are not those of the examples: in one folder, to build either throws the other away.
        .arg("--target-dir")
        .arg(tools::target(sh).join("engine"))
        // Stripping takes along the section that tells wasm-bindgen what the engine may use.
        .env("CARGO_PROFILE_RELEASE_STRIP", "none")
        .env("CARGO_ENCODED_RUSTFLAGS", flags(sh));
    artifact(build, NAME, "wasm")
}

/// What rustc is told, in the way that allows for spaces in it.
fn flags(sh: &Shell) -> OsString {
    let mut flags = anonymous_paths(sh);
    for option in WITHOUT {
        flags.push("\x1f-Cllvm-args=");
        flags.push(option);
    }
    flags
}

/// A panic says where it happened. Without this what is built would name folders of the machine that
/// built it, and its size would depend on the length of their names.
pub(crate) fn anonymous_paths(sh: &Shell) -> OsString {
    let home = sh.var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = home
        .or_else(|| Some(env::home_dir()?.join(".cargo")))
        .unwrap_or_default();
    let mut flags = OsString::from("--remap-path-prefix=");
    flags.push(cargo);
    flags.push("=cargo");
    flags
}

/// Base64 hides from the server's compression what repeats, so the compressing comes first. By zopfli, because it is
/// done once and downloaded often.
fn deflate(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut deflated = Vec::new();
    zopfli::compress(Options::default(), Format::Deflate, wasm, &mut deflated)?;
    Ok(deflated)
}

/// Names everything that pkg/engine/ is made from. Only equality counts, so a change of the hash
/// between Rust versions does no harm.
fn stamp(sh: &Shell, source: &[u8], release: bool) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    (source, include_str!("engine.rs"), include_str!("glue.rs")).hash(&mut hasher);
    if release {
        include_str!("translate.rs").hash(&mut hasher);
        sh.read_file("package-lock.json")?.hash(&mut hasher);
    }
    Ok(format!(
        "// Written by `cargo xtask build`, from {:016x}.\n",
        hasher.finish()
    ))
}

fn is_current(engine: &Path, stamp: &str, release: bool) -> bool {
    let inline = fs::read_to_string(engine.join("inline.js")).unwrap_or_default();
    inline.starts_with(stamp)
        && engine.join("keepfresh.wasm").exists()
        && engine.join("glue.js").exists()
        && engine.join(TRANSLATED).exists() == release
}
