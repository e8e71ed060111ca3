//! Convolution with kernels of three by three by the minimal filtering algorithm of Winograd, as Lavin and Gray have it
//! ("Fast Algorithms for Convolutional Neural Networks", 2015): tiles of 6 x 6 pixels and kernels are evaluated at 36
//! points, where a convolution is a product at each point, and 4 x 4 outputs are interpolated from the products: 36
//! multiplications for 144.
//!
//! Channels lie in the lanes of vectors while values are transformed; the products at a point, summed over channels, are
//! products of matrices. The values of the input at the points are made for as many tiles as stay in the last cache;
//! a task then makes the values of a panel of weights at the points, multiplies, and interpolates while both are in
//! its own cache.

mod lanes;
mod points;
mod product;
mod tiling;
mod transform;
mod weight_gradient;

use super::super::gemm::tile::{TileSize, VECTORS, VectorKernel, dispatch};
use super::{ConvolutionShape, Shared, run_all, with_parts};
use crate::isa::Isa;
use crate::memory::with_scratch;
use crate::threads::Pool;
use points::{Planes, Spread, buffer_len};
pub use product::Weights;
use product::{ALL_WEIGHTS, Product, Rooms};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use tiling::{Tiling, Volume};
use transform::OfInput;
pub use weight_gradient::weight_gradient;

/// Channels of a panel of the input.
const PANEL: usize = 64;
/// Most bytes of values at points that are kept at a time.
const VOLUME_BYTES: usize = 8 << 20;

/// Whether the algorithm is for this shape and faster than the products of its definition.
pub fn suits(shape: &ConvolutionShape, output: [usize; 2]) -> bool {
    let [channels, outputs] = [shape.channels, shape.outputs].map(|count| count / shape.groups);
    let kernel = shape.kernel == [3, 3] && shape.stride == [1, 1] && shape.dilation == [1, 1];
    kernel && channels >= 8 && outputs >= 8 && shape.images * output[0] * output[1] > 0
}

/// Vectors of an instruction set.
fn lanes(isa: Isa) -> usize {
    TileSize::of::<f32>(isa).columns / VECTORS
}

impl Weights {
    /// The weights of a group, `[outputs, channels, 3, 3]`.
    pub fn forward(w: &[f32], shape: &ConvolutionShape, group: usize) -> Weights {
        let (outputs, channels) = (shape.outputs / shape.groups, shape.channels / shape.groups);
        let start = w[group * outputs * channels * ALL_WEIGHTS..].as_ptr();
        let (output, channel) = (channels * ALL_WEIGHTS, ALL_WEIGHTS);
        Weights { start, output, channel, outputs, channels, turned: false }
    }

    /// The weights `[channels, outputs, 3, 3]` of the convolution of which `shape` is the input gradient.
    pub fn backward(w: &[f32], shape: &ConvolutionShape, group: usize) -> Weights {
        let (outputs, channels) = (shape.outputs / shape.groups, shape.channels / shape.groups);
        let start = w[group * outputs * channels * ALL_WEIGHTS..].as_ptr();
        let (output, channel) = (ALL_WEIGHTS, outputs * ALL_WEIGHTS);
        Weights { start, output, channel, outputs, channels, turned: true }
    }
}

