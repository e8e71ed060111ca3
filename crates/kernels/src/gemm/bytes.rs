//! Products of bytes, signed or not, summed in 32 bits: what quantised networks are made of.

use super::block::{Access, Block, Cut, even_depth};
use super::element::GemmElement;
use super::operand::Strided;
use super::tile::TileSize;
use super::{Accumulate, MatrixView, MatrixViewMut};
use crate::isa::Isa;
use crate::threads::Pool;
use std::ops::Range;

/// Products of a task at least.
const TASK_PRODUCTS: usize = 256 << 10;

/// A number of eight bits.
pub trait Byte: Copy + Send + Sync + 'static {
    /// Whether it has a sign.
    const SIGNED: bool;

    /// Its value.
    fn value(self) -> i32;
    /// The number of the lowest eight bits.
    fn wrapped(value: i32) -> Self;
}

/// A byte as an operand whose products are summed in 32 bits.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Wide<B>(pub B);

impl<B: Byte> GemmElement for Wide<B> {
    type Sum = i32;
    const NATIVE: bool = false;
    #[inline(always)]
    fn widen(self) -> i32 {
        self.0.value()
    }
    #[inline(always)]
    fn narrow(sum: i32) -> Wide<B> {
        Wide(B::wrapped(sum))
    }
}

impl Byte for i8 {
    const SIGNED: bool = true;
    #[inline(always)]
    fn value(self) -> i32 {
        self as i32
    }
    #[inline(always)]
    fn wrapped(value: i32) -> i8 {
        value as i8
    }
}

impl Byte for u8 {
    const SIGNED: bool = false;
    #[inline(always)]
    fn value(self) -> i32 {
        self as i32
    }
    #[inline(always)]
    fn wrapped(value: i32) -> u8 {
        value as u8
    }
}

/// The product of an `[m, k]` by a `[k, n]` matrix of bytes. Batch strides are without meaning.
#[derive(Clone, Copy, Debug)]
pub struct ByteProduct<A, B> {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// A, `[m, k]`.
    pub a: MatrixView<A>,
    /// B, `[k, n]`.
    pub b: MatrixView<B>,
    /// C, `[m, n]`.
    pub c: MatrixViewMut<i32>,
    /// What happens to the values in C.
    pub accumulate: Accumulate,
}

// SAFETY: the pointers are only followed by `multiply_bytes`, whose caller vouches for the memory behind them.
unsafe impl<A: Sync, B: Sync> Sync for ByteProduct<A, B> {}

/// Computes a product of bytes on `pool`, exactly but for sums beyond 32 bits, which wrap. Where [`Isa::Avx512`] finds
/// AVX512_VNNI, four products are one instruction.
///
/// # Safety
/// Every element that the sizes and strides name is valid, for reading in `a` and `b`, for writing in `c` (and
/// initialised there for [`Accumulate::Add`]); the elements of `c` are distinct and overlap neither `a` nor `b`; nobody
/// else writes to any of them during the call.
///
/// # Panics
/// If the machine lacks `isa`.
pub unsafe fn multiply_bytes<A: Byte, B: Byte>(pool: &Pool, isa: Isa, product: &ByteProduct<A, B>) {
    let &ByteProduct { m, n, k, .. } = product;
    if m == 0 || n == 0 {
        return;
    }
    let tile = TileSize::of::<i32>(isa);
    let most = (m * n * k.max(1)).div_ceil(TASK_PRODUCTS);
    let wanted = if pool.size() == 1 { 1 } else { most.min(2 * pool.size()) };
    let by_rows = m >= n;
    let (extent, unit) = if by_rows { (m, tile.rows) } else { (n, tile.columns) };
    let step = extent.div_ceil(wanted).next_multiple_of(unit);
    pool.run(extent.div_ceil(step), &|task| {
        let start = task * step;
        let count = step.min(extent - start);
        let (rows, columns) = match by_rows {
            true => (start..start + count, 0..n),
            false => (0..m, start..start + count),
        };
        // SAFETY: the caller vouches for the product, of which tasks are disjoint parts.
        unsafe { product.part(isa, rows, columns) }
    });
}

