//! Losses for classes and for yes or no.

use bolete_tensor::Tensor;

use super::{Reduction, assert_alike};

/// Mean over all rows of −ln softmax(logits)\[label\], in nats: logits `[…, classes]`, labels `[…]` of integers. What
/// a network does without knowing anything is ln(classes).
///
/// ```
/// use bolete_nn::cross_entropy;
/// use bolete_tensor::{DType, Tensor};
/// let loss = cross_entropy(&Tensor::zeros([5, 10], DType::F64), &Tensor::from([3i64, 1, 4, 1, 5]));
/// assert!((loss.item() - 10f64.ln()).abs() < 1e-12);
/// ```
///
/// A label outside of the classes is not noticed here; check data where they come in.
///
/// # Panics
/// If the shapes do not go together or the labels are not integers.
#[track_caller]
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.cross_entropy(labels).mean(..)
}

/// Cross-entropy with all its options. The default is [`cross_entropy`].
///
/// ```
/// use bolete_nn::loss::classification::CrossEntropy;
/// use bolete_tensor::Tensor;
/// let loss = CrossEntropy { ignore: Some(-1), smoothing: 0.1, ..CrossEntropy::default() };
/// let logits = Tensor::from([[2.0f32, 0.0], [0.0, 2.0], [9.0, 9.0]]);
/// assert!((loss.of(&logits, &Tensor::from([0i64, 1, -1])).item() - 0.22693).abs() < 1e-5);
/// ```
#[derive(Clone, Debug, Default)]
pub struct CrossEntropy {
    /// The part of the probability that is spread evenly over all classes (Szegedy et al. 2016, section 7).
    pub smoothing: f64,
    /// A label whose rows count nothing.
    pub ignore: Option<i64>,
    /// A weight per class, `[classes]`. The mean divides by the sum of the weights of the labels.
    pub class_weights: Option<Tensor>,
    /// What becomes of the rows.
    pub reduction: Reduction,
}

impl CrossEntropy {
    /// The loss of logits `[…, classes]` for labels `[…]` of integers.
    ///
    /// # Panics
    /// If the shapes do not go together, the labels are not integers or the smoothing is not in [0, 1].
    #[track_caller]
    pub fn of(&self, logits: &Tensor, labels: &Tensor) -> Tensor {
        let classes = self.check(logits);
        let valid = self.ignore.map(|ignored| labels.not_equal(ignored));
        let labels = match &valid {
            Some(valid) => valid.select(labels, labels.zeros_like()),
            None => labels.clone(),
        };
        let mut losses = logits.cross_entropy(&labels);
        let mut weights = losses.ones_like();
        if let Some(class_weights) = &self.class_weights {
            weights = class_weights.cast(losses.dtype()).take(&labels, 0);
            losses = losses * &weights;
        }
        if self.smoothing > 0.0 {
            let others = logits.log_softmax(-1);
            let weighted = match &self.class_weights {
                Some(class_weights) => others * class_weights.cast(losses.dtype()),
                None => others,
            };
            // The sum over classes is the cross-entropy with a uniform target.
            losses = losses * (1.0 - self.smoothing) - weighted.sum(-1) * (self.smoothing / classes as f64);
        }
        if let Some(valid) = valid {
            losses = valid.select(&losses, losses.zeros_like());
            weights = valid.select(&weights, weights.zeros_like());
        }
        self.reduction.apply_weighted(&losses, &weights)
    }

    /// The loss of logits `[…, classes]` for probabilities of the same shape, which need not be certain: soft labels,
    /// mixtures, the output of another network. The mean divides by the number of rows. Nothing is ignored.
    ///
    /// # Panics
    /// If the shapes differ or the smoothing is not in [0, 1].
    #[track_caller]
    pub fn of_probabilities(&self, logits: &Tensor, probabilities: &Tensor) -> Tensor {
        assert_alike("CrossEntropy", logits, probabilities);
        let classes = self.check(logits);
        let target = probabilities * (1.0 - self.smoothing) + self.smoothing / classes as f64;
        let mut information = logits.log_softmax(-1);
        if let Some(class_weights) = &self.class_weights {
            information = information * class_weights.cast(logits.dtype());
        }
        self.reduction.apply(&-(target * information).sum(-1))
    }

    /// The number of classes.
    #[track_caller]
    fn check(&self, logits: &Tensor) -> usize {
        assert!(
            (0.0..=1.0).contains(&self.smoothing),
            "CrossEntropy: smoothing {} is not in [0, 1]",
            self.smoothing
        );
        let classes = logits.shape().last().copied().unwrap_or(0);
        if let Some(weights) = &self.class_weights {
            assert!(
                **weights.shape() == [classes],
                "CrossEntropy: logits {} need class weights of shape [{classes}], not {}",
                logits.shape(),
                weights.shape()
            );
        }
        classes
    }
}

/// Mean over all elements of −(y ln p + (1 − y) ln(1 − p)), in nats, for probabilities p and targets y in [0, 1]. Any
/// shape. As in PyTorch a logarithm counts as −100 at the least, so that a confident mistake has a finite loss; its
/// derivative is zero there. Where p comes from a sigmoid, [`binary_cross_entropy_with_logits`] is more accurate.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn binary_cross_entropy(probability: &Tensor, target: &Tensor) -> Tensor {
    assert_alike("binary_cross_entropy", probability, target);
    let hit = bounded_log(probability, &probability.greater(0.0), Tensor::log);
    let miss = bounded_log(probability, &probability.less(1.0), |probability| (-probability).log1p());
    -(target * hit + (1.0 - target) * miss).mean(..)
}

