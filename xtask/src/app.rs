//! The examples: front ends in Rust, built with Rust alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use wasm_bindgen_cli_support::Bindgen;
use xshell::Shell;

use crate::cargo::{artifact, cargo};
use crate::size::Size;
use crate::{engine, readme, size, step, tools};

/// How the page knows the app: as `app.js`, which loads `app_bg.wasm`.
const STEM: &str = "app";

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum App {
    Leptos,
}

impl App {
    /// Builds the app as it is meant to be; returns the folder to serve.
    pub(crate) fn build(self, sh: &Shell) -> Result<PathBuf> {
        let wasm = self.compile(sh, "")?;
        let source = self.directory(sh);
        let dist = source.join("dist");
        bind(&wasm, &dist)?;
        for file in ["index.html", "start.js", "style.css"] {
            sh.copy_file(source.join(file), &dist)?;
        }
        Ok(dist)
    }

    /// Prints what keepfresh adds to the app; an error if the README says otherwise. `write`: the README is made to
    /// agree.
    pub(crate) fn cost(self, sh: &Shell, write: bool) -> Result<()> {
        let [wasm, glue] = self.measure(sh, "")?;
        let [wasm_without, glue_without] = self.measure(sh, "--no-default-features")?;
        let table = size::table(&[wasm - wasm_without, glue - glue_without]);
        print!("{table}");
        readme::agree(sh, "app", &table, write, size::WRITE)
    }

    fn measure(self, sh: &Shell, features: &str) -> Result<[Size; 2]> {
        let wasm_opt = tools::npm(sh, "wasm-opt")?;
        let wasm = self.compile(sh, features)?;
        let bound = wasm.with_extension("measured");
        bind(&wasm, &bound)?;
        let wasm = bound.join(format!("{STEM}_bg.wasm"));
        engine::optimize(sh, &wasm_opt, &wasm, &["-Oz"])?;
        let glue = size::minify(sh, &bound.join(format!("{STEM}.js")))?;
        Ok([
            size::size("added to the wasm", &fs::read(wasm)?)?,
            size::size("added to its glue, minified", &glue)?,
        ])
    }

    fn compile(self, sh: &Shell, features: &str) -> Result<PathBuf> {
        tools::wasm_target(sh)?;
        let package = match self {
            Self::Leptos => "keepfresh-example-leptos",
        };
        step(&format!("building {package} {features}"));
        let profile = "--release --target wasm32-unknown-unknown";
        let build = cargo(
            sh,
            &format!("build --package {package} {profile} {features}"),
        )
        // Stripping takes along the section that tells wasm-bindgen what the engine may use.
        .env("CARGO_PROFILE_RELEASE_STRIP", "none")
        .env("CARGO_ENCODED_RUSTFLAGS", engine::anonymous_paths(sh));
        artifact(build, package, "wasm")
    }

    fn directory(self, sh: &Shell) -> PathBuf {
        let name = match self {
            Self::Leptos => "leptos",
        };
        sh.current_dir().join("examples").join(name)
    }
}

fn bind(wasm: &Path, directory: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .out_name(STEM)
        .web(true)?
        .omit_default_module_path(false)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(directory)
}
