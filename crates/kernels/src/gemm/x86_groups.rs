//! Instructions for groups of narrow numbers: pairs of bf16 (AVX512_BF16) and fours of bytes (AVX512_VNNI).

use super::block::{Block, Cut, even_depth};
use super::groups::{GroupVector, Grouped};
use super::operand::Strided;
use super::plan::Rounded;
use super::tile::{AVX512_ROWS, Arithmetic, TileSize, VectorKernel};
use super::vector::Vector;
use super::x86::transpose_f32;
use half::bf16;
use std::arch::x86_64::*;

/// Sums of single precision; operands are pairs of bf16. Subnormal operands and sums count as zeros, and each of the
/// two products of a pair is added with a rounding of its own.
#[derive(Clone, Copy)]
pub struct BrainPairs(__m512);

/// Sums of 32 bits, which wrap; operands are fours of bytes, unsigned on the left and signed on the right.
#[allow(dead_code)]
#[derive(Clone, Copy)]
pub struct ByteFours(__m512i);

/// Implements [`Vector`]; everything but the multiplication is that of the type of sums.
macro_rules! groups {
    ($vector:ident, $element:ident, $zero:ident, $splat:ident, $load:ident, $store:ident, $load_masked:ident,
     $store_masked:ident, $add:ident, $times_plus:expr) => {
        impl Vector for $vector {
            type Element = $element;
            type Mask = __mmask16;
            const LANES: usize = 16;
            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the caller vouches for the instructions.
                $vector(unsafe { $zero() })
            }
            #[inline(always)]
            unsafe fn splat(value: $element) -> Self {
                // SAFETY: the caller vouches for the instructions.
                $vector(unsafe { $splat(value) })
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                // SAFETY: the caller vouches for the instructions and the memory.
                $vector(unsafe { $load(from.cast()) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                // SAFETY: the caller vouches for the instructions and the memory.
                unsafe { $store(to.cast(), self.0) }
            }
            #[inline(always)]
            unsafe fn mask(count: usize) -> __mmask16 {
                ((1u32 << count) - 1) as __mmask16
            }
            #[inline(always)]
            unsafe fn load_masked(from: *const $element, mask: __mmask16) -> Self {
                // SAFETY: the caller vouches for the instructions and the selected memory.
                $vector(unsafe { $load_masked(mask, from) })
            }
            #[inline(always)]
            unsafe fn store_masked(self, to: *mut $element, mask: __mmask16) {
                // SAFETY: the caller vouches for the instructions and the selected memory.
                unsafe { $store_masked(to, mask, self.0) }
            }
            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the instructions.
                $vector(unsafe { $add(self.0, other.0) })
            }
            #[inline(always)]
            unsafe fn times_plus(self, factor: Self, addend: Self) -> Self {
                // SAFETY: the caller vouches for the instructions.
                $vector(unsafe { $times_plus(self.0, factor.0, addend.0) })
            }
            #[inline(always)]
            unsafe fn prefetch(place: *const $element) {
                // SAFETY: prefetching does not fault; SSE is part of x86-64.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
            }
        }
    };
}

groups!(
    BrainPairs,
    f32,
    _mm512_setzero_ps,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_maskz_loadu_ps,
    _mm512_mask_storeu_ps,
    _mm512_add_ps,
    brain_dot
);
groups!(
    ByteFours,
    i32,
    _mm512_setzero_si512,
    _mm512_set1_epi32,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_maskz_loadu_epi32,
    _mm512_mask_storeu_epi32,
    _mm512_add_epi32,
    byte_dot
);

#[inline(always)]
unsafe fn brain_dot(left: __m512, right: __m512, sum: __m512) -> __m512 {
    // SAFETY: the caller vouches for the instructions; the types are the same 64 bytes.
    unsafe {
        let pairs = |vector: __m512| std::mem::transmute::<__m512, __m512bh>(vector);
        _mm512_dpbf16_ps(sum, pairs(left), pairs(right))
    }
}

#[allow(dead_code)]
#[inline(always)]
unsafe fn byte_dot(left: __m512i, right: __m512i, sum: __m512i) -> __m512i {
    // SAFETY: the caller vouches for the instructions.
    unsafe { _mm512_dpbusd_epi32(sum, left, right) }
}

impl GroupVector for BrainPairs {
    type Narrow = u16;

