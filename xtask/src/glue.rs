//! wasm-bindgen: makes the compiled engine fit for JavaScript, and the glue that it calls.
//!
//! Its glue is written for any program and any browser of the last ten years. What ours has no use for is left out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use walrus::ir::{Instr, InstrLocId, Unreachable, Visitor, dfs_in_order};
use walrus::{ElementItems, ExportItem, FunctionId, FunctionKind, ImportKind, Module};
use wasm_bindgen_cli_support::Bindgen;

const STEM: &str = "keepfresh";

/// What is written in place of an item of wasm-bindgen's glue that begins so: what runs in browsers with reference
/// types, for strings that are short. (The original works around a Safari that fails after two gigabytes of them.)
const OWN: [(&str, &str); 13] = [
    (
        "export function __wbg_set_wasm(",
        "export function start(exports) {
    wasm = exports;
    wasm.__wbindgen_start();
    return Object.fromEntries(Object.entries(exports).map(([name, call]) => [name, guarded(call)]));
}
// Whatever is thrown in there, by a stack that overflows say, leaves the engine's own stack where it was; what it had still
// to do, it does later. Where there is hardly any stack left, nothing is begun; 0 and 1 are the steps of a driver's that come of
// a promise, and have a stack of their own.
const guarded = (call) => (...args) => {
    const { value } = wasm.__stack_pointer;
    if (!(args[0] <= 1)) descend(ROOM);
    try {
        return call(...args);
    } catch (error) {
        wasm.__stack_pointer.value = value;
        setTimeout(wasm.resume);
        throw error;
    }
};
const descend = (depth) => depth && descend(depth - 1) + 1;
const ROOM = 150;",
    ),
    ("function isLikeNone(", ""),
    // The one closure that JavaScript is given belongs to a driver, which lives as long as the page.
    ("const CLOSURE_DTORS", ""),
    // There is one, and it is written where it is made.
    ("function makeClosure(", ""),
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
        "function getStringFromWasm0(",
        "const getStringFromWasm0 = (ptr, len) => new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, ptr, len));",
    ),
    ("function getUint8ArrayMemory0(", ""),
    ("let cachedUint8ArrayMemory0", ""),
    ("function decodeText(", ""),
    ("let cachedTextDecoder", ""),
    ("cachedTextDecoder.decode(", ""),
    ("const MAX_SAFARI_DECODE_BYTES", ""),
    ("let numBytesDecoded", ""),
];

