//! Adam and its relatives: steps of about the learning rate in every parameter, whatever the size of its gradient.

use bolete_tensor::{DType, Tensor, Tree};

use super::{Memory, Moment, RuleOptimiser, UpdateRule, WeightDecay, check_betas};

/// Adam (Kingma, Ba 2015, algorithm 1). With gradient g and learning rate η: m ← β₁m + (1 − β₁)g,
/// v ← β₂v + (1 − β₂)g², θ ← θ − η m̂ / (√v̂ + ε), where m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) undo the pull of the
/// zeros that the means start from.
pub type Adam = RuleOptimiser<AdamConfig>;

/// Adam with decoupled weight decay: AdamW (Loshchilov, Hutter 2019, algorithm 2).
pub type AdamW = RuleOptimiser<AdamWConfig>;

/// Adam with Nesterov's momentum: NAdam (Dozat 2016), with the momentum μₜ = β₁(1 − ½ 0.96^(ψt)).
pub type NAdam = RuleOptimiser<NAdamConfig>;

/// Adam with the largest gradient instead of the root of the mean square: AdaMax (Kingma, Ba 2015, algorithm 2).
pub type AdaMax = RuleOptimiser<AdaMaxConfig>;

/// What an [`Adam`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct AdamConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the running means of gradients and of their squares is kept, in [0, 1).
    pub betas: [f64; 2],
    /// Added to the root of the mean square, against division by zero.
    pub epsilon: f64,
    /// Factor of the parameter that is added to its gradient.
    pub weight_decay: f64,
    /// Whether the largest mean square so far counts instead of the last: AMSGrad (Reddi et al. 2018).
    pub amsgrad: bool,
}

impl Default for AdamConfig {
    /// Learning rate 0.001, betas 0.9 and 0.999, ε = 10⁻⁸, no weight decay.
    fn default() -> AdamConfig {
        AdamConfig {
            learning_rate: 1e-3,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.0,
            amsgrad: false,
        }
    }
}

/// What an [`AdamW`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct AdamWConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the running means of gradients and of their squares is kept, in [0, 1).
    pub betas: [f64; 2],
    /// Added to the root of the mean square, against division by zero.
    pub epsilon: f64,
    /// The part of the parameter that is taken away by an update is this times the learning rate.
    pub weight_decay: f64,
    /// Whether the largest mean square so far counts instead of the last: AMSGrad (Reddi et al. 2018).
    pub amsgrad: bool,
}

impl Default for AdamWConfig {
    /// Learning rate 0.001, betas 0.9 and 0.999, ε = 10⁻⁸, weight decay 0.01.
    fn default() -> AdamWConfig {
        AdamWConfig {
            learning_rate: 1e-3,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.01,
            amsgrad: false,
        }
    }
}

fn moments(value: &Tensor, amsgrad: bool) -> Vec<(&'static str, Tensor)> {
    let mut names = vec!["first_moment", "second_moment"];
    if amsgrad {
        names.push("largest_second_moment");
    }
    names.into_iter().map(|name| (name, value.zeros_like())).collect()
}

/// m̂ / (√v̂ + ε).
pub(super) fn direction(
    [first_beta, second_beta]: [f64; 2],
    epsilon: f64,
    amsgrad: bool,
    moment: &Moment,
    gradient: &Tensor,
    memory: &mut Memory,
) -> Tensor {
    let dtype = gradient.dtype();
    let first = memory.running_mean("first_moment", gradient, 1.0 - first_beta);
    let mut second = memory.running_square("second_moment", gradient, second_beta);
    if amsgrad {
        second = memory.change("largest_second_moment", |largest| largest.maximum(&second));
    }
    let root = moment.bias_correction(second_beta).sqrt();
    let scale = second.sqrt() / root.cast(dtype) + epsilon;
    first / scale * moment.bias_correction(first_beta).reciprocal().cast(dtype)
}

