//! The matrix exponential by scaling and squaring with Padé approximants (Higham, "The scaling and squaring method for
//! the matrix exponential revisited", 2005).

use crate::gemm::Accumulate;

use super::lu::{lu, solve};
use super::product::Part;
use super::real::{Machine, Real, identity};

/// Largest 1-norms for which the approximants of degree 3, 5, 7, 9 and 13 are exact to double precision.
const LIMITS: [(usize, f64); 5] = [
    (3, 1.495_585_217_958_292e-2),
    (5, 2.539_398_330_063_23e-1),
    (7, 9.504_178_996_162_932e-1),
    (9, 2.097_847_961_257_068),
    (13, 5.371_920_351_148_152),
];

/// The numerator's coefficients of the approximant of degree m, times those of the smallest power of the denominator:
/// (2m − k)! m! / ((2m)! (m − k)! k!).
fn coefficients(degree: usize) -> Vec<f64> {
    let mut result = vec![1.0];
    for k in 1..=degree {
        let ratio = (degree + 1 - k) as f64 / (k * (2 * degree + 1 - k)) as f64;
        result.push(result[k - 1] * ratio);
    }
    result
}

/// The exponential of the n × n matrix `a`; NaN if a number is not finite.
pub fn exponential<T: Real>(on: Machine, a: &[T], n: usize, result: &mut [T]) {
    if a.iter().any(|x| !x.is_finite()) {
        return result.fill(T::NAN);
    }
    let column_sum = |j: usize| (0..n).fold(0.0, |sum, i| sum + a[i * n + j].abs().double());
    let norm = (0..n).map(column_sum).fold(0.0, f64::max);
    let fitting = LIMITS.iter().find(|(_, limit)| norm <= *limit);
    let (degree, halvings) = match fitting {
        Some((degree, _)) => (*degree, 0),
        // Even the largest number has less than 1100 halvings; a norm that overflows asks for more.
        None => (13, ((norm / LIMITS[4].1).log2().ceil() as i32).clamp(0, 1100)),
    };
    // In two steps where 2⁻ˢ itself would vanish.
    let half = T::of(2f64.powi(-(halvings / 2)));
    let other = T::of(2f64.powi(-(halvings - halvings / 2)));
    let a: Vec<T> = a.iter().map(|x| *x * half * other).collect();
    let product = |x: &[T], y: &[T]| {
        let mut z = vec![T::ZERO; n * n];
        on.multiply(&mut z, n, [n, n, n], Part::new(x, n), Part::new(y, n), Accumulate::Replace);
        z
    };
    let c = coefficients(degree);
    let mut powers = vec![identity::<T>(n, n), product(&a, &a)];
    while powers.len() <= (degree / 2).min(3) {
        powers.push(product(&powers[powers.len() - 1], &powers[1]));
    }
    if degree == 9 {
        powers.push(product(&powers[3], &powers[1]));
    }
    let combine = |first: usize, count: usize| {
        let mut sum = vec![T::ZERO; n * n];
        for (power, matrix) in powers.iter().enumerate().take(count) {
            on.add_scaled(&mut sum, T::of(c[first + 2 * power]), matrix);
        }
        sum
    };
    let [even, odd] = [0, 1].map(|parity| {
        if degree < 13 {
            return combine(parity, degree / 2 + 1);
        }
        // Powers above the sixth through one product.
        let mut high = vec![T::ZERO; n * n];
        for power in 1..=3 {
            on.add_scaled(&mut high, T::of(c[6 + parity + 2 * power]), &powers[power]);
        }
        let mut sum = combine(parity, 4);
        on.add_scaled(&mut sum, T::ONE, &product(&powers[3], &high));
        sum
    });
    let odd = product(&a, &odd);
    let mut numerator = even.clone();
    on.add_scaled(&mut numerator, T::ONE, &odd);
    let mut denominator = even;
    on.add_scaled(&mut denominator, -T::ONE, &odd);
    let pivoting = lu(on, &mut denominator, n, n);
    solve(on, &denominator, |i| pivoting.rows[i], [n, n], false, &numerator, result);
    for _ in 0..halvings {
        let square = product(result, result);
        result.copy_from_slice(&square);
    }
}
