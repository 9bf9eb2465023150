//! R31, by comparison: native fetch beside `client.fetch`, for seeded pairs of (input, init), in scope with a good cookie and
//! at expiry, out of scope, and before the engine is loaded.

use keepfresh_e2e::{Engine, Page};
use serde_json::json;

/// A run has so many pairs, or as many as `KEEPFRESH_CASES` says (`cargo xtask test --cases`).
const CASES: u64 = 1_000;
/// The first of them, or what `KEEPFRESH_SEED` says (`--seed`).
const SEED: u64 = 1;
/// The script for one run of the driver's, which waits for so many.
const AT_ONCE: u64 = 250;

fn chosen(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

/// R31. Whoever compares it with native fetch finds no difference that a page could notice, but for those in the table.
#[tokio::test(flavor = "multi_thread")]
async fn r31_seeded_pairs_of_input_and_init_come_to_what_they_come_to_natively() {
    let page = Page::signed_in().await;
    let seed = chosen("KEEPFRESH_SEED", SEED);
    let cases = chosen("KEEPFRESH_CASES", CASES);
    let mut unmet: Option<Vec<String>> = None;
    for first in (seed..seed + cases).step_by(AT_ONCE as usize) {
        page.give("seed", first).await;
        page.give("cases", AT_ONCE.min(seed + cases - first)).await;
        let seen = page.run(include_str!("../../src/differential.js")).await;
        let differs = seen.get("differs").cloned().unwrap_or_default();
        assert_eq!(differs, json!([]), "{differs}");
        let now = seen.get("unmet").cloned().unwrap_or_default();
        let now: Vec<String> = serde_json::from_value(now).unwrap_or_default();
        unmet = Some(match unmet {
            Some(before) => before.into_iter().filter(|it| now.contains(it)).collect(),
            None => now,
        });
    }
    let unmet = unmet.unwrap_or_default();
    // WebKit and Firefox refuse bodies that can be read only once, or make text of them.
    let not_here: &[&str] = match Engine::chosen() {
        Engine::Webkit => &["not replayable"],
        _ => &[],
    };
    let too_many: Vec<_> = unmet
        .iter()
        .filter(|it| !not_here.contains(&it.as_str()))
        .collect();
    assert!(
        too_many.is_empty(),
        "nothing differs for these reasons any more: {too_many:?}"
    );
}
