//! The distribution of Laplace.

use std::f64::consts::{E, LN_2};

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{joined, together};

/// Density e^(−|x − location|/scale) / (2 scale).
#[derive(Clone, Debug, Tree)]
pub struct Laplace {
    /// The mean.
    pub location: Tensor,
    /// The mean distance from it, positive.
    pub scale: Tensor,
}

impl Laplace {
    /// From means and mean distances, which broadcast.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn new(location: &Tensor, scale: &Tensor) -> Laplace {
        let [location, scale] = together("Laplace", [location, scale]);
        Laplace { location, scale }
    }
}

impl Distribution for Laplace {
    fn batch_shape(&self) -> Shape {
        self.location.shape().clone()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        key.laplace(joined(shape, self.location.shape()), self.location.dtype()) * &self.scale
            + &self.location
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        -((value - &self.location) / &self.scale).abs() - self.scale.log() - LN_2
    }
    fn mean(&self) -> Tensor {
        self.location.clone()
    }
    fn variance(&self) -> Tensor {
        self.scale.square() * 2.0
    }
    fn entropy(&self) -> Option<Tensor> {
        Some(self.scale.log() + (2.0 * E).ln())
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let z = (value - &self.location) / &self.scale;
        let tail = (-z.abs()).exp() * 0.5;
        Some(z.less(0.0).select(&tail, 1.0 - &tail))
    }
}
