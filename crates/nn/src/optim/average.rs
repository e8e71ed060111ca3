//! Averages of a model over the course of training, which often do better than its last state.

use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Tensor, Tree};

/// A running average of all floating-point leaves of a model; other leaves are those of the last model.
///
/// ```
/// use bolete_nn::{Averaging, ModelAverage};
/// use bolete_tensor::Tensor;
/// let average = ModelAverage::new(&Tensor::from(1.0f64), Averaging::Equal);
/// let average = average.update(&Tensor::from(2.0f64)).update(&Tensor::from(6.0f64));
/// assert!((average.model().item() - 3.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct ModelAverage<M> {
    model: M,
    updates: Tensor,
    averaging: Averaging,
}

/// How models are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub enum Averaging {
    /// Exponentially: a ← βa + (1 − β)m, with β at most (1 + n)/(10 + n) for the n-th update, so that the first models, which are
    /// the worst, are soon forgotten.
    Exponential {
        /// β, such as 0.999.
        decay: f64,
    },
    /// All alike: the average of Polyak and of stochastic weight averaging (Izmailov et al. 2018).
    Equal,
}

impl<M: Tree> ModelAverage<M> {
    /// The average of one model, itself.
    pub fn new(model: &M, averaging: Averaging) -> ModelAverage<M> {
        ModelAverage { model: model.map(Tensor::clone), updates: Tensor::scalar(0.0, DType::I64), averaging }
    }

    /// With one more model.
    ///
    /// # Panics
    /// If the model has another form.
    #[track_caller]
    pub fn update(self, model: &M) -> ModelAverage<M> {
        let updates = self.updates + 1;
        let number = updates.cast(DType::F64);
        let weight = match self.averaging {
            Averaging::Exponential { decay } => 1.0 - ((&number + 1.0) / (&number + 10.0)).minimum(decay),
            Averaging::Equal => (number + 1.0).reciprocal(),
        };
        let mut now = model.leaves().into_iter();
        let model = self.model.map(|average| {
            let now = now.next().expect("the model has the form of the average");
            if average.dtype().is_float() { average.lerp(now, weight.cast(average.dtype())) } else { now }
        });
        ModelAverage { model, updates, averaging: self.averaging }
    }

    /// The average.
    pub fn model(&self) -> &M {
        &self.model
    }
}
