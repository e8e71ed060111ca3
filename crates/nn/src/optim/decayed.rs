//! Any optimiser with another pull toward zero than its own.

use bolete_tensor::{Tensor, Tree};

use super::{Memory, Moment, UpdateRule, WeightDecay};

/// A rule whose weight decay is replaced: SGD with decoupled decay (SGDW, Loshchilov, Hutter 2019, algorithm 1), RMSProp with it, …
///
/// ```
/// use bolete_nn::{Decayed, Optimiser, SgdConfig, UpdateRule, WeightDecay};
/// use bolete_tensor::Tensor;
/// let rule = SgdConfig { learning_rate: 0.5, momentum: 0.9, ..SgdConfig::default() };
/// let x = Tensor::from(2.0f64);
/// let optimiser = Decayed { rule, decay: WeightDecay::Decoupled(0.1) }.init(&x);
/// // 2 · (1 − 0.5 · 0.1) − 0.5 · 1
/// let (x, _) = optimiser.update(x, &Tensor::from(1.0f64));
/// assert!((x.item() - 1.4).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct Decayed<R> {
    /// The rule. Its own decay is left out, except that of rules which decay weights in their step: LAMB, Muon, Adafactor.
    pub rule: R,
    /// The pull toward zero.
    pub decay: WeightDecay,
}

impl<R: UpdateRule> UpdateRule for Decayed<R> {
    fn learning_rate(&self) -> f64 {
        self.rule.learning_rate()
    }
    fn weight_decay(&self) -> WeightDecay {
        self.decay
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        self.rule.memory(value)
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        self.rule.step(moment, value, gradient, memory)
    }
    #[track_caller]
    fn check(&self) {
        self.rule.check();
    }
}
