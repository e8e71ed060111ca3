//! The gamma distribution.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{clean, joined, together, within};

/// Density rateᵅ xᵅ⁻¹ e^(−rate · x) / Γ(α) for x > 0, α being the concentration.
#[derive(Clone, Debug, Tree)]
pub struct Gamma {
    /// The concentration (shape) α, positive.
    pub concentration: Tensor,
    /// The rate, the inverse of the scale, positive.
    pub rate: Tensor,
}

impl Gamma {
    /// From concentrations and rates, which broadcast.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn new(concentration: &Tensor, rate: &Tensor) -> Gamma {
        let [concentration, rate] = together("Gamma", [concentration, rate]);
        Gamma { concentration, rate }
    }
}

impl Distribution for Gamma {
    fn batch_shape(&self) -> Shape {
        self.concentration.shape().clone()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    /// By implicit differentiation of the cdf (Figurnov et al. 2018).
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        let shape = joined(shape, self.rate.shape());
        key.gamma(&self.concentration, shape, self.rate.dtype()) / &self.rate
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let (alpha, rate) = (&self.concentration, &self.rate);
        let inside = value.greater(0.0);
        let value = clean(&inside, value, 1.0);
        let log = alpha * rate.log() + (alpha - 1.0) * value.log() - rate * value - alpha.lgamma();
        within(&inside, &log, f64::NEG_INFINITY)
    }
    fn mean(&self) -> Tensor {
        &self.concentration / &self.rate
    }
    fn variance(&self) -> Tensor {
        &self.concentration / self.rate.square()
    }
    fn entropy(&self) -> Option<Tensor> {
        let alpha = &self.concentration;
        Some(alpha - self.rate.log() + alpha.lgamma() + (1.0 - alpha) * alpha.digamma())
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let inside = value.greater(0.0);
        let below = self.concentration.igamma(clean(&inside, value, 1.0) * &self.rate);
        Some(within(&inside, &below, 0.0))
    }
}
