//! Rounding to integers, remainders, signs and order.
//!
//! Where the instruction set has rounding instructions (all that have a fused multiply-add do) they are used; the
//! portable build rounds by adding and subtracting 2 to the number of fraction bits, because the standard functions
//! would be calls there.

use super::real::Real;
use crate::isa::Instructions;

/// The nearest integer, half to even.
#[inline(always)]
pub fn round<I: Instructions, T: Real>(x: T) -> T {
    if I::FMA {
        return x.native_round();
    }
    let a = x.magnitude();
    let rounded = (a + T::INTEGERS) - T::INTEGERS;
    (if a < T::INTEGERS { rounded } else { a }).with_sign_of(x)
}

/// The largest integer not above `x`.
#[inline(always)]
pub fn floor<I: Instructions, T: Real>(x: T) -> T {
    if I::FMA {
        return x.native_floor();
    }
    let rounded = round::<I, T>(x);
    (rounded - if rounded > x { T::ONE } else { T::ZERO }).with_sign_of(x)
}

/// The smallest integer not below `x`.
#[inline(always)]
pub fn ceil<I: Instructions, T: Real>(x: T) -> T {
    if I::FMA {
        return x.native_ceil();
    }
    let rounded = round::<I, T>(x);
    (rounded + if rounded < x { T::ONE } else { T::ZERO }).with_sign_of(x)
}

/// The integer part.
#[inline(always)]
pub fn trunc<I: Instructions, T: Real>(x: T) -> T {
    if I::FMA {
        return x.native_trunc();
    }
    floor::<I, T>(x.magnitude()).with_sign_of(x)
}

/// 1, -1, 0 for zero (of either sign) and NaN for NaN.
#[inline(always)]
pub fn sign<T: Real>(x: T) -> T {
    let positive = if x > T::ZERO { T::ONE } else { T::ZERO };
    let negative = if x < T::ZERO { T::ONE } else { T::ZERO };
    if x.partial_cmp(&x).is_none() { x } else { positive - negative }
}

/// The exact remainder of a division rounded down, so that it has the sign of the divisor, as in Python. The finite
/// remainder by an infinite divisor of the other sign is that divisor; by zero it is NaN.
#[inline(always)]
pub fn modulo<T: Real>(x: T, divisor: T) -> T {
    let r = x.remainder(divisor);
    let moved = if (r < T::ZERO) != (divisor < T::ZERO) { r + divisor } else { r };
    if r == T::ZERO { T::ZERO.with_sign_of(divisor) } else { moved }
}

/// The smaller of the two; NaN if either is.
#[inline(always)]
pub fn minimum<T: Real>(a: T, b: T) -> T {
    let smaller = if a < b { a } else { b };
    if a.partial_cmp(&a).is_none() { a } else { smaller }
}

/// The larger of the two; NaN if either is.
#[inline(always)]
pub fn maximum<T: Real>(a: T, b: T) -> T {
    let larger = if a > b { a } else { b };
    if a.partial_cmp(&a).is_none() { a } else { larger }
}
