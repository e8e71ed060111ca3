//! Convolution of images in two dimensions (cross-correlation, as deep learning has it), and its two derivatives.
//!
//! Images are `[images, channels, height, width]`, weights `[outputs, channels / groups, kernel height, kernel width]`,
//! all contiguous and row-major. There are three ways to compute them:
//!
//! - `winograd`, for kernels of 3 x 3 and 5 x 5 in `f32`, needs less than half of the multiplications, for errors a few
//!   times those of the definition;
//! - `direct` goes along the pixels, where a group has but a few outputs, as in depthwise convolution;
//! - otherwise each is a product of matrices of which one, the `patches` of an image, is never stored: y = W P, and
//!   dW^T = P dy^T; dx is the convolution of dy with the flipped weights where the stride is one, and otherwise W^T dy
//!   added up patch by patch.
//!
//! Which one, and the order of all sums, depends on the shape alone: results are the same bits on any number of threads.

mod direct;
mod gradient;
pub mod oracle;
mod patches;
#[cfg(test)]
mod tests;
mod winograd;

pub use gradient::{input_gradient, weight_gradient};

use super::gemm::block::{Access, Block, Cut, even_depth};
use super::gemm::element::GemmElement;
use super::gemm::operand::{Right, Strided};
use super::gemm::{Accumulate, store_row};
use super::isa::Isa;
use super::memory::with_scratch;
use super::threads::Pool;
use patches::{Frame, Patches};
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// All sizes of a convolution. Pairs are of height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvolutionShape {
    /// Images of a batch.
    pub images: usize,
    /// Channels of an input image.
    pub channels: usize,
    /// Channels of an output image.
    pub outputs: usize,
    /// Groups that the channels are divided in; outputs see the channels of their group only.
    pub groups: usize,
    /// Size of an input image.
    pub size: [usize; 2],
    /// Size of the kernel.
    pub kernel: [usize; 2],
    /// Distance of neighbouring patches.
    pub stride: [usize; 2],
    /// Zeros before and after the image, on each axis.
    pub padding: [[usize; 2]; 2],
    /// Distance of neighbouring places of the kernel.
    pub dilation: [usize; 2],
}

/// Why a convolution cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvolutionError {
    /// The groups are none, or do not divide the channels and the outputs.
    Groups {
        /// Groups asked for.
        groups: usize,
        /// Input channels.
        channels: usize,
        /// Output channels.
        outputs: usize,
    },
    /// A kernel size, stride or dilation is zero.
    Zero,
    /// The kernel with its dilation is larger than the padded image.
    Kernel {
        /// Zero for height, one for width.
        axis: usize,
        /// What the kernel covers.
        extent: usize,
        /// Size of the padded image.
        padded: usize,
    },
    /// A size does not fit in memory.
    Overflow,
}

impl fmt::Display for ConvolutionError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            ConvolutionError::Groups { groups, channels, outputs } => {
                write!(formatter, "{groups} groups do not divide {channels} channels and {outputs} outputs")
            }
            ConvolutionError::Zero => {
                write!(formatter, "kernel sizes, strides and dilations must not be zero")
            }
            ConvolutionError::Kernel { axis, extent, padded } => {
                write!(formatter, "the kernel covers {extent} on axis {axis}, the padded image {padded}")
            }
            ConvolutionError::Overflow => write!(formatter, "the sizes of the convolution overflow"),
        }
    }
}

impl Error for ConvolutionError {}

