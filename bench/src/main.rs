//! keepfresh measured against raw fetch and against what people use today: a server, a browser that runs the page of
//! this folder without being watched, and what is made of the figures.
//!
//! `cargo xtask bench` prepares all that it needs, and runs it.

mod browser;
mod figures;
mod goals;
mod picture;
mod server;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use tokio::time::timeout;

use crate::browser::Browser;
use crate::figures::Figures;
use crate::server::{Outcome, Server};

#[derive(Parser)]
#[command(name = "keepfresh-bench", about = "Measure keepfresh in a browser")]
struct Cli {
    /// The bundled page
    #[arg(long)]
    page: PathBuf,
    /// How often everything is measured
    #[arg(long, default_value_t = 30)]
    rounds: u32,
    /// Measure one thing alone: overhead, wire, expiry, storm, cold, memory
    #[arg(long)]
    only: Option<String>,
    /// Measure these contenders alone, beside raw fetch: keepfresh,hand_written
    #[arg(long)]
    against: Option<String>,
    /// The browser to start
    #[arg(long, default_value = "chromium")]
    chromium: String,
    /// Rewrite the figures in README.md and draw docs/bench.svg
    #[arg(long)]
    write: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    if cli.rounds == 0 {
        bail!("--rounds: nothing comes of 0 rounds");
    }
    if cli.write && (cli.only.is_some() || cli.against.is_some()) {
        bail!("--write takes the figures of a whole run: leave out --only and --against");
    }
    let mut server = Server::start(&cli.page).await?;
    let mut url = format!("{}/page/index.html?rounds={}", server.origin(), cli.rounds);
    if let Some(only) = &cli.only {
        url += &format!("&only={only}");
    }
    if let Some(against) = &cli.against {
        url += &format!("&against=raw,raw_again,{against}");
    }
    let browser = Browser::start(&cli.chromium, &url).await?;

    // A page that breaks in earnest says nothing at all.
    let limit = Duration::from_secs(300 + 60 * u64::from(cli.rounds));
    let outcome = timeout(limit, server.outcome())
        .await
        .with_context(|| format!("no figures within {} s", limit.as_secs()))?;
    let figures: Figures = match outcome? {
        Outcome::Measured(figures) => figures,
        Outcome::Failed(why) => bail!("in the page: {why}"),
    };
    let setting = browser.setting(cli.rounds);
    drop(browser);

    println!("{setting}\n");
    print!("{}", table::in_full(&figures));
    let goals = goals::judge(&figures);
    if !goals.is_empty() {
        println!("\n{}", goals::in_words(&goals));
    }
    if cli.write {
        let readme = std::fs::read_to_string("README.md")?;
        let section = format!(
            "{setting}\n\n{}\n{}",
            table::in_short(&figures),
            goals::as_table(&goals)
        );
        std::fs::write("README.md", between_marks(&readme, &section)?)?;
        std::fs::create_dir_all("docs")?;
        std::fs::write(Path::new("docs/bench.svg"), picture::draw(&figures))?;
    }
    Ok(())
}

/// Puts the figures where README.md has the last ones.
fn between_marks(readme: &str, section: &str) -> Result<String> {
    const BEGIN: &str = "<!-- bench: written by `cargo xtask bench --write` -->\n";
    const END: &str = "<!-- /bench -->";
    let marks = "README.md lacks the marks of the bench";
    let (before, rest) = readme.split_once(BEGIN).context(marks)?;
    let (_, after) = rest.split_once(END).context(marks)?;
    Ok(format!(
        "{before}{BEGIN}{}\n{END}{after}",
        section.trim_end()
    ))
}

#[cfg(test)]
mod tests {
    use super::between_marks;

    #[test]
    fn only_what_lies_between_the_marks_is_replaced() {
        let readme =
            "a\n<!-- bench: written by `cargo xtask bench --write` -->\nold\n<!-- /bench -->\nz\n";
        let written = between_marks(readme, "new\n").ok();
        let expected = readme.replace("old", "new");
        assert_eq!(written, Some(expected));
        assert!(between_marks("no marks", "new").is_err());
    }
}
