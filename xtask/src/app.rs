//! The examples: front ends in Rust, built with Rust alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use wasm_bindgen_cli_support::Bindgen;
use xshell::Shell;

use crate::cargo::{artifact, cargo};
use crate::{engine, size, step, tools};

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

    /// Prints what the app costs its users with keepfresh and without.
    pub(crate) fn measure(self, sh: &Shell) -> Result<()> {
        let wasm_opt = tools::npm(sh, "wasm-opt")?;
        size::heading();
        for (name, features) in [
            ("without keepfresh", "--no-default-features"),
            ("with it", ""),
        ] {
            let wasm = self.compile(sh, features)?;
            let bound = wasm.with_extension("measured");
            bind(&wasm, &bound)?;
            let wasm = bound.join(format!("{STEM}_bg.wasm"));
            engine::optimize(sh, &wasm_opt, &wasm, &["-Oz"])?;
            let glue = size::minify(sh, &bound.join(format!("{STEM}.js")))?;
            size::report(&format!("app.wasm {name}"), &fs::read(wasm)?)?;
            size::report(&format!("app.js {name}"), &glue)?;
        }
        Ok(())
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
        .env("CARGO_PROFILE_RELEASE_STRIP", "none");
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