impl ConvolutionShape {
    /// Height and width of an output image.
    ///
    /// # Errors
    /// If the sizes do not fit together.
    pub fn output_size(&self) -> Result<[usize; 2], ConvolutionError> {
        let Self { channels, outputs, groups, .. } = *self;
        if groups == 0 || !channels.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            return Err(ConvolutionError::Groups { groups, channels, outputs });
        }
        let mut output = [0; 2];
        for (axis, output) in output.iter_mut().enumerate() {
            *output = window_count(
                axis,
                self.size[axis],
                self.kernel[axis],
                self.stride[axis],
                self.padding[axis],
                self.dilation[axis],
            )?;
        }
        let product = |sizes: &[usize]| {
            sizes.iter().try_fold(size_of::<f64>(), |product, &size| product.checked_mul(size))
        };
        let [height, width] = [0, 1].map(|axis| self.padding[axis].iter().sum::<usize>() + self.size[axis]);
        product(&[self.images, channels, height, width])
            .and(product(&[self.images, outputs, output[0], output[1]]))
            .and(product(&[outputs, channels, self.kernel[0], self.kernel[1]]))
            .ok_or(ConvolutionError::Overflow)?;
        Ok(output)
    }

    /// Elements of one input image.
    fn image_len(&self) -> usize {
        self.channels * self.size[0] * self.size[1]
    }

    /// Elements of the weights of one output.
    fn patch_len(&self) -> usize {
        self.channels / self.groups * self.kernel[0] * self.kernel[1]
    }

    /// The output size, after a check of the sizes and of the lengths of `x`, `w` and `y`.
    fn check(&self, x: usize, w: usize, y: usize) -> [usize; 2] {
        let output = self.output_size().unwrap_or_else(|error| panic!("convolution: {error}"));
        assert_eq!(x, self.images * self.image_len(), "elements of the images");
        assert_eq!(w, self.outputs * self.patch_len(), "elements of the weights");
        assert_eq!(y, self.images * self.outputs * output[0] * output[1], "elements of the outputs");
        output
    }
}

/// How many windows fit on an axis, for convolution and pooling.
///
/// # Errors
/// If none fits, or a size is zero or overflows.
pub fn window_count(
    axis: usize,
    size: usize,
    kernel: usize,
    stride: usize,
    padding: [usize; 2],
    dilation: usize,
) -> Result<usize, ConvolutionError> {
    if kernel == 0 || stride == 0 || dilation == 0 {
        return Err(ConvolutionError::Zero);
    }
    let padded = padding[0].checked_add(padding[1]).and_then(|both| both.checked_add(size));
    let extent = (kernel - 1).checked_mul(dilation).and_then(|last| last.checked_add(1));
    let (padded, extent) = padded.zip(extent).ok_or(ConvolutionError::Overflow)?;
    let left = padded.checked_sub(extent).ok_or(ConvolutionError::Kernel { axis, extent, padded })?;
    Ok(left / stride + 1)
}

/// A pointer that tasks share to write to disjoint parts.
#[derive(Clone, Copy)]
struct Shared<T>(*mut T);

// SAFETY: every use writes to a part that no other task touches, and says so.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The element at `offset`; only a place, the use of which is the caller's to justify.
    fn at(self, offset: usize) -> *mut T {
        self.0.wrapping_add(offset)
    }

    /// `len` elements from `start` on.
    ///
    /// # Safety
    /// They exist, and no other slice of them does while this one is used.
    unsafe fn part<'a>(self, start: usize, len: usize) -> &'a mut [T] {
        // SAFETY: the caller vouches for the elements.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start), len) }
    }
}

/// Two or three parts of one scratch buffer, in elements of `N`.
fn with_parts<N, const P: usize>(lengths: [usize; P], body: impl FnOnce([&mut [N]; P])) {
    let rooms = lengths.map(|len| (len * size_of::<N>()).next_multiple_of(64));
    with_scratch(rooms.iter().sum(), |scratch| {
        let mut rest = scratch;
        let mut index = 0;
        body(rooms.map(|room| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(room);
            rest = after;
            index += 1;
            // SAFETY: the scratch is aligned to 64 bytes, as is every part of it, and any bytes are numbers.
            unsafe { std::slice::from_raw_parts_mut(part.as_mut_ptr().cast::<N>(), lengths[index - 1]) }
        }));
    });
}

