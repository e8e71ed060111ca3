//! General matrices made ready for the QR iteration: balanced, then reduced to Hessenberg form.

use super::real::{Machine, Real};
use super::reflectors::{Reflectors, reflect};

/// Passes of balancing; a few are usual.
const PASSES: usize = 100;

/// Scales rows and columns by powers of two so that both have about the same norm (Parlett and Reinsch 1969, with the
/// 2-norm of James, Langou and Lowery 2014): D⁻¹ A D replaces A and D is returned.
pub fn balance<T: Real>(on: Machine, a: &mut [T], n: usize) -> Vec<T> {
    let mut scales = vec![T::ONE; n];
    let two = T::of(2.0);
    let limit = T::of(2f64.powi(T::LARGEST_EXPONENT / 2));
    for _ in 0..PASSES {
        let mut done = true;
        for i in 0..n {
            let column: Vec<T> = (0..n).filter(|k| *k != i).map(|k| a[k * n + i]).collect();
            let row: Vec<T> = (0..n).filter(|k| *k != i).map(|k| a[i * n + k]).collect();
            let (mut c, r) = (on.norm(&column), on.norm(&row));
            if c == T::ZERO || r == T::ZERO {
                continue;
            }
            let before = c.hypot(r);
            let mut factor = T::ONE;
            let mut row_norm = r;
            while c * two <= row_norm && factor * scales[i] < limit {
                (c, row_norm, factor) = (c * two, row_norm / two, factor * two);
            }
            while c >= row_norm * two && factor * scales[i] > T::ONE / limit {
                (c, row_norm, factor) = (c / two, row_norm * two, factor / two);
            }
            if factor != T::ONE && c.hypot(row_norm) < T::of(0.95) * before {
                done = false;
                scales[i] *= factor;
                (0..n).for_each(|k| a[i * n + k] /= factor);
                (0..n).for_each(|k| a[k * n + i] *= factor);
            }
        }
        if done {
            break;
        }
    }
    scales
}

/// `a` becomes H with A = Q H Qᵀ, zero below its first subdiagonal; the reflections whose product is Q are returned.
pub fn reduce<T: Real>(on: Machine, a: &mut [T], n: usize) -> Reflectors<T> {
    let mut reflectors = Reflectors::new(n, 1);
    for k in 0..n.saturating_sub(1) {
        let from = k + 1;
        let mut vector: Vec<T> = (from..n).map(|i| a[i * n + k]).collect();
        let (factor, beta) = reflect(on, &mut vector);
        a[from * n + k] = beta;
        (from + 1..n).for_each(|i| a[i * n + k] = T::ZERO);
        let mut weights = vec![T::ZERO; n - from];
        for (i, v) in (from..n).zip(&vector) {
            on.add_scaled(&mut weights, *v * factor, &a[i * n + from..(i + 1) * n]);
        }
        for (i, v) in (from..n).zip(&vector) {
            on.add_scaled(&mut a[i * n + from..(i + 1) * n], -*v, &weights);
        }
        for row in a.chunks_exact_mut(n) {
            let weight = on.dot(&row[from..], &vector) * factor;
            on.add_scaled(&mut row[from..], -weight, &vector);
        }
        reflectors.push(&vector, factor);
    }
    reflectors
}
