//! Lion: steps of one size.

use bolete_tensor::{Tensor, Tree};

use super::{Memory, Moment, RuleOptimiser, UpdateRule, WeightDecay, check_betas};

/// Lion (Chen et al. 2023, algorithm 2): θ ← θ − η(sign(β₁m + (1 − β₁)g) + λθ), then m ← β₂m + (1 − β₂)g. Its learning rate is
/// three to ten times smaller than Adam's.
pub type Lion = RuleOptimiser<LionConfig>;

/// What a [`Lion`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct LionConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the momentum is in the direction, and how much of it is kept, in [0, 1).
    pub betas: [f64; 2],
    /// The part of the parameter that is taken away by an update is this times the learning rate.
    pub weight_decay: f64,
}

impl Default for LionConfig {
    /// Learning rate 10⁻⁴, betas 0.9 and 0.99, no weight decay.
    fn default() -> LionConfig {
        LionConfig { learning_rate: 1e-4, betas: [0.9, 0.99], weight_decay: 0.0 }
    }
}

impl UpdateRule for LionConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        WeightDecay::Decoupled(self.weight_decay)
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        vec![("momentum", value.zeros_like())]
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let mut direction = gradient.clone();
        memory.change("momentum", |momentum| {
            direction = momentum.lerp(gradient, 1.0 - self.betas[0]).sign();
            momentum.lerp(gradient, 1.0 - self.betas[1])
        });
        value - direction * moment.rate.cast(value.dtype())
    }
    fn check(&self) {
        check_betas("Lion", self.betas);
    }
}
