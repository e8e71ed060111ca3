//! The uniform distribution.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{joined, together, within};

/// Equal density on [low, high).
#[derive(Clone, Debug, Tree)]
pub struct Uniform {
    /// The smallest value.
    pub low: Tensor,
    /// The end, above all values.
    pub high: Tensor,
}

impl Uniform {
    /// From both ends, which broadcast.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn new(low: &Tensor, high: &Tensor) -> Uniform {
        let [low, high] = together("Uniform", [low, high]);
        Uniform { low, high }
    }

    fn width(&self) -> Tensor {
        &self.high - &self.low
    }
}

impl Distribution for Uniform {
    fn batch_shape(&self) -> Shape {
        self.low.shape().clone()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        key.uniform(joined(shape, self.low.shape()), self.low.dtype()) * self.width() + &self.low
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let inside = value.greater_equal(&self.low).logical_and(&value.less(&self.high));
        within(&inside, &-self.width().log().broadcast_to(inside.shape()), f64::NEG_INFINITY)
    }
    fn mean(&self) -> Tensor {
        (&self.low + &self.high) * 0.5
    }
    fn variance(&self) -> Tensor {
        self.width().square() * (1.0 / 12.0)
    }
    fn entropy(&self) -> Option<Tensor> {
        Some(self.width().log())
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        Some(((value - &self.low) / self.width()).clamp(0.0, 1.0))
    }
}
