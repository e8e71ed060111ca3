//! Searching in sorted rows.

use crate::cpu::kernels::order::search::position;
use crate::ops::custom::{HostArray, HostArrayMut};
use crate::{CustomOp, DType, Metadata, Shape, Tensor, custom};

use super::for_element;

/// Where values would be inserted in sorted rows.
#[derive(Debug)]
struct SearchSorted {
    right: bool,
}

impl CustomOp for SearchSorted {
    fn name(&self) -> &str {
        "searchsorted"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.right.into()]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![Metadata { shape: inputs[1].shape.clone(), dtype: DType::I64 }]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let last = |array: &HostArray| array.shape[array.shape.rank() - 1];
        let (length, count) = (last(&inputs[0]), last(&inputs[1]));
        let positions = outputs[0].as_mut_slice::<i64>();
        for_element!(inputs[0].dtype, T => {
            let (sorted, values) = (inputs[0].as_slice::<T>(), inputs[1].as_slice::<T>());
            for (index, (place, value)) in positions.iter_mut().zip(values).enumerate() {
                let row = index / count;
                *place = position(&sorted[row * length..][..length], *value, self.right) as i64;
            }
        });
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}

impl Tensor {
    /// Where `values` would be inserted in this sorted tensor so that it stays sorted, as `i64`: before equal elements, or
    /// with `right` behind them. A vector is searched for values of any shape; rows `[…, n]` for values `[…, m]` with the
    /// same leading axes.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let edges = Tensor::from([1.0f32, 2.0, 3.0]);
    /// assert_eq!(edges.searchsorted(&Tensor::from([0.5f32, 2.0, 9.0]), false).to_vec::<i64>(), [0, 1, 3]);
    /// ```
    ///
    /// # Panics
    /// If the tensor has no axis or the leading axes differ.
    #[track_caller]
    pub fn searchsorted(&self, values: &Tensor, right: bool) -> Tensor {
        assert!(self.rank() > 0, "searchsorted: a single number cannot be searched");
        let common = self.dtype().promote(values.dtype());
        let (sorted, given) = (self.cast(common), values.cast(common));
        if self.rank() == 1 {
            let found = custom(SearchSorted { right }, &[sorted, given.flatten()]).remove(0);
            return found.reshape(values.shape());
        }
        assert!(
            values.rank() == self.rank()
                && self.shape()[..self.rank() - 1] == values.shape()[..self.rank() - 1],
            "searchsorted: rows {} and values {} must have the same leading axes",
            self.shape(),
            values.shape()
        );
        custom(SearchSorted { right }, &[sorted, given]).remove(0)
    }

    /// The number of the bin of each element, as `i64`: `boundaries` `[n]`, ascending, divide numbers into n + 1 bins, of
    /// which each holds its upper end, or with `right` its lower one.
    ///
    /// # Panics
    /// If the boundaries are not a vector.
    #[track_caller]
    pub fn bucketize(&self, boundaries: &Tensor, right: bool) -> Tensor {
        assert!(boundaries.rank() == 1, "bucketize: boundaries {} are not a vector", boundaries.shape());
        boundaries.searchsorted(self, right)
    }

    /// Whether each element is one of `elements`, of any shape.
    #[track_caller]
    pub fn isin(&self, elements: &Tensor) -> Tensor {
        let common = self.dtype().promote(elements.dtype());
        let sorted = elements.cast(common).flatten().sort(0, false).values;
        let (count, x) = (sorted.elements(), self.cast(common));
        if count == 0 {
            return Tensor::zeros(Shape::from(self.shape().dims()), DType::Bool);
        }
        let place = sorted.searchsorted(&x, false).minimum(count - 1);
        sorted.take(&place, 0).equal(&x)
    }
}
