//! Batching: a function of one example as a function of many.

use crate::Tensor;
use crate::graph::node::{Meta, ScopeGuard};
use crate::graph::site::OnBehalf;
use crate::graph::walk::{IdMap, key, reachable};
use crate::ops::rule::{Batched, Call};
use crate::tree::{Tree, TreeExt};

use super::reverse::outputs_of;
use super::trace::placeholder;

/// The outputs of `function`, mapped over the first axis of the inputs marked so, with the mapped axis in front.
pub(crate) fn vmap_tensors(
    inputs: &[Tensor],
    mapped: &[bool],
    size: usize,
    function: impl FnOnce(&[Tensor]) -> Vec<Tensor>,
) -> Vec<Tensor> {
    let guard = ScopeGuard::new();
    let mut batched: IdMap<(u64, u16), Tensor> = IdMap::default();
    let mut first = u64::MAX;
    let arguments: Vec<Tensor> = inputs
        .iter()
        .zip(mapped)
        .map(|(input, mapped)| {
            if !mapped {
                return input.clone();
            }
            let meta = Meta { shape: input.shape().without(&[0]), dtype: input.dtype() };
            let hole = placeholder(meta, &guard);
            first = first.min(hole.node.id);
            batched.insert(key(&hole), input.clone());
            hole
        })
        .collect();
    let outputs = function(&arguments);
    for tensor in reachable(&outputs, |tensor| tensor.node.id >= first) {
        let node = &tensor.node;
        let inputs = node.inputs();
        if !inputs.iter().any(|input| batched.contains_key(&key(input))) {
            continue;
        }
        let given: Vec<Batched> = inputs
            .iter()
            .map(|input| match batched.get(&key(input)) {
                Some(mapped) => Batched::Mapped(mapped.clone()),
                None => Batched::Shared(input.clone()),
            })
            .collect();
        let outputs = outputs_of(&tensor);
        let wanted: Vec<bool> = given.iter().map(Batched::is_mapped).collect();
        let call = Call { op: &node.op, inputs: &inputs, outputs: &outputs, wanted: &wanted };
        let _behalf = OnBehalf::of(node.origin());
        for (out, output) in node.op.batch().batch(&call, &given, size).into_iter().enumerate() {
            debug_assert!(
                *output.shape() == outputs[out].shape().inserted(0, size)
                    && output.dtype() == outputs[out].dtype(),
                "the batching rule of {:?} gave {} for {} times {size}",
                node.op,
                output.shape(),
                outputs[out].shape()
            );
            batched.insert((node.id, out as u16), output);
        }
    }
    outputs
        .iter()
        .map(|output| match batched.get(&key(output)) {
            Some(mapped) => mapped.clone(),
            None => output.broadcast_to(output.shape().inserted(0, size)),
        })
        .collect()
}

/// A function that applies `function` to each position of the first axis of all leaves of its argument, and stacks
/// the results along a new first axis; computed at once, not one by one.
///
/// ```
/// use bolete_tensor::{Tensor, grad, vmap};
/// let per_example = vmap(grad(|x: &Tensor| x.square().sum(..)));
/// # let mut per_example = per_example;
/// let x = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// assert_eq!(per_example(&x).to_vec::<f32>(), [2.0, 4.0, 6.0, 8.0]);
/// ```
///
/// # Panics
/// If a leaf has no axis or the first axes have different lengths; also if `function` reads a value of its argument,
/// which does not exist for many examples at once.
pub fn vmap<T: Tree, Y: Tree>(function: impl FnMut(&T) -> Y) -> impl FnMut(&T) -> Y {
    vmap_with(function, |_| Some(0), 0)
}

/// Like [`vmap`], mapping leaf `i` of the argument over axis `in_axes[i]` (`None`: the same for all), and putting the
/// mapped axis at `out_axis` of all results.
///
/// # Panics
/// As [`vmap`]; also if there are not as many axes as leaves or none of them is mapped.
pub fn vmap_axes<T: Tree, Y: Tree>(
    function: impl FnMut(&T) -> Y,
    in_axes: Vec<Option<isize>>,
    out_axis: isize,
) -> impl FnMut(&T) -> Y {
    vmap_with(
        function,
        move |leaf| {
            *in_axes
                .get(leaf)
                .unwrap_or_else(|| panic!("vmap: {} axes are given, there are more leaves", leaf))
        },
        out_axis,
    )
}

fn vmap_with<T: Tree, Y: Tree>(
    mut function: impl FnMut(&T) -> Y,
    axis_of: impl Fn(usize) -> Option<isize>,
    out_axis: isize,
) -> impl FnMut(&T) -> Y {
    move |argument| {
        let leaves = argument.leaves();
        let axes: Vec<Option<isize>> = (0..leaves.len()).map(&axis_of).collect();
        let mut size = None;
        let fronted: Vec<Tensor> = leaves
            .iter()
            .zip(&axes)
            .map(|(leaf, axis)| {
                let Some(axis) = axis else { return leaf.clone() };
                assert!(leaf.rank() > 0, "vmap: a leaf is a single number, which has no axis to map over");
                let fronted = leaf.move_axis(*axis, 0);
                let length = fronted.shape()[0];
                let known = *size.get_or_insert(length);
                assert!(
                    known == length,
                    "vmap: the mapped axes have different lengths, {known} and {length}"
                );
                fronted
            })
            .collect();
        let size = size.expect("vmap: no leaf of the argument is mapped");
        let mapped: Vec<bool> = axes.iter().map(Option::is_some).collect();
        let mut value = None;
        let outputs = vmap_tensors(&fronted, &mapped, size, |inputs| {
            let result = function(&argument.with_leaves(inputs.iter().cloned()));
            let leaves = result.leaves();
            value = Some(result);
            leaves
        });
        let moved = outputs.into_iter().map(|output| output.move_axis(0, out_axis));
        value.expect("the function has been called").with_leaves(moved)
    }
}
