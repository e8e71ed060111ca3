//! LAMB: steps in proportion to the size of each layer.

use bolete_tensor::{Tensor, Tree};

use super::adam::direction;
use super::{Memory, Moment, RuleOptimiser, UpdateRule, check_betas};

/// LAMB (You et al. 2020, algorithm 2): with Adam's direction r = m̂/(√v̂ + ε) + λθ, θ ← θ − η |θ|/|r| · r, the norms being those
/// of the whole parameter; where one of them is zero the factor is 1. For very large batches.
pub type Lamb = RuleOptimiser<LambConfig>;

/// What a [`Lamb`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct LambConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the running means of gradients and of their squares is kept, in [0, 1).
    pub betas: [f64; 2],
    /// Added to the root of the mean square, against division by zero.
    pub epsilon: f64,
    /// λ, which is part of the direction.
    pub weight_decay: f64,
}

impl Default for LambConfig {
    /// Learning rate 0.001, betas 0.9 and 0.999, ε = 10⁻⁶, weight decay 0.01.
    fn default() -> LambConfig {
        LambConfig { learning_rate: 1e-3, betas: [0.9, 0.999], epsilon: 1e-6, weight_decay: 0.01 }
    }
}

impl UpdateRule for LambConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        vec![("first_moment", value.zeros_like()), ("second_moment", value.zeros_like())]
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let direction = direction(self.betas, self.epsilon, false, moment, gradient, memory);
        let step = direction + value * (self.weight_decay * moment.decay_factor);
        let [size, length] = [value, &step].map(|x| x.square().sum(..).sqrt());
        let both = size.greater(0.0).logical_and(&length.greater(0.0));
        let trust = both.select(&size / both.select(&length, length.ones_like()), length.ones_like());
        value - step * (trust * moment.rate.cast(value.dtype()))
    }
    fn check(&self) {
        check_betas("Lamb", self.betas);
    }
}
