//! Strips of scores: a few rows of queries, and the keys that any of them sees.
//!
//! Rows are counted over all query heads that share a key head: their queries lie one head after the other.

use super::softmax::{ScoreCotangents, Weights};
use super::{AttentionElement, AttentionShape, Derivative, Scores};
use crate::gemm::Accumulate;
use crate::isa::{Instructions, Isa, Kernel};
use crate::panels::{Left, Right, panel_width, product};
use std::ops::Range;

/// Most rows of a strip.
pub const MOST_ROWS: usize = 16;
/// Numbers between the end of a row of a tile and the next row: room to fill up the last vector, and rows whose distance
/// is a power of two would fall into the same sets of the cache.
pub const GAP: usize = 16;

/// Which keys the rows of a strip see.
pub struct Seen {
    rows: [(usize, usize); MOST_ROWS],
    count: usize,
    /// From the first to the last key that any row sees.
    pub all: Range<usize>,
}

impl Seen {
    /// The keys of a block from the first panel to the last key that any row sees.
    pub fn within(&self, keys: &Range<usize>, panel: usize) -> Range<usize> {
        let (start, end) = (self.all.start.max(keys.start), self.all.end.min(keys.end));
        if start >= end { keys.start..keys.start } else { start - (start - keys.start) % panel..end }
    }
}

impl<'a, T: AttentionElement> Scores<'a, T> {
    /// Rows of a tensor `[heads, queries, width]`.
    pub(super) fn rows_of<'b, V>(
        &self,
        key_head: usize,
        rows: &Range<usize>,
        width: usize,
        of: &'b [V],
    ) -> &'b [V] {
        let first = key_head * self.shape.group * self.shape.queries + rows.start;
        &of[first * width..][..rows.len() * width]
    }

    /// The keys of a key head.
    pub(super) fn keys_of(&self, key_head: usize) -> &'a [T] {
        let size = self.shape.keys * self.shape.width;
        &self.key[key_head * size..][..size]
    }

    /// Query heads and queries of a row and the ones after it.
    #[inline(always)]
    fn positions(&self, key_head: usize, row: usize) -> Positions {
        let AttentionShape { group, queries, .. } = self.shape;
        Positions { head: key_head * group + row / queries, query: row % queries, queries }
    }

    /// Which keys some rows see; what the mask hides at either end is not among them.
    pub(super) fn seen(&self, key_head: usize, rows: &Range<usize>) -> Seen {
        let mut seen = Seen { rows: [(0, 0); MOST_ROWS], count: rows.len(), all: 0..0 };
        let positions = self.positions(key_head, rows.start);
        for (place, (head, query)) in seen.rows[..rows.len()].iter_mut().zip(positions) {
            let mut keys = self.shape.visible(query);
            if let Some(mask) = self.mask {
                let start = mask.starts[head] + query * mask.row;
                keys = match mask.column {
                    0 if mask.values[start] => keys,
                    0 => 0..0,
                    _ => trimmed(&mask.values[start..], keys),
                };
            }
            *place = (keys.start, keys.end);
            if !keys.is_empty() {
                let start = if seen.all.is_empty() { keys.start } else { seen.all.start.min(keys.start) };
                seen.all = start..seen.all.end.max(keys.end);
            }
        }
        seen
    }
}

/// See [`Scores::positions`].
struct Positions {
    head: usize,
    query: usize,
    queries: usize,
}

impl Iterator for Positions {
    type Item = (usize, usize);
    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        let now = (self.head, self.query);
        self.query += 1;
        if self.query == self.queries {
            (self.head, self.query) = (self.head + 1, 0);
        }
        Some(now)
    }
}

/// The range without what is false at its ends.
fn trimmed(mask: &[bool], range: Range<usize>) -> Range<usize> {
    // By chunks: long runs at the ends, of padding or of a cache that is not full, are passed over fast.
    let any = |chunk: &[bool]| chunk.iter().fold(false, |any, value| any | value);
    let (mut start, mut end) = (range.start, range.end);
    while end - start > 64 && !any(&mask[end - 64..end]) {
        end -= 64;
    }
    while end - start > 64 && !any(&mask[start..start + 64]) {
        start += 64;
    }
    while start < end && !mask[end - 1] {
        end -= 1;
    }
    while start < end && !mask[start] {
        start += 1;
    }
    start..end
}

/// Rows times a factor.
pub struct Scale<'a, T> {
    pub rows: &'a [T],
    pub factor: T,
    pub to: &'a mut [T],
}

impl<T: AttentionElement> Kernel for Scale<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        for (to, value) in self.to.iter_mut().zip(self.rows) {
            *to = *value * self.factor;
        }
    }
}

