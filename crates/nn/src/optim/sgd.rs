//! Gradient descent on batches, with momentum.

use bolete_tensor::{DType, Tensor, Tree};

use super::{Optimiser, PerLeaf, update_leaves};

/// What an [`Sgd`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// How much of the last velocity is kept, in [0, 1). With 0 there is none.
    pub momentum: f64,
    /// Whether the gradient is looked at from where momentum is about to lead (Nesterov 1983, in the form of Sutskever
    /// et al. 2013).
    pub nesterov: bool,
    /// Factor of the parameter that is added to its gradient.
    pub weight_decay: f64,
}

impl Default for SgdConfig {
    /// Learning rate 0.01 without momentum or weight decay.
    fn default() -> SgdConfig {
        SgdConfig { learning_rate: 0.01, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl SgdConfig {
    /// An optimiser at rest for a model.
    ///
    /// # Panics
    /// If Nesterov's form is asked for without momentum.
    #[track_caller]
    pub fn init<M: Tree>(&self, model: &M) -> Sgd {
        assert!(!self.nesterov || self.momentum > 0.0, "Sgd: Nesterov's form needs a momentum above 0");
        Sgd {
            learning_rate: Tensor::scalar(self.learning_rate, DType::F64),
            updates: Tensor::scalar(0.0, DType::I64),
            velocity: (self.momentum != 0.0).then(|| PerLeaf::zeros(model)),
            momentum: self.momentum,
            nesterov: self.nesterov,
            weight_decay: self.weight_decay,
        }
    }
}

/// Stochastic gradient descent. With gradient g, momentum μ, weight decay λ and learning rate η:
/// g ← g + λθ, v ← μv + g, θ ← θ − ηv; in Nesterov's form θ ← θ − η(g + μv). As in PyTorch the learning rate is not
/// part of the velocity.
///
/// The leaves are `learning_rate`, `updates` and `velocity.…` by the path of the parameter.
#[derive(Clone, Debug, Tree)]
pub struct Sgd {
    learning_rate: Tensor,
    updates: Tensor,
    velocity: Option<PerLeaf>,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
}

impl Optimiser for Sgd {
    #[track_caller]
    fn update<M: Tree>(mut self, model: M, gradients: &M) -> (M, Sgd) {
        let Sgd { momentum, nesterov, weight_decay, .. } = self;
        let model = update_leaves(model, gradients, |path, value, gradient| {
            let gradient =
                if weight_decay == 0.0 { gradient.clone() } else { gradient + value * weight_decay };
            let direction = match &mut self.velocity {
                None => gradient,
                Some(velocity) => {
                    let velocity = velocity.change(path, |velocity| velocity * momentum + &gradient);
                    if nesterov { gradient + velocity * momentum } else { velocity }
                }
            };
            value - direction * self.learning_rate.cast(value.dtype())
        });
        self.updates = &self.updates + 1;
        (model, self)
    }

    fn learning_rate(&self) -> &Tensor {
        &self.learning_rate
    }

    fn with_learning_rate(self, rate: f64) -> Sgd {
        Sgd { learning_rate: Tensor::scalar(rate, DType::F64), ..self }
    }

    fn updates(&self) -> &Tensor {
        &self.updates
    }
}