/// `log` of a probability, but −100 where it is smaller or does not exist.
fn bounded_log(probability: &Tensor, exists: &Tensor, log: impl Fn(&Tensor) -> Tensor) -> Tensor {
    // Where it does not exist, that of ½ is taken and not used: zero times its infinite derivative would be NaN.
    exists.select(log(&exists.select(probability, 0.5)), -100.0).maximum(-100.0)
}

/// Mean over all elements of the binary cross-entropy with p = sigmoid(logit), in nats, accurate for logits of any size.
/// Any shape.
///
/// ```
/// use bolete_nn::binary_cross_entropy_with_logits;
/// use bolete_tensor::Tensor;
/// let loss = binary_cross_entropy_with_logits(&Tensor::from([-1000.0f32, 50.0]), &Tensor::from([1.0f32, 1.0]));
/// assert_eq!(loss.item(), 500.0);
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn binary_cross_entropy_with_logits(logits: &Tensor, target: &Tensor) -> Tensor {
    assert_alike("binary_cross_entropy_with_logits", logits, target);
    // −ln p = softplus(−x) and −ln(1 − p) = softplus(x); neither overflows, and a small loss keeps its digits.
    (target * (-logits).softplus() + (1.0 - target) * logits.softplus()).mean(..)
}

/// Binary cross-entropy of logits with all its options. The default is [`binary_cross_entropy_with_logits`].
#[derive(Clone, Debug, Default)]
pub struct BinaryCrossEntropy {
    /// Factors of the loss of positive targets, in a shape that broadcasts: above 1 they weigh recall, below 1 precision.
    pub positive_weight: Option<Tensor>,
    /// Factors of all losses, in a shape that broadcasts. The mean divides by the number of elements all the same.
    pub weight: Option<Tensor>,
    /// What becomes of the elements.
    pub reduction: Reduction,
}

impl BinaryCrossEntropy {
    /// The loss of logits for targets in [0, 1] of the same shape.
    ///
    /// # Panics
    /// If the shapes differ or a weight does not broadcast to them.
    #[track_caller]
    pub fn of(&self, logits: &Tensor, target: &Tensor) -> Tensor {
        assert_alike("BinaryCrossEntropy", logits, target);
        let hit = target * (-logits).softplus();
        let hit = match &self.positive_weight {
            Some(weight) => hit * weight,
            None => hit,
        };
        let losses = hit + (1.0 - target) * logits.softplus();
        let losses = match &self.weight {
            Some(weight) => losses * weight,
            None => losses,
        };
        assert_alike("BinaryCrossEntropy with weights", &losses, target);
        self.reduction.apply(&losses)
    }
}

/// The focal loss for yes or no (Lin et al. 2017): binary cross-entropy times (1 − p of the truth)^γ, which makes what is
/// easy count less, and times α for positives and 1 − α for negatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Focal {
    /// The balance of positives and negatives, in [0, 1]; `None` for none.
    pub alpha: Option<f64>,
    /// How much easy items are played down; 0 is plain cross-entropy.
    pub gamma: f64,
    /// What becomes of the elements.
    pub reduction: Reduction,
}

impl Default for Focal {
    /// α = 0.25, γ = 2, as in the paper.
    fn default() -> Focal {
        Focal { alpha: Some(0.25), gamma: 2.0, reduction: Reduction::Mean }
    }
}

impl Focal {
    /// The loss of logits for targets in [0, 1] of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn of(&self, logits: &Tensor, target: &Tensor) -> Tensor {
        assert_alike("Focal", logits, target);
        let cross_entropy = target * (-logits).softplus() + (1.0 - target) * logits.softplus();
        let probability = logits.sigmoid();
        let wrong = &probability + target - target * &probability * 2.0;
        let mut losses = cross_entropy * wrong.pow(self.gamma);
        if let Some(alpha) = self.alpha {
            losses = losses * (target * (2.0 * alpha - 1.0) + (1.0 - alpha));
        }
        self.reduction.apply(&losses)
    }
}

/// Mean over all elements of max(0, 1 − target · score), for targets −1 and 1: the loss of support vector machines. Any
/// shape.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn hinge(scores: &Tensor, target: &Tensor) -> Tensor {
    assert_alike("hinge", scores, target);
    (1.0 - target * scores).relu().mean(..)
}

/// Mean over rows of Σ over the wrong classes of max(0, margin − scoreₗ + scoreₖ) / classes, l being the label (Weston,
/// Watkins 1999): scores `[…, classes]`, labels `[…]` of integers.
///
/// # Panics
/// If the shapes do not go together.
#[track_caller]
pub fn multi_class_hinge(scores: &Tensor, labels: &Tensor, margin: f64) -> Tensor {
    assert!(
        scores.rank() == labels.rank() + 1 && scores.shape()[..labels.rank()] == **labels.shape(),
        "multi_class_hinge: scores {} and labels {} do not go together",
        scores.shape(),
        labels.shape()
    );
    let classes = scores.shape()[labels.rank()];
    let own = scores.gather(-1, &labels.unsqueeze(-1));
    let excess = (scores - own + margin).relu() * (1.0 - labels.one_hot(classes, scores.dtype()));
    excess.mean(-1).mean(..)
}

/// The part of rows whose largest score is not that of the label, to report rather than to differentiate: scores
/// `[…, classes]`, labels `[…]` of integers.
///
/// # Panics
/// If the shapes do not go together.
#[track_caller]
pub fn zero_one(scores: &Tensor, labels: &Tensor) -> Tensor {
    scores.argmax(-1).not_equal(labels).cast(scores.dtype()).mean(..)
}
