//! Optimisers: from gradients to the next model.
//!
//! An optimiser is a tree like the model: its moments, its learning rate and its count of updates are leaves, so that
//! it can be saved by path and passed to a [`Step`](bolete_tensor::Step), where a changed learning rate is a changed
//! argument and not a new plan. [`update`](Optimiser::update) takes model and optimiser by value and returns the next
//! ones: whoever moves the last handle has allowed the old memory to be overwritten.
//!
//! ```
//! use bolete_nn::{Optimiser, Schedule, SgdConfig, UpdateRule};
//! use bolete_tensor::{Tensor, value_and_grad};
//!
//! let schedule = Schedule::Cosine { warm_up: 5, total: 50, last: 0.0 };
//! let mut x = Tensor::from(10.0f64);
//! let mut optimiser = SgdConfig { momentum: 0.5, ..SgdConfig::default() }.init(&x);
//! for step in 0..50 {
//!     let (_, gradient) = value_and_grad(|x: &Tensor| (x - 3.0).square())(&x);
//!     optimiser = optimiser.with_learning_rate(0.2 * schedule.factor(step));
//!     (x, optimiser) = optimiser.update(x, &gradient);
//! }
//! assert!((x.item() - 3.0).abs() < 1e-3);
//! ```

pub mod accumulation;
pub mod adafactor;
pub mod adagrad;
pub mod adam;
pub mod average;
pub mod clip;
pub mod decayed;
pub mod group;
pub mod lamb;
pub mod lbfgs;
pub mod line_search;
pub mod lion;
pub mod muon;
pub mod precision;
pub mod radam;
pub mod rmsprop;
pub mod schedule;
pub mod sgd;

use std::collections::BTreeMap;

use bolete_tensor::tree::{LeafKind, TreeExt};
use bolete_tensor::{DType, Tensor, Tree};

use group::ParameterGroup;

/// A rule for the next model, with what it remembers from update to update.
pub trait Optimiser: Tree {
    /// The model after one update along its gradients, and the optimiser for the next. [`Param`](bolete_tensor::Param)
    /// leaves and plain floating-point leaves change; [`State`](bolete_tensor::State) and integers stay.
    ///
    /// Half-precision leaves are updated in `f32`, in which their memory is kept, and rounded.
    ///
    /// # Panics
    /// If the gradients are not of the model's form, or the optimiser was made for another model.
    fn update<M: Tree>(self, model: M, gradients: &M) -> (M, Self);

    /// The learning rate: a single `f64`.
    fn learning_rate(&self) -> &Tensor;

    /// The same optimiser with another learning rate: a number, or a single `f64`.
    fn with_learning_rate(self, rate: impl Into<Tensor>) -> Self;

    /// Number of updates so far: a single `i64`.
    fn updates(&self) -> &Tensor;
}

/// Where the pull toward zero acts.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub enum WeightDecay {
    /// λθ is added to the gradient, so that moments see it too.
    InGradient(f64),
    /// θ ← θ − ηλθ beside the update (Loshchilov, Hutter 2019, in PyTorch's form, without their schedule multiplier).
    Decoupled(f64),
}

impl Default for WeightDecay {
    /// None.
    fn default() -> WeightDecay {
        WeightDecay::InGradient(0.0)
    }
}

impl WeightDecay {
    fn scaled(self, factor: f64) -> WeightDecay {
        match self {
            WeightDecay::InGradient(decay) => WeightDecay::InGradient(decay * factor),
            WeightDecay::Decoupled(decay) => WeightDecay::Decoupled(decay * factor),
        }
    }

    /// Value and gradient with the pull in them.
    fn apply(self, value: &Tensor, gradient: &Tensor, rate: &Tensor) -> (Tensor, Tensor) {
        match self {
            WeightDecay::InGradient(0.0) | WeightDecay::Decoupled(0.0) => (value.clone(), gradient.clone()),
            WeightDecay::InGradient(decay) => (value.clone(), gradient + value * decay),
            WeightDecay::Decoupled(decay) => {
                (value * (1.0 - rate * decay).cast(value.dtype()), gradient.clone())
            }
        }
    }
}

