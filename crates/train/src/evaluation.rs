//! How good a classifier is on a data set.

use bolete_data::{DataError, Dataset, ImageBatch, Loader};
use bolete_nn::{Context, Module};
use bolete_tensor::{Step, Tensor};

use crate::{Confusion, Mean, Metric};

/// A batch of inputs with a class each.
pub trait LabelledBatch {
    /// The inputs `[batch, …]` and the classes `[batch]` as `i64`.
    fn into_tensors(self) -> (Tensor, Tensor);
}

impl LabelledBatch for ImageBatch {
    /// Images `[batch, channels, height, width]` as `f32`.
    fn into_tensors(self) -> (Tensor, Tensor) {
        let shape = [self.batch, self.channels, self.height, self.width];
        (Tensor::from_vec(self.images, shape), Tensor::from_vec(self.labels, [self.batch]))
    }
}

/// What was found on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Part of the items whose class was found, from 0 to 1.
    pub accuracy: f64,
    /// Which class was taken for which.
    pub confusion: Confusion,
}

/// Evaluates models of one kind. The forward pass is planned for the first batch and replayed for all further ones,
/// also of further calls.
pub struct Evaluator<M> {
    step: Step<'static, (M, Tensor, Tensor), Judged>,
}

/// Sum of the losses, predicted classes, and number of classes, which is known from the shape of the logits.
type Judged = (Tensor, Tensor, usize);

impl<M: Module + Clone + 'static> Default for Evaluator<M> {
    fn default() -> Evaluator<M> {
        Evaluator::new()
    }
}

impl<M: Module + Clone + 'static> Evaluator<M> {
    /// For models that map inputs to one logit per class.
    pub fn new() -> Evaluator<M> {
        let step = Step::new(|(model, inputs, labels): (M, Tensor, Tensor)| {
            let logits = model.forward(&inputs, &mut Context::evaluation());
            (logits.cross_entropy(&labels).sum(..), logits.argmax(-1), logits.shape()[logits.rank() - 1])
        });
        Evaluator { step }
    }

    /// Goes once over the data. The order does not matter; a last batch of fewer items is planned on its own.
    ///
    /// # Errors
    /// Whatever keeps a batch from being made; [`DataError::Invalid`] for a data set without items.
    pub fn evaluate<D>(&mut self, model: &M, data: &Loader<D>) -> Result<Evaluation, DataError>
    where
        D: Dataset + 'static,
        D::Batch: LabelledBatch + 'static,
    {
        let (mut loss, mut confusion) = (Mean::default(), None);
        for batch in data.epoch(0)? {
            let (inputs, labels) = batch?.into_tensors();
            let actual = labels.to_vec::<i64>();
            let (sum, predicted, classes) = self.step.call((model.clone(), inputs, labels));
            let count = actual.len().max(1) as f64;
            loss.add(sum.item() / count, count);
            let confusion = confusion.get_or_insert_with(|| Confusion::new(classes));
            for (actual, predicted) in actual.into_iter().zip(predicted.to_vec::<i64>()) {
                confusion.add(actual as usize, predicted as usize);
            }
        }
        let seen = confusion.and_then(|confusion| Some((loss.value()?, confusion.accuracy()?, confusion)));
        match seen {
            Some((loss, accuracy, confusion)) => Ok(Evaluation { loss, accuracy, confusion }),
            None => Err(DataError::Invalid { expected: "at least one item".into(), found: "none".into() }),
        }
    }
}
