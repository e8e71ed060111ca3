//! Hyperbolic functions and their inverses, made of exponentials and logarithms.

use super::exponential::{exp, exp_m1, ln, ln_1p};
use super::real::Real;
use crate::isa::Instructions;

/// e^a / 2 for a large `a`, which may overflow only where the result does.
#[inline(always)]
fn half_exp<I: Instructions, T: Real>(a: T) -> T {
    let root = exp::<I, T>(a * T::HALF);
    (T::HALF * root) * root
}

/// Whether sinh and cosh of `a` differ by less than half a unit.
#[inline(always)]
fn is_large<T: Real>(a: T) -> bool {
    a > T::TANH_FLAT
}

/// (eˣ - e⁻ˣ) / 2, through exp_m1, which does not cancel near zero.
#[inline(always)]
pub fn sinh<I: Instructions, T: Real>(x: T) -> T {
    let a = x.magnitude();
    let e = exp_m1::<I, T>(a);
    let moderate = T::HALF * (e + e / (e + T::ONE));
    (if is_large(a) { half_exp::<I, T>(a) } else { moderate }).with_sign_of(x)
}

/// (eˣ + e⁻ˣ) / 2.
#[inline(always)]
pub fn cosh<I: Instructions, T: Real>(x: T) -> T {
    let a = x.magnitude();
    let e = exp::<I, T>(a);
    let moderate = T::HALF * (e + T::ONE / e);
    if is_large(a) { half_exp::<I, T>(a) } else { moderate }
}

/// ln(2 a) for an `a` so large that a² ± 1 is a².
#[inline(always)]
fn ln_double<I: Instructions, T: Real>(a: T) -> T {
    ln::<I, T>(a) + (T::LN_2_HIGH + T::LN_2_LOW)
}

/// ln(x + √(x² + 1)).
#[inline(always)]
pub fn asinh<I: Instructions, T: Real>(x: T) -> T {
    let a = x.magnitude();
    let square = a * a;
    let moderate = ln_1p::<I, T>(a + square / (T::ONE + (square + T::ONE).root()));
    (if a > T::INTEGERS { ln_double::<I, T>(a) } else { moderate }).with_sign_of(x)
}

/// ln(x + √(x² - 1)).
#[inline(always)]
pub fn acosh<I: Instructions, T: Real>(x: T) -> T {
    let t = x - T::ONE;
    let moderate = ln_1p::<I, T>(t + (t * (T::TWO + t)).root());
    // Far below, the product overflows instead of becoming negative.
    let moderate = if x < T::ONE { T::NAN } else { moderate };
    if x > T::INTEGERS { ln_double::<I, T>(x) } else { moderate }
}

/// ln((1 + x) / (1 - x)) / 2.
#[inline(always)]
pub fn atanh<I: Instructions, T: Real>(x: T) -> T {
    let a = x.magnitude();
    (T::HALF * ln_1p::<I, T>((a + a) / (T::ONE - a))).with_sign_of(x)
}
