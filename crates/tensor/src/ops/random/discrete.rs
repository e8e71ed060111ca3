//! Discrete distributions and random choices. None of them has derivatives.

use crate::ops::map::Operand;
use crate::shape::axis_for;
use crate::{DType, Key, Shape, Tensor};

use super::rejection::{below, poisson_of};
use super::stretched;

impl Key {
    /// Integers `low ≤ k < high` as `i64`, all with exactly the same probability.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn randint(&self, low: i64, high: i64, shape: impl Into<Shape>) -> Tensor {
        assert!(low < high, "randint: there is no integer from {low} up to, but not including, {high}");
        let full = self.full_shape(&shape.into());
        let bound = high.wrapping_sub(low) as u64;
        below(self.tensor(), bound, &Tensor::zeros(full, DType::U8)) + low
    }

    /// −1 and 1 with probability ½ each.
    ///
    /// # Panics
    /// If `dtype` has no negative numbers.
    #[track_caller]
    pub fn rademacher(&self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        assert!(!matches!(dtype, DType::Bool | DType::U8), "rademacher: {dtype} has no −1");
        self.bernoulli(0.5, shape).cast(dtype) * 2 - 1
    }

    /// Numbers of the Poisson distribution as `i64`, exactly distributed for small and for large rates. −1 where the
    /// rate is negative, NaN or above 10¹⁵. The rates stretch to the shape.
    ///
    /// # Panics
    /// If they do not.
    #[track_caller]
    pub fn poisson(&self, rate: impl Operand, shape: impl Into<Shape>) -> Tensor {
        let full = self.full_shape(&shape.into());
        let rate = rate.to_operand(DType::F64).cast(DType::F64);
        poisson_of(self.tensor(), &stretched("poisson", &rate, &full))
    }

    /// `count` classes for each row of unnormalised log-probabilities `[…, classes]`, as `i64` along a new last axis
    /// `[…, count]`: with replacement each drawn anew, without all different and in the order in which they would be
    /// drawn (the largest perturbed logits; Kool et al. 2019).
    ///
    /// # Panics
    /// If more are wanted without replacement than there are classes.
    #[track_caller]
    pub fn multinomial(&self, logits: &Tensor, count: usize, replacement: bool) -> Tensor {
        assert!(logits.rank() > 0, "multinomial: the logits need an axis of classes");
        let rank = logits.rank();
        let classes = logits.shape()[rank - 1];
        if replacement {
            let shape = logits.shape().inserted(rank - 1, count);
            return self.categorical(&logits.unsqueeze(-2).broadcast_to(shape));
        }
        assert!(
            count <= classes,
            "multinomial of shape {}: {count} different ones of {classes} classes do not exist",
            logits.shape()
        );
        let dtype = if logits.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        (logits.cast(dtype) + self.gumbel(logits.shape(), dtype)).topk(count, -1).indices
    }

    /// The slices of `x` along `axis` in random order, all orders being equally likely.
    ///
    /// # Panics
    /// If the axis does not exist or the key is not a single one.
    #[track_caller]
    pub fn shuffle(&self, x: &Tensor, axis: isize) -> Tensor {
        let axis = axis_for("shuffle", x.shape(), axis, x.rank());
        self.assert_single("shuffle");
        x.take(&self.permutation(x.shape()[axis]), axis as isize)
    }

    /// `count` slices of `x` along `axis`, chosen at random, with replacement each from all, without all different.
    ///
    /// # Panics
    /// If the axis does not exist, there are not enough slices or the key is not a single one.
    #[track_caller]
    pub fn choice(&self, x: &Tensor, count: usize, replacement: bool, axis: isize) -> Tensor {
        let axis = axis_for("choice", x.shape(), axis, x.rank());
        self.assert_single("choice");
        let length = x.shape()[axis];
        assert!(
            if replacement { count == 0 || length > 0 } else { count <= length },
            "choice of shape {}: axis {axis} of length {length} does not have {count} to choose",
            x.shape()
        );
        let indices = match replacement {
            true => self.randint(0, length.max(1) as i64, [count]),
            false => self.permutation(length).narrow(0, 0, count),
        };
        x.take(&indices, axis as isize)
    }

    #[track_caller]
    fn assert_single(&self, name: &str) {
        let shape = self.tensor().shape();
        assert!(
            shape.rank() == 0,
            "{name}: expected a single key, found keys of shape {shape}; map over them"
        );
    }
}
