//! The derivatives of a convolution.

use super::super::gemm::Accumulate;
use super::super::gemm::block::{Access, Block, Cut, even_depth};
use super::super::gemm::element::{GemmElement, Number};
use super::super::gemm::operand::Strided;
use super::patches::{Frame, Patches};
use super::{ConvolutionShape, Shared, direct, forward, products, run_all, winograd, with_parts};
use crate::isa::Isa;
use crate::threads::Pool;

/// Most elements of the patches that the input gradient keeps at a time.
const PATCH_ELEMENTS: usize = 256 << 10;
/// Most runs of images that the weight gradient is summed over separately.
const MOST_PIECES: usize = 16;
/// Pixels of the outputs that the weight gradient sums over at a time, of several images if they are small.
const TOGETHER: usize = 512;
/// Most bytes of the sums of all runs.
const PIECE_BYTES: usize = 64 << 20;

/// dx, the derivative by the images, from dy.
///
/// `dy` is `[images, outputs, output height, output width]`, `w` is
/// `[outputs, channels / groups, kernel height, kernel width]`, `dx` is `[images, channels, height, width]`.
///
/// # Panics
/// If the sizes do not fit together or a slice does not have the length they say; if the machine lacks `isa`.
pub fn input_gradient<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
) {
    let (shape, output) = &shape.check(dx.len(), w.len(), dy.len());
    let output = *output;
    if winograd::input_gradient(pool, isa, shape, output, [dy, w], dx) {
        return;
    }
    match flipped(shape, output) {
        // Kernels of one weight are read turned where they lie.
        Some(other) if shape.kernel == [1, 1] && other.padding == [[0, 0]; 2] => {
            products::forward(pool, isa, &other, shape.size, [dy, w], true, dx, None);
        }
        Some(other) => with_parts([w.len()], |[turned]: [&mut [T]; 1]| {
            flip(shape, w, turned);
            forward(pool, isa, &other, dy, turned, dx, None);
        }),
        None => add_patches(pool, isa, shape, output, dy, w, dx),
    }
}

/// The convolution of dy with flipped weights that gives dx, if there is one and it is fast.
fn flipped(shape: &ConvolutionShape, output: [usize; 2]) -> Option<ConvolutionShape> {
    let mut padding = [[0; 2]; 2];
    for (axis, padding) in padding.iter_mut().enumerate() {
        let reach = shape.dilation[axis] * (shape.kernel[axis] - 1);
        for (side, padding) in padding.iter_mut().enumerate() {
            *padding = reach.checked_sub(shape.padding[axis][side])?;
        }
    }
    // With few channels the tiles of the product would be thin, and packing would cost more than multiplying.
    let (channels, outputs) = (shape.outputs, shape.channels);
    let other = ConvolutionShape { channels, outputs, size: output, padding, ..*shape };
    let few = outputs / shape.groups < 6;
    let depthwise = channels / shape.groups <= direct::FEW && direct::suits(&other);
    (shape.stride == [1, 1] && (!few || depthwise) && output != [0, 0]).then_some(other)
}

/// Weights `[outputs, channels]` of each group to `[channels, outputs]`, with kernels turned by half a circle.
fn flip<T: Copy>(shape: &ConvolutionShape, w: &[T], turned: &mut [T]) {
    let (outputs, channels) = (shape.outputs / shape.groups, shape.channels / shape.groups);
    let kernel = shape.kernel[0] * shape.kernel[1];
    for (index, from) in w.chunks_exact(kernel).enumerate() {
        let (channel, rest) = (index % channels, index / channels);
        let (output, group) = (rest % outputs, rest / outputs);
        let to = &mut turned[((group * channels + channel) * outputs + output) * kernel..][..kernel];
        for (to, &value) in to.iter_mut().rev().zip(from) {
            *to = value;
        }
    }
}

