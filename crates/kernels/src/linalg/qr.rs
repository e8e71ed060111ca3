//! A = Q R by Householder reflections.

use super::real::{Machine, Real, scales};
use super::reflectors::{GROUP, Reflectors, reflect};

/// `a`, m × n, becomes R (zeros below the diagonal); the reflections whose product is Q are returned. The numbers are
/// expected to be finite and near 1 (see [`scales`]).
pub fn factor<T: Real>(on: Machine, a: &mut [T], m: usize, n: usize) -> Reflectors<T> {
    let mut reflectors = Reflectors::new(m, 0);
    let count = m.min(n);
    let mut weights = [T::ZERO; GROUP];
    for start in (0..count).step_by(GROUP) {
        let end = (start + GROUP).min(count);
        for j in start..end {
            let mut vector: Vec<T> = (j..m).map(|i| a[i * n + j]).collect();
            let (factor, beta) = reflect(on, &mut vector);
            a[j * n + j] = beta;
            (j + 1..m).for_each(|i| a[i * n + j] = T::ZERO);
            let weights = &mut weights[..end - j - 1];
            weights.fill(T::ZERO);
            for (i, v) in (j..m).zip(&vector) {
                on.add_scaled(weights, *v * factor, &a[i * n + j + 1..i * n + end]);
            }
            for (i, v) in (j..m).zip(&vector) {
                on.add_scaled(&mut a[i * n + j + 1..i * n + end], -*v, weights);
            }
            reflectors.push(&vector, factor);
        }
        if end < n {
            reflectors.apply(on, start..end, true, &mut a[start * n + end..], n, n - end);
        }
    }
    reflectors
}

/// Q with `columns` columns and R with as many rows, of an m × n matrix; NaN if a number is not finite.
pub fn qr<T: Real>(on: Machine, a: &[T], size: [usize; 2], columns: usize, q: &mut [T], r: &mut [T]) {
    let [m, n] = size;
    let Some((down, up)) = scales(a) else {
        q.fill(T::NAN);
        return r.fill(T::NAN);
    };
    let mut work: Vec<T> = a.iter().map(|x| *x * down).collect();
    let reflectors = factor(on, &mut work, m, n);
    q.copy_from_slice(&reflectors.form(on, columns));
    r.iter_mut().zip(&work).for_each(|(r, x)| *r = *x * up);
}
