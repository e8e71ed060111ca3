//! Products of which one operand has few rows or columns: the other is read once, where it lies.

use super::dot::Dots;
use super::element::GemmElement;
use super::stream::Stream;
use super::tile::dispatch;
use super::weights::Plain;
use super::{Accumulate, Gemm, store_row};
use crate::isa::Isa;
use crate::memory::with_scratch;

/// What is contiguous in the operand that is read once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// What is multiplied and summed: results are dot products. Both operands are so.
    Depth,
    /// Rows of B: results are sums of rows. Only for few rows of A.
    Columns,
}

/// Elements between lines of `depth` that are copied side by side, such that they do not compete for the same few
/// places in the cache.
pub fn apart(depth: usize) -> usize {
    depth.next_multiple_of(256) + 16
}

/// Whether lines that are read side by side had better be copied [`apart`]: `stride` bytes are a quarter of a page.
pub fn compete(count: usize, stride: usize) -> bool {
    count > 2 && stride.is_multiple_of(1024)
}

/// A part of a product.
pub struct Few<'a, T> {
    /// The whole.
    pub gemm: &'a Gemm<T>,
    /// How its large operand lies in memory.
    pub lines: Lines,
    /// Rows of the part.
    pub rows: usize,
    /// Columns of the part.
    pub columns: usize,
    /// First element of its rows of A.
    pub left: *const T,
    /// First element of its columns of B.
    pub right: *const T,
    /// First element of its part of C.
    pub to: *mut T,
}

/// The small operand and the result, in the type of sums.
struct Sums<N> {
    few: *const N,
    line: isize,
    depth: isize,
    c: *mut N,
    c_row: isize,
    accumulate: Accumulate,
}

impl<T: GemmElement> Few<'_, T> {
    /// Computes the part.
    ///
    /// # Safety
    /// The operands are valid, `lines` are contiguous and the small operand has at most [`MOST_FEW`](super::element::Number::MOST_FEW) of them;
    /// nobody else works on this part of C.
    ///
    /// # Panics
    /// If the machine lacks `isa`.
    pub unsafe fn compute(&self, isa: Isa) {
        let gemm = self.gemm;
        let of_rows = self.lines == Lines::Columns || gemm.m <= gemm.n;
        // First element, number of lines, and strides from line to line and along the depth.
        let (few, count, line, depth) = match of_rows {
            true => (self.left, self.rows, gemm.a.row_stride, gemm.a.column_stride),
            false => (self.right, self.columns, gemm.b.column_stride, gemm.b.row_stride),
        };
        let (c_row, accumulate) = (gemm.c.row_stride, gemm.accumulate);
        let many = self.rows.max(self.columns);
        let copy_native =
            self.lines == Lines::Depth && compete(count, line.unsigned_abs() * size_of::<T>()) && many >= 64;
        if T::NATIVE && !copy_native {
            let sums = Sums { few: few.cast(), line, depth, c: self.to.cast(), c_row, accumulate };
            // SAFETY: the caller vouches for the operands; `T` is the type of sums.
            return unsafe { self.sum(isa, of_rows, &sums) };
        }
        let apart = apart(gemm.k);
        let copied = count * apart;
        let results = if T::NATIVE { 0 } else { self.rows * self.columns };
        with_scratch((copied + results) * size_of::<T::Sum>(), |scratch| {
            let copy = scratch.as_mut_ptr().cast::<T::Sum>();
            let c = copy.wrapping_add(copied);
            for index in 0..count {
                for at in 0..gemm.k {
                    // SAFETY: the caller vouches for the operand; the scratch has room for `copied` numbers.
                    unsafe {
                        let from = few.offset(index as isize * line + at as isize * depth);
                        *copy.add(index * apart + at) = (*from).widen();
                    }
                }
            }
            let line = apart as isize;
            if T::NATIVE {
                let sums = Sums { few: copy, line, depth: 1, c: self.to.cast(), c_row, accumulate };
                // SAFETY: the caller vouches for the operands; `T` is the type of sums.
                return unsafe { self.sum(isa, of_rows, &sums) };
            }
            let c_row = self.columns as isize;
            let sums = Sums { few: copy, line, depth: 1, c, c_row, accumulate: Accumulate::Replace };
            // SAFETY: the caller vouches for the operands and for this part of C; the scratch has room for its sums.
            unsafe {
                self.sum(isa, of_rows, &sums);
                for row in 0..self.rows {
                    let to = self.to.offset(row as isize * gemm.c.row_stride);
                    store_row(c.add(row * self.columns), to, self.columns, accumulate);
                }
            }
        });
    }

    /// # Safety
    /// As for [`Few::compute`], with `sums` valid.
    unsafe fn sum(&self, isa: Isa, of_rows: bool, sums: &Sums<T::Sum>) {
        let gemm = self.gemm;
        let &Sums { few, line, depth, c, c_row, accumulate } = sums;
        if self.lines == Lines::Columns {
            let stream = Stream::<T::Sum, Plain<T>> {
                rows: self.rows,
                columns: self.columns,
                depth: gemm.k,
                a: few,
                a_row: line,
                a_depth: depth,
                b: self.right,
                b_depth: gemm.b.row_stride,
                c,
                c_row,
                accumulate,
            };
            // SAFETY: the caller vouches for the operands; rows of B are contiguous and those of A few.
            return unsafe { dispatch(isa, stream) };
        }
        let (many, few_count, x, x_stride, c_many, c_few) = match of_rows {
            true => (self.columns, self.rows, self.right, gemm.b.column_stride, 1, c_row),
            false => (self.rows, self.columns, self.left, gemm.a.row_stride, c_row, 1),
        };
        let dots = Dots::<T::Sum, Plain<T>> {
            many,
            few: few_count,
            depth: gemm.k,
            x,
            x_stride,
            y: few,
            y_stride: line,
            c,
            c_many,
            c_few,
            accumulate,
        };
        // SAFETY: the caller vouches for the operands, of which both are contiguous along the depth.
        unsafe { dispatch(isa, dots) }
    }
}
