//! Optimiser and schedule as configuration, so that they can be chosen when a program runs.

use bolete_nn::{
    AdaGradConfig, AdafactorConfig, AdamConfig, AdamWConfig, LambConfig, LionConfig, Memory, Moment,
    MuonConfig, ParameterGroup, RAdamConfig, RmsPropConfig, RuleOptimiser, Schedule, SgdConfig, UpdateRule,
    WeightDecay,
};
use bolete_tensor::{Tensor, Tree};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An optimiser chosen when the program runs.
pub type AnyOptimiser = RuleOptimiser<AnyRule>;

/// Which optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Gradient descent, with momentum where it is not 0.
    Sgd,
    /// Running means of gradients and squares (Kingma, Ba 2015).
    Adam,
    /// Adam with decoupled weight decay (Loshchilov, Hutter 2019).
    AdamW,
    /// Adam with rectified variance (Liu et al. 2020).
    RAdam,
    /// Running mean of squares (Tieleman, Hinton 2012).
    RmsProp,
    /// Sum of squares (Duchi et al. 2011).
    AdaGrad,
    /// Sign of a momentum (Chen et al. 2023).
    Lion,
    /// Orthogonalised momentum for matrices, AdamW for all else (Jordan 2024).
    Muon,
    /// Adam scaled layer by layer (You et al. 2020).
    Lamb,
    /// Factored second moments (Shazeer, Stern 2018).
    Adafactor,
}

/// How parameters follow gradients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OptimiserConfig {
    /// Which optimiser.
    pub kind: OptimiserKind,
    /// The learning rate where the schedule's factor is 1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub lr: f64,
    /// How much of the last velocity is kept, by sgd, rmsprop and muon.
    #[schemars(range(min = 0.0, max = 0.9999))]
    pub momentum: f64,
    /// Whether sgd looks at the gradient from where momentum is about to lead.
    pub nesterov: bool,
    /// How much of the running means is kept, by adam and its kin and lion.
    pub betas: [f64; 2],
    /// The pull of weights toward zero; in the gradient for sgd, adam, radam, rmsprop and adagrad, else beside the update.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Gradients whose norm, all together, is larger are scaled down.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub clip_norm: Option<f64>,
    /// How the learning rate changes.
    pub schedule: ScheduleKind,
    /// The part of all updates in which the learning rate rises.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub warm_up: f64,
    /// The factor of the learning rate at the end, of cosine and linear schedules.
    #[schemars(range(min = 0.0))]
    pub last: f64,
}

/// How the learning rate changes over the updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// Not at all, after warm-up.
    Constant,
    /// Down along half a wave of the cosine.
    Cosine,
    /// Down along a straight line.
    Linear,
    /// Up and down along half waves of the cosine (Smith, Topin 2018); the rise is `warm_up`.
    OneCycle,
}

impl Default for OptimiserConfig {
    /// AdamW at 0.001 with weight decay 0.01, constant.
    fn default() -> OptimiserConfig {
        OptimiserConfig {
            kind: OptimiserKind::AdamW,
            lr: 1e-3,
            momentum: 0.9,
            nesterov: false,
            betas: [0.9, 0.999],
            weight_decay: 0.01,
            clip_norm: None,
            schedule: ScheduleKind::Constant,
            warm_up: 0.0,
            last: 0.0,
        }
    }
}

impl OptimiserConfig {
    /// The rule, with everything that is not configured at its default.
    pub fn rule(&self) -> AnyRule {
        let OptimiserConfig { lr: learning_rate, momentum, nesterov, betas, weight_decay, .. } = *self;
        let in_gradient = WeightDecay::InGradient(weight_decay);
        match self.kind {
            OptimiserKind::Sgd => AnyRule::Sgd(SgdConfig {
                learning_rate,
                momentum,
                nesterov,
                weight_decay,
                ..SgdConfig::default()
            }),
            OptimiserKind::Adam => {
                AnyRule::Adam(AdamConfig { learning_rate, betas, weight_decay, ..AdamConfig::default() })
            }
            OptimiserKind::AdamW => {
                AnyRule::AdamW(AdamWConfig { learning_rate, betas, weight_decay, ..AdamWConfig::default() })
            }
            OptimiserKind::RAdam => AnyRule::RAdam(RAdamConfig {
                learning_rate,
                betas,
                weight_decay: in_gradient,
                ..RAdamConfig::default()
            }),
            OptimiserKind::RmsProp => AnyRule::RmsProp(RmsPropConfig {
                learning_rate,
                momentum,
                weight_decay: in_gradient,
                ..RmsPropConfig::default()
            }),
            OptimiserKind::AdaGrad => AnyRule::AdaGrad(AdaGradConfig {
                learning_rate,
                weight_decay: in_gradient,
                ..AdaGradConfig::default()
            }),
            OptimiserKind::Lion => AnyRule::Lion(LionConfig { learning_rate, betas, weight_decay }),
            OptimiserKind::Muon => {
                AnyRule::Muon(MuonConfig { learning_rate, momentum, weight_decay, ..MuonConfig::default() })
            }
            OptimiserKind::Lamb => {
                AnyRule::Lamb(LambConfig { learning_rate, betas, weight_decay, ..LambConfig::default() })
            }
            OptimiserKind::Adafactor => AnyRule::Adafactor(AdafactorConfig {
                learning_rate,
                weight_decay,
                ..AdafactorConfig::default()
            }),
        }
    }

