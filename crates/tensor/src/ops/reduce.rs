//! Reductions along axes.

use smallvec::smallvec;

use crate::graph::node::Inputs;
use crate::shape::{Axes, AxisList, axes_for, axis_for};
use crate::{DType, Tensor};

use super::Op;
use super::rule::{Batch, Batched, Call, Derivatives, Rule};

/// What a reduction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ReduceOp {
    Sum,
    Product,
    Max,
    Min,
}

impl ReduceOp {
    /// The name users call it by.
    pub fn name(self) -> &'static str {
        match self {
            ReduceOp::Sum => "sum",
            ReduceOp::Product => "prod",
            ReduceOp::Max => "max",
            ReduceOp::Min => "min",
        }
    }
}

/// The axes of a reduction as numbers from 0.
///
/// # Panics
/// With the op's name and the shape if they do not exist.
#[track_caller]
fn resolve(name: &str, tensor: &Tensor, axes: impl Into<Axes>) -> AxisList {
    axes_for(name, tensor.shape(), &axes.into())
}

#[track_caller]
fn reduce(op: ReduceOp, tensor: &Tensor, axes: AxisList) -> Tensor {
    if axes.is_empty() {
        return tensor.clone();
    }
    let shape = tensor.shape().without(&axes);
    if matches!(op, ReduceOp::Max | ReduceOp::Min) && tensor.elements() == 0 && shape.elements() > 0 {
        panic!("{} of shape {}: nothing has no {0}imum", op.name(), tensor.shape());
    }
    Tensor::record(Op::Reduce { op, axes }, smallvec![tensor.clone()], shape, tensor.dtype())
}

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident $keep:ident |$x:ident, $axes:ident| $body:expr;)*) => {
        /// Reductions. Each takes one axis, several, or `..` for all, negative ones counted from the last; the form
        /// with `_keepdim` leaves the reduced axes with length 1.
        impl Tensor {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self, axes: impl Into<Axes>) -> Tensor {
                let $axes = resolve(stringify!($name), self, axes);
                let $x = self;
                $body
            }

            #[doc = concat!("Like [`", stringify!($name), "`](Tensor::", stringify!($name), "), leaving the axes with length 1.")]
            #[track_caller]
            pub fn $keep(&self, axes: impl Into<Axes>) -> Tensor {
                let axes = resolve(stringify!($name), self, axes);
                let shape = self.shape().with_ones(&axes);
                let signed: Vec<isize> = axes.iter().map(|axis| *axis as isize).collect();
                self.$name(signed.as_slice()).reshape(shape)
            }
        )*}
    };
}

reductions! {
    /// Sum. Booleans and `u8` are counted in `i64`.
    sum sum_keepdim |x, axes| {
        let x = if matches!(x.dtype(), DType::Bool | DType::U8) { x.cast(DType::I64) } else { x.clone() };
        reduce(ReduceOp::Sum, &x, axes)
    };
    /// Product. Booleans and `u8` are multiplied in `i64`.
    prod prod_keepdim |x, axes| {
        let x = if matches!(x.dtype(), DType::Bool | DType::U8) { x.cast(DType::I64) } else { x.clone() };
        reduce(ReduceOp::Product, &x, axes)
    };
    /// Largest element, NaN if there is one.
    max max_keepdim |x, axes| reduce(ReduceOp::Max, x, axes);
    /// Smallest element, NaN if there is one.
    min min_keepdim |x, axes| reduce(ReduceOp::Min, x, axes);
    /// Mean; integers are averaged in `f32`.
    mean mean_keepdim |x, axes| {
        let count: usize = axes.iter().map(|axis| x.shape()[*axis]).product();
        let x = x.cast(x.dtype().to_float());
        let sum = reduce(ReduceOp::Sum, &x, axes);
        &sum * Tensor::constant(1.0 / count as f64, x.dtype())
    };
    /// Whether an element is true.
    any any_keepdim |x, axes| reduce(ReduceOp::Max, &truth("any", x), axes);
    /// Whether all elements are true.
    all all_keepdim |x, axes| reduce(ReduceOp::Min, &truth("all", x), axes);
    /// ln Σ eˣ, without overflow.
    logsumexp logsumexp_keepdim |x, axes| {
        let x = x.cast(x.dtype().to_float());
        let signed: Vec<isize> = axes.iter().map(|axis| *axis as isize).collect();
        let largest = x.max_keepdim(signed.as_slice());
        // An infinite maximum would make inf − inf; the result is then that infinity anyway.
        let shift = largest.is_finite().select(&largest, Tensor::constant(0.0, x.dtype())).stop_gradient();
        let sum = (&x - &shift).exp().sum_keepdim(signed.as_slice());
        (sum.log() + shift).reshape(x.shape().without(&axes))
    };
}

