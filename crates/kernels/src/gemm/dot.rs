//! Products with few rows or few columns whose operands are both contiguous along the depth: many dot products at the
//! speed of memory.

use super::Accumulate;
use super::element::Number;
use super::tile::VectorKernel;
use super::vector::Vector;
use super::weights::WeightFormat;

/// Bytes that long lines are read ahead: the hardware stops at the end of a page.
const AHEAD: usize = 2048;
/// The next lines are fetched where they are at most this far, in bytes: with shorter ones the hardware hardly begins.
const NEAR: usize = 16 << 10;
/// Bytes that are fetched at a time.
const LINE: usize = 64;

/// `c[i, j] = many[i] . few[j]`, where `many` is read once, and `few` are at most [`Number::MOST_FEW`].
#[derive(Clone, Copy)]
pub struct Dots<N: Number, W: WeightFormat<N>> {
    /// Number of vectors on the one side.
    pub many: usize,
    /// Number of vectors on the other side.
    pub few: usize,
    /// Length of the vectors.
    pub depth: usize,
    /// First vector of the one side.
    pub x: *const W::Stored,
    /// From vector to vector, in what is stored.
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

impl<N: Number, W: WeightFormat<N>> VectorKernel<N> for Dots<N, W> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(self) {
        // SAFETY: the caller vouches for all vectors and results, and for the instructions. As many vectors go side by
        // side as leave all sums and all pointers in registers.
        unsafe {
            match self.few {
                0 => {}
                1 => self.all::<V, 4, 1>(),
                2 => self.all::<V, 4, 2>(),
                3 => self.all::<V, 4, 3>(),
                4 => self.all::<V, 4, 4>(),
                5 if N::MOST_FEW > 4 => self.all::<V, 2, 5>(),
                6 if N::MOST_FEW > 4 => self.all::<V, 2, 6>(),
                7 if N::MOST_FEW > 4 => self.all::<V, 2, 7>(),
                8 if N::MOST_FEW > 4 => self.all::<V, 2, 8>(),
                _ => unreachable!("{} vectors are not few", self.few),
            }
        }
    }
}

impl<N: Number, W: WeightFormat<N>> Dots<N, W> {
    #[inline(always)]
    unsafe fn all<V: Vector<Element = N>, const X: usize, const Y: usize>(&self) {
        let mut i = 0;
        // SAFETY: the caller vouches for all of `many` and `Y` of `few`.
        unsafe {
            while i + X <= self.many {
                self.tile::<V, X, Y>(i);
                i += X;
            }
            while i < self.many {
                self.tile::<V, 1, Y>(i);
                i += 1;
            }
        }
    }

    /// `X x Y` dot products, each in the same order whatever the tile.
    // Indices run over several arrays at once.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    unsafe fn tile<V: Vector<Element = N>, const X: usize, const Y: usize>(&self, i: usize) {
        // SAFETY: the caller vouches for the vectors, the results and the instructions.
        unsafe {
            let mut x = [self.x; X];
            for (m, line) in x.iter_mut().enumerate() {
                *line = line.wrapping_offset((i + m) as isize * self.x_stride);
            }
            let size = size_of::<W::Stored>();
            let next = X * self.x_stride.unsigned_abs();
            let near = next * size <= NEAR;
            // What is stored in a line, and what of each vector is read in a step.
            let line = if size < LINE { LINE / size } else { 1 };
            let step = V::LANES.div_ceil(W::WEIGHTS);
            let mut sums = [[V::zero(); Y]; X];
            let mut at = 0;
            while at + V::LANES <= self.depth {
                let begun = at / W::WEIGHTS;
                if near {
                    // The next lines in the order of memory, which is better at that than at four places in turn.
                    let mut ahead = 0;
                    while ahead < X * step {
                        V::prefetch_far(x[0].wrapping_add(next + X * begun + ahead).cast());
                        ahead += line;
                    }
                } else if begun.is_multiple_of(line) {
                    for m in 0..X {
                        V::prefetch_far(x[m].wrapping_add(AHEAD / size + begun).cast());
                    }
                }
                let mut left = [V::zero(); X];
                for m in 0..X {
                    left[m] = W::load::<V>(x[m], at, V::LANES);
                }
                for n in 0..Y {
                    let right = V::load(self.y.offset(n as isize * self.y_stride).add(at));
                    for m in 0..X {
                        sums[m][n] = left[m].times_plus(right, sums[m][n]);
                    }
                }
                at += V::LANES;
            }
            if at < self.depth {
                let mask = V::mask(self.depth - at);
                for m in 0..X {
                    let left = W::load::<V>(x[m], at, self.depth - at);
                    for n in 0..Y {
                        let right = V::load_masked(self.y.offset(n as isize * self.y_stride).add(at), mask);
                        sums[m][n] = left.times_plus(right, sums[m][n]);
                    }
                }
            }
            for (m, row) in sums.iter().enumerate() {
                for (n, sum) in row.iter().enumerate() {
                    let offset = (i + m) as isize * self.c_many + n as isize * self.c_few;
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