impl<A: Byte, B: Byte> ByteProduct<A, B> {
    /// Computes some rows and columns.
    ///
    /// # Safety
    /// As for [`multiply_bytes`].
    unsafe fn part(&self, isa: Isa, rows: Range<usize>, columns: Range<usize>) {
        let &ByteProduct { k, a, b, c, accumulate, .. } = self;
        let (row, column, rows, columns) = (rows.start, columns.start, rows.len(), columns.len());
        let left = Strided::<Wide<A>> {
            ptr: a.ptr.cast::<Wide<A>>().wrapping_offset(row as isize * a.row_stride),
            row: a.row_stride,
            column: a.column_stride,
        };
        let right = Strided::<Wide<B>> {
            ptr: b.ptr.cast::<Wide<B>>().wrapping_offset(column as isize * b.column_stride),
            row: b.row_stride,
            column: b.column_stride,
        };
        let to = c.ptr.wrapping_offset(row as isize * c.row_stride).wrapping_add(column);
        // Blocks of 32-bit numbers that bytes are widened to; the instructions for groups cut differently.
        let cut = Cut { depth: even_depth(k), left: Access::Packed, right: Access::Packed };
        let (left, right) = (&left, &right);
        let block =
            Block { rows, columns, depth: k, left, right, c: to, c_row: c.row_stride, accumulate, cut };
        // SAFETY: the caller vouches for the product, of which this is a part.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            if isa == Isa::Avx512 && super::x86_groups::multiply_fours(&block) {
                return;
            }
            block.run(isa);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<A: Byte, B: Byte>([m, n, k]: [usize; 3], layouts: [usize; 2], accumulate: Accumulate) {
        let byte = |index: usize| (index.wrapping_mul(2654435761) >> 9) as i32;
        let a: Vec<A> = (0..2 * m * k).map(|index| A::wrapped(byte(index))).collect();
        let b: Vec<B> = (0..2 * n * k).map(|index| B::wrapped(byte(index + 7))).collect();
        // Rows contiguous, columns contiguous, neither.
        let strides = |layout: usize, rows: usize, columns: usize| match layout {
            0 => (columns, 1),
            1 => (1, rows),
            _ => (2 * columns, 2),
        };
        let ((a_row, a_column), (b_row, b_column)) = (strides(layouts[0], m, k), strides(layouts[1], k, n));
        for &isa in Isa::available() {
            for pool in [Pool::new(1), Pool::new(3)] {
                let mut c = vec![-3; m * (n + 1)];
                let product = ByteProduct {
                    m,
                    n,
                    k,
                    a: MatrixView {
                        ptr: a.as_ptr(),
                        row_stride: a_row as isize,
                        column_stride: a_column as isize,
                        batch_stride: 0,
                    },
                    b: MatrixView {
                        ptr: b.as_ptr(),
                        row_stride: b_row as isize,
                        column_stride: b_column as isize,
                        batch_stride: 0,
                    },
                    c: MatrixViewMut { ptr: c.as_mut_ptr(), row_stride: n as isize + 1, batch_stride: 0 },
                    accumulate,
                };
                // SAFETY: the vectors have these sizes.
                unsafe { multiply_bytes(&pool, isa, &product) };
                for row in 0..m {
                    for column in 0..n {
                        let products = (0..k).map(|at| {
                            a[row * a_row + at * a_column].value() * b[at * b_row + column * b_column].value()
                        });
                        let before = if accumulate == Accumulate::Add { -3 } else { 0 };
                        let expected = before + products.sum::<i32>();
                        let actual = c[row * (n + 1) + column];
                        assert_eq!(actual, expected, "{isa:?} {m} {n} {k} {layouts:?} at {row}, {column}");
                    }
                    assert_eq!(c[row * (n + 1) + n], -3, "{isa:?}: written beyond the row");
                }
            }
        }
    }

    #[test]
    fn bytes_multiply_exactly() {
        let sizes = [
            [0, 3, 2],
            [3, 0, 2],
            [2, 3, 0],
            [1, 1, 1],
            [1, 33, 5],
            [13, 31, 63],
            [12, 32, 64],
            [25, 70, 66],
            [3, 100, 257],
            [100, 7, 130],
            [61, 97, 3200],
        ];
        for sizes in sizes {
            for layouts in [[0, 0], [0, 1], [1, 0], [1, 1], [2, 2]] {
                check::<i8, i8>(sizes, layouts, Accumulate::Replace);
                check::<u8, i8>(sizes, layouts, Accumulate::Add);
                check::<i8, u8>(sizes, layouts, Accumulate::Add);
                check::<u8, u8>(sizes, layouts, Accumulate::Replace);
            }
        }
    }
}
