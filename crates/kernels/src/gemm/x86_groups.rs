//! Instructions for groups of narrow numbers: pairs of bf16 (AVX512_BF16) and fours of bytes (AVX512_VNNI).

use super::Accumulate;
use super::block::{Block, Cut, even_depth};
use super::bytes::{Byte, Wide};
use super::element::GemmElement;
use super::groups::{GroupVector, Grouped};
use super::operand::Strided;
use super::plan::Rounded;
use super::tile::{AVX512_ROWS, Arithmetic, TileSize, VectorKernel};
use super::vector::Vector;
use super::x86::transpose_f32;
use crate::memory::with_scratch;
use half::bf16;
use std::arch::x86_64::*;

/// Sums of single precision; operands are pairs of bf16. Subnormal operands and sums count as zeros, and each of the
/// two products of a pair is added with a rounding of its own.
#[derive(Clone, Copy)]
pub struct BrainPairs(__m512);

/// Sums of 32 bits, which wrap; operands are fours of bytes, unsigned on the left and signed on the right.
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
            #[inline(always)]
            unsafe fn prefetch_far(place: *const $element) {
                // SAFETY: as above.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(place.cast()) }
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
        let left = std::mem::transmute::<__m512, __m512bh>(left);
        let right = std::mem::transmute::<__m512, __m512bh>(right);
        _mm512_dpbf16_ps(sum, left, right)
    }
}

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

/// The arithmetic of [`ByteFours`].
#[derive(Clone, Copy)]
pub struct ByteDots(());

impl ByteDots {
    /// The arithmetic, where the processor has it.
    pub fn detected() -> Option<ByteDots> {
        is_x86_feature_detected!("avx512vnni").then_some(ByteDots(()))
    }
}

impl Arithmetic<i32> for ByteDots {
    fn tile(self) -> TileSize {
        TileSize::new::<ByteFours>(AVX512_ROWS)
    }

    unsafe fn dispatch<K: VectorKernel<i32>>(self, kernel: K) {
        // SAFETY: the caller vouches for the kernel; this type is only made where the instructions were detected.
        unsafe { run_fours(kernel) }
    }
}

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt"
)]
unsafe fn run_fours<K: VectorKernel<i32>>(kernel: K) {
    // SAFETY: the caller vouches for the kernel and the instructions.
    unsafe { kernel.run::<ByteFours, AVX512_ROWS>() }
}

/// Computes a block by dots of fours; `false` if the machine has none.
///
/// They take unsigned numbers on the left and signed ones on the right. Numbers that are not so are moved by 128, which
/// flips their highest bit. With `A + 128` in place of A, `128 B` summed over the depth is too much, and with `B - 128`
/// in place of B, `128 A` is missing; with both, `128 * 128` each as well.
///
/// # Safety
/// As for [`Block::run`]; the machine has AVX-512.
pub unsafe fn multiply_fours<A: Byte, B: Byte>(
    block: &Block<'_, i32, Strided<Wide<A>>, Strided<Wide<B>>>,
) -> bool {
    const FLIP: u32 = 0x8080_8080;
    let Some(dots) = ByteDots::detected() else {
        return false;
    };
    let (a, b) = (block.left, block.right);
    let Block { rows, columns, c, c_row, .. } = *block;
    let left = Grouped::<ByteFours>::new(a.ptr.cast(), a.row, a.column, block.depth);
    let left = left.flipped(if A::SIGNED { FLIP } else { 0 });
    let right = Grouped::<ByteFours>::new(b.ptr.cast(), b.column, b.row, block.depth);
    let right = right.flipped(if B::SIGNED { 0 } else { FLIP });
    let mut accumulate = block.accumulate;
    if A::SIGNED || !B::SIGNED {
        with_scratch((rows + columns) * size_of::<i32>(), |scratch| {
            let of_rows = scratch.as_mut_ptr().cast::<i32>();
            let of_columns = of_rows.wrapping_add(rows);
            let both = if A::SIGNED && !B::SIGNED { (block.depth as i32).wrapping_mul(128 * 128) } else { 0 };
            let factor = |moved: bool, factor: i32| if moved { factor } else { 0 };
            // SAFETY: the caller vouches for the operands and C; the scratch has room for both sums.
            unsafe {
                sum_lines(
                    a.ptr,
                    [a.row, a.column],
                    [rows, block.depth],
                    [factor(!B::SIGNED, 128), both],
                    of_rows,
                );
                let factors = [factor(A::SIGNED, -128), 0];
                sum_lines(b.ptr, [b.column, b.row], [columns, block.depth], factors, of_columns);
                prepare(of_rows, of_columns, [rows, columns], c, c_row, accumulate);
            }
        });
        accumulate = Accumulate::Add;
    }
    let depth = block.depth.div_ceil(ByteFours::GROUP);
    let cut = Cut { depth: even_depth(depth), ..block.cut };
    let block = Block { rows, columns, depth, left: &left, right: &right, c, c_row, accumulate, cut };
    // SAFETY: the caller vouches for the operands and C.
    unsafe { block.run(dots) };
    true
}

/// For each line the sum of its numbers times `factor`, plus `addend`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn sum_lines<B: Byte>(
    from: *const Wide<B>,
    [line_stride, depth_stride]: [isize; 2],
    [lines, depth]: [usize; 2],
    [factor, addend]: [i32; 2],
    to: *mut i32,
) {
    // SAFETY: the caller vouches for the numbers and for `lines` sums.
    unsafe {
        for line in 0..lines {
            *to.add(line) = 0;
        }
        if factor != 0 && line_stride == 1 {
            for at in 0..depth {
                let from = from.offset(at as isize * depth_stride);
                for line in 0..lines {
                    *to.add(line) = (*to.add(line)).wrapping_add((*from.add(line)).widen());
                }
            }
        } else if factor != 0 {
            for line in 0..lines {
                let from = from.offset(line as isize * line_stride);
                let mut sum = 0i32;
                if depth_stride == 1 {
                    for at in 0..depth {
                        sum = sum.wrapping_add((*from.add(at)).widen());
                    }
                } else {
                    for at in 0..depth {
                        sum = sum.wrapping_add((*from.offset(at as isize * depth_stride)).widen());
                    }
                }
                *to.add(line) = sum;
            }
        }
        for line in 0..lines {
            *to.add(line) = (*to.add(line)).wrapping_mul(factor).wrapping_add(addend);
        }
    }
}

/// Puts the sum of a number for its row and one for its column in each element of C, or adds it.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn prepare(
    of_rows: *const i32,
    of_columns: *const i32,
    [rows, columns]: [usize; 2],
    c: *mut i32,
    c_row: isize,
    accumulate: Accumulate,
) {
    for row in 0..rows {
        // SAFETY: the caller vouches for C and for the numbers.
        unsafe {
            let to = c.offset(row as isize * c_row);
            let of_row = *of_rows.add(row);
            for column in 0..columns {
                let before = if accumulate == Accumulate::Add { *to.add(column) } else { 0 };
                *to.add(column) = before.wrapping_add(of_row).wrapping_add(*of_columns.add(column));
            }
        }
    }
}
