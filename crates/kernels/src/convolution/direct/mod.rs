//! Convolution with few outputs in a group, depthwise convolution above all: products of matrices would be of single
//! rows. Vectors go along the pixels instead. A plane of the input is padded, and split in the pixels of each phase of
//! the stride, so that the pixels that a place of the kernel meets lie one after the other, over the ends of lines; the
//! sums that belong to no output, between one line and the next, are left out at the end.

mod kernels;

use super::super::gemm::element::{GemmElement, Number};
use super::super::gemm::tile::{self, TileSize, dispatch};
use super::{ConvolutionShape, Epilogue, Finish, Shared, run_all, with_parts};
use crate::isa::Isa;
use crate::threads::Pool;
use kernels::{Outputs, STRIP, Sums};

/// Most outputs of a group.
pub const FEW: usize = 4;
/// Products that are worth a task.
const TASK_PRODUCTS: usize = 64 << 10;

/// Whether the convolution and its derivative by the weights are for this module.
pub fn suits(shape: &ConvolutionShape) -> bool {
    let places = shape.kernel[0] * shape.kernel[1];
    shape.outputs / shape.groups <= FEW && places > 1 && shape.outputs * shape.channels > 0
}

/// The padded planes of a channel, one for each phase of the stride.
struct Layout {
    /// From channel to channel.
    channel: usize,
    /// From phase to phase.
    phase: usize,
    /// From line to line.
    line: usize,
    /// Where each place of the kernel finds its pixel for the first output.
    places: Vec<usize>,
    /// Sums from the first output to the last.
    sums: usize,
    /// Lanes of a vector.
    lanes: usize,
}

impl Layout {
    fn new<N: Number>(isa: Isa, shape: &ConvolutionShape, output: [usize; 2]) -> Layout {
        let lanes = TileSize::of::<N>(isa).columns / tile::VECTORS;
        let [height, width] = [0, 1].map(|axis| {
            let padded = shape.padding[axis].iter().sum::<usize>() + shape.size[axis];
            padded.div_ceil(shape.stride[axis])
        });
        // Whole strips are read beyond the last line.
        let phase = height * width;
        let channel = phase * shape.stride[0] * shape.stride[1] + STRIP * lanes;
        let places = (0..shape.kernel[0] * shape.kernel[1]).map(|place| {
            let place =
                [place / shape.kernel[1] * shape.dilation[0], place % shape.kernel[1] * shape.dilation[1]];
            let of = |axis: usize| (place[axis] % shape.stride[axis], place[axis] / shape.stride[axis]);
            let ((phase_y, y), (phase_x, x)) = (of(0), of(1));
            (phase_y * shape.stride[1] + phase_x) * phase + y * width + x
        });
        let sums = (output[0] - 1) * width + output[1];
        Layout { channel, phase, line: width, places: places.collect(), sums, lanes }
    }

    /// Sums, and room to write whole strips.
    fn room(&self) -> usize {
        (self.sums + STRIP * self.lanes).next_multiple_of(16)
    }

    /// Writes a plane of the input to the phases, which are zero where there are no pixels.
    fn pad<T: GemmElement>(&self, shape: &ConvolutionShape, plane: &[T], to: &mut [T::Sum]) {
        let [stride_y, stride_x] = shape.stride;
        for (y, line) in plane.chunks_exact(shape.size[1].max(1)).enumerate() {
            let y = y + shape.padding[0][0];
            let start = y % stride_y * stride_x * self.phase + y / stride_y * self.line;
            let before = shape.padding[1][0];
            for phase in 0..stride_x {
                // The first pixel of the phase, and where it goes.
                let first = (phase + stride_x - before % stride_x) % stride_x;
                let Some(from) = line.get(first..) else { continue };
                let to = &mut to[start + phase * self.phase + (first + before) / stride_x..];
                if stride_x == 1 {
                    to.iter_mut().zip(from).for_each(|(to, &value)| *to = value.widen());
                } else {
                    let from = from.iter().step_by(stride_x);
                    to.iter_mut().zip(from).for_each(|(to, &value)| *to = value.widen());
                }
            }
        }
    }
}

/// In how many parts the groups of an image are cut, and the groups of a part.
fn group_parts(shape: &ConvolutionShape, output: [usize; 2]) -> (usize, usize) {
    let kernel = shape.channels / shape.groups * shape.kernel[0] * shape.kernel[1];
    let products = shape.outputs / shape.groups * kernel * output[0] * output[1];
    let chunk = (TASK_PRODUCTS / products.max(1)).clamp(1, shape.groups);
    (shape.groups.div_ceil(chunk), chunk)
}

