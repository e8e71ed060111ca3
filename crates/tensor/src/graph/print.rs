//! Looking at a pending graph: as a text tree, as DOT for Graphviz, and as a list of nodes for other drawings.

use std::fmt::Write;

use crate::graph::walk::{IdMap, reachable};
use crate::ops::Op;
use crate::{DType, Shape, Tensor};

/// Lines of a text tree before the rest is cut off.
const MOST_LINES: usize = 1000;

/// What a node does, in one word with its parameters.
fn label(tensor: &Tensor) -> String {
    match &tensor.node.op {
        Op::Data => "data".to_string(),
        Op::Scalar(value) | Op::Constant(value) => format!("{value}"),
        Op::Map(op) => op.name().to_string(),
        Op::Reduce { op, axes } => format!("{} over {axes:?}", op.name()),
        Op::Convolution(op) => match op.role {
            crate::ops::convolution::Role::Output => "conv2d".to_string(),
            crate::ops::convolution::Role::Image => "conv2d_image".to_string(),
            crate::ops::convolution::Role::Kernel => "conv2d_kernel".to_string(),
        },
        Op::Pool(op) => format!("pool {:?} {:?}", op.role, op.options.window),
        Op::Slice(spec) => format!("slice from {:?} by {:?}", spec.start.as_slice(), spec.step.as_slice()),
        Op::Pad(spec) => format!("pad {:?} {:?}", spec.low.as_slice(), spec.high.as_slice()),
        Op::Custom(op) => op.0.name().to_string(),
        op => format!("{op:?}").to_lowercase(),
    }
}

fn line(tensor: &Tensor) -> String {
    let state = if tensor.is_evaluated() && !matches!(tensor.node.op, Op::Data) { ", evaluated" } else { "" };
    let out = if tensor.node.outputs.len() > 1 { format!(".{}", tensor.out) } else { String::new() };
    format!("{}{out} {} {}{state}", label(tensor), tensor.dtype(), tensor.shape())
}

/// The graph that computes `tensor` as a tree, inputs indented below what they go into; a node that is used again is
/// written out once and referred to by its number.
///
/// ```
/// use bolete_tensor::{Tensor, graph::print::tree};
/// let x = Tensor::from([1.0f32, 2.0]);
/// let text = tree(&(&x * &x).sum(..));
/// assert!(text.starts_with("sum over [0] f32 []\n└─ mul f32 [2]"));
/// ```
pub fn tree(tensor: &Tensor) -> String {
    let mut text = String::new();
    let mut numbers: IdMap<u64, usize> = IdMap::default();
    // Prefix for the lines below, branch mark, node.
    let mut stack: Vec<(String, &str, Tensor)> = vec![(String::new(), "", tensor.clone())];
    let mut uses: IdMap<u64, usize> = IdMap::default();
    for node in reachable([tensor], |_| true) {
        node.node.with_inputs(|inputs| {
            for input in inputs {
                *uses.entry(input.node.id).or_default() += 1;
            }
        });
    }
    let mut lines = 0;
    while let Some((prefix, mark, tensor)) = stack.pop() {
        lines += 1;
        if lines > MOST_LINES {
            text.push_str("… (cut off)\n");
            break;
        }
        let shared = uses.get(&tensor.node.id).copied().unwrap_or(0) > 1;
        if let Some(number) = numbers.get(&tensor.node.id) {
            writeln!(text, "{prefix}{mark}(see #{number})").expect("strings take all writes");
            continue;
        }
        let number = if shared {
            let number = numbers.len() + 1;
            numbers.insert(tensor.node.id, number);
            format!(" #{number}")
        } else {
            String::new()
        };
        writeln!(text, "{prefix}{mark}{}{number}", line(&tensor)).expect("strings take all writes");
        let below = match mark {
            "" => prefix,
            "└─ " => format!("{prefix}   "),
            _ => format!("{prefix}│  "),
        };
        let inputs = tensor.node.inputs();
        let last = inputs.len().saturating_sub(1);
        for (index, input) in inputs.into_iter().enumerate().rev() {
            let mark = if index == last { "└─ " } else { "├─ " };
            stack.push((below.clone(), mark, input));
        }
    }
    text
}

/// The graph that computes `tensors` in the language of Graphviz: boxes for values that exist, ellipses for ops.
pub fn dot(tensors: &[&Tensor]) -> String {
    let mut text = String::from("digraph bolete {\n  rankdir=BT;\n  node [fontname=\"Helvetica\"];\n");
    for tensor in reachable(tensors.iter().copied(), |_| true) {
        let node = &tensor.node;
        let shape = if node.is_evaluated() { "box" } else { "ellipse" };
        let label = line(&tensor).replace('\\', "\\\\").replace('"', "\\\"");
        writeln!(text, "  n{} [shape={shape}, label=\"{label}\"];", node.id)
            .expect("strings take all writes");
        node.with_inputs(|inputs| {
            for input in inputs {
                writeln!(text, "  n{} -> n{};", input.node.id, node.id).expect("strings take all writes");
            }
        });
    }
    text.push_str("}\n");
    text
}

/// A node of a graph, as somebody who draws it needs it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Drawn {
    /// What it does, in one word with its parameters, as in [`tree`].
    pub label: String,
    /// The shape of the (first) value.
    pub shape: Shape,
    /// The element type of that value.
    pub dtype: DType,
    /// Whether the value exists: a leaf, or an op that has been computed.
    pub is_evaluated: bool,
    /// What it is computed from: positions in the list of nodes, all below its own.
    pub inputs: Vec<usize>,
}

/// The graph that computes `tensors` as a list in topological order, each node once: inputs before what they go into.
///
/// ```
/// use bolete_tensor::{Tensor, graph::print::nodes};
/// let x = Tensor::from([1.0f32, 2.0]);
/// let graph = nodes(&[&(&x * &x).sum(..)]);
/// let labels: Vec<&str> = graph.iter().map(|node| node.label.as_str()).collect();
/// assert_eq!(labels, ["data", "mul", "sum over [0]"]);
/// assert_eq!(graph[1].inputs, [0, 0]);
/// ```
pub fn nodes(tensors: &[&Tensor]) -> Vec<Drawn> {
    let mut positions: IdMap<u64, usize> = IdMap::default();
    let found = reachable(tensors.iter().copied(), |_| true);
    let drawn = found.iter().enumerate().map(|(position, tensor)| {
        positions.insert(tensor.node.id, position);
        let inputs =
            tensor.node.with_inputs(|inputs| inputs.iter().map(|input| positions[&input.node.id]).collect());
        let meta = &tensor.node.outputs[0];
        let is_evaluated = tensor.node.is_evaluated();
        Drawn { label: label(tensor), shape: meta.shape.clone(), dtype: meta.dtype, is_evaluated, inputs }
    });
    drawn.collect()
}
