//! What an op must say to be differentiated and batched.
//!
//! There is *one* derivative rule per op. The kinds of op differ in what that rule is, and the forward and the
//! reverse derivative both follow from it:
//!
//! - elementwise: the partial derivatives; jvp = Σ ∂ᵢ·tᵢ, vjp = ct·∂ᵢ;
//! - linear in its arguments together, or multilinear (linear in each of them): the transpose in one argument; the
//!   jvp is the op itself applied to tangents;
//! - the irregular rest: both, in terms of the same selected elements;
//! - fused and user ops: the derivative of their fallback, unless they bring their own transpose.

use smallvec::SmallVec;

use crate::graph::node::Inputs;
use crate::{Shape, Tensor};

use super::Op;

/// A node as rules see it.
pub(crate) struct Call<'a> {
    pub op: &'a Op,
    pub inputs: &'a [Tensor],
    pub outputs: &'a [Tensor],
    /// For each input, whether a derivative with respect to it is wanted.
    pub wanted: &'a [bool],
}

/// Derivatives of outputs or inputs, `None` standing for zero.
pub(crate) type Derivatives = SmallVec<[Option<Tensor>; 2]>;

/// A derivative rule.
pub(crate) trait Rule {
    /// Cotangents of the inputs from those of the outputs.
    #[track_caller]
    fn vjp(&self, call: &Call, cotangents: &[Option<Tensor>]) -> Derivatives;
    /// Tangents of the outputs from those of the inputs.
    #[track_caller]
    fn jvp(&self, call: &Call, tangents: &[Option<Tensor>]) -> Derivatives;
}

/// An op that is linear in its differentiable arguments taken together, like padding or concatenation.
pub(crate) trait Linear {
    /// Whether the op is linear in argument `index`; other arguments (indices, keys) have no derivative.
    fn is_linear_in(&self, _index: usize) -> bool {
        true
    }
    /// The cotangent of argument `index`.
    #[track_caller]
    fn transpose(&self, call: &Call, index: usize, cotangent: &Tensor) -> Tensor;
}

/// An op that is linear in each differentiable argument, the others held fixed, like a matrix product.
pub(crate) trait Multilinear {
    /// Whether the op is linear in argument `index`; other arguments have no derivative.
    fn is_linear_in(&self, _index: usize) -> bool {
        true
    }
    /// The cotangent of argument `index`.
    #[track_caller]
    fn transpose(&self, call: &Call, index: usize, cotangent: &Tensor) -> Tensor;
}

/// Records `call`'s op on other inputs of the same shapes.
#[track_caller]
pub(crate) fn again(call: &Call, inputs: Inputs) -> Tensor {
    let meta = call.outputs[0].meta();
    Tensor::record(call.op.clone(), inputs, meta.shape.clone(), meta.dtype)
}

/// Reverse derivative of an op with one output from the transpose in each argument.
#[track_caller]
pub(crate) fn transpose_each(
    call: &Call,
    cotangents: &[Option<Tensor>],
    is_linear_in: impl Fn(usize) -> bool,
    transpose: impl Fn(usize, &Tensor) -> Tensor,
) -> Derivatives {
    let Some(cotangent) = &cotangents[0] else {
        return call.inputs.iter().map(|_| None).collect();
    };
    let wanted = |index: usize| call.wanted[index] && is_linear_in(index);
    (0..call.inputs.len()).map(|index| wanted(index).then(|| transpose(index, cotangent))).collect()
}

