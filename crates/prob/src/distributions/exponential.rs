//! The exponential distribution.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{clean, joined, together, within};

/// Density rate · e^(−rate · x) for x ≥ 0.
#[derive(Clone, Debug, Tree)]
pub struct Exponential {
    /// The rate, the inverse of the mean, positive.
    pub rate: Tensor,
}

impl Exponential {
    /// From rates.
    pub fn new(rate: &Tensor) -> Exponential {
        let [rate] = together("Exponential", [rate]);
        Exponential { rate }
    }
}

impl Distribution for Exponential {
    fn batch_shape(&self) -> Shape {
        self.rate.shape().clone()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        let uniform = key.uniform(joined(shape, self.rate.shape()), self.rate.dtype());
        -(-uniform).log1p() / &self.rate
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let inside = value.greater_equal(0.0);
        within(&inside, &(self.rate.log() - &self.rate * clean(&inside, value, 0.0)), f64::NEG_INFINITY)
    }
    fn mean(&self) -> Tensor {
        self.rate.reciprocal()
    }
    fn variance(&self) -> Tensor {
        self.rate.square().reciprocal()
    }
    fn entropy(&self) -> Option<Tensor> {
        Some(1.0 - self.rate.log())
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        Some(-(-(&self.rate * value.relu())).expm1())
    }
}
