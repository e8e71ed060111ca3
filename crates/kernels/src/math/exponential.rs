//! Exponential and logarithm, and what is built on them.

use super::real::{Real, multiply_add};
use crate::isa::Instructions;

/// `x` brought into `low..=high`, where NaN stays NaN.
#[inline(always)]
pub fn clamp<T: Real>(x: T, low: T, high: T) -> T {
    let x = if high < x { high } else { x };
    if low > x { low } else { x }
}

/// `x` or `high`, whichever is less, where NaN stays NaN.
#[inline(always)]
fn at_most<T: Real>(x: T, high: T) -> T {
    if high < x { high } else { x }
}

/// `(n, r, c)` with `x = n ln 2 + r + c`: `n` an integer, |r| ≤ ln(2) / 2 and `c` what rounding `r` lost.
#[inline(always)]
fn reduce<I: Instructions, T: Real>(x: T) -> (T, T, T) {
    let n = multiply_add::<I, T>(x, T::LOG2_E, T::MAGIC) - T::MAGIC;
    let high = multiply_add::<I, T>(n, -T::LN_2_HIGH, x);
    let low = n * T::LN_2_LOW;
    let r = high - low;
    (n, r, (high - r) - low)
}

/// `value * 2^n` for any `n` that a clamped argument of `exp` gives. Two factors, because a single one would leave the
/// exponent range where the product is subnormal or just below infinity.
#[inline(always)]
fn scale<T: Real>(value: T, n: T) -> T {
    let half = (n * T::HALF + T::MAGIC) - T::MAGIC;
    value * T::two_to_the(half) * T::two_to_the(n - half)
}

/// eˣ.
#[inline(always)]
pub fn exp<I: Instructions, T: Real>(x: T) -> T {
    let (n, r, _) = reduce::<I, T>(clamp(x, T::EXP_LOW, T::EXP_HIGH));
    let p = multiply_add::<I, T>(r * r, T::exp_polynomial::<I>(r), r);
    scale(T::ONE + p, n)
}

/// eˣ where neither underflow nor overflow can happen.
#[inline(always)]
pub fn exp_moderate<I: Instructions, T: Real>(x: T) -> T {
    let (n, r, _) = reduce::<I, T>(x);
    let p = multiply_add::<I, T>(r * r, T::exp_polynomial::<I>(r), r);
    (T::ONE + p) * T::two_to_the(n)
}

/// eˣ - 1.
#[inline(always)]
pub fn exp_m1<I: Instructions, T: Real>(x: T) -> T {
    let (n, r, c) = reduce::<I, T>(clamp(x, T::EXP_M1_LOW, T::EXP_HIGH));
    let p = r + multiply_add::<I, T>(r * r, T::exp_polynomial::<I>(r), c);
    // 2^n (e^r - 1) + (2^n - 1), with 2^n taken out so that large exponents work too.
    let inverse = if n > T::FRACTION_BITS { T::ZERO } else { T::two_to_the(-n) };
    let result = scale((T::ONE - inverse) + p, n);
    if x.magnitude() < T::TINY { x } else { result }
}

/// ln(1 + f) + k ln 2 + c for 1 + f between √½ and √2 and a small correction `c`, which is not accurate in itself.
///
/// The form is that of Sun's fdlibm: with s = f / (2 + f), ln(1 + f) = f - f²/2 + s (f²/2 + R(s²)).
#[inline(always)]
pub fn ln_core<I: Instructions, T: Real>(f: T, k: T, c: T) -> T {
    let s = f / (T::TWO + f);
    let z = s * s;
    let half_square = T::HALF * f * f;
    let tail = multiply_add::<I, T>(z, T::ln_polynomial::<I>(z), half_square);
    let low = multiply_add::<I, T>(s, tail, multiply_add::<I, T>(k, T::LN_2_LOW, c));
    multiply_add::<I, T>(k, T::LN_2_HIGH, f - (half_square - low))
}

/// `result`, computed for a positive finite `x`, with the values of a logarithm for all other `x`.
#[inline(always)]
pub fn ln_edges<T: Real>(x: T, result: T) -> T {
    let not_positive = if x == T::ZERO { -T::INFINITY } else { T::NAN };
    let result = if x < T::INFINITY { result } else { x };
    if x > T::ZERO { result } else { not_positive }
}

/// The natural logarithm.
#[inline(always)]
pub fn ln<I: Instructions, T: Real>(x: T) -> T {
    let subnormal = x < T::MIN_POSITIVE;
    let (lifted, shift) = x.lift();
    let (m, k) = (if subnormal { lifted } else { x }).split();
    let k = k - if subnormal { shift } else { T::ZERO };
    ln_edges(x, ln_core::<I, T>(m - T::ONE, k, T::ZERO))
}

/// ln(1 + x).
#[inline(always)]
pub fn ln_1p<I: Instructions, T: Real>(x: T) -> T {
    let u = T::ONE + x;
    // What the sum lost, exactly.
    let x_part = u - T::ONE;
    let lost = (T::ONE - (u - x_part)) + (x - x_part);
    let (m, k) = u.split();
    let result = ln_edges(u, ln_core::<I, T>(m - T::ONE, k, lost / u));
    if x.magnitude() < T::TINY { x } else { result }
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh<I: Instructions, T: Real>(x: T) -> T {
    let a = x.magnitude();
    let e = exp_moderate::<I, T>(at_most(a + a, T::TANH_FLAT));
    let large = T::ONE - T::TWO / (e + T::ONE);
    let z = a * a;
    let small = multiply_add::<I, T>(a * z, T::tanh_polynomial::<I>(z), a);
    (if a < T::TANH_SPLIT { small } else { large }).with_sign_of(x)
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub fn sigmoid<I: Instructions, T: Real>(x: T) -> T {
    let e = exp::<I, T>(-x.magnitude());
    let numerator = if x < T::ZERO { e } else { T::ONE };
    numerator / (T::ONE + e)
}

/// ln(1 + eˣ).
#[inline(always)]
pub fn softplus<I: Instructions, T: Real>(x: T) -> T {
    let positive = if x > T::ZERO { x } else { T::ZERO };
    positive + ln_1p::<I, T>(exp::<I, T>(-x.magnitude()))
}

/// The error function: a polynomial near zero, and elsewhere 1 - e⁻ᵍ with a polynomial g, as in the single-precision
/// form that N. Juffa published.
#[inline(always)]
pub fn erf<I: Instructions, T: Real>(x: T) -> T {
    let t = at_most(x.magnitude(), T::ERF_FLAT);
    let z = t * t;
    let small = multiply_add::<I, T>(t, T::erf_polynomial::<I>(z), t);
    let large = T::ONE - exp_moderate::<I, T>(-T::erfc_logarithm::<I>(t));
    (if t < T::ERF_SPLIT { small } else { large }).with_sign_of(x)
}

/// ln(eˣ + eʸ).
#[inline(always)]
pub fn logaddexp<I: Instructions, T: Real>(x: T, y: T) -> T {
    let (low, high) = if x < y { (x, y) } else { (y, x) };
    let distance = if low == high { T::ZERO } else { low - high };
    high + ln_1p::<I, T>(exp::<I, T>(distance))
}
