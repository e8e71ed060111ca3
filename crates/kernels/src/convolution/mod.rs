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
mod products;
#[cfg(test)]
mod tests;
mod winograd;

pub use gradient::{input_gradient, weight_gradient};

use super::gemm::element::GemmElement;
use super::isa::Isa;
use super::memory::with_scratch;
use super::threads::Pool;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

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

    /// The output size, after a check of the sizes and of the lengths of `x`, `w` and `y`; and the same convolution with
    /// strides no longer than the padded image, which buffers are made for.
    fn check(&self, x: usize, w: usize, y: usize) -> (ConvolutionShape, [usize; 2]) {
        let output = self.output_size().unwrap_or_else(|error| panic!("convolution: {error}"));
        assert_eq!(x, self.images * self.image_len(), "elements of the images");
        assert_eq!(w, self.outputs * self.patch_len(), "elements of the weights");
        assert_eq!(y, self.images * self.outputs * output[0] * output[1], "elements of the outputs");
        let stride = [0, 1].map(|axis| {
            // The image is not empty where a kernel fits.
            let padded = self.padding[axis].iter().sum::<usize>() + self.size[axis];
            self.stride[axis].min(padded)
        });
        (ConvolutionShape { stride, ..*self }, output)
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
    epilogue: Option<&Epilogue>,
) {
    let (shape, output) = &shape.check(x.len(), w.len(), y.len());
    let output = *output;
    // Without outputs there is nothing to hand over.
    let epilogue = epilogue.filter(|_| !y.is_empty());
    if winograd::forward(pool, isa, shape, output, [x, w], y, epilogue) {
        return;
    }
    if direct::suits(shape) {
        return direct::forward(pool, isa, shape, output, [x, w], y, epilogue);
    }
    products::forward(pool, isa, shape, output, [x, w], false, y, epilogue);
}

/// What to do with outputs when they are written.
pub struct Epilogue<'a> {
    /// Outputs are handed over in multiples of this many, which divides the outputs of an image.
    pub row: usize,
    /// Called with ranges of the outputs of all images that together are all of them, each by the thread that wrote
    /// the last of it.
    pub run: &'a (dyn Fn(Range<usize>) + Sync),
}

/// Fewest outputs of a part of a plane that are handed over by themselves.
const SMALLEST_PART: usize = 512;

/// Hands outputs over to an epilogue: parts as they are written, or whole images, when all their parts are.
struct Finish<'a> {
    epilogue: Option<&'a Epilogue<'a>>,
    /// Outputs of an image.
    image: usize,
    /// How many outputs of each image are written, if only whole images are handed over.
    written: Option<&'a [AtomicUsize]>,
}

impl Finish<'_> {
    /// Calls `body` with what hands over the outputs of images of this size, in parts if they consist of whole rows.
    fn with(
        epilogue: Option<&Epilogue>,
        images: usize,
        image: usize,
        in_parts: bool,
        body: impl FnOnce(&Finish),
    ) {
        if epilogue.is_none() || in_parts {
            return body(&Finish { epilogue, image, written: None });
        }
        let bytes = images * size_of::<AtomicUsize>();
        with_scratch(bytes, |scratch| {
            scratch[..bytes].fill(0);
            // SAFETY: the scratch is zeroed, aligned to more than eight bytes, and ours until the closure returns.
            let written = unsafe { std::slice::from_raw_parts(scratch.as_ptr().cast(), images) };
            body(&Finish { epilogue, image, written: Some(written) });
        });
    }

    /// Whether parts are handed over by [`Finish::part`], and not counted by [`Finish::count`].
    fn in_parts(&self) -> bool {
        self.epilogue.is_some() && self.written.is_none()
    }

    /// These neighbouring outputs of an image are written.
    fn part(&self, range: Range<usize>) {
        match (self.epilogue, self.written) {
            (Some(epilogue), None) => (epilogue.run)(range),
            (Some(_), Some(_)) => self.count(range.start / self.image, range.len()),
            (None, _) => {}
        }
    }

    /// So many outputs of an image are written.
    fn count(&self, image: usize, outputs: usize) {
        let (Some(epilogue), Some(written)) = (self.epilogue, self.written) else { return };
        if written[image].fetch_add(outputs, Ordering::AcqRel) + outputs == self.image {
            (epilogue.run)(image * self.image..(image + 1) * self.image);
        }
    }
}

/// Products that are not worth waking a thread.
const SERIAL_COST: usize = 64 << 10;

/// Runs tasks on the pool, or on this thread if they are few products in all.
fn run_all(pool: &Pool, tasks: usize, products: usize, task: &(dyn Fn(usize) + Sync)) {
    if products < SERIAL_COST { (0..tasks).for_each(task) } else { pool.run(tasks, task) }
}