#[track_caller]
fn truth(name: &str, tensor: &Tensor) -> Tensor {
    assert!(tensor.dtype() == DType::Bool, "{name}: expected bool, found {}", tensor.dtype());
    tensor.clone()
}

impl Tensor {
    /// Variance: the mean squared distance from the mean, divided by `count − correction` (0 for the variance of
    /// these numbers, 1 for the unbiased estimate).
    #[track_caller]
    pub fn var(&self, axes: impl Into<Axes>, correction: usize) -> Tensor {
        let axes = resolve("var", self, axes);
        let count: usize = axes.iter().map(|axis| self.shape()[*axis]).product();
        let signed: Vec<isize> = axes.iter().map(|axis| *axis as isize).collect();
        let x = self.cast(self.dtype().to_float());
        let squares = (&x - x.mean_keepdim(signed.as_slice())).square().sum(signed.as_slice());
        let divisor = count.saturating_sub(correction);
        &squares * Tensor::constant(1.0 / divisor as f64, x.dtype())
    }

    /// Standard deviation, the square root of [`var`](Tensor::var).
    #[track_caller]
    pub fn std(&self, axes: impl Into<Axes>, correction: usize) -> Tensor {
        self.var(axes, correction).sqrt()
    }

    /// Position of the first largest element along `axis`, which is removed, as `i64`; NaN counts as largest.
    #[track_caller]
    pub fn argmax(&self, axis: isize) -> Tensor {
        let axis = axis_for("argmax", self.shape(), axis, self.rank());
        assert!(self.shape()[axis] > 0, "argmax of shape {}: axis {axis} is empty", self.shape());
        let shape = self.shape().without(&[axis]);
        Tensor::record(Op::ArgMax { axis }, smallvec![self.clone()], shape, DType::I64)
    }

    /// Position of the first smallest element along `axis`, which is removed, as `i64`; NaN counts as smallest.
    #[track_caller]
    pub fn argmin(&self, axis: isize) -> Tensor {
        match self.dtype() {
            DType::Bool => self.logical_not().argmax(axis),
            // Of u8 the negative does not exist, and of the smallest integer neither.
            DType::U8 => (255 - self.cast(DType::I64)).argmax(axis),
            DType::I32 | DType::I64 => (-1 - self).argmax(axis),
            _ => self.neg().argmax(axis),
        }
    }
}

/// Sum is linear; a product spreads by the quotient; the extremes hand the derivative to the elements that attain
/// them, in equal parts.
pub(crate) struct ReduceRule;

/// The derivative of the reduction in each input element, with the output `y` and its axes put back as ones.
#[track_caller]
fn weights(op: ReduceOp, x: &Tensor, y: &Tensor, axes: &[usize]) -> Tensor {
    let signed: Vec<isize> = axes.iter().map(|axis| *axis as isize).collect();
    match op {
        ReduceOp::Sum => unreachable!("a sum needs no weights"),
        ReduceOp::Product => products_of_others(x, axes),
        ReduceOp::Max | ReduceOp::Min => {
            let hit = x.equal(y).cast(x.dtype());
            &hit / hit.sum_keepdim(signed.as_slice())
        }
    }
}