/// What an optimiser does to one parameter: its hyperparameters and its equation.
///
/// A type that implements this is the configuration of an optimiser; [`init`](UpdateRule::init) makes the optimiser for a
/// model. All arithmetic of an update is elementwise unless the rule says otherwise, so that the planner makes one pass of it.
pub trait UpdateRule: Tree + Clone {
    /// The first learning rate.
    fn learning_rate(&self) -> f64;

    /// The pull toward zero, applied before [`step`](UpdateRule::step).
    fn weight_decay(&self) -> WeightDecay {
        WeightDecay::default()
    }

    /// What is remembered of a parameter, by name, with its first values.
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)>;

    /// The next value of a parameter. `moment` has the learning rate and the number of this update.
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor;

    /// The optimiser for a model.
    ///
    /// # Panics
    /// If a hyperparameter is out of its range.
    #[track_caller]
    fn init<M: Tree>(&self, model: &M) -> RuleOptimiser<Self> {
        self.init_groups(model, Vec::new())
    }

    /// The optimiser for a model with parameters that are treated differently. Of the groups that a path fits the last counts.
    ///
    /// # Panics
    /// As [`init`](UpdateRule::init), and if a group fits no parameter.
    #[track_caller]
    fn init_groups<M: Tree>(&self, model: &M, groups: Vec<ParameterGroup>) -> RuleOptimiser<Self> {
        self.check();
        let leaves = model.named_leaves();
        let trainable = || leaves.iter().filter(|leaf| is_trainable(leaf.kind, leaf.tensor.dtype()));
        for group in &groups {
            assert!(
                trainable().any(|leaf| group.fits(&leaf.path)),
                "the parameter group `{}` fits no parameter of the model",
                group.pattern
            );
        }
        let memory = |value: &Tensor| {
            let working = Tensor::zeros(value.shape(), working_type(value.dtype()));
            Memory(
                self.memory(&working).into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect(),
            )
        };
        let frozen =
            |path: &str| groups.iter().rev().find(|group| group.fits(path)).is_some_and(|group| group.frozen);
        let memory = trainable()
            .filter(|leaf| !frozen(&leaf.path))
            .map(|leaf| (leaf.path.clone(), memory(leaf.tensor)))
            .collect();
        RuleOptimiser {
            learning_rate: Tensor::scalar(self.learning_rate(), DType::F64),
            updates: Tensor::scalar(0.0, DType::I64),
            memory,
            rule: self.clone(),
            groups,
        }
    }

    /// Panics if a hyperparameter is out of its range.
    #[track_caller]
    fn check(&self) {}
}

/// The learning rate, and how manieth update this is.
pub struct Moment {
    /// The learning rate of the parameter: a single `f64`.
    pub rate: Tensor,
    /// 1 for the first update: a single `f64`.
    pub number: Tensor,
    /// What the group of the parameter multiplies weight decay with, for rules that decay weights in their step.
    pub decay_factor: f64,
}

impl Moment {
    /// 1 − βᵗ, in `f64`, because it has lost half of its digits in `f32`.
    pub fn bias_correction(&self, beta: f64) -> Tensor {
        1.0 - Tensor::scalar(beta, DType::F64).pow(&self.number)
    }
}

/// What is remembered of one parameter, by name.
#[derive(Clone, Debug, Default, Tree)]
pub struct Memory(BTreeMap<String, Tensor>);

impl Memory {
    /// Replaces what is remembered under a name by what `change` makes of it, and returns that.
    ///
    /// # Panics
    /// If nothing is remembered under the name.
    #[track_caller]
    pub fn change(&mut self, name: &str, change: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
        let tensor = self.0.get_mut(name).unwrap_or_else(|| panic!("the rule remembers no `{name}`"));
        *tensor = change(tensor);
        tensor.clone()
    }

    /// The mean of what has come, of which `weight` is what comes now: m ← (1 − weight) m + weight x.
    #[track_caller]
    fn running_mean(&mut self, name: &str, now: &Tensor, weight: f64) -> Tensor {
        self.change(name, |mean| mean.lerp(now, weight))
    }

