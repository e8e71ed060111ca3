//! Writing at indices, and reducing what goes to one place.
//!
//! Sums are linear and have their own op. All else finds for each place the update that wins it, which has no derivative,
//! and reads that update.

use std::cmp::Ordering;

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::winners::{Sizes, winners};
use crate::ops::custom::{HostArray, HostArrayMut};
use crate::ops::order::for_element;
use crate::shape::axis_for;
use crate::{CustomOp, DType, Metadata, Shape, Tensor, custom};

use super::checked_indices;

/// Which update wins a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Winner {
    Last,
    Largest,
}

/// The winners of `[batch…, n, post]` places among updates `[batch…, m, post]`, at places `[batch…, m]`.
#[derive(Debug)]
struct Winners {
    winner: Winner,
    places: usize,
}

impl CustomOp for Winners {
    fn name(&self) -> &str {
        "winners"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.winner as u64, self.places as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let updates = &inputs[0].shape;
        let batch = updates.rank() - 2;
        let shape: Shape =
            updates[..batch].iter().copied().chain([self.places, updates[batch + 1]]).collect();
        vec![Metadata { shape, dtype: DType::I64 }]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let shape = inputs[0].shape;
        let axes = shape.rank() - 2;
        let batch: usize = shape[..axes].iter().product();
        let sizes = Sizes { batch, m: shape[axes], n: self.places, post: shape[axes + 1] };
        let places = inputs[1].as_slice::<i64>();
        let found = outputs[0].as_mut_slice::<i64>();
        with_pool(|pool| match self.winner {
            Winner::Last => winners(pool, sizes, places, found, |_, _| true),
            Winner::Largest => for_element!(inputs[0].dtype, T => {
                let values = inputs[0].as_slice::<T>();
                let is_nan = |value: T| value.partial_cmp(&value).is_none();
                let beats = |new: usize, old: usize| {
                    !is_nan(values[old]) && (is_nan(values[new]) || values[new].partial_cmp(&values[old]) == Some(Ordering::Greater))
                };
                winners(pool, sizes, places, found, beats);
            }),
        });
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// What `scatter_reduce` makes of the updates of one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScatterReduction {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest, NaN if there is one; the derivative goes to the first that is.
    Max,
    /// The smallest, NaN if there is one; the derivative goes to the first that is.
    Min,
}

/// The winning updates of `updates` `[batch…, m, post]`, and where there are any: both `[batch…, n, post]`.
#[track_caller]
pub(super) fn winning(updates: &Tensor, places: &Tensor, n: usize, winner: Winner) -> (Tensor, Tensor) {
    let found = custom(Winners { winner, places: n }, &[updates.stop_gradient(), places.clone()]).remove(0);
    let exists = found.greater_equal(0);
    let shape: Shape = found.shape().clone();
    if updates.shape()[updates.rank() - 2] == 0 {
        return (Tensor::zeros(shape, updates.dtype()), exists);
    }
    (updates.gather(updates.rank() as isize - 2, &found.maximum(0)), exists)
}

/// Writing at indices. Negative indices count from the end; an index that does not exist is left out.
impl Tensor {
    /// This tensor with `updates` written element by element along `axis`: `out[…, indices[…, j, …], …] = updates[…, j, …]`.
    /// Of several updates of one place the last stays.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn scatter(&self, axis: isize, indices: &Tensor, updates: &Tensor) -> Tensor {
        let (value, exists) = self.scattered("scatter", axis, indices, updates, Winner::Last);
        exists.select(value, self)
    }