/// y = x * w, as [`super::forward`].
pub fn forward<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    output: [usize; 2],
    [x, w]: [&[T]; 2],
    y: &mut [T],
    epilogue: Option<&Epilogue>,
) {
    let layout = Layout::new::<T::Sum>(isa, shape, output);
    let (outputs, channels) = (shape.outputs / shape.groups, shape.channels / shape.groups);
    let plane = shape.size[0] * shape.size[1];
    let places = layout.places.len();
    let pixels = output[0] * output[1];
    let to = Shared(y.as_mut_ptr());
    let products = shape.images * shape.outputs * channels * places * pixels;
    let (parts, chunk) = group_parts(shape, output);
    let in_parts = epilogue.is_some_and(|epilogue| pixels.is_multiple_of(epilogue.row));
    Finish::with(epilogue, shape.images, shape.outputs * pixels, in_parts, |finish| {
        run_all(pool, shape.images * parts, products, &|task| {
            let (image, first) = (task / parts, task % parts * chunk);
            let kernels = outputs * channels * places;
            with_parts(
                [channels * layout.channel, outputs * layout.room(), kernels],
                |[padded, sums, wide]| {
                    padded.fill(T::Sum::ZERO);
                    for group in first..(first + chunk).min(shape.groups) {
                        for (channel, padded) in padded.chunks_exact_mut(layout.channel).enumerate() {
                            let start = (image * shape.channels + group * channels + channel) * plane;
                            layout.pad(shape, &x[start..][..plane], padded);
                        }
                        let weights = &w[group * kernels..][..kernels];
                        wide.iter_mut().zip(weights).for_each(|(to, &weight)| *to = weight.widen());
                        let kernel = Outputs {
                            outputs,
                            channels,
                            places: &layout.places,
                            count: layout.sums,
                            from: padded.as_ptr(),
                            channel: layout.channel,
                            weights: wide.as_ptr(),
                            to: sums.as_mut_ptr(),
                            output: layout.room(),
                        };
                        // SAFETY: the layout has room for strips beyond the last sum, as have the sums.
                        unsafe { dispatch(isa, kernel) };
                        for (index, sums) in sums.chunks_exact(layout.room()).enumerate() {
                            let start = (image * shape.outputs + group * outputs + index) * pixels;
                            // SAFETY: the lengths were checked; tasks write to different outputs.
                            let to = unsafe { to.part(start, pixels) };
                            for (to, sums) in to.chunks_exact_mut(output[1]).zip(sums.chunks(layout.line)) {
                                to.iter_mut().zip(sums).for_each(|(to, &sum)| *to = T::narrow(sum));
                            }
                        }
                    }
                },
            );
            let start = (image * shape.outputs + first * outputs) * pixels;
            finish.part(start..start + chunk.min(shape.groups - first) * outputs * pixels);
        });
    });
}

/// dw, as [`super::weight_gradient`]. A task sums over all images, in order.
pub fn weight_gradient<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    output: [usize; 2],
    [x, dy]: [&[T]; 2],
    dw: &mut [T],
) {
    let layout = Layout::new::<T::Sum>(isa, shape, output);
    let (outputs, channels) = (shape.outputs / shape.groups, shape.channels / shape.groups);
    let plane = shape.size[0] * shape.size[1];
    let places = layout.places.len();
    let pixels = output[0] * output[1];
    let to = Shared(dw.as_mut_ptr());
    let products = shape.images * shape.outputs * channels * places * pixels;
    run_all(pool, shape.channels, products, &|task| {
        let (group, channel) = (task / channels, task % channels);
        let lengths = [layout.channel, layout.room(), outputs * places * layout.lanes, places];
        with_parts(lengths, |[padded, derivatives, lanes, sums]: [&mut [T::Sum]; 4]| {
            lanes.fill(T::Sum::ZERO);
            derivatives.fill(T::Sum::ZERO);
            padded.fill(T::Sum::ZERO);
            for image in 0..shape.images {
                layout.pad(shape, &x[(image * shape.channels + task) * plane..][..plane], padded);
                for (index, lanes) in lanes.chunks_exact_mut(places * layout.lanes).enumerate() {
                    let start = (image * shape.outputs + group * outputs + index) * pixels;
                    let from = dy[start..][..pixels].chunks_exact(output[1]);
                    for (to, from) in derivatives.chunks_mut(layout.line).zip(from) {
                        to.iter_mut().zip(from).for_each(|(to, &value)| *to = value.widen());
                    }
                    let kernel = Sums {
                        places: &layout.places,
                        count: layout.sums,
                        from: padded.as_ptr(),
                        derivatives: derivatives.as_ptr(),
                        lanes: lanes.as_mut_ptr(),
                        totals: (image + 1 == shape.images).then_some(sums.as_mut_ptr()),
                    };
                    // SAFETY: the layout has room for a vector beyond the last sum, as have the derivatives; there are
                    // lanes and a total for each place.
                    unsafe { dispatch(isa, kernel) };
                    if image + 1 == shape.images {
                        let start = ((group * outputs + index) * channels + channel) * places;
                        // SAFETY: the length was checked; tasks write to different channels.
                        let to = unsafe { to.part(start, places) };
                        to.iter_mut().zip(&*sums).for_each(|(to, &sum)| *to = T::narrow(sum));
                    }
                }
            }
        });
    });
}
