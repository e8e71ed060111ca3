//! Losses of adversarial networks: for the critic, which tells real from generated, and for the generator. All take the
//! critic's scores as logits of any shape.

use bolete_tensor::{DType, Key, Tensor, grad};

/// The loss of Goodfellow et al. 2014 for the critic: −ln σ(real) − ln(1 − σ(generated)), means.
#[track_caller]
pub fn critic_logistic(real: &Tensor, generated: &Tensor) -> Tensor {
    (-real).softplus().mean(..) + generated.softplus().mean(..)
}

/// The generator's loss to go with [`critic_logistic`] in the form that does not saturate: −ln σ(generated), mean.
#[track_caller]
pub fn generator_logistic(generated: &Tensor) -> Tensor {
    (-generated).softplus().mean(..)
}

/// The hinge loss for the critic (Lim, Ye 2017): max(0, 1 − real) + max(0, 1 + generated), means. The generator's is
/// [`generator_wasserstein`].
#[track_caller]
pub fn critic_hinge(real: &Tensor, generated: &Tensor) -> Tensor {
    (1.0 - real).relu().mean(..) + (generated + 1.0).relu().mean(..)
}

/// The squares of Mao et al. 2017 for the critic: ½ (real − 1)² + ½ generated², means.
#[track_caller]
pub fn critic_least_squares(real: &Tensor, generated: &Tensor) -> Tensor {
    ((real - 1.0).square().mean(..) + generated.square().mean(..)) * 0.5
}

/// The generator's loss to go with [`critic_least_squares`]: ½ (generated − 1)², mean.
#[track_caller]
pub fn generator_least_squares(generated: &Tensor) -> Tensor {
    (generated - 1.0).square().mean(..) * 0.5
}

/// The negative estimate of the distance of Wasserstein (Arjovsky et al. 2017), to be made small by the critic: mean of
/// generated − mean of real. The critic must be kept from growing steep: [`gradient_penalty`], clipping, or spectral
/// normalisation.
#[track_caller]
pub fn critic_wasserstein(real: &Tensor, generated: &Tensor) -> Tensor {
    generated.mean(..) - real.mean(..)
}

/// The generator's loss to go with [`critic_wasserstein`] and [`critic_hinge`]: −mean of generated.
#[track_caller]
pub fn generator_wasserstein(generated: &Tensor) -> Tensor {
    -generated.mean(..)
}

/// The penalty of Gulrajani et al. 2017: mean over items of (|∇ critic(x)| − 1)² at random points x between each real and
/// each generated item, `[batch, …]`. Differentiate it in the critic (a second derivative), weighted by 10 in the paper.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn gradient_penalty(
    critic: impl Fn(&Tensor) -> Tensor,
    real: &Tensor,
    generated: &Tensor,
    key: &Key,
) -> Tensor {
    super::assert_alike("gradient_penalty", generated, real);
    let mut shape = vec![1; real.rank()];
    shape[0] = real.shape()[0];
    let between = key.uniform(shape, DType::F32).cast(real.dtype());
    let square = squared_slopes(critic, &generated.lerp(real, between));
    // A slope of exactly zero has no direction; it is held as far as its derivative goes.
    let exists = square.greater(0.0);
    let length = exists.select(exists.select(&square, 1.0).sqrt(), square.zeros_like());
    (length - 1.0).square().mean(..)
}

/// The penalty R1 of Mescheder et al. 2018: mean over items of |∇ critic(x)|² at the real items `[batch, …]`. The paper
/// weighs it by γ/2; called with generated items it is R2.
#[track_caller]
pub fn zero_centred_penalty(critic: impl Fn(&Tensor) -> Tensor, items: &Tensor) -> Tensor {
    squared_slopes(critic, items).mean(..)
}

/// |∇ critic|² of each item. The critic must treat items on their own (no batch statistics).
fn squared_slopes(critic: impl Fn(&Tensor) -> Tensor, items: &Tensor) -> Tensor {
    let slopes = grad(|items: &Tensor| critic(items).sum(..))(items);
    let count = slopes.shape()[0];
    let per_item = slopes.elements().checked_div(count).unwrap_or(0);
    slopes.reshape([count, per_item]).square().sum(-1)
}
