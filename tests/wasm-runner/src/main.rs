//! wasm-bindgen's own test runner, as a crate of this workspace: Cargo.lock keeps it at the version
//! of the engine's wasm-bindgen, and nobody has to install it.

fn main() -> anyhow::Result<()> {
    wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(std::env::args_os())
}
