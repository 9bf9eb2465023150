//! The engine as JavaScript, for pages that may have no WebAssembly.
//!
//! wasm2js knows one table, and that is the one of functions. So the table of JavaScript's values becomes an array,
//! which the engine reaches by four functions that it imports.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use walrus::ir::{Call, Instr, InstrLocId, VisitorMut, dfs_pre_order_mut};
use walrus::{ExportItem, FunctionId, Module, RefType, TableId, ValType};
use xshell::{Shell, cmd};

use crate::{engine, tools};

/// What the four functions are imported from.
const TABLE: &str = "table";

/// What wasm2js writes last: it makes an engine at once, and exports what that exports.
const TAIL: &str = "\nvar retasmFunc = asmFunc({";

/// The array in the table's place. The engine takes places in it from a list of its own, and asks for more.
const ARRAY: &str = "
const values = [];
const table = {
    get: (index) => values[index],
    set: (index, value) => { values[index] = value; },
    grow: (value, count) => values.push(...Array(count).fill(value)) - count,
    fill: (index, value, count) => { values.fill(value, index, index + count); },
};
";

/// Writes the module `to`, of a wasm and its glue; `work` is a path for what is made on the way.
pub(crate) fn translate(
    sh: &Shell,
    wasm: &Path,
    glue: &Path,
    work: &Path,
    to: &Path,
) -> Result<()> {
    let mut module = Module::from_file(wasm)?;
    let Replaced { export, size } = replace_table(&mut module)?;
    let from = imported_from(&module)?;
    let one_table = work.with_extension("one-table.wasm");
    module.emit_wasm_file(&one_table)?;

    let wasm_opt = tools::npm(sh, "wasm-opt")?;
    engine::optimize(
        sh,
        &wasm_opt,
        &one_table,
        &["--llvm-nontrapping-fptoint-lowering"],
    )?;
    let raw = work.with_extension("raw.js");
    let wasm2js = tools::npm(sh, "wasm2js")?;
    let features = engine::FEATURES;
    cmd!(sh, "{wasm2js} {one_table} -o {raw} -Oz {features...}")
        .quiet()
        .run()?;

    // In one scope, so that esbuild can shorten the names of both.
    let translated = sh.read_file(&raw)?;
    let (body, _) = translated
        .split_once(TAIL)
        .context("wasm2js ends its module in another way than it did")?;
    let body: String = body
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("import "))
        .collect();
    let glue = fs::read_to_string(glue)?;
    let own = glue.replace("\nexport ", "\n");
    ensure!(own != glue, "the glue exports nothing");
    let start = format!(
        "values.length = {size};\n\
         export const begin = () => start({{ ...asmFunc({{ {from}: imports.{from}, {TABLE}: table }}), {export}: table }});\n"
    );
    let whole = work.with_extension("whole.js");
    sh.write_file(&whole, [body.as_str(), &own, ARRAY, &start].concat())?;
    let esbuild = tools::npm(sh, "esbuild")?;
    cmd!(
        sh,
        "{esbuild} {whole} --minify --format=esm --log-level=warning --outfile={to}"
    )
    .quiet()
    .run()?;
    Ok(())
}

/// The table that is gone.
struct Replaced {
    /// What it was exported as.
    export: String,
    /// How large it was at first.
    size: u64,
}

fn replace_table(module: &mut Module) -> Result<Replaced> {
    let tables: Vec<_> = module
        .tables
        .iter()
        .filter(|table| table.element_ty == RefType::EXTERNREF)
        .map(|table| (table.id(), table.initial))
        .collect();
    let &[(table, size)] = tables.as_slice() else {
        bail!("the engine has {} tables of values", tables.len());
    };

    let value = ValType::Ref(RefType::EXTERNREF);
    let mut import = |name: &str, takes: &[ValType], returns: &[ValType]| {
        let kind = module.types.add(takes, returns);
        module.add_import_func(TABLE, name, kind).0
    };
    let mut calls = Calls {
        table,
        get: import("get", &[ValType::I32], &[value]),
        set: import("set", &[ValType::I32, value], &[]),
        grow: import("grow", &[value, ValType::I32], &[ValType::I32]),
        fill: import("fill", &[ValType::I32, value, ValType::I32], &[]),
        unknown: None,
    };
    for (_, function) in module.funcs.iter_local_mut() {
        let entry = function.entry_block();
        dfs_pre_order_mut(&mut calls, function, entry);
    }
    ensure!(
        calls.unknown.is_none(),
        "the engine does something else with its table: {:?}",
        calls.unknown
    );

    let is_table = |item: &ExportItem| matches!(item, ExportItem::Table(id) if *id == table);
    let export = module.exports.iter().find(|export| is_table(&export.item));
    let export = export.context("the table is not exported")?;
    let (id, export) = (export.id(), export.name.clone());
    module.exports.delete(id);
    module.tables.delete(table);
    Ok(Replaced { export, size })
}

/// Puts calls in the place of what is done with a table.
struct Calls {
    table: TableId,
    get: FunctionId,
    set: FunctionId,
    grow: FunctionId,
    fill: FunctionId,
    /// What there is no function for.
    unknown: Option<Instr>,
}

impl VisitorMut for Calls {
    fn visit_instr_mut(&mut self, instr: &mut Instr, _: &mut InstrLocId) {
        let func = match instr {
            Instr::TableGet(it) if it.table == self.table => self.get,
            Instr::TableSet(it) if it.table == self.table => self.set,
            Instr::TableGrow(it) if it.table == self.table => self.grow,
            Instr::TableFill(it) if it.table == self.table => self.fill,
            Instr::TableSize(_) | Instr::TableInit(_) | Instr::TableCopy(_) => {
                self.unknown = Some(instr.clone());
                return;
            }
            _ => return,
        };
        *instr = Instr::Call(Call { func });
    }
}

/// The name that the glue's list has.
fn imported_from(module: &Module) -> Result<String> {
    let mut imports = module.imports.iter();
    let import = imports.find(|import| import.module != TABLE);
    Ok(import.context("the engine imports nothing")?.module.clone())
}
