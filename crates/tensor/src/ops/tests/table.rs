//! The table of ops in `docs/ops.md`, made from the cases: what is in it has been tried.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::{Case, arguments, call, families};
use crate::graph::evaluate::executable_for;
use crate::ops::Op;
use crate::plan::Action;
use crate::{DType, Key, Tensor};

/// What is known of an op.
#[derive(Default)]
struct Row {
    dtypes: BTreeSet<DType>,
    smooth: bool,
    batched: bool,
    kernels: BTreeSet<&'static str>,
    fused: bool,
}

/// The ops that a case is about: the first word of its name, several joined by `+`.
fn names(case: &Case) -> impl Iterator<Item = &str> {
    case.name.split(' ').next().unwrap_or_default().split('+')
}

/// Runs `body` without a word if it panics.
fn quietly<R>(body: impl FnOnce() -> R) -> Option<R> {
    thread_local!(static QUIET: Cell<bool> = const { Cell::new(false) });
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(body));
    QUIET.set(false);
    result.ok()
}

/// The kinds of kernels that a plan consists of.
fn kernels(output: &Tensor) -> BTreeSet<&'static str> {
    let executable = executable_for(&[output]);
    let kind = |action: &Action| match action {
        Action::Loop => "loop",
        Action::Matmul { .. } => "matrix product",
        Action::Convolution { .. } => "convolution",
        Action::Pool { .. } => "pooling",
        Action::Assemble { .. } => "copy",
        Action::Take { .. } => "gather",
        Action::ScatterAdd { .. } => "scatter",
        Action::ArgMax { .. } => "argmax",
        Action::Random { .. } => "random",
        Action::Custom { .. } => "own",
    };
    executable.plan().kernels.iter().map(|kernel| kind(&kernel.action)).collect()
}

fn rows() -> BTreeMap<(&'static str, String), Row> {
    let mut rows: BTreeMap<(&'static str, String), Row> = BTreeMap::new();
    for (family, cases) in families() {
        for case in &cases {
            let at = arguments(case, &Key::new(1));
            let output = call(case, &at);
            let fused =
                matches!(&output.node.op, Op::Custom(op) if op.fallback(&output.node.inputs()).is_some());
            let planned = if output.is_evaluated() { BTreeSet::new() } else { kernels(&output) };
            let works = |dtype: &DType| {
                let given: Vec<Tensor> = at.iter().map(|argument| argument.cast(*dtype)).collect();
                quietly(|| crate::eval([&call(case, &given)])).is_some()
            };
            let dtypes: Vec<DType> = DType::ALL.into_iter().filter(works).collect();
            for name in names(case) {
                let row = rows.entry((family, name.to_string())).or_default();
                row.dtypes.extend(&dtypes);
                row.smooth |= case.smooth;
                row.batched |= case.batched;
                row.kernels.extend(&planned);
                row.fused |= fused;
            }
        }
    }
    rows
}

fn table() -> String {
    let mut text = String::from(
        "# The ops\n\n\
        Made by the tests of the engine (`BOLETE_WRITE=1 cargo test -p bolete-tensor --lib ops::tests::table`), which \
        fail when it is out of date. A row is here because a case of the op × transform test is about it.\n\n\
        - *Element types*: those in which the op has been run. Booleans and integers become numbers and floats where an \
        op needs them.\n\
        - *Derivatives*: forward and reverse, both again for second order, compared with finite differences in `f64`; \
        `-` for what has none. `vmap` is compared with a loop for every op and every choice of mapped arguments.\n\
        - *Kernels*: what the planner makes of the cases, on the CPU, the only device so far. What is a `loop` fuses \
        with its neighbours; matrix products and convolutions take loops as epilogues; `own` is a kernel of the op's own.\n\
        - *Fused*: recorded as one node with a shorter derivative of its own and a fallback of plain ops.\n\n\
        | family | op | element types | derivatives | vmap | kernels | fused | device |\n\
        |---|---|---|---|---|---|---|---|\n",
    );
    for ((family, name), row) in rows() {
        let all = row.dtypes.len() == DType::ALL.len();
        let dtypes: Vec<String> = row.dtypes.iter().map(DType::to_string).collect();
        let dtypes = if all { "all".to_string() } else { dtypes.join(", ") };
        let kernels: Vec<&str> = row.kernels.iter().copied().collect();
        let derivatives = if row.smooth { "all orders" } else { "-" };
        let batched = if row.batched { "yes" } else { "computed at the call" };
        let fused = if row.fused { "yes" } else { "" };
        text += &format!(
            "| {family} | `{name}` | {dtypes} | {derivatives} | {batched} | {} | {fused} | CPU |\n",
            kernels.join(", ")
        );
    }
    text
}

#[test]
fn the_table_of_ops_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ops.md");
    let table = table();
    if std::env::var_os("BOLETE_WRITE").is_some() {
        std::fs::write(&path, &table).expect("docs/ops.md can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == table,
        "docs/ops.md is out of date: run BOLETE_WRITE=1 cargo test -p bolete-tensor --lib ops::tests::table"
    );
}

/// Public methods of tensors and keys in the sources of the ops.
fn methods() -> BTreeSet<String> {
    let mut methods = BTreeSet::new();
    super::sources(&mut |source| {
        let mut inside = false;
        for line in source.lines() {
            if line.starts_with("impl") {
                inside = line.contains("impl Tensor {") || line.contains("impl Key {");
            }
            let Some(rest) = line.strip_prefix("    pub fn ").filter(|_| inside) else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            methods.insert(name);
        }
    });
    methods
}

#[test]
fn every_method_has_a_case() {
    // What makes and takes apart keys is no op.
    let no_ops = ["new", "from_tensor", "tensor"];
    let rows = rows();
    let known: BTreeSet<&str> = rows.keys().map(|(_, name)| name.as_str()).collect();
    let missing: Vec<String> = methods()
        .into_iter()
        .filter(|name| !known.contains(name.as_str()) && !no_ops.contains(&name.as_str()) && !name.is_empty())
        .collect();
    assert!(missing.is_empty(), "no case is about {missing:?}");
}
