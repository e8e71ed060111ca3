//! Convolutions of sequences and volumes, and transposed ones by the sizes of their inputs.
//!
//! A sequence is an image of height 1. The depth of a volume is unrolled into channels, so that one convolution of images does all
//! taps at once.

use crate::ops::view::index;
use crate::{Convolution1d, Convolution2d, Convolution3d, Shape, Tensor};

use super::{Convolution, positions};

/// The options of a sequence for images of height 1.
fn flat(options: &Convolution1d) -> Convolution2d {
    Convolution2d {
        stride: [1, options.stride[0]],
        padding: [(0, 0), options.padding[0]],
        dilation: [1, options.dilation[0]],
        groups: options.groups,
    }
}

/// The options of a volume for its images.
fn images(options: &Convolution3d) -> Convolution2d {
    let last = |values: [usize; 3]| [values[1], values[2]];
    Convolution2d {
        stride: last(options.stride),
        padding: [options.padding[1], options.padding[2]],
        dilation: last(options.dilation),
        groups: options.groups,
    }
}

/// Checks ranks and channels; with `transposed` the kernel's first axis is that of the input.
#[track_caller]
fn check(name: &str, rank: usize, x: &Tensor, kernel: &Tensor, groups: usize, transposed: bool) {
    assert!(
        x.rank() == rank && kernel.rank() == rank && groups > 0,
        "{name}: inputs and kernels must have rank {rank} and there must be groups, but the shapes are {} and {}, in {groups} \
         groups",
        x.shape(),
        kernel.shape()
    );
    let (channels, w) = (x.shape()[1], kernel.shape());
    let fits = w[0].is_multiple_of(groups) && channels == if transposed { w[0] } else { w[1] * groups };
    assert!(fits, "{name}: inputs {} and kernels {w} do not go together in {groups} groups", x.shape());
}

/// What a transposed convolution gives along an axis.
struct TransposedAxis {
    /// The length, without the zeros.
    length: usize,
    /// The padding that is taken off. Further elements first give back what would be taken off behind.
    padding: (usize, usize),
    /// Zeros to be put behind it.
    zeros: usize,
}

#[track_caller]
fn transposed_axis<const N: usize>(
    name: &str,
    length: usize,
    window: usize,
    options: &Convolution<N>,
    axis: usize,
    further: usize,
) -> TransposedAxis {
    let (stride, dilation) = (options.stride[axis], options.dilation[axis]);
    assert!(
        stride > 0 && dilation > 0 && window > 0,
        "{name}: stride, dilation and kernel must be at least 1"
    );
    assert!(
        further < stride.max(dilation),
        "{name}: {further} further elements along axis {axis} must be fewer than the stride {stride} or the dilation {dilation}"
    );
    let (low, high) = options.padding[axis];
    let given_back = further.min(high);
    let whole = length.saturating_sub(1) * stride + dilation * (window - 1) + 1;
    let padding = (low, high - given_back);
    assert!(
        whole > padding.0 + padding.1,
        "{name}: nothing is left of {whole} elements along axis {axis} without the padding {padding:?}"
    );
    TransposedAxis { length: whole - padding.0 - padding.1, padding, zeros: further - given_back }
}

/// Convolutions of other than images.
impl Tensor {
    /// Convolution (cross-correlation) of sequences `[batch, channels, length]` with kernels
    /// `[output channels, channels / groups, kernel length]`.
    ///
    /// # Panics
    /// If a rank is not 3, the channels do not fit the groups, or the kernel is longer than the padded sequence.
    #[track_caller]
    pub fn conv1d(&self, kernel: &Tensor, options: &Convolution1d) -> Tensor {
        check("conv1d", 3, self, kernel, options.groups, false);
        let (length, window) = (self.shape()[2], kernel.shape()[2]);
        let (stride, dilation) = (options.stride[0], options.dilation[0]);
        assert!(stride > 0 && dilation > 0, "conv1d: stride and dilation must be at least 1");
        assert!(
            positions(length, window, stride, options.padding[0], dilation).is_some(),
            "conv1d: the kernel {} does not fit into the padded sequence {} once",
            kernel.shape(),
            self.shape()
        );
        self.unsqueeze(2).conv2d(&kernel.unsqueeze(2), &flat(options)).squeeze(2)
    }

