//! The training step as a function of trees.

use bolete_nn::{Context, CrossEntropy, Module, Optimiser, clip_by_global_norm};
use bolete_tensor::{DType, Key, Tensor, Tree, value_and_grad};

use super::TrainerConfig;
use super::course::Totals;

/// All that goes into a step and comes out of it changed.
#[derive(Clone, Tree)]
pub(super) struct Carried<M, O> {
    pub model: M,
    pub optimiser: O,
    key: Key,
    /// Sums since they were last taken: loss times items, items whose class was found, items.
    loss: Tensor,
    correct: Tensor,
    items: Tensor,
    /// Number of steps, and the first of them (from 1) whose loss was not finite, 0 if there was none.
    steps: Tensor,
    first_bad: Tensor,
}

/// Sets the randomness of training apart from that of first weights, which are often drawn from the same seed.
const TRAINING: u64 = u64::from_be_bytes(*b"TRAINING");

fn zero() -> Tensor {
    Tensor::scalar(0.0, DType::F64)
}

impl<M: Tree, O: Optimiser> Carried<M, O> {
    pub fn new(model: M, optimiser: O, seed: u64) -> Carried<M, O> {
        let count = || Tensor::scalar(0.0, DType::I64);
        Carried {
            model,
            optimiser,
            key: Key::new(seed ^ TRAINING),
            loss: zero(),
            correct: zero(),
            items: zero(),
            steps: count(),
            first_bad: count(),
        }
    }

    pub fn with_learning_rate(self, rate: f64) -> Carried<M, O> {
        Carried { optimiser: self.optimiser.with_learning_rate(rate), ..self }
    }

    /// The sums so far, which start again from zero.
    pub fn take_totals(&mut self) -> Totals {
        let totals =
            Totals { loss: self.loss.item(), correct: self.correct.item(), items: self.items.item() };
        (self.loss, self.correct, self.items) = (zero(), zero(), zero());
        totals
    }

    /// The first step whose loss was not finite, from 1.
    pub fn first_bad(&self) -> Option<u64> {
        Some(self.first_bad.item() as u64).filter(|step| *step > 0)
    }
}

/// Forward pass, loss, gradients, clipping, update, and the sums.
pub(super) fn training_step<M, O>(
    config: &TrainerConfig,
) -> impl Fn((Carried<M, O>, Tensor, Tensor)) -> Carried<M, O> + 'static
where
    M: Module + 'static,
    O: Optimiser + 'static,
{
    let clip_norm = config.clip_norm;
    let loss = CrossEntropy { smoothing: config.label_smoothing, ..CrossEntropy::default() };
    move |(carried, inputs, labels)| {
        let [key, own] = carried.key.split();
        let mut context = Context::training(own);
        let ((loss, logits), gradients) = value_and_grad(|model: &M| {
            let logits = model.forward(&inputs, &mut context);
            let loss = loss.of(&logits, &labels);
            (loss, logits)
        })(&carried.model);
        let gradients = match clip_norm {
            Some(maximum) => clip_by_global_norm(gradients, maximum).0,
            None => gradients,
        };
        let model = context.apply(carried.model);
        let (model, optimiser) = carried.optimiser.update(model, &gradients);
        let steps = carried.steps + 1;
        let newly_bad = loss.is_finite().logical_not().logical_and(&carried.first_bad.equal(0));
        let items = labels.elements() as f64;
        Carried {
            model,
            optimiser,
            key,
            loss: carried.loss + loss.cast(DType::F64) * items,
            correct: carried.correct + logits.argmax(-1).equal(&labels).cast(DType::F64).sum(..),
            items: carried.items + items,
            first_bad: newly_bad.select(&steps, carried.first_bad),
            steps,
        }
    }
}
