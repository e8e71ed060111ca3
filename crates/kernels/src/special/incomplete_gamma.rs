//! The regularised incomplete gamma functions and their derivatives in the shape.

use super::gamma::{HALF_LN_TWO_PI, STIRLING, ln_gamma, ln_gamma_one_plus, polygamma};
use super::jet::Jet;

/// Iterations are bounded, so that nothing hangs; a tenth of this is enough up to shapes of 10⁸.
const MOST_TERMS: usize = 1_000_000;

/// Which of the two functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tail {
    /// P(a, x) = ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a).
    Lower,
    /// Q(a, x) = 1 − P(a, x).
    Upper,
}

/// The highest order of [`incomplete_gamma`].
pub const HIGHEST_ORDER: usize = 6;

/// The derivative of the given order in `a` (0 for the function itself). NaN for a ≤ 0 or x < 0.
///
/// The series of P below x = a + 1 and the continued fraction of Q above (Gautschi 1979).
///
/// # Panics
/// If the order exceeds [`HIGHEST_ORDER`].
pub fn incomplete_gamma(tail: Tail, order: usize, a: f64, x: f64) -> f64 {
    match order {
        0 => on_jets::<1>(tail, a, x),
        1 => on_jets::<2>(tail, a, x),
        2 => on_jets::<3>(tail, a, x),
        3 => on_jets::<4>(tail, a, x),
        4 => on_jets::<5>(tail, a, x),
        5 => on_jets::<6>(tail, a, x),
        6 => on_jets::<7>(tail, a, x),
        _ => panic!(
            "incomplete gamma: derivatives in the shape exist up to order {HIGHEST_ORDER}, not {order}"
        ),
    }
}

fn on_jets<const N: usize>(tail: Tail, a: f64, x: f64) -> f64 {
    let valid = a > 0.0 && x >= 0.0 && a.is_finite();
    if !valid {
        return f64::NAN;
    }
    let order = N - 1;
    let limit = |lower: f64| match (order, tail) {
        (0, Tail::Lower) => lower,
        (0, Tail::Upper) => 1.0 - lower,
        _ => 0.0,
    };
    if x == 0.0 || x == f64::INFINITY {
        return limit(if x == 0.0 { 0.0 } else { 1.0 });
    }
    let by_series = x < a + 1.0;
    if by_series && order == 0 && tail == Tail::Upper && x < 1.1 && a < 0.5 {
        return upper_near_zero(a, x);
    }
    let (found, is_lower) = if by_series {
        (series::<N>(a, x).derivative(order, 0), true)
    } else {
        (fraction::<N>(a, x).derivative(order, 0), false)
    };
    match (is_lower == (tail == Tail::Lower), order) {
        (true, _) => found,
        (false, 0) => 1.0 - found,
        (false, _) => -found,
    }
}

/// xᵃ e⁻ˣ / Γ(a + 1).
fn prefactor<const N: usize>(a: f64, x: f64) -> Jet<N, 1> {
    let shape = Jet::<N, 1>::first(a);
    if a < 10.0 {
        let ln_gamma = shape.compose(|k| match k {
            0 => ln_gamma(a + 1.0),
            _ => polygamma(k - 1, a + 1.0) / (1..=k).map(|k| k as f64).product::<f64>(),
        });
        return (shape.scaled(x.ln()) - x - ln_gamma).exp();
    }
    // exp(−a φ(μ)) / √(2πa) with μ = x/a − 1 and φ(μ) = μ − ln(1 + μ), which loses nothing where x is close to a.
    let excess = Jet::constant(x) / shape - 1.0;
    let mu = (x - a) / a;
    let phi = excess.compose(|k| match k {
        0 => less_its_logarithm(mu),
        1 => mu / (1.0 + mu),
        _ => (-1.0 / (1.0 + mu)).powi(k as i32) / k as f64,
    });
    let inverse = Jet::constant(1.0) / shape;
    let square = inverse * inverse;
    let correction =
        STIRLING.iter().rev().fold(Jet::constant(0.0), |sum, coefficient| sum * square + *coefficient)
            * inverse;
    (-(shape * phi) - shape.ln().scaled(0.5) - HALF_LN_TWO_PI - correction).exp()
}

/// μ − ln(1 + μ).
pub fn less_its_logarithm(mu: f64) -> f64 {
    if mu.abs() > 0.3 {
        return mu - mu.ln_1p();
    }
    // With s = μ/(2 + μ): ln(1 + μ) = 2 (s + s³/3 + s⁵/5 + …), and μ − 2s = μ s.
    let s = mu / (2.0 + mu);
    let square = s * s;
    let sum = (0..16).rev().fold(0.0, |sum, k| sum * square + 1.0 / (2 * k + 3) as f64);
    mu * s - 2.0 * s * square * sum
}

fn series<const N: usize>(a: f64, x: f64) -> Jet<N, 1> {
    let shape = Jet::<N, 1>::first(a);
    let (mut term, mut sum) = (Jet::constant(1.0), Jet::constant(1.0));
    for n in 1..MOST_TERMS {
        term = term.scaled(x) / (shape + n as f64);
        sum = sum + term;
        if term.is_negligible_to(&sum, 1e-17) {
            break;
        }
    }
    prefactor(a, x) * sum
}

/// The continued fraction of Q by the method of Lentz.
fn fraction<const N: usize>(a: f64, x: f64) -> Jet<N, 1> {
    let shape = Jet::<N, 1>::first(a);
    let mut b = -shape + (x + 1.0);
    let mut c = Jet::constant(1e290);
    let mut d = Jet::constant(1.0) / b;
    let mut product = d;
    for i in 1..MOST_TERMS {
        let numerator = (shape - i as f64).scaled(i as f64);
        b = b + 2.0;
        d = Jet::constant(1.0) / (numerator * d + b).nonzero();
        c = (b + numerator / c).nonzero();
        let factor = c * d;
        product = product * factor;
        if factor.is_one(2e-16) {
            break;
        }
    }
    prefactor(a, x) * shape * product
}

/// Q for small `a` and `x`, where P is close to 1: Q = 1 − xᵃ/Γ(1 + a) (1 + a Σ (−x)ⁿ / (n! (a + n))).
fn upper_near_zero(a: f64, x: f64) -> f64 {
    let exponent = a * x.ln() - ln_gamma_one_plus(a);
    let (mut power, mut sum) = (1.0, 0.0);
    for n in 1..60 {
        power *= -x / n as f64;
        sum += power / (a + n as f64);
    }
    -exponent.exp_m1() - exponent.exp() * a * sum
}