/// What is put differently wherever it is.
const CHANGES: [(&str, &str); 5] = [
    // Numbers come from the wasm with a sign, and none of ours is so large that it has one.
    (" >>> 0", ""),
    // Whoever is handed a boolean takes 0 and 1 too.
    (" !== 0", ""),
    ("isLikeNone(ret)", "ret == null"),
    // What a closure calls is one more export that is called directly.
    ("function wasm_bindgen__", "export function wasm_bindgen__"),
    (", wasm_bindgen__", ", wasm.wasm_bindgen__"),
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
    silence(module);
    // The first global is the one of the linker's (LLVM's tool conventions for WebAssembly).
    let stack = module.globals.iter().find(|global| global.mutable);
    let stack = stack.context("the engine has no stack")?.id();
    module.exports.add("__stack_pointer", stack);
    // What only the silenced called is gone with it.
    walrus::passes::gc::run(module);
    let imports = module.imports.iter();
    let imported = imports.map(|import| import.name.as_str()).collect();
    let glue = compact(&glue, &own_name, &imported)?;
    place(module, &own_name, &glue.places)?;
    let glue = rename(&glue.code, &shorten(module, &glue));
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

/// The glue without what this engine has no use for.
struct Glue {
    /// What the wasm imports is one list in it.
    code: String,
    /// The names of what is in each place of that list.
    places: Vec<Vec<String>>,
    /// What the wasm exports for us: it is called directly.
    entrances: HashSet<String>,
}

fn compact(glue: &str, module: &str, imported: &HashSet<&str>) -> Result<Glue> {
    let is_comment = |line: &str| line.starts_with("/**") || line.starts_with(" *");
    let lines = glue.split_inclusive('\n');
    let mut glue: String = lines.filter(|line| !is_comment(line)).collect();
    for (original, ours) in CHANGES {
        glue = glue.replace(original, ours);
    }
    let mut code = String::new();
    let mut imports = BTreeMap::<String, Vec<String>>::new();
    let mut entrances = HashSet::new();
    for item in items(&glue) {
        if let Some((_, ours)) = OWN.iter().find(|(start, _)| item.starts_with(start)) {
            code.extend([*ours, "\n"]);
        } else if let Some(function) = item.strip_prefix("export function ") {
            let (name, _) = function.split_once('(').unwrap_or_default();
            let function = arrow(function);
            if imported.contains(name) {
                imports.entry(function).or_default().push(name.to_owned());
            } else if function.contains(&format!("wasm.{name}(")) {
                let (arguments, call) = function.split_once(" => ").unwrap_or_default();
                ensure!(
                    call == format!("wasm.{name}{arguments}"),
                    "the engine's {name} takes or returns what JavaScript cannot hand over as it is: {function}"
                );
                entrances.insert(name.to_owned());
            } // else the wasm imported it until it was silenced
        } else {
            code.push_str(item);
        }
    }
    code += &format!("export const imports = {{ {module}: [\n");
    for function in imports.keys() {
        code.extend([function, ",\n"]);
    }
    code += "] };\n";
    Ok(Glue {
        code,
        places: imports.into_values().collect(),
        entrances,
    })
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
    let closure = value.and_then(|value| value.strip_prefix("makeClosure(arg0, arg1, "));
    let expression = value
        .or(statement)
        .filter(|code| !code.contains(';') && !code.starts_with("throw "));
    let body = if let Some(call) = closure {
        let function = call.trim_end_matches(')');
        format!("guarded((...args) => {function}(arg0, arg1, ...args))")
    } else if let Some(expression) = expression {
        expression.to_owned()
    } else {
        format!("{{\n{body}}}")
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

/// Gives the exports that only the glue knows names as short as can be, and takes away those that it does not know
/// either; returns new by old.
fn shorten(module: &mut Module, glue: &Glue) -> HashMap<String, String> {
    let mut short = HashMap::new();
    let mut unused = Vec::new();
    for export in module.exports.iter_mut() {
        if !glue.code.contains(&export.name) && !glue.entrances.contains(&export.name) {
            unused.push(export.id());
        } else if export.name.contains("__") {
            // wasm-bindgen itself begins no name with a dollar.
            let new = format!("${:x}", short.len());
            short.insert(std::mem::replace(&mut export.name, new.clone()), new);
        }
    }
    for export in unused {
        module.exports.delete(export);
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
    fn imports_become_one_list_without_repeats_and_the_rest_stays() -> super::Result<()> {
        let glue = "/**\n * Says something.\n */\n\
                    export function a(arg0) {\n    const ret = arg0.x;\n    return ret;\n}\n\
                    export function b() { return handleError(function (arg0) {\n    arg0.y();\n}, arguments); }\n\
                    export function c(arg0) {\n    const ret = arg0.x;\n    return ret;\n}\n\
                    export function d() {\n    throw new Error();\n}\n\
                    export function e(arg0) {\n    const ret = wasm.e(arg0);\n    return ret >>> 0;\n}\n\
                    let wasm;\n";
        let code = "let wasm;\nexport const imports = { k0: [\n\
                    () => {\n    throw new Error();\n},\n\
                    (arg0) => arg0.x,\n\
                    caught((arg0) => arg0.y()),\n] };\n";
        let places: [&[&str]; 3] = [&["d"], &["a", "c"], &["b"]];
        let imported = HashSet::from(["a", "b", "c", "d"]);
        let glue = super::compact(glue, "k0", &imported)?;
        assert_eq!(glue.code, code);
        assert_eq!(glue.places, places.map(owned));
        assert_eq!(glue.entrances, HashSet::from(["e".to_owned()]));
        Ok(())
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
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
