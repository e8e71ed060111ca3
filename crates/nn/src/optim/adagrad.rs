//! AdaGrad and AdaDelta: learning rates of each element by the gradients that it has seen.

use bolete_tensor::{Tensor, Tree};

use super::{Memory, Moment, RuleOptimiser, UpdateRule, WeightDecay};

/// AdaGrad (Duchi et al. 2011): s ← s + g², θ ← θ − η/(1 + (t − 1)d) · g / (√s + ε).
pub type AdaGrad = RuleOptimiser<AdaGradConfig>;

/// AdaDelta (Zeiler 2012, algorithm 1): s ← ρs + (1 − ρ)g², Δ = √(a + ε)/√(s + ε) · g, a ← ρa + (1 − ρ)Δ², θ ← θ − ηΔ.
pub type AdaDelta = RuleOptimiser<AdaDeltaConfig>;

/// What an [`AdaGrad`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct AdaGradConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How fast the rate falls besides, d.
    pub rate_decay: f64,
    /// Added to the root of the sum of squares, against division by zero.
    pub epsilon: f64,
    /// What the sums of squares start from.
    pub initial: f64,
    /// The pull toward zero.
    pub weight_decay: WeightDecay,
}

impl Default for AdaGradConfig {
    /// Learning rate 0.01, ε = 10⁻¹⁰, nothing else.
    fn default() -> AdaGradConfig {
        AdaGradConfig {
            learning_rate: 0.01,
            rate_decay: 0.0,
            epsilon: 1e-10,
            initial: 0.0,
            weight_decay: WeightDecay::default(),
        }
    }
}

impl UpdateRule for AdaGradConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        self.weight_decay
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        vec![("sum_of_squares", value.full_like(self.initial))]
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let sum = memory.change("sum_of_squares", |sum| sum + gradient.square());
        let rate = &moment.rate / ((&moment.number - 1.0) * self.rate_decay + 1.0);
        value - gradient / (sum.sqrt() + self.epsilon) * rate.cast(value.dtype())
    }
}

/// What an [`AdaDelta`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct AdaDeltaConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the running means of squares is kept, ρ.
    pub rho: f64,
    /// Added under the roots.
    pub epsilon: f64,
    /// The pull toward zero.
    pub weight_decay: WeightDecay,
}

impl Default for AdaDeltaConfig {
    /// Learning rate 1, ρ = 0.9, ε = 10⁻⁶.
    fn default() -> AdaDeltaConfig {
        AdaDeltaConfig { learning_rate: 1.0, rho: 0.9, epsilon: 1e-6, weight_decay: WeightDecay::default() }
    }
}

impl UpdateRule for AdaDeltaConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        self.weight_decay
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        vec![("mean_square", value.zeros_like()), ("mean_square_step", value.zeros_like())]
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let square = memory.running_square("mean_square", gradient, self.rho);
        let mut step = gradient.clone();
        memory.change("mean_square_step", |before| {
            step = (before + self.epsilon).sqrt() / (square + self.epsilon).sqrt() * gradient;
            before * self.rho + step.square() * (1.0 - self.rho)
        });
        value - step * moment.rate.cast(value.dtype())
    }
}
