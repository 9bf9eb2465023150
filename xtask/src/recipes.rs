//! The code blocks of docs/recipes.md and of the README, made into modules that a page can import.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{step, tools};

/// What the README's block leaves to its reader.
const README_GOES_ON: &str = "console.log((await response.json()).user.name);\n";

/// Bundles each block into `out`, a module by the name of its heading. `consumers` has their libraries installed.
pub(crate) fn build(sh: &Shell, consumers: &Path, out: &Path) -> Result<()> {
    let source = out.with_extension("source");
    sh.remove_path(&source)?;
    sh.remove_path(out)?;
    sh.create_dir(&source)?;
    for (heading, language, code) in blocks(&sh.read_file("docs/recipes.md")?) {
        let name = match heading {
            "Recipes" => "client".to_owned(),
            other => slug(other),
        };
        sh.write_file(source.join(format!("{name}.{language}")), code)?;
    }
    for (_, _, code) in blocks(&sh.read_file("README.md")?) {
        sh.write_file(source.join("readme.js"), format!("{code}{README_GOES_ON}"))?;
    }

    step("bundling the recipes");
    let esbuild = tools::npm(sh, "esbuild")?;
    let files = sh.read_dir(&source)?;
    ensure!(files.len() > 1, "docs/recipes.md has no code blocks");
    let libraries = ["recipes/node_modules", "node_modules"].map(|folder| consumers.join(folder));
    let libraries = std::env::join_paths(libraries).context("a path with a separator in it")?;
    cmd!(
        sh,
        "{esbuild} {files...} --bundle --splitting --format=esm --jsx=automatic --outdir={out}"
    )
    .arg("--define:process.env.NODE_ENV=\"production\"")
    .arg("--log-level=warning")
    .env("NODE_PATH", libraries)
    .quiet()
    .run()?;
    // Nothing but this folder says that they are there.
    fs::metadata(out.join("client.js"))?;
    Ok(())
}

/// The blocks of JavaScript, each with the heading it comes under and its language.
fn blocks(page: &str) -> Vec<(&str, &str, String)> {
    let mut heading = "";
    let mut open: Option<(&str, String)> = None;
    let mut blocks = Vec::new();
    for line in page.lines() {
        match (&mut open, line) {
            (Some((language, code)), "```") => {
                blocks.push((heading, *language, std::mem::take(code)));
                open = None;
            }
            (Some((_, code)), _) => {
                code.push_str(line);
                code.push('\n');
            }
            (None, "```js") => open = Some(("js", String::new())),
            (None, "```jsx") => open = Some(("jsx", String::new())),
            (None, _) if line.starts_with('#') => heading = line.trim_start_matches('#').trim(),
            (None, _) => {}
        }
    }
    blocks
}

fn slug(heading: &str) -> String {
    let words: String = heading
        .chars()
        .map(|character| {
            if character.is_alphanumeric() {
                character.to_ascii_lowercase()
            } else {
                ' '
            }
        })
        .collect();
    words.split_whitespace().collect::<Vec<_>>().join("-")
}
