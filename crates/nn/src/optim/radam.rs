//! Adam whose first steps are tempered.

use bolete_tensor::{Tensor, Tree};

use super::{Memory, Moment, RuleOptimiser, UpdateRule, WeightDecay, check_betas};

/// Rectified Adam (Liu et al. 2020, algorithm 2): with ρ∞ = 2/(1 − β₂) − 1 and ρₜ = ρ∞ − 2tβ₂ᵗ/(1 − β₂ᵗ), steps are those of
/// Adam times √((ρₜ−4)(ρₜ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρₜ)) where ρₜ > 5, and before those of momentum alone.
pub type RAdam = RuleOptimiser<RAdamConfig>;

/// What an [`RAdam`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct RAdamConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the running means of gradients and of their squares is kept, in [0, 1).
    pub betas: [f64; 2],
    /// Added to the root of the mean square, against division by zero.
    pub epsilon: f64,
    /// The pull toward zero.
    pub weight_decay: WeightDecay,
}

impl Default for RAdamConfig {
    /// Learning rate 0.001, betas 0.9 and 0.999, ε = 10⁻⁸, no weight decay.
    fn default() -> RAdamConfig {
        RAdamConfig {
            learning_rate: 1e-3,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: WeightDecay::default(),
        }
    }
}

impl UpdateRule for RAdamConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        self.weight_decay
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        vec![("first_moment", value.zeros_like()), ("second_moment", value.zeros_like())]
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let dtype = value.dtype();
        let [first_beta, second_beta] = self.betas;
        let first = memory.running_mean("first_moment", gradient, 1.0 - first_beta);
        let second = memory.running_square("second_moment", gradient, second_beta);
        let correction = moment.bias_correction(second_beta);
        let limit = 2.0 / (1.0 - second_beta) - 1.0;
        let length = limit - &moment.number * 2.0 * (1.0 - &correction) / &correction;
        let rectified = length.greater(5.0);
        let safe = rectified.select(&length, 6.0);
        let factor = (&safe - 4.0) * (&safe - 2.0) * limit / (safe * ((limit - 4.0) * (limit - 2.0)));
        let adaptive = (factor * correction).sqrt().cast(dtype) / (second.sqrt() + self.epsilon);
        let rate = (&moment.rate / moment.bias_correction(first_beta)).cast(dtype);
        value - first * rate * rectified.select(&adaptive, adaptive.ones_like())
    }
    fn check(&self) {
        check_betas("RAdam", self.betas);
    }
}
