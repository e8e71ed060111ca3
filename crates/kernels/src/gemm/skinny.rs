//! Products of a few rows by a large matrix of weights, as in decoding a text token by token: every weight is read once,
//! at the speed of memory, and widened in registers, so that weights of half the size take half the time.

use super::Accumulate;
use super::dot::Dots;
use super::element::Number;
use super::few::{apart, compete};
use super::tile::dispatch;
use super::weights::WeightFormat;
use crate::isa::Isa;
use crate::memory::with_scratch;
use crate::threads::Pool;
use std::ops::Range;
use std::ptr;

/// Outputs of a task are a multiple of this: whole cache lines of results.
const TASK_OUTPUTS: usize = 32;
/// A task should read at least this many weights.
const TASK_WEIGHTS: usize = 64 << 10;

/// The product of activations, `[rows, inputs]`, by the transpose of weights, `[outputs, inputs]`. Activations and
/// results, `[rows, outputs]`, are of single precision.
#[derive(Clone, Copy, Debug)]
pub struct Skinny<W: WeightFormat<f32>> {
    /// Rows of activations. Weights are read once for each eight of them, so they should be few.
    pub rows: usize,
    /// Numbers of a row of activations: a multiple of [`WeightFormat::WEIGHTS`].
    pub inputs: usize,
    /// Numbers of a row of results.
    pub outputs: usize,
    /// First activation; rows are contiguous.
    pub activations: *const f32,
    /// From row to row of activations.
    pub activations_row: isize,
    /// The first of the weights; those of an output are contiguous.
    pub weights: *const W::Stored,
    /// From output to output of weights, in what is stored.
    pub weights_row: isize,
    /// First result; rows are contiguous.
    pub results: *mut f32,
    /// From row to row of results.
    pub results_row: isize,
    /// What happens to the values in the results.
    pub accumulate: Accumulate,
}

// SAFETY: the pointers are only followed by `skinny`, whose caller vouches for the memory behind them.
unsafe impl<W: WeightFormat<f32>> Sync for Skinny<W> {}

/// Computes a product of a few rows by weights on `pool`. Sums are of single precision; their order depends on the
/// number of inputs and the instruction set alone.
///
/// Where [`Isa::Avx512`] finds AVX512_VNNI, activations for weights in [`ByteBlocks`](super::weights::ByteBlocks) are
/// rounded to eight bits as well, each 32 of them with a scale of their own: each is off by at most 1/254 of the largest
/// magnitude of its block.
///
/// # Safety
/// All that `product` names is valid; the results are distinct and overlap nothing else; nobody else writes to any of
/// it during the call.
///
/// # Panics
/// If the machine lacks `isa`, or the inputs are no whole number of blocks.
pub unsafe fn skinny<W: WeightFormat<f32>>(pool: &Pool, isa: Isa, product: &Skinny<W>) {
    let Skinny { rows, inputs, outputs, .. } = *product;
    assert!(inputs.is_multiple_of(W::WEIGHTS), "{inputs} weights are no whole blocks");
    if rows == 0 || outputs == 0 {
        return;
    }
    // SAFETY: the caller vouches for the product.
    if unsafe { W::multiply(pool, isa, product) } {
        return;
    }
    if !compete(rows.min(f32::MOST_FEW), product.activations_row.unsigned_abs() * size_of::<f32>()) {
        // SAFETY: the caller vouches for the product.
        return unsafe { multiply(pool, isa, product) };
    }
    let apart = apart(inputs);
    with_scratch(rows * apart * size_of::<f32>(), |scratch| {
        let copy = scratch.as_mut_ptr().cast::<f32>();
        for row in 0..rows {
            // SAFETY: the caller vouches for the activations; the scratch has room for all rows.
            unsafe {
                let from = product.activations.offset(row as isize * product.activations_row);
                ptr::copy_nonoverlapping(from, copy.add(row * apart), inputs);
            }
        }
        let product = Skinny { activations: copy, activations_row: apart as isize, ..*product };
        // SAFETY: the caller vouches for the product, whose activations were copied.
        unsafe { multiply(pool, isa, &product) }
    });
}

/// Cuts the outputs in tasks.
pub fn for_outputs(pool: &Pool, inputs: usize, outputs: usize, body: &(dyn Fn(Range<usize>) + Sync)) {
    let least = TASK_WEIGHTS.div_ceil(inputs.max(1));
    let wanted = if pool.size() == 1 { outputs } else { outputs.div_ceil(4 * pool.size()) };
    let chunk = wanted.max(least).next_multiple_of(TASK_OUTPUTS);
    pool.run(outputs.div_ceil(chunk), &|task| {
        let start = task * chunk;
        body(start..outputs.min(start + chunk));
    });
}

