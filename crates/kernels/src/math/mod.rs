//! Elementary functions that the compiler can vectorise.
//!
//! Each is straight-line code (comparisons become selections), always inlined, so that a plain loop over a slice inside
//! a [`Kernel`](super::isa::Kernel) turns into vector instructions of whatever set that kernel is compiled for, and
//! never into a call. The only exceptions are [`Float::modulo`], which is the exact remainder of the standard library,
//! and [`Float::sin`], [`Float::cos`] and [`Float::tan`], which branch for huge arguments: loops use [`sin_slice`],
//! [`cos_slice`] and [`tan_slice`] instead.
//!
//! NaN in gives NaN out, infinities, zeros of either sign and subnormal numbers are handled like all others, and no
//! function depends on rounding modes or flags. Results may differ between instruction sets in the last bit, because
//! some have a fused multiply-add; on one set they do not depend on the position in the slice.
//!
//! # Accuracy
//!
//! The largest errors seen, in units in the last place: in single precision over about six million arguments (random
//! bit patterns, uniform ones in the interesting range, special values) against double precision; in double precision
//! over some ten thousand against mpmath. A correctly rounded result has 0.5.
//!
//! | function | f32 | f64 |
//! |---|---|---|
//! | `exp` | 1.03 | 0.92 |
//! | `exp_m1` | 1.50 | 1.39 |
//! | `ln` | 0.82 | 0.73 |
//! | `ln_1p` | 0.83 | 0.75 |
//! | `tanh` | 1.33 | 1.26 |
//! | `sigmoid` | 2.32 | 2.00 |
//! | `softplus` | 1.60 | 1.34 |
//! | `sinh`, `cosh`, `asinh`, `acosh`, `atanh`, `cbrt`, `logaddexp` | 6 | 6 |
//! | `erf` | 1.32 | 1.12 |
//! | `erf_inv` | 3.71 | 3.53 |
//! | `sin`, `cos` | 0.51 | 0.69 |
//! | `tan` | 0.51 | 2.10 |
//! | `atan2` | 0.51 | 1.41 |
//! | `pow` | 0.51 | 0.91 |
//! | `sqrt`, rounding, `abs`, `sign`, `minimum`, `maximum` | exact | exact |
//! | `modulo` | 0.5 | 0.5 |
//! | `rsqrt` | 1.49 | 1.5 |
//!
//! `sin`, `cos` and `tan` are as accurate as the standard library beyond their limit. The gates `gelu`, `gelu_tanh` and
//! `silu` are within 3e-7 |x| in single precision; far out on the negative side the relative error of `gelu_tanh`
//! grows with the exponent, and `gelu` cancels.
//!
//! The coefficients are our own (see `real.rs`); the forms are named where they are used.

mod exponential;
mod hyperbolic;
mod inverse_error;
mod power;
pub(crate) mod real;
mod rounding;
mod slices;
mod trigonometric;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use real::{Real, multiply_add};
pub use slices::{cos_slice, sin_slice, tan_slice};

use super::isa::Instructions;

/// A type that the elementary functions exist for: `f32` and `f64`.
pub trait Float: Real {
    /// The name of the type.
    const NAME: &'static str;

    /// sin x for |x| ≤ [`Real::TRIGONOMETRIC_LIMIT`], without a branch; anything beyond.
    fn sin_bounded<I: Instructions>(self) -> Self;
    /// cos x for |x| ≤ [`Real::TRIGONOMETRIC_LIMIT`], without a branch; anything beyond.
    fn cos_bounded<I: Instructions>(self) -> Self;
    /// tan x for |x| ≤ [`Real::TRIGONOMETRIC_LIMIT`], without a branch; anything beyond.
    fn tan_bounded<I: Instructions>(self) -> Self;
    /// sin x by the standard library.
    fn sin_huge(self) -> Self;
    /// cos x by the standard library.
    fn cos_huge(self) -> Self;
    /// tan x by the standard library.
    fn tan_huge(self) -> Self;
    /// The angle of the vector (`x`, `self`) in -π..=π.
    fn atan2<I: Instructions>(self, x: Self) -> Self;
    /// `self` to the power `y`.
    fn pow<I: Instructions>(self, y: Self) -> Self;
    /// The number whose error function is `self`: infinite at ±1 and NaN beyond.
    fn erf_inv<I: Instructions>(self) -> Self;

