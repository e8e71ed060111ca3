//! The two floating-point types as the functions of this folder see them: bit layout, split constants and minimax
//! polynomials.
//!
//! Every polynomial was fitted here with a Remez exchange in 60-digit arithmetic that weighs the error as it enters
//! the result, and its coefficients were rounded to the type afterwards; the comment on each gives the largest
//! relative error after rounding, as a power of two.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::isa::Instructions;

/// `a * b + c`: fused where that is one instruction, else two roundings. It never becomes a call.
#[inline(always)]
pub fn multiply_add<I: Instructions, T: Real>(a: T, b: T, c: T) -> T {
    if I::FMA { a.fused(b, c) } else { a * b + c }
}

/// `c0 + x (c1 + x (c2 + …))`.
macro_rules! horner {
    ($isa:ty, $x:expr, $last:expr) => { $last };
    ($isa:ty, $x:expr, $first:expr, $($rest:expr),+ $(,)?) => {
        multiply_add::<$isa, _>($x, horner!($isa, $x, $($rest),+), $first)
    };
}
pub(super) use horner;

/// A floating-point type: what the elementary functions need to know of its format.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1/2.
    const HALF: Self;
    /// 1.
    const ONE: Self;
    /// 2.
    const TWO: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// A quiet NaN.
    const NAN: Self;
    /// The smallest normal number.
    const MIN_POSITIVE: Self;
    /// 1.5 times 2 to the number of fraction bits: adding it rounds to an integer (half to even), which then stands
    /// in the low bits.
    const MAGIC: Self;
    /// 2 to the number of fraction bits: from here on every number is an integer.
    const INTEGERS: Self;
    /// log2(e).
    const LOG2_E: Self;
    /// ln 2 cut so short that its product with any exponent is exact.
    const LN_2_HIGH: Self;
    /// ln 2 less `LN_2_HIGH`.
    const LN_2_LOW: Self;
    /// The square root of 1/2.
    const SQRT_HALF: Self;
    /// The square root of 2/π.
    const SQRT_TWO_OVER_PI: Self;
    /// 0.044715, of the tanh form of GELU.
    const GELU_CUBIC: Self;
    /// Below this, `exp` is 0.
    const EXP_LOW: Self;
    /// Above this, `exp` is infinite.
    const EXP_HIGH: Self;
    /// Below this, `exp_m1` is -1.
    const EXP_M1_LOW: Self;
    /// From this power of two on, subtracting 1 changes nothing.
    const FRACTION_BITS: Self;
    /// Below this, `x` is the nearest number to `exp_m1(x)`, `ln_1p(x)` and `sin(x)`.
    const TINY: Self;
    /// From here on, tanh goes through exp.
    const TANH_SPLIT: Self;
    /// From here on, 1 - 2 / (exp(x) + 1) is 1.
    const TANH_FLAT: Self;
    /// From here on, erf goes through exp.
    const ERF_SPLIT: Self;
    /// From here on, erf is 1.
    const ERF_FLAT: Self;
    /// The largest magnitude for which the branch-free `sin` and `cos` hold.
    const TRIGONOMETRIC_LIMIT: Self;

    /// `a * b + c` with one rounding.
    fn fused(self, b: Self, c: Self) -> Self;
    /// The square root, correctly rounded.
    fn root(self) -> Self;
    /// The magnitude.
    fn magnitude(self) -> Self;
    /// The magnitude of `self` with the sign of `sign`.
    fn with_sign_of(self, sign: Self) -> Self;
    /// 2 to the power `n`, an integer within the normal exponents.
    fn two_to_the(n: Self) -> Self;
    /// `(m, k)` with `self = m 2^k` and `m` between √½ and √2, for a positive normal number.
    fn split(self) -> (Self, Self);
    /// `self 2^s, s` for an `s` that makes any positive subnormal number normal.
    fn lift(self) -> (Self, Self);
    /// The standard library's remainder: exact, with the sign of the dividend.
    fn remainder(self, divisor: Self) -> Self;
    /// The floor instruction.
    fn native_floor(self) -> Self;
    /// The ceil instruction.
    fn native_ceil(self) -> Self;
    /// The round-half-to-even instruction.
    fn native_round(self) -> Self;
    /// The truncation instruction.
    fn native_trunc(self) -> Self;

    /// (eˣ - 1 - x) / x² for |x| ≤ ln(2) / 2.
    fn exp_polynomial<I: Instructions>(x: Self) -> Self;
    /// (ln((1 + s) / (1 - s)) - 2 s) / s³ at z = s² for |s| ≤ 0.1716.
    fn ln_polynomial<I: Instructions>(z: Self) -> Self;
    /// (tanh x - x) / x³ at z = x² for |x| ≤ 0.625.
    fn tanh_polynomial<I: Instructions>(z: Self) -> Self;
    /// erf(x) / x - 1 at z = x² for |x| ≤ `ERF_SPLIT`.
    fn erf_polynomial<I: Instructions>(z: Self) -> Self;
    /// -ln(erfc(t)) for t from `ERF_SPLIT` to `ERF_FLAT`.
    fn erfc_logarithm<I: Instructions>(t: Self) -> Self;
}

