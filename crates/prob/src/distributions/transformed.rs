//! A distribution seen through an invertible function.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::distribution::within;
use crate::{Bijector, Distribution};

/// The distribution of f(x) for x of a base distribution: ln p(y) = ln p(x) − ln |f′(x)| with x = f⁻¹(y).
#[derive(Clone, Debug, Tree)]
pub struct Transformed<D, F> {
    /// The distribution of x.
    pub base: D,
    /// The function f, of each coordinate.
    pub bijector: F,
}

impl<D: Distribution, F: Bijector> Transformed<D, F> {
    /// From the distribution of x and the function.
    pub fn new(base: D, bijector: F) -> Transformed<D, F> {
        Transformed { base, bijector }
    }
}

impl<D: Distribution, F: Bijector> Distribution for Transformed<D, F> {
    fn batch_shape(&self) -> Shape {
        self.base.batch_shape()
    }
    fn event_shape(&self) -> Shape {
        self.base.event_shape()
    }
    fn is_reparameterised(&self) -> bool {
        self.base.is_reparameterised()
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        self.bijector.forward(&self.base.sample(shape, key))
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let inside = self.bijector.contains(value);
        let harmless = self.bijector.forward(&value.zeros_like());
        let x = self.bijector.inverse(&inside.select(value, harmless));
        let axes: Vec<isize> = (1..=self.event_shape().rank() as isize).map(|axis| -axis).collect();
        let slope = self.bijector.log_slope(&x).sum(axes.as_slice());
        let log = self.base.log_prob(&x) - slope;
        within(&inside.all(axes.as_slice()), &log, f64::NEG_INFINITY)
    }
    /// NaN, because there is no closed form, except through an [`Affine`](crate::Affine) function.
    fn mean(&self) -> Tensor {
        let mean = self.base.mean();
        match self.bijector.as_affine() {
            Some((scale, offset)) => mean * scale + offset,
            None => mean * f64::NAN,
        }
    }
    /// As for the mean.
    fn variance(&self) -> Tensor {
        let variance = self.base.variance();
        match self.bijector.as_affine() {
            Some((scale, _)) => variance * scale.square(),
            None => variance * f64::NAN,
        }
    }
    /// In closed form through an [`Affine`](crate::Affine) function only.
    fn entropy(&self) -> Option<Tensor> {
        let (scale, _) = self.bijector.as_affine()?;
        let axes: Vec<isize> = (1..=self.event_shape().rank() as isize).map(|axis| -axis).collect();
        let stretch = (self.base.mean().zeros_like() + scale.abs().log()).sum(axes.as_slice());
        Some(self.base.entropy()? + stretch)
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let inside = self.bijector.contains(value);
        let harmless = self.bijector.forward(&value.zeros_like());
        let x = self.bijector.inverse(&inside.select(value, harmless));
        let below = self.base.cdf(&x)?;
        let rising = self.bijector.is_rising();
        let below = rising.select(&below, 1.0 - &below);
        // Outside of the range all values lie on one side.
        let above = self.bijector.is_above(value).cast(below.dtype());
        Some(inside.select(below, above))
    }
}
