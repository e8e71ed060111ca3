//! A = L Lᵀ for symmetric positive definite A, in place.

use crate::gemm::Accumulate;

use super::product::Part;
use super::real::{Machine, Real};

const BLOCK: usize = 48;

/// The lower triangle of the n × n matrix `a` becomes L, the rest zeros. `false` if the matrix is not positive definite
/// (or holds NaN); what `a` holds then means nothing.
pub fn cholesky<T: Real>(on: Machine, a: &mut [T], n: usize) -> bool {
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        // Row by row, in the columns of this block; columns before it have been subtracted from all.
        for i in start..n {
            let (above, own) = a.split_at_mut(i * n);
            for j in start..end.min(i + 1) {
                let (left, right) = own.split_at(j);
                let row = if j == i { left } else { &above[j * n..j * n + j] };
                let rest = right[0] - on.dot(&left[start..], &row[start..]);
                own[j] = if j < i {
                    rest / above[j * n + j]
                } else {
                    if !(rest > T::ZERO && rest.is_finite()) {
                        return false;
                    }
                    rest.sqrt()
                };
            }
        }
        let width = end - start;
        let negative: Vec<T> = (end..n)
            .flat_map(|i| a[i * n + start..i * n + end].iter().map(|x| -*x).collect::<Vec<T>>())
            .collect();
        let panel: Vec<T> = negative.iter().map(|x| -*x).collect();
        // Only blocks that reach below the diagonal.
        for column in (end..n).step_by(BLOCK) {
            let last = (column + BLOCK).min(n);
            on.multiply(
                &mut a[column * n + column..],
                n,
                [n - column, last - column, width],
                Part::new(&negative[(column - end) * width..], width),
                Part::new(&panel[(column - end) * width..], width).t(),
                Accumulate::Add,
            );
        }
    }
    for i in 0..n {
        a[i * n + i + 1..(i + 1) * n].fill(T::ZERO);
    }
    true
}
