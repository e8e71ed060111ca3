//! Sine, cosine and the angle of a vector.
//!
//! In single precision both sine and cosine subtract the nearest multiple (for the cosine: odd half multiple) of π and
//! evaluate one sine polynomial on what is left, all in double precision. In double precision they subtract the nearest
//! multiple of π/2 and choose between a sine and a cosine polynomial. The constant is cut into parts whose products with
//! the multiple are exact, which holds up to [`Real::TRIGONOMETRIC_LIMIT`]; callers hand larger arguments to the
//! standard library.

use std::f64::consts::{FRAC_1_PI, FRAC_2_PI, FRAC_PI_2, FRAC_PI_4, PI};

use super::real::{Real, horner, multiply_add};
use crate::isa::Instructions;

/// π in 33 bits, and the rest.
const PI_33: [f64; 2] = [3.1415926534682512, 1.2154201013012384e-10];
/// π/2 in three times 32 bits, and the rest.
const FRAC_PI_2_32: [f64; 4] = [
    3.1415926534682512 / 2.0,
    1.2154201012607932e-10 / 2.0,
    4.044532497422333e-21 / 2.0,
    1.69568553207378e-31 / 2.0,
];
/// π/2 less its nearest number.
const FRAC_PI_2_LOW: f64 = 6.123233995736766e-17;

/// The number of half turns to take off `x`, and all sign bits it flips: `offset` is 0 for the sine and 1/2 for the
/// cosine.
#[inline(always)]
fn half_turns<I: Instructions>(x: f64, offset: f64) -> (f64, u64) {
    let t = multiply_add::<I, f64>(x, FRAC_1_PI, offset) + f64::MAGIC;
    ((t - f64::MAGIC) - offset, t.to_bits() << 63)
}

/// sin(x + offset π) for a single-precision `x`: not rounded to single precision yet, good to 2^-35.
#[inline(always)]
fn sin_with_offset_f32<I: Instructions>(x: f32, offset: f64) -> f64 {
    let x = f64::from(x);
    let (n, flip) = half_turns::<I>(x, offset);
    let r = multiply_add::<I, f64>(n, -PI_33[0], x);
    let r = multiply_add::<I, f64>(n, -PI_33[1], r);
    let r = f64::from_bits(r.to_bits() ^ flip);
    let z = r * r;
    let p = horner!(
        I,
        z,
        -0.16666666625973336,
        0.008333331100703086,
        -0.0001984086712468527,
        2.752532616786756e-06,
        -2.3887840696149718e-08
    );
    multiply_add::<I, f64>(r * z, p, r)
}

/// sin(x + quarters π/2) for a double-precision `x`.
#[inline(always)]
fn sin_with_quarters_f64<I: Instructions>(x: f64, quarters: u64) -> f64 {
    let t = multiply_add::<I, f64>(x, FRAC_2_PI, f64::MAGIC);
    let n = t - f64::MAGIC;
    let quadrant = t.to_bits().wrapping_add(quarters);

    let first = multiply_add::<I, f64>(n, -FRAC_PI_2_32[0], x);
    let product = n * FRAC_PI_2_32[1];
    // An exact difference (Knuth): the sum of `second` and `lost` is what the first two parts leave.
    let second = first - product;
    let back = second - first;
    let lost = (first - (second - back)) - (product + back);
    let rest = multiply_add::<I, f64>(n, FRAC_PI_2_32[2], n * FRAC_PI_2_32[3]);
    let r = second - rest;
    let low = ((second - r) - rest) + lost;

    let z = r * r;
    let half_square = 0.5 * z;
    // 2^-56.5, most of it from rounding the first coefficient.
    let p = horner!(
        I,
        z,
        -0.1666666666666663,
        0.008333333333322064,
        -0.0001984126982954218,
        2.7557313603922038e-06,
        -2.505074490597445e-08,
        1.5896058631310865e-10
    );
    let sine = r + multiply_add::<I, f64>(r * z, p, low * (1.0 - half_square));
    // 2^-59.7. The difference of 1 and z/2 rounds, and what it loses is added back.
    let p = horner!(
        I,
        z,
        0.0416666666666666,
        -0.0013888888888874064,
        2.4801587289443366e-05,
        -2.7557314340630613e-07,
        2.0875721620102108e-09,
        -1.135955915270827e-11
    );
    let top = 1.0 - half_square;
    let cosine = top + (((1.0 - top) - half_square) + multiply_add::<I, f64>(z * z, p, -(r * low)));

    let result = if quadrant & 1 == 0 { sine } else { cosine };
    f64::from_bits(result.to_bits() ^ ((quadrant << 62) & (1 << 63)))
}

/// sin x for |x| ≤ the limit.
#[inline(always)]
pub fn sin_f32<I: Instructions>(x: f32) -> f32 {
    let result = sin_with_offset_f32::<I>(x, 0.0) as f32;
    // The polynomial would lose the sign of -0.
    if x.abs() < f32::TINY { x } else { result }
}