/// # Safety
/// As for [`skinny`].
unsafe fn multiply<W: WeightFormat<f32>>(pool: &Pool, isa: Isa, product: &Skinny<W>) {
    let Skinny { rows, inputs, outputs, .. } = *product;
    for_outputs(pool, inputs, outputs, &|some| {
        let (first, many) = (some.start, some.len());
        let mut row = 0;
        while row < rows {
            let few = (rows - row).min(f32::MOST_FEW);
            let dots = Dots::<f32, W> {
                many,
                few,
                depth: inputs,
                x: product.weights.wrapping_offset(first as isize * product.weights_row),
                x_stride: product.weights_row,
                y: product.activations.wrapping_offset(row as isize * product.activations_row),
                y_stride: product.activations_row,
                c: product.results.wrapping_offset(row as isize * product.results_row).wrapping_add(first),
                c_many: 1,
                c_few: product.results_row,
                accumulate: product.accumulate,
            };
            // SAFETY: the caller vouches for the product, of which tasks and rows are disjoint parts.
            unsafe { dispatch(isa, dots) };
            row += few;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::weights::{ByteBlock, ByteBlocks, Plain};
    use half::{bf16, f16};

    fn number(index: usize) -> f32 {
        (index.wrapping_mul(2654435761) >> 7) as f32 % 257.0 / 128.0 - 1.0
    }

    /// Multiplies by `weights`, which stand for `meant`, at most `tolerance` off per product.
    fn check<W: WeightFormat<f32>>(
        sizes: [usize; 3],
        weights: &[W::Stored],
        meant: &[f32],
        (activation, tolerance): (fn(usize) -> f32, f32),
    ) {
        let [rows, outputs, inputs] = sizes;
        let (activations_row, results_row) = (inputs + 3, outputs + 2);
        let activations: Vec<f32> =
            (0..rows * activations_row).map(|index| activation(index % activations_row)).collect();
        for (&isa, accumulate) in
            Isa::available().iter().zip([Accumulate::Add, Accumulate::Replace].iter().cycle())
        {
            let mut first = None;
            for pool in [Pool::new(1), Pool::new(3)] {
                let mut results = vec![0.5f32; rows * results_row];
                let product = Skinny::<W> {
                    rows,
                    inputs,
                    outputs,
                    activations: activations.as_ptr(),
                    activations_row: activations_row as isize,
                    weights: weights.as_ptr(),
                    weights_row: (inputs / W::WEIGHTS) as isize,
                    results: results.as_mut_ptr(),
                    results_row: results_row as isize,
                    accumulate: *accumulate,
                };
                // SAFETY: the vectors have these sizes.
                unsafe { skinny(&pool, isa, &product) };
                for row in 0..rows {
                    for output in 0..results_row {
                        let own = output < outputs;
                        let expected: f64 = (0..inputs)
                            .filter(|_| own)
                            .map(|at| {
                                activations[row * activations_row + at] as f64
                                    * meant[output * inputs + at] as f64
                            })
                            .sum();
                        let before = if !own || *accumulate == Accumulate::Add { 0.5 } else { 0.0 };
                        let error = (results[row * results_row + output] as f64 - before - expected).abs();
                        let bound = tolerance as f64 * (inputs as f64).sqrt() + 1e-6 * inputs as f64;
                        assert!(error <= bound, "{isa:?} {sizes:?} at {row}, {output}: {error}");
                    }
                }
                assert_eq!(
                    first.get_or_insert_with(|| results.clone()),
                    &results,
                    "{isa:?} {sizes:?}: other bits"
                );
            }
        }
    }

    #[test]
    fn activations_that_are_not_finite_reach_the_results() {
        let blocks = [ByteBlock::nearest(&[1.0; 32]); 3];
        for value in [f32::NAN, f32::INFINITY, -f32::INFINITY] {
            for &isa in Isa::available() {
                let mut activations = [1.0f32; 96];
                activations[40] = value;
                let mut result = [0.0f32];
                let product = Skinny::<ByteBlocks> {
                    rows: 1,
                    inputs: 96,
                    outputs: 1,
                    activations: activations.as_ptr(),
                    activations_row: 96,
                    weights: blocks.as_ptr(),
                    weights_row: 3,
                    results: result.as_mut_ptr(),
                    results_row: 1,
                    accumulate: Accumulate::Replace,
                };
                // SAFETY: the arrays have these sizes.
                unsafe { skinny(&Pool::new(1), isa, &product) };
                assert!(!result[0].is_finite(), "{isa:?} {value}: {result:?}");
            }
        }
    }

    #[test]
    fn few_rows_by_weights_of_all_formats() {
        for rows in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 19] {
            for (outputs, inputs) in [(0, 32), (1, 0), (1, 7), (37, 96), (70, 1024), (129, 2080), (3, 61)] {
                let numbers: Vec<f32> = (0..outputs * inputs).map(|index| number(index + 99)).collect();
                let sizes = [rows, outputs, inputs];
                check::<Plain<f32>>(sizes, &numbers, &numbers, (number, 0.0));
                let brain: Vec<bf16> = numbers.iter().map(|&value| bf16::from_f32(value)).collect();
                let meant: Vec<f32> = brain.iter().map(|value| value.to_f32()).collect();
                check::<Plain<bf16>>(sizes, &brain, &meant, (number, 0.0));
                let halves: Vec<f16> = numbers.iter().map(|&value| f16::from_f32(value)).collect();
                let meant: Vec<f32> = halves.iter().map(|value| value.to_f32()).collect();
                check::<Plain<f16>>(sizes, &halves, &meant, (number, 0.0));
                if inputs % 32 == 0 {
                    let blocks: Vec<ByteBlock> = numbers
                        .chunks_exact(32)
                        .map(|block| ByteBlock::nearest(block.try_into().unwrap()))
                        .collect();
                    let meant: Vec<f32> = blocks
                        .iter()
                        .flat_map(|block| block.values.map(|value| value as f32 * block.scale.to_f32()))
                        .collect();
                    assert!(meant.iter().zip(&numbers).all(|(meant, number)| (meant - number).abs() < 0.006));
                    check::<ByteBlocks>(sizes, &blocks, &meant, (number, 0.005));
                    // Whole numbers up to 127 are not rounded.
                    let whole =
                        |index: usize| if index % 32 == 5 { 127.0 } else { (number(index) * 127.0).round() };
                    check::<ByteBlocks>(sizes, &blocks, &meant, (whole, 4e-4));
                }
            }
        }
    }
}