    /// The mean of the squares of what has come.
    #[track_caller]
    fn running_square(&mut self, name: &str, now: &Tensor, beta: f64) -> Tensor {
        self.change(name, |mean| mean * beta + now.square() * (1.0 - beta))
    }
}

/// An optimiser that does the same to each parameter.
///
/// The leaves are `learning_rate`, `updates` and `memory.…` by the path of the parameter and the name of what is remembered.
#[derive(Clone, Debug, Tree)]
pub struct RuleOptimiser<R> {
    learning_rate: Tensor,
    updates: Tensor,
    memory: BTreeMap<String, Memory>,
    rule: R,
    groups: Vec<ParameterGroup>,
}

impl<R: UpdateRule> Optimiser for RuleOptimiser<R> {
    #[track_caller]
    fn update<M: Tree>(mut self, model: M, gradients: &M) -> (M, RuleOptimiser<R>) {
        self.updates = &self.updates + 1;
        let number = self.updates.cast(DType::F64);
        let model = update_leaves(model, gradients, |path, value, gradient| {
            let group = self.groups.iter().rev().find(|group| group.fits(path));
            if group.is_some_and(|group| group.frozen) {
                return value.clone();
            }
            let factor = group.map_or(1.0, |group| group.rate_factor);
            let rate = if factor == 1.0 { self.learning_rate.clone() } else { &self.learning_rate * factor };
            let decay_factor = group.map_or(1.0, |group| group.decay_factor);
            let decay = self.rule.weight_decay().scaled(decay_factor);
            let (value, gradient) = decay.apply(value, gradient, &rate);
            let memory = self.memory.get_mut(path).unwrap_or_else(|| {
                panic!("the optimiser was made for another model: it knows no trainable leaf `{path}`")
            });
            let moment = Moment { rate, number: number.clone(), decay_factor };
            self.rule.step(&moment, &value, &gradient, memory)
        });
        (model, self)
    }

    fn learning_rate(&self) -> &Tensor {
        &self.learning_rate
    }

    fn with_learning_rate(self, rate: impl Into<Tensor>) -> RuleOptimiser<R> {
        RuleOptimiser { learning_rate: rate.into().cast(DType::F64), ..self }
    }

    fn updates(&self) -> &Tensor {
        &self.updates
    }
}

#[track_caller]
fn check_betas(name: &str, betas: [f64; 2]) {
    assert!(
        betas.iter().all(|beta| (0.0..1.0).contains(beta)),
        "{name}: the betas must be in [0, 1), but they are {betas:?}"
    );
}

/// Whether optimisers change a leaf: those in which derivatives are taken.
fn is_trainable(kind: LeafKind, dtype: DType) -> bool {
    kind != LeafKind::State && dtype.is_float()
}

/// The type in which a leaf is updated: eight bits of precision cannot hold the small differences that add up.
fn working_type(dtype: DType) -> DType {
    if dtype.is_half() { DType::F32 } else { dtype }
}

/// The model with each trainable leaf replaced by what `change` makes of its path, value and gradient, all in the
/// [`working_type`].
#[track_caller]
fn update_leaves<M: Tree>(
    model: M,
    gradients: &M,
    mut change: impl FnMut(&str, &Tensor, &Tensor) -> Tensor,
) -> M {
    let paths: Vec<String> = model.named_leaves().into_iter().map(|leaf| leaf.path).collect();
    let gradients = gradients.leaves();
    assert!(
        paths.len() == gradients.len(),
        "update: the model has {} leaves, the gradients have {}",
        paths.len(),
        gradients.len()
    );
    let mut pairs = paths.iter().zip(&gradients);
    model.rebuild(&mut |kind, tensor| {
        let (path, gradient) = pairs.next().expect("a tree has as many leaves when rebuilt as when visited");
        if !is_trainable(kind, tensor.dtype()) {
            return tensor.clone();
        }
        assert!(
            gradient.shape() == tensor.shape(),
            "update: `{path}` has shape {}, its gradient {}",
            tensor.shape(),
            gradient.shape()
        );
        let working = working_type(tensor.dtype());
        change(path, &tensor.cast(working), &gradient.cast(working)).cast(tensor.dtype())
    })
}
