//! What is measured of a state on a data set.

use std::collections::BTreeMap;
use std::ops::Index;
use std::sync::Arc;

use bolete_data::DataError;
use bolete_nn::Context;
use bolete_tensor::{Key, Step, Tensor};

use crate::learner::Measures;
use crate::{Calibration, Confusion, Learner, Place, Source};

/// What was found on a data set, by name.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// Means over all items.
    pub means: BTreeMap<String, f64>,
    /// Rows of all batches, joined in order.
    pub collected: BTreeMap<String, Tensor>,
}

impl Evaluation {
    /// Which class was taken for which, where probabilities and labels were collected.
    pub fn confusion(&self) -> Option<Confusion> {
        let (probabilities, labels) = (self.collected.get("probabilities")?, self.collected.get("labels")?);
        let mut confusion = Confusion::new(*probabilities.shape().last()?);
        confusion.add_batch(labels, &probabilities.argmax(-1));
        Some(confusion)
    }

    /// How far confidence can be trusted, in ten bins, where probabilities and labels were collected.
    pub fn calibration(&self) -> Option<Calibration> {
        let mut calibration = Calibration::new(10);
        calibration.add_batch(self.collected.get("probabilities")?, self.collected.get("labels")?);
        Some(calibration)
    }
}

impl Index<&str> for Evaluation {
    type Output = f64;

    /// The mean of this name.
    ///
    /// # Panics
    /// If nothing of that name was measured.
    fn index(&self, name: &str) -> &f64 {
        self.means.get(name).unwrap_or_else(|| {
            let known: Vec<&str> = self.means.keys().map(String::as_str).collect();
            panic!("Evaluation: nothing was measured as `{name}`; there are {}", known.join(", "))
        })
    }
}

/// Evaluates states of one learner. The measuring is planned for the first batch and replayed for all further ones, also
/// of further calls; a last batch of fewer items is planned on its own.
pub struct Evaluator<L: Learner> {
    step: Step<'static, (L::State, L::Batch, Key), Measures>,
    seed: u64,
}

/// Sets the randomness of evaluation apart.
const EVALUATION: u64 = u64::from_be_bytes(*b"EVALUATE");

impl<L: Learner> Evaluator<L> {
    /// For states of this learner. Models that are random by nature draw from `seed`, the same at every evaluation.
    pub fn new(learner: Arc<L>, seed: u64) -> Evaluator<L> {
        let step = Step::new(move |(state, batch, key): (L::State, L::Batch, Key)| {
            let mut measures = Measures::default();
            learner.evaluate(&state, &batch, &mut Context::evaluation_with(key), &mut measures);
            measures
        });
        Evaluator { step, seed: seed ^ EVALUATION }
    }

    /// Goes once over the data.
    ///
    /// # Errors
    /// Whatever keeps a batch from being made; [`DataError::Invalid`] for a data set without items.
    pub fn evaluate(
        &mut self,
        state: &L::State,
        data: &dyn Source<Batch = L::Batch>,
    ) -> Result<Evaluation, DataError> {
        let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        let mut rows: BTreeMap<String, Vec<Tensor>> = BTreeMap::new();
        let mut key = Key::new(self.seed);
        for batch in data.epoch_from(0, &Place::default())? {
            let [next, own] = key.split();
            key = next;
            let (means, collected) = self.step.call((state.clone(), batch?, own)).into_parts();
            for (name, sum) in means {
                let all = sums.entry(name).or_default();
                all.0 += sum.total.item();
                all.1 += sum.weight.item();
            }
            for (name, more) in collected {
                rows.entry(name).or_default().push(more);
            }
        }
        if sums.is_empty() && rows.is_empty() {
            return Err(DataError::Invalid { expected: "at least one item".into(), found: "none".into() });
        }
        let mean = |(name, (total, weight)): (String, (f64, f64))| (name, total / weight);
        let join = |(name, rows): (String, Vec<Tensor>)| (name, Tensor::concatenate(&rows, 0));
        Ok(Evaluation {
            means: sums.into_iter().map(mean).collect(),
            collected: rows.into_iter().map(join).collect(),
        })
    }
}
