//! Gradient descent on batches, with momentum.

use bolete_tensor::{Tensor, Tree};

use super::{Memory, Moment, RuleOptimiser, UpdateRule, WeightDecay};

/// Stochastic gradient descent. With gradient g, momentum μ, dampening d, weight decay λ and learning rate η:
/// g ← g + λθ, v ← μv + (1 − d)g, θ ← θ − ηv; in Nesterov's form θ ← θ − η(g + μv). As in PyTorch the learning rate is not
/// part of the velocity, and the first velocity is the gradient.
pub type Sgd = RuleOptimiser<SgdConfig>;

/// What an [`Sgd`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct SgdConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the last velocity is kept, in [0, 1). With 0 there is none.
    pub momentum: f64,
    /// The part of the gradient that does not enter the velocity.
    pub dampening: f64,
    /// Whether the gradient is looked at from where momentum is about to lead (Nesterov 1983, in the form of Sutskever
    /// et al. 2013).
    pub nesterov: bool,
    /// Factor of the parameter that is added to its gradient.
    pub weight_decay: f64,
}

impl Default for SgdConfig {
    /// Learning rate 0.01 without momentum or weight decay.
    fn default() -> SgdConfig {
        SgdConfig { learning_rate: 0.01, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl UpdateRule for SgdConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        WeightDecay::InGradient(self.weight_decay)
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        if self.momentum == 0.0 { Vec::new() } else { vec![("velocity", value.zeros_like())] }
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let momentum = self.momentum;
        let mut direction = gradient.clone();
        if momentum != 0.0 {
            let part = if self.dampening == 0.0 {
                gradient.clone()
            } else {
                let weight =
                    moment.number.equal(1.0).select(1.0, moment.number.full_like(1.0 - self.dampening));
                gradient * weight.cast(value.dtype())
            };
            let velocity = memory.change("velocity", |velocity| velocity * momentum + part);
            direction = if self.nesterov { gradient + velocity * momentum } else { velocity };
        }
        value - direction * moment.rate.cast(value.dtype())
    }
    fn check(&self) {
        assert!(
            !self.nesterov || (self.momentum > 0.0 && self.dampening == 0.0),
            "Sgd: Nesterov's form needs a momentum above 0 and no dampening"
        );
    }
}
