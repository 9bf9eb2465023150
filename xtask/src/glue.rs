//! wasm-bindgen: makes the compiled engine fit for JavaScript, and the glue that it calls.
//!
//! Its glue is written for any program and any browser of the last ten years. What ours has no use for is left out.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use walrus::ir::{Instr, InstrLocId, Unreachable, Visitor, dfs_in_order};
use walrus::{ElementItems, ExportItem, FunctionId, FunctionKind, Module};
use wasm_bindgen_cli_support::{Bindgen, Output};

const STEM: &str = "keepfresh";
/// The one export that the loader calls by name, and the one whose name is a word of JavaScript too.
const CALLED_BY_NAME: [&str; 2] = ["__wbindgen_start", "memory"];

/// What is written in place of an item of wasm-bindgen's glue that begins so: what runs in browsers with reference
/// types, for strings that are short. (The original works around a Safari that fails after two gigabytes of them.)
const OWN: [(&str, &str); 13] = [
    (
        "const EngineFinalization",
        "const EngineFinalization = new FinalizationRegistry((ptr) => wasm.__wbg_engine_free(ptr, 1));",
    ),
    // The one closure that JavaScript is given belongs to a driver, which lives as long as the page.
    ("const CLOSURE_DTORS", ""),
    (
        "function makeClosure(",
        "const makeClosure = (a, b, call) => (...args) => call(a, b, ...args);",
    ),
    (
        "function getDataViewMemory0(",
        "function getDataViewMemory0() {
    if (cachedDataViewMemory0?.buffer !== wasm.memory.buffer) cachedDataViewMemory0 = new DataView(wasm.memory.buffer);
    return cachedDataViewMemory0;
}",
    ),
    (
        "function getUint8ArrayMemory0(",
        "const getUint8ArrayMemory0 = () => new Uint8Array(wasm.memory.buffer);",
    ),
    ("let cachedUint8ArrayMemory0", ""),
    (
        "function handleError(",
        "const caught = (call) => (...args) => {
    try {
        return call(...args);
    } catch (error) {
        wasm.__wbindgen_exn_store(addToExternrefTable0(error));
    }
};",
    ),
    (
        "function passStringToWasm0(",
        "function passStringToWasm0(text, malloc) {
    const bytes = cachedTextEncoder.encode(text);
    const ptr = malloc(bytes.length, 1) >>> 0;
    getUint8ArrayMemory0().set(bytes, ptr);
    WASM_VECTOR_LEN = bytes.length;
    return ptr;
}",
    ),
    ("if (!('encodeInto' in cachedTextEncoder))", ""),
    (
        "function decodeText(",
        "const decodeText = (bytes) => cachedTextDecoder.decode(bytes);",
    ),
    ("cachedTextDecoder.decode(", ""),
    ("const MAX_SAFARI_DECODE_BYTES", ""),
    ("let numBytesDecoded", ""),
];

/// How texts begin that the libraries have for panics, and which nothing mentions once those are silent. The rest of
/// each is in the same words, or the path of a source file.
const MESSAGES: [&str; 10] = [
    "/rustc/",
    "cargo/registry/",
    "RefCell already borrowed",
    "RefCell already mutably borrowed",
    "Tried to shrink to a larger capacity",
    "attempted to take ownership of Rust value while it was borrowed",
    "capacity overflow",
    "closure invoked recursively or after being dropped",
    "null pointer passed to rust",
    "recursive use of an object detected which would lead to unsafe aliasing in rust",
];

pub(crate) struct Bound {
    pub(crate) wasm: PathBuf,
    pub(crate) glue: PathBuf,
}

/// How the functions are called by which wasm and glue know each other.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Names {
    /// As wasm-bindgen has them: to read in a debugger.
    Telling,
    /// The same, and the names of all functions in the wasm: to see what weighs what.
    All,
    /// As short as can be. They end in hashes, which no compression makes smaller: this takes a
    /// tenth off the package.
    Short,
}

