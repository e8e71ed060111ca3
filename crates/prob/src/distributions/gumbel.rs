//! The distribution of Gumbel.

use std::f64::consts::PI;

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{joined, together};

/// The constant of Euler and Mascheroni.
pub(crate) const EULER: f64 = 0.577_215_664_901_532_9;

/// The distribution of the largest of many: cdf exp(−e^(−z)) with z = (x − location)/scale.
#[derive(Clone, Debug, Tree)]
pub struct Gumbel {
    /// Where the density is highest.
    pub location: Tensor,
    /// The scale, positive.
    pub scale: Tensor,
}

impl Gumbel {
    /// From locations and scales, which broadcast.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn new(location: &Tensor, scale: &Tensor) -> Gumbel {
        let [location, scale] = together("Gumbel", [location, scale]);
        Gumbel { location, scale }
    }
}

impl Distribution for Gumbel {
    fn batch_shape(&self) -> Shape {
        self.location.shape().clone()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        key.gumbel(joined(shape, self.location.shape()), self.location.dtype()) * &self.scale + &self.location
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let z = (value - &self.location) / &self.scale;
        -(&z + (-&z).exp()) - self.scale.log()
    }
    fn mean(&self) -> Tensor {
        &self.location + &self.scale * EULER
    }
    fn variance(&self) -> Tensor {
        self.scale.square() * (PI * PI / 6.0)
    }
    fn entropy(&self) -> Option<Tensor> {
        Some(self.scale.log() + (1.0 + EULER))
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let z = (value - &self.location) / &self.scale;
        Some((-(-z).exp()).exp())
    }
}
