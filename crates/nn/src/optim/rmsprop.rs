//! RMSProp.

use bolete_tensor::{Tensor, Tree};

use super::{Memory, Moment, RuleOptimiser, UpdateRule, WeightDecay};

/// RMSProp (Tieleman, Hinton 2012): s ← αs + (1 − α)g², b ← μb + g / (√s + ε), θ ← θ − ηb. Centred (Graves 2013), the square of
/// the running mean of gradients is taken off s under the root.
pub type RmsProp = RuleOptimiser<RmsPropConfig>;

/// What an [`RmsProp`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct RmsPropConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the running mean of squares is kept, α.
    pub alpha: f64,
    /// Added to the root, against division by zero.
    pub epsilon: f64,
    /// Whether the variance counts instead of the mean square.
    pub centred: bool,
    /// How much of the last step is kept, μ. With 0 none is remembered.
    pub momentum: f64,
    /// The pull toward zero.
    pub weight_decay: WeightDecay,
}

impl Default for RmsPropConfig {
    /// Learning rate 0.01, α = 0.99, ε = 10⁻⁸, neither centred nor with momentum.
    fn default() -> RmsPropConfig {
        RmsPropConfig {
            learning_rate: 0.01,
            alpha: 0.99,
            epsilon: 1e-8,
            centred: false,
            momentum: 0.0,
            weight_decay: WeightDecay::default(),
        }
    }
}

impl UpdateRule for RmsPropConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        self.weight_decay
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        let mut names = vec!["mean_square"];
        names.extend(self.centred.then_some("mean"));
        names.extend((self.momentum > 0.0).then_some("velocity"));
        names.into_iter().map(|name| (name, value.zeros_like())).collect()
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let mut square = memory.running_square("mean_square", gradient, self.alpha);
        if self.centred {
            let mean = memory.running_mean("mean", gradient, 1.0 - self.alpha);
            // Rounding must not make a variance of zero negative.
            square = (square - mean.square()).maximum(0.0);
        }
        let mut step = gradient / (square.sqrt() + self.epsilon);
        if self.momentum > 0.0 {
            step = memory.change("velocity", |velocity| velocity * self.momentum + step);
        }
        value - step * moment.rate.cast(value.dtype())
    }
}
