//! Losses for numbers: distances, and likelihoods of Gaussians and their mixtures.

use std::f64::consts::{LN_2, TAU};

use bolete_tensor::Tensor;

use super::assert_alike;

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

/// Mean over all elements of |prediction − target|. Any shape.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn mean_absolute_error(prediction: &Tensor, target: &Tensor) -> Tensor {
    assert_alike("mean_absolute_error", prediction, target);
    (prediction - target).abs().mean(..)
}

/// Mean over all elements of the loss of Huber 1964: e²/2 where |e| ≤ δ, δ(|e| − δ/2) beyond. Any shape.
///
/// # Panics
/// If the shapes differ or δ is not positive.
#[track_caller]
pub fn huber(prediction: &Tensor, target: &Tensor, delta: f64) -> Tensor {
    assert_alike("huber", prediction, target);
    assert!(delta > 0.0, "huber: delta {delta} must be positive");
    let error = (prediction - target).abs();
    // min(e, δ) (e − min(e, δ)/2): both branches without a choice.
    let near = error.minimum(delta);
    (&near * (error - &near * 0.5)).mean(..)
}

/// [`huber`] divided by its δ, here β: |e| − β/2 beyond β, so that the slope far away is 1 (Girshick 2015). With β = 0
/// this is [`mean_absolute_error`].
///
/// # Panics
/// If the shapes differ or β is negative.
#[track_caller]
pub fn smooth_l1(prediction: &Tensor, target: &Tensor, beta: f64) -> Tensor {
    if beta == 0.0 { mean_absolute_error(prediction, target) } else { huber(prediction, target, beta) / beta }
}

/// Mean over all elements of ln cosh(prediction − target): e²/2 near zero, |e| − ln 2 far away, smooth everywhere.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn log_cosh(prediction: &Tensor, target: &Tensor) -> Tensor {
    assert_alike("log_cosh", prediction, target);
    let error = prediction - target;
    (&error + (&error * -2.0).softplus() - LN_2).mean(..)
}

/// The pinball loss, whose minimum is the `quantile` of the target (Koenker, Bassett 1978): mean over all elements of
/// q·e for e = target − prediction ≥ 0 and (q − 1)·e below.
///
/// # Panics
/// If the shapes differ or the quantile is not in (0, 1).
#[track_caller]
pub fn pinball(prediction: &Tensor, target: &Tensor, quantile: f64) -> Tensor {
    assert_alike("pinball", prediction, target);
    assert!(quantile > 0.0 && quantile < 1.0, "pinball: the quantile {quantile} is not in (0, 1)");
    let error = target - prediction;
    (&error * quantile).maximum(&error * (quantile - 1.0)).mean(..)
}

/// Mean over all elements of −ln N(target; mean, variance), in nats, the constant ½ ln 2π included. Predict the logarithm
/// of the variance rather than the variance (Nix, Weigend 1994; Kendall, Gal 2017). Any shape.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn gaussian_negative_log_likelihood(mean: &Tensor, log_variance: &Tensor, target: &Tensor) -> Tensor {
    assert_alike("gaussian_negative_log_likelihood", mean, target);
    assert_alike("gaussian_negative_log_likelihood", log_variance, target);
    let square = (target - mean).square() * (-log_variance).exp();
    (square + log_variance).mean(..) * 0.5 + 0.5 * TAU.ln()
}

/// Mean over all items of −ln Σₖ πₖ N(target; meanₖ, scaleₖ²), the loss of a mixture density network (Bishop 1994), in
/// nats: `logits` `[…, components]` of the weights π, `mean` and `log_scale` `[…, components]`, `target` `[…]`. For
/// vectors with independent coordinates, `mean` and `log_scale` are `[…, components, coordinates]` and `target`
/// `[…, coordinates]`.
///
/// # Panics
/// If the shapes do not go together.
#[track_caller]
pub fn mixture_negative_log_likelihood(
    logits: &Tensor,
    mean: &Tensor,
    log_scale: &Tensor,
    target: &Tensor,
) -> Tensor {
    assert_alike("mixture_negative_log_likelihood", log_scale, mean);
    let vectors = mean.rank() == logits.rank() + 1;
    let components = logits.rank().saturating_sub(1);
    let expected = mean.shape().iter().enumerate().filter(|(axis, _)| *axis != components);
    assert!(
        logits.rank() > 0
            && mean.rank() >= logits.rank()
            && (vectors || mean.rank() == logits.rank())
            && mean.shape()[..logits.rank()] == **logits.shape()
            && expected.map(|(_, length)| *length).eq(target.shape().iter().copied()),
        "mixture_negative_log_likelihood: logits {}, means {} and target {} do not go together; expected logits \
         […, components], means […, components] or […, components, coordinates], and the target without the components",
        logits.shape(),
        mean.shape(),
        target.shape()
    );
    let target = target.unsqueeze(components as isize);
    let square = ((target - mean) * (-log_scale).exp()).square();
    let density = (square + TAU.ln()) * -0.5 - log_scale;
    let density = if vectors { density.sum(-1) } else { density };
    -(logits.log_softmax(-1) + density).logsumexp(-1).mean(..)
}
