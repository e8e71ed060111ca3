//! P A = L U with partial pivoting, in place.

use crate::gemm::Accumulate;

use super::product::Part;
use super::real::{Machine, Real};
use super::triangular::{self, Shape};

const BLOCK: usize = 32;

/// How rows were exchanged.
pub struct Pivoting {
    /// Row i of P A is row `rows[i]` of A.
    pub rows: Vec<usize>,
    /// Whether the number of exchanges is odd.
    pub odd: bool,
}

/// `a`, m × n, becomes U on and above the diagonal, and L, whose diagonal is ones, below. A column without a pivot
/// leaves a zero on the diagonal of U.
pub fn lu<T: Real>(on: Machine, a: &mut [T], m: usize, n: usize) -> Pivoting {
    let mut pivoting = Pivoting { rows: (0..m).collect(), odd: false };
    let count = m.min(n);
    for start in (0..count).step_by(BLOCK) {
        let end = (start + BLOCK).min(count);
        for j in start..end {
            // A NaN is larger than all, so that it spreads.
            let size = |i: usize| a[i * n + j].abs();
            let pivot = (j + 1..m).fold(j, |best, i| if size(i) <= size(best) { best } else { i });
            if pivot != j {
                let (above, below) = a.split_at_mut(pivot * n);
                above[j * n..(j + 1) * n].swap_with_slice(&mut below[..n]);
                pivoting.rows.swap(j, pivot);
                pivoting.odd = !pivoting.odd;
            }
            let (above, below) = a.split_at_mut((j + 1) * n);
            let row = &above[j * n..];
            if row[j] == T::ZERO {
                continue;
            }
            for other in below.chunks_exact_mut(n) {
                let factor = other[j] / row[j];
                other[j] = factor;
                on.add_scaled(&mut other[j + 1..end], -factor, &row[j + 1..end]);
            }
        }
        if end == n {
            continue;
        }
        let (width, rest) = (end - start, n - end);
        let copy = |a: &[T], rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
            rows.flat_map(|i| a[i * n + columns.start..i * n + columns.end].to_vec()).collect::<Vec<T>>()
        };
        let diagonal = copy(a, start..end, start..end);
        let mut right = copy(a, start..end, end..n);
        triangular::solve(
            on,
            Shape { unit: true, ..Shape::default() },
            &diagonal,
            width,
            width,
            &mut right,
            rest,
        );
        for (i, row) in right.chunks_exact(rest).enumerate() {
            a[(start + i) * n + end..(start + i + 1) * n].copy_from_slice(row);
        }
        if end < m {
            let mut left = copy(a, end..m, start..end);
            left.iter_mut().for_each(|x| *x = -*x);
            on.multiply(
                &mut a[end * n + end..],
                n,
                [m - end, rest, width],
                Part::new(&left, width),
                Part::new(&right, rest),
                Accumulate::Add,
            );
        }
    }
    pivoting
}

/// Solves A X = B, or Aᵀ X = B, from the factors of A and the rows of P, for `size = [n, columns]` n × n matrices A and
/// n × `columns` matrices B and X. NaN if a pivot is zero.
pub fn solve<T: Real>(
    on: Machine,
    factors: &[T],
    rows: impl Fn(usize) -> usize,
    size: [usize; 2],
    transposed: bool,
    b: &[T],
    x: &mut [T],
) {
    let [n, columns] = size;
    if (0..n).any(|i| factors[i * n + i] == T::ZERO) {
        return x.fill(T::NAN);
    }
    let lower = Shape { transposed, unit: true, upper: false };
    let upper = Shape { transposed, unit: false, upper: true };
    let row = |i: usize| i * columns..(i + 1) * columns;
    if transposed {
        let mut y = b.to_vec();
        triangular::solve(on, upper, factors, n, n, &mut y, columns);
        triangular::solve(on, lower, factors, n, n, &mut y, columns);
        (0..n).for_each(|i| x[row(rows(i))].copy_from_slice(&y[row(i)]));
    } else {
        (0..n).for_each(|i| x[row(i)].copy_from_slice(&b[row(rows(i))]));
        triangular::solve(on, lower, factors, n, n, x, columns);
        triangular::solve(on, upper, factors, n, n, x, columns);
    }
}
