//! What a step of training does: the seam between a task and the [`Trainer`](crate::Trainer).
//!
//! A [`Learner`] maps a state (a tree: models, optimisers, averages) and a batch to the next state. [`Supervised`] is the
//! one for a single model with a loss; adversarial or otherwise unusual training implements the trait itself, with as
//! many models and optimisers as it likes. The trainer plans the step once, replays it, and does all the rest.

mod supervised;

pub use supervised::{Classification, Supervised, SupervisedState};

use std::collections::BTreeMap;

use bolete_nn::Context;
use bolete_tensor::{DType, Key, Tensor, Tree};

/// What is trained, and how one step of it goes.
///
/// Both functions are traced and replayed, so that they must not read values, and everything that changes must be in the
/// state or the batch.
///
/// ```
/// use bolete_nn::{AdamConfig, Context, Linear, LinearConfig, Module, Optimiser, RuleOptimiser, UpdateRule};
/// use bolete_tensor::{DType, Key, Tensor, Tree, value_and_grad};
/// use bolete_train::{Learner, Measures, Moment};
///
/// /// Two players: one draws numbers, the other tells them from those of the data.
/// struct Adversaries;
///
/// #[derive(Clone, Tree)]
/// struct State {
///     generator: (Linear, RuleOptimiser<AdamConfig>),
///     critic: (Linear, RuleOptimiser<AdamConfig>),
/// }
///
/// impl Learner for Adversaries {
///     type State = State;
///     type Batch = Tensor;
///     type Model = Linear;
///
///     fn step(&self, state: State, real: Tensor, moment: &mut Moment) -> State {
///         let (generator, by_generator) = state.generator;
///         let (critic, by_critic) = state.critic;
///         let mut context = Context::training(moment.key());
///         let noise = moment.key().normal([real.shape()[0], 2], DType::F32);
///         let (loss, slopes) = value_and_grad(|critic: &Linear| {
///             let fake = generator.forward(&noise, &mut context).stop_gradient();
///             (critic.forward(&fake, &mut context) - critic.forward(&real, &mut context)).mean(..)
///         })(&critic);
///         let rate = moment.factor() * 1e-3;
///         let (critic, by_critic) = by_critic.with_learning_rate(rate.clone()).update(critic, &slopes);
///         moment.measures().mean("critic_loss", &loss, 1.0);
///         let (loss, slopes) = value_and_grad(|generator: &Linear| {
///             -critic.forward(&generator.forward(&noise, &mut context), &mut context).mean(..)
///         })(&generator);
///         let (generator, by_generator) = by_generator.with_learning_rate(rate).update(generator, &slopes);
///         moment.measures().mean("generator_loss", &loss, 1.0);
///         State { generator: (generator, by_generator), critic: (critic, by_critic) }
///     }
///
///     fn evaluate(&self, _: &State, _: &Tensor, _: &mut Context, _: &mut Measures) {}
///
///     fn model(&self, state: &State) -> Linear {
///         state.generator.0.clone()
///     }
/// }
/// ```
pub trait Learner: Send + Sync + 'static {
    /// All that training changes.
    type State: Tree + Clone + 'static;
    /// A batch as tensors; its first leaf has one row per item.
    type Batch: Tree + Clone + 'static;
    /// What is used once training is over.
    type Model: Tree + Clone + 'static;

    /// The state after one batch.
    fn step(&self, state: Self::State, batch: Self::Batch, moment: &mut Moment) -> Self::State;

    /// Measures the state on a batch without changing it.
    fn evaluate(
        &self,
        state: &Self::State,
        batch: &Self::Batch,
        context: &mut Context,
        measures: &mut Measures,
    );

    /// What is saved to be used, such as the average of the models of the last steps.
    fn model(&self, state: &Self::State) -> Self::Model;

    /// Activations and gradients of each layer on a batch, for the report; none unless the learner knows them.
    fn probe(&self, _state: &Self::State, _batch: &Self::Batch) -> Option<Probe<Self::Model>> {
        None
    }
}

/// What goes on inside of a model on one batch.
pub struct Probe<M> {
    /// What each layer gives, by its path or kind, in the order of the calls.
    pub activations: Vec<(String, Tensor)>,
    /// The gradient of the loss.
    pub gradients: M,
}

/// When a step happens, its randomness, and what it measures.
pub struct Moment {
    factor: Tensor,
    key: Key,
    is_update: bool,
    measures: Measures,
}

impl Moment {
    pub(crate) fn new(factor: Tensor, key: Key, is_update: bool) -> Moment {
        Moment { factor, key, is_update, measures: Measures::default() }
    }

    pub(crate) fn into_measures(self) -> Measures {
        self.measures
    }

    /// The factor of the learning rate by the schedule: a single `f64`.
    pub fn factor(&self) -> &Tensor {
        &self.factor
    }

    /// A key that no other call, step or run with another seed gets.
    pub fn key(&mut self) -> Key {
        let [rest, drawn] = self.key.split();
        self.key = rest;
        drawn
    }

    /// Whether parameters change in this step; false while gradients are accumulated.
    pub fn is_update(&self) -> bool {
        self.is_update
    }

    /// Where measurements go.
    pub fn measures(&mut self) -> &mut Measures {
        &mut self.measures
    }
}

/// What is measured on a batch, by name.
///
/// A mean whose name is or ends in `loss` must stay finite: training ends with an error when it does not.
#[derive(Clone, Default, Tree)]
pub struct Measures {
    means: BTreeMap<String, Sum>,
    collected: BTreeMap<String, Tensor>,
}

/// A sum with the weight of what was summed, single `f64`s both.
#[derive(Clone, Tree)]
pub(crate) struct Sum {
    pub total: Tensor,
    pub weight: Tensor,
}

impl Measures {
    /// A mean over all batches, in which this value counts `weight` times: as a rule the number of items that it is
    /// the mean of.
    ///
    /// # Panics
    /// If `value` is not a single number.
    #[track_caller]
    pub fn mean(&mut self, name: &str, value: &Tensor, weight: f64) {
        assert!(value.elements() == 1, "Measures::mean: `{name}` must be one number, not {}", value.shape());
        let value = value.stop_gradient().reshape([0usize; 0]).cast(DType::F64);
        let sum = Sum { total: value * weight, weight: Tensor::scalar(weight, DType::F64) };
        self.add(name, sum);
    }

    fn add(&mut self, name: &str, more: Sum) {
        let sum = match self.means.remove(name) {
            Some(sum) => Sum { total: sum.total + more.total, weight: sum.weight + more.weight },
            None => more,
        };
        self.means.insert(name.to_owned(), sum);
    }

    /// Rows that evaluation joins over all batches, such as probabilities `[batch, classes]`. In training they are left
    /// out.
    pub fn collect(&mut self, name: &str, rows: &Tensor) {
        self.collected.insert(name.to_owned(), rows.stop_gradient());
    }

    pub(crate) fn into_parts(self) -> (BTreeMap<String, Sum>, BTreeMap<String, Tensor>) {
        (self.means, self.collected)
    }
}

/// Number of items of a batch: the rows of its first leaf.
pub(crate) fn items<B: Tree>(batch: &B) -> usize {
    use bolete_tensor::tree::TreeExt;
    batch.leaves_with_kinds().first().map_or(1, |(_, leaf)| leaf.shape().first().copied().unwrap_or(1))
}
