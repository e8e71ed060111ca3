//! Products with few rows whose B has contiguous rows: B is read once, row after row, at the speed of memory.

use super::Accumulate;
use super::element::Number;
use super::tile::VectorKernel;
use super::vector::Vector;
use super::weights::WeightFormat;

/// Rows of B that are read side by side: their distance is often a multiple of the page size, which maps them all to
/// the same few places in the cache.
const GROUP: usize = 4;
/// Columns whose part of C stays in the first-level cache while the rows of B go by, in bytes for all rows of C.
const C_BYTES: usize = 16 << 10;

/// Bytes that are fetched at a time.
const LINE: usize = 64;

/// A product of `rows x depth` by `depth x columns`, with at most [`Number::MOST_FEW`] rows.
#[derive(Clone, Copy)]
pub struct Stream<N: Number, W: WeightFormat<N>> {
    /// Rows of A and C.
    pub rows: usize,
    /// Columns of B and C.
    pub columns: usize,
    /// Columns of A, rows of B.
    pub depth: usize,
    /// First element of A.
    pub a: *const N,
    /// From row to row of A.
    pub a_row: isize,
    /// From column to column of A.
    pub a_depth: isize,
    /// First element of B.
    pub b: *const W::Stored,
    /// From row to row of B, which holds single weights.
    pub b_depth: isize,
    /// First element of C.
    pub c: *mut N,
    /// From row to row of C.
    pub c_row: isize,
    /// What happens to the values in C.
    pub accumulate: Accumulate,
}

impl<N: Number, W: WeightFormat<N>> VectorKernel<N> for Stream<N, W> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(mut self) {
        let chunk = C_BYTES / size_of::<N>() / if self.rows > 0 { self.rows } else { 1 };
        let mut left = self.columns;
        while left > 0 {
            self.columns = if left < chunk { left } else { chunk };
            // SAFETY: the caller vouches for all columns, of which these are some.
            unsafe {
                match self.rows {
                    1 => self.chunk::<V, 1>(),
                    2 => self.chunk::<V, 2>(),
                    3 => self.chunk::<V, 3>(),
                    4 => self.chunk::<V, 4>(),
                    5 if N::MOST_FEW > 4 => self.chunk::<V, 5>(),
                    6 if N::MOST_FEW > 4 => self.chunk::<V, 6>(),
                    7 if N::MOST_FEW > 4 => self.chunk::<V, 7>(),
                    8 if N::MOST_FEW > 4 => self.chunk::<V, 8>(),
                    _ => unreachable!("{} rows are not few", self.rows),
                }
            }
            self.b = self.b.wrapping_add(self.columns);
            self.c = self.c.wrapping_add(self.columns);
            left -= self.columns;
        }
    }
}

impl<N: Number, W: WeightFormat<N>> Stream<N, W> {
    #[inline(always)]
    unsafe fn chunk<V: Vector<Element = N>, const R: usize>(&self) {
        // SAFETY: the caller vouches for `R` rows and all columns, and for the instructions.
        unsafe {
            let mut depth = 0;
            while depth + GROUP <= self.depth {
                self.group::<V, R, GROUP>(depth);
                depth += GROUP;
            }
            while depth < self.depth {
                self.group::<V, R, 1>(depth);
                depth += 1;
            }
            if depth == 0 {
                self.group::<V, R, 0>(0);
            }
        }
    }

    /// Adds the products of `G` rows of B to C.
    // Indices run over several arrays at once.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    unsafe fn group<V: Vector<Element = N>, const R: usize, const G: usize>(&self, depth: usize) {
        let fresh = depth == 0 && self.accumulate == Accumulate::Replace;
        // SAFETY: the caller vouches for `R` rows, `G` depths and all columns, and for the instructions.
        unsafe {
            let mut a = [[N::ZERO; G]; R];
            for row in 0..R {
                for inner in 0..G {
                    let offset = row as isize * self.a_row + (depth + inner) as isize * self.a_depth;
                    a[row][inner] = *self.a.offset(offset);
                }
            }
            let b = self.b.wrapping_offset(depth as isize * self.b_depth);
            let whole = self.columns / V::LANES * V::LANES;
            let size = size_of::<W::Stored>();
            let line = if size < LINE { LINE / size } else { 1 };
            let mut column = 0;
            while column < self.columns {
                let full = column < whole;
                let mask = V::mask(if full { V::LANES } else { self.columns - whole });
                let mut right = [V::zero(); G];
                for inner in 0..G {
                    let from = b.wrapping_offset(inner as isize * self.b_depth);
                    // The same columns of the next rows, which are far away.
                    let next = from.wrapping_offset(G as isize * self.b_depth);
                    if (column / W::WEIGHTS).is_multiple_of(line) {
                        V::prefetch_far(next.wrapping_add(column / W::WEIGHTS).cast());
                    }
                    right[inner] =
                        W::load::<V>(from, column, if full { V::LANES } else { self.columns - whole });
                }
                for row in 0..R {
                    let to = self.c.offset(row as isize * self.c_row).add(column);
                    let mut sum = match (fresh, full) {
                        (true, _) => V::zero(),
                        (false, true) => V::load(to),
                        (false, false) => V::load_masked(to, mask),
                    };
                    for inner in 0..G {
                        sum = V::splat(a[row][inner]).times_plus(right[inner], sum);
                    }
                    if full { sum.store(to) } else { sum.store_masked(to, mask) }
                }
                column += V::LANES;
            }
        }
    }
}
