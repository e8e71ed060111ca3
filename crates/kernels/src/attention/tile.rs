//! A tile of scores, and what is done with its rows.

use super::super::gemm::Accumulate;
use super::super::gemm::block::{Access, Block, Cut, even_depth};
use super::super::gemm::operand::Strided;
use super::super::math::Real;
use super::{AttentionElement, Scores};
use crate::isa::{Instructions, Isa, Kernel};
use std::ops::Range;

/// Numbers that are summed side by side: enough for the widest register, and the same for every instruction set.
const LANES: usize = 16;

/// A matrix in a slice.
#[derive(Clone, Copy)]
pub struct Matrix<'a, T> {
    pub values: &'a [T],
    /// From row to row.
    pub row: usize,
    /// From column to column.
    pub column: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// Row after row, each of `width` numbers.
    pub fn rows(values: &'a [T], width: usize) -> Matrix<'a, T> {
        Matrix { values, row: width, column: 1 }
    }

    /// Rows and columns exchanged.
    pub fn t(self) -> Matrix<'a, T> {
        Matrix { row: self.column, column: self.row, ..self }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0 || columns == 0 || (rows - 1) * self.row + (columns - 1) * self.column < self.values.len()
    }
}

/// `c (+)= left · right` with `c: [rows, columns]`, whose rows are `pitch` apart, on this thread.
pub fn product<T: AttentionElement>(
    isa: Isa,
    [rows, columns, depth]: [usize; 3],
    left: Matrix<T>,
    right: Matrix<T>,
    c: &mut [T],
    pitch: usize,
    accumulate: Accumulate,
) {
    assert!(left.holds(rows, depth) && right.holds(depth, columns), "an operand of a tile is too short");
    assert!(Matrix::rows(&*c, pitch).holds(rows, columns) && pitch >= columns, "a tile is too short");
    if rows == 0 || columns == 0 {
        return;
    }
    let strided = |matrix: Matrix<T>| Strided {
        ptr: matrix.values.as_ptr(),
        row: matrix.row as isize,
        column: matrix.column as isize,
    };
    let access = if right.column == 1 { Access::InPlace } else { Access::Packed };
    let cut = Cut { depth: even_depth(depth), left: Access::InPlace, right: access };
    let (left, right) = (strided(left), strided(right));
    let block = Block {
        rows,
        columns,
        depth,
        left: &left,
        right: &right,
        c: c.as_mut_ptr(),
        c_row: pitch as isize,
        accumulate,
        cut,
    };
    // SAFETY: the assertions above checked that every element named lies in its slice; `c` is borrowed mutably, so
    // that it overlaps neither operand and nobody else touches it.
    unsafe { block.run(isa) }
}

/// Scores of some queries and keys of a head in `tile`, whose rows are as long as there are keys. `scaled` are the
/// queries times the scale. Scores that do not count are −∞.
pub fn scores<T: AttentionElement>(
    isa: Isa,
    from: &Scores<T>,
    head: usize,
    scaled: &[T],
    queries: &Range<usize>,
    keys: &Range<usize>,
    tile: &mut [T],
) {
    let shape = &from.shape;
    let width = shape.width;
    let key = &from.keys_of(head)[keys.start * width..keys.end * width];
    let (rows, columns) = (queries.len(), keys.len());
    let sizes = [rows, columns, width];
    let replace = Accumulate::Replace;
    product(isa, sizes, Matrix::rows(scaled, width), Matrix::rows(key, width).t(), tile, columns, replace);
    let partial =
        shape.visible(queries.end - 1).start > keys.start || shape.visible(queries.start).end < keys.end;
    if from.bias.is_none() && from.mask.is_none() && !partial {
        return;
    }
    for (row, query) in tile.chunks_exact_mut(columns).zip(queries.clone()) {
        if let Some(bias) = from.bias {
            let start = bias.starts[head] + query * bias.row;
            if bias.column == 0 {
                let added = bias.values[start];
                row.iter_mut().for_each(|score| *score = *score + added);
            } else {
                let added = &bias.values[start + keys.start..start + keys.end];
                row.iter_mut().zip(added).for_each(|(score, added)| *score = *score + *added);
            }
        }
        if let Some(mask) = from.mask {
            let start = mask.starts[head] + query * mask.row;
            for (offset, score) in row.iter_mut().enumerate() {
                let key = (keys.start + offset) * mask.column;
                *score = if mask.values[start + key] { *score } else { -T::INFINITY };
            }
        }
        let seen = shape.visible(query);
        let within = |key: usize| key.clamp(keys.start, keys.end) - keys.start;
        row[..within(seen.start)].fill(-T::INFINITY);
        row[within(seen.end)..].fill(-T::INFINITY);
    }
}

