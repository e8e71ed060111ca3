//! Curves with noise.

use crate::Randomness;

const POLYNOMIAL: u64 = u64::from_be_bytes(*b"POLYNOMI");

/// Points on a noisy curve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolynomialData {
    /// Where the curve was measured; `[n]`.
    pub x: Vec<f64>,
    /// The curve and noise; `[n]`.
    pub y: Vec<f64>,
    /// The curve without noise; `[n]`.
    pub clean: Vec<f64>,
}

/// `count` measurements of a polynomial:
///
/// ```text
/// x ~ U(low, high)
/// y = Σ_d coefficients[d] · x^d + noise · N(0, 1)
/// ```
///
/// # Examples
/// ```
/// // 1 + 2x, without noise.
/// let data = bolete_data::synthetic::polynomial(10, &[1.0, 2.0], (0.0, 1.0), 0.0, 3);
/// assert!(data.x.iter().zip(&data.y).all(|(x, y)| (1.0 + 2.0 * x - y).abs() < 1e-12));
/// ```
pub fn polynomial(
    count: usize,
    coefficients: &[f64],
    (low, high): (f64, f64),
    noise: f64,
    seed: u64,
) -> PolynomialData {
    let mut randomness = Randomness::keyed(&[POLYNOMIAL, seed]);
    let mut data = PolynomialData::default();
    for _ in 0..count {
        let x = low + (high - low) * randomness.uniform_double();
        let clean = coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient);
        data.x.push(x);
        data.clean.push(clean);
        data.y.push(clean + noise * randomness.normal_double());
    }
    data
}

/// The regression problem of lecture 1: `x ~ U(-10, 10)` and `y = g(x) + 10 · N(0, 1)` with
///
/// ```text
/// g(x) = 0.1 (x - 2)³ + x² - 6x + 1
///      = 0.2 - 4.8 x + 0.4 x² + 0.1 x³
/// ```
///
/// The course trains on 15 points and tests on 10,000.
pub fn course_polynomial(count: usize, seed: u64) -> PolynomialData {
    polynomial(count, &[0.2, -4.8, 0.4, 0.1], (-10.0, 10.0), 10.0, seed)
}
