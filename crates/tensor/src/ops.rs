//! The operations: one file per family.
//!
//! A family's file holds everything about its ops: the methods users call with their checks, what the result looks
//! like, one derivative rule, and batching. This file only says which ops exist and to which family each belongs.

mod activation;
mod arithmetic;
mod arrange;
pub mod audio;
pub mod boxes;
pub(crate) mod cast;
pub mod convolution;
pub mod custom;
pub(crate) mod einsum;
mod filter;
pub mod fourier;
pub(crate) mod fused;
pub(crate) mod indexing;
pub(crate) mod join;
pub(crate) mod linalg;
pub(crate) mod map;
pub(crate) mod matmul;
pub mod order;
pub mod pooling;
pub mod random;
pub(crate) mod reduce;
pub mod resize;
pub(crate) mod rule;
pub mod sample;
pub mod sparse;
pub(crate) mod special;
#[cfg(test)]
mod tests;
pub mod view;

use std::sync::Arc;

use crate::Scalar;
use crate::shape::AxisList;

use convolution::ConvolutionOp;
use custom::CustomHandle;
use map::MapOp;
use pooling::PoolOp;
use random::RandomOp;
use reduce::ReduceOp;
use rule::{Batch, Rule};
use view::{PadSpec, SliceSpec};

/// What a node does. Equality and hashing let the planner merge equal nodes and recognise equal graphs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    /// A leaf with values in memory.
    Data,
    /// A number whose value is not part of a plan.
    Scalar(Scalar),
    /// A number whose value is.
    Constant(Scalar),
    /// A leaf without values: an argument of a function being traced.
    Placeholder,
    /// Its input, as a node of its own: the leaf a transform differentiates with respect to.
    Identity,
    /// Its input, through which no derivative flows.
    StopGradient,
    /// Its first input, computed after the others, and never merged with the same thing computed elsewhere.
    Barrier,
    /// The positions of a vector: 0, 1, 2, …
    Iota,
    /// An elementwise op.
    Map(MapOp),
    /// Conversion to the element type of the output.
    Cast,
    /// A reduction that removes the given axes.
    Reduce { op: ReduceOp, axes: AxisList },
    /// Position of the first largest element along an axis, which is removed.
    ArgMax { axis: usize },
    /// `[…, m, k] × […, k, n]`, the leading axes equal.
    Matmul,
    /// One of the three members of the convolution family.
    Convolution(Arc<ConvolutionOp>),
    /// One of the four members of the pooling family.
    Pool(Arc<PoolOp>),
    /// The same elements in the output's shape.
    Reshape,
    /// Output axis `i` is input axis `order[i]`.
    Permute { order: AxisList },
    /// Every `step`-th element from `start`.
    Slice(Arc<SliceSpec>),
    /// Stretching to the output's shape by the rule of NumPy.
    Broadcast,
    /// Reversal along axes.
    Flip { axes: AxisList },
    /// Padding with the second input, a single number, around and between the elements of the first.
    Pad(Arc<PadSpec>),
    /// Joining along an axis.
    Concatenate { axis: usize },
    /// Selection along an axis by indices, the leading `batch` axes of both inputs going together.
    Take { batch: usize, axis: usize },
    /// The transpose of `Take`: adding updates to an axis of zeros of length `size`.
    ScatterAdd { batch: usize, axis: usize, size: usize },
    /// Random numbers from a key.
    Random(RandomOp),
    /// A fused op of ours, a user's op, or a function with its own derivative.
    Custom(CustomHandle),
}

impl Op {
    /// The derivative rule of this op.
    pub fn rule(&self) -> &dyn Rule {
        match self {
            Op::Identity | Op::Barrier => &rule::PassThrough,
            Op::Data
            | Op::Scalar(_)
            | Op::Constant(_)
            | Op::Placeholder
            | Op::StopGradient
            | Op::Iota
            | Op::ArgMax { .. }
            | Op::Random(_) => &rule::Constant,
            Op::Map(op) => op,
            Op::Cast => &cast::CastRule,
            Op::Reduce { .. } => &reduce::ReduceRule,
            Op::Matmul => &matmul::MatmulRule,
            Op::Convolution(op) => &**op,
            Op::Pool(op) => &**op,
            Op::Reshape => &view::ReshapeRule,
            Op::Permute { .. } => &view::PermuteRule,
            Op::Slice(_) => &view::SliceRule,
            Op::Broadcast => &view::BroadcastRule,
            Op::Flip { .. } => &view::FlipRule,
            Op::Pad(_) => &view::PadRule,
            Op::Concatenate { .. } => &join::ConcatenateRule,
            Op::Take { .. } => &indexing::TakeRule,
            Op::ScatterAdd { .. } => &indexing::ScatterAddRule,
            Op::Custom(op) => op,
        }
    }

    /// The batching rule of this op.
    pub fn batch(&self) -> &dyn Batch {
        match self {
            Op::Data | Op::Scalar(_) | Op::Constant(_) | Op::Placeholder | Op::Iota => {
                unreachable!("a leaf is never batched")
            }
            Op::Identity | Op::StopGradient | Op::Barrier | Op::Map(_) | Op::Cast => &rule::Elementwise,
            Op::Reduce { .. } => &reduce::ReduceRule,
            Op::ArgMax { .. } => &reduce::ArgMaxBatch,
            Op::Matmul => &matmul::MatmulRule,
            Op::Convolution(op) => &**op,
            Op::Pool(op) => &**op,
            Op::Reshape => &view::ReshapeRule,
            Op::Permute { .. } => &view::PermuteRule,
            Op::Slice(_) => &view::SliceRule,
            Op::Broadcast => &view::BroadcastRule,
            Op::Flip { .. } => &view::FlipRule,
            Op::Pad(_) => &view::PadRule,
            Op::Concatenate { .. } => &join::ConcatenateRule,
            Op::Take { .. } => &indexing::TakeRule,
            Op::ScatterAdd { .. } => &indexing::ScatterAddRule,
            Op::Random(op) => op,
            Op::Custom(op) => op,
        }
    }

    /// Whether the op only looks at its input in another way, without computing.
    pub fn is_view(&self) -> bool {
        matches!(
            self,
            Op::Identity
                | Op::StopGradient
                | Op::Reshape
                | Op::Permute { .. }
                | Op::Slice(_)
                | Op::Broadcast
                | Op::Flip { .. }
        )
    }
}
