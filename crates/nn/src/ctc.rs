//! The loss of connectionist temporal classification.

use bolete_tensor::Tensor;

/// Connectionist temporal classification (Graves et al. 2006): the negative log likelihood of a labelling, summed over
/// all its alignments with the steps of an input.
///
/// Log probabilities are `[steps, batch, classes]`, such as of `log_softmax(-1)`; targets are labels, integers
/// `[batch, most]`, of which the first `target_lengths` `[batch]` of each row count; `input_lengths` `[batch]` are the
/// steps of each sequence.
///
/// ```
/// use bolete_nn::CtcLoss;
/// use bolete_tensor::{DType, Tensor};
/// // One step, four classes all alike, one label: it has probability 1/4.
/// let log_probabilities = Tensor::zeros([1, 1, 4], DType::F32).log_softmax(-1);
/// let one = Tensor::from([1i64]);
/// let loss = CtcLoss::default().mean(&log_probabilities, &Tensor::from([[2i64]]), &one, &one);
/// assert!((loss.item() - 4f64.ln()).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CtcLoss {
    /// The class that stands for no label.
    pub blank: usize,
    /// Whether the loss of a labelling that has no alignment, being too long for its input, is zero instead of
    /// infinite. Its gradient is zero either way.
    pub zero_infinity: bool,
}

impl CtcLoss {
    /// The loss of each sequence, `[batch]`.
    ///
    /// # Panics
    /// If the shapes do not fit; when the result is computed, if a length or a label does not exist or a label is the
    /// blank.
    #[track_caller]
    pub fn per_sequence(
        &self,
        log_probabilities: &Tensor,
        targets: &Tensor,
        input_lengths: &Tensor,
        target_lengths: &Tensor,
    ) -> Tensor {
        let losses = log_probabilities.ctc_loss(targets, input_lengths, target_lengths, self.blank);
        if self.zero_infinity { losses.is_infinite().select(losses.zeros_like(), losses) } else { losses }
    }

    /// The sum of the losses of all sequences.
    ///
    /// # Panics
    /// As [`per_sequence`](CtcLoss::per_sequence).
    #[track_caller]
    pub fn sum(
        &self,
        log_probabilities: &Tensor,
        targets: &Tensor,
        input_lengths: &Tensor,
        target_lengths: &Tensor,
    ) -> Tensor {
        self.per_sequence(log_probabilities, targets, input_lengths, target_lengths).sum(..)
    }

    /// The mean over all sequences of the loss per label, as in PyTorch; an empty target counts as one label.
    ///
    /// # Panics
    /// As [`per_sequence`](CtcLoss::per_sequence).
    #[track_caller]
    pub fn mean(
        &self,
        log_probabilities: &Tensor,
        targets: &Tensor,
        input_lengths: &Tensor,
        target_lengths: &Tensor,
    ) -> Tensor {
        let losses = self.per_sequence(log_probabilities, targets, input_lengths, target_lengths);
        let labels = target_lengths.maximum(1).cast(losses.dtype());
        (losses / labels).mean(..)
    }
}
