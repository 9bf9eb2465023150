//! wasm-bindgen: makes the compiled engine fit for JavaScript, and the glue that it calls.
//!
//! Its glue is written for any program and any browser of the last ten years. What ours has no use for is left out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use walrus::ir::{Instr, InstrLocId, Unreachable, Visitor, dfs_in_order};
use walrus::{ExportItem, FunctionId, FunctionKind, ImportKind, Module};
use wasm_bindgen_cli_support::Bindgen;

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

/// What is cut out wherever it is. Strings are encoded before they are passed, so none has to grow. Numbers come from the
/// wasm with a sign, and none of ours is so large that it has one. Whoever is handed a boolean takes 0 and 1 too.
const SPARE: [&str; 3] = [", wasm.__wbindgen_realloc", " >>> 0", " !== 0"];

pub(crate) struct Bound {
    pub(crate) wasm: PathBuf,
    pub(crate) glue: PathBuf,
}

/// Writes the bound engine into the folder `work`. `named`: the functions in the wasm keep their names.
pub(crate) fn bind(source: Vec<u8>, named: bool, work: &Path) -> Result<Bound> {
    let own_name = module_name(&source);
    let mut output = Bindgen::new()
        .input_bytes(STEM, source)
        .bundler(true)?
        .typescript(false)
        .remove_name_section(!named)
        .remove_producers_section(true)
        .generate_output()?;
    ensure!(
        output.snippets().values().all(Vec::is_empty) && output.local_modules().is_empty(),
        "the engine brings JavaScript snippets; JavaScript belongs in pkg/, written by hand"
    );
    // Not until it is written is the glue indented.
    output.emit(work)?;
    let bound = Bound {
        wasm: work.join(format!("{STEM}_bg.wasm")),
        glue: work.join(format!("{STEM}_bg.js")),
    };
    let glue = fs::read_to_string(&bound.glue)?;

    let module = output.wasm_mut();
    let imports = module.imports.iter();
    let imported = imports.map(|import| import.name.as_str()).collect();
    let (glue, places) = compact(&glue, &own_name, &imported);
    place(module, &own_name, &places)?;
    silence(module);
    // No string has to grow, and no closure is destroyed.
    for unused in ["__wbindgen_realloc", "__wbindgen_destroy_closure"] {
        module.exports.remove(unused).ok();
    }
    let glue = rename(&glue, &shorten(module));
    module.emit_wasm_file(&bound.wasm)?;
    fs::write(&bound.glue, glue)?;
    Ok(bound)
}

/// What the wasm imports its glue as. A wasm that is served beside the glue of another build would call the wrong
/// functions, so the name tells builds apart.
fn module_name(source: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    format!("k{:08x}", hasher.finish() as u32)
}

/// The glue without what this engine has no use for, and what the wasm imports as one list; returns with it the names of
/// what is in each place of that list.
fn compact(glue: &str, module: &str, imported: &HashSet<&str>) -> (String, Vec<Vec<String>>) {
    let mut glue = glue.to_owned();
    for spare in SPARE {
        glue = glue.replace(spare, "");
    }
    let mut own = String::new();
    let mut imports = BTreeMap::<String, Vec<String>>::new();
    for item in items(&glue) {
        let function = item.strip_prefix("export function ").unwrap_or_default();
        let name = function.split('(').next().unwrap_or_default();
        if imported.contains(name) {
            let names = imports.entry(arrow(function)).or_default();
            names.push(name.to_owned());
        } else if let Some((_, ours)) = OWN.iter().find(|(start, _)| item.starts_with(start)) {
            own.extend([*ours, "\n"]);
        } else if item.starts_with("export class ") {
            own.push_str(&without_free(item));
        } else if !item.starts_with("if (Symbol.dispose)") {
            own.push_str(item);
        }
    }
    own += &format!("export const imports = {{ {module}: [\n");
    for function in imports.keys() {
        own.extend([function, ",\n"]);
    }
    own += "] };\n";
    (own, imports.into_values().collect())
}

