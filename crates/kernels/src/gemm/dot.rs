//! Products with few rows or few columns whose operands are both contiguous along the depth: many dot products at the
//! speed of memory.

use super::Accumulate;
use super::element::Number;
use super::tile::VectorKernel;
use super::vector::Vector;

/// `c[i, j] = many[i] . few[j]`, where `many` is read once.
#[derive(Clone, Copy)]
pub struct Dots<N> {
    /// Number of vectors on the one side.
    pub many: usize,
    /// Number of vectors on the other side.
    pub few: usize,
    /// Length of the vectors.
    pub depth: usize,
    /// First vector of the one side.
    pub x: *const N,
    /// From vector to vector, in elements.
    pub x_stride: isize,
    /// First vector of the other side.
    pub y: *const N,
    /// From vector to vector, in elements.
    pub y_stride: isize,
    /// First result.
    pub c: *mut N,
    /// From result to result along `many`.
    pub c_many: isize,
    /// From result to result along `few`.
    pub c_few: isize,
    /// What happens to the values in C.
    pub accumulate: Accumulate,
}

impl<N: Number> VectorKernel<N> for Dots<N> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(self) {
        // SAFETY: the caller vouches for all vectors and results, and for the instructions.
        unsafe {
            let mut i = 0;
            while i < self.many {
                let step = if self.many - i >= 4 { 4 } else { 1 };
                let mut j = 0;
                while j < self.few {
                    let pair = self.few - j >= 2;
                    match (step, pair) {
                        (4, true) => self.tile::<V, 4, 2>(i, j),
                        (4, false) => self.tile::<V, 4, 1>(i, j),
                        (_, true) => self.tile::<V, 1, 2>(i, j),
                        (_, false) => self.tile::<V, 1, 1>(i, j),
                    }
                    j += if pair { 2 } else { 1 };
                }
                i += step;
            }
        }
    }
}

impl<N: Number> Dots<N> {
    /// `X x Y` dot products, each in the same order whatever the tile.
    #[inline(always)]
    unsafe fn tile<V: Vector<Element = N>, const X: usize, const Y: usize>(&self, i: usize, j: usize) {
        // SAFETY: the caller vouches for all vectors and results, and for the instructions.
        unsafe {
            let x = self.x.offset(i as isize * self.x_stride);
            let y = self.y.offset(j as isize * self.y_stride);
            let mut sums = [[V::zero(); Y]; X];
            let whole = self.depth / V::LANES * V::LANES;
            let mut at = 0;
            while at < whole {
                let mut right = [V::zero(); Y];
                for (n, value) in right.iter_mut().enumerate() {
                    *value = V::load(y.offset(n as isize * self.y_stride).add(at));
                }
                for (m, row) in sums.iter_mut().enumerate() {
                    let left = V::load(x.offset(m as isize * self.x_stride).add(at));
                    for (sum, value) in row.iter_mut().zip(right) {
                        *sum = left.times_plus(value, *sum);
                    }
                }
                at += V::LANES;
            }
            if at < self.depth {
                let mask = V::mask(self.depth - at);
                for (m, row) in sums.iter_mut().enumerate() {
                    let left = V::load_masked(x.offset(m as isize * self.x_stride).add(at), mask);
                    for (n, sum) in row.iter_mut().enumerate() {
                        let right = V::load_masked(y.offset(n as isize * self.y_stride).add(at), mask);
                        *sum = left.times_plus(right, *sum);
                    }
                }
            }
            for (m, row) in sums.iter().enumerate() {
                for (n, sum) in row.iter().enumerate() {
                    let offset = (i + m) as isize * self.c_many + (j + n) as isize * self.c_few;
                    let to = self.c.offset(offset);
                    *to = match self.accumulate {
                        Accumulate::Replace => sum.sum(),
                        Accumulate::Add => (*to).plus(sum.sum()),
                    };
                }
            }
        }
    }
}
