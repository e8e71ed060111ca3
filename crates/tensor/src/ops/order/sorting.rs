//! Sorting, the largest few, quantiles, and what occurs at all.

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::order::sort::argsort;
use crate::cpu::kernels::rows::for_row_blocks;
use crate::ops::custom::{HostArray, HostArrayMut};
use crate::shape::axis_for;
use crate::{CustomOp, DType, Metadata, Shape, Tensor, custom};

use super::for_element;

/// Elements of rows that are worth handing to a thread.
const WORTHWHILE: usize = 4096;

/// Positions of the first `count` elements of each row of the last axis in order.
#[derive(Debug)]
struct ArgSort {
    descending: bool,
    count: usize,
}

impl CustomOp for ArgSort {
    fn name(&self) -> &str {
        "argsort"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.descending.into(), self.count as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let shape = &inputs[0].shape;
        let shape: Shape = shape[..shape.rank() - 1].iter().copied().chain([self.count]).collect();
        vec![Metadata { shape, dtype: DType::I64 }]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let length = inputs[0].shape[inputs[0].shape.rank() - 1];
        let positions = outputs[0].as_mut_slice::<i64>();
        if positions.is_empty() {
            return;
        }
        let (rows, count) = (positions.len() / self.count, self.count);
        for_element!(inputs[0].dtype, T => {
            let values = inputs[0].as_slice::<T>();
            let is_nan = |value: T| value.partial_cmp(&value).is_none();
            with_pool(|pool| {
                for_row_blocks(pool, [positions], rows, WORTHWHILE / length.max(1), &|first, [positions]| {
                    for (row, positions) in positions.chunks_mut(count).enumerate() {
                        let row = &values[(first + row) * length..][..length];
                        argsort(row, self.descending, is_nan, positions);
                    }
                });
            });
        });
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// Elements in order, and where they were.
#[derive(Clone, Debug)]
pub struct Sorted {
    /// The elements.
    pub values: Tensor,
    /// Their positions along the axis before, as `i64`.
    pub indices: Tensor,
}

/// What [`Tensor::unique`] gives.
#[derive(Clone, Debug)]
pub struct Unique {
    /// Each element that occurs, ascending `[n]`.
    pub values: Tensor,
    /// For each element of the tensor its place among the values, in the tensor's shape, as `i64`.
    pub inverse: Tensor,
    /// How often each value occurs `[n]`, as `i64`.
    pub counts: Tensor,
}

/// Sorting. NaN comes last in either direction, and equal elements stay in the order in which they stand.
impl Tensor {
    /// Positions along `axis` of the elements in ascending order (or descending), as `i64`.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn argsort(&self, axis: isize, descending: bool) -> Tensor {
        let axis = axis_for("argsort", self.shape(), axis, self.rank());
        self.first_in_order(axis, descending, self.shape()[axis])
    }

    /// The elements along `axis` in ascending order (or descending). The derivative goes back to where each came from.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let sorted = Tensor::from([3.0f32, 1.0, 2.0]).sort(0, false);
    /// assert_eq!(sorted.values.to_vec::<f32>(), [1.0, 2.0, 3.0]);
    /// assert_eq!(sorted.indices.to_vec::<i64>(), [1, 2, 0]);
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn sort(&self, axis: isize, descending: bool) -> Sorted {
        let indices = self.argsort(axis, descending);
        Sorted { values: self.gather(axis, &indices), indices }
    }

    /// The `count` largest elements along `axis`, largest first, without sorting the others.
    ///
    /// # Panics
    /// If the axis does not exist or has fewer elements.
    #[track_caller]
    pub fn topk(&self, count: usize, axis: isize) -> Sorted {
        self.best("topk", count, axis, true)
    }

    /// The `count` smallest elements along `axis`, smallest first.
    ///
    /// # Panics
    /// If the axis does not exist or has fewer elements.
    #[track_caller]
    pub fn bottomk(&self, count: usize, axis: isize) -> Sorted {
        self.best("bottomk", count, axis, false)
    }

    /// The element along `axis` that has `k` others before it in ascending order. The axis is removed.
    ///
    /// # Panics
    /// If the axis does not exist or has no more than `k` elements.
    #[track_caller]
    pub fn kthvalue(&self, k: usize, axis: isize) -> Tensor {
        let smallest = self.best("kthvalue", k + 1, axis, false);
        smallest.values.narrow(axis, k, 1).squeeze(axis)
    }

    /// The median along `axis`, which is removed: the mean of the two in the middle where there is no middle. With a NaN
    /// among the elements it is NaN.
    ///
    /// # Panics
    /// If the axis does not exist or is empty.
    #[track_caller]
    pub fn median(&self, axis: isize) -> Tensor {
        self.quantile(&[0.5], axis).squeeze(0)
    }

    /// Quantiles along `axis`, which is removed; there is one for each of `fractions`, along a new first axis. Between two
    /// elements they are interpolated linearly, as NumPy does by default. Integers become `f32`; with a NaN among the
    /// elements the result is NaN.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let x = Tensor::from([0.0f32, 10.0, 20.0]);
    /// assert_eq!(x.quantile(&[0.0, 0.25], 0).to_vec::<f32>(), [0.0, 5.0]);
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist or is empty, or a fraction is not in [0, 1].
    #[track_caller]
    pub fn quantile(&self, fractions: &[f64], axis: isize) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axis = axis_for("quantile", self.shape(), axis, self.rank());
        let length = self.shape()[axis];
        assert!(length > 0, "quantile of shape {}: axis {axis} is empty", self.shape());
        assert!(
            fractions.iter().all(|fraction| (0.0..=1.0).contains(fraction)),
            "quantile: the fractions must be in [0, 1], but they are {fractions:?}"
        );
        let x = self.cast(self.dtype().to_float());
        let sorted = x.sort(axis as isize, false).values.move_axis(axis as isize, 0);
        let at: Vec<f64> = fractions.iter().map(|fraction| fraction * (length - 1) as f64).collect();
        let read = |places: Vec<i64>| sorted.take(&Tensor::from_slice(&places, [places.len()]), 0);
        let low = read(at.iter().map(|at| at.floor() as i64).collect());
        let high = read(at.iter().map(|at| at.ceil() as i64).collect());
        let shape: Shape = [at.len()].into_iter().chain(vec![1; sorted.rank() - 1]).collect();
        let weights: Vec<f64> = at.iter().map(|at| at.fract()).collect();
        let weight = Tensor::from_vec(weights, shape).cast(x.dtype());
        // NaN is sorted last, so that it is there if the last one is.
        let spoilt = sorted.narrow(0, length - 1, 1).is_nan();
        spoilt.select(f64::NAN, low.lerp(high, weight))
    }

