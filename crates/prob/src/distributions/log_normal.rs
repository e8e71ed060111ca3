//! The log-normal distribution.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::distribution::{clean, within};
use crate::{Distribution, Normal};

/// eˣ for normal x.
#[derive(Clone, Debug, Tree)]
pub struct LogNormal {
    /// The distribution of the logarithm.
    pub logarithm: Normal,
}

impl LogNormal {
    /// From means and standard deviations of the logarithm, which broadcast.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn new(mean: &Tensor, scale: &Tensor) -> LogNormal {
        LogNormal { logarithm: Normal::new(mean, scale) }
    }
}

impl Distribution for LogNormal {
    fn batch_shape(&self) -> Shape {
        self.logarithm.batch_shape()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        self.logarithm.sample(shape, key).exp()
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let inside = value.greater(0.0);
        let logarithm = clean(&inside, value, 1.0).log();
        within(&inside, &(self.logarithm.log_prob(&logarithm) - logarithm), f64::NEG_INFINITY)
    }
    fn mean(&self) -> Tensor {
        (&self.logarithm.mean + self.logarithm.scale.square() * 0.5).exp()
    }
    fn variance(&self) -> Tensor {
        self.logarithm.scale.square().expm1() * self.mean().square()
    }
    fn entropy(&self) -> Option<Tensor> {
        Some(self.logarithm.entropy()? + &self.logarithm.mean)
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let inside = value.greater(0.0);
        let below = self.logarithm.cdf(&clean(&inside, value, 1.0).log())?;
        Some(within(&inside, &below, 0.0))
    }
}