/// Makes scores of products: adds the bias, and puts −∞ where a key is not seen.
pub struct Restrict<'a, 'b, T> {
    pub from: &'a Scores<'b, T>,
    pub key_head: usize,
    pub rows: &'a Range<usize>,
    pub keys: &'a Range<usize>,
    pub seen: &'a Seen,
    /// Rows of products, `pitch` apart.
    pub strip: &'a mut [T],
    pub pitch: usize,
}

impl<T: AttentionElement> Kernel for Restrict<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Restrict { from, keys, .. } = self;
        let columns = keys.end - keys.start;
        let positions = from.positions(self.key_head, self.rows.start);
        let seen = self.seen.rows[..self.seen.count].iter();
        for ((row, (head, query)), (start, end)) in self.strip.chunks_mut(self.pitch).zip(positions).zip(seen)
        {
            let scores = &mut row[..columns];
            if let Some(bias) = from.bias {
                let start = bias.starts[head] + query * bias.row;
                if bias.column == 0 {
                    let added = bias.values[start];
                    for score in scores.iter_mut() {
                        *score = *score + added;
                    }
                } else {
                    let added = &bias.values[start + keys.start..start + keys.end];
                    for (score, added) in scores.iter_mut().zip(added) {
                        *score = *score + *added;
                    }
                }
            }
            if let Some(mask) = from.mask.filter(|mask| mask.column != 0) {
                let start = mask.starts[head] + query * mask.row;
                let counts = &mask.values[start + keys.start..start + keys.end];
                for (score, counts) in scores.iter_mut().zip(counts) {
                    *score = if *counts { *score } else { -T::INFINITY };
                }
            }
            if *start > keys.start || *end < keys.end {
                let start = start.clamp(&keys.start, &keys.end) - keys.start;
                let end = end.clamp(&keys.start, &keys.end) - keys.start;
                scores[..start].fill(-T::INFINITY);
                scores[end..].fill(-T::INFINITY);
            }
        }
    }
}

/// A block of keys of a key head, for the derivative.
pub struct KeyBlock<'a, 'b, T> {
    pub from: &'a Scores<'b, T>,
    pub given: &'a Derivative<'b, T>,
    pub key_head: usize,
    pub keys: Range<usize>,
    /// The keys and values, packed.
    pub key_panels: &'a [T],
    pub value_panels: &'a [T],
}

impl<T: AttentionElement> KeyBlock<'_, '_, T> {
    /// The weights of some rows, and the cotangents of their scores times `factor`, in rows `pitch` apart; which keys of
    /// the block they are about. All others have zeros.
    pub fn strip(
        &self,
        isa: Isa,
        rows: &Range<usize>,
        factor: T,
        scaled: &mut [T],
        [weights, cotangents]: [&mut [T]; 2],
        pitch: usize,
    ) -> Range<usize> {
        let KeyBlock { from, given, key_head, .. } = *self;
        let shape = &from.shape;
        let (width, value_width) = (shape.width, shape.value_width);
        let seen = from.seen(key_head, rows);
        let keys = seen.within(&self.keys, panel_width::<T>(isa));
        let (columns, local) = (keys.len(), keys.start - self.keys.start..keys.end - self.keys.start);
        for row in 0..rows.len() {
            for tile in [&mut *weights, &mut *cotangents] {
                let row = &mut tile[row * pitch..][..self.keys.len()];
                row[..local.start].fill(<T as crate::math::Real>::ZERO);
                row[local.end..].fill(<T as crate::math::Real>::ZERO);
            }
        }
        if keys.is_empty() {
            return local;
        }
        let scaled = &mut scaled[..rows.len() * width];
        let queries = from.rows_of(key_head, rows, width, from.query);
        isa.run(Scale { rows: queries, factor: T::of(shape.scale), to: scaled });
        let (weights, cotangents) = (&mut weights[local.start..], &mut cotangents[local.start..]);
        let right = Right::packed(isa, self.key_panels, width, local.start);
        let left = |values, width| Left { values, row: width, column: 1 };
        let sizes = [rows.len(), columns, width];
        product(isa, sizes, left(scaled, width), right, weights, pitch, Accumulate::Replace);
        let strip = &mut *weights;
        isa.run(Restrict { from, key_head, rows, keys: &keys, seen: &seen, strip, pitch });
        let log_sum = from.rows_of(key_head, rows, 1, given.log_sum);
        isa.run(Weights { strip: weights, columns, pitch, log_sum });
        let right = Right::packed(isa, self.value_panels, value_width, local.start);
        let of_output = from.rows_of(key_head, rows, value_width, given.cotangent);
        let sizes = [rows.len(), columns, value_width];
        product(isa, sizes, left(of_output, value_width), right, cotangents, pitch, Accumulate::Replace);
        let delta = from.rows_of(key_head, rows, 1, given.delta);
        isa.run(ScoreCotangents { weights, cotangents, columns, pitch, delta, factor });
        local
    }
}
