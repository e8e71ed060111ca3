//! Divergences between distributions.

use bolete_tensor::Tensor;

use super::assert_alike;

/// Mean over rows of Σ over the last axis of p (ln p − ln q), in nats: the divergence of q, given as logarithms `[…, n]`,
/// from the target p `[…, n]`. Terms with p = 0 are 0.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn kl_divergence(log_q: &Tensor, p: &Tensor) -> Tensor {
    assert_alike("kl_divergence", log_q, p);
    let positive = p.greater(0.0);
    let information = positive.select(p, 1.0).log();
    positive.select(p * (information - log_q), p.zeros_like()).sum(-1).mean(..)
}

/// The divergence of Jensen and Shannon between two distributions given by logits `[…, n]`, the mean over rows in nats:
/// between 0 and ln 2.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn jensen_shannon(logits: &Tensor, others: &Tensor) -> Tensor {
    assert_alike("jensen_shannon", logits, others);
    let (log_p, log_q) = (logits.log_softmax(-1), others.log_softmax(-1));
    let middle = Tensor::stack(&[log_p.clone(), log_q.clone()], 0).logsumexp(0) - std::f64::consts::LN_2;
    let part = |own: &Tensor| (own.exp() * (own - &middle)).sum(-1);
    (part(&log_p) + part(&log_q)).mean(..) * 0.5
}

/// Mean over rows of KL(N(mean, variance) ‖ N(0, 1)) summed over the last axis, in nats: the second term of a variational
/// auto-encoder's loss (Kingma, Welling 2014, appendix B). `mean` and `log_variance` are `[…, n]`.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn kl_to_standard_normal(mean: &Tensor, log_variance: &Tensor) -> Tensor {
    assert_alike("kl_to_standard_normal", log_variance, mean);
    // eᵛ − 1 − v without losing the digits of a small v.
    let excess = log_variance.expm1() - log_variance;
    (mean.square() + excess).sum(-1).mean(..) * 0.5
}