macro_rules! format {
    ($type:ty, $bits:ty, $fraction:literal, $bias:literal) => {
        const ZERO: Self = 0.0;
        const HALF: Self = 0.5;
        const ONE: Self = 1.0;
        const TWO: Self = 2.0;
        const INFINITY: Self = <$type>::INFINITY;
        const NAN: Self = <$type>::NAN;
        const MIN_POSITIVE: Self = <$type>::MIN_POSITIVE;
        const INTEGERS: Self = (1u64 << $fraction) as $type;
        const MAGIC: Self = 1.5 * Self::INTEGERS;
        const FRACTION_BITS: Self = ($fraction + 2) as $type;

        #[inline(always)]
        fn fused(self, b: Self, c: Self) -> Self {
            self.mul_add(b, c)
        }
        #[inline(always)]
        fn root(self) -> Self {
            self.sqrt()
        }
        #[inline(always)]
        fn magnitude(self) -> Self {
            self.abs()
        }
        #[inline(always)]
        fn with_sign_of(self, sign: Self) -> Self {
            self.copysign(sign)
        }
        #[inline(always)]
        fn two_to_the(n: Self) -> Self {
            // The sum holds n + bias in its low bits, and the shift drops all others.
            <$type>::from_bits((n + (Self::MAGIC + $bias as $type)).to_bits() << $fraction)
        }
        #[inline(always)]
        fn split(self) -> (Self, Self) {
            const ONE: $bits = (1.0 as $type).to_bits();
            const LOWEST: $bits = <$type as Real>::SQRT_HALF.to_bits();
            let shifted = self.to_bits().wrapping_add(ONE - LOWEST);
            let mantissa = <$type>::from_bits((shifted & ((1 << $fraction) - 1)) + LOWEST);
            // An integer becomes a number by standing in the fraction of 2^fraction: vectors of 64-bit integers have
            // no conversion before AVX-512.
            let biased = <$type>::from_bits((shifted >> $fraction) | Self::INTEGERS.to_bits());
            (mantissa, biased - (Self::INTEGERS + $bias as $type))
        }
        #[inline(always)]
        fn lift(self) -> (Self, Self) {
            (self * Self::INTEGERS, $fraction as $type)
        }
        #[inline(always)]
        fn remainder(self, divisor: Self) -> Self {
            self % divisor
        }
        #[inline(always)]
        fn native_floor(self) -> Self {
            self.floor()
        }
        #[inline(always)]
        fn native_ceil(self) -> Self {
            self.ceil()
        }
        #[inline(always)]
        fn native_round(self) -> Self {
            self.round_ties_even()
        }
        #[inline(always)]
        fn native_trunc(self) -> Self {
            self.trunc()
        }
    };
}

impl Real for f32 {
    format!(f32, u32, 23, 127);

    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2_HIGH: f32 = 6.9314575e-01;
    const LN_2_LOW: f32 = 1.4286068e-06;
    const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    const SQRT_TWO_OVER_PI: f32 = 0.797_884_6;
    const GELU_CUBIC: f32 = 0.044715;
    const EXP_LOW: f32 = -105.0;
    const EXP_HIGH: f32 = 89.0;
    const EXP_M1_LOW: f32 = -20.0;
    const TINY: f32 = 1.4901161e-8;
    const TANH_SPLIT: f32 = 0.625;
    const TANH_FLAT: f32 = 20.0;
    const ERF_SPLIT: f32 = 0.925;
    const ERF_FLAT: f32 = 4.0;
    const TRIGONOMETRIC_LIMIT: f32 = 1_048_576.0;

