//! Attention softmax(s Q Kᵀ + bias) V in tiles, without the matrix of all weights (Dao, "FlashAttention-2", 2023).
//!
//! A task owns some rows of the result and goes over the keys block by block, and within a block over strips of as many
//! rows as the micro-kernel of the matrix product has. A strip's scores are products with the packed keys up to the last
//! one that any of its rows sees, so that little is computed that does not count (`strip.rs`); a running maximum and sum
//! per row turn them into weights (`softmax.rs`, `forward.rs`). The derivative computes the strips again from the stored
//! log-sum-exp of each row (`backward.rs`). A few queries alone, as in decoding, read keys and values where they lie.
//!
//! How the work is cut depends on the sizes alone, so results are the same bits on any number of threads.

mod backward;
mod bias;
mod forward;
pub mod oracle;
mod softmax;
mod strip;
#[cfg(test)]
mod tests;

pub use backward::{Gradients, backward};
pub use bias::bias_gradient;
pub use forward::forward;

use super::gemm::element::{GemmElement, Number};
use super::math::Float;
use std::ops::Range;

/// A type that attention is computed in.
pub trait AttentionElement: Float + GemmElement<Sum = Self> + Number + bytemuck::Pod {
    /// The nearest number of this type.
    fn of(value: f64) -> Self;
}

impl AttentionElement for f32 {
    fn of(value: f64) -> f32 {
        value as f32
    }
}
impl AttentionElement for f64 {
    fn of(value: f64) -> f64 {
        value
    }
}

/// Sizes and pattern of an attention. Heads of all examples are counted together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionShape {
    /// Query heads.
    pub heads: usize,
    /// Query heads that share a key head: query head `h` sees key head `h / group`.
    pub group: usize,
    /// Queries per head.
    pub queries: usize,
    /// Keys per head.
    pub keys: usize,
    /// Length of a query and of a key.
    pub width: usize,
    /// Length of a value.
    pub value_width: usize,
    /// Factor of the products.
    pub scale: f64,
    /// Whether a query sees only keys up to its own position, the last query being at the position of the last key.
    pub causal: bool,
    /// The number of positions from its own on, on either side, that a query sees.
    pub window: Option<usize>,
}

impl AttentionShape {
    /// The keys that a query may see. Both ends grow with the query.
    pub fn visible(&self, query: usize) -> Range<usize> {
        let position = query as isize + self.keys as isize - self.queries as isize;
        let within = |end: isize| end.clamp(0, self.keys as isize) as usize;
        let window = self.window.map(|window| isize::try_from(window).unwrap_or(isize::MAX));
        let start = window.map_or(0, |window| within(position.saturating_sub(window).saturating_add(1)));
        let end = match (self.causal, window) {
            (true, _) => within(position + 1),
            (false, Some(window)) => within(position.saturating_add(window)),
            (false, None) => self.keys,
        };
        start.min(end)..end
    }

    /// The keys that any of some consecutive queries may see.
    fn visible_to(&self, queries: &Range<usize>) -> Range<usize> {
        self.visible(queries.start).start..self.visible(queries.end - 1).end
    }
}

/// A matrix `[queries, keys]` for each head, of which axes may be stretched.
#[derive(Clone, Copy, Debug)]
pub struct Stretched<'a, V> {
    /// The numbers there are.
    pub values: &'a [V],
    /// Where the matrix of each head starts.
    pub starts: &'a [usize],
    /// From query to query; zero if all have the same.
    pub row: usize,
    /// From key to key; one, or zero if all have the same.
    pub column: usize,
}

/// What the scores are made of.
#[derive(Clone, Copy, Debug)]
pub struct Scores<'a, T> {
    /// The sizes.
    pub shape: AttentionShape,
    /// `[heads, queries, width]`.
    pub query: &'a [T],
    /// `[heads / group, keys, width]`.
    pub key: &'a [T],
    /// Added to the scores.
    pub bias: Option<Stretched<'a, T>>,
    /// Which scores count.
    pub mask: Option<Stretched<'a, bool>>,
}

/// What the derivative is made of besides the scores.
#[derive(Clone, Copy, Debug)]
pub struct Derivative<'a, T> {
    /// `[heads / group, keys, value_width]`.
    pub value: &'a [T],
    /// ln Σ exp(score) of each row, `[heads, queries]`, and 0 for a row that sees nothing.
    pub log_sum: &'a [T],
    /// Σ cotangent · output of each row, less the cotangent of the log-sum, `[heads, queries]`.
    pub delta: &'a [T],
    /// `[heads, queries, value_width]`.
    pub cotangent: &'a [T],
}

/// `0..len` in ranges of `step`, the last maybe shorter.
fn blocks(range: Range<usize>, step: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(step).map(move |start| start..(start + step).min(end))
}
