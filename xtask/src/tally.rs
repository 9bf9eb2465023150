//! Runs tests and counts them: a suite that runs none must not pass for green.

use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use xshell::Cmd;

/// Passes the output of `tests` on as it comes, and returns how many passed.
pub(crate) fn run(tests: Cmd<'_>) -> Result<u32> {
    let name = tests.to_string();
    let mut child = Command::from(tests)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| name.clone())?;
    let output = child.stdout.take().context("the output was asked for")?;

    let mut passed = 0;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        passed += summary(&String::from_utf8_lossy(&line)).unwrap_or(0);
        let mut out = stdout().lock();
        out.write_all(&line)?;
        out.write_all(b"\n")?;
    }
    ensure!(child.wait()?.success(), "failed: {name}");
    ensure!(passed > 0, "ran no test: {name}");
    Ok(passed)
}

/// How many tests passed, if this is the line in which Rust's or Node's test runner says so.
fn summary(line: &str) -> Option<u32> {
    let count = match line.strip_prefix("test result: ok. ") {
        Some(result) => result.split(' ').next()?,
        None => line.strip_prefix("ℹ pass ")?,
    };
    count.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn summaries_of_rust_and_node_are_counted() {
        let rust = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!(summary(rust), Some(12));
        assert_eq!(summary("ℹ pass 3"), Some(3));
    }

    #[test]
    fn other_lines_are_not_counted() {
        for line in [
            "",
            "test one ... ok",
            "test result: FAILED. 1 passed; 1 failed",
            "ℹ tests 3",
        ] {
            assert_eq!(summary(line), None, "{line}");
        }
    }
}
