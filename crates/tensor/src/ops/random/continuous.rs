//! Continuous distributions. Parameters are numbers or tensors that stretch to the shape of what is drawn; derivatives
//! flow to them. The result has the axes of the key in front, as everywhere.

use crate::ops::map::Operand;
use crate::{DType, Key, Shape, Tensor};

use super::rejection::gamma_from_one;
use super::stretched;

/// The type that is computed in.
#[track_caller]
fn drawn(name: &str, dtype: DType) -> DType {
    assert!(dtype.is_float(), "{name}: random floats cannot be {dtype}");
    if dtype.is_half() { DType::F32 } else { dtype }
}

impl Key {
    /// A parameter in the type of what is drawn, stretched to its shape.
    #[track_caller]
    fn parameter(&self, name: &str, parameter: impl Operand, shape: &Shape, dtype: DType) -> Tensor {
        stretched(name, &parameter.to_operand(dtype).cast(dtype), shape)
    }

    /// Uniform in (0, 1): the grid of [`uniform`](Key::uniform) moved by half a step, so that logarithms exist.
    #[track_caller]
    fn open_uniform(&self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        let half_step = if dtype == DType::F64 { 2f64.powi(-54) } else { 2f64.powi(-25) };
        self.uniform(shape, dtype) + Tensor::constant(half_step, dtype)
    }

    /// Exponential numbers of rate 1.
    ///
    /// # Panics
    /// If `dtype` is not a float, as for all of these.
    #[track_caller]
    pub fn exponential(&self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        self.uniform(shape, drawn("exponential", dtype)).neg().log1p().neg().cast(dtype)
    }

    /// Numbers of the Laplace distribution of location 0 and scale 1.
    #[track_caller]
    pub fn laplace(&self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        let centred = self.open_uniform(shape, drawn("laplace", dtype)) * 2.0 - 1.0;
        // The largest number of the grid may round to 1, whose logarithm does not exist.
        let magnitude = centred.abs().minimum(if dtype == DType::F64 {
            1.0 - 2f64.powi(-53)
        } else {
            1.0 - 2f64.powi(-24)
        });
        (centred.sign() * magnitude.neg().log1p().neg()).cast(dtype)
    }

    /// Numbers of the standard Gumbel distribution, −ln(−ln u).
    #[track_caller]
    pub fn gumbel(&self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        let computed = drawn("gumbel", dtype);
        // Zero, whose logarithm does not exist, counts as half the smallest number that can be drawn.
        let smallest = if computed == DType::F64 { 2f64.powi(-54) } else { 2f64.powi(-25) };
        let uniform = self.uniform(shape, computed).maximum(Tensor::constant(smallest, computed));
        uniform.log().neg().log().neg().cast(dtype)
    }

    /// Numbers of the standard Cauchy distribution.
    #[track_caller]
    pub fn cauchy(&self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        let centred = self.open_uniform(shape, drawn("cauchy", dtype)) - 0.5;
        (centred * std::f64::consts::PI).tan().cast(dtype)
    }

    /// Standard normal numbers between `low` and `high`, by inversion in the tail where they lie, so that an interval
    /// far out is drawn accurately too.
    ///
    /// # Panics
    /// If the bounds do not stretch to the shape.
    #[track_caller]
    pub fn truncated_normal(
        &self,
        low: impl Operand,
        high: impl Operand,
        shape: impl Into<Shape>,
        dtype: DType,
    ) -> Tensor {
        let (shape, computed) = (shape.into(), drawn("truncated_normal", dtype));
        let full = self.full_shape(&shape);
        let low = self.parameter("truncated_normal", low, &full, computed);
        let high = self.parameter("truncated_normal", high, &full, computed);
        // An interval mostly on the right is mirrored: probabilities near 0 have more digits than those near 1.
        let right = (&low + &high).greater(0.0);
        let (from, to) = (right.select(-&high, &low), right.select(-&low, &high));
        let (first, last) = (from.ndtr(), to.ndtr());
        let probability = &first + (&last - &first) * self.open_uniform(shape, computed);
        let value = probability.ndtri().maximum(&from).minimum(&to);
        right.select(-&value, &value).cast(dtype)
    }

