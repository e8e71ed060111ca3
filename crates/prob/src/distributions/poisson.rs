//! The distribution of Poisson.

use bolete_tensor::{DType, Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{clean, joined, together, within};

/// Counts with probability rateᵏ e^(−rate) / k!.
#[derive(Clone, Debug, Tree)]
pub struct Poisson {
    /// The rate, mean and variance at once, not negative.
    pub rate: Tensor,
}

impl Poisson {
    /// From rates.
    pub fn new(rate: &Tensor) -> Poisson {
        let [rate] = together("Poisson", [rate]);
        Poisson { rate }
    }
}

impl Distribution for Poisson {
    fn batch_shape(&self) -> Shape {
        self.rate.shape().clone()
    }
    fn is_reparameterised(&self) -> bool {
        false
    }
    /// Whole numbers in the float type of the rate.
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        key.poisson(&self.rate, joined(shape, self.rate.shape())).cast(self.rate.dtype())
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let value = value.cast(self.rate.dtype());
        let inside = value.greater_equal(0.0).logical_and(&value.equal(value.floor()));
        let value = clean(&inside, &value, 0.0);
        let log = value.xlogy(&self.rate) - &self.rate - (&value + 1.0).lgamma();
        within(&inside, &log, f64::NEG_INFINITY)
    }
    fn mean(&self) -> Tensor {
        self.rate.clone()
    }
    fn variance(&self) -> Tensor {
        self.rate.clone()
    }
    fn entropy(&self) -> Option<Tensor> {
        None
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let value = value.cast(if self.rate.dtype() == DType::F64 { DType::F64 } else { DType::F32 }).floor();
        let inside = value.greater_equal(0.0);
        let below = (clean(&inside, &value, 0.0) + 1.0).igammac(&self.rate);
        Some(within(&inside, &below, 0.0))
    }
}
