//! Losses: how wrong a batch of predictions is, as one number to differentiate. All are means over the batch.

use bolete_tensor::Tensor;

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

/// [`cross_entropy`] with targets that give probability 1 − `smoothing` to the label and spread `smoothing` evenly over
/// all classes (Szegedy et al. 2016, section 7).
///
/// # Panics
/// As [`cross_entropy`], and if `smoothing` is not in [0, 1].
#[track_caller]
pub fn cross_entropy_smoothed(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Tensor {
    assert!(
        (0.0..=1.0).contains(&smoothing),
        "cross_entropy_smoothed: smoothing {smoothing} is not in [0, 1]"
    );
    let of_labels = cross_entropy(logits, labels);
    // The mean over rows and classes is the cross-entropy with a uniform target.
    let of_uniform = -logits.log_softmax(-1).mean(..);
    of_labels * (1.0 - smoothing) + of_uniform * smoothing
}

/// Mean over all elements of (prediction − target)², in the squared unit of the two. Any shape.
///
/// ```
/// use bolete_nn::mean_squared_error;
/// use bolete_tensor::Tensor;
/// assert_eq!(mean_squared_error(&Tensor::from([1.0f32, 2.0]), &Tensor::from([1.0f32, 4.0])).item(), 2.0);
/// ```
///
/// # Panics
/// If the shapes differ. They are not broadcast: `[n, 1]` against `[n]` is a mistake, not a table of n² errors.
#[track_caller]
pub fn mean_squared_error(prediction: &Tensor, target: &Tensor) -> Tensor {
    assert_alike("mean_squared_error", prediction, target);
    (prediction - target).square().mean(..)
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

#[track_caller]
fn assert_alike(name: &str, prediction: &Tensor, target: &Tensor) {
    assert!(
        prediction.shape() == target.shape(),
        "{name}: prediction {} and target {} must have the same shape",
        prediction.shape(),
        target.shape()
    );
}
