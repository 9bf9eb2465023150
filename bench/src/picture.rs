//! The one picture: four small charts, the shorter bar the better.

use std::fmt::Write;

use crate::figures::Figures;
use crate::table::{CONTENDERS, Reading, read};

const WIDTH: f64 = 840.0;
const PANEL: (f64, f64) = (408.0, 216.0);
const LABELS: f64 = 140.0;
const ROW: f64 = 22.0;

struct Panel {
    title: &'static str,
    measure: &'static str,
    reading: Reading,
    /// Where the bars begin: raw fetch's own.
    zero: f64,
    digits: usize,
}

const PANELS: [Panel; 4] = [
    Panel {
        title: "Added to a GET, in microseconds",
        measure: "overhead_get_in_turn",
        reading: Reading::Added,
        zero: 0.0,
        digits: 1,
    },
    Panel {
        title: "A POST of 1 MB, in parts of raw fetch's time",
        measure: "wire_post_bytes",
        reading: Reading::OfRaw,
        zero: 1.0,
        digits: 2,
    },
    Panel {
        title: "401, refresh, replay, in parts of the same by hand",
        measure: "expiry",
        reading: Reading::OfByHand,
        zero: 1.0,
        digits: 2,
    },
    Panel {
        title: "Added to a cold start, in milliseconds",
        measure: "cold",
        reading: Reading::Added,
        zero: 0.0,
        digits: 1,
    },
];

/// An SVG that follows the reader's light or dark page.
pub(crate) fn draw(figures: &Figures) -> String {
    let height = 2.0 * PANEL.1 + 8.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"keepfresh beside raw fetch and other libraries: what a call, an upload, an expiry and a cold start cost\">\n\
         <style>\n\
         text {{ font: 12px system-ui, sans-serif; fill: #1f2328; }}\n\
         .title {{ font-weight: 600; font-size: 13px; }}\n\
         rect.bar {{ fill: #8c959f; }} rect.ours {{ fill: #1a7f37; }} text.ours {{ font-weight: 600; fill: #1a7f37; }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3; }} rect.bar {{ fill: #6e7681; }} rect.ours, text.ours {{ fill: #3fb950; }} }}\n\
         </style>\n"
    );
    for (index, panel) in PANELS.iter().enumerate() {
        let (x, y) = if index % 2 == 0 {
            (0.0, index)
        } else {
            (WIDTH - PANEL.0, index - 1)
        };
        let y = if y == 0 { 0.0 } else { PANEL.1 + 8.0 };
        draw_panel(&mut out, figures, panel, x, y);
    }
    out.push_str("</svg>\n");
    out
}

fn draw_panel(out: &mut String, figures: &Figures, panel: &Panel, x: f64, y: f64) {
    let bars: Vec<_> = CONTENDERS
        .iter()
        .filter_map(|(name, words)| {
            let spread = read(figures, panel.measure, name, panel.reading)?;
            Some((*name, *words, spread.median))
        })
        .filter(|(name, ..)| *name != "raw_again")
        .collect();
    let longest = bars
        .iter()
        .map(|(.., value)| value - panel.zero)
        .fold(0.0, f64::max);
    // Room for the figure at the end of the longest.
    let room = PANEL.0 - LABELS - 52.0;
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<text class=\"title\" x=\"{x}\" y=\"{}\">{}</text>",
        y + 18.0,
        panel.title
    );
    let mut row = y + 30.0;
    for (name, words, value) in bars {
        let class = if name == "keepfresh" { "ours" } else { "bar" };
        let length = ((value - panel.zero) / longest.max(f64::MIN_POSITIVE) * room).max(1.0);
        let _ = writeln!(
            out,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{words}</text>\
             <rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{length:.1}\" height=\"14\" rx=\"2\"/>\
             <text class=\"{class}\" x=\"{:.1}\" y=\"{}\">{value:.*}</text>",
            x + LABELS - 8.0,
            row + 12.0,
            x + LABELS,
            row,
            x + LABELS + length + 6.0,
            row + 12.0,
            panel.digits,
        );
        row += ROW;
    }
}