    #[inline(always)]
    unsafe fn interleave(from: *const u16, stride: isize, lines: usize, mask: __mmask16) -> Self {
        // SAFETY: the caller vouches for the instructions and the selected numbers of `lines` lines.
        unsafe {
            let low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from.cast()));
            if lines < 2 {
                return BrainPairs(_mm512_castsi512_ps(low));
            }
            let high = _mm256_maskz_loadu_epi16(mask, from.wrapping_offset(stride).cast());
            let high = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(high));
            BrainPairs(_mm512_castsi512_ps(_mm512_or_si512(low, high)))
        }
    }

    #[inline(always)]
    unsafe fn transpose_groups(from: *const u16, stride: isize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller vouches for the instructions and both squares.
        unsafe { transpose_words(from.cast(), 2 * stride, to, to_stride) }
    }
}

impl GroupVector for ByteFours {
    type Narrow = u8;

    #[inline(always)]
    unsafe fn interleave(from: *const u8, stride: isize, lines: usize, mask: __mmask16) -> Self {
        // SAFETY: the caller vouches for the instructions and the selected numbers of `lines` lines.
        unsafe {
            let mut words = _mm512_setzero_si512();
            for line in 0..lines {
                let from = from.wrapping_offset(line as isize * stride);
                let bytes = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, from.cast()));
                let shift = _mm_cvtsi32_si128(8 * line as i32);
                words = _mm512_or_si512(words, _mm512_sll_epi32(bytes, shift));
            }
            ByteFours(words)
        }
    }

    #[inline(always)]
    unsafe fn transpose_groups(from: *const u8, stride: isize, to: *mut i32, to_stride: usize) {
        // SAFETY: the caller vouches for the instructions and both squares.
        unsafe { transpose_words(from.cast(), stride, to.cast(), to_stride) }
    }
}

/// Transposes 16 x 16 words, whose rows are `stride` bytes apart and need no alignment.
#[inline(always)]
unsafe fn transpose_words(from: *const f32, stride: isize, to: *mut f32, to_stride: usize) {
    for (i, j) in [(0, 0), (0, 8), (8, 0), (8, 8)] {
        // SAFETY: the caller vouches for the instructions and both squares, of which this is a quarter.
        unsafe {
            let corner = from.byte_offset(i as isize * stride).add(j);
            transpose_f32(corner, stride, to.add(j * to_stride + i), to_stride);
        }
    }
}

/// The arithmetic of [`BrainPairs`].
#[derive(Clone, Copy)]
pub struct BrainDots(());

impl BrainDots {
    /// The arithmetic, where the processor has it.
    pub fn detected() -> Option<BrainDots> {
        is_x86_feature_detected!("avx512bf16").then_some(BrainDots(()))
    }
}

impl Arithmetic<f32> for BrainDots {
    fn tile(self) -> TileSize {
        TileSize::new::<BrainPairs>(AVX512_ROWS)
    }

    unsafe fn dispatch<K: VectorKernel<f32>>(self, kernel: K) {
        // SAFETY: the caller vouches for the kernel; this type is only made where the instructions were detected.
        unsafe { run_brain(kernel) }
    }
}

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt"
)]
unsafe fn run_brain<K: VectorKernel<f32>>(kernel: K) {
    // SAFETY: the caller vouches for the kernel and the instructions.
    unsafe { kernel.run::<BrainPairs, AVX512_ROWS>() }
}

/// Computes a block by dots of pairs and rounds it to C; `false` if the machine has none.
///
/// # Safety
/// As for [`Block::run_then`]; the machine has AVX-512.
pub unsafe fn multiply_brain(
    block: &Block<'_, f32, Strided<bf16>, Strided<bf16>>,
    rounded: &Rounded<bf16>,
) -> bool {
    let Some(dots) = BrainDots::detected() else {
        return false;
    };
    let (a, b) = (block.left, block.right);
    let left = Grouped::<BrainPairs>::new(a.ptr.cast(), a.row, a.column, block.depth);
    let right = Grouped::<BrainPairs>::new(b.ptr.cast(), b.column, b.row, block.depth);
    let depth = block.depth.div_ceil(BrainPairs::GROUP);
    let cut = Cut { depth: even_depth(depth), ..block.cut };
    let Block { rows, columns, c, c_row, accumulate, .. } = *block;
    let block = Block { rows, columns, depth, left: &left, right: &right, c, c_row, accumulate, cut };
    // SAFETY: the caller vouches for the operands and C.
    unsafe { block.run_then(dots, rounded) };
    true
}
