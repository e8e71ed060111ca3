//! Divergences of Kullback and Leibler between two distributions of a kind.

use std::f64::consts::LN_2;

use bolete_tensor::{Key, Tensor, Triangular};

use crate::distributions::EULER;
use crate::{
    Bernoulli, Beta, Categorical, Dirichlet, Distribution, Exponential, Gamma, Gumbel, Independent, Laplace,
    LogNormal, MultivariateNormal, Normal, Poisson, Uniform,
};

/// A distribution whose divergence from one of type `Q` has a closed form.
pub trait KlDivergence<Q = Self> {
    /// KL(self ‖ q) = E ln p(x) − ln q(x) over x from `self`, in nats, `[batch…]`; the batches broadcast.
    fn kl_divergence(&self, q: &Q) -> Tensor;
}

/// An estimate of KL(p ‖ q) where there is no closed form: the mean over `samples` samples of r − 1 − ln r with
/// r = q(x)/p(x), which has no bias, is never negative and varies less than −ln r (Schulman 2020). Differentiable in both
/// where p is reparameterised.
pub fn kl_divergence_by_sampling<P: Distribution, Q: Distribution>(
    p: &P,
    q: &Q,
    samples: usize,
    key: &Key,
) -> Tensor {
    let x = p.sample(&[samples], key);
    let log_ratio = q.log_prob(&x) - p.log_prob(&x);
    (log_ratio.expm1() - log_ratio).mean(0)
}

impl KlDivergence for Normal {
    fn kl_divergence(&self, q: &Normal) -> Tensor {
        let ratio = (&self.scale / &q.scale).square();
        let distance = ((&self.mean - &q.mean) / &q.scale).square();
        (&ratio + distance - 1.0 - ratio.log()) * 0.5
    }
}

impl KlDivergence for LogNormal {
    /// That of the logarithms.
    fn kl_divergence(&self, q: &LogNormal) -> Tensor {
        self.logarithm.kl_divergence(&q.logarithm)
    }
}

impl KlDivergence for MultivariateNormal {
    fn kl_divergence(&self, q: &MultivariateNormal) -> Tensor {
        // ½ (|L_q⁻¹ L_p|² + |L_q⁻¹ (μ_p − μ_q)|² − n) + ln det L_q − ln det L_p.
        let solve = |right: &Tensor| q.factor.triangular_solve(right, Triangular::lower());
        let spread = solve(&self.factor).square().sum([-2, -1]);
        let distance = solve(&(&self.mean - &q.mean).unsqueeze(-1)).square().sum([-2, -1]);
        let length = self.length() as f64;
        (spread + distance - length) * 0.5 + q.log_determinant() - self.log_determinant()
    }
}

impl KlDivergence for Bernoulli {
    fn kl_divergence(&self, q: &Bernoulli) -> Tensor {
        // ln p − ln q of both outcomes as differences of softplus, which keep small divergences exact enough.
        let one = (-&q.logits).softplus() - (-&self.logits).softplus();
        let zero = q.logits.softplus() - self.logits.softplus();
        let probability = self.probability();
        &probability * one + (-&self.logits).sigmoid() * zero
    }
}

impl KlDivergence for Categorical {
    fn kl_divergence(&self, q: &Categorical) -> Tensor {
        let other = q.logits.log_softmax(-1);
        self.expectation(|log| log - &other)
    }
}

impl KlDivergence for Beta {
    fn kl_divergence(&self, q: &Beta) -> Tensor {
        let (dalpha, dbeta) = (&self.alpha - &q.alpha, &self.beta - &q.beta);
        let total = self.total().digamma() * (&dalpha + &dbeta);
        q.log_normaliser() - self.log_normaliser()
            + dalpha * self.alpha.digamma()
            + dbeta * self.beta.digamma()
            - total
    }
}

impl KlDivergence for Gamma {
    fn kl_divergence(&self, q: &Gamma) -> Tensor {
        let (a, b) = (&self.concentration, &q.concentration);
        let ratio = &q.rate / &self.rate;
        (a - b) * a.digamma() - a.lgamma() + b.lgamma() - b * ratio.log() + a * (ratio - 1.0)
    }
}

impl KlDivergence for Dirichlet {
    fn kl_divergence(&self, q: &Dirichlet) -> Tensor {
        let difference = &self.concentration - &q.concentration;
        let total = self.concentration.sum_keepdim(-1).digamma();
        let terms = (difference * (self.concentration.digamma() - total)).sum(-1);
        q.log_normaliser() - self.log_normaliser() + terms
    }
}

impl KlDivergence for Exponential {
    fn kl_divergence(&self, q: &Exponential) -> Tensor {
        let ratio = &q.rate / &self.rate;
        &ratio - 1.0 - ratio.log()
    }
}

impl KlDivergence for Laplace {
    fn kl_divergence(&self, q: &Laplace) -> Tensor {
        let ratio = &self.scale / &q.scale;
        let distance = (&self.location - &q.location).abs();
        let inner = &ratio * (-(&distance / &self.scale)).exp();
        inner + distance / &q.scale - 1.0 - ratio.log()
    }
}

impl KlDivergence for Poisson {
    fn kl_divergence(&self, q: &Poisson) -> Tensor {
        self.rate.xlogy(&self.rate / &q.rate) - (&self.rate - &q.rate)
    }
}

impl KlDivergence for Uniform {
    /// ∞ where q does not cover all of p.
    fn kl_divergence(&self, q: &Uniform) -> Tensor {
        let covered = q.low.less_equal(&self.low).logical_and(&self.high.less_equal(&q.high));
        let ratio = ((&q.high - &q.low) / (&self.high - &self.low)).log();
        covered.select(ratio, f64::INFINITY)
    }
}

impl KlDivergence for Gumbel {
    fn kl_divergence(&self, q: &Gumbel) -> Tensor {
        let ratio = &self.scale / &q.scale;
        let distance = (&self.location - &q.location) / &q.scale;
        let tail = ((&ratio + 1.0).lgamma() - &distance).exp();
        &ratio * EULER - ratio.log() + distance + tail - (1.0 + EULER)
    }
}

impl KlDivergence<Normal> for Laplace {
    fn kl_divergence(&self, q: &Normal) -> Tensor {
        let ratio = &self.scale / &q.scale;
        let distance = ((&self.location - &q.mean) / &q.scale).square();
        let constant = 0.5 * std::f64::consts::TAU.ln() - 1.0 - LN_2;
        ratio.square() + distance * 0.5 - ratio.log() + constant
    }
}

impl KlDivergence<Gamma> for Exponential {
    fn kl_divergence(&self, q: &Gamma) -> Tensor {
        Gamma::new(&self.rate.ones_like(), &self.rate).kl_divergence(q)
    }
}

impl<P: Distribution + KlDivergence<Q>, Q: Distribution> KlDivergence<Independent<Q>> for Independent<P> {
    /// # Panics
    /// If the two count different numbers of axes as one event.
    #[track_caller]
    fn kl_divergence(&self, q: &Independent<Q>) -> Tensor {
        assert!(
            self.event_shape().rank() == q.event_shape().rank(),
            "kl_divergence: events of shapes {} and {} do not go together",
            self.event_shape(),
            q.event_shape()
        );
        self.total(&self.base.kl_divergence(&q.base))
    }
}