/// y = x * w.
///
/// `x` is `[images, channels, height, width]`, `w` is `[outputs, channels / groups, kernel height, kernel width]`, `y`
/// is `[images, outputs, output height, output width]`.
///
/// `epilogue`, if given, is called exactly once for each image when all its outputs are written, by the thread that
/// wrote the last of them.
///
/// # Panics
/// If the sizes do not fit together or a slice does not have the length they say; if the machine lacks `isa`; if the
/// epilogue panics.
pub fn forward<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    x: &[T],
    w: &[T],
    y: &mut [T],
    epilogue: Option<&(dyn Fn(usize) + Sync)>,
) {
    let output = shape.check(x.len(), w.len(), y.len());
    if winograd::forward(pool, isa, shape, output, [x, w], y, epilogue) {
        return;
    }
    if direct::suits(shape) {
        return with_countdown(shape.images, direct::group_parts(shape, output).0, epilogue, |part_done| {
            direct::forward(pool, isa, shape, output, [x, w], y, part_done);
        });
    }
    products(pool, isa, shape, output, [x, w], false, y, epilogue);
}

/// [`forward`] by products of matrices; with weights `[channels, outputs / groups]` if they are `turned`, which must be
/// kernels of one weight.
#[allow(clippy::too_many_arguments)]
fn products<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    output: [usize; 2],
    [x, w]: [&[T]; 2],
    turned: bool,
    y: &mut [T],
    epilogue: Option<&(dyn Fn(usize) + Sync)>,
) {
    let pixels = output[0] * output[1];
    let frame = Frame::sampled(shape, output);
    let (outputs, patch) = (shape.outputs / shape.groups, shape.patch_len());
    let plane = shape.image_len() / shape.groups;
    // Patches of one pixel at every pixel are the image itself.
    let plain = shape.kernel == [1, 1] && shape.stride == [1, 1] && shape.padding == [[0, 0]; 2];
    let y = Shared(y.as_mut_ptr());
    let parts = column_parts(pool, shape.images, shape.outputs * patch, pixels);
    let columns = pixels.div_ceil(parts).next_multiple_of(32);
    let column_parts = pixels.div_ceil(columns);
    let rows = rows_of_part(pool, shape.images * column_parts, outputs, patch * pixels);
    let row_parts = outputs.div_ceil(rows);
    let parts = column_parts * row_parts;
    let task = |index: usize| {
        let (image, first) = (index / parts, index % column_parts * columns);
        let row = index % parts / column_parts * rows;
        let count = columns.min(pixels - first);
        for group in 0..shape.groups {
            let from = &x[(image * shape.groups + group) * plane..][..plane];
            let weights = &w[group * outputs * patch..][..outputs * patch];
            let (down, across) = if turned { (1, outputs as isize) } else { (patch as isize, 1) };
            // SAFETY: the row of the weights exists, as `row < outputs`.
            let ptr = unsafe { weights.as_ptr().offset(row as isize * down) };
            let left = Strided { ptr, row: down, column: across };
            let to = y.at((image * shape.outputs + group * outputs + row) * pixels + first);
            let rows = rows.min(outputs - row);
            let product = Product { rows, columns: count, depth: patch, left, to, row: pixels };
            if plain {
                // SAFETY: the columns exist, as `first < pixels`.
                let ptr = unsafe { from.as_ptr().add(first) };
                let right = Strided { ptr, row: pixels as isize, column: 1 };
                // SAFETY: the operands are whole; this task alone writes to these columns of this image.
                unsafe { product.run(isa, &right) };
            } else {
                with_parts([frame.padded_len(), frame.line_len()], |[padded, line]| {
                    frame.pad(from, 0, padded);
                    let right = Patches::new(&frame, padded, line, first);
                    // SAFETY: as above.
                    unsafe { product.run(isa, &right) };
                });
            }
        }
    };
    let products = shape.images * shape.outputs * patch * pixels;
    with_countdown(shape.images, parts, epilogue, |part_done| {
        run_all(pool, shape.images * parts, products, &|index| {
            task(index);
            part_done(index / parts);
        });
    });
}