/// y = x * w for a shape that [`suits`], with the weights that `weights` says for each group.
pub fn forward(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    x: &[f32],
    weights: &dyn Fn(usize) -> Weights,
    y: &mut [f32],
    epilogue: Option<&(dyn Fn(usize) + Sync)>,
) {
    let output = shape.output_size().expect("sizes that were checked");
    let lanes = lanes(isa);
    let (outputs, channels) = (shape.outputs / shape.groups, shape.channels / shape.groups);
    let tiling = Tiling::new(shape.images, output);
    let pitch = channels.next_multiple_of(lanes).min(PANEL);
    let (volume, block_len) = Volume::new(tiling.capacity(), channels, pitch);
    let at_a_time = (VOLUME_BYTES / size_of::<f32>() / block_len).clamp(1, tiling.blocks());
    let products = shape.images * shape.outputs * channels * output[0] * output[1];
    let panels = outputs.div_ceil(VECTORS * lanes);
    let pixels = output[0] * output[1];
    let rooms = Rooms::new(&tiling, pitch, lanes);
    let to = Shared(y.as_mut_ptr());
    let run = |part_done: &(dyn Fn(usize) + Sync)| {
        with_parts([at_a_time * block_len], |[values]: [&mut [f32]; 1]| {
            let volume = Volume { start: values.as_mut_ptr(), ..volume };
            for group in 0..shape.groups {
                let (weights, planes) = (weights(group), Planes::of_inputs(x, shape, group));
                for first in (0..tiling.blocks()).step_by(at_a_time) {
                    let blocks = first..(first + at_a_time).min(tiling.blocks());
                    spread::<OfInput>(pool, isa, &tiling, blocks.clone(), planes, volume);
                    run_all(pool, blocks.len() * panels, products, &|task| {
                        let (panel, from_block) = (task % panels, task / panels);
                        with_parts([rooms.all()], |[scratch]: [&mut [f32]; 1]| {
                            let product = Product {
                                tiling: &tiling,
                                block: first + from_block,
                                volume,
                                from_block,
                                weights,
                                first: panel * VECTORS * lanes,
                                to: to.at(group * outputs * pixels),
                                image: shape.outputs * pixels,
                                size: output,
                                scratch: scratch.as_mut_ptr(),
                                rooms,
                            };
                            // SAFETY: the shape was checked against the slices; the volume has these blocks; tasks
                            // write to different outputs.
                            unsafe { dispatch(isa, product) };
                        });
                        part_done(first + from_block);
                    });
                }
            }
        });
    };
    match epilogue {
        None => run(&|_| ()),
        Some(epilogue) => Countdown::with(&tiling, shape.images, panels * shape.groups, |countdown| {
            run(&|block| countdown.part_done(tiling.images_of(block), epilogue));
        }),
    }
}

impl Planes {
    /// The images of a group.
    fn of_inputs(x: &[f32], shape: &ConvolutionShape, group: usize) -> Planes {
        let (channels, plane) = (shape.channels / shape.groups, shape.size[0] * shape.size[1]);
        Planes {
            start: x[group * channels * plane..].as_ptr(),
            image: shape.channels * plane,
            channels,
            size: shape.size,
            low: [shape.padding[0][0], shape.padding[1][0]],
        }
    }
}

/// Makes the values of the tiles of `blocks` at the points.
fn spread<P: transform::ToPoints + Send + Sync>(
    pool: &Pool,
    isa: Isa,
    tiling: &Tiling,
    blocks: Range<usize>,
    planes: Planes,
    volume: Volume,
) where
    for<'a> Spread<'a, P>: VectorKernel<f32>,
{
    let lanes = lanes(isa);
    let parts = planes.channels.div_ceil(lanes);
    let work = blocks.len() * tiling.capacity() * planes.channels * transform::ALL_POINTS;
    run_all(pool, blocks.len() * parts, work, &|task| {
        with_parts([buffer_len(tiling, lanes)], |[buffer]: [&mut [f32]; 1]| {
            let spread = Spread::<P> {
                tiling,
                block: blocks.start + task / parts,
                planes,
                channel: task % parts * lanes,
                volume,
                to_block: task / parts,
                buffer: buffer.as_mut_ptr(),
                transform: PhantomData,
            };
            // SAFETY: the planes are those of slices that were checked; tasks write to different blocks or channels of
            // the volume, which has room for these blocks.
            unsafe { dispatch(isa, spread) };
        });
    });
}

/// How many parts of each image are still to be written.
struct Countdown<'a>(&'a [AtomicU32]);

impl Countdown<'_> {
    /// Calls `body` with a countdown for tiles of which every block is written in so many parts.
    fn with(tiling: &Tiling, images: usize, parts_of_block: usize, body: impl FnOnce(&Countdown)) {
        with_scratch(images * size_of::<AtomicU32>(), |scratch| {
            scratch[..images * size_of::<AtomicU32>()].fill(0);
            // SAFETY: the scratch is zeroed, aligned to more than four bytes, and ours until the closure returns.
            let left = unsafe { std::slice::from_raw_parts(scratch.as_ptr().cast::<AtomicU32>(), images) };
            for image in (0..tiling.blocks()).flat_map(|block| tiling.images_of(block)) {
                left[image].fetch_add(parts_of_block as u32, Ordering::Relaxed);
            }
            body(&Countdown(left));
        });
    }

    /// Counts one part of each of these images, and calls the epilogue for those that were the last.
    fn part_done(&self, images: Range<usize>, epilogue: &(dyn Fn(usize) + Sync)) {
        for image in images {
            if self.0[image].fetch_sub(1, Ordering::AcqRel) == 1 {
                epilogue(image);
            }
        }
    }
}