/// Writes the bound engine into the folder `work`.
pub(crate) fn bind(source: Vec<u8>, names: Names, work: &Path) -> Result<Bound> {
    let module = module_name(&source);
    let mut output = Bindgen::new()
        .input_bytes(STEM, source)
        .bundler(true)?
        .typescript(false)
        .remove_name_section(names != Names::All)
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
        module.clone_into(&mut import.module);
    }
    silence(output.wasm_mut());
    // Strings are encoded before they are passed, so none has to grow; and no closure is destroyed.
    // And the engine is never started anew after it has trapped.
    for unused in [
        "__wbindgen_realloc",
        "__wbindgen_free",
        "__wbindgen_destroy_closure",
        "__abort_handler",
        "__instance_terminated",
    ] {
        output.wasm_mut().exports.remove(unused).ok();
    }
    let short = match names {
        Names::Telling | Names::All => HashMap::new(),
        Names::Short => shorten(&mut output),
    };
    output.emit(work)?;

    let bound = Bound {
        wasm: work.join(format!("{STEM}_bg.wasm")),
        glue: work.join(format!("{STEM}_bg.js")),
    };
    let glue = fs::read_to_string(&bound.glue)?;
    fs::write(&bound.glue, rename(&compact(&glue, &module), &short))?;
    Ok(bound)
}

/// What the wasm imports its glue as. A wasm that is served beside the glue of another build would call the wrong
/// functions, so the name tells builds apart.
fn module_name(source: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    format!("k{:08x}", hasher.finish() as u32)
}

/// The glue without what this engine has no use for, and what the wasm imports as one object: a bundler gives each
/// export of a namespace a getter.
fn compact(glue: &str, module: &str) -> String {
    let mut own = String::new();
    let mut imports = format!("export const imports = {{ {module}: {{\n");
    for item in items(glue) {
        let import = item
            .strip_prefix("export function ")
            .filter(|function| !function.starts_with("__wbg_set_wasm("));
        if let Some(function) = import {
            let function = function
                .replace("() { return handleError(function (", ": caught(function (")
                .replace("}, arguments); }", "})");
            imports.extend([function.trim_end(), ",\n"]);
        } else if let Some((_, ours)) = OWN.iter().find(|(start, _)| item.starts_with(start)) {
            own.extend([*ours, "\n"]);
        } else if item.starts_with("export class ") {
            own.push_str(&without_free(item));
        } else if !item.starts_with("if (Symbol.dispose)") {
            own.push_str(item);
        }
    }
    (own + &imports + "} };\n").replace(", wasm.__wbindgen_realloc)", ")")
}

/// The statements at the top level: wasm-bindgen indents what is inside.
fn items(glue: &str) -> impl Iterator<Item = &str> {
    let starts = |line: &str| line.starts_with(|first: char| first.is_alphabetic());
    let mut rest = glue;
    std::iter::from_fn(move || {
        let mut end = 0;
        for line in rest.split_inclusive('\n') {
            if end > 0 && starts(line) {
                break;
            }
            end += line.len();
        }
        let (item, after) = rest.split_at(end);
        rest = after;
        (!item.is_empty()).then_some(item)
    })
}

/// The class without the methods that free it by hand: it is collected.
fn without_free(class: &str) -> String {
    let mut skipping = false;
    class
        .split_inclusive('\n')
        .filter(|line| {
            skipping |=
                line.starts_with("    free()") || line.starts_with("    __destroy_into_raw()");
            let keep = !skipping;
            skipping &= !line.starts_with("    }");
            keep
        })
        .collect()
}

/// Empties the functions that nobody needs. A panic becomes the trap that it ends in, without the message that would be
/// formatted for nobody: in a browser the standard library has nowhere to print it. And of what js-sys brings for any
/// program (closures for every method that takes one, a runtime for futures) the table keeps alive what is never called.
fn silence(module: &mut Module) {
    let called = called(module);
    let exported = module
        .exports
        .iter()
        .filter_map(|export| match export.item {
            ExportItem::Function(function) => Some(function),
            _ => None,
        });
    let called: HashSet<FunctionId> = called.into_iter().chain(exported).collect();
    let mut spares = HashSet::new();
    for function in module.funcs.iter_mut() {
        let name = function.name.as_deref().unwrap_or_default();
        let speaks = name.contains("::panicking::")
            || name.contains("::fmt")
            || name.contains("wasm_bindgen::throw_str")
            || name.contains("::handle_error")
            || name.contains("::handle_alloc_error");
        let is_spare = name.contains("::closures::_::invoke") && !called.contains(&function.id())
            || name.contains("js_sys::futures::");
        if (speaks || is_spare)
            && let FunctionKind::Local(local) = &mut function.kind
        {
            let trap = Instr::Unreachable(Unreachable {});
            local.block_mut(local.entry_block()).instrs = vec![(trap, InstrLocId::default())];
            spares.insert(function.id());
        }
    }
    share_place(module, &spares);
    let data: Vec<_> = module.data.iter().map(|data| data.id()).collect();
    for id in data {
        blank_messages(&mut module.data.get_mut(id).value);
    }
}

