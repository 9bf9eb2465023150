//! What the README says in figures, held to what was measured.

use anyhow::{Context, Result, ensure};
use xshell::Shell;

const README: &str = "README.md";

/// An error if the README's block of that name is not `text`. `write`: it is made so, as by `command`.
pub(crate) fn agree(sh: &Shell, block: &str, text: &str, write: bool, command: &str) -> Result<()> {
    let readme = sh.read_file(README)?;
    let (start, end) = (format!("<!-- {block} -->\n"), format!("<!-- /{block} -->"));
    let (before, rest) = readme
        .split_once(&start)
        .with_context(|| format!("{README} lacks the line {start}"))?;
    let (said, after) = rest
        .split_once(&end)
        .with_context(|| format!("{README} lacks the line {end}"))?;
    if said != text && write {
        sh.write_file(README, format!("{before}{start}{text}{end}{after}"))?;
    }
    ensure!(
        said == text || write,
        "{README} says something else of its {block}: {command}"
    );
    Ok(())
}
