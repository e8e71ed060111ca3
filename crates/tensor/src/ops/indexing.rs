//! Selecting by index, and its transpose, adding at indices.

mod scatter;
mod segment;

pub use scatter::ScatterReduction;

use smallvec::smallvec;

use crate::shape::axis_for;
use crate::{DType, Shape, Tensor};

use super::Op;
use super::rule::{Batch, Batched, Call, Multilinear, multilinear_rule};

/// Records `Take`: `x: [batch…, before…, n, after…]`, `indices: [batch…, m…]` give `[batch…, before…, m…, after…]`.
#[track_caller]
pub(super) fn take(x: &Tensor, indices: &Tensor, batch: usize, axis: usize) -> Tensor {
    let shape: Shape = x.shape()[..axis]
        .iter()
        .chain(&indices.shape()[batch..])
        .chain(&x.shape()[axis + 1..])
        .copied()
        .collect();
    Tensor::record(Op::Take { batch, axis }, smallvec![x.clone(), indices.clone()], shape, x.dtype())
}

/// Records `ScatterAdd`, the transpose of [`take`] in its first argument.
#[track_caller]
fn scatter_add(updates: &Tensor, indices: &Tensor, batch: usize, axis: usize, size: usize) -> Tensor {
    let after = axis + indices.rank() - batch;
    let shape: Shape =
        updates.shape()[..axis].iter().chain([&size]).chain(&updates.shape()[after..]).copied().collect();
    let op = Op::ScatterAdd { batch, axis, size };
    Tensor::record(op, smallvec![updates.clone(), indices.clone()], shape, updates.dtype())
}

#[track_caller]
fn checked_indices(name: &str, indices: &Tensor) -> Tensor {
    assert!(
        indices.dtype().is_integer(),
        "{name}: indices must be integers, but they are {}",
        indices.dtype()
    );
    indices.cast(DType::I64)
}

/// Indexing. Negative indices count from the end. An index that does not exist is found when the result is computed,
/// which then panics naming the op, the index and the axis: data from outside must be checked where it comes in.
impl Tensor {
    /// The positions `indices` of `axis`, whose place is taken by the axes of `indices`. With `axis` 0 this is the
    /// look-up of rows in an embedding.
    ///
    /// # Panics
    /// If the axis does not exist or the indices are not integers.
    #[track_caller]
    pub fn take(&self, indices: &Tensor, axis: isize) -> Tensor {
        let axis = axis_for("take", self.shape(), axis, self.rank());
        take(self, &checked_indices("take", indices), 0, axis)
    }

    /// Element-by-element selection along `axis`: `out[…, j, …] = self[…, indices[…, j, …], …]`.
    ///
    /// # Panics
    /// If the shapes differ in another axis.
    #[track_caller]
    pub fn gather(&self, axis: isize, indices: &Tensor) -> Tensor {
        let axis = self.check_alike("gather", axis, indices);
        let indices = checked_indices("gather", indices).move_axis(axis, -1);
        let last = self.rank() - 1;
        take(&self.move_axis(axis, -1), &indices, last, last).move_axis(-1, axis)
    }