    /// This tensor with rows written at positions `indices` `[m]` of `axis`: the shape of `updates` is that of
    /// [`take`](Tensor::take) with the same indices. Of several rows at one place the last stays.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn index_copy(&self, axis: isize, indices: &Tensor, updates: &Tensor) -> Tensor {
        let axis = axis_for("index_copy", self.shape(), axis, self.rank());
        let expected: Shape = (0..self.rank())
            .map(|other| if other == axis { indices.elements() } else { self.shape()[other] })
            .collect();
        assert!(
            indices.rank() == 1 && *updates.shape() == expected,
            "index_copy: with {} and indices {} the updates must have shape {expected}, not {}",
            self.shape(),
            indices.shape(),
            updates.shape()
        );
        let along: Shape =
            (0..self.rank()).map(|other| if other == axis { indices.elements() } else { 1 }).collect();
        self.scatter(axis as isize, &indices.reshape(along).broadcast_to(&expected), updates)
    }

    /// This tensor with `value`, which broadcasts, in the region that begins at `start` (one position per axis) and has the
    /// shape `size`: what `x[2:5, 1:3] = value` does elsewhere.
    ///
    /// # Panics
    /// If the region does not lie inside or the value does not broadcast to it.
    #[track_caller]
    pub fn slice_assign(&self, start: &[usize], size: &[usize], value: &Tensor) -> Tensor {
        let inside = start.len() == self.rank()
            && size.len() == self.rank()
            && (0..self.rank()).all(|axis| start[axis] + size[axis] <= self.shape()[axis]);
        assert!(
            inside,
            "slice_assign: a region of size {size:?} at {start:?} does not lie inside of {}",
            self.shape()
        );
        let amounts: Vec<(usize, usize)> = (0..self.rank())
            .map(|axis| (start[axis], self.shape()[axis] - start[axis] - size[axis]))
            .collect();
        let region = Tensor::ones(size, DType::Bool).pad(&amounts, 0.0);
        let value = value.cast(self.dtype()).broadcast_to(size).pad(&amounts, 0.0);
        region.select(value, self)
    }

    /// This tensor reduced with `updates` element by element along `axis`: place `[…, indices[…, j, …], …]` and all
    /// `updates[…, j, …]` that go to it become one. With `include_self` false the elements of this tensor stay only where
    /// nothing goes to.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn scatter_reduce(
        &self,
        axis: isize,
        indices: &Tensor,
        updates: &Tensor,
        reduction: ScatterReduction,
        include_self: bool,
    ) -> Tensor {
        match reduction {
            ScatterReduction::Sum | ScatterReduction::Mean => {
                let count = self.zeros_like().cast(DType::I64);
                let count = count.scatter_add(axis, indices, &Tensor::ones(indices.shape(), DType::I64));
                let hit = count.greater(0);
                let start = if include_self { self.clone() } else { hit.select(self.zeros_like(), self) };
                let sum = start.scatter_add(axis, indices, updates);
                if reduction == ScatterReduction::Sum {
                    return sum;
                }
                let count = count.maximum(i64::from(!include_self)) + i64::from(include_self);
                sum / count.cast(self.dtype().to_float())
            }
            ScatterReduction::Max => {
                let (value, exists) =
                    self.scattered("scatter_reduce", axis, indices, updates, Winner::Largest);
                let both = if include_self { self.maximum(&value) } else { value };
                exists.select(both, self)
            }
            ScatterReduction::Min => {
                assert!(
                    self.dtype().is_float() || matches!(self.dtype(), DType::I32 | DType::I64),
                    "scatter_reduce: the smallest of {} is not supported; cast to i64",
                    self.dtype()
                );
                let turned = updates.cast(self.dtype()).reversed_order();
                let (value, exists) =
                    self.scattered("scatter_reduce", axis, indices, &turned, Winner::Largest);
                let value = value.reversed_order();
                let both = if include_self { self.minimum(&value) } else { value };
                exists.select(both, self)
            }
        }
    }

    /// Winning updates and where there are any, in the shape of this tensor.
    #[track_caller]
    fn scattered(
        &self,
        name: &str,
        axis: isize,
        indices: &Tensor,
        updates: &Tensor,
        winner: Winner,
    ) -> (Tensor, Tensor) {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axis = self.check_alike(name, axis, indices);
        assert!(
            updates.shape() == indices.shape(),
            "{name}: indices {} and updates {} must have one shape",
            indices.shape(),
            updates.shape()
        );
        let places = checked_indices(name, indices).move_axis(axis, -1);
        let updates = updates.cast(self.dtype()).move_axis(axis, -1).unsqueeze(-1);
        let (value, exists) = winning(&updates, &places, self.shape()[axis as usize], winner);
        let back = |tensor: Tensor| tensor.squeeze(-1).move_axis(-1, axis);
        (back(value), back(exists))
    }
}