    /// Each element that occurs in the tensor, ascending, with how often and where. Computed at the call, since the number
    /// of values is not known before: not possible inside of `vmap` and `Step`. NaNs count as one value.
    #[track_caller]
    pub fn unique(&self) -> Unique {
        let flat = self.flatten();
        let order = flat.argsort(0, false);
        let sorted = flat.take(&order, 0);
        let count = flat.elements();
        if count == 0 {
            let none = Tensor::zeros([0], DType::I64);
            return Unique { values: flat, inverse: none.reshape(self.shape()), counts: none };
        }
        let (before, after) = (sorted.narrow(0, 0, count - 1), sorted.narrow(0, 1, count - 1));
        let new = before.not_equal(&after);
        let new = if self.dtype().is_float() {
            new.logical_and(&before.is_nan().logical_and(&after.is_nan()).logical_not())
        } else {
            new
        };
        let new = new.pad(&[(1, 0)], 1.0);
        let starts = new.nonzero().squeeze(1);
        let group = new.cumsum(0) - 1;
        let inverse = Tensor::zeros([count], DType::I64).index_add(0, &order, &group);
        let ends = Tensor::concatenate(
            &[starts.narrow(0, 1, starts.elements() - 1), Tensor::from([count as i64])],
            0,
        );
        Unique {
            values: sorted.take(&starts, 0),
            inverse: inverse.reshape(self.shape()),
            counts: ends - starts,
        }
    }

    #[track_caller]
    fn first_in_order(&self, axis: usize, descending: bool, count: usize) -> Tensor {
        let rows = self.move_axis(axis as isize, -1);
        custom(ArgSort { descending, count }, &[rows]).remove(0).move_axis(-1, axis as isize)
    }

    #[track_caller]
    fn best(&self, name: &str, count: usize, axis: isize, descending: bool) -> Sorted {
        let axis = axis_for(name, self.shape(), axis, self.rank());
        assert!(
            count <= self.shape()[axis],
            "{name}: axis {axis} of {} has fewer than {count} elements",
            self.shape()
        );
        let indices = self.first_in_order(axis, descending, count);
        Sorted { values: self.gather(axis as isize, &indices), indices }
    }
}
