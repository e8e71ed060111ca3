//! Powers.

use super::exponential::{clamp, exp, ln, ln_edges};
use super::real::{Real, horner, multiply_add};
use super::rounding::floor;
use crate::isa::Instructions;

/// `power`, computed from the magnitude of `x`, with the sign and the exceptions that IEEE 754 asks of `pow(x, y)`:
/// 1 for y = 0 or x = 1 whatever the other is, NaN for a negative finite `x` and a fraction `y`, and a negative result
/// for a negative `x` (-0 included) and an odd `y`. An infinite `y` counts as even.
#[inline(always)]
fn with_sign<I: Instructions, T: Real>(x: T, y: T, power: T) -> T {
    let integer = floor::<I, T>(y) == y;
    let half = y * T::HALF;
    let even = floor::<I, T>(half) == half;
    let negative = T::ONE.with_sign_of(x) < T::ZERO;
    let signed = if integer && !even && negative { -power } else { power };
    let undefined = !integer && x < T::ZERO && x > -T::INFINITY;
    let result = if undefined { T::NAN } else { signed };
    if y == T::ZERO || x == T::ONE { T::ONE } else { result }
}

/// The natural logarithm in double precision, good to 2^-44, for normal numbers, zero and infinity.
#[inline(always)]
pub fn ln_medium<I: Instructions>(x: f64) -> f64 {
    let (m, k) = x.split();
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let p = horner!(
        I,
        z,
        0.6666666667583911,
        0.399999956073596,
        0.2857211084929444,
        0.22176111432449966,
        0.19585355919500355
    );
    let ln_m = multiply_add::<I, f64>(s * z, p, s + s);
    ln_edges(x, multiply_add::<I, f64>(k, std::f64::consts::LN_2, ln_m))
}

/// xʸ, through double precision.
#[inline(always)]
pub fn pow_f32<I: Instructions>(x: f32, y: f32) -> f32 {
    let a = f64::from(x.abs());
    let t = f64::from(y) * ln_medium::<I>(a);
    // An infinite power of ±1.
    let t = if a == 1.0 { 0.0 } else { t };
    let t = clamp(t, -110.0, 100.0);
    let n = multiply_add::<I, f64>(t, f64::LOG2_E, f64::MAGIC) - f64::MAGIC;
    let r = multiply_add::<I, f64>(n, -std::f64::consts::LN_2, t);
    // 2^-31.9.
    let p = horner!(
        I,
        r,
        0.5000000044659173,
        0.16666666366809005,
        0.041666358612280435,
        0.008333389863156543,
        0.0013940822457297255,
        0.00019845857485065172
    );
    let power = multiply_add::<I, f64>(r * r, p, r + 1.0) * f64::two_to_the(n);
    with_sign::<I, f32>(x, y, power as f32)
}

/// A number as an unevaluated sum.
#[derive(Clone, Copy)]
struct Double {
    high: f64,
    low: f64,
}

/// `a + b` exactly, where |a| ≥ |b| or a = 0.
#[inline(always)]
fn fast_sum(a: f64, b: f64) -> Double {
    let high = a + b;
    Double { high, low: b - (high - a) }
}

/// `a * b` exactly (short of overflow): by the fused operation, or by Dekker's splitting.
#[inline(always)]
fn product<I: Instructions>(a: f64, b: f64) -> Double {
    let high = a * b;
    if I::FMA {
        return Double { high, low: a.mul_add(b, -high) };
    }
    #[inline(always)]
    fn halves(x: f64) -> (f64, f64) {
        let top = f64::from_bits(x.to_bits() & (!0 << 27));
        (top, x - top)
    }
    let ((a1, a2), (b1, b2)) = (halves(a), halves(b));
    Double { high, low: ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2 }
}

