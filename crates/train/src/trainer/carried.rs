//! The step as a function of trees: what goes in and comes out changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bolete_tensor::{DType, Key, Tensor, Tree};

use crate::learner::{Learner, Moment, Sum};

/// All that a step changes.
#[derive(Clone, Tree)]
pub(super) struct Carried<S> {
    pub core: Core<S>,
    /// Sums since they were last taken, by name.
    sums: BTreeMap<String, Sum>,
}

/// What a checkpoint holds as tensors; the sums stand beside it, since their names are known only once a step was
/// recorded.
#[derive(Clone, Tree)]
pub(super) struct Core<S> {
    pub state: S,
    key: Key,
    /// Number of batches, and the first of them (from 1) whose loss was not finite, 0 if there was none.
    batches: Tensor,
    first_bad: Tensor,
}

/// Total and weight by name.
pub(super) type Totals = BTreeMap<String, (f64, f64)>;

/// Sets the randomness of training apart from that of first weights, which are often drawn from the same seed.
const TRAINING: u64 = u64::from_be_bytes(*b"TRAINING");

fn zero() -> Sum {
    Sum { total: Tensor::scalar(0.0, DType::F64), weight: Tensor::scalar(0.0, DType::F64) }
}

impl<S: Tree> Carried<S> {
    pub fn new(state: S, seed: u64) -> Carried<S> {
        let count = || Tensor::scalar(0.0, DType::I64);
        let core = Core { state, key: Key::new(seed ^ TRAINING), batches: count(), first_bad: count() };
        Carried { core, sums: BTreeMap::new() }
    }

    /// What a checkpoint held.
    pub fn restored(core: Core<S>, totals: &Totals) -> Carried<S> {
        let number = |value: f64| Tensor::scalar(value, DType::F64);
        let sum = |(name, (total, weight)): (&String, &(f64, f64))| {
            (name.clone(), Sum { total: number(*total), weight: number(*weight) })
        };
        Carried { core, sums: totals.iter().map(sum).collect() }
    }

    /// The sums so far.
    pub fn totals(&self) -> Totals {
        self.sums.iter().map(|(name, sum)| (name.clone(), (sum.total.item(), sum.weight.item()))).collect()
    }

    /// Makes room for what is measured, so that the first step has the form of all others. The step is recorded to see
    /// the names, and forgotten: nothing is computed.
    pub fn expect_measures<L: Learner<State = S>>(&mut self, learner: &L, batch: &L::Batch)
    where
        S: Clone,
    {
        let mut moment = Moment::new(Tensor::scalar(1.0, DType::F64), self.core.key.clone(), true);
        learner.step(self.core.state.clone(), batch.clone(), &mut moment);
        let (means, _) = moment.into_measures().into_parts();
        for name in means.into_keys() {
            self.sums.entry(name).or_insert_with(zero);
        }
    }

    /// The sums so far, which start again from zero.
    pub fn take_totals(&mut self) -> Totals {
        let totals = self.totals();
        self.sums.values_mut().for_each(|sum| *sum = zero());
        totals
    }

    /// The first batch whose loss was not finite, from 1.
    pub fn first_bad(&self) -> Option<u64> {
        Some(self.core.first_bad.item() as u64).filter(|batch| *batch > 0)
    }
}

/// What goes into a step: what it changes, a batch, the factor of the learning rate.
pub(super) type Given<L> = (Carried<<L as Learner>::State>, <L as Learner>::Batch, Tensor);

/// One batch: the learner's step, and the sums.
pub(super) fn step_of<L: Learner>(
    learner: Arc<L>,
    is_update: bool,
) -> impl Fn(Given<L>) -> Carried<L::State> + 'static {
    move |(carried, batch, factor)| {
        let Core { state, key, batches, mut first_bad } = carried.core;
        let [key, own] = key.split();
        let mut moment = Moment::new(factor, own, is_update);
        let state = learner.step(state, batch, &mut moment);
        let (mut means, _) = moment.into_measures().into_parts();
        let batches = batches + 1;
        for (_, sum) in means.iter().filter(|(name, _)| name.ends_with("loss")) {
            let newly_bad = sum.total.is_finite().logical_not().logical_and(&first_bad.equal(0));
            first_bad = newly_bad.select(&batches, first_bad);
        }
        let add = |(name, before): (String, Sum)| {
            let sum = match means.remove(&name) {
                Some(more) => Sum { total: before.total + more.total, weight: before.weight + more.weight },
                None => before,
            };
            (name, sum)
        };
        let sums = carried.sums.into_iter().map(add).collect();
        Carried { core: Core { state, key, batches, first_bad }, sums }
    }
}