/// Implements [`Rule`] for an op that implements [`Linear`].
macro_rules! linear_rule {
    ($type:ty) => {
        impl $crate::ops::rule::Rule for $type {
            fn vjp(
                &self,
                call: &$crate::ops::rule::Call,
                cotangents: &[Option<$crate::Tensor>],
            ) -> $crate::ops::rule::Derivatives {
                use $crate::ops::rule::Linear;
                $crate::ops::rule::transpose_each(
                    call,
                    cotangents,
                    |index| self.is_linear_in(index),
                    |index, cotangent| self.transpose(call, index, cotangent),
                )
            }
            fn jvp(
                &self,
                call: &$crate::ops::rule::Call,
                tangents: &[Option<$crate::Tensor>],
            ) -> $crate::ops::rule::Derivatives {
                use $crate::ops::rule::Linear;
                let argument = |index: usize| match &tangents[index] {
                    Some(tangent) => tangent.clone(),
                    None if self.is_linear_in(index) => call.inputs[index].zeros_like(),
                    None => call.inputs[index].clone(),
                };
                if !(0..tangents.len()).any(|index| tangents[index].is_some() && self.is_linear_in(index)) {
                    return smallvec::smallvec![None];
                }
                let inputs = (0..call.inputs.len()).map(argument).collect();
                smallvec::smallvec![Some($crate::ops::rule::again(call, inputs))]
            }
        }
    };
}
pub(crate) use linear_rule;

/// Implements [`Rule`] for an op that implements [`Multilinear`].
macro_rules! multilinear_rule {
    ($type:ty) => {
        impl $crate::ops::rule::Rule for $type {
            fn vjp(
                &self,
                call: &$crate::ops::rule::Call,
                cotangents: &[Option<$crate::Tensor>],
            ) -> $crate::ops::rule::Derivatives {
                use $crate::ops::rule::Multilinear;
                $crate::ops::rule::transpose_each(
                    call,
                    cotangents,
                    |index| self.is_linear_in(index),
                    |index, cotangent| self.transpose(call, index, cotangent),
                )
            }
            fn jvp(
                &self,
                call: &$crate::ops::rule::Call,
                tangents: &[Option<$crate::Tensor>],
            ) -> $crate::ops::rule::Derivatives {
                use $crate::ops::rule::Multilinear;
                let terms = (0..tangents.len()).filter_map(|index| {
                    let tangent = tangents[index].as_ref().filter(|_| self.is_linear_in(index))?;
                    let mut inputs: $crate::graph::node::Inputs = call.inputs.iter().cloned().collect();
                    inputs[index] = tangent.clone();
                    Some($crate::ops::rule::again(call, inputs))
                });
                smallvec::smallvec![terms.reduce(|sum, term| sum.add(&term))]
            }
        }
    };
}
pub(crate) use multilinear_rule;

/// The rule of an op that hands its first input on.
pub(crate) struct PassThrough;

impl Linear for PassThrough {
    fn is_linear_in(&self, index: usize) -> bool {
        index == 0
    }
    fn transpose(&self, _: &Call, _: usize, cotangent: &Tensor) -> Tensor {
        cotangent.clone()
    }
}
linear_rule!(PassThrough);

/// The rule of an op without derivative.
pub(crate) struct Constant;

impl Rule for Constant {
    fn vjp(&self, call: &Call, _: &[Option<Tensor>]) -> Derivatives {
        call.inputs.iter().map(|_| None).collect()
    }
    fn jvp(&self, call: &Call, _: &[Option<Tensor>]) -> Derivatives {
        call.outputs.iter().map(|_| None).collect()
    }
}

/// An input of an op under `vmap`: with the mapped axis in front, or the same for all.
#[derive(Clone)]
pub(crate) enum Batched {
    Mapped(Tensor),
    Shared(Tensor),
}

impl Batched {
    /// The tensor with the mapped axis in front, repeated if it is the same for all.
    #[track_caller]
    pub fn mapped(&self, size: usize) -> Tensor {
        match self {
            Batched::Mapped(tensor) => tensor.clone(),
            Batched::Shared(tensor) => tensor.broadcast_to(tensor.shape().inserted(0, size)),
        }
    }

    /// Whether the tensor differs along the mapped axis.
    pub fn is_mapped(&self) -> bool {
        matches!(self, Batched::Mapped(_))
    }
}

/// How an op works on inputs with one more axis in front. At least one input is mapped; so are all outputs.
pub(crate) trait Batch {
    #[track_caller]
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor>;
}

/// Batching of an op that treats all elements alike.
pub(crate) struct Elementwise;

impl Batch for Elementwise {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let inputs: Inputs = inputs.iter().map(|input| input.mapped(size)).collect();
        let shape: Shape = inputs[0].shape().clone();
        vec![Tensor::record(call.op.clone(), inputs, shape, call.outputs[0].dtype())]
    }
}