/// dx as sum of the patches W^T dy.
fn add_patches<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    output: [usize; 2],
    dy: &[T],
    w: &[T],
    dx: &mut [T],
) {
    let pixels = output[0] * output[1];
    let frame = Frame::new(shape, output);
    let (outputs, channels) = (shape.outputs / shape.groups, shape.channels / shape.groups);
    let (kernel, patch) = (shape.kernel[0] * shape.kernel[1], shape.patch_len());
    let plane = shape.size[0] * shape.size[1];
    if plane == 0 || channels == 0 {
        return;
    }
    let step = (PATCH_ELEMENTS / (kernel * pixels).max(1)).clamp(1, channels);
    let chunks = channels.div_ceil(step);
    let to = Shared(dx.as_mut_ptr());
    let products = shape.images * shape.outputs * patch * pixels;
    run_all(pool, shape.images * shape.groups * chunks, products, &|task| {
        let (first, rest) = (task % chunks * step, task / chunks);
        let (group, image) = (rest % shape.groups, rest / shape.groups);
        let count = step.min(channels - first);
        let weights = &w[group * outputs * patch + first * kernel..];
        let from = &dy[(image * shape.outputs + group * outputs) * pixels..][..outputs * pixels];
        with_parts([count * kernel * pixels, frame.padded_len()], |[patches, padded]: [&mut [T::Sum]; 2]| {
            let access = if T::NATIVE { Access::InPlace } else { Access::Packed };
            let block = Block {
                rows: count * kernel,
                columns: pixels,
                depth: outputs,
                left: &Strided { ptr: weights.as_ptr(), row: 1, column: patch as isize },
                right: &Strided { ptr: from.as_ptr(), row: pixels as isize, column: 1 },
                c: patches.as_mut_ptr(),
                c_row: pixels as isize,
                accumulate: Accumulate::Replace,
                cut: Cut { depth: even_depth(outputs), left: access, right: Access::Packed },
            };
            // SAFETY: `check` compared the lengths of the operands; the patches are this thread's scratch.
            unsafe { block.run(isa) };
            padded.fill(T::Sum::ZERO);
            frame.add_patches(count, patches, padded);
            let start = (image * shape.channels + group * channels + first) * plane;
            // SAFETY: `check` compared the length of `dx`; tasks write to different channels.
            frame.unpad(count, padded, unsafe { to.part(start, count * plane) });
        });
    });
}