impl UpdateRule for AdamConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        WeightDecay::InGradient(self.weight_decay)
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        moments(value, self.amsgrad)
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let direction = direction(self.betas, self.epsilon, self.amsgrad, moment, gradient, memory);
        value - direction * moment.rate.cast(value.dtype())
    }
    fn check(&self) {
        check_betas("Adam", self.betas);
    }
}

impl UpdateRule for AdamWConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        WeightDecay::Decoupled(self.weight_decay)
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        moments(value, self.amsgrad)
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let direction = direction(self.betas, self.epsilon, self.amsgrad, moment, gradient, memory);
        value - direction * moment.rate.cast(value.dtype())
    }
    fn check(&self) {
        check_betas("AdamW", self.betas);
    }
}

/// What an [`NAdam`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct NAdamConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the running means of gradients and of their squares is kept, in [0, 1).
    pub betas: [f64; 2],
    /// Added to the root of the mean square, against division by zero.
    pub epsilon: f64,
    /// ψ, how fast the momentum approaches β₁.
    pub momentum_decay: f64,
    /// The pull toward zero.
    pub weight_decay: WeightDecay,
}

impl Default for NAdamConfig {
    /// Learning rate 0.002, betas 0.9 and 0.999, ε = 10⁻⁸, ψ = 0.004, no weight decay.
    fn default() -> NAdamConfig {
        NAdamConfig {
            learning_rate: 2e-3,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            momentum_decay: 4e-3,
            weight_decay: WeightDecay::default(),
        }
    }
}

impl UpdateRule for NAdamConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        self.weight_decay
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        let mut memory = moments(value, false);
        memory.push(("momentum_product", Tensor::scalar(1.0, DType::F64)));
        memory
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let dtype = value.dtype();
        let [first_beta, second_beta] = self.betas;
        let momentum = |number: &Tensor| {
            let power = Tensor::scalar(0.96, DType::F64).pow(number * self.momentum_decay);
            (1.0 - power * 0.5) * first_beta
        };
        let (now, next) = (momentum(&moment.number), momentum(&(&moment.number + 1.0)));
        let product = memory.change("momentum_product", |product| product * &now);
        let first = memory.running_mean("first_moment", gradient, 1.0 - first_beta);
        let second = memory.running_square("second_moment", gradient, second_beta);
        let scale = (second / moment.bias_correction(second_beta).cast(dtype)).sqrt() + self.epsilon;
        let of_gradient = (1.0 - now) / (1.0 - &product) * &moment.rate;
        let of_moment = &next / (1.0 - product * &next) * &moment.rate;
        value - (gradient * of_gradient.cast(dtype) + first * of_moment.cast(dtype)) / scale
    }
    fn check(&self) {
        check_betas("NAdam", self.betas);
    }
}

/// What an [`AdaMax`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct AdaMaxConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the running mean of gradients and of their largest size is kept, in [0, 1).
    pub betas: [f64; 2],
    /// Added to the size of the gradient, against division by zero.
    pub epsilon: f64,
    /// The pull toward zero.
    pub weight_decay: WeightDecay,
}

impl Default for AdaMaxConfig {
    /// Learning rate 0.002, betas 0.9 and 0.999, ε = 10⁻⁸, no weight decay.
    fn default() -> AdaMaxConfig {
        AdaMaxConfig {
            learning_rate: 2e-3,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: WeightDecay::default(),
        }
    }
}

impl UpdateRule for AdaMaxConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        self.weight_decay
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        vec![("first_moment", value.zeros_like()), ("largest", value.zeros_like())]
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let first = memory.running_mean("first_moment", gradient, 1.0 - self.betas[0]);
        let largest = memory
            .change("largest", |largest| (largest * self.betas[1]).maximum(gradient.abs() + self.epsilon));
        let rate = &moment.rate / moment.bias_correction(self.betas[0]);
        value - first / largest * rate.cast(value.dtype())
    }
    fn check(&self) {
        check_betas("AdaMax", self.betas);
    }
}
