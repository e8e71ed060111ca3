//! The Bernoulli distribution.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{joined, together, within};

/// 1 with probability sigmoid(logits), else 0.
#[derive(Clone, Debug, Tree)]
pub struct Bernoulli {
    /// ln(p / (1 − p)).
    pub logits: Tensor,
}

impl Bernoulli {
    /// From log-odds.
    pub fn new(logits: &Tensor) -> Bernoulli {
        let [logits] = together("Bernoulli", [logits]);
        Bernoulli { logits }
    }

    /// From probabilities of 1.
    pub fn from_probability(probability: &Tensor) -> Bernoulli {
        let [probability] = together("Bernoulli", [probability]);
        Bernoulli { logits: probability.log() - (-probability).log1p() }
    }

    /// Probabilities of 1.
    pub fn probability(&self) -> Tensor {
        self.logits.sigmoid()
    }
}

impl Distribution for Bernoulli {
    fn batch_shape(&self) -> Shape {
        self.logits.shape().clone()
    }
    fn is_reparameterised(&self) -> bool {
        false
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        let uniform = key.uniform(joined(shape, self.logits.shape()), self.logits.dtype());
        uniform.less(self.probability()).cast(self.logits.dtype())
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let value = value.cast(self.logits.dtype());
        let (zero, one) = (value.equal(0.0), value.equal(1.0));
        // ln p = −softplus(−logit), ln(1 − p) = −softplus(logit).
        let information = one.select(-&self.logits, &self.logits).softplus();
        within(&zero.logical_or(&one), &-information, f64::NEG_INFINITY)
    }
    fn mean(&self) -> Tensor {
        self.probability()
    }
    fn variance(&self) -> Tensor {
        self.logits.sigmoid() * (-&self.logits).sigmoid()
    }
    fn entropy(&self) -> Option<Tensor> {
        let part = |logits: &Tensor| logits.sigmoid() * (-logits).softplus();
        // At ±∞ nothing is uncertain.
        let size = self.logits.abs().minimum(1e4);
        Some(part(&size) + part(&-&size))
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let zero = (-&self.logits).sigmoid();
        let below = value.less(1.0).select(zero, 1.0);
        Some(within(&value.greater_equal(0.0), &below, 0.0))
    }
}
