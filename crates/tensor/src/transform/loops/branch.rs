//! Branching: one of two functions, chosen when the value is computed.

use std::sync::Arc;

use crate::graph::node::Meta;
use crate::transform::trace::Traced;
use crate::transform::{forward, reverse, vmap_tensors};
use crate::tree::{Tree, TreeExt};
use crate::{CustomOp, DType, HostArray, HostArrayMut, Metadata, Tensor, custom};

use super::piece::Piece;
use super::scan::zeros;

/// Inputs: the predicate, then the arguments of both branches.
#[derive(Debug)]
pub(super) struct Cond {
    pub then: Piece,
    pub otherwise: Piece,
}

impl Cond {
    /// The choice between what `change` makes of the two branches, at arguments that look like `inputs`.
    fn changed(&self, inputs: &[Tensor], change: impl Fn(&Traced, &[Tensor]) -> Vec<Tensor>) -> Cond {
        let derive = |piece: &Piece| {
            let metas = inputs.iter().map(|input| input.meta().clone());
            let traced = Traced::derived(&[&piece.traced], metas, |holes| change(&piece.traced, holes));
            Piece::new(Arc::new(traced), 0)
        };
        Cond { then: derive(&self.then), otherwise: derive(&self.otherwise) }
    }

    /// Records the choice; nothing if there is nothing to choose.
    #[track_caller]
    fn record(self, predicate: &Tensor, inputs: &[Tensor]) -> Vec<Tensor> {
        let _site = crate::graph::site::on_behalf_of_caller();
        if self.then.traced.outputs().is_empty() {
            return Vec::new();
        }
        let all: Vec<Tensor> = std::iter::once(predicate).chain(inputs).cloned().collect();
        custom(self, &all)
    }
}

impl CustomOp for Cond {
    fn name(&self) -> &str {
        "cond"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.then.traced.fingerprint, self.otherwise.traced.fingerprint]
    }
    fn infer(&self, _: &[Metadata]) -> Vec<Metadata> {
        self.then.outputs()
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let reads: Vec<*const u8> = inputs[1..].iter().map(|input| input.bytes.as_ptr()).collect();
        let writes: Vec<*mut u8> = outputs.iter_mut().map(|output| output.bytes.as_mut_ptr()).collect();
        let branch = if inputs[0].bytes[0] != 0 { &self.then } else { &self.otherwise };
        // SAFETY: the arrays have the shapes of the branch's arguments and outputs, and each is its own.
        unsafe { branch.runner().run(&reads, &writes) };
    }
    fn vjp_wanted(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Option<Vec<Option<Tensor>>> {
        let (own, wanted) = (&inputs[1..], &wanted[1..]);
        let arrived: Vec<Tensor> = cotangents.iter().flatten().cloned().collect();
        let all = [own, &arrived].concat();
        let pulled = self.changed(&all, |branch, holes| {
            let (own, arrived) = holes.split_at(own.len());
            let mut arrived = arrived.iter().cloned();
            let cotangents: Vec<Option<Tensor>> =
                cotangents.iter().map(|there| there.as_ref().and_then(|_| arrived.next())).collect();
            let sent = reverse::through(own, wanted, &cotangents, |own| branch.at(own));
            (own.iter().zip(sent).zip(wanted))
                .filter(|(_, wanted)| **wanted)
                .map(|((own, sent), _)| sent.unwrap_or_else(|| zeros(own.meta())))
                .collect()
        });
        let mut made = pulled.record(&inputs[0], &all).into_iter();
        let sent = wanted.iter().map(|wanted| if *wanted { made.next() } else { None });
        Some(std::iter::once(None).chain(sent).collect())
    }
    fn jvp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        tangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (own, tangents) = (&inputs[1..], &tangents[1..]);
        let directions: Vec<Tensor> = tangents.iter().flatten().cloned().collect();
        let all = [own, &directions].concat();
        let floats: Vec<bool> = outputs.iter().map(|output| output.dtype().is_float()).collect();
        let pushed = self.changed(&all, |branch, holes| {
            let (own, directions) = holes.split_at(own.len());
            let mut directions = directions.iter().cloned();
            let tangents: Vec<Option<Tensor>> =
                tangents.iter().map(|there| there.as_ref().and_then(|_| directions.next())).collect();
            let pushed = forward::through(own, &tangents, |own| branch.at(own));
            (pushed.into_iter().zip(branch.outputs()))
                .filter(|(_, output)| output.dtype().is_float())
                .map(|(pushed, output)| pushed.unwrap_or_else(|| zeros(output.meta())))
                .collect()
        });
        let mut made = pushed.record(&inputs[0], &all).into_iter();
        Some(floats.iter().map(|float| if *float { made.next() } else { None }).collect())
    }
    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        let (own, marks) = (&inputs[1..], &mapped[1..]);
        if !mapped[0] {
            let both =
                self.changed(own, |branch, holes| vmap_tensors(holes, marks, size, |one| branch.at(one)));
            return Some(both.record(&inputs[0], own));
        }
        let both = |piece: &Piece| vmap_tensors(own, marks, size, |one| piece.traced.at(one));
        let (then, otherwise) = (both(&self.then), both(&self.otherwise));
        Some(
            then.iter()
                .zip(&otherwise)
                .map(|(then, otherwise)| chosen(&inputs[0], then, otherwise))
                .collect(),
        )
    }
}

