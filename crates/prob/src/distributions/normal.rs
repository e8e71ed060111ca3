//! The normal distribution.

use std::f64::consts::{E, TAU};

use bolete_tensor::{DType, Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{joined, together};

/// N(mean, scale²): density exp(−z²/2) / (scale √2π) with z = (x − mean)/scale.
#[derive(Clone, Debug, Tree)]
pub struct Normal {
    /// The mean.
    pub mean: Tensor,
    /// The standard deviation, positive.
    pub scale: Tensor,
}

impl Normal {
    /// From means and standard deviations, which broadcast.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn new(mean: &Tensor, scale: &Tensor) -> Normal {
        let [mean, scale] = together("Normal", [mean, scale]);
        Normal { mean, scale }
    }

    /// Mean 0, standard deviation 1.
    pub fn standard(shape: impl Into<Shape>, dtype: DType) -> Normal {
        let mean = Tensor::zeros(shape, dtype);
        Normal { scale: mean.ones_like(), mean }
    }

    fn standardised(&self, value: &Tensor) -> Tensor {
        (value - &self.mean) / &self.scale
    }
}

impl Distribution for Normal {
    fn batch_shape(&self) -> Shape {
        self.mean.shape().clone()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        let noise = key.normal(joined(shape, self.mean.shape()), self.mean.dtype());
        noise * &self.scale + &self.mean
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        self.standardised(value).square() * -0.5 - self.scale.log() - 0.5 * TAU.ln()
    }
    fn mean(&self) -> Tensor {
        self.mean.clone()
    }
    fn variance(&self) -> Tensor {
        self.scale.square()
    }
    fn entropy(&self) -> Option<Tensor> {
        Some(self.scale.log() + 0.5 * (TAU * E).ln())
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        Some(self.standardised(value).ndtr())
    }
}
