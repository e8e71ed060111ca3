//! Counting, and finding what is true.

use crate::ops::map::Operand;
use crate::shape::Axes;
use crate::{DType, Tensor};

impl Tensor {
    /// How many elements along the axes are not zero (or true), as `i64`.
    ///
    /// # Panics
    /// If an axis does not exist.
    #[track_caller]
    pub fn count_nonzero(&self, axes: impl Into<Axes>) -> Tensor {
        self.truth().sum(axes)
    }

    /// How often each of the numbers `0 … count − 1` occurs `[count]`, as `i64`; others are not counted.
    ///
    /// # Panics
    /// If the elements are not integers.
    #[track_caller]
    pub fn bincount(&self, count: usize) -> Tensor {
        self.bincount_weighted(&Tensor::ones(self.shape(), DType::I64), count)
    }

    /// For each of the numbers `0 … count − 1` the sum of the weights of its occurrences `[count]`; weights have the shape
    /// of the tensor. Differentiable in them.
    ///
    /// # Panics
    /// If the elements are not integers or the shapes differ.
    #[track_caller]
    pub fn bincount_weighted(&self, weights: &Tensor, count: usize) -> Tensor {
        assert!(self.dtype().is_integer(), "bincount: expected integers, found {}", self.dtype());
        assert!(
            weights.shape() == self.shape(),
            "bincount: numbers {} and weights {} must have one shape",
            self.shape(),
            weights.shape()
        );
        let numbers = self.flatten().cast(DType::I64);
        // One place more, for what is out of range.
        let inside = numbers.greater_equal(0).logical_and(&numbers.less(count));
        let places = inside.select(&numbers, count);
        let totals = Tensor::zeros([count + 1], weights.dtype()).index_add(0, &places, &weights.flatten());
        totals.narrow(0, 0, count)
    }

    /// How many elements fall between each pair of neighbours of `edges` `[n + 1]`, ascending, as `[n]` of `i64`: a bin
    /// holds its lower edge, the last one both. What is outside, or NaN, is not counted.
    ///
    /// # Panics
    /// If the edges are not a vector of at least two.
    #[track_caller]
    pub fn histogram(&self, edges: &Tensor) -> Tensor {
        self.bins(edges).bincount(edges.elements() - 1)
    }

    /// The sums of the weights, in the shape of the tensor, of the elements in each bin of [`histogram`](Tensor::histogram).
    /// Differentiable in the weights.
    ///
    /// # Panics
    /// If the edges are not a vector of at least two, or the shapes differ.
    #[track_caller]
    pub fn histogram_weighted(&self, edges: &Tensor, weights: &Tensor) -> Tensor {
        self.bins(edges).bincount_weighted(weights, edges.elements() - 1)
    }

    #[track_caller]
    fn bins(&self, edges: &Tensor) -> Tensor {
        assert!(
            edges.rank() == 1 && edges.elements() >= 2,
            "histogram: expected edges [n + 1] of at least one bin, found {}",
            edges.shape()
        );
        let last = edges.elements() - 1;
        let common = self.dtype().promote(edges.dtype());
        let (x, edges) = (self.cast(common), edges.cast(common));
        let place = edges.searchsorted(&x, true) - 1;
        x.equal(edges.narrow(0, last, 1).squeeze(0)).select(&place - 1, &place)
    }

    /// Positions of the elements that are not zero (or true), in row-major order: `[n, rank]` of `i64`. Computed at the call,
    /// since their number is not known before: not possible inside of `vmap` and `Step`.
    #[track_caller]
    pub fn nonzero(&self) -> Tensor {
        let found: Vec<i64> = self.true_positions();
        let flat = Tensor::from_slice(&found, [found.len()]);
        let mut columns = Vec::new();
        let mut rest = flat;
        for length in self.shape().iter().rev() {
            columns.push(rest.modulo(*length));
            // Positions are not negative, so that this is the whole part.
            rest = (&rest - rest.modulo(*length)).cast(DType::F64).div(*length as f64).cast(DType::I64);
        }
        columns.reverse();
        if columns.is_empty() {
            return Tensor::zeros([found.len(), 0], DType::I64);
        }
        Tensor::stack(&columns, 1)
    }

    /// The elements where `mask`, boolean and of the same shape, is true, in row-major order `[n]`. Computed at the call,
    /// since their number is not known before; differentiable all the same.
    ///
    /// # Panics
    /// If the shapes differ or the mask is not boolean.
    #[track_caller]
    pub fn masked_select(&self, mask: &Tensor) -> Tensor {
        assert!(
            mask.dtype() == DType::Bool && mask.shape() == self.shape(),
            "masked_select: {} needs a mask of bool {}, not {} {}",
            self.shape(),
            self.shape(),
            mask.dtype(),
            mask.shape()
        );
        let found = mask.true_positions();
        self.flatten().take(&Tensor::from_slice(&found, [found.len()]), 0)
    }

    /// This tensor with the elements of `values` `[n]` put, in row-major order, where `mask`, boolean and of the same shape,
    /// is true: the first of them at the first such place.
    ///
    /// # Panics
    /// If the shapes differ, the mask is not boolean, or the values are not a vector. That there are too few values is found
    /// when the result is computed.
    #[track_caller]
    pub fn masked_scatter(&self, mask: &Tensor, values: &Tensor) -> Tensor {
        assert!(
            mask.dtype() == DType::Bool && mask.shape() == self.shape() && values.rank() == 1,
            "masked_scatter: {} needs a mask of bool {} and a vector of values, not {} {} and {}",
            self.shape(),
            self.shape(),
            mask.dtype(),
            mask.shape(),
            values.shape()
        );
        if values.elements() == 0 {
            return self.clone();
        }
        let place = (mask.flatten().cumsum(0) - 1).maximum(0);
        let spread = values.cast(self.dtype()).take(&mask.flatten().select(place, 0), 0);
        mask.select(spread.reshape(self.shape()), self)
    }

    #[track_caller]
    fn truth(&self) -> Tensor {
        match self.dtype() {
            DType::Bool => self.clone(),
            dtype => self.not_equal(0.to_operand(dtype)),
        }
    }

    /// Row-major positions of what is true.
    #[track_caller]
    fn true_positions(&self) -> Vec<i64> {
        let truth = self.truth().to_vec::<bool>();
        (0..).zip(truth).filter_map(|(position, is_true): (i64, bool)| is_true.then_some(position)).collect()
    }
}
