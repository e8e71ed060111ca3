//! How attention tells positions, and encodings that are added to the input instead.

use bolete_tensor::tree::{LeafKind, Visitor};
use bolete_tensor::{DType, Key, Param, Rotary, Shape, Tensor, Tree};

use crate::{Context, Fan, Initialiser, Module};

/// How positions enter attention.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Positions {
    /// They do not.
    #[default]
    None,
    /// Queries and keys are turned by their positions (Su et al. 2021).
    Rotary(Rotary),
    /// Scores fall off linearly with the distance, in each head at a slope of its own (ALiBi, Press et al. 2022). Where
    /// attention is not causal the table of all distances is in memory.
    Alibi,
    /// A learned bias for each bucket of distances and each head (T5, Raffel et al. 2020). The table of all pairs is in memory.
    Relative(RelativeBiasConfig),
}

impl Tree for Positions {
    fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
        format!("{self:?}").bytes().for_each(|byte| visitor.structure(byte.into()));
    }
    fn rebuild(&self, _: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> Positions {
        *self
    }
}

/// The slopes of ALiBi for each head: 2^(−8/n), 2^(−16/n), … for a power of two, else filled up with every other one of twice
/// as many.
fn alibi_slopes(heads: usize) -> Vec<f64> {
    let powers = |count: usize| -> Vec<f64> {
        (1..=count).map(|head| (-8.0 * head as f64 / count as f64).exp2()).collect()
    };
    if heads == 0 {
        return Vec::new();
    }
    let whole = 1 << heads.ilog2();
    let more = powers(2 * whole).into_iter().step_by(2).take(heads - whole);
    powers(whole).into_iter().chain(more).collect()
}

/// What ALiBi adds to the scores, in a shape that stretches to `[heads, queries, keys]`.
pub(super) fn alibi(heads: usize, queries: &Tensor, keys: &Tensor, causal: bool) -> Tensor {
    let slopes = Tensor::from_vec(alibi_slopes(heads), [heads, 1, 1]);
    let keys = keys.unsqueeze(0).unsqueeze(0);
    if causal {
        // −slope · (query − key) but for what is the same for all keys of a query and cancels in the softmax.
        return slopes * keys.cast(DType::F64);
    }
    let distance = (queries.unsqueeze(0).unsqueeze(-1) - keys).abs();
    -slopes * distance.cast(DType::F64)
}

/// What a [`RelativeBias`] is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelativeBiasConfig {
    /// Number of buckets.
    pub buckets: usize,
    /// The distance from which on all share the last bucket.
    pub farthest: usize,
}

impl Default for RelativeBiasConfig {
    /// 32 buckets up to 128, as in the paper.
    fn default() -> RelativeBiasConfig {
        RelativeBiasConfig { buckets: 32, farthest: 128 }
    }
}

impl RelativeBiasConfig {
    /// The table for a number of heads with initial values N(0, 1).
    pub fn init(&self, heads: usize, key: &Key) -> RelativeBias {
        let initialiser = Initialiser::Normal { mean: 0.0, deviation: 1.0 };
        let fan = Fan { input: self.buckets, output: heads };
        let weight = Param::new(initialiser.sample([self.buckets, heads], fan, key, DType::F32));
        RelativeBias { weight, farthest: self.farthest }
    }
}

/// A bias of scores for each bucket of distances and each head.
#[derive(Clone, Debug, Tree)]
pub struct RelativeBias {
    /// `[buckets, heads]`.
    pub weight: Param,
    farthest: usize,
}

impl RelativeBias {
    /// The bias `[heads, queries, keys]` for positions `[queries]` and `[keys]`.
    pub fn of(&self, queries: &Tensor, keys: &Tensor, causal: bool) -> Tensor {
        let buckets = queries.relative_buckets(keys, self.weight.shape()[0], self.farthest, causal);
        self.weight.take(&buckets, 0).move_axis(2, 0)
    }
}

/// Sines and cosines of the positions added to sequences `[…, length, width]` (Vaswani et al. 2017, section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct SinusoidalEncoding {
    /// The ratio of the longest wavelength to the shortest, 10,000 in the paper.
    pub base: f64,
}

impl Default for SinusoidalEncoding {
    fn default() -> SinusoidalEncoding {
        SinusoidalEncoding { base: 10_000.0 }
    }
}

impl Module for SinusoidalEncoding {
    /// # Panics
    /// If the input has fewer than two axes or an odd width.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        assert!(
            input.rank() >= 2,
            "SinusoidalEncoding: expected […, length, width], found {}",
            input.shape()
        );
        let [length, width] = [2, 1].map(|from_end| input.shape()[input.rank() - from_end]);
        let encoding =
            Tensor::arange(length, DType::I64).sinusoidal_encoding(width, self.base, input.dtype());
        context.observe(self, input, input + encoding)
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        output.elements() as u64
    }
}

/// What a [`LearnedEncoding`] is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearnedEncodingConfig {
    /// The longest sequence.
    pub length: usize,
    /// Features per position.
    pub width: usize,
    /// Initial values; the default is N(0, 0.02²), as in GPT-2.
    pub initialiser: Initialiser,
}

impl LearnedEncodingConfig {
    /// For sequences of up to `length` positions of `width` features.
    pub fn new(length: usize, width: usize) -> LearnedEncodingConfig {
        LearnedEncodingConfig {
            length,
            width,
            initialiser: Initialiser::Normal { mean: 0.0, deviation: 0.02 },
        }
    }

    /// The layer with initial values from a key.
    pub fn init(&self, key: &Key) -> LearnedEncoding {
        let fan = Fan { input: self.length, output: self.width };
        let weight = self.initialiser.sample([self.length, self.width], fan, key, DType::F32);
        LearnedEncoding { weight: Param::new(weight) }
    }
}

/// A learned vector for each position added to sequences `[…, length, width]`.
#[derive(Clone, Debug, Tree)]
pub struct LearnedEncoding {
    /// `[longest, width]`.
    pub weight: Param,
}

impl Module for LearnedEncoding {
    /// # Panics
    /// If the input is longer than the longest sequence or has another width.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let [longest, width] = [self.weight.shape()[0], self.weight.shape()[1]];
        let axes = input.rank();
        let fits = axes >= 2 && input.shape()[axes - 2] <= longest && input.shape()[axes - 1] == width;
        assert!(fits, "LearnedEncoding: expected […, at most {longest}, {width}], found {}", input.shape());
        let encoding = self.weight.narrow(0, 0, input.shape()[axes - 2]);
        context.observe(self, input, input + encoding)
    }

    fn describe(&self) -> String {
        format!("LearnedEncoding, {} of {}", self.weight.shape()[0], self.weight.shape()[1])
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        output.elements() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_for_any_number_of_heads() {
        assert_eq!(alibi_slopes(4), [0.25, 0.0625, 0.015625, 0.00390625]);
        // Powers for 4, then every other one of those for 8.
        assert_eq!(alibi_slopes(6), [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]);
        assert_eq!(alibi_slopes(0), [] as [f64; 0]);
    }
}
