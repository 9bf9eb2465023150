//! Runs tests and counts them: a suite that runs none must not pass for green.

use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use xshell::Cmd;

/// Passes the output of `tests` on as it comes, and returns how many passed. Tells `note` of each test of Rust's.
pub(crate) fn run(tests: Cmd<'_>, mut note: impl FnMut(&str, bool)) -> Result<u32> {
    let name = tests.to_string();
    let mut child = Command::from(tests)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| name.clone())?;
    let output = child.stdout.take().context("the output was asked for")?;

    let mut passed = 0;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let text = String::from_utf8_lossy(&line);
        passed += summary(&text).unwrap_or(0);
        if let Some((name, passed)) = test(&text) {
            note(name, passed);
        }
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

/// The test, and whether it passed, if this is the line in which Rust's test runner says so.
fn test(line: &str) -> Option<(&str, bool)> {
    let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    match result {
        "ok" => Some((name, true)),
        "FAILED" => Some((name, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{summary, test};

    #[test]
    fn tests_are_noted_by_name() {
        assert_eq!(test("test r1_one ... ok"), Some(("r1_one", true)));
        assert_eq!(test("test r1_one ... FAILED"), Some(("r1_one", false)));
        assert_eq!(test("test r1_one ... ignored, why"), None);
    }

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