/// cos x for |x| ≤ the limit.
#[inline(always)]
pub fn cos_f32<I: Instructions>(x: f32) -> f32 {
    sin_with_offset_f32::<I>(x, 0.5) as f32
}

/// sin x for |x| ≤ the limit.
#[inline(always)]
pub fn sin_f64<I: Instructions>(x: f64) -> f64 {
    let result = sin_with_quarters_f64::<I>(x, 0);
    if x.abs() < f64::TINY { x } else { result }
}

/// cos x for |x| ≤ the limit.
#[inline(always)]
pub fn cos_f64<I: Instructions>(x: f64) -> f64 {
    sin_with_quarters_f64::<I>(x, 1)
}

/// tan x for |x| ≤ the limit.
#[inline(always)]
pub fn tan_f32<I: Instructions>(x: f32) -> f32 {
    let result = (sin_with_offset_f32::<I>(x, 0.0) / sin_with_offset_f32::<I>(x, 0.5)) as f32;
    if x.abs() < f32::TINY { x } else { result }
}

/// tan x for |x| ≤ the limit.
#[inline(always)]
pub fn tan_f64<I: Instructions>(x: f64) -> f64 {
    sin_f64::<I>(x) / cos_f64::<I>(x)
}

/// (atan q - q) / q³ at z = q² for |q| ≤ √2 - 1, 2^-35.3 of the arc tangent.
#[inline(always)]
fn atan_polynomial_short<I: Instructions>(z: f64) -> f64 {
    horner!(
        I,
        z,
        -0.3333333249972755,
        0.1999990387505261,
        -0.14282005754671895,
        0.11044659003015848,
        -0.08476056050251946,
        0.04743557723604562
    )
}

/// The same, 2^-58.1 of the arc tangent.
#[inline(always)]
fn atan_polynomial_long<I: Instructions>(z: f64) -> f64 {
    horner!(
        I,
        z,
        -0.33333333333333326,
        0.19999999999997647,
        -0.1428571428538552,
        0.11111111088041808,
        -0.09090908140232994,
        0.07692282673878385,
        -0.06666225668970234,
        0.05877012583459192,
        -0.05218353479666992,
        0.0450337347746171,
        -0.033471020296744654,
        0.01519227665940642
    )
}

/// The angle of (x, y), with `LONG` to double precision and else to single.
#[inline(always)]
fn atan2<I: Instructions, const LONG: bool>(y: f64, x: f64) -> f64 {
    let steep = y.abs() > x.abs();
    let (small, large) = if steep { (x.abs(), y.abs()) } else { (y.abs(), x.abs()) };
    // Two infinities make half a right angle, two zeros none; sums of huge numbers must not overflow.
    let (small, large) = if small == f64::INFINITY { (1.0, 1.0) } else { (small, large) };
    let large = if large == 0.0 { 1.0 } else { large };
    let shrink = if large > 1e300 { 0.25 } else { 1.0 };
    let (small, large) = (small * shrink, large * shrink);

    // Beyond tan(π/8): atan(q) = π/4 + atan((q - 1) / (q + 1)).
    let turned = small > large * 0.41421356237309503;
    let numerator = if turned { small - large } else { small };
    let denominator = if turned { small + large } else { large };
    // An infinite `large` gives 0 here, as it must; NaN passes.
    let q = numerator / denominator;
    let z = q * q;
    let p = if LONG { atan_polynomial_long::<I>(z) } else { atan_polynomial_short::<I>(z) };
    let tail = q * z * p;

    // angle = base ± (q + tail), where base is a multiple of π/4.
    let mut base = if turned { FRAC_PI_4 } else { 0.0 };
    let mut base_low = if turned { FRAC_PI_2_LOW * 0.5 } else { 0.0 };
    let mut direction = 1.0;
    if steep {
        base = FRAC_PI_2 - base;
        base_low = FRAC_PI_2_LOW - base_low;
        direction = -direction;
    }
    if x.is_sign_negative() {
        base = PI - base;
        base_low = 2.0 * FRAC_PI_2_LOW - base_low;
        direction = -direction;
    }
    // The base is 0 or larger than q, so what the first sum loses can be had exactly.
    let signed = direction * q;
    let first = base + signed;
    let lost = signed - (first - base);
    let angle = first + (lost + multiply_add::<I, f64>(direction, tail, base_low));
    let angle = angle.copysign(y);
    if x.partial_cmp(&y).is_none() { f64::NAN } else { angle }
}

/// The angle of (x, y) in -π..=π.
#[inline(always)]
pub fn atan2_f32<I: Instructions>(y: f32, x: f32) -> f32 {
    atan2::<I, false>(f64::from(y), f64::from(x)) as f32
}

/// The angle of (x, y) in -π..=π.
#[inline(always)]
pub fn atan2_f64<I: Instructions>(y: f64, x: f64) -> f64 {
    atan2::<I, true>(y, x)
}
