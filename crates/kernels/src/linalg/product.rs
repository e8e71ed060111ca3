//! Matrix products of parts of slices: what the blocked factorisations spend their time in.

use crate::gemm::{Accumulate, Gemm, MatrixView, MatrixViewMut, gemm};

use super::real::{Machine, Real};

/// A matrix to read, from the first element of `data` on.
#[derive(Clone, Copy)]
pub struct Part<'a, T> {
    data: &'a [T],
    row: usize,
    column: usize,
}

impl<'a, T> Part<'a, T> {
    /// With contiguous rows `stride` apart.
    pub fn new(data: &'a [T], stride: usize) -> Part<'a, T> {
        Part { data, row: stride, column: 1 }
    }

    /// The transpose.
    pub fn t(self) -> Part<'a, T> {
        Part { row: self.column, column: self.row, ..self }
    }

    fn view(&self, rows: usize, columns: usize) -> MatrixView<T> {
        let last = (rows.max(1) - 1) * self.row + (columns.max(1) - 1) * self.column;
        assert!(rows * columns == 0 || last < self.data.len(), "the part lies within its slice");
        MatrixView {
            ptr: self.data.as_ptr(),
            row_stride: self.row as isize,
            column_stride: self.column as isize,
            batch_stride: 0,
        }
    }
}

impl Machine<'_> {
    /// C = A B or C += A B, for A of `size = [m, n, k]` m × k, B of k × n, and C with rows `stride` apart.
    ///
    /// # Panics
    /// If a matrix does not lie within its slice.
    pub fn multiply<T: Real>(
        &self,
        c: &mut [T],
        stride: usize,
        size: [usize; 3],
        a: Part<T>,
        b: Part<T>,
        accumulate: Accumulate,
    ) {
        let [m, n, k] = size;
        if m * n == 0 {
            return;
        }
        assert!(n <= stride && (m - 1) * stride + n <= c.len(), "the result lies within its slice");
        let product = Gemm {
            batch: 1,
            m,
            n,
            k,
            a: a.view(m, k),
            b: b.view(k, n),
            c: MatrixViewMut { ptr: c.as_mut_ptr(), row_stride: stride as isize, batch_stride: 0 },
            accumulate,
        };
        // SAFETY: the views lie within their slices, as asserted; C is borrowed mutably, so that it overlaps neither
        // A nor B and nobody else writes to it; rows of C are at least n apart, so that its elements are distinct.
        unsafe { gemm(self.pool, self.isa, &product, None) }
    }
}