    /// eˣ.
    #[inline(always)]
    fn exp<I: Instructions>(self) -> Self {
        exponential::exp::<I, Self>(self)
    }
    /// eˣ - 1.
    #[inline(always)]
    fn exp_m1<I: Instructions>(self) -> Self {
        exponential::exp_m1::<I, Self>(self)
    }
    /// The natural logarithm.
    #[inline(always)]
    fn ln<I: Instructions>(self) -> Self {
        exponential::ln::<I, Self>(self)
    }
    /// ln(1 + x).
    #[inline(always)]
    fn ln_1p<I: Instructions>(self) -> Self {
        exponential::ln_1p::<I, Self>(self)
    }
    /// The square root, correctly rounded.
    #[inline(always)]
    fn sqrt<I: Instructions>(self) -> Self {
        self.root()
    }
    /// 1 / √x, by a root and a division.
    #[inline(always)]
    fn rsqrt<I: Instructions>(self) -> Self {
        Self::ONE / self.root()
    }
    /// sin x.
    #[inline(always)]
    fn sin<I: Instructions>(self) -> Self {
        if self.magnitude() > Self::TRIGONOMETRIC_LIMIT { self.sin_huge() } else { self.sin_bounded::<I>() }
    }
    /// cos x.
    #[inline(always)]
    fn cos<I: Instructions>(self) -> Self {
        if self.magnitude() > Self::TRIGONOMETRIC_LIMIT { self.cos_huge() } else { self.cos_bounded::<I>() }
    }
    /// tan x.
    #[inline(always)]
    fn tan<I: Instructions>(self) -> Self {
        if self.magnitude() > Self::TRIGONOMETRIC_LIMIT { self.tan_huge() } else { self.tan_bounded::<I>() }
    }
    /// The hyperbolic tangent.
    #[inline(always)]
    fn tanh<I: Instructions>(self) -> Self {
        exponential::tanh::<I, Self>(self)
    }
    /// The logistic function 1 / (1 + e⁻ˣ).
    #[inline(always)]
    fn sigmoid<I: Instructions>(self) -> Self {
        exponential::sigmoid::<I, Self>(self)
    }
    /// ln(1 + eˣ).
    #[inline(always)]
    fn softplus<I: Instructions>(self) -> Self {
        exponential::softplus::<I, Self>(self)
    }
    /// x sigmoid(x), with 0 at negative infinity.
    #[inline(always)]
    fn silu<I: Instructions>(self) -> Self {
        times_gate(self, self.sigmoid::<I>())
    }
    /// The error function.
    #[inline(always)]
    fn erf<I: Instructions>(self) -> Self {
        exponential::erf::<I, Self>(self)
    }
    /// x times the normal distribution function, (1 + erf(x / √2)) / 2. Accurate absolutely: the sum cancels for
    /// negative x.
    #[inline(always)]
    fn gelu<I: Instructions>(self) -> Self {
        times_gate(self, multiply_add::<I, Self>((self * Self::SQRT_HALF).erf::<I>(), Self::HALF, Self::HALF))
    }
    /// The tanh form of GELU, x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, computed as x sigmoid of twice that argument,
    /// which does not cancel.
    #[inline(always)]
    fn gelu_tanh<I: Instructions>(self) -> Self {
        let inner = multiply_add::<I, Self>(self * self * self, Self::GELU_CUBIC, self);
        times_gate(self, (Self::TWO * Self::SQRT_TWO_OVER_PI * inner).sigmoid::<I>())
    }
    /// The hyperbolic sine.
    #[inline(always)]
    fn sinh<I: Instructions>(self) -> Self {
        hyperbolic::sinh::<I, Self>(self)
    }
    /// The hyperbolic cosine.
    #[inline(always)]
    fn cosh<I: Instructions>(self) -> Self {
        hyperbolic::cosh::<I, Self>(self)
    }
    /// The inverse hyperbolic sine.
    #[inline(always)]
    fn asinh<I: Instructions>(self) -> Self {
        hyperbolic::asinh::<I, Self>(self)
    }
    /// The inverse hyperbolic cosine, NaN below 1.
    #[inline(always)]
    fn acosh<I: Instructions>(self) -> Self {
        hyperbolic::acosh::<I, Self>(self)
    }
    /// The inverse hyperbolic tangent: infinite at ±1 and NaN beyond.
    #[inline(always)]
    fn atanh<I: Instructions>(self) -> Self {
        hyperbolic::atanh::<I, Self>(self)
    }
    /// The real cube root.
    #[inline(always)]
    fn cbrt<I: Instructions>(self) -> Self {
        power::cbrt::<I, Self>(self)
    }
    /// ln(eˣ + eʸ); `y` is `other`.
    #[inline(always)]
    fn logaddexp<I: Instructions>(self, other: Self) -> Self {
        exponential::logaddexp::<I, Self>(self, other)
    }
    /// The largest integer not above x.
    #[inline(always)]
    fn floor<I: Instructions>(self) -> Self {
        rounding::floor::<I, Self>(self)
    }
    /// The smallest integer not below x.
    #[inline(always)]
    fn ceil<I: Instructions>(self) -> Self {
        rounding::ceil::<I, Self>(self)
    }
    /// The nearest integer, half to even.
    #[inline(always)]
    fn round<I: Instructions>(self) -> Self {
        rounding::round::<I, Self>(self)
    }
    /// The integer part.
    #[inline(always)]
    fn trunc<I: Instructions>(self) -> Self {
        rounding::trunc::<I, Self>(self)
    }
    /// The magnitude.
    #[inline(always)]
    fn abs<I: Instructions>(self) -> Self {
        self.magnitude()
    }
    /// 1, -1, 0 for a zero of either sign and NaN for NaN.
    #[inline(always)]
    fn sign<I: Instructions>(self) -> Self {
        rounding::sign(self)
    }
    /// The exact remainder with the sign of the divisor, as `%` in Python; NaN for a zero divisor. Not vectorised.
    #[inline(always)]
    fn modulo<I: Instructions>(self, divisor: Self) -> Self {
        rounding::modulo(self, divisor)
    }
    /// The smaller of the two; NaN if either is.
    #[inline(always)]
    fn minimum<I: Instructions>(self, other: Self) -> Self {
        rounding::minimum(self, other)
    }
    /// The larger of the two; NaN if either is.
    #[inline(always)]
    fn maximum<I: Instructions>(self, other: Self) -> Self {
        rounding::maximum(self, other)
    }
}

