//! The categorical distribution.

use bolete_tensor::{DType, Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{joined, together, within};

/// One of some classes, with probabilities softmax(logits).
#[derive(Clone, Debug, Tree)]
pub struct Categorical {
    /// Unnormalised log-probabilities `[batch…, classes]`.
    pub logits: Tensor,
}

impl Categorical {
    /// From unnormalised log-probabilities `[batch…, classes]`; −∞ for what never happens.
    ///
    /// # Panics
    /// If there is no axis of classes or it is empty.
    #[track_caller]
    pub fn new(logits: &Tensor) -> Categorical {
        assert!(
            logits.shape().last().is_some_and(|classes| *classes > 0),
            "Categorical: expected logits […, classes], found {}",
            logits.shape()
        );
        let [logits] = together("Categorical", [logits]);
        Categorical { logits }
    }

    /// From probabilities `[batch…, classes]`, which need not sum to 1.
    ///
    /// # Panics
    /// If there is no axis of classes or it is empty.
    #[track_caller]
    pub fn from_probabilities(probabilities: &Tensor) -> Categorical {
        Categorical::new(&probabilities.cast(probabilities.dtype().to_float()).log())
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.logits.shape()[self.logits.rank() - 1]
    }

    /// Probabilities `[batch…, classes]`.
    pub fn probabilities(&self) -> Tensor {
        self.logits.softmax(-1)
    }

    fn class_numbers(&self) -> Tensor {
        Tensor::arange(self.classes(), self.logits.dtype())
    }

    /// The sum over classes of probability times what `of` makes of the log-probability, 0 for what never happens.
    pub(crate) fn expectation(&self, of: impl Fn(&Tensor) -> Tensor) -> Tensor {
        let log = self.logits.log_softmax(-1);
        let happens = log.greater(f64::NEG_INFINITY);
        let terms = log.exp() * of(&happens.select(&log, 0.0));
        happens.select(terms, 0.0).sum(-1)
    }
}

impl Distribution for Categorical {
    fn batch_shape(&self) -> Shape {
        self.logits.shape()[..self.logits.rank() - 1].into()
    }
    fn is_reparameterised(&self) -> bool {
        false
    }
    /// Class numbers as `i64`.
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        key.categorical(&self.logits.broadcast_to(joined(shape, self.logits.shape())))
    }
    /// For class numbers, integers; −∞ for others.
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let batch = self.batch_shape();
        let shape = value.shape().broadcast(&batch).unwrap_or_else(|| {
            panic!("Categorical: values {} do not go with a batch of {batch}", value.shape())
        });
        let value = value.cast(DType::I64).broadcast_to(&shape);
        let inside = value.greater_equal(0).logical_and(&value.less(self.classes()));
        let index = inside.select(&value, 0).unsqueeze(-1);
        let log = self.logits.log_softmax(-1).broadcast_to(joined(&shape, &[self.classes()].into()));
        within(&inside, &log.gather(-1, &index).squeeze(-1), f64::NEG_INFINITY)
    }
    /// The mean class number.
    fn mean(&self) -> Tensor {
        (self.probabilities() * self.class_numbers()).sum(-1)
    }
    /// The variance of the class number.
    fn variance(&self) -> Tensor {
        let distance = self.class_numbers() - self.mean().unsqueeze(-1);
        (self.probabilities() * distance.square()).sum(-1)
    }
    fn entropy(&self) -> Option<Tensor> {
        Some(self.expectation(Tensor::neg))
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let below = self.class_numbers().less_equal(value.unsqueeze(-1));
        Some(below.select(self.probabilities(), 0.0).sum(-1))
    }
}
