//! Cross-entropy between logits and class indices.

use crate::{CustomOp, DType, Metadata, Tensor, custom};

/// ln Σ eˣ − x[label] for each row.
#[derive(Debug)]
struct CrossEntropy;

impl CustomOp for CrossEntropy {
    fn name(&self) -> &str {
        "cross_entropy"
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![Metadata { shape: inputs[1].shape.clone(), dtype: inputs[0].dtype }]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let (logits, labels) = (&inputs[0], &inputs[1]);
        let classes = logits.shape()[logits.rank() - 1];
        let centred = logits - logits.max_keepdim(-1).stop_gradient();
        // A sum with one term instead of an indexed read keeps the whole row in one pass.
        let zero = Tensor::constant(0.0, logits.dtype());
        let chosen = labels.one_hot(classes, DType::Bool).select(&centred, zero).sum(-1);
        Some(vec![centred.exp().sum(-1).log() - chosen])
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (logits, labels) = (&inputs[0], &inputs[1]);
        let classes = logits.shape()[logits.rank() - 1];
        let difference = logits.softmax(-1) - labels.one_hot(classes, logits.dtype());
        Some(vec![Some(difference * cotangents[0].as_ref()?.unsqueeze(-1)), None])
    }
}

impl Tensor {
    /// Cross-entropy of logits `[…, classes]` with class indices `[…]`, one number per row, unreduced:
    /// `−ln softmax(logits)[label]`. A label outside of the classes gives the entropy of no class at all, ln Σ eˣ
    /// relative to the largest logit: labels from outside must be checked where they come in.
    ///
    /// # Panics
    /// If the shape of the labels is not that of the logits without the last axis, or they are not integers.
    #[track_caller]
    pub fn cross_entropy(&self, labels: &Tensor) -> Tensor {
        assert!(
            self.rank() == labels.rank() + 1 && self.shape()[..labels.rank()] == **labels.shape(),
            "cross_entropy: logits {} need labels of shape {}, not {}",
            self.shape(),
            crate::Shape::from(&self.shape()[..self.rank().saturating_sub(1)]),
            labels.shape()
        );
        assert!(
            labels.dtype().is_integer(),
            "cross_entropy: labels must be class indices, but they are {}; for probabilities use \
             -(p * log_softmax(logits)).sum(-1)",
            labels.dtype()
        );
        assert!(self.shape()[labels.rank()] > 0, "cross_entropy: logits {} have no classes", self.shape());
        let logits = self.cast(self.dtype().to_float());
        if logits.elements() == 0 {
            return Tensor::zeros(labels.shape(), logits.dtype());
        }
        custom(CrossEntropy, &[logits, labels.cast(DType::I64)]).remove(0)
    }
}
