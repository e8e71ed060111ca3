//! Products of a few rows by weights in blocks of bytes, by AVX512_VNNI: activations are rounded to bytes too, a scale for
//! each block, and blocks are multiplied as integers.

use super::Accumulate;
use super::skinny::{Skinny, for_outputs};
use super::weights::{ByteBlock, ByteBlocks};
use crate::memory::with_scratch;
use crate::threads::Pool;
use std::arch::x86_64::*;
use std::ops::Range;

/// Rows of activations that weights are read once for.
const MOST_ROWS: usize = 8;
/// Activations of two blocks, which a register holds side by side.
const PAIR: usize = 64;

/// Two blocks of activations.
#[repr(C, align(64))]
struct Activations {
    /// The activations over their scale, plus 128.
    bytes: [u8; PAIR],
    /// The scale of each block, for all sums of it.
    scales: [f32; 16],
}

/// Computes the product; `false` if the machine lacks the instructions.
///
/// # Safety
/// As for [`super::skinny::skinny`]; the machine has AVX-512.
pub unsafe fn multiply(pool: &Pool, product: &Skinny<ByteBlocks>) -> bool {
    if !is_x86_feature_detected!("avx512vnni") {
        return false;
    }
    let &Skinny { rows, inputs, outputs, activations, activations_row, .. } = product;
    let pairs = inputs.div_ceil(PAIR);
    with_scratch(rows * pairs * size_of::<Activations>(), |scratch| {
        let rounded = scratch.as_mut_ptr().cast::<Activations>();
        for row in 0..rows {
            // SAFETY: the caller vouches for the activations and AVX-512; the scratch has room for all rows.
            unsafe {
                let from = activations.offset(row as isize * activations_row);
                round(from, inputs, rounded.add(row * pairs));
            }
        }
        let shared = Shared(rounded);
        for_outputs(pool, inputs, outputs, &|some| {
            let mut row = 0;
            while row < rows {
                let few = (rows - row).min(MOST_ROWS);
                let part =
                    Part { product, activations: shared.row(row * pairs), pairs, row, outputs: some.clone() };
                // SAFETY: the caller vouches for the product, of which tasks and rows are disjoint parts; the
                // instructions were detected.
                unsafe { part.compute(few) }
                row += few;
            }
        });
    });
    true
}

/// Rounded activations, which threads only read.
struct Shared(*const Activations);

// SAFETY: nothing writes to them while they are shared.
unsafe impl Sync for Shared {}

impl Shared {
    fn row(&self, pairs: usize) -> *const Activations {
        self.0.wrapping_add(pairs)
    }
}

/// Rounds a row of activations. A block with a number that is not finite gets a scale that is not a number.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn round(from: *const f32, inputs: usize, to: *mut Activations) {
    for block in 0..inputs.div_ceil(PAIR) * 2 {
        // SAFETY: the caller vouches for `inputs` activations, a whole number of blocks, and for pairs of blocks at `to`.
        unsafe {
            let to = &mut *to.add(block / 2);
            let half = block % 2;
            let mut numbers = [0.0f32; 32];
            if block * 32 < inputs {
                numbers = from.add(block * 32).cast::<[f32; 32]>().read_unaligned();
            }
            // Magnitudes are ordered like their bits, of which those that are not finite are the largest.
            let mut largest = 0u32;
            for number in numbers {
                let magnitude = number.to_bits() & 0x7fff_ffff;
                largest = if magnitude > largest { magnitude } else { largest };
            }
            let finite = largest < f32::INFINITY.to_bits();
            let scale = if finite { f32::from_bits(largest) / 127.0 } else { f32::NAN };
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            for (byte, number) in to.bytes[half * 32..][..32].iter_mut().zip(numbers) {
                *byte = ((number * inverse).round_ties_even() as i32 + 128) as u8;
            }
            to.scales[half * 8..][..8].fill(scale);
        }
    }
}

/// Some outputs of the product, for rows from `row` on.
struct Part<'a> {
    product: &'a Skinny<ByteBlocks>,
    activations: *const Activations,
    pairs: usize,
    row: usize,
    outputs: Range<usize>,
}

