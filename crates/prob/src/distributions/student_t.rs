//! Student's t distribution.

use std::f64::consts::PI;

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{joined, together};

/// A normal distribution whose variance is itself uncertain: density ∝ (1 + z²/ν)^(−(ν+1)/2) with z = (x − location)/scale.
#[derive(Clone, Debug, Tree)]
pub struct StudentT {
    /// The degrees of freedom ν, positive: how light the tails are.
    pub degrees: Tensor,
    /// The centre.
    pub location: Tensor,
    /// The scale, positive.
    pub scale: Tensor,
}

impl StudentT {
    /// From degrees of freedom, centres and scales, which broadcast.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn new(degrees: &Tensor, location: &Tensor, scale: &Tensor) -> StudentT {
        let [degrees, location, scale] = together("StudentT", [degrees, location, scale]);
        StudentT { degrees, location, scale }
    }

    /// ln (√ν B(½, ν/2)).
    fn log_normaliser(&self) -> Tensor {
        let half = &self.degrees * 0.5;
        half.lgamma() - (half + 0.5).lgamma() + (self.degrees.log() + PI.ln()) * 0.5
    }
}

impl Distribution for StudentT {
    fn batch_shape(&self) -> Shape {
        self.location.shape().clone()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        key.student_t(&self.degrees, joined(shape, self.degrees.shape()), self.degrees.dtype()) * &self.scale
            + &self.location
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let z = (value - &self.location) / &self.scale;
        let tail = (z.square() / &self.degrees).log1p() * ((&self.degrees + 1.0) * 0.5);
        -tail - self.log_normaliser() - self.scale.log()
    }
    /// The centre; NaN for ν ≤ 1.
    fn mean(&self) -> Tensor {
        self.degrees.greater(1.0).select(&self.location, f64::NAN)
    }
    /// scale² ν/(ν − 2); ∞ for ν in (1, 2], NaN below.
    fn variance(&self) -> Tensor {
        let nu = &self.degrees;
        let finite = nu.greater(2.0);
        let safe = finite.select(nu, 3.0);
        let variance = finite.select(self.scale.square() * &safe / (&safe - 2.0), f64::INFINITY);
        nu.greater(1.0).select(variance, f64::NAN)
    }
    fn entropy(&self) -> Option<Tensor> {
        let half = &self.degrees * 0.5;
        let above = &half + 0.5;
        Some(&above * (above.digamma() - half.digamma()) + self.log_normaliser() + self.scale.log())
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let z = (value - &self.location) / &self.scale;
        let nu = self.degrees.broadcast_to(z.shape());
        // The two forms of the incomplete beta function, each where it keeps its digits and its derivative.
        let near = z.square().less(&nu);
        let half = Tensor::scalar(0.5, nu.dtype()).broadcast_to(z.shape());
        let square = near.select(z.square(), nu.zeros_like());
        let inner = half.betainc(&nu * 0.5, &square / (&nu + &square)) * 0.5;
        let far = near.select(&nu, z.square());
        let tail = (&nu * 0.5).betainc(&half, &nu / (&nu + &far)) * 0.5;
        let upper = near.select(0.5 - inner, &tail);
        Some(z.less(0.0).select(&upper, 1.0 - &upper))
    }
}
