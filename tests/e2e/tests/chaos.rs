//! A short chaos run; `cargo xtask chaos` is the long one.

use std::process::Command;

#[test]
fn in_random_rounds_no_page_is_told_what_is_not_true() {
    let chaos = env!("CARGO_BIN_EXE_chaos");
    let status = Command::new(chaos).args(["--rounds", "15"]).status();
    assert!(status.is_ok_and(|status| status.success()));
}