/// The logarithm of a positive finite number to about 2^-65.
#[inline(always)]
fn ln_double<I: Instructions>(x: f64) -> Double {
    const TWO_THIRDS: Double = Double { high: 2.0 / 3.0, low: 3.700743415417188e-17 };
    let subnormal = x < f64::MIN_POSITIVE;
    let (lifted, shift) = x.lift();
    let (m, k) = (if subnormal { lifted } else { x }).split();
    let k = k - if subnormal { shift } else { 0.0 };

    // s = f / (2 + f) with the remainder of the division; both sums are exact.
    let f = m - 1.0;
    let divisor = fast_sum(2.0, f);
    let s = f / divisor.high;
    let back = product::<I>(s, divisor.high);
    let s_low = (((f - back.high) - back.low) - s * divisor.low) / divisor.high;

    // ln m = 2 s + 2/3 s³ + s⁵ P(s²), the cube in twice the precision.
    let square = product::<I>(s, s);
    let square_low = multiply_add::<I, f64>(s + s, s_low, square.low);
    let cube = product::<I>(square.high, s);
    let cube_low =
        multiply_add::<I, f64>(square.high, s_low, multiply_add::<I, f64>(square_low, s, cube.low));
    let third = product::<I>(cube.high, TWO_THIRDS.high);
    let third_low = multiply_add::<I, f64>(
        cube.high,
        TWO_THIRDS.low,
        multiply_add::<I, f64>(cube_low, TWO_THIRDS.high, third.low),
    );
    let z = square.high;
    // 2^-66.2 of the logarithm.
    let p = horner!(
        I,
        z,
        0.3999999999999998,
        0.285714285714452,
        0.22222222217515258,
        0.18181818872920819,
        0.1538455669264973,
        0.13336324308501285,
        0.11674678000872506,
        0.11990189209387238
    );
    let tail = z * cube.high * p;

    // k ln 2 in three parts, of which the first product is exact and, unless 0, larger than all that follows.
    let sum = fast_sum(s + s, third.high);
    let low = sum.low + (third_low + tail + (s_low + s_low));
    let ln_m = fast_sum(sum.high, low);
    let high = fast_sum(k * f64::LN_2_HIGH, ln_m.high);
    let k_low = product::<I>(k, f64::LN_2_LOW);
    let middle = fast_sum(high.high, k_low.high);
    let low = middle.low + (high.low + ln_m.low + k_low.low);
    fast_sum(middle.high, low)
}

/// xʸ, with the logarithm in twice the precision.
#[inline(always)]
pub fn pow_f64<I: Instructions>(x: f64, y: f64) -> f64 {
    let a = x.abs();
    let ln = ln_double::<I>(a);
    // Beyond 2^65 the power is 0, 1 or infinite as it is at 2^65, and the products stay finite.
    let exponent = clamp(y, -3.7e19, 3.7e19);
    let t = product::<I>(exponent, ln.high);
    let t_low = multiply_add::<I, f64>(exponent, ln.low, t.low);
    let high = clamp(t.high, -750.0, 720.0);
    let low = if high == t.high { t_low } else { 0.0 };

    let n = multiply_add::<I, f64>(high, f64::LOG2_E, f64::MAGIC) - f64::MAGIC;
    let top = multiply_add::<I, f64>(n, -f64::LN_2_HIGH, high);
    let rest = multiply_add::<I, f64>(n, -f64::LN_2_LOW, low);
    let r = top + rest;
    let lost = rest - (r - top);
    let p = r + multiply_add::<I, f64>(r * r, f64::exp_polynomial::<I>(r), lost);
    let half = (n * 0.5 + f64::MAGIC) - f64::MAGIC;
    let power = (1.0 + p) * f64::two_to_the(half) * f64::two_to_the(n - half);

    // Powers of 0, of infinity and of NaN.
    let edge = if (a == 0.0) == (y > 0.0) { 0.0 } else { f64::INFINITY };
    let power = if a == 0.0 || a == f64::INFINITY { edge } else { power };
    let power = if x.partial_cmp(&y).is_none() { f64::NAN } else { power };
    with_sign::<I, f64>(x, y, power)
}

/// The real cube root: e^(ln|x| / 3), improved by a step of Newton's method.
#[inline(always)]
pub fn cbrt<I: Instructions, T: Real>(x: T) -> T {
    let three = T::TWO + T::ONE;
    let a = x.magnitude();
    let guess = exp::<I, T>(ln::<I, T>(a) / three);
    let root = guess - (guess - a / guess / guess) / three;
    (if a == T::ZERO || a == T::INFINITY { a } else { root }).with_sign_of(x)
}
