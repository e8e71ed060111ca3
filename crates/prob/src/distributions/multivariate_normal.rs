//! The normal distribution of vectors.

use std::f64::consts::{E, TAU};

use bolete_tensor::{Key, Shape, Tensor, Tree, Triangular};

use crate::Distribution;
use crate::distribution::joined;

/// N(mean, L Lᵀ) of vectors of length n, by the lower triangular factor L of the covariance.
#[derive(Clone, Debug, Tree)]
pub struct MultivariateNormal {
    /// The means `[batch…, n]`.
    pub mean: Tensor,
    /// The factors L `[batch…, n, n]`, lower triangular with a positive diagonal.
    pub factor: Tensor,
}

impl MultivariateNormal {
    /// From means `[…, n]` and lower triangular factors of the covariances `[…, n, n]`, whose leading axes broadcast. What
    /// lies above the diagonal counts as zero.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn new(mean: &Tensor, factor: &Tensor) -> MultivariateNormal {
        let (m, f) = (mean.shape(), factor.shape());
        let batch = (m.rank() >= 1 && f.rank() >= 2)
            .then(|| Shape::from(&m[..m.rank() - 1]).broadcast(&Shape::from(&f[..f.rank() - 2])))
            .flatten()
            .filter(|_| f[f.rank() - 2..] == [m[m.rank() - 1]; 2]);
        let Some(batch) = batch else {
            panic!(
                "MultivariateNormal: means {m} and factors {f} do not go together; expected […, n] and […, n, n]"
            )
        };
        let length = m[m.rank() - 1];
        let dtype = mean.dtype().promote(factor.dtype()).to_float();
        MultivariateNormal {
            mean: mean.cast(dtype).broadcast_to(joined(&batch, &[length].into())),
            factor: factor.cast(dtype).tril(0).broadcast_to(joined(&batch, &[length, length].into())),
        }
    }

    /// From means `[…, n]` and covariances `[…, n, n]`, symmetric and positive definite; others give NaN.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn from_covariance(mean: &Tensor, covariance: &Tensor) -> MultivariateNormal {
        MultivariateNormal::new(mean, &covariance.cholesky())
    }

    /// The covariances `[batch…, n, n]`.
    pub fn covariance(&self) -> Tensor {
        self.factor.matmul(&self.factor.t())
    }

    /// The length of the vectors.
    pub(crate) fn length(&self) -> usize {
        self.mean.shape()[self.mean.rank() - 1]
    }

    /// ln det L.
    pub(crate) fn log_determinant(&self) -> Tensor {
        self.factor.diagonal(0).log().sum(-1)
    }

    /// L⁻¹ (value − mean).
    #[track_caller]
    fn standardised(&self, value: &Tensor) -> Tensor {
        let difference = (value - &self.mean).unsqueeze(-1);
        self.factor.triangular_solve(&difference, Triangular::lower()).squeeze(-1)
    }
}

impl Distribution for MultivariateNormal {
    fn batch_shape(&self) -> Shape {
        self.mean.shape()[..self.mean.rank() - 1].into()
    }
    fn event_shape(&self) -> Shape {
        [self.length()].into()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        let noise = key.normal(joined(shape, self.mean.shape()), self.mean.dtype());
        self.factor.matmul(&noise.unsqueeze(-1)).squeeze(-1) + &self.mean
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let square = self.standardised(value).square().sum(-1);
        square * -0.5 - self.log_determinant() - 0.5 * self.length() as f64 * TAU.ln()
    }
    fn mean(&self) -> Tensor {
        self.mean.clone()
    }
    fn variance(&self) -> Tensor {
        self.factor.square().sum(-1)
    }
    fn entropy(&self) -> Option<Tensor> {
        Some(self.log_determinant() + 0.5 * self.length() as f64 * (TAU * E).ln())
    }
}
