//! A = U Σ Vᵀ: a QR factorisation first if the matrix is tall, Householder bidiagonalisation, then the implicit QR
//! iteration of [`super::bidiagonal`].

use super::bidiagonal::diagonalise;
use super::qr;
use super::real::{Machine, Real, scales, transposed};
use super::reflectors::{Reflectors, reflect};

/// An m × n matrix, m ≥ n, as a product L B Rᵀ with upper bidiagonal B.
struct Bidiagonal<T> {
    diagonal: Vec<T>,
    above: Vec<T>,
    left: Reflectors<T>,
    right: Reflectors<T>,
}

fn bidiagonalise<T: Real>(on: Machine, a: &mut [T], m: usize, n: usize) -> Bidiagonal<T> {
    let mut result = Bidiagonal {
        diagonal: vec![T::ZERO; n],
        above: vec![T::ZERO; n.saturating_sub(1)],
        left: Reflectors::new(m, 0),
        right: Reflectors::new(n, 1),
    };
    let mut weights = vec![T::ZERO; n];
    for k in 0..n {
        let mut vector: Vec<T> = (k..m).map(|i| a[i * n + k]).collect();
        let (factor, beta) = reflect(on, &mut vector);
        result.diagonal[k] = beta;
        result.left.push(&vector, factor);
        if k + 1 == n {
            break;
        }
        let weights = &mut weights[k + 1..];
        weights.fill(T::ZERO);
        for (i, v) in (k..m).zip(&vector) {
            on.add_scaled(weights, *v * factor, &a[i * n + k + 1..(i + 1) * n]);
        }
        for (i, v) in (k..m).zip(&vector) {
            on.add_scaled(&mut a[i * n + k + 1..(i + 1) * n], -*v, weights);
        }
        let mut vector = a[k * n + k + 1..(k + 1) * n].to_vec();
        let (factor, beta) = reflect(on, &mut vector);
        result.above[k] = beta;
        for row in a[(k + 1) * n..].chunks_exact_mut(n) {
            let row = &mut row[k + 1..];
            let weight = on.dot(row, &vector) * factor;
            on.add_scaled(row, -weight, &vector);
        }
        result.right.push(&vector, factor);
    }
    result
}

/// Singular values, and the singular vectors as rows: `left` k × m, `right` k × n.
struct Rows<T> {
    values: Vec<T>,
    left: Vec<T>,
    right: Vec<T>,
}

/// Of an m × n matrix with m ≥ n.
fn tall<T: Real>(on: Machine, mut a: Vec<T>, m: usize, n: usize, vectors: bool) -> Option<Rows<T>> {
    if 2 * m > 3 * n {
        let reflectors = qr::factor(on, &mut a, m, n);
        a.truncate(n * n);
        let mut rows = tall(on, a, n, n, vectors)?;
        if vectors {
            let mut left = transposed(&rows.left, n, n);
            left.resize(m * n, T::ZERO);
            reflectors.apply_all(on, &mut left, n);
            rows.left = transposed(&left, m, n);
        }
        return Some(rows);
    }
    let Bidiagonal { mut diagonal, mut above, left, right } = bidiagonalise(on, &mut a, m, n);
    let rows_of = |reflectors: Reflectors<T>, length: usize| {
        if vectors { transposed(&reflectors.form(on, n), length, n) } else { Vec::new() }
    };
    let (mut left, mut right) = (rows_of(left, m), rows_of(right, n));
    if !diagonalise(on, &mut diagonal, &mut above, &mut left, &mut right) {
        return None;
    }
    for (index, value) in diagonal.iter_mut().enumerate() {
        if *value < T::ZERO && vectors {
            right[index * n..(index + 1) * n].iter_mut().for_each(|x| *x = -*x);
        }
        *value = value.abs();
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| diagonal[*j].partial_cmp(&diagonal[*i]).unwrap_or(std::cmp::Ordering::Equal));
    let sorted = |rows: &[T], length: usize| -> Vec<T> {
        let row = |index: &usize| rows[index * length..(index + 1) * length].iter().copied();
        if vectors { order.iter().flat_map(row).collect() } else { Vec::new() }
    };
    let values = order.iter().map(|index| diagonal[*index]).collect();
    Some(Rows { values, left: sorted(&left, m), right: sorted(&right, n) })
}

/// The singular values of an m × n matrix, descending, and unless they are empty U (m × k) and Vᵀ (k × n) with
/// k = min(m, n). NaN if a number is not finite.
pub fn svd<T: Real>(on: Machine, a: &[T], m: usize, n: usize, values: &mut [T], u: &mut [T], vh: &mut [T]) {
    let vectors = !(u.is_empty() && vh.is_empty());
    let scale = scales(a);
    let found = scale.and_then(|(down, _)| {
        let scaled: Vec<T> = a.iter().map(|x| *x * down).collect();
        if m >= n {
            tall(on, scaled, m, n, vectors)
        } else {
            let rows = tall(on, transposed(&scaled, m, n), n, m, vectors)?;
            Some(Rows { values: rows.values, left: rows.right, right: rows.left })
        }
    });
    let (Some((_, up)), Some(rows)) = (scale, found) else {
        [values, u, vh].into_iter().for_each(|part| part.fill(T::NAN));
        return;
    };
    values.iter_mut().zip(&rows.values).for_each(|(to, value)| *to = *value * up);
    if vectors {
        u.copy_from_slice(&transposed(&rows.left, m.min(n), m));
        vh.copy_from_slice(&rows.right);
    }
}