impl Part<'_> {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
    unsafe fn compute(&self, rows: usize) {
        // SAFETY: passed on from the caller.
        unsafe {
            match rows {
                1 => self.rows::<4, 1>(),
                2 => self.rows::<4, 2>(),
                3 => self.rows::<2, 3>(),
                4 => self.rows::<2, 4>(),
                5 => self.rows::<2, 5>(),
                6 => self.rows::<2, 6>(),
                7 => self.rows::<2, 7>(),
                _ => self.rows::<2, 8>(),
            }
        }
    }

    #[inline(always)]
    unsafe fn rows<const SIDE: usize, const R: usize>(&self) {
        let mut output = self.outputs.start;
        // SAFETY: the caller vouches for all outputs, `R` rows and the instructions.
        unsafe {
            while output + SIDE <= self.outputs.end {
                self.tile::<SIDE, R>(output);
                output += SIDE;
            }
            while output < self.outputs.end {
                self.tile::<1, R>(output);
                output += 1;
            }
        }
    }

    /// `SIDE` outputs of `R` rows.
    // Indices run over several arrays at once.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    unsafe fn tile<const SIDE: usize, const R: usize>(&self, output: usize) {
        let &Skinny { inputs, weights, weights_row, results, results_row, accumulate, .. } = self.product;
        // SAFETY: the caller vouches for the outputs, `R` rows and the instructions.
        unsafe {
            let moved = _mm512_set1_epi8(128u8 as i8);
            let mut sums = [[_mm512_setzero_ps(); R]; SIDE];
            for pair in 0..self.pairs {
                let whole = (pair + 1) * PAIR <= inputs;
                let mut bytes = [_mm512_setzero_si512(); SIDE];
                let mut scales = [_mm512_setzero_ps(); SIDE];
                let mut less = [_mm512_setzero_si512(); SIDE];
                for side in 0..SIDE {
                    let block = weights.wrapping_offset((output + side) as isize * weights_row).add(2 * pair);
                    (bytes[side], scales[side]) = load(block, whole);
                    // Activations are 128 too large, products so by 128 times the weights.
                    let excess = _mm512_dpbusd_epi32(_mm512_setzero_si512(), moved, bytes[side]);
                    less[side] = _mm512_sub_epi32(_mm512_setzero_si512(), excess);
                }
                for row in 0..R {
                    let activations = &*self.activations.add(row * self.pairs + pair);
                    let left = _mm512_load_si512(activations.bytes.as_ptr().cast());
                    let scale = _mm512_load_ps(activations.scales.as_ptr());
                    for side in 0..SIDE {
                        let dots = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(less[side], left, bytes[side]));
                        let scale = _mm512_mul_ps(scale, scales[side]);
                        sums[side][row] = _mm512_fmadd_ps(dots, scale, sums[side][row]);
                    }
                }
            }
            for side in 0..SIDE {
                for row in 0..R {
                    let offset = (self.row + row) as isize * results_row;
                    let to = results.offset(offset).add(output + side);
                    let sum = _mm512_reduce_add_ps(sums[side][row]);
                    *to = if accumulate == Accumulate::Add { *to + sum } else { sum };
                }
            }
        }
    }
}

/// The values and scales of two blocks, or of one and zeros.
#[inline(always)]
unsafe fn load(block: *const ByteBlock, whole: bool) -> (__m512i, __m512) {
    // SAFETY: the caller vouches for the blocks and the instructions.
    unsafe {
        let mut bytes = _mm512_zextsi256_si512(values(block));
        let mut scales = _mm256_zextsi128_si256(scale(block));
        if whole {
            bytes = _mm512_inserti64x4::<1>(bytes, values(block.add(1)));
            scales = _mm256_inserti128_si256::<1>(scales, scale(block.add(1)));
        }
        (bytes, _mm512_cvtph_ps(scales))
    }
}

#[inline(always)]
unsafe fn values(block: *const ByteBlock) -> __m256i {
    // SAFETY: the caller vouches for the block and the instructions.
    unsafe { _mm256_loadu_si256((&raw const (*block).values).cast()) }
}

#[inline(always)]
unsafe fn scale(block: *const ByteBlock) -> __m128i {
    // SAFETY: the caller vouches for the block and the instructions.
    unsafe { _mm_set1_epi16((*block).scale.to_bits() as i16) }
}
