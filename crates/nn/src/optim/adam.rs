//! Adam and AdamW: steps of about the learning rate in every parameter, whatever the size of its gradient.

use bolete_tensor::{DType, Tensor, Tree};

use super::{Optimiser, PerLeaf, update_leaves};

/// What an [`Adam`] optimiser is to be (Kingma, Ba 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the running means of gradients and of their squares is kept, in [0, 1).
    pub betas: [f64; 2],
    /// Added to the root of the mean square, against division by zero.
    pub epsilon: f64,
    /// Factor of the parameter that is added to its gradient.
    pub weight_decay: f64,
}

impl Default for AdamConfig {
    /// Learning rate 0.001, betas 0.9 and 0.999, ε = 10⁻⁸, no weight decay.
    fn default() -> AdamConfig {
        AdamConfig { learning_rate: 1e-3, betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl AdamConfig {
    /// An optimiser without memory for a model.
    ///
    /// # Panics
    /// If a beta is not in [0, 1).
    #[track_caller]
    pub fn init<M: Tree>(&self, model: &M) -> Adam {
        let AdamConfig { learning_rate, betas, epsilon, weight_decay } = *self;
        assert!(
            betas.iter().all(|beta| (0.0..1.0).contains(beta)),
            "Adam: the betas must be in [0, 1), but they are {betas:?}"
        );
        Adam {
            learning_rate: Tensor::scalar(learning_rate, DType::F64),
            updates: Tensor::scalar(0.0, DType::I64),
            first_moment: PerLeaf::zeros(model),
            second_moment: PerLeaf::zeros(model),
            betas,
            epsilon,
            weight_decay: WeightDecay::InGradient(weight_decay),
        }
    }
}

/// What an [`Adam`] optimiser with decoupled weight decay is to be: AdamW (Loshchilov, Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the running means of gradients and of their squares is kept, in [0, 1).
    pub betas: [f64; 2],
    /// Added to the root of the mean square, against division by zero.
    pub epsilon: f64,
    /// The part of the parameter that is taken away by an update is this times the learning rate.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    /// Learning rate 0.001, betas 0.9 and 0.999, ε = 10⁻⁸, weight decay 0.01.
    fn default() -> AdamWConfig {
        AdamWConfig { learning_rate: 1e-3, betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.01 }
    }
}

impl AdamWConfig {
    /// An optimiser without memory for a model.
    ///
    /// # Panics
    /// If a beta is not in [0, 1).
    #[track_caller]
    pub fn init<M: Tree>(&self, model: &M) -> Adam {
        let AdamWConfig { learning_rate, betas, epsilon, weight_decay } = *self;
        let adam = AdamConfig { learning_rate, betas, epsilon, weight_decay: 0.0 }.init(model);
        Adam { weight_decay: WeightDecay::Decoupled(weight_decay), ..adam }
    }
}

/// Where the pull toward zero acts.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
enum WeightDecay {
    /// As a part of the gradient, which the moments then see too.
    InGradient(f64),
    /// On the parameter itself.
    Decoupled(f64),
}

/// Adam (Kingma, Ba 2015, algorithm 1). With gradient g and learning rate η: m ← β₁m + (1 − β₁)g,
/// v ← β₂v + (1 − β₂)g², θ ← θ − η m̂ / (√v̂ + ε), where m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) undo the pull of the
/// zeros that the means start from.
///
/// Weight decay λ adds λθ to g. Made by [`AdamWConfig`] it is decoupled instead: θ ← θ − ηλθ before the update
/// (Loshchilov, Hutter 2019, algorithm 2, in PyTorch's form, without their schedule multiplier).
///
/// The leaves are `learning_rate`, `updates`, `first_moment.…` and `second_moment.…` by the path of the parameter.
#[derive(Clone, Debug, Tree)]
pub struct Adam {
    learning_rate: Tensor,
    updates: Tensor,
    first_moment: PerLeaf,
    second_moment: PerLeaf,
    betas: [f64; 2],
    epsilon: f64,
    weight_decay: WeightDecay,
}

impl Optimiser for Adam {
    #[track_caller]
    fn update<M: Tree>(self, model: M, gradients: &M) -> (M, Adam) {
        let Adam {
            learning_rate,
            updates,
            mut first_moment,
            mut second_moment,
            betas,
            epsilon,
            weight_decay,
        } = self;
        let updates = updates + 1;
        // Single numbers, and in f64, because 1 − βᵗ has lost half of its digits in f32.
        let number = updates.cast(DType::F64);
        let [first_weight, second_weight] =
            betas.map(|beta| 1.0 - Tensor::scalar(beta, DType::F64).pow(&number));
        let (rate, root) = (&learning_rate / first_weight, second_weight.sqrt());
        let model = update_leaves(model, gradients, |path, value, gradient| {
            let dtype = value.dtype();
            let (value, gradient) = match weight_decay {
                WeightDecay::InGradient(0.0) => (value.clone(), gradient.clone()),
                WeightDecay::InGradient(decay) => (value.clone(), gradient + value * decay),
                WeightDecay::Decoupled(decay) => {
                    (value * (1.0 - &learning_rate * decay).cast(dtype), gradient.clone())
                }
            };
            let first = first_moment.change(path, |mean| mean.lerp(&gradient, 1.0 - betas[0]));
            let second =
                second_moment.change(path, |mean| mean * betas[1] + gradient.square() * (1.0 - betas[1]));
            let scale = second.sqrt() / root.cast(dtype) + epsilon;
            value - first / scale * rate.cast(dtype)
        });
        let optimiser =
            Adam { learning_rate, updates, first_moment, second_moment, betas, epsilon, weight_decay };
        (model, optimiser)
    }

    fn learning_rate(&self) -> &Tensor {
        &self.learning_rate
    }

    fn with_learning_rate(self, rate: f64) -> Adam {
        Adam { learning_rate: Tensor::scalar(rate, DType::F64), ..self }
    }

    fn updates(&self) -> &Tensor {
        &self.updates
    }
}
