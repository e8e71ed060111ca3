//! The number types that products are made of.

use super::block::Block;
use super::operand::Strided;
use super::plan::Rounded;
use super::vector::{Lanes, Vector};
use crate::isa::Isa;
use half::{bf16, f16};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

/// A type that sums are kept in.
pub trait Number: Copy + PartialEq + Send + Sync + 'static {
    /// The neutral element of addition.
    const ZERO: Self;
    /// Rows of a product for which the large operand is read where it lies and once.
    const MOST_FEW: usize;
    /// Vectors for any processor.
    type Portable: Vector<Element = Self>;
    /// Vectors for AVX2.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Vector<Element = Self>;
    /// Vectors for AVX-512.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Vector<Element = Self>;

    /// `self + other`; integers wrap.
    fn plus(self, other: Self) -> Self;
    /// `self * factor + addend`; integers wrap.
    fn times_plus(self, factor: Self, addend: Self) -> Self;
}

/// A type of the operands and results of a product.
pub trait GemmElement: Copy + Send + Sync + 'static {
    /// The type that products are summed in.
    type Sum: Number;
    /// Whether `Sum` is this type, so that operands can be read where they lie.
    const NATIVE: bool;

    /// To the type of sums, exactly.
    fn widen(self) -> Self::Sum;
    /// From the type of sums, rounded to nearest, ties to even.
    fn narrow(sum: Self::Sum) -> Self;

    /// Computes a block by instructions for groups of numbers of this type and rounds it to C; `false` if there are
    /// none.
    ///
    /// # Safety
    /// As for [`Block::run_then`].
    unsafe fn multiply_groups(
        _isa: Isa,
        _block: &Block<'_, Self::Sum, Strided<Self>, Strided<Self>>,
        _rounded: &Rounded<Self>,
    ) -> bool {
        false
    }
}

macro_rules! float {
    ($type:ident, $lanes:literal, $avx2:ty, $avx512:ty) => {
        impl Number for $type {
            const ZERO: Self = 0.0;
            const MOST_FEW: usize = 8;
            type Portable = Lanes<$type, $lanes>;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = $avx2;
            #[cfg(target_arch = "x86_64")]
            type Avx512 = $avx512;
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn times_plus(self, factor: Self, addend: Self) -> Self {
                if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
                    self.mul_add(factor, addend)
                } else {
                    self * factor + addend
                }
            }
        }
        native!($type);
    };
}

macro_rules! integer {
    ($type:ident, $lanes:literal, $avx2:literal, $avx512:literal) => {
        impl Number for $type {
            const ZERO: Self = 0;
            const MOST_FEW: usize = 4;
            type Portable = Lanes<$type, $lanes>;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = Lanes<$type, $avx2>;
            #[cfg(target_arch = "x86_64")]
            type Avx512 = Lanes<$type, $avx512>;
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn times_plus(self, factor: Self, addend: Self) -> Self {
                self.wrapping_mul(factor).wrapping_add(addend)
            }
        }
        native!($type);
    };
}

macro_rules! native {
    ($type:ident) => {
        impl GemmElement for $type {
            type Sum = $type;
            const NATIVE: bool = true;
            #[inline(always)]
            fn widen(self) -> $type {
                self
            }
            #[inline(always)]
            fn narrow(sum: $type) -> $type {
                sum
            }
        }
    };
}

float!(f32, 4, __m256, __m512);
float!(f64, 2, __m256d, __m512d);
integer!(i32, 4, 8, 16);
integer!(i64, 2, 4, 8);
integer!(u8, 16, 32, 64);

// The conversions below are those of the `half` crate without its branches and feature look-ups, so that loops over
// them vectorise.

impl GemmElement for bf16 {
    type Sum = f32;
    const NATIVE: bool = false;
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits((self.to_bits() as u32) << 16)
    }
    #[inline(always)]
    fn narrow(sum: f32) -> bf16 {
        let bits = sum.to_bits();
        let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
        // Rounding could turn a NaN into an infinity: keep it quiet instead.
        let quiet = (bits >> 16) | 0x40;
        bf16::from_bits(if sum.is_nan() { quiet } else { rounded } as u16)
    }
    #[cfg(target_arch = "x86_64")]
    unsafe fn multiply_groups(
        isa: Isa,
        block: &Block<'_, f32, Strided<bf16>, Strided<bf16>>,
        rounded: &Rounded<bf16>,
    ) -> bool {
        // SAFETY: the caller vouches for the block.
        isa == Isa::Avx512 && unsafe { super::x86_groups::multiply_brain(block, rounded) }
    }
}

impl GemmElement for f16 {
    type Sum = f32;
    const NATIVE: bool = false;
    #[inline(always)]
    fn widen(self) -> f32 {
        let bits = self.to_bits() as u32;
        let magnitude = (bits & 0x7fff) << 13;
        // Moves the exponent bias from 15 to 127; exact for subnormals too, as the product is.
        let scaled = f32::from_bits(magnitude) * f32::from_bits((254 - 15) << 23);
        let special = if magnitude >= 0x7c00 << 13 { 0x7f80_0000 } else { 0 };
        f32::from_bits(scaled.to_bits() | special | ((bits & 0x8000) << 16))
    }
    #[inline(always)]
    fn narrow(sum: f32) -> f16 {
        let sign = (sum.to_bits() >> 16) & 0x8000;
        let magnitude = sum.to_bits() & 0x7fff_ffff;
        // Adding 0.5 leaves the subnormal's bits at the bottom of the sum, rounded by the addition.
        let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
        let rebiased = magnitude.wrapping_sub((127 - 15) << 23);
        let normal = rebiased.wrapping_add(0xfff + ((magnitude >> 13) & 1)) >> 13;
        let finite = if magnitude < 113 << 23 { subnormal } else { normal.min(0x7c00) };
        let special = if sum.is_nan() { 0x7e00 | ((magnitude >> 13) & 0x3ff) } else { 0x7c00 };
        let result = if magnitude < 143 << 23 { finite } else { special };
        f16::from_bits((result | sign) as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_convert_like_the_half_crate() {
        for bits in 0..=u16::MAX {
            let (brain, ieee) = (bf16::from_bits(bits), f16::from_bits(bits));
            assert!(brain.widen() == brain.to_f32() || (brain.widen().is_nan() && brain.is_nan()));
            assert!(ieee.widen() == ieee.to_f32() || (ieee.widen().is_nan() && ieee.is_nan()));
        }
        for step in 0..=u32::MAX / 977 {
            let value = f32::from_bits(step * 977);
            let (brain, ieee) = (bf16::narrow(value), f16::narrow(value));
            assert_eq!(brain.is_nan(), value.is_nan());
            assert_eq!(ieee.is_nan(), value.is_nan());
            if !value.is_nan() {
                assert_eq!(brain.to_bits(), bf16::from_f32(value).to_bits(), "{value:e}");
                assert_eq!(ieee.to_bits(), f16::from_f32(value).to_bits(), "{value:e}");
            }
        }
    }
}
