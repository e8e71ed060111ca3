//! The beta distribution.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{clean, joined, together, within};

/// Density xᵅ⁻¹ (1 − x)ᵝ⁻¹ / B(α, β) on (0, 1).
#[derive(Clone, Debug, Tree)]
pub struct Beta {
    /// The concentration α at 1, positive.
    pub alpha: Tensor,
    /// The concentration β at 0, positive.
    pub beta: Tensor,
}

impl Beta {
    /// From both concentrations, which broadcast.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn new(alpha: &Tensor, beta: &Tensor) -> Beta {
        let [alpha, beta] = together("Beta", [alpha, beta]);
        Beta { alpha, beta }
    }

    /// α + β.
    pub(crate) fn total(&self) -> Tensor {
        &self.alpha + &self.beta
    }

    /// ln B(α, β).
    pub(crate) fn log_normaliser(&self) -> Tensor {
        self.alpha.lgamma() + self.beta.lgamma() - self.total().lgamma()
    }
}

impl Distribution for Beta {
    fn batch_shape(&self) -> Shape {
        self.alpha.shape().clone()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        key.beta(&self.alpha, &self.beta, joined(shape, self.alpha.shape()), self.alpha.dtype())
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let inside = value.greater(0.0).logical_and(&value.less(1.0));
        let value = clean(&inside, value, 0.5);
        let log = (&self.alpha - 1.0) * value.log() + (&self.beta - 1.0) * (-&value).log1p();
        within(&inside, &(log - self.log_normaliser()), f64::NEG_INFINITY)
    }
    fn mean(&self) -> Tensor {
        &self.alpha / self.total()
    }
    fn variance(&self) -> Tensor {
        let total = self.total();
        &self.alpha * &self.beta / (total.square() * (&total + 1.0))
    }
    fn entropy(&self) -> Option<Tensor> {
        let (alpha, beta, total) = (&self.alpha, &self.beta, self.total());
        let terms = (alpha - 1.0) * alpha.digamma() + (beta - 1.0) * beta.digamma();
        Some(self.log_normaliser() - terms + (&total - 2.0) * total.digamma())
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let inside = value.greater(0.0).logical_and(&value.less(1.0));
        let below = self.alpha.betainc(&self.beta, clean(&inside, value, 0.5));
        Some(inside.select(&below, value.greater_equal(1.0).cast(below.dtype())))
    }
}
