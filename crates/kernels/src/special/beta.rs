//! The regularised incomplete beta function and its derivatives in the shapes.

use super::gamma::{ln_beta, polygamma};
use super::jet::Jet;

const MOST_TERMS: usize = 1_000_000;

/// The highest order in each shape of [`incomplete_beta`].
pub const HIGHEST_ORDER: usize = 4;

/// The derivative of order `i` in `a` and `j` in `b` of Iₓ(a, b) = ∫₀ˣ tᵃ⁻¹ (1 − t)ᵇ⁻¹ dt / B(a, b). NaN unless a and b
/// are positive and x is in [0, 1].
///
/// The continued fraction of DiDonato and Morris (1992) in the form of Lentz, of the side that converges quickly.
///
/// # Panics
/// If an order exceeds [`HIGHEST_ORDER`].
pub fn incomplete_beta(i: usize, j: usize, a: f64, b: f64, x: f64) -> f64 {
    let valid = a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&x) && a.is_finite() && b.is_finite();
    if !valid {
        return f64::NAN;
    }
    if x == 0.0 || x == 1.0 {
        return if i + j == 0 { x } else { 0.0 };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        let other = convergent(j, i, b, a, 1.0 - x);
        return if i + j == 0 { 1.0 - other } else { -other };
    }
    convergent(i, j, a, b, x)
}

fn convergent(i: usize, j: usize, a: f64, b: f64, x: f64) -> f64 {
    match i.max(j) {
        0 => fraction::<1>(a, b, x).value(),
        1 => fraction::<2>(a, b, x).derivative(i, j),
        2 => fraction::<3>(a, b, x).derivative(i, j),
        3 => fraction::<4>(a, b, x).derivative(i, j),
        4 => fraction::<5>(a, b, x).derivative(i, j),
        order => {
            panic!("incomplete beta: derivatives in a shape exist up to order {HIGHEST_ORDER}, not {order}")
        }
    }
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

/// ln B(a, b).
fn ln_beta_jet<const N: usize>(a: f64, b: f64) -> Jet<N, N> {
    let mut jet = Jet([[0.0; N]; N]);
    for (p, q) in (0..N).flat_map(|p| (0..N).map(move |q| (p, q))) {
        let own = match (p, q) {
            (0, 0) => {
                jet.0[0][0] = ln_beta(a, b);
                continue;
            }
            (_, 0) => polygamma(p - 1, a),
            (0, _) => polygamma(q - 1, b),
            _ => 0.0,
        };
        jet.0[p][q] = (own - polygamma(p + q - 1, a + b)) / (factorial(p) * factorial(q));
    }
    jet
}

fn fraction<const N: usize>(a: f64, b: f64, x: f64) -> Jet<N, N> {
    let (first, second) = (Jet::<N, N>::first(a), Jet::<N, N>::second(b));
    let one = Jet::constant(1.0);
    let sum = first + second;
    let mut c = one;
    let mut d = one / (one - sum.scaled(x) / (first + 1.0)).nonzero();
    let mut product = d;
    for m in 1..MOST_TERMS {
        let m = m as f64;
        let even = (second - m).scaled(m * x) / ((first + (2.0 * m - 1.0)) * (first + 2.0 * m));
        d = one / (one + even * d).nonzero();
        c = (one + even / c).nonzero();
        product = product * d * c;
        let odd = -((first + m) * (sum + m)).scaled(x) / ((first + 2.0 * m) * (first + (2.0 * m + 1.0)));
        d = one / (one + odd * d).nonzero();
        c = (one + odd / c).nonzero();
        let factor = d * c;
        product = product * factor;
        if factor.is_one(2e-16) {
            break;
        }
    }
    let exponent = first.scaled(x.ln()) + second.scaled((-x).ln_1p()) - ln_beta_jet(a, b);
    exponent.exp() * product / first
}