/// `then` in the rows where `which` holds, `otherwise` elsewhere.
pub(super) fn chosen(which: &Tensor, then: &Tensor, otherwise: &Tensor) -> Tensor {
    let ones = std::iter::repeat_n(1, then.rank() - which.rank());
    let shape: Vec<usize> = which.shape().iter().copied().chain(ones).collect();
    which.reshape(shape).broadcast_to(then.shape()).select(then, otherwise)
}

/// A piece that takes more arguments than `piece` needs: its own are those at `positions`.
pub(super) fn widened(
    piece: &Traced,
    arguments: &[Tensor],
    positions: impl Iterator<Item = usize>,
) -> Traced {
    let metas: Vec<Meta> = arguments.iter().map(|argument| argument.meta().clone()).collect();
    let positions: Vec<usize> = positions.collect();
    Traced::derived(&[piece], metas, |holes| {
        let own: Vec<Tensor> = positions.iter().map(|position| holes[*position].clone()).collect();
        piece.at(&own)
    })
}

/// # Panics
/// If a predicate is not a single boolean.
#[track_caller]
pub(super) fn check_predicate(name: &str, predicate: &Tensor) {
    assert!(
        predicate.dtype() == DType::Bool && predicate.rank() == 0,
        "{name}: the condition must be a single boolean, but is {} of shape {}",
        predicate.dtype(),
        predicate.shape()
    );
}

/// `then(argument)` if the boolean `predicate` holds, else `otherwise(argument)`. Only the one that is chosen is
/// computed, forwards and backwards; derivatives reach what either captures. Under [`vmap`](crate::vmap) over the
/// predicate both are computed and selected from.
///
/// ```
/// use bolete_tensor::{Tensor, cond, grad};
/// let root = |x: &Tensor| cond(&x.greater(0.0), |x: &Tensor| x.sqrt(), |x: &Tensor| x * 0.0, x);
/// assert_eq!(root(&Tensor::from(4.0f64)).item(), 2.0);
/// assert_eq!(grad(root)(&Tensor::from(0.0f64)).item(), 0.0);
/// ```
///
/// # Panics
/// If the predicate is not a single boolean or the branches return different structures, shapes or types.
#[track_caller]
pub fn cond<T: Tree, Y: Tree>(
    predicate: &Tensor,
    then: impl FnOnce(&T) -> Y,
    otherwise: impl FnOnce(&T) -> Y,
    argument: &T,
) -> Y {
    check_predicate("cond", predicate);
    let mut inputs = argument.leaves();
    let own = inputs.len();
    let (first, value, first_free) = traced(argument, &inputs, then);
    let (second, other, second_free) = traced(argument, &inputs, otherwise);
    assert!(value.structure() == other.structure(), "cond: the branches return different structures");
    for (then, otherwise) in first.output_metas().zip(second.output_metas()) {
        assert!(
            then == otherwise,
            "cond: the branches return {} {} and {} {}",
            then.dtype,
            then.shape,
            otherwise.dtype,
            otherwise.shape
        );
    }
    if first.outputs().is_empty() {
        return value;
    }
    let middle = own + first_free.len();
    inputs.extend(first_free);
    inputs.extend(second_free);
    let then = widened(&first, &inputs, 0..middle);
    let otherwise = widened(&second, &inputs, (0..own).chain(middle..inputs.len()));
    let op = Cond { then: Piece::new(Arc::new(then), 0), otherwise: Piece::new(Arc::new(otherwise), 0) };
    value.with_leaves(op.record(predicate, &inputs))
}

/// A function of a tree traced at leaves like `leaves`, with what it returned and what it captured.
pub(super) fn traced<T: Tree, Y: Tree>(
    argument: &T,
    leaves: &[Tensor],
    function: impl FnOnce(&T) -> Y,
) -> (Traced, Y, Vec<Tensor>) {
    let mut value = None;
    let (traced, free) = Traced::new(leaves, |leaves| {
        let result = function(&argument.with_leaves(leaves.iter().cloned()));
        let outputs = result.leaves();
        value = Some(result);
        outputs
    });
    (traced, value.expect("the function has been called"), free)
}