    /// This tensor with `updates` added at positions `indices` of `axis`; an index may repeat. The shape of
    /// `updates` is that of [`take`](Tensor::take) with the same indices.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn index_add(&self, axis: isize, indices: &Tensor, updates: &Tensor) -> Tensor {
        let axis = axis_for("index_add", self.shape(), axis, self.rank());
        let indices = checked_indices("index_add", indices);
        let expected: Shape = self.shape()[..axis]
            .iter()
            .chain(&**indices.shape())
            .chain(&self.shape()[axis + 1..])
            .copied()
            .collect();
        assert!(
            *updates.shape() == expected,
            "index_add: with {} and indices {} the updates must have shape {expected}, not {}",
            self.shape(),
            indices.shape(),
            updates.shape()
        );
        self + scatter_add(&updates.cast(self.dtype()), &indices, 0, axis, self.shape()[axis])
    }

    /// This tensor with `updates` added element by element along `axis`:
    /// `out[…, indices[…, j, …], …] += updates[…, j, …]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn scatter_add(&self, axis: isize, indices: &Tensor, updates: &Tensor) -> Tensor {
        let axis = self.check_alike("scatter_add", axis, indices);
        assert!(
            updates.shape() == indices.shape(),
            "scatter_add: indices {} and updates {} must have one shape",
            indices.shape(),
            updates.shape()
        );
        let indices = checked_indices("scatter_add", indices).move_axis(axis, -1);
        let updates = updates.cast(self.dtype()).move_axis(axis, -1);
        let last = self.rank() - 1;
        self + scatter_add(&updates, &indices, last, last, self.shape()[axis as usize]).move_axis(-1, axis)
    }

    /// `classes` numbers per index, 1 at the index and 0 elsewhere, along a new last axis.
    #[track_caller]
    pub fn one_hot(&self, classes: usize, dtype: DType) -> Tensor {
        let indices = checked_indices("one_hot", self);
        indices.unsqueeze(-1).equal(Tensor::arange(classes, DType::I64)).cast(dtype)
    }

    /// `axis`, checked against a tensor that may differ from this one along it only.
    #[track_caller]
    fn check_alike(&self, name: &str, axis: isize, indices: &Tensor) -> isize {
        let axis = axis_for(name, self.shape(), axis, self.rank());
        let alike = indices.rank() == self.rank()
            && (0..self.rank()).all(|other| other == axis || indices.shape()[other] == self.shape()[other]);
        assert!(
            alike,
            "{name} along axis {axis}: the shapes {} and {} differ in another axis",
            self.shape(),
            indices.shape()
        );
        axis as isize
    }
}

/// Linear in what is taken from.
pub(crate) struct TakeRule;

impl Multilinear for TakeRule {
    fn is_linear_in(&self, index: usize) -> bool {
        index == 0
    }
    fn transpose(&self, call: &Call, _: usize, cotangent: &Tensor) -> Tensor {
        let Op::Take { batch, axis } = *call.op else { unreachable!("the rule of taking") };
        scatter_add(cotangent, &call.inputs[1], batch, axis, call.inputs[0].shape()[axis])
    }
}
multilinear_rule!(TakeRule);

/// Linear in what is added.
pub(crate) struct ScatterAddRule;

impl Multilinear for ScatterAddRule {
    fn is_linear_in(&self, index: usize) -> bool {
        index == 0
    }
    fn transpose(&self, call: &Call, _: usize, cotangent: &Tensor) -> Tensor {
        let Op::ScatterAdd { batch, axis, .. } = *call.op else {
            unreachable!("the rule of adding at indices")
        };
        take(cotangent, &call.inputs[1], batch, axis)
    }
}
multilinear_rule!(ScatterAddRule);

impl Batch for TakeRule {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let Op::Take { batch, axis } = *call.op else { unreachable!("the rule of taking") };
        // With indices for all alike and no batch axes yet, the mapped axis is one that is not selected from.
        if let (0, Batched::Mapped(x), Batched::Shared(indices)) = (batch, &inputs[0], &inputs[1]) {
            return vec![take(x, indices, 0, axis + 1)];
        }
        vec![take(&inputs[0].mapped(size), &inputs[1].mapped(size), batch + 1, axis + 1)]
    }
}

impl Batch for ScatterAddRule {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let Op::ScatterAdd { batch, axis, size: length } = *call.op else {
            unreachable!("the rule of adding at indices")
        };
        if let (0, Batched::Mapped(updates), Batched::Shared(indices)) = (batch, &inputs[0], &inputs[1]) {
            return vec![scatter_add(updates, indices, 0, axis + 1, length)];
        }
        vec![scatter_add(&inputs[0].mapped(size), &inputs[1].mapped(size), batch + 1, axis + 1, length)]
    }
}