    #[inline(always)]
    fn exp_polynomial<I: Instructions>(x: f32) -> f32 {
        // 2^-26.1 of exp_m1.
        horner!(I, x, 4.9999997e-01, 1.6666538e-01, 4.166774e-02, 8.367319e-03, 1.3837953e-03)
    }
    #[inline(always)]
    fn ln_polynomial<I: Instructions>(z: f32) -> f32 {
        // 2^-30.2 of the logarithm.
        horner!(I, z, 6.6666776e-01, 3.997757e-01, 2.987133e-01)
    }
    #[inline(always)]
    fn tanh_polynomial<I: Instructions>(z: f32) -> f32 {
        // 2^-27.7.
        horner!(I, z, -3.333328e-01, 1.3331406e-01, -5.3736515e-02, 2.0628165e-02, -5.6922873e-03)
    }
    #[inline(always)]
    fn erf_polynomial<I: Instructions>(z: f32) -> f32 {
        // 2^-29.4.
        horner!(
            I,
            z,
            1.2837917e-01,
            -3.7612626e-01,
            1.1283579e-01,
            -2.6853347e-02,
            5.187162e-03,
            -7.997853e-04,
            7.806903e-05
        )
    }
    #[inline(always)]
    fn erfc_logarithm<I: Instructions>(t: f32) -> f32 {
        // 2^-29.3 of erf.
        horner!(
            I,
            t,
            2.0712089e-04,
            1.1276269e+00,
            6.372667e-01,
            1.0385543e-01,
            -2.218924e-02,
            3.0335267e-03,
            -1.9492462e-04
        )
    }
}

impl Real for f64 {
    format!(f64, u64, 52, 1023);

    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN_2_HIGH: f64 = 0.6931471805598903;
    const LN_2_LOW: f64 = 5.497923018708371e-14;
    const SQRT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;
    const SQRT_TWO_OVER_PI: f64 = 0.7978845608028654;
    const GELU_CUBIC: f64 = 0.044715;
    const EXP_LOW: f64 = -746.0;
    const EXP_HIGH: f64 = 710.0;
    const EXP_M1_LOW: f64 = -40.0;
    const TINY: f64 = 2.7755575615628914e-17;
    const TANH_SPLIT: f64 = 0.625;
    const TANH_FLAT: f64 = 40.0;
    const ERF_SPLIT: f64 = 1.0;
    const ERF_FLAT: f64 = 6.0;
    const TRIGONOMETRIC_LIMIT: f64 = 2_097_152.0;

    #[inline(always)]
    fn exp_polynomial<I: Instructions>(x: f64) -> f64 {
        // 2^-60.1 of exp_m1.
        horner!(
            I,
            x,
            0.5,
            0.16666666666666677,
            0.041666666666666505,
            0.008333333333321513,
            0.0013888888888963545,
            0.000198412698864774,
            2.4801587170957044e-05,
            2.755724380408996e-06,
            2.7557403374656954e-07,
            2.510919514489746e-08,
            2.087529288008785e-09
        )
    }
    #[inline(always)]
    fn ln_polynomial<I: Instructions>(z: f64) -> f64 {
        // 2^-59.0 of the logarithm.
        horner!(
            I,
            z,
            0.6666666666666735,
            0.399999999994116,
            0.28571428743142513,
            0.2222219848911499,
            0.18183569019009557,
            0.15313922570580804,
            0.14797306485806708
        )
    }
    #[inline(always)]
    fn tanh_polynomial<I: Instructions>(z: f64) -> f64 {
        // 2^-55.9.
        horner!(
            I,
            z,
            -0.3333333333333285,
            0.13333333333261022,
            -0.05396825393076745,
            0.021869487564665554,
            -0.008863220853695194,
            0.003591987979284887,
            -0.0014549527765722067,
            0.0005862966410377512,
            -0.00022852409891978504,
            7.709884452549614e-05,
            -1.6050330492755508e-05
        )
    }
    #[inline(always)]
    fn erf_polynomial<I: Instructions>(z: f64) -> f64 {
        // 2^-56.3.
        horner!(
            I,
            z,
            0.1283791670955126,
            -0.3761263890318375,
            0.11283791670954857,
            -0.0268661706450729,
            0.005223977624780927,
            -0.0008548326978745635,
            0.00012055331037024385,
            -1.492559350988206e-05,
            1.6460972864899077e-06,
            -1.6350025728473177e-07,
            1.465788322916363e-08,
            -1.1365678979357167e-09,
            5.94528361935543e-11
        )
    }
    #[inline(always)]
    fn erfc_logarithm<I: Instructions>(t: f64) -> f64 {
        // 2^-56.7 of erf.
        horner!(
            I,
            t,
            1.8442603868532093e-07,
            1.128377281988756,
            0.6366287056414142,
            0.10274663705009951,
            -0.019076944163812087,
            -0.0002822451394453785,
            0.0017709438651961065,
            -0.0006428497137853276,
            4.59669104605055e-05,
            6.974446868225922e-05,
            -4.476731115834807e-05,
            1.642056992495252e-05,
            -4.301525142708623e-06,
            8.451368104937082e-07,
            -1.2482135828388874e-07,
            1.3521038516157077e-08,
            -1.0169433711861236e-09,
            4.7511440770083156e-11,
            -1.0389072590393418e-12
        )
    }
}
