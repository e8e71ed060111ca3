//! Vectors of AVX2 and AVX-512.

use super::tile::{AVX512_ROWS, Tile};
use super::vector::Vector;
use super::x86_tile::{whole_tile_f32, whole_tile_f64};
use std::arch::x86_64::*;

/// Implements [`Vector`] by intrinsics; the methods that differ in more than a name are given as they are.
macro_rules! vector {
    ($vector:ident, $element:ident, $lanes:literal, $mask:ty, $zero:ident, $splat:ident, $load:ident, $store:ident,
     $add:ident, $fma:ident, { $($rest:item)* }) => {
        impl Vector for $vector {
            type Element = $element;
            type Mask = $mask;
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the caller vouches for the instructions.
                unsafe { $zero() }
            }
            #[inline(always)]
            unsafe fn splat(value: $element) -> Self {
                // SAFETY: the caller vouches for the instructions.
                unsafe { $splat(value) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                // SAFETY: the caller vouches for the instructions and the memory.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                // SAFETY: the caller vouches for the instructions and the memory.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the instructions.
                unsafe { $add(self, other) }
            }
            #[inline(always)]
            unsafe fn times_plus(self, factor: Self, addend: Self) -> Self {
                // SAFETY: the caller vouches for the instructions.
                unsafe { $fma(self, factor, addend) }
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
            $($rest)*
        }
    };
}

vector!(
    __m256,
    f32,
    8,
    __m256i,
    _mm256_setzero_ps,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_fmadd_ps,
    {
        #[inline(always)]
        unsafe fn mask(count: usize) -> __m256i {
            // SAFETY: the caller vouches for the instructions.
            unsafe {
                _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
            }
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const f32, mask: __m256i) -> Self {
            // SAFETY: the caller vouches for the instructions and the selected memory.
            unsafe { _mm256_maskload_ps(from, mask) }
        }
        #[inline(always)]
        unsafe fn store_masked(self, to: *mut f32, mask: __m256i) {
            // SAFETY: the caller vouches for the instructions and the selected memory.
            unsafe { _mm256_maskstore_ps(to, mask, self) }
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f32, from_stride: isize, to: *mut f32, to_stride: usize) {
            // SAFETY: the caller vouches for the instructions and both squares.
            unsafe { transpose_f32(from, 4 * from_stride, to, to_stride) }
        }
    }
);

vector!(
    __m256d,
    f64,
    4,
    __m256i,
    _mm256_setzero_pd,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_add_pd,
    _mm256_fmadd_pd,
    {
        #[inline(always)]
        unsafe fn mask(count: usize) -> __m256i {
            // SAFETY: the caller vouches for the instructions.
            unsafe { _mm256_cmpgt_epi64(_mm256_set1_epi64x(count as i64), _mm256_setr_epi64x(0, 1, 2, 3)) }
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const f64, mask: __m256i) -> Self {
            // SAFETY: the caller vouches for the instructions and the selected memory.
            unsafe { _mm256_maskload_pd(from, mask) }
        }
        #[inline(always)]
        unsafe fn store_masked(self, to: *mut f64, mask: __m256i) {
            // SAFETY: the caller vouches for the instructions and the selected memory.
            unsafe { _mm256_maskstore_pd(to, mask, self) }
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f64, from_stride: isize, to: *mut f64, to_stride: usize) {
            // SAFETY: the caller vouches for the instructions and both squares.
            unsafe { transpose_f64(from, from_stride, to, to_stride) }
        }
    }
);

vector!(
    __m512,
    f32,
    16,
    __mmask16,
    _mm512_setzero_ps,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_fmadd_ps,
    {
        const WHOLE_TILE_ROWS: usize = AVX512_ROWS;
        #[inline(always)]
        unsafe fn whole_tile(tile: &Tile<f32>) {
            // SAFETY: the caller vouches for the instructions and the tile.
            unsafe { whole_tile_f32(tile) }
        }
        #[inline(always)]
        unsafe fn mask(count: usize) -> __mmask16 {
            ((1u32 << count) - 1) as __mmask16
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const f32, mask: __mmask16) -> Self {
            // SAFETY: the caller vouches for the instructions and the selected memory.
            unsafe { _mm512_maskz_loadu_ps(mask, from) }
        }
        #[inline(always)]
        unsafe fn store_masked(self, to: *mut f32, mask: __mmask16) {
            // SAFETY: the caller vouches for the instructions and the selected memory.
            unsafe { _mm512_mask_storeu_ps(to, mask, self) }
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f32, from_stride: isize, to: *mut f32, to_stride: usize) {
            for (i, j) in [(0, 0), (0, 8), (8, 0), (8, 8)] {
                // SAFETY: the caller vouches for the instructions and both squares, of which this is a quarter.
                unsafe {
                    let corner = from.offset(i as isize * from_stride).add(j);
                    transpose_f32(corner, 4 * from_stride, to.add(j * to_stride + i), to_stride);
                }
            }
        }
    }
);

vector!(
    __m512d,
    f64,
    8,
    __mmask8,
    _mm512_setzero_pd,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_add_pd,
    _mm512_fmadd_pd,
    {
        const WHOLE_TILE_ROWS: usize = AVX512_ROWS;
        #[inline(always)]
        unsafe fn whole_tile(tile: &Tile<f64>) {
            // SAFETY: the caller vouches for the instructions and the tile.
            unsafe { whole_tile_f64(tile) }
        }
        #[inline(always)]
        unsafe fn mask(count: usize) -> __mmask8 {
            ((1u32 << count) - 1) as __mmask8
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const f64, mask: __mmask8) -> Self {
            // SAFETY: the caller vouches for the instructions and the selected memory.
            unsafe { _mm512_maskz_loadu_pd(mask, from) }
        }
        #[inline(always)]
        unsafe fn store_masked(self, to: *mut f64, mask: __mmask8) {
            // SAFETY: the caller vouches for the instructions and the selected memory.
            unsafe { _mm512_mask_storeu_pd(to, mask, self) }
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f64, from_stride: isize, to: *mut f64, to_stride: usize) {
            for (i, j) in [(0, 0), (0, 4), (4, 0), (4, 4)] {
                // SAFETY: the caller vouches for the instructions and both squares, of which this is a quarter.
                unsafe {
                    let corner = from.offset(i as isize * from_stride).add(j);
                    transpose_f64(corner, from_stride, to.add(j * to_stride + i), to_stride);
                }
            }
        }
    }
);

/// Transposes 8 x 8 numbers, whose rows are `from_stride` bytes apart.
///
/// # Safety
/// The processor has AVX2; both squares are valid.
#[inline(always)]
pub unsafe fn transpose_f32(from: *const f32, from_stride: isize, to: *mut f32, to_stride: usize) {
    // SAFETY: the caller vouches for the instructions and the squares.
    unsafe {
        let half = |row: isize, column: usize| _mm_loadu_ps(from.byte_offset(row * from_stride).add(column));
        // Rows i and i + 4 side by side, so that only moves within 128 bits remain.
        let pair = |row, column| _mm256_set_m128(half(row + 4, column), half(row, column));
        for column in [0, 4] {
            let (a, b, c, d) = (pair(0, column), pair(1, column), pair(2, column), pair(3, column));
            let (low_ab, high_ab) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (low_cd, high_cd) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            let to = to.add(column * to_stride);
            _mm256_storeu_ps(to, _mm256_shuffle_ps(low_ab, low_cd, 0x44));
            _mm256_storeu_ps(to.add(to_stride), _mm256_shuffle_ps(low_ab, low_cd, 0xee));
            _mm256_storeu_ps(to.add(2 * to_stride), _mm256_shuffle_ps(high_ab, high_cd, 0x44));
            _mm256_storeu_ps(to.add(3 * to_stride), _mm256_shuffle_ps(high_ab, high_cd, 0xee));
        }
    }
}

/// Transposes 4 x 4 numbers.
///
/// # Safety
/// The processor has AVX2; both squares are valid.
#[inline(always)]
unsafe fn transpose_f64(from: *const f64, from_stride: isize, to: *mut f64, to_stride: usize) {
    // SAFETY: the caller vouches for the instructions and the squares.
    unsafe {
        let half = |row: isize, column: usize| _mm_loadu_pd(from.offset(row * from_stride).add(column));
        let pair = |row, column| _mm256_set_m128d(half(row + 2, column), half(row, column));
        for column in [0, 2] {
            let (a, b) = (pair(0, column), pair(1, column));
            let to = to.add(column * to_stride);
            _mm256_storeu_pd(to, _mm256_unpacklo_pd(a, b));
            _mm256_storeu_pd(to.add(to_stride), _mm256_unpackhi_pd(a, b));
        }
    }
}
