//! Gradient checkpointing: computing again instead of keeping (Chen et al. 2016).

use std::sync::Arc;

use smallvec::smallvec;

use crate::graph::node::ScopeGuard;
use crate::ops::Op;
use crate::tree::{Tree, TreeExt};
use crate::{CustomOp, Metadata, Tensor, custom};

use super::reverse;
use super::trace::Traced;

/// A piece of graph whose intermediate values are computed a second time for the backward pass.
#[derive(Debug)]
struct Checkpoint(Arc<Traced>);

impl CustomOp for Checkpoint {
    fn name(&self) -> &str {
        "checkpoint"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.0.fingerprint]
    }
    fn infer(&self, _: &[Metadata]) -> Vec<Metadata> {
        self.0.output_metas().map(|meta| Metadata { shape: meta.shape.clone(), dtype: meta.dtype }).collect()
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        Some(self.0.at(inputs))
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        // Behind barriers the second computation is neither merged with the first nor started before the backward
        // pass has come this far.
        let arrived: Vec<Tensor> = cotangents.iter().flatten().cloned().collect();
        let guard = ScopeGuard::new();
        let (mut leaves, mut positions) = (Vec::new(), Vec::new());
        let arguments: Vec<Tensor> = inputs
            .iter()
            .enumerate()
            .map(|(index, input)| {
                let mut after = smallvec![input.clone()];
                after.extend(arrived.iter().cloned());
                let barrier = Tensor::record(Op::Barrier, after, input.shape().clone(), input.dtype());
                if !input.dtype().is_float() {
                    return barrier;
                }
                let leaf = reverse::leaf(&barrier, &guard);
                leaves.push(leaf.clone());
                positions.push(index);
                leaf
            })
            .collect();
        let pulled = reverse::pull(&self.0.at(&arguments), cotangents, &leaves);
        let mut all = vec![None; inputs.len()];
        for (index, cotangent) in positions.into_iter().zip(pulled) {
            all[index] = cotangent;
        }
        Some(all)
    }
    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        Some(custom(Checkpoint(Arc::new(self.0.batched(inputs, mapped, size))), inputs))
    }
}

/// A function with the values and derivatives of `function`, whose intermediate values are not kept for the backward
/// pass but computed again in it: less memory for more time. Tensors that `function` captures are differentiated too.
///
/// ```
/// use bolete_tensor::{Tensor, checkpoint, grad};
/// let layer = |x: &Tensor| x.tanh().exp();
/// let x = Tensor::from(0.5f64);
/// let kept = grad(|x: &Tensor| layer(x))(&x).item();
/// let again = grad(|x: &Tensor| checkpoint(layer)(x))(&x).item();
/// assert_eq!(kept, again);
/// ```
pub fn checkpoint<T: Tree, Y: Tree>(function: impl Fn(&T) -> Y) -> impl Fn(&T) -> Y {
    move |argument| {
        let inputs = argument.leaves();
        let mut value = None;
        let (traced, free) = Traced::new(&inputs, |leaves| {
            let result = function(&argument.with_leaves(leaves.iter().cloned()));
            let outputs = result.leaves();
            value = Some(result);
            outputs
        });
        let value = value.expect("the function has been called");
        let all: Vec<Tensor> = inputs.into_iter().chain(free).collect();
        if traced.output_metas().next().is_none() {
            return value;
        }
        value.with_leaves(custom(Checkpoint(Arc::new(traced)), &all))
    }
}
