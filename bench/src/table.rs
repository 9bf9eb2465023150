//! The figures as tables: all of them for the terminal, those that decide for the README.

use std::fmt::Write;

use crate::figures::{Figures, Spread};

/// As the page calls them, and as people do.
pub(crate) const CONTENDERS: [(&str, &str); 8] = [
    ("raw_again", "raw fetch, again"),
    ("keepfresh", "keepfresh"),
    ("hand_written", "hand-written"),
    ("wretch", "wretch"),
    ("openapi_fetch", "openapi-fetch"),
    ("ky", "ky"),
    ("axios", "axios + auth-refresh"),
    ("supertokens", "supertokens-website"),
];

/// How a measure is read.
#[derive(Clone, Copy)]
pub(crate) enum Reading {
    /// What is added to raw fetch.
    Added,
    /// In parts of raw fetch's.
    OfRaw,
    /// In parts of the same requests sent by hand.
    OfByHand,
    Plain,
}

const MEASURES: [(&str, &str, Reading, usize); 20] = [
    (
        "overhead_get_in_turn",
        "GET, in turn: added µs",
        Reading::Added,
        1,
    ),
    (
        "overhead_get_at_once",
        "GET, 50 at once: added µs",
        Reading::Added,
        1,
    ),
    (
        "overhead_headers_in_turn",
        "GET with headers, in turn: added µs",
        Reading::Added,
        1,
    ),
    (
        "overhead_headers_at_once",
        "GET with headers, 50 at once: added µs",
        Reading::Added,
        1,
    ),
    (
        "overhead_post_in_turn",
        "POST of 1 KB, in turn: added µs",
        Reading::Added,
        1,
    ),
    (
        "overhead_post_at_once",
        "POST of 1 KB, 50 at once: added µs",
        Reading::Added,
        1,
    ),
    (
        "overhead_request_in_turn",
        "Request, in turn: added µs",
        Reading::Added,
        1,
    ),
    (
        "overhead_request_at_once",
        "Request, 50 at once: added µs",
        Reading::Added,
        1,
    ),
    ("wire_in_turn", "GETs in turn: of raw", Reading::OfRaw, 3),
    ("wire_at_once", "50 GETs at once: of raw", Reading::OfRaw, 3),
    (
        "wire_post_text",
        "POST of 1 MB, a string: of raw",
        Reading::OfRaw,
        3,
    ),
    (
        "wire_post_bytes",
        "POST of 1 MB, bytes: of raw",
        Reading::OfRaw,
        3,
    ),
    ("expiry", "one expiry: of by hand", Reading::OfByHand, 3),
    ("storm", "storm of 200: of by hand", Reading::OfByHand, 3),
    (
        "storm_refreshes",
        "storm of 200: refreshes",
        Reading::Plain,
        0,
    ),
    (
        "storm_requests",
        "storm of 200: requests",
        Reading::Plain,
        0,
    ),
    ("cold", "cold start: added ms", Reading::Added, 2),
    (
        "memory_heap",
        "100,000 calls: heap, added KiB",
        Reading::Added,
        0,
    ),
    ("memory_wasm", "100,000 calls: wasm, KiB", Reading::Plain, 0),
    (
        "memory_listeners",
        "100,000 calls: listeners",
        Reading::Plain,
        0,
    ),
];

/// Every measure of every contender: the median of all rounds, and of its halves.
pub(crate) fn in_full(figures: &Figures) -> String {
    let mut out = String::new();
    for (measure, title, reading, digits) in MEASURES {
        if !figures.has(measure) {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{title}{}", base(figures, measure, reading));
        for (name, words) in CONTENDERS.into_iter().chain(BY_HAND) {
            if let Some(Spread { low, median, high }) = read(figures, measure, name, reading) {
                let _ = writeln!(
                    out,
                    "  {words:<22}{median:>10.digits$}   ({low:.digits$} to {high:.digits$})"
                );
            }
        }
    }
    out
}

const BY_HAND: [(&str, &str); 1] = [("by_hand_again", "by hand, again")];

/// What the others are compared with.
fn base(figures: &Figures, measure: &str, reading: Reading) -> String {
    let base = match reading {
        Reading::Added | Reading::OfRaw => "raw",
        Reading::OfByHand => "by_hand",
        Reading::Plain => return String::new(),
    };
    figures
        .plain(measure, base)
        .map_or_else(String::new, |spread| format!(" ({:.2})", spread.median))
}

pub(crate) fn read(
    figures: &Figures,
    measure: &str,
    contender: &str,
    reading: Reading,
) -> Option<Spread> {
    match reading {
        Reading::Added => figures.difference(measure, contender, "raw"),
        Reading::OfRaw => figures.ratio(measure, contender, "raw"),
        Reading::OfByHand if contender == "raw_again" => None,
        Reading::OfByHand => figures.ratio(measure, contender, "by_hand"),
        Reading::Plain => figures.plain(measure, contender),
    }
}

/// A row for each contender, in Markdown.
pub(crate) fn in_short(figures: &Figures) -> String {
    const COLUMNS: [(&str, &[&str], Reading, usize); 8] = [
        (
            "GET, µs",
            &["overhead_get_in_turn", "overhead_get_at_once"],
            Reading::Added,
            1,
        ),
        (
            "POST of 1 KB, µs",
            &["overhead_post_in_turn", "overhead_post_at_once"],
            Reading::Added,
            1,
        ),
        (
            "`Request`, µs",
            &["overhead_request_in_turn", "overhead_request_at_once"],
            Reading::Added,
            1,
        ),
        ("GETs", &["wire_in_turn", "wire_at_once"], Reading::OfRaw, 2),
        (
            "POST of 1 MB",
            &["wire_post_text", "wire_post_bytes"],
            Reading::OfRaw,
            2,
        ),
        ("an expiry", &["expiry"], Reading::OfByHand, 2),
        ("storm of 200", &["storm"], Reading::OfByHand, 2),
        ("cold start, ms", &["cold"], Reading::Added, 1),
    ];
    let mut out = String::from("|");
    for (title, ..) in COLUMNS {
        let _ = write!(out, " | {title}");
    }
    let _ = writeln!(out, " |\n| ---{} |", " | --:".repeat(COLUMNS.len()));
    for (name, words) in CONTENDERS {
        let _ = write!(out, "| {words}");
        for (_, measures, reading, digits) in COLUMNS {
            let again = if matches!(reading, Reading::OfByHand) && name == "raw_again" {
                "by_hand_again"
            } else {
                name
            };
            let cells = measures.iter().map(|measure| {
                let spread = read(figures, measure, again, reading);
                spread.map(|spread| format!("{:.digits$}", spread.median))
            });
            let cell = cells.collect::<Option<Vec<_>>>();
            let _ = write!(
                out,
                " | {}",
                cell.map_or("–".to_owned(), |cell| cell.join(" / "))
            );
        }
        out.push_str(" |\n");
    }
    out
}