/// Calls `body` with what to call for each finished part of an image: after `parts` of them, it calls the epilogue.
fn with_countdown(
    images: usize,
    parts: usize,
    epilogue: Option<&(dyn Fn(usize) + Sync)>,
    body: impl FnOnce(&(dyn Fn(usize) + Sync)),
) {
    let Some(epilogue) = epilogue else { return body(&|_| ()) };
    let bytes = images * size_of::<AtomicU32>();
    with_scratch(bytes, |scratch| {
        scratch[..bytes].fill(0);
        // SAFETY: the scratch is zeroed, aligned to more than four bytes, and ours until the closure returns.
        let done = unsafe { std::slice::from_raw_parts(scratch.as_ptr().cast::<AtomicU32>(), images) };
        body(&|image| {
            if done[image].fetch_add(1, Ordering::AcqRel) as usize + 1 == parts {
                epilogue(image);
            }
        });
    });
}

/// Products that are not worth waking a thread.
const SERIAL_COST: usize = 64 << 10;

/// Runs tasks on the pool, or on this thread if they are few products in all.
fn run_all(pool: &Pool, tasks: usize, products: usize, task: &(dyn Fn(usize) + Sync)) {
    if products < SERIAL_COST { (0..tasks).for_each(task) } else { pool.run(tasks, task) }
}

/// In how many parts to cut the pixels of an image, so that every thread has something to do.
fn column_parts(pool: &Pool, images: usize, products_of_pixel: usize, pixels: usize) -> usize {
    let wanted = if pool.size() == 1 || images >= 2 * pool.size() { 1 } else { 2 * pool.size() };
    let worthwhile = (pixels * products_of_pixel / SERIAL_COST).min(pixels / 64).max(1);
    wanted.div_ceil(images.max(1)).min(worthwhile)
}

/// How many outputs of an image a task computes: fewer than all where there are too few other tasks, though each then
/// makes the patches for itself.
fn rows_of_part(pool: &Pool, others: usize, outputs: usize, products_of_output: usize) -> usize {
    const FEWEST: usize = 48;
    let wanted = if pool.size() == 1 { 1 } else { (2 * pool.size()).div_ceil(others.max(1)) };
    let worthwhile = (outputs * products_of_output / SERIAL_COST).min(outputs / FEWEST).max(1);
    outputs.div_ceil(wanted.min(worthwhile)).next_multiple_of(FEWEST).min(outputs).max(1)
}

/// A product whose left operand is in memory.
struct Product<T> {
    rows: usize,
    columns: usize,
    depth: usize,
    left: Strided<T>,
    to: *mut T,
    row: usize,
}

impl<T: GemmElement> Product<T> {
    /// Writes the product to its place.
    ///
    /// # Safety
    /// The operands are valid for the sizes, and the place is this thread's alone.
    unsafe fn run<R: Right<T::Sum>>(&self, isa: Isa, right: &R) {
        let stride = self.depth * size_of::<T>();
        // Rows at multiples of this distance would share few places of the cache.
        let in_place = T::NATIVE && !stride.is_multiple_of(1024);
        let left = if in_place { Access::InPlace } else { Access::Packed };
        let cut = Cut { depth: even_depth(self.depth), left, right: Access::Packed };
        let run = |c: *mut T::Sum, c_row: usize| {
            let (rows, columns, depth, left) = (self.rows, self.columns, self.depth, &self.left);
            let (c_row, accumulate) = (c_row as isize, Accumulate::Replace);
            let block = Block { rows, columns, depth, left, right, c, c_row, accumulate, cut };
            // SAFETY: the caller vouches for the operands; `c` is the place itself or scratch of its size.
            unsafe { block.run(isa) }
        };
        if T::NATIVE {
            return run(self.to.cast(), self.row);
        }
        with_parts([self.rows * self.columns], |[sums]: [&mut [T::Sum]; 1]| {
            run(sums.as_mut_ptr(), self.columns);
            for (row, sums) in sums.chunks_exact(self.columns).enumerate() {
                // SAFETY: a row of the place, which the caller vouches for.
                unsafe {
                    store_row(sums.as_ptr(), self.to.add(row * self.row), self.columns, Accumulate::Replace)
                };
            }
        });
    }
}
