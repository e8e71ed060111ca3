//! The logarithm of the gamma function and its derivatives.

use std::f64::consts::PI;

/// (−1)ᵏ (ζ(k) − 1) / k from k = 2 on: the series of ln Γ(2 + z) after its first term.
const LN_GAMMA_AT_TWO: [f64; 28] = {
    const ZETA_LESS_ONE: [f64; 28] = [
        0.6449340668482264,
        0.2020569031595943,
        0.08232323371113819,
        0.03692775514336993,
        0.01734306198444914,
        0.008349277381922827,
        0.00407735619794434,
        0.0020083928260822143,
        0.0009945751278180853,
        0.0004941886041194645,
        0.0002460865533080483,
        0.00012271334757848915,
        6.124813505870483e-05,
        3.058823630702049e-05,
        1.528225940865187e-05,
        7.637197637899763e-06,
        3.81729326499984e-06,
        1.908212716553939e-06,
        9.539620338727962e-07,
        4.769329867878064e-07,
        2.38450502727733e-07,
        1.1921992596531106e-07,
        5.960818905125948e-08,
        2.980350351465228e-08,
        1.4901554828365043e-08,
        7.45071178983543e-09,
        3.725334024788457e-09,
        1.862659723513049e-09,
    ];
    let mut coefficients = [0.0; 28];
    let mut index: usize = 0;
    while index < 28 {
        let sign = if index.is_multiple_of(2) { 1.0 } else { -1.0 };
        coefficients[index] = sign * ZETA_LESS_ONE[index] / (index + 2) as f64;
        index += 1;
    }
    coefficients
};

/// 1 less Euler's constant.
const ONE_LESS_EULER: f64 = 0.422_784_335_098_467_13;

/// B₂ₖ / (2k (2k − 1)): Stirling's series in odd powers of 1/x.
pub const STIRLING: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

/// B₂ₖ / (2k)!.
const EULER_MACLAURIN: [f64; 9] = [
    1.0 / 12.0,
    -1.0 / 720.0,
    1.0 / 30_240.0,
    -1.0 / 1_209_600.0,
    1.0 / 47_900_160.0,
    -691.0 / 1_307_674_368_000.0,
    1.0 / 74_724_249_600.0,
    -3617.0 / 10_670_622_842_880_000.0,
    43867.0 / 5_109_094_217_170_944_000.0,
];

/// ln √(2π).
pub const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;

/// ln Γ(x) − ((x − ½) ln x − x + ln √(2π)) for x ≥ 10.
pub fn stirling_correction(x: f64) -> f64 {
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    STIRLING.iter().rev().fold(0.0, |sum, coefficient| sum * square + coefficient) * inverse
}

/// ln Γ(2 + z) for |z| ≤ ½, exact to its zero at z = 0.
fn ln_gamma_two_plus(z: f64) -> f64 {
    let series = LN_GAMMA_AT_TWO.iter().rev().fold(0.0, |sum, coefficient| sum * z + coefficient);
    z * (ONE_LESS_EULER + z * series)
}

/// ln Γ(1 + z) for |z| ≤ ½.
pub fn ln_gamma_one_plus(z: f64) -> f64 {
    ln_gamma_two_plus(z) - z.ln_1p()
}

/// sin(πx), exact at integers and halves.
fn sin_pi(x: f64) -> f64 {
    let r = x - 2.0 * (x * 0.5).round();
    // r in [−1, 1]; brought to [−½, ½], where the sine is monotonic.
    let r = if r > 0.5 {
        1.0 - r
    } else if r < -0.5 {
        -1.0 - r
    } else {
        r
    };
    (PI * r).sin()
}

/// ln |Γ(x)|: infinite at 0, −1, −2, … and at ±∞.
pub fn ln_gamma(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.is_infinite() || (x <= 0.0 && x == x.floor()) {
        return f64::INFINITY;
    }
    if x < -0.5 {
        return (PI / sin_pi(x).abs()).ln() - ln_gamma(1.0 - x);
    }
    if x < 0.5 {
        return ln_gamma_one_plus(x) - x.abs().ln();
    }
    if x < 1.5 {
        return ln_gamma_one_plus(x - 1.0);
    }
    if x < 10.0 {
        let (mut rest, mut product) = (x, 1.0);
        while rest > 2.5 {
            rest -= 1.0;
            product *= rest;
        }
        return ln_gamma_two_plus(rest - 2.0) + f64::ln(product);
    }
    // The two large terms together, so that the product with ln x − 1 does not overflow early.
    (x - 0.5) * (x.ln() - 1.0) - 0.5 + HALF_LN_TWO_PI + stirling_correction(x)
}

/// Where the asymptotic series of order `order` begins to be good.
fn asymptotic_from(order: usize) -> f64 {
    12.0 + order as f64
}

/// ψ(x) = d ln Γ(x) / dx: NaN at 0, −1, −2, …
pub fn digamma(x: f64) -> f64 {
    if x <= 0.0 {
        if x == x.floor() {
            return f64::NAN;
        }
        // The tangent of the fraction alone, which is exact.
        let fraction = x - x.round();
        return digamma(1.0 - x) - PI / (PI * fraction).tan();
    }
    let (mut x, mut sum) = (x, 0.0);
    while x < asymptotic_from(0) {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    // The derivative of Stirling's series term by term.
    let tail = STIRLING
        .iter()
        .enumerate()
        .rev()
        .fold(0.0, |tail, (k, coefficient)| tail * square + coefficient * (2 * k + 1) as f64);
    sum + x.ln() - 0.5 / x - tail * square
}

/// The derivative of ψ of the given order, (−1)ⁿ⁺¹ n! ζ(n + 1, x): by summing, and Euler and Maclaurin's formula for
/// the tail. Infinite at 0, −1, −2, …, and NaN below −10⁵, where the sum would be long.
pub fn polygamma(order: usize, x: f64) -> f64 {
    if order == 0 {
        return digamma(x);
    }
    if x.is_nan() || x < -1e5 {
        return f64::NAN;
    }
    let (s, power) = (order as f64 + 1.0, order as i32 + 1);
    let (mut at, mut sum) = (x, 0.0);
    while at < asymptotic_from(order) {
        sum += at.powi(-power);
        at += 1.0;
    }
    let mut factor = at.powf(-s);
    sum += factor * (at / (s - 1.0) + 0.5);
    for (j, coefficient) in EULER_MACLAURIN.iter().enumerate() {
        factor *= if j == 0 { s / at } else { (s + (2 * j - 1) as f64) * (s + (2 * j) as f64) / (at * at) };
        sum += coefficient * factor;
    }
    let factorial: f64 = (1..=order).map(|k| k as f64).product();
    if order.is_multiple_of(2) { -factorial * sum } else { factorial * sum }
}

/// ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a + b), without cancellation where one or both are large.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if large.is_nan() || small.is_nan() {
        return f64::NAN;
    }
    if large < 10.0 || small <= 0.0 {
        return ln_gamma(small) + ln_gamma(large) - ln_gamma(small + large);
    }
    let sum = small + large;
    let correction = stirling_correction(large) - stirling_correction(sum);
    let spread = -(large - 0.5) * (small / large).ln_1p();
    if small < 10.0 {
        return ln_gamma(small) + spread - small * (sum.ln() - 1.0) + correction;
    }
    let small_part = small * (small / sum).ln() - 0.5 * small.ln() + HALF_LN_TWO_PI;
    spread + small_part + correction + stirling_correction(small)
}
