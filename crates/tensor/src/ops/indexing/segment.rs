//! Reducing rows by segment: the sums, means and extremes over the neighbours of a graph's nodes.

use crate::{DType, Shape, Tensor};

use super::checked_indices;
use super::scatter::{Winner, winning};

/// Reductions over segments of axis 0: row i of this tensor `[rows, …]` belongs to segment `ids[i]`, in any order; the
/// result is `[segments, …]`. Negative ids count from the end; an id that does not exist is found when the result is
/// computed, which then panics.
impl Tensor {
    /// Sums of the rows of each segment; zero for an empty one.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let x = Tensor::from([1.0f32, 2.0, 4.0]);
    /// assert_eq!(x.segment_sum(&Tensor::from([1i64, 0, 1]), 2).to_vec::<f32>(), [2.0, 5.0]);
    /// ```
    ///
    /// # Panics
    /// If the ids are not a vector of integers with one for each row.
    #[track_caller]
    pub fn segment_sum(&self, ids: &Tensor, segments: usize) -> Tensor {
        let ids = self.segment_ids("segment_sum", ids);
        let shape: Shape = [segments].into_iter().chain(self.shape()[1..].iter().copied()).collect();
        Tensor::zeros(shape, self.dtype()).index_add(0, &ids, self)
    }

    /// Means of the rows of each segment; zero for an empty one. Integers become `f32`.
    ///
    /// # Panics
    /// As [`segment_sum`](Tensor::segment_sum).
    #[track_caller]
    pub fn segment_mean(&self, ids: &Tensor, segments: usize) -> Tensor {
        let ids = self.segment_ids("segment_mean", ids);
        let sums = self.cast(self.dtype().to_float()).segment_sum(&ids, segments);
        let counts = Tensor::ones([self.shape()[0]], DType::I64).segment_sum(&ids, segments).maximum(1);
        let shape: Shape = [segments].into_iter().chain(vec![1; self.rank() - 1]).collect();
        sums / counts.cast(self.dtype().to_float()).reshape(shape)
    }

    /// Largest elements of the rows of each segment, NaN if there is one; `empty` for an empty segment. The derivative goes to
    /// the first that is the largest.
    ///
    /// # Panics
    /// As [`segment_sum`](Tensor::segment_sum).
    #[track_caller]
    pub fn segment_max(&self, ids: &Tensor, segments: usize, empty: f64) -> Tensor {
        let ids = self.segment_ids("segment_max", ids);
        let (rows, post) = (self.shape()[0], self.shape()[1..].iter().product::<usize>());
        let (value, exists) = winning(&self.reshape([rows, post]), &ids, segments, Winner::Largest);
        let shape: Shape = [segments].into_iter().chain(self.shape()[1..].iter().copied()).collect();
        exists.select(value, Tensor::scalar(empty, self.dtype())).reshape(shape)
    }

    /// Smallest elements of the rows of each segment, NaN if there is one; `empty` for an empty segment.
    ///
    /// # Panics
    /// As [`segment_sum`](Tensor::segment_sum), and if the type is not signed.
    #[track_caller]
    pub fn segment_min(&self, ids: &Tensor, segments: usize, empty: f64) -> Tensor {
        assert!(
            self.dtype().is_float() || matches!(self.dtype(), DType::I32 | DType::I64),
            "segment_min: the smallest of {} is not supported; cast to i64",
            self.dtype()
        );
        let turned = if self.dtype().is_float() { -empty } else { -1.0 - empty };
        self.reversed_order().segment_max(ids, segments, turned).reversed_order()
    }

    /// Positive numbers that sum to 1 over the rows of each segment, for each of the other axes on its own: attention over
    /// neighbours (Veličković et al. 2018). In the shape of this tensor.
    ///
    /// # Panics
    /// As [`segment_sum`](Tensor::segment_sum).
    #[track_caller]
    pub fn segment_softmax(&self, ids: &Tensor, segments: usize) -> Tensor {
        let ids = self.segment_ids("segment_softmax", ids);
        let exponentials = self.segment_centred(&ids, segments).exp();
        let sums = exponentials.segment_sum(&ids, segments);
        exponentials / sums.take(&ids, 0)
    }

    /// The logarithm of [`segment_softmax`](Tensor::segment_softmax), accurate also where it is tiny.
    ///
    /// # Panics
    /// As [`segment_sum`](Tensor::segment_sum).
    #[track_caller]
    pub fn segment_log_softmax(&self, ids: &Tensor, segments: usize) -> Tensor {
        let ids = self.segment_ids("segment_log_softmax", ids);
        let centred = self.segment_centred(&ids, segments);
        let sums = centred.exp().segment_sum(&ids, segments);
        centred - sums.take(&ids, 0).log()
    }

    /// The rows minus the largest of their segment.
    #[track_caller]
    fn segment_centred(&self, ids: &Tensor, segments: usize) -> Tensor {
        let x = self.cast(self.dtype().to_float());
        let largest = x.segment_max(ids, segments, 0.0).take(ids, 0).stop_gradient();
        // An infinite maximum would make inf − inf.
        &x - largest.is_finite().select(&largest, 0.0)
    }

    #[track_caller]
    fn segment_ids(&self, name: &str, ids: &Tensor) -> Tensor {
        assert!(
            self.rank() > 0 && **ids.shape() == [self.shape()[0]],
            "{name}: rows {} need ids of shape [{}], not {}",
            self.shape(),
            self.shape().first().copied().unwrap_or(0),
            ids.shape()
        );
        checked_indices(name, ids)
    }
}
