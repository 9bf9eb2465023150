//! What keepfresh is to reach, and whether it does. Timings are told, never asserted: a machine may be busy.

use crate::figures::Figures;
use crate::table::{CONTENDERS, Reading, read};

pub(crate) struct Goal {
    what: &'static str,
    measured: f64,
    at_most: f64,
    digits: usize,
}

/// The goals whose figures are there.
pub(crate) fn judge(figures: &Figures) -> Vec<Goal> {
    let median =
        |measure, reading| read(figures, measure, "keepfresh", reading).map(|spread| spread.median);
    let goals = [
        (
            "a GET in turn, µs added",
            median("overhead_get_in_turn", Reading::Added),
            10.0,
            1,
        ),
        (
            "a GET of 50 at once, µs added",
            median("overhead_get_at_once", Reading::Added),
            5.0,
            1,
        ),
        (
            "a GET in turn, µs added: below every other",
            median("overhead_get_in_turn", Reading::Added),
            quickest(figures, "overhead_get_in_turn"),
            1,
        ),
        (
            "a GET of 50 at once, µs added: below every other",
            median("overhead_get_at_once", Reading::Added),
            quickest(figures, "overhead_get_at_once"),
            1,
        ),
        (
            "GETs in turn, of raw fetch",
            median("wire_in_turn", Reading::OfRaw),
            1.02,
            3,
        ),
        (
            "50 GETs at once, of raw fetch",
            median("wire_at_once", Reading::OfRaw),
            1.02,
            3,
        ),
        (
            "POST of 1 MB, a string, of raw fetch",
            median("wire_post_text", Reading::OfRaw),
            1.02,
            3,
        ),
        (
            "POST of 1 MB, bytes, of raw fetch",
            median("wire_post_bytes", Reading::OfRaw),
            1.02,
            3,
        ),
        (
            "one expiry, of the same requests by hand",
            median("expiry", Reading::OfByHand),
            1.05,
            3,
        ),
        (
            "storm of 200, of the same requests by hand",
            median("storm", Reading::OfByHand),
            1.1,
            3,
        ),
        (
            "storm of 200: refreshes, at worst",
            figures.most("storm_refreshes", "keepfresh"),
            1.0,
            0,
        ),
        (
            "storm of 200: requests, at worst",
            figures.most("storm_requests", "keepfresh"),
            401.0,
            0,
        ),
        (
            "cold start, ms added",
            median("cold", Reading::Added),
            5.0,
            1,
        ),
        (
            "100,000 calls: JS heap, KiB more than raw fetch",
            median("memory_heap", Reading::Added),
            256.0,
            0,
        ),
        (
            "100,000 calls: wasm memory, KiB more, at worst",
            figures.most("memory_wasm", "keepfresh"),
            0.0,
            0,
        ),
        (
            "100,000 calls: listeners left, at worst",
            figures.most("memory_listeners", "keepfresh"),
            0.0,
            0,
        ),
    ];
    goals
        .into_iter()
        .filter_map(|(what, measured, at_most, digits)| {
            Some(Goal {
                what,
                measured: measured?,
                at_most,
                digits,
            })
        })
        .collect()
}

/// The least that another adds. Raw fetch is none of them.
fn quickest(figures: &Figures, measure: &str) -> f64 {
    CONTENDERS
        .iter()
        .filter(|(name, _)| !["raw_again", "keepfresh"].contains(name))
        .filter_map(|(name, _)| read(figures, measure, name, Reading::Added))
        .map(|spread| spread.median)
        .fold(f64::INFINITY, f64::min)
}

impl Goal {
    fn verdict(&self) -> &'static str {
        if self.measured <= self.at_most {
            "met"
        } else {
            "missed"
        }
    }
}

pub(crate) fn in_words(goals: &[Goal]) -> String {
    let lines = goals.iter().map(|goal| {
        let Goal {
            what,
            measured,
            at_most,
            digits,
        } = goal;
        format!(
            "{:<7}{what}: {measured:.digits$} (at most {at_most:.digits$})",
            goal.verdict()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// In Markdown.
pub(crate) fn as_table(goals: &[Goal]) -> String {
    let mut out = String::from("| goal | at most | measured | |\n| --- | --: | --: | --- |\n");
    for goal in goals {
        let Goal {
            what,
            measured,
            at_most,
            digits,
        } = goal;
        let line = format!(
            "| {what} | {at_most:.digits$} | {measured:.digits$} | {} |\n",
            goal.verdict()
        );
        out.push_str(&line);
    }
    out
}
