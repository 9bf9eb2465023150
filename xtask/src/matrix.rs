//! Which rule of the contract holds in which browser, by the names of the tests: `r13_after_a_lost_refresh_...`.

use std::collections::BTreeMap;
use std::fmt;

use crate::browser::Browser;

/// The rules of the contract; those with a letter come with their tests.
const RULES: u32 = 28;

/// How many tests ran, and how many of them passed.
#[derive(Clone, Copy, Default)]
struct Count {
    run: u32,
    passed: u32,
}

/// Printed as a table, once tests have been noted.
#[derive(Default)]
pub(crate) struct Matrix {
    browsers: Vec<Browser>,
    counts: BTreeMap<(Rule, Browser), Count>,
}

impl Matrix {
    /// Takes the tests that follow for tests in this browser.
    pub(crate) fn begin(&mut self, browser: Browser) {
        self.browsers.push(browser);
    }

    pub(crate) fn note(&mut self, test: &str, passed: bool) {
        let Some(browser) = self.browsers.last() else {
            return;
        };
        let count = self.counts.entry((Rule::of(test), *browser)).or_default();
        count.run += 1;
        count.passed += u32::from(passed);
    }

    fn rules(&self) -> Vec<Rule> {
        let tested = self.counts.keys().map(|(rule, _)| *rule);
        let all = (1..=RULES).map(|number| Rule::Number(number, None));
        let mut rules: Vec<_> = tested.chain(all).collect();
        rules.sort();
        rules.dedup();
        rules
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.counts.is_empty() {
            return Ok(());
        }
        write!(f, "{:<8}", "passed")?;
        for browser in &self.browsers {
            write!(f, "{:>12}", browser.name())?;
        }
        for rule in self.rules() {
            write!(f, "\n{:<8}", rule.to_string())?;
            for browser in &self.browsers {
                let count = self.counts.get(&(rule, *browser));
                write!(f, "{:>12}", count.copied().unwrap_or_default().to_string())?;
            }
        }
        writeln!(f)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { run: 0, .. } => f.write_str("no test"),
            Self { run, passed } if run == passed => write!(f, "{passed}"),
            Self { run, passed } => write!(f, "{passed} OF {run}"),
        }
    }
}

/// In the order of the contract; what is about none comes last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    Number(u32, Option<char>),
    Other,
}

impl Rule {
    fn of(test: &str) -> Self {
        let name = test.rsplit("::").next().unwrap_or_default();
        let word = name.split('_').next().unwrap_or_default();
        let number = word.strip_prefix('r').unwrap_or_default();
        let digits = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
        match digits.parse() {
            Ok(number_of_rule) => {
                Self::Number(number_of_rule, number[digits.len()..].chars().next())
            }
            Err(_) => Self::Other,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number, None) => write!(f, "R{number}"),
            Self::Number(number, Some(letter)) => write!(f, "R{number}{letter}"),
            Self::Other => f.write_str("others"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_rule_and_one_without_a_test_can_be_seen() {
        let mut matrix = Matrix::default();
        matrix.begin(Browser::Chromium);
        matrix.note("r2_a_response", true);
        matrix.note("r21a_who_waits", true);
        matrix.note("done_4_a_refresh", true);
        matrix.begin(Browser::Webkit);
        matrix.note("r2_a_response", true);
        matrix.note("r2_another", false);
        let lines: Vec<_> = matrix
            .to_string()
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        for line in [
            "passed chromium webkit",
            "R1 no test no test",
            "R2 1 1 OF 2",
            "R21a 1 no test",
            "others 1 no test",
        ] {
            assert!(lines.iter().any(|one| one == line), "{line} in {lines:#?}");
        }
    }

    #[test]
    fn without_tests_there_is_no_table() {
        assert_eq!(Matrix::default().to_string(), "");
    }
}
