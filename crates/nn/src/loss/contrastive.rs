//! Losses that pull what belongs together close and push all else apart.

use bolete_tensor::{DType, Tensor};

use super::assert_alike;
use super::classification::cross_entropy;

/// The cosine of the angle between vectors along the last axis, `[…, n]` and `[…, n]` to `[…]`; with a vector of zeros it
/// is 0.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn cosine_similarity(a: &Tensor, b: &Tensor) -> Tensor {
    assert_alike("cosine_similarity", a, b);
    (direction(a) * direction(b)).sum(-1)
}

/// The vectors along the last axis brought to length 1; zeros stay zeros, with a derivative of zero.
fn direction(x: &Tensor) -> Tensor {
    let square = x.square().sum_keepdim(-1);
    let exists = square.greater(0.0);
    x * exists.select(exists.select(&square, 1.0).rsqrt(), square.zeros_like())
}

/// Lengths of vectors along the last axis, with a derivative of zero at zero.
fn length(x: &Tensor) -> Tensor {
    let square = x.square().sum(-1);
    let exists = square.greater(0.0);
    exists.select(exists.select(&square, 1.0).sqrt(), square.zeros_like())
}

/// Mean over pairs of 1 − cosine where `together` is true and max(0, cosine − margin) where it is not: vectors `[…, n]`,
/// `together` `[…]` of booleans.
///
/// # Panics
/// If the shapes do not go together.
#[track_caller]
pub fn cosine_embedding(a: &Tensor, b: &Tensor, together: &Tensor, margin: f64) -> Tensor {
    let cosine = cosine_similarity(a, b);
    assert_alike("cosine_embedding", &cosine, together);
    together.select(1.0 - &cosine, (&cosine - margin).relu()).mean(..)
}

/// Mean over pairs of d² where `together` is true and max(0, margin − d)² where it is not, d being the distance of the
/// vectors `[…, n]` (Hadsell et al. 2006); `together` `[…]` of booleans.
///
/// # Panics
/// If the shapes do not go together.
#[track_caller]
pub fn contrastive_pairs(a: &Tensor, b: &Tensor, together: &Tensor, margin: f64) -> Tensor {
    assert_alike("contrastive_pairs", a, b);
    let distance = length(&(a - b));
    assert_alike("contrastive_pairs", &distance, together);
    together.select(distance.square(), (margin - &distance).relu().square()).mean(..)
}

/// Mean over triples of max(0, |anchor − positive| − |anchor − negative| + margin), vectors `[…, n]` (Schroff et al. 2015,
/// with distances instead of their squares).
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn triplet(anchor: &Tensor, positive: &Tensor, negative: &Tensor, margin: f64) -> Tensor {
    assert_alike("triplet", positive, anchor);
    assert_alike("triplet", negative, anchor);
    (length(&(anchor - positive)) - length(&(anchor - negative)) + margin).relu().mean(..)
}

/// The loss InfoNCE (van den Oord et al. 2018): row i of `queries` `[n, d]` is to find row i of `keys` `[n, d]` among all
/// rows by the cosine over `temperature`; the mean of the n cross-entropies, in nats. `temperature` is a single number, or
/// a learned tensor of one.
///
/// # Panics
/// If the shapes differ or are not matrices.
#[track_caller]
pub fn info_nce(queries: &Tensor, keys: &Tensor, temperature: &Tensor) -> Tensor {
    let (logits, labels) = similarities("info_nce", queries, keys, temperature);
    cross_entropy(&logits, &labels)
}

/// [`info_nce`] in both directions, averaged: the loss of CLIP (Radford et al. 2021, figure 3).
///
/// # Panics
/// As [`info_nce`].
#[track_caller]
pub fn clip(images: &Tensor, texts: &Tensor, temperature: &Tensor) -> Tensor {
    let (logits, labels) = similarities("clip", images, texts, temperature);
    (cross_entropy(&logits, &labels) + cross_entropy(&logits.t(), &labels)) * 0.5
}

/// The table of cosines over the temperature, and the labels of its diagonal.
#[track_caller]
fn similarities(name: &str, queries: &Tensor, keys: &Tensor, temperature: &Tensor) -> (Tensor, Tensor) {
    assert_alike(name, queries, keys);
    assert!(queries.rank() == 2, "{name}: vectors need the shape [n, d], but it is {}", queries.shape());
    let logits = direction(queries).matmul(&direction(keys).t()) / temperature;
    (logits, Tensor::arange(queries.shape()[0], DType::I64))
}
