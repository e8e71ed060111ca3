//! The product as it is defined, to test and measure the fast one against.

use super::element::{GemmElement, Number};
use super::{Accumulate, Gemm};

/// Computes `gemm` element by element, each a sum in order of depth.
///
/// # Safety
/// As for [`super::gemm`].
pub unsafe fn gemm<T: GemmElement>(gemm: &Gemm<T>) {
    let Gemm { a, b, c, .. } = gemm;
    let index = |batch: usize, stride: isize| batch as isize * stride;
    for batch in 0..gemm.batch {
        for row in 0..gemm.m {
            for column in 0..gemm.n {
                // SAFETY: the caller vouches for every element that the sizes and strides name.
                unsafe {
                    let from_a = a.ptr.offset(index(batch, a.batch_stride) + index(row, a.row_stride));
                    let from_b = b.ptr.offset(index(batch, b.batch_stride) + index(column, b.column_stride));
                    let to =
                        c.ptr.offset(index(batch, c.batch_stride) + index(row, c.row_stride)).add(column);
                    let mut sum = T::Sum::ZERO;
                    for depth in 0..gemm.k {
                        let left = (*from_a.offset(index(depth, a.column_stride))).widen();
                        let right = (*from_b.offset(index(depth, b.row_stride))).widen();
                        sum = left.times_plus(right, sum);
                    }
                    if gemm.accumulate == Accumulate::Add {
                        sum = (*to).widen().plus(sum);
                    }
                    *to = T::narrow(sum);
                }
            }
        }
    }
}
