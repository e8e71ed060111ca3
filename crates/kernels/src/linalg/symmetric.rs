//! Eigenvalues and eigenvectors of symmetric matrices: Householder tridiagonalisation, then implicit QL (Golub and Van
//! Loan, "Matrix Computations", 8.3).

use super::real::{Machine, Real, scales, transposed};
use super::reflectors::{Reflectors, reflect};

/// Sweeps after which a matrix is given up, per eigenvalue. Two are usual.
const SWEEPS: usize = 60;

/// A symmetric matrix as Q T Qᵀ with tridiagonal T.
struct Tridiagonal<T> {
    diagonal: Vec<T>,
    /// Beside the diagonal; one number longer than that, the last is zero.
    beside: Vec<T>,
    reflectors: Reflectors<T>,
}

/// Reads and destroys the lower triangle of `a`.
fn tridiagonalise<T: Real>(on: Machine, a: &mut [T], n: usize) -> Tridiagonal<T> {
    let mut result = Tridiagonal {
        diagonal: vec![T::ZERO; n],
        beside: vec![T::ZERO; n],
        reflectors: Reflectors::new(n, 1),
    };
    for k in 0..n.saturating_sub(1) {
        let from = k + 1;
        let mut vector: Vec<T> = (from..n).map(|i| a[i * n + k]).collect();
        let (factor, beta) = reflect(on, &mut vector);
        (result.diagonal[k], result.beside[k]) = (a[k * n + k], beta);
        result.reflectors.push(&vector, factor);
        if factor == T::ZERO {
            continue;
        }
        // p = τ A v from the lower triangle, then A − v wᵀ − w vᵀ with w = p − ½ τ (pᵀ v) v.
        let mut weights = vec![T::ZERO; vector.len()];
        for (i, row) in a[from * n..].chunks_exact(n).enumerate() {
            let row = &row[from..=from + i];
            weights[i] += on.dot(row, &vector[..=i]);
            on.add_scaled(&mut weights[..i], vector[i], &row[..i]);
        }
        weights.iter_mut().for_each(|x| *x *= factor);
        let half = T::of(0.5) * factor * on.dot(&weights, &vector);
        on.add_scaled(&mut weights, -half, &vector);
        for (i, row) in a[from * n..].chunks_exact_mut(n).enumerate() {
            let row = &mut row[from..=from + i];
            on.add_scaled(row, -vector[i], &weights[..=i]);
            on.add_scaled(row, -weights[i], &vector[..=i]);
        }
    }
    if n > 0 {
        result.diagonal[n - 1] = a[n * n - 1];
    }
    result
}

/// Implicit QL on a tridiagonal matrix: `diagonal` becomes the eigenvalues, and the n rows of `vectors` (none, or a
/// square) are rotated along. `false` if it does not converge.
fn implicit_ql<T: Real>(on: Machine, diagonal: &mut [T], beside: &mut [T], vectors: &mut [T]) -> bool {
    let n = diagonal.len();
    let tiny = T::SMALLEST / T::EPSILON;
    for l in 0..n {
        let mut sweeps = 0;
        loop {
            let negligible =
                |m: usize| beside[m].abs() <= tiny + T::EPSILON * (diagonal[m].abs() + diagonal[m + 1].abs());
            let m = (l..n - 1).find(|m| negligible(*m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            sweeps += 1;
            if sweeps > SWEEPS {
                return false;
            }
            let two = T::of(2.0);
            let mut g = (diagonal[l + 1] - diagonal[l]) / (two * beside[l]);
            g = diagonal[m] - diagonal[l] + beside[l] / (g + g.hypot(T::ONE).copysign(g));
            let (mut sine, mut cosine, mut shift) = (T::ONE, T::ONE, T::ZERO);
            let mut split = false;
            for i in (l..m).rev() {
                let (f, b) = (sine * beside[i], cosine * beside[i]);
                let r = f.hypot(g);
                beside[i + 1] = r;
                if r == T::ZERO {
                    diagonal[i + 1] -= shift;
                    beside[m] = T::ZERO;
                    split = true;
                    break;
                }
                (sine, cosine) = (f / r, g / r);
                g = diagonal[i + 1] - shift;
                let r = (diagonal[i] - g) * sine + two * cosine * b;
                shift = sine * r;
                diagonal[i + 1] = g + shift;
                g = cosine * r - b;
                if !vectors.is_empty() {
                    // Row i + 1 becomes s z_i + c z_{i+1}, and row i becomes c z_i − s z_{i+1}.
                    on.rotate_rows(vectors, n, i, cosine, -sine);
                }
            }
            if !split {
                diagonal[l] -= shift;
                beside[l] = g;
                beside[m] = T::ZERO;
            }
        }
    }
    true
}

/// The eigenvalues of the symmetric matrix whose lower triangle is in `a`, ascending, and unless `vectors` is empty
/// the eigenvectors as its columns. NaN if a number is not finite.
pub fn eigh<T: Real>(on: Machine, a: &[T], n: usize, values: &mut [T], vectors: &mut [T]) {
    let scale = scales(a);
    let found = scale.and_then(|(down, _)| {
        let mut work: Vec<T> = a.iter().map(|x| *x * down).collect();
        let mut form = tridiagonalise(on, &mut work, n);
        let mut rows =
            if vectors.is_empty() { Vec::new() } else { transposed(&form.reflectors.form(on, n), n, n) };
        implicit_ql(on, &mut form.diagonal, &mut form.beside, &mut rows).then_some((form.diagonal, rows))
    });
    let (Some((_, up)), Some((found, rows))) = (scale, found) else {
        values.fill(T::NAN);
        return vectors.fill(T::NAN);
    };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| found[*i].partial_cmp(&found[*j]).unwrap_or(std::cmp::Ordering::Equal));
    for (to, from) in order.iter().enumerate() {
        values[to] = found[*from] * up;
        if !vectors.is_empty() {
            for (i, x) in rows[from * n..(from + 1) * n].iter().enumerate() {
                vectors[i * n + to] = *x;
            }
        }
    }
}