/// Lets one of these functions stand in for all in the table. None is called, so it may have any type.
fn share_place(module: &mut Module, spares: &HashSet<FunctionId>) {
    let is_spare = |function: &&mut FunctionId| spares.contains(function);
    let mut stand_in = None;
    for element in module.elements.iter_mut() {
        if let ElementItems::Functions(functions) = &mut element.items {
            for function in functions.iter_mut().filter(is_spare) {
                *function = *stand_in.get_or_insert(*function);
            }
        }
    }
}

/// Puts zeros in the place of [`MESSAGES`]: wasm-opt leaves them out.
fn blank_messages(data: &mut [u8]) {
    for message in MESSAGES {
        while let Some(start) = data
            .windows(message.len())
            .position(|text| text == message.as_bytes())
        {
            let rest = data.get_mut(start..).unwrap_or_default();
            let path = rest.windows(3).position(|end| end == b".rs");
            let end = match path {
                Some(path) if message.ends_with('/') => path + 3,
                _ => message.len(),
            };
            rest.iter_mut().take(end).for_each(|byte| *byte = 0);
        }
    }
}

/// The functions that are called by name, and not through the table alone.
fn called(module: &Module) -> HashSet<FunctionId> {
    struct Called(HashSet<FunctionId>);
    impl Visitor<'_> for Called {
        fn visit_function_id(&mut self, function: &FunctionId) {
            self.0.insert(*function);
        }
    }
    let mut called = Called(HashSet::new());
    for (_, function) in module.funcs.iter_local() {
        dfs_in_order(&mut called, function, function.entry_block());
    }
    called.0
}

/// Gives all imports new names, and the exports that only the glue knows; returns new by old.
fn shorten(output: &mut Output) -> HashMap<String, String> {
    let module = output.wasm_mut();
    let imports = module.imports.iter_mut().map(|import| &mut import.name);
    let exports = module.exports.iter_mut().map(|export| &mut export.name);
    let inner = exports.filter(|name| !CALLED_BY_NAME.contains(&name.as_str()));

    let mut short = HashMap::new();
    for (index, name) in imports.chain(inner).enumerate() {
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
    fn imports_become_one_object_and_the_rest_stays() {
        let glue = "let wasm;\nexport function a() {\n    return 1;\n}\nif (Symbol.dispose) x();\n\
                    export function __wbg_set_wasm(val) {\n    wasm = val;\n}\n";
        let compact = "let wasm;\nexport function __wbg_set_wasm(val) {\n    wasm = val;\n}\n\
                       export const imports = { k0: {\na() {\n    return 1;\n},\n} };\n";
        assert_eq!(super::compact(glue, "k0"), compact);
    }

    #[test]
    fn messages_are_blanked_and_nothing_beside_them() {
        let mut data = b"abort/rustc/x/mod.rs\0capacity overflowpageshow".to_vec();
        super::blank_messages(&mut data);
        let blank = [0; 33];
        assert_eq!(data, [&b"abort"[..], &blank, b"pageshow"].concat());
    }

    #[test]
    fn only_whole_identifiers_are_renamed() {
        let names = HashMap::from([("get".to_owned(), "$0".to_owned())]);
        let code = "export function get(a) { return a.get + get_all + $get; }\nget";
        let renamed = "export function $0(a) { return a.$0 + get_all + $get; }\n$0";
        assert_eq!(rename(code, &names), renamed);
    }
}