    /// The optimiser for a model. Vectors and single numbers, such as biases and the scales of norms, are not pulled
    /// toward zero.
    ///
    /// # Panics
    /// If a hyperparameter is out of its range.
    #[track_caller]
    pub fn init<M: Tree>(&self, model: &M) -> AnyOptimiser {
        use bolete_tensor::tree::TreeExt;
        let flat = model.named_leaves().into_iter().filter(|leaf| {
            leaf.tensor.rank() < 2
                && leaf.tensor.dtype().is_float()
                && leaf.kind != bolete_tensor::tree::LeafKind::State
        });
        let groups = flat.map(|leaf| ParameterGroup { decay_factor: 0.0, ..ParameterGroup::new(leaf.path) });
        self.rule().init_groups(model, groups.collect())
    }

    /// The schedule over this many updates.
    pub fn schedule(&self, total: u64) -> Schedule {
        let warm_up = (self.warm_up * total as f64).round() as u64;
        match self.schedule {
            ScheduleKind::Constant if warm_up == 0 => Schedule::Constant,
            ScheduleKind::Constant => Schedule::Polynomial { warm_up, total, power: 1.0, last: 1.0 },
            ScheduleKind::Cosine => Schedule::Cosine { warm_up, total, last: self.last },
            ScheduleKind::Linear => Schedule::Polynomial { warm_up, total, power: 1.0, last: self.last },
            ScheduleKind::OneCycle => Schedule::OneCycle {
                total,
                rise: self.warm_up.max(1e-9),
                first: 0.04,
                last: self.last.max(4e-5),
            },
        }
    }
}

/// One of the rules of [`bolete_nn::optim`].
#[derive(Clone, Debug, Tree)]
#[allow(missing_docs)]
pub enum AnyRule {
    Sgd(SgdConfig),
    Adam(AdamConfig),
    AdamW(AdamWConfig),
    RAdam(RAdamConfig),
    RmsProp(RmsPropConfig),
    AdaGrad(AdaGradConfig),
    Lion(LionConfig),
    Muon(MuonConfig),
    Lamb(LambConfig),
    Adafactor(AdafactorConfig),
}

/// Calls a method of whichever rule it is.
macro_rules! delegate {
    ($rule:expr, $name:ident($($argument:expr),*)) => {
        match $rule {
            AnyRule::Sgd(rule) => rule.$name($($argument),*),
            AnyRule::Adam(rule) => rule.$name($($argument),*),
            AnyRule::AdamW(rule) => rule.$name($($argument),*),
            AnyRule::RAdam(rule) => rule.$name($($argument),*),
            AnyRule::RmsProp(rule) => rule.$name($($argument),*),
            AnyRule::AdaGrad(rule) => rule.$name($($argument),*),
            AnyRule::Lion(rule) => rule.$name($($argument),*),
            AnyRule::Muon(rule) => rule.$name($($argument),*),
            AnyRule::Lamb(rule) => rule.$name($($argument),*),
            AnyRule::Adafactor(rule) => rule.$name($($argument),*),
        }
    };
}

impl UpdateRule for AnyRule {
    fn learning_rate(&self) -> f64 {
        delegate!(self, learning_rate())
    }

    fn weight_decay(&self) -> WeightDecay {
        delegate!(self, weight_decay())
    }

    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        delegate!(self, memory(value))
    }

    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        delegate!(self, step(moment, value, gradient, memory))
    }

    #[track_caller]
    fn check(&self) {
        delegate!(self, check())
    }
}
