//! Passes over the rows of a strip of scores.

use super::AttentionElement;
use super::strip::{GAP, MOST_ROWS};
use crate::isa::{Instructions, Kernel};
use crate::math::{Real, multiply_add};

/// Numbers that are summed side by side: enough for the widest register, and the same for every instruction set.
const LANES: usize = GAP;

/// The sum of lanes, halves first.
#[inline(always)]
fn folded<T: Real>(mut lanes: [T; LANES]) -> T {
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            lanes[lane] = lanes[lane] + lanes[lane + width];
        }
    }
    lanes[0]
}

/// The largest number of a row of whole chunks; NaN is passed over.
#[inline(always)]
fn largest<T: Real>(row: &[[T; LANES]]) -> T {
    let mut lanes = [-T::INFINITY; LANES];
    for chunk in row {
        for lane in 0..LANES {
            lanes[lane] = if chunk[lane] > lanes[lane] { chunk[lane] } else { lanes[lane] };
        }
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            lanes[lane] = if lanes[lane + width] > lanes[lane] { lanes[lane + width] } else { lanes[lane] };
        }
    }
    lanes[0]
}

/// The first `columns` numbers of a row in whole chunks: what fills up the last becomes −∞.
#[inline(always)]
fn chunks<T: Real>(row: &mut [T], columns: usize) -> &mut [[T; LANES]] {
    let whole = columns.next_multiple_of(LANES);
    let row = &mut row[..whole];
    row[columns..].fill(-T::INFINITY);
    row.as_chunks_mut().0
}

/// eˣ for an `x` that is not so large that the result is infinite; results too small to be normal are zero. `lowest` is
/// the logarithm of the smallest normal number.
#[inline(always)]
fn exp<I: Instructions, T: AttentionElement>(x: T, lowest: T) -> T {
    let bounded = if lowest > x { lowest } else { x };
    let n = multiply_add::<I, T>(bounded, T::LOG2_E, T::MAGIC) - T::MAGIC;
    let r = multiply_add::<I, T>(n, -T::LN_2_HIGH, bounded) - n * T::LN_2_LOW;
    let p = multiply_add::<I, T>(r * r, T::exp_polynomial::<I>(r), r);
    let result = (T::ONE + p) * T::two_to_the(n);
    if x < lowest { <T as Real>::ZERO } else { result }
}

/// The `lowest` of [`exp`].
#[inline(always)]
fn lowest<I: Instructions, T: AttentionElement>() -> T {
    T::MIN_POSITIVE.ln::<I>()
}

/// exp(x − shift) in place, and the sum.
#[inline(always)]
fn exponentials<I: Instructions, T: AttentionElement>(row: &mut [[T; LANES]], shift: T, lowest: T) -> T {
    let mut sums = [<T as Real>::ZERO; LANES];
    for chunk in row {
        for lane in 0..LANES {
            chunk[lane] = exp::<I, T>(chunk[lane] - shift, lowest);
            sums[lane] = sums[lane] + chunk[lane];
        }
    }
    folded(sums)
}

/// Turns scores into exponentials relative to the largest score of each row so far, and carries the sums and the
/// output along.
pub struct Advance<'a, T> {
    /// Rows of scores, `pitch` apart, with room for whole chunks of [`GAP`](super::strip::GAP).
    pub strip: &'a mut [T],
    pub columns: usize,
    pub pitch: usize,
    /// Whether these are the first scores of the rows, so that there is no output yet.
    pub first: bool,
    /// The largest score of each row so far.
    pub largest: &'a mut [T],
    /// Σ exp(score − largest) of each row so far.
    pub sums: &'a mut [T],
    /// Σ exp(score − largest) · value of each row so far.
    pub output: &'a mut [T],
    pub value_width: usize,
}

impl<T: AttentionElement> Kernel for Advance<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let lowest = lowest::<I, T>();
        // All rows in each of two passes: rows do not wait for one another, but within a row everything does.
        let mut shifts = [<T as Real>::ZERO; MOST_ROWS];
        for (index, row) in self.strip.chunks_mut(self.pitch).enumerate() {
            let here = largest(chunks(row, self.columns));
            let before = self.largest[index];
            let now = if here > before { here } else { before };
            // A row that has seen nothing yet has no largest score; any finite number does.
            shifts[index] = if now == -T::INFINITY { <T as Real>::ZERO } else { now };
            if !self.first {
                let factor = exp::<I, T>(before - shifts[index], lowest);
                self.sums[index] = self.sums[index] * factor;
                if factor != T::ONE {
                    for value in &mut self.output[index * self.value_width..][..self.value_width] {
                        *value = *value * factor;
                    }
                }
            }
            self.largest[index] = now;
        }
        for (index, row) in self.strip.chunks_mut(self.pitch).enumerate() {
            let whole = self.columns.next_multiple_of(LANES);
            let sum = exponentials::<I, T>(row[..whole].as_chunks_mut().0, shifts[index], lowest);
            self.sums[index] = self.sums[index] + sum;
        }
    }
}

/// Divides each row by its sum and gives the log-sum-exp; rows that saw nothing become zeros.
pub struct Finish<'a, T> {
    pub largest: &'a [T],
    pub sums: &'a [T],
    pub output: &'a mut [T],
    pub value_width: usize,
    pub log_sum: &'a mut [T],
}

impl<T: AttentionElement> Kernel for Finish<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        for (index, log_sum) in self.log_sum.iter_mut().enumerate() {
            let sum = self.sums[index];
            let output = &mut self.output[index * self.value_width..][..self.value_width];
            if sum == <T as Real>::ZERO {
                *log_sum = <T as Real>::ZERO;
                output.fill(<T as Real>::ZERO);
                continue;
            }
            let shift =
                if self.largest[index] == -T::INFINITY { <T as Real>::ZERO } else { self.largest[index] };
            *log_sum = shift + sum.ln::<I>();
            let factor = T::ONE / sum;
            for value in output {
                *value = *value * factor;
            }
        }
    }
}

/// Turns scores into weights by the log-sum-exp of each row.
pub struct Weights<'a, T> {
    /// Rows of scores, `pitch` apart, with room for whole chunks of [`GAP`](super::strip::GAP).
    pub strip: &'a mut [T],
    pub columns: usize,
    pub pitch: usize,
    pub log_sum: &'a [T],
}

impl<T: AttentionElement> Kernel for Weights<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let lowest = lowest::<I, T>();
        for (row, log_sum) in self.strip.chunks_mut(self.pitch).zip(self.log_sum) {
            exponentials::<I, T>(chunks(row, self.columns), *log_sum, lowest);
        }
    }
}

/// Turns cotangents of weights into those of scores: factor · w (c − δ).
pub struct ScoreCotangents<'a, T> {
    /// Rows, `pitch` apart, like the cotangents.
    pub weights: &'a [T],
    pub cotangents: &'a mut [T],
    pub columns: usize,
    pub pitch: usize,
    pub delta: &'a [T],
    pub factor: T,
}

impl<T: AttentionElement> Kernel for ScoreCotangents<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let rows = self.cotangents.chunks_mut(self.pitch).zip(self.weights.chunks(self.pitch));
        for ((cotangents, weights), delta) in rows.zip(self.delta) {
            // Whole chunks: behind the columns the weights are zero.
            let whole = self.columns.next_multiple_of(LANES);
            let (cotangents, weights) = (&mut cotangents[..whole], &weights[..whole]);
            for (cotangent, weight) in cotangents.iter_mut().zip(weights) {
                *cotangent = *weight * (*cotangent - *delta) * self.factor;
            }
        }
    }
}
