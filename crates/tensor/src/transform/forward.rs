//! Forward mode: directional derivatives.

use crate::Tensor;
use crate::graph::node::ScopeGuard;
use crate::graph::site::{OnBehalf, Origin, Phase};
use crate::graph::walk::{IdMap, key, reachable};
use crate::ops::rule::{Call, Derivatives};
use crate::tree::{Tree, TreeExt};

use super::reverse::{dependents, leaf, mark, outputs_of};

/// The tangents of `outputs` given those of `leaves`; `None` where nothing flows.
pub(crate) fn push(outputs: &[Tensor], leaves: &[Tensor], tangents: &[Tensor]) -> Vec<Option<Tensor>> {
    let Some(first) = leaves.iter().map(|leaf| leaf.node.id).min() else {
        return vec![None; outputs.len()];
    };
    let nodes = reachable(outputs, |tensor| tensor.node.id >= first);
    let depends = dependents(&nodes, leaves);
    let mut flowing: IdMap<(u64, u16), Tensor> = IdMap::default();
    for (leaf, tangent) in leaves.iter().zip(tangents) {
        flowing.insert(key(leaf), tangent.clone());
    }
    for tensor in &nodes {
        let node = &tensor.node;
        if !depends.contains_key(&node.id) || flowing.contains_key(&(node.id, 0)) {
            continue;
        }
        let inputs = node.inputs();
        let arrived: Derivatives = inputs.iter().map(|input| flowing.get(&key(input)).cloned()).collect();
        if arrived.iter().all(Option::is_none) {
            continue;
        }
        let wanted: smallvec::SmallVec<[bool; 4]> = arrived.iter().map(Option::is_some).collect();
        let outputs = outputs_of(tensor);
        let call = Call { op: &node.op, inputs: &inputs, outputs: &outputs, wanted: &wanted };
        // The tangent of what a reverse derivative recorded is part of that still.
        let phase = if node.phase == Phase::Forward { Phase::Tangent } else { node.phase };
        let _behalf = OnBehalf::of(Origin { site: node.site, phase });
        for (out, tangent) in node.op.rule().jvp(&call, &arrived).into_iter().enumerate() {
            if let Some(tangent) = tangent {
                flowing.insert((node.id, out as u16), tangent);
            }
        }
    }
    outputs.iter().map(|output| flowing.get(&key(output)).cloned()).collect()
}

/// The tangents of a function's values, for ops whose rule is that of their fallback.
pub(crate) fn through(
    inputs: &[Tensor],
    tangents: &[Option<Tensor>],
    function: impl FnOnce(&[Tensor]) -> Vec<Tensor>,
) -> Derivatives {
    let guard = ScopeGuard::new();
    let (mut leaves, mut along) = (Vec::new(), Vec::new());
    let arguments: Vec<Tensor> = inputs
        .iter()
        .zip(tangents)
        .map(|(input, tangent)| match tangent {
            Some(tangent) => {
                let leaf = leaf(input, &guard);
                leaves.push(leaf.clone());
                along.push(tangent.clone());
                leaf
            }
            None => input.clone(),
        })
        .collect();
    let outputs = function(&arguments);
    push(&outputs, &leaves, &along).into_iter().collect()
}

/// The value of `function` at `argument` and its derivative in the direction `tangent`, a tree of the argument's
/// shape, in one forward pass.
///
/// ```
/// use bolete_tensor::{Tensor, jvp};
/// let (y, slope) = jvp(|x: &Tensor| x.sin(), &Tensor::from(0.0f64), &Tensor::from(2.0f64));
/// assert_eq!((y.item(), slope.item()), (0.0, 2.0));
/// ```
///
/// # Panics
/// If the tangent has other shapes than the argument.
#[track_caller]
pub fn jvp<T: Tree, Y: Tree>(function: impl FnOnce(&T) -> Y, argument: &T, tangent: &T) -> (Y, Y) {
    let guard = ScopeGuard::new();
    let (marked, leaves) = mark(argument, &guard);
    let directions = tangent.leaves();
    for (index, leaf) in &leaves {
        assert!(
            directions[*index].shape() == leaf.shape(),
            "jvp: an argument of shape {} needs a tangent of that shape, not {}",
            leaf.shape(),
            directions[*index].shape()
        );
    }
    let (leaves, tangents): (Vec<Tensor>, Vec<Tensor>) = leaves
        .into_iter()
        .map(|(index, leaf)| {
            let direction = &directions[index];
            let direction = direction.cast(leaf.dtype());
            (leaf, direction)
        })
        .unzip();
    let value = function(&marked);
    let outputs = value.leaves();
    let mut pushed = push(&outputs, &leaves, &tangents).into_iter();
    let derivative = value.map(|output| pushed.next().flatten().unwrap_or_else(|| output.zeros_like()));
    (value, derivative)
}