/// For each element the product of all others along `axes`, right also where elements are zero: products of what is
/// before and of what is behind, by doubling distances.
#[track_caller]
fn products_of_others(x: &Tensor, axes: &[usize]) -> Tensor {
    let kept: Vec<usize> = (0..x.rank()).filter(|axis| !axes.contains(axis)).collect();
    let order: AxisList = kept.iter().chain(axes).copied().collect();
    let moved = x.permute_axes(order.clone());
    let outer: usize = kept.iter().map(|axis| x.shape()[*axis]).product();
    let length: usize = axes.iter().map(|axis| x.shape()[*axis]).product();
    let flat = moved.reshape([outer, length]);
    let one = Tensor::constant(1.0, x.dtype());
    let exclusive = |flat: &Tensor, forward: bool| {
        let shift = |tensor: &Tensor, by: usize| {
            let by = by.min(length);
            let (kept, pad) = if forward {
                (tensor.narrow(1, 0, length - by), [(0, 0), (by, 0)])
            } else {
                (tensor.narrow(1, by, length - by), [(0, 0), (0, by)])
            };
            kept.pad_with_tensor(&pad, &one)
        };
        let mut product = shift(flat, 1);
        let mut distance = 1;
        while distance < length {
            product = &product * shift(&product, distance);
            distance *= 2;
        }
        product
    };
    let others = exclusive(&flat, true) * exclusive(&flat, false);
    let mut inverse = AxisList::from_elem(0, x.rank());
    for (to, from) in order.iter().enumerate() {
        inverse[*from] = to;
    }
    others.reshape(moved.shape()).permute_axes(inverse)
}

impl Rule for ReduceRule {
    fn vjp(&self, call: &Call, cotangents: &[Option<Tensor>]) -> Derivatives {
        let (Op::Reduce { op, axes }, Some(cotangent)) = (call.op, &cotangents[0]) else {
            return smallvec![None];
        };
        let x = &call.inputs[0];
        let ones = x.shape().with_ones(axes);
        let spread = cotangent.reshape(&ones);
        smallvec![Some(match op {
            ReduceOp::Sum => spread.broadcast_to(x.shape()),
            _ => spread * weights(*op, x, &call.outputs[0].reshape(&ones), axes),
        })]
    }

    fn jvp(&self, call: &Call, tangents: &[Option<Tensor>]) -> Derivatives {
        let (Op::Reduce { op, axes }, Some(tangent)) = (call.op, &tangents[0]) else {
            return smallvec![None];
        };
        let x = &call.inputs[0];
        smallvec![Some(match op {
            ReduceOp::Sum => reduce(ReduceOp::Sum, tangent, axes.clone()),
            _ => {
                let y = call.outputs[0].reshape(x.shape().with_ones(axes));
                reduce(ReduceOp::Sum, &(tangent * weights(*op, x, &y, axes)), axes.clone())
            }
        })]
    }
}

/// The mapped input and the axes moved by one.
fn shifted(inputs: &[Batched], size: usize, axes: &[usize]) -> (Inputs, AxisList) {
    (smallvec![inputs[0].mapped(size)], axes.iter().map(|axis| axis + 1).collect())
}

impl Batch for ReduceRule {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let Op::Reduce { op, axes } = call.op else { unreachable!("the rule of reductions") };
        let (inputs, axes) = shifted(inputs, size, axes);
        vec![reduce(*op, &inputs[0], axes)]
    }
}

/// Batching of `ArgMax`.
pub(crate) struct ArgMaxBatch;

impl Batch for ArgMaxBatch {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let Op::ArgMax { axis } = call.op else { unreachable!("the rule of argmax") };
        vec![inputs[0].mapped(size).argmax(*axis as isize + 1)]
    }
}