/// `x * gate`, and 0 where the gate has closed entirely, even if `x` is infinite.
#[inline(always)]
fn times_gate<T: Real>(x: T, gate: T) -> T {
    if gate == T::ZERO { T::ZERO } else { x * gate }
}

macro_rules! float {
    ($type:ident, $sin:ident, $cos:ident, $tan:ident, $atan2:ident, $pow:ident, $erf_inv:ident) => {
        impl Float for $type {
            const NAME: &'static str = stringify!($type);

            #[inline(always)]
            fn sin_bounded<I: Instructions>(self) -> Self {
                trigonometric::$sin::<I>(self)
            }
            #[inline(always)]
            fn cos_bounded<I: Instructions>(self) -> Self {
                trigonometric::$cos::<I>(self)
            }
            #[inline(always)]
            fn tan_bounded<I: Instructions>(self) -> Self {
                trigonometric::$tan::<I>(self)
            }
            // Out of line, so that the loops around the branch stay small.
            #[cold]
            #[inline(never)]
            fn sin_huge(self) -> Self {
                $type::sin(self)
            }
            #[cold]
            #[inline(never)]
            fn cos_huge(self) -> Self {
                $type::cos(self)
            }
            #[cold]
            #[inline(never)]
            fn tan_huge(self) -> Self {
                $type::tan(self)
            }
            #[inline(always)]
            fn atan2<I: Instructions>(self, x: Self) -> Self {
                trigonometric::$atan2::<I>(self, x)
            }
            #[inline(always)]
            fn pow<I: Instructions>(self, y: Self) -> Self {
                power::$pow::<I>(self, y)
            }
            #[inline(always)]
            fn erf_inv<I: Instructions>(self) -> Self {
                inverse_error::$erf_inv::<I>(self)
            }
        }
    };
}

float!(f32, sin_f32, cos_f32, tan_f32, atan2_f32, pow_f32, erf_inv_f32);
float!(f64, sin_f64, cos_f64, tan_f64, atan2_f64, pow_f64, erf_inv_f64);