/// dw, the derivative by the weights, from dy.
///
/// `x` is `[images, channels, height, width]`, `dy` is `[images, outputs, output height, output width]`, `dw` is
/// `[outputs, channels / groups, kernel height, kernel width]`.
///
/// # Panics
/// If the sizes do not fit together or a slice does not have the length they say; if the machine lacks `isa`.
pub fn weight_gradient<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
) {
    let (shape, output) = &shape.check(x.len(), dw.len(), dy.len());
    let output = *output;
    if winograd::weight_gradient(pool, isa, shape, output, [x, dy], dw) {
        return;
    }
    let pixels = output[0] * output[1];
    let frame = Frame::sampled(shape, output);
    let (outputs, patch) = (shape.outputs / shape.groups, shape.patch_len());
    if dw.is_empty() || shape.images * pixels == 0 {
        return dw.fill(T::narrow(T::Sum::ZERO));
    }
    if direct::suits(shape) {
        return direct::weight_gradient(pool, isa, shape, output, [x, dy], dw);
    }
    let plane = shape.size[0] * shape.size[1];
    let kernel = shape.kernel[0] * shape.kernel[1];
    // The runs decide about the order of additions: sizes alone may decide about them.
    let together = TOGETHER.div_ceil(pixels).min(shape.images);
    let pieces = (PIECE_BYTES / (dw.len() * size_of::<T::Sum>())).clamp(1, MOST_PIECES);
    let run = shape.images.div_ceil(pieces.min(shape.images)).next_multiple_of(together);
    let pieces = shape.images.div_ceil(run);
    let parts = (2 * pool.size()).div_ceil(pieces * shape.groups).min(patch.div_ceil(24));
    let rows = patch.div_ceil(parts);
    let parts = patch.div_ceil(rows);
    let products = shape.images * shape.outputs * patch * pixels;
    // Sums of each run, `[pieces, groups, patch, outputs]`.
    with_parts([pieces * dw.len()], |[sums]: [&mut [T::Sum]; 1]| {
        let to = Shared(sums.as_mut_ptr());
        run_all(pool, pieces * shape.groups * parts, products, &|task| {
            let (first, rest) = (task % parts * rows, task / parts);
            let (group, piece) = (rest % shape.groups, rest / shape.groups);
            let count = rows.min(patch - first);
            let start = piece * dw.len() + (group * patch + first) * outputs;
            // The channels that these rows are of.
            let channel = first / kernel;
            let channels = (first + count).div_ceil(kernel) - channel;
            let end = ((piece + 1) * run).min(shape.images);
            for image in (piece * run..end).step_by(together) {
                let images = together.min(end - image);
                let depth = images * pixels;
                let frame = frame.with(images, channels);
                let from = &x
                    [(image * shape.channels + group * (shape.channels / shape.groups) + channel) * plane..];
                let derivatives = &dy[(image * shape.outputs + group * outputs) * pixels..];
                let gathered = if images == 1 { 0 } else { outputs * depth };
                with_parts([gathered], |[gathered]: [&mut [T]; 1]| {
                    for (index, to) in gathered.chunks_exact_mut(pixels).enumerate() {
                        let (output, image) = (index / images, index % images);
                        to.copy_from_slice(
                            &derivatives[(image * shape.outputs + output) * pixels..][..pixels],
                        );
                    }
                    let right = if images == 1 { derivatives.as_ptr() } else { gathered.as_ptr() };
                    with_parts([frame.padded_len(), frame.line_len()], |[padded, line]| {
                        frame.pad(from, shape.image_len(), padded);
                        let fresh = image == piece * run;
                        let patches = Patches::new(&frame, padded, line, 0);
                        let block = Block {
                            rows: count,
                            columns: outputs,
                            depth,
                            left: &patches.starting_at_row(first - channel * kernel),
                            right: &Strided { ptr: right, row: 1, column: depth as isize },
                            c: to.at(start),
                            c_row: outputs as isize,
                            accumulate: if fresh { Accumulate::Replace } else { Accumulate::Add },
                            cut: Cut {
                                depth: even_depth(depth),
                                left: Access::Packed,
                                right: Access::Packed,
                            },
                        };
                        // SAFETY: `check` compared the lengths of the operands; tasks write to different sums.
                        unsafe { block.run(isa) };
                    });
                });
            }
        });
        let blocks = outputs.div_ceil(SQUARE);
        let to = Shared(dw.as_mut_ptr());
        run_all(pool, shape.groups * blocks, pieces * dw.len(), &|task| {
            let (group, first) = (task / blocks, task % blocks * SQUARE);
            let count = SQUARE.min(outputs - first);
            let total = Total { sums, pieces, piece: shape.outputs * patch, outputs };
            for row in (0..patch).step_by(SQUARE) {
                let rows = SQUARE.min(patch - row);
                let square = total.square([(group * patch + row) * outputs + first, rows, count]);
                for (output, line) in square.iter().enumerate().take(count) {
                    let start = (group * outputs + first + output) * patch + row;
                    // SAFETY: tasks write to different outputs.
                    let to = unsafe { to.part(start, rows) };
                    to.iter_mut().zip(line).for_each(|(to, &sum)| *to = T::narrow(sum));
                }
            }
        });
    });
}

/// Rows and outputs of the weight gradient that are turned together.
const SQUARE: usize = 16;

/// The sums of all runs.
struct Total<'a, N> {
    sums: &'a [N],
    pieces: usize,
    /// From run to run.
    piece: usize,
    outputs: usize,
}

impl<N: Number> Total<'_, N> {
    /// The totals, by outputs, of some rows and outputs from `first` on.
    fn square(&self, [first, rows, outputs]: [usize; 3]) -> [[N; SQUARE]; SQUARE] {
        let mut square = [[N::ZERO; SQUARE]; SQUARE];
        for row in 0..rows {
            let mut totals = [N::ZERO; SQUARE];
            for piece in 0..self.pieces {
                let from = &self.sums[piece * self.piece + first + row * self.outputs..][..outputs];
                for (total, &sum) in totals.iter_mut().zip(from) {
                    *total = if piece == 0 { sum } else { total.plus(sum) };
                }
            }
            for (line, total) in square.iter_mut().zip(totals) {
                line[row] = total;
            }
        }
        square
    }
}
