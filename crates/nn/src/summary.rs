//! What a model is made of, as text.
//!
//! A summary lists the layers in the order in which a forward pass calls them. The pass is only recorded, never run:
//! shapes are known as soon as an op is called, so a summary of the largest model takes no time and no memory. It also
//! works for any code, since it is the layers that report to the [`Context`], not the model that is searched for them.

use std::collections::{HashMap, HashSet};
use std::fmt;

use bolete_tensor::tree::{LeafKind, TreeExt};
use bolete_tensor::{DType, Shape, Tensor, Tree};

use crate::{Context, Module};

/// A call of a layer, as it is noted during a forward pass.
pub(crate) struct Call {
    description: String,
    /// Kind, identity and number of elements of each leaf.
    leaves: Vec<(LeafKind, u64, usize)>,
    output: Shape,
    operations: u64,
}

impl Call {
    pub fn new<L: Module>(layer: &L, input: &Tensor, output: &Tensor) -> Call {
        let leaves = layer.leaves_with_kinds();
        Call {
            description: layer.describe(),
            leaves: leaves.into_iter().map(|(kind, tensor)| (kind, tensor.id(), tensor.elements())).collect(),
            output: output.shape().clone(),
            operations: layer.operations(input.shape(), output.shape()),
        }
    }
}

/// A row of a [`Summary`]: one call of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the layer says it is.
    pub description: String,
    /// Where in the model it is, if it has leaves to know it by.
    pub path: String,
    /// Shape of its output.
    pub output: Shape,
    /// Number of its learned numbers, leaving out those of a leaf that an earlier row has counted.
    pub parameters: usize,
    /// Floating-point operations of this call; a multiply-add counts as two.
    pub operations: u64,
}

/// The layers of a model with shapes and costs; made by [`summarise`], shown as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The calls in order.
    pub rows: Vec<Row>,
    /// Number of learned numbers in the model, those of uncalled layers included.
    pub parameters: usize,
    /// Number of numbers in the model that are carried along but not learned.
    pub state: usize,
    /// Bytes of both.
    pub bytes: usize,
    /// Floating-point operations of the forward pass.
    pub operations: u64,
}

/// The summary of a model for an input of this shape, in evaluation.
///
/// ```
/// use bolete_nn::{LinearConfig, summarise};
/// use bolete_tensor::Key;
/// let summary = summarise(&LinearConfig::new(784, 10).init(&Key::new(0)), [32, 784]);
/// assert_eq!(summary.parameters, 7850);
/// assert_eq!(summary.operations, 32 * 10 * (2 * 784 + 1));
/// println!("{summary}");
/// ```
///
/// # Panics
/// If the model refuses an input of that shape.
#[track_caller]
pub fn summarise<M: Module>(model: &M, input: impl Into<Shape>) -> Summary {
    let input = Tensor::zeros(input, DType::F32);
    summarise_with(model, |model, context| model.forward(&input, context))
}

/// The summary of a model that takes something else than one tensor: `forward` calls it as it likes with the context
/// given.
#[track_caller]
pub fn summarise_with<M: Tree, R>(model: &M, forward: impl FnOnce(&M, &mut Context) -> R) -> Summary {
    let mut context = Context::recording();
    forward(model, &mut context);
    let named = model.named_leaves();
    let paths: HashMap<u64, &str> = named.iter().map(|leaf| (leaf.tensor.id(), leaf.path.as_str())).collect();
    let mut counted = HashSet::new();
    let rows: Vec<Row> = context
        .into_calls()
        .into_iter()
        .map(|call| Row {
            path: common_path(call.leaves.iter().filter_map(|(_, id, _)| paths.get(id).copied())),
            parameters: call
                .leaves
                .iter()
                .filter(|(kind, id, _)| *kind == LeafKind::Param && counted.insert(*id))
                .map(|(_, _, elements)| elements)
                .sum(),
            description: call.description,
            output: call.output,
            operations: call.operations,
        })
        .collect();
    let kept = |kind: LeafKind| named.iter().filter(move |leaf| leaf.kind == kind);
    Summary {
        operations: rows.iter().map(|row| row.operations).sum(),
        rows,
        parameters: model.count(LeafKind::Param),
        state: model.count(LeafKind::State),
        bytes: kept(LeafKind::Param)
            .chain(kept(LeafKind::State))
            .map(|leaf| leaf.tensor.elements() * leaf.tensor.dtype().size())
            .sum(),
    }
}

/// The steps that all paths begin with, without their last ones.
fn common_path<'a>(mut paths: impl Iterator<Item = &'a str>) -> String {
    let Some(first) = paths.next() else {
        return String::new();
    };
    let mut common: Vec<&str> = first.split('.').collect();
    common.pop();
    for path in paths {
        let shared = common.iter().zip(path.split('.')).take_while(|(step, other)| *step == other).count();
        common.truncate(shared);
    }
    common.join(".")
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.iter().map(|row| {
            [
                row.description.clone(),
                row.path.clone(),
                row.output.to_string(),
                grouped(row.parameters as u64),
                grouped(row.operations),
            ]
        });
        let header = ["Layer", "Path", "Output", "Parameters", "FLOPs"].map(str::to_owned);
        write_table(formatter, &[header].into_iter().chain(rows).collect::<Vec<_>>(), 3)?;
        writeln!(
            formatter,
            "{} parameters and {} numbers of state in {} bytes; {} floating-point operations per forward pass",
            grouped(self.parameters as u64),
            grouped(self.state as u64),
            grouped(self.bytes as u64),
            grouped(self.operations)
        )
    }
}

/// The leaves of any tree as a table of path, kind, type, shape and number of elements.
///
/// ```
/// use bolete_nn::{BatchNormConfig, parameter_table};
/// println!("{}", parameter_table(&BatchNormConfig::new(16).init()));
/// ```
pub fn parameter_table<T: Tree>(tree: &T) -> String {
    let header = ["Path", "Kind", "Type", "Shape", "Elements"].map(str::to_owned);
    let rows = tree.named_leaves().into_iter().map(|leaf| {
        [
            leaf.path,
            match leaf.kind {
                LeafKind::Param => "parameter".to_owned(),
                LeafKind::State => "state".to_owned(),
                LeafKind::Plain => "tensor".to_owned(),
            },
            leaf.tensor.dtype().to_string(),
            leaf.tensor.shape().to_string(),
            grouped(leaf.tensor.elements() as u64),
        ]
    });
    let mut text = String::new();
    write_table(&mut text, &[header].into_iter().chain(rows).collect::<Vec<_>>(), 4)
        .expect("strings take all writes");
    text
}

/// Writes rows, of which the first is a header, in columns; from column `numbers` on they are aligned at the right.
fn write_table<const N: usize>(
    out: &mut impl fmt::Write,
    rows: &[[String; N]],
    numbers: usize,
) -> fmt::Result {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            if column > 0 {
                line.push_str("  ");
            }
            line += &if column < numbers { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
        }
        writeln!(out, "{}", line.trim_end())?;
        if index == 0 {
            writeln!(out, "{}", "─".repeat(widths.iter().sum::<usize>() + 2 * (N - 1)))?;
        }
    }
    Ok(())
}

/// A number with a comma at every third digit.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