    /// Convolution (cross-correlation) of volumes `[batch, channels, depth, height, width]` with kernels
    /// `[output channels, channels / groups, kernel depth, kernel height, kernel width]`.
    ///
    /// # Panics
    /// If a rank is not 5, the channels do not fit the groups, or the kernel is larger than the padded volume.
    #[track_caller]
    pub fn conv3d(&self, kernel: &Tensor, options: &Convolution3d) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        check("conv3d", 5, self, kernel, options.groups, false);
        let (x, w) = (self.shape(), kernel.shape());
        let (stride, dilation) = (options.stride[0], options.dilation[0]);
        assert!(stride > 0 && dilation > 0, "conv3d: stride and dilation must be at least 1");
        let Some(depth) = positions(x[2], w[2], stride, options.padding[0], dilation) else {
            panic!("conv3d: the kernel {w} does not fit into the padded volume {x} once");
        };
        let padded = self.pad(&[(0, 0), (0, 0), options.padding[0], (0, 0), (0, 0)], 0.0);
        // Each tap of the kernel sees every `stride`-th slice.
        let tap = |tap: usize| {
            let start = tap * dilation;
            let end = start + depth.saturating_sub(1) * stride + usize::from(depth > 0);
            let along = index(start as isize..end as isize).step(stride as isize);
            padded.slice([index(..), index(..), along])
        };
        let taps: Vec<Tensor> = (0..w[2]).map(tap).collect();
        let windows = Tensor::stack(&taps, 2).permute(&[0, 3, 1, 2, 4, 5]);
        let images_shape = [x[0] * depth, x[1] * w[2], x[3], x[4]];
        let kernel = kernel.reshape([w[0], w[1] * w[2], w[3], w[4]]);
        let output = windows.reshape(images_shape).conv2d(&kernel, &images(options));
        let (height, width) = (output.shape()[2], output.shape()[3]);
        output.reshape([x[0], depth, w[0], height, width]).transpose(1, 2)
    }

    /// Transposed convolution of sequences `[batch, channels, length]` with kernels
    /// `[channels, output channels / groups, kernel length]`; see [`conv_transpose2d`](Tensor::conv_transpose2d).
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn conv_transpose1d(&self, kernel: &Tensor, options: &Convolution1d, further: [usize; 1]) -> Tensor {
        check("conv_transpose1d", 3, self, kernel, options.groups, true);
        self.unsqueeze(2).conv_transpose2d(&kernel.unsqueeze(2), &flat(options), [0, further[0]]).squeeze(2)
    }

    /// Transposed convolution of images `[batch, channels, height, width]` with kernels
    /// `[channels, output channels / groups, kernel height, kernel width]`, as in PyTorch: each element is spread over the output by
    /// the kernel, `stride` apart; `padding` is taken off the output, and `further` elements are put behind it along each axis.
    ///
    /// # Panics
    /// If the shapes do not go together or nothing is left.
    #[track_caller]
    pub fn conv_transpose2d(&self, kernel: &Tensor, options: &Convolution2d, further: [usize; 2]) -> Tensor {
        check("conv_transpose2d", 4, self, kernel, options.groups, true);
        let (x, w) = (self.shape(), kernel.shape());
        let rows = transposed_axis("conv_transpose2d", x[2], w[2], options, 0, further[0]);
        let columns = transposed_axis("conv_transpose2d", x[3], w[3], options, 1, further[1]);
        let inner = Convolution2d { padding: [rows.padding, columns.padding], ..*options };
        let output = self.conv2d_transposed(kernel, [rows.length, columns.length], &inner);
        let zeros = [(0, 0), (0, 0), (0, rows.zeros), (0, columns.zeros)];
        if rows.zeros + columns.zeros == 0 { output } else { output.pad(&zeros, 0.0) }
    }

    /// Transposed convolution of volumes `[batch, channels, depth, height, width]` with kernels
    /// `[channels, output channels / groups, …]`; see [`conv_transpose2d`](Tensor::conv_transpose2d).
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn conv_transpose3d(&self, kernel: &Tensor, options: &Convolution3d, further: [usize; 3]) -> Tensor {
        check("conv_transpose3d", 5, self, kernel, options.groups, true);
        let (x, w) = (self.shape().clone(), kernel.shape().clone());
        let slow = transposed_axis("conv_transpose3d", x[2], w[2], options, 0, further[0]);
        // All taps of the depth as channels, then each where it belongs.
        let slices = self.transpose(1, 2).reshape([x[0] * x[2], x[1], x[3], x[4]]);
        let taps = kernel.reshape([w[0], w[1] * w[2], w[3], w[4]]);
        let spread = slices.conv_transpose2d(&taps, &images(options), [further[1], further[2]]);
        let (height, width) = (spread.shape()[2], spread.shape()[3]);
        let channels = w[1] * options.groups;
        let spread = spread.reshape([x[0], x[2], channels, w[2], height, width]).permute(&[0, 2, 1, 3, 4, 5]);
        let (low, high) = slow.padding;
        let places: Vec<i64> = (0..x[2])
            .flat_map(|slice| {
                (0..w[2]).map(move |tap| (slice * options.stride[0] + tap * options.dilation[0]) as i64)
            })
            .collect();
        let updates = spread.reshape([x[0], channels, x[2] * w[2], height, width]);
        let whole = Tensor::zeros([x[0], channels, slow.length + low + high, height, width], updates.dtype());
        let whole = whole.index_add(2, &Tensor::from_slice(&places, [places.len()]), &updates).narrow(
            2,
            low,
            slow.length,
        );
        let zeros = [(0, 0), (0, 0), (0, slow.zeros), (0, 0), (0, 0)];
        if slow.zeros == 0 { whole } else { whole.pad(&zeros, 0.0) }
    }

    /// The windows of images `[batch, channels, height, width]` as columns `[batch, channels · kernel height · kernel width, windows]`
    /// (im2col), in the order of PyTorch. Groups do not matter.
    ///
    /// # Panics
    /// If the rank is not 4 or the window does not fit.
    #[track_caller]
    pub fn unfold(&self, window: [usize; 2], options: &Convolution2d) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        assert!(self.rank() == 4, "unfold: expected images of rank 4, found {}", self.shape());
        let (batch, channels) = (self.shape()[0], self.shape()[1]);
        let counts = window_counts("unfold", [self.shape()[2], self.shape()[3]], window, options);
        let padded = self.pad(&[(0, 0), (0, 0), options.padding[0], options.padding[1]], 0.0);
        let along = |axis: usize, tap: usize| {
            let (start, stride) = (tap * options.dilation[axis], options.stride[axis]);
            index(start as isize..(start + (counts[axis] - 1) * stride + 1) as isize).step(stride as isize)
        };
        let taps: Vec<Tensor> = (0..window[0])
            .flat_map(|row| (0..window[1]).map(move |column| (row, column)))
            .map(|(row, column)| padded.slice([index(..), index(..), along(0, row), along(1, column)]))
            .collect();
        let columns = channels * window[0] * window[1];
        Tensor::stack(&taps, 2).reshape([batch, columns, counts[0] * counts[1]])
    }

    /// The transpose of [`unfold`](Tensor::unfold): columns added up at their places in images `[batch, channels, size[0], size[1]]`.
    ///
    /// # Panics
    /// If the columns are not those of images of that size.
    #[track_caller]
    pub fn fold(&self, size: [usize; 2], window: [usize; 2], options: &Convolution2d) -> Tensor {
        let counts = window_counts("fold", size, window, options);
        let taps = window[0] * window[1];
        let fits = self.rank() == 3
            && taps > 0
            && self.shape()[1].is_multiple_of(taps)
            && self.shape()[2] == counts[0] * counts[1];
        assert!(
            fits,
            "fold: expected [batch, multiple of {taps}, {}] for images of size {size:?}, found {}",
            counts[0] * counts[1],
            self.shape()
        );
        let [batch, channels] = [self.shape()[0], self.shape()[1] / taps];
        let padded = [0, 1].map(|axis| size[axis] + options.padding[axis].0 + options.padding[axis].1);
        let along = |axis: usize, tap: usize, count: usize| {
            tap * options.dilation[axis] + count * options.stride[axis]
        };
        let mut places = Vec::with_capacity(taps * counts[0] * counts[1]);
        for (row, column) in (0..window[0]).flat_map(|row| (0..window[1]).map(move |column| (row, column))) {
            for (down, right) in
                (0..counts[0]).flat_map(|down| (0..counts[1]).map(move |right| (down, right)))
            {
                places.push((along(0, row, down) * padded[1] + along(1, column, right)) as i64);
            }
        }
        let places = Tensor::from_slice(&places, [places.len()]);
        let updates = self.reshape([batch, channels, taps * counts[0] * counts[1]]);
        let whole = Tensor::zeros([batch, channels, padded[0] * padded[1]], self.dtype())
            .index_add(2, &places, &updates);
        let whole = whole.reshape([batch, channels, padded[0], padded[1]]);
        whole.narrow(2, options.padding[0].0, size[0]).narrow(3, options.padding[1].0, size[1])
    }
}

