//! wasm-bindgen: makes the compiled engine fit for JavaScript, and the glue that it calls.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use walrus::ir::{Instr, InstrLocId, Unreachable};
use walrus::{FunctionKind, Module};
use wasm_bindgen_cli_support::{Bindgen, Output};

/// What the wasm imports its glue as; the loader in pkg/ hands it over under this name.
const MODULE: &str = "./glue.js";
const STEM: &str = "keepfresh";

pub(crate) struct Bound {
    pub(crate) wasm: PathBuf,
    pub(crate) glue: PathBuf,
}

/// How the functions are called by which wasm and glue know each other.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Names {
    /// As wasm-bindgen has them: to read in a debugger.
    Telling,
    /// As short as can be. They end in hashes, which no compression makes smaller: this takes a
    /// tenth off the package.
    Short,
}

/// Writes the bound engine into the folder `work`.
pub(crate) fn bind(source: Vec<u8>, names: Names, work: &Path) -> Result<Bound> {
    let mut output = Bindgen::new()
        .input_bytes(STEM, source)
        .bundler(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()?;
    ensure!(
        output.snippets().values().all(Vec::is_empty) && output.local_modules().is_empty(),
        "the engine brings JavaScript snippets; JavaScript belongs in pkg/, written by hand"
    );
    for import in output.wasm_mut().imports.iter_mut() {
        ensure!(
            import.module == format!("./{STEM}_bg.js"),
            "a foreign import: {}",
            import.module
        );
        MODULE.clone_into(&mut import.module);
    }
    silence(output.wasm_mut());
    let short = match names {
        Names::Telling => HashMap::new(),
        Names::Short => shorten(&mut output),
    };
    output.emit(work)?;

    let bound = Bound {
        wasm: work.join(format!("{STEM}_bg.wasm")),
        glue: work.join(format!("{STEM}_bg.js")),
    };
    let glue = fs::read_to_string(&bound.glue)?;
    fs::write(&bound.glue, rename(&glue, &short))?;
    Ok(bound)
}

/// Makes a panic the trap that it ends in, without the message that would be formatted for nobody: in a browser the
/// standard library has nowhere to print it.
fn silence(module: &mut Module) {
    let speaks = |name: &str| name.contains("::panicking::") || name.contains("::fmt");
    for function in module.funcs.iter_mut() {
        if function.name.as_deref().is_some_and(speaks)
            && let FunctionKind::Local(function) = &mut function.kind
        {
            let trap = Instr::Unreachable(Unreachable {});
            function.block_mut(function.entry_block()).instrs = vec![(trap, InstrLocId::default())];
        }
    }
}

/// Gives all imports new names, and the exports that only the glue calls; returns new by old.
fn shorten(output: &mut Output) -> HashMap<String, String> {
    let module = output.wasm_mut();
    let imports = module.imports.iter_mut().map(|import| &mut import.name);
    let exports = module.exports.iter_mut().map(|export| &mut export.name);
    let closures = exports.filter(|name| name.starts_with("wasm_bindgen__"));

    let mut short = HashMap::new();
    for (index, name) in imports.chain(closures).enumerate() {
        // wasm-bindgen itself begins no name with a dollar.
        let new = format!("${index:x}");
        short.insert(std::mem::replace(name, new.clone()), new);
    }
    short
}

/// Replaces whole identifiers.
fn rename(code: &str, names: &HashMap<String, String>) -> String {
    let in_name = |character: char| character.is_alphanumeric() || "_$".contains(character);
    code.split_inclusive(|character| !in_name(character))
        .map(|piece| {
            let name = piece.trim_end_matches(|character| !in_name(character));
            let rest = piece.strip_prefix(name).unwrap_or_default();
            names.get(name).map_or(name, String::as_str).to_owned() + rest
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{HashMap, rename};

    #[test]
    fn only_whole_identifiers_are_renamed() {
        let names = HashMap::from([("get".to_owned(), "$0".to_owned())]);
        let code = "export function get(a) { return a.get + get_all + $get; }\nget";
        let renamed = "export function $0(a) { return a.$0 + get_all + $get; }\n$0";
        assert_eq!(rename(code, &names), renamed);
    }
}
