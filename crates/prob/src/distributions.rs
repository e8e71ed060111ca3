//! The distributions, one file each.

mod bernoulli;
mod beta;
mod categorical;
mod dirichlet;
mod exponential;
mod gamma;
mod gumbel;
mod independent;
mod laplace;
mod log_normal;
mod mixture;
mod multivariate_normal;
mod normal;
mod poisson;
mod student_t;
mod transformed;
mod uniform;

pub use bernoulli::Bernoulli;
pub use beta::Beta;
pub use categorical::Categorical;
pub use dirichlet::Dirichlet;
pub use exponential::Exponential;
pub use gamma::Gamma;
pub(crate) use gumbel::EULER;
pub use gumbel::Gumbel;
pub use independent::Independent;
pub use laplace::Laplace;
pub use log_normal::LogNormal;
pub use mixture::Mixture;
pub use multivariate_normal::MultivariateNormal;
pub use normal::Normal;
pub use poisson::Poisson;
pub use student_t::StudentT;
pub use transformed::Transformed;
pub use uniform::Uniform;