#[track_caller]
fn window_counts(name: &str, size: [usize; 2], window: [usize; 2], options: &Convolution2d) -> [usize; 2] {
    let mut counts = [0; 2];
    for axis in [0, 1] {
        let (stride, dilation) = (options.stride[axis], options.dilation[axis]);
        assert!(stride > 0 && dilation > 0, "{name}: stride and dilation must be at least 1");
        let Some(count) = positions(size[axis], window[axis], stride, options.padding[axis], dilation) else {
            panic!("{name}: a window of {window:?} does not fit into an image of size {size:?}")
        };
        counts[axis] = count;
    }
    counts
}

/// How what is beyond the ends of an axis is made up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// A number.
    Constant(f64),
    /// Mirrored without repeating the end: d c b | a b c d | c b a.
    Reflect,
    /// The end again and again: a a a | a b c d | d d d.
    Replicate,
    /// From the other end: b c d | a b c d | a b c.
    Circular,
}

impl Tensor {
    /// The tensor with (before, after) each axis that many more elements, or fewer where the amount is negative. Amounts for the last
    /// axes suffice.
    ///
    /// # Panics
    /// If there are more amounts than axes, an axis is cut to less than nothing, or there is nothing to mirror or repeat (an empty
    /// axis, or one not longer than what is mirrored).
    #[track_caller]
    pub fn pad_with_mode(&self, amounts: &[(isize, isize)], mode: PadMode) -> Tensor {
        assert!(
            amounts.len() <= self.rank(),
            "pad_with_mode: {} amounts for the axes of {}",
            amounts.len(),
            self.shape()
        );
        let first = self.rank() - amounts.len();
        let mut x = self.clone();
        for (axis, (before, after)) in amounts.iter().enumerate() {
            let axis = first + axis;
            let cut = |amount: isize| (-amount).max(0) as usize;
            let length = x.shape()[axis];
            assert!(
                cut(*before) + cut(*after) <= length,
                "pad_with_mode: {amounts:?} takes more off axis {axis} of {} than there is",
                self.shape()
            );
            let kept = length - cut(*before) - cut(*after);
            x = x.narrow(axis as isize, cut(*before), kept);
            let (low, high) = ((*before).max(0), (*after).max(0));
            if low == 0 && high == 0 {
                continue;
            }
            if let PadMode::Constant(value) = mode {
                let mut all = vec![(0, 0); self.rank()];
                all[axis] = (low as usize, high as usize);
                x = x.pad(&all, value);
                continue;
            }
            let n = kept as isize;
            let enough = n > 0 && (mode != PadMode::Reflect || (low < n && high < n));
            assert!(enough, "pad_with_mode: axis {axis} of {} is too short for {amounts:?}", x.shape());
            let from = |place: isize| match mode {
                PadMode::Reflect if place < 0 => -place,
                PadMode::Reflect if place >= n => 2 * (n - 1) - place,
                PadMode::Replicate => place.clamp(0, n - 1),
                PadMode::Circular => place.rem_euclid(n),
                _ => place,
            };
            let places: Vec<i64> = (-low..n + high).map(|place| from(place) as i64).collect();
            x = x.take(&Tensor::from_slice(&places, Shape::from([places.len()])), axis as isize);
        }
        x
    }
}
