//! Probability distributions.
//!
//! A [`Distribution`] is a tree whose leaves are its parameters, so that a loss made of densities, entropies and
//! divergences can be differentiated in them; samples are too, where the distribution is
//! [reparameterised](Distribution::is_reparameterised). Parameters broadcast: their common shape is the *batch*, of which
//! each element is a distribution of its own. A value of one distribution has the *event* shape, a single number for most.
//!
//! ```
//! use bolete_prob::{Distribution, KlDivergence, Normal};
//! use bolete_tensor::{DType, Key, Tensor, grad};
//!
//! let prior = Normal::standard([2], DType::F64);
//! let posterior = Normal::new(&Tensor::from([0.5f64, -1.0]), &Tensor::from([0.1f64, 2.0]));
//! let draws = posterior.sample(&[1000], &Key::new(0));
//! assert_eq!(draws.shape().dims(), [1000, 2]);
//! assert_eq!(posterior.log_prob(&draws).shape().dims(), [1000, 2]);
//! let slope = grad(|posterior: &Normal| posterior.kl_divergence(&prior).sum(..))(&posterior);
//! assert_eq!(slope.mean.to_vec::<f64>(), [0.5, -1.0]);
//! ```
//!
//! Parameters out of range are not noticed when a distribution is made, since their values do not exist yet; densities are
//! then NaN. A value outside of the support has the density 0, log −∞.
#![forbid(unsafe_code)]

pub mod bijector;
mod distribution;
pub mod distributions;
mod divergence;

pub use bijector::{Affine, Bijector, Chain, Exp, Sigmoid, Softplus, Tanh};
pub use distribution::Distribution;
pub use distributions::{
    Bernoulli, Beta, Categorical, Dirichlet, Exponential, Gamma, Gumbel, Independent, Laplace, LogNormal,
    Mixture, MultivariateNormal, Normal, Poisson, StudentT, Transformed, Uniform,
};
pub use divergence::{KlDivergence, kl_divergence_by_sampling};