    /// The factors g · u^(1/a) of gamma numbers, g of a shape of at least 1 and ln u^(1/a), which is 0 where the shape
    /// is that large.
    #[track_caller]
    fn gamma_factors(&self, shape: &Tensor) -> (Tensor, Tensor) {
        let [one, two] = self.split();
        let small = shape.less(1.0);
        let boosted = small.select(shape + 1.0, shape);
        let own: Shape = shape.shape()[self.tensor().rank()..].iter().copied().collect();
        let exponent = two.open_uniform(&own, shape.dtype()).log() / small.select(shape, 1.0);
        (gamma_from_one(one.tensor(), &boosted), small.select(exponent, 0.0))
    }

    /// Numbers of the gamma distribution of shape `concentration` and rate 1, by the method of Marsaglia and Tsang
    /// (2000). The derivative in the concentration is that of implicit reparameterisation (Figurnov et al. 2018).
    /// NaN where the concentration is not positive. Tiny concentrations underflow: see
    /// [`log_gamma`](Key::log_gamma).
    ///
    /// # Panics
    /// If the concentration does not stretch to the shape.
    #[track_caller]
    pub fn gamma(&self, concentration: impl Operand, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        let full = self.full_shape(&shape.into());
        let concentration = self.parameter("gamma", concentration, &full, drawn("gamma", dtype));
        let (number, exponent) = self.gamma_factors(&concentration);
        (number * exponent.exp()).cast(dtype)
    }

    /// The logarithms of the numbers that [`gamma`](Key::gamma) draws, also where they underflow.
    ///
    /// # Panics
    /// If the concentration does not stretch to the shape.
    #[track_caller]
    pub fn log_gamma(&self, concentration: impl Operand, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        let full = self.full_shape(&shape.into());
        let concentration = self.parameter("log_gamma", concentration, &full, drawn("log_gamma", dtype));
        let (number, exponent) = self.gamma_factors(&concentration);
        (number.log() + exponent).cast(dtype)
    }

    /// Numbers of the beta distribution, from the logarithms of two gamma numbers.
    ///
    /// # Panics
    /// If a parameter does not stretch to the shape.
    #[track_caller]
    pub fn beta(&self, a: impl Operand, b: impl Operand, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        let (shape, computed) = (shape.into(), drawn("beta", dtype));
        let full = self.full_shape(&shape);
        let [one, two] = self.split();
        let a = self.parameter("beta", a, &full, computed);
        let b = self.parameter("beta", b, &full, computed);
        let ratio = one.log_gamma(a, &shape, computed) - two.log_gamma(b, &shape, computed);
        ratio.sigmoid().cast(dtype)
    }

    /// Points of a simplex: for each of `shape` a vector of the Dirichlet distribution with the last axis of
    /// `concentration`, whose other axes stretch to `shape`. The sums are 1 for tiny concentrations too.
    ///
    /// # Panics
    /// If the concentration has no axis or does not stretch to the shape.
    #[track_caller]
    pub fn dirichlet(&self, concentration: &Tensor, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        assert!(concentration.rank() > 0, "dirichlet: the concentration needs an axis");
        let classes = concentration.shape()[concentration.rank() - 1];
        let shape: Shape = shape.into().iter().copied().chain([classes]).collect();
        self.log_gamma(concentration, shape, drawn("dirichlet", dtype)).softmax(-1).cast(dtype)
    }

    /// Numbers of Student's distribution.
    ///
    /// # Panics
    /// If the degrees of freedom do not stretch to the shape.
    #[track_caller]
    pub fn student_t(&self, degrees: impl Operand, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        let (shape, computed) = (shape.into(), drawn("student_t", dtype));
        let full = self.full_shape(&shape);
        let half = self.parameter("student_t", degrees, &full, computed) * 0.5;
        let [one, two] = self.split();
        // √(ν / χ²ν) with the chi-squared number as twice a gamma number, by logarithms because it may be tiny.
        let scale = ((half.log() - two.log_gamma(&half, &shape, computed)) * 0.5).exp();
        (one.normal(shape, computed) * scale).cast(dtype)
    }
}