/// Has the wasm import by place in the list, and in the order of the list: numbers that count up pack best.
fn place(module: &mut Module, from: &str, places: &[Vec<String>]) -> Result<()> {
    let imports = module.imports.iter();
    let mut by_name: HashMap<_, _> = imports
        .map(|import| (import.name.clone(), (import.id(), import.kind.clone())))
        .collect();
    for (place, names) in places.iter().enumerate() {
        for name in names {
            if let Some((old, ImportKind::Function(function))) = by_name.remove(name) {
                module.imports.delete(old);
                let new = module.imports.add(from, &place.to_string(), function);
                if let FunctionKind::Import(import) = &mut module.funcs.get_mut(function).kind {
                    import.import = new;
                }
            }
        }
    }
    let foreign: Vec<_> = by_name.keys().collect();
    ensure!(foreign.is_empty(), "foreign imports: {foreign:?}");
    Ok(())
}

/// `name(arguments) { body }` of wasm-bindgen's as an arrow function.
fn arrow(function: &str) -> String {
    let rest = function
        .trim_end()
        .trim_start_matches(|character| character != '(');
    let catching = "() { return handleError(function ";
    let (before, rest, after) = match rest.strip_prefix(catching) {
        Some(inner) => ("caught(", inner.trim_end_matches(", arguments); }"), ")"),
        None => ("", rest, ""),
    };
    let (arguments, body) = rest.split_once(" {\n").unwrap_or_default();
    let body: String = body
        .trim_end_matches('}')
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("    // "))
        .collect();
    let value = body
        .strip_prefix("    const ret = ")
        .and_then(|body| body.strip_suffix(";\n    return ret;\n"));
    let statement = body
        .strip_prefix("    ")
        .and_then(|body| body.strip_suffix(";\n"));
    let body = match value.or(statement) {
        Some(expression) if !expression.contains(';') && !expression.starts_with("throw ") => {
            expression.to_owned()
        }
        _ => format!("{{\n{body}}}"),
    };
    format!("{before}{arguments} => {body}{after}")
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
    for function in module.funcs.iter_mut() {
        let name = function.name.as_deref().unwrap_or_default();
        let speaks = name.contains("::panicking::") || name.contains("::fmt");
        let is_spare = name.contains("::closures::_::invoke") && !called.contains(&function.id())
            || name.contains("js_sys::futures::");
        if (speaks || is_spare)
            && let FunctionKind::Local(function) = &mut function.kind
        {
            let trap = Instr::Unreachable(Unreachable {});
            function.block_mut(function.entry_block()).instrs = vec![(trap, InstrLocId::default())];
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

/// Gives the exports that only the glue knows names as short as can be; returns new by old.
fn shorten(module: &mut Module) -> HashMap<String, String> {
    let mut short = HashMap::new();
    let exports = module.exports.iter_mut().map(|export| &mut export.name);
    let inner = exports.filter(|name| !CALLED_BY_NAME.contains(&name.as_str()));
    for (index, name) in inner.enumerate() {
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
    use super::{HashMap, HashSet, rename};

    #[test]
    fn imports_become_one_list_without_repeats_and_the_rest_stays() {
        let glue = "let wasm;\nexport function a(arg0) {\n    const ret = arg0.x;\n    return ret;\n}\n\
                    if (Symbol.dispose) x();\n\
                    export function b() { return handleError(function (arg0) {\n    arg0.y();\n}, arguments); }\n\
                    export function c(arg0) {\n    const ret = arg0.x;\n    return ret;\n}\n\
                    export function d() {\n    throw new Error();\n}\n\
                    export function __wbg_set_wasm(val) {\n    wasm = val;\n}\n";
        let compact = "let wasm;\nexport function __wbg_set_wasm(val) {\n    wasm = val;\n}\n\
                       export const imports = { k0: [\n\
                       () => {\n    throw new Error();\n},\n\
                       (arg0) => arg0.x,\n\
                       caught((arg0) => arg0.y()),\n] };\n";
        let places: [&[&str]; 3] = [&["d"], &["a", "c"], &["b"]];
        let imported = HashSet::from(["a", "b", "c", "d"]);
        let (own, names) = super::compact(glue, "k0", &imported);
        assert_eq!(
            (own.as_str(), names.as_slice()),
            (compact, places.map(owned).as_slice())
        );
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn only_whole_identifiers_are_renamed() {
        let names = HashMap::from([("get".to_owned(), "$0".to_owned())]);
        let code = "export function get(a) { return a.get + get_all + $get; }\nget";
        let renamed = "export function $0(a) { return a.$0 + get_all + $get; }\n$0";
        assert_eq!(rename(code, &names), renamed);
    }
}