/// Queries of a head times the scale.
pub fn scale_queries<T: AttentionElement>(
    from: &Scores<T>,
    head: usize,
    queries: &Range<usize>,
    to: &mut [T],
) {
    let width = from.shape.width;
    let scale = T::of(from.shape.scale);
    let source = &from.queries_of(head)[queries.start * width..queries.end * width];
    to.iter_mut().zip(source).for_each(|(to, query)| *to = *query * scale);
}

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

/// The largest number of a row; NaN is passed over.
#[inline(always)]
fn largest<T: Real>(row: &[T]) -> T {
    let mut lanes = [-T::INFINITY; LANES];
    let (whole, rest) = row.as_chunks::<LANES>();
    for chunk in whole {
        for lane in 0..LANES {
            lanes[lane] = if chunk[lane] > lanes[lane] { chunk[lane] } else { lanes[lane] };
        }
    }
    let mut largest = -T::INFINITY;
    for value in lanes.iter().chain(rest) {
        largest = if *value > largest { *value } else { largest };
    }
    largest
}

/// exp(x − shift) in place, and the sum.
#[inline(always)]
fn exponentials<I: Instructions, T: AttentionElement>(row: &mut [T], shift: T) -> T {
    let mut sums = [<T as Real>::ZERO; LANES];
    let (whole, rest) = row.as_chunks_mut::<LANES>();
    for chunk in whole {
        for lane in 0..LANES {
            chunk[lane] = (chunk[lane] - shift).exp::<I>();
            sums[lane] = sums[lane] + chunk[lane];
        }
    }
    for (lane, value) in rest.iter_mut().enumerate() {
        *value = (*value - shift).exp::<I>();
        sums[lane] = sums[lane] + *value;
    }
    folded(sums)
}

/// Turns scores into exponentials relative to the largest score of each row so far, and carries the sums and the
/// output along.
pub struct Advance<'a, T> {
    pub tile: &'a mut [T],
    pub columns: usize,
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
        for (index, row) in self.tile.chunks_exact_mut(self.columns).enumerate() {
            let before = self.largest[index];
            let here = largest(row);
            let now = if here > before { here } else { before };
            // A row that has seen nothing yet has no largest score; any finite number does.
            let shift = if now == -T::INFINITY { <T as Real>::ZERO } else { now };
            let sum = exponentials::<I, T>(row, shift);
            let factor = (before - shift).exp::<I>();
            self.sums[index] = self.sums[index] * factor + sum;
            self.largest[index] = now;
            if factor != T::ONE {
                for value in &mut self.output[index * self.value_width..][..self.value_width] {
                    *value = *value * factor;
                }
            }
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
    pub tile: &'a mut [T],
    pub columns: usize,
    pub log_sum: &'a [T],
}

impl<T: AttentionElement> Kernel for Weights<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        for (row, log_sum) in self.tile.chunks_exact_mut(self.columns).zip(self.log_sum) {
            for score in row {
                *score = (*score - *log_sum).exp::<I>();
            }
        }
    }
}

/// Turns cotangents of weights into those of scores: w (c − δ).
pub struct ScoreCotangents<'a, T> {
    pub weights: &'a [T],
    pub cotangents: &'a mut [T],
    pub columns: usize,
    pub delta: &'a [T],
}

impl<T: AttentionElement> Kernel for ScoreCotangents<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let rows =
            self.cotangents.chunks_exact_mut(self.columns).zip(self.weights.chunks_exact(self.columns));
        for ((cotangents, weights), delta) in rows.zip(self.delta) {
            for (cotangent, weight) in cotangents.iter_mut().zip(weights) {
                *cotangent = *weight * (*cotangent - *delta);
            }
        }
    }
}
