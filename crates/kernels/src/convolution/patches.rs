//! The patches of an image that a kernel visits, as a matrix that is never stored: a row for each channel and place in
//! the kernel, a column for each output pixel. It is packed for the micro-kernel straight from the image.

use super::super::gemm::block::SLACK;
use super::super::gemm::element::{GemmElement, Number};
use super::super::gemm::operand::{Left, PackedLeft, PackedRight, Right};
use super::super::gemm::tile::{TileSize, VECTORS, VectorKernel};
use super::super::gemm::vector::Vector;
use super::ConvolutionShape;
use std::marker::PhantomData;
use std::ops::Range;

/// Most columns of a block that is packed as whole rows and not tile by tile: its rows do not take more pages than the
/// processor remembers the places of.
const LINE_COLUMNS: usize = 512;

/// Room for the patches of some channels of some images: their pixels with zeros around them. Where patches are some
/// pixels apart, the pixels of each phase of that distance lie together in a line, so that those that a place of the
/// kernel meets are neighbours.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    images: usize,
    channels: usize,
    /// Size of an image in memory, of which every `step`-th line and pixel is read.
    source: [usize; 2],
    step: [usize; 2],
    size: [usize; 2],
    /// Lines of a padded plane, and pixels of one phase of a line.
    padded: [usize; 2],
    low: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    output: [usize; 2],
}

impl Frame {
    /// The frame of one image and one group of a shape that was checked.
    pub fn new(shape: &ConvolutionShape, output: [usize; 2]) -> Frame {
        let [height, width] = [0, 1].map(|axis| {
            let [low, high] = shape.padding[axis];
            low + shape.size[axis] + high
        });
        let padded = [height, width.div_ceil(shape.stride[1])];
        Frame {
            images: 1,
            channels: shape.channels / shape.groups,
            source: shape.size,
            step: [1, 1],
            size: shape.size,
            padded,
            low: [shape.padding[0][0], shape.padding[1][0]],
            kernel: shape.kernel,
            stride: shape.stride,
            dilation: shape.dilation,
            output,
        }
    }

    /// As [`Frame::new`], but only the pixels that are in a patch are kept if patches are of one pixel.
    pub fn sampled(shape: &ConvolutionShape, output: [usize; 2]) -> Frame {
        let frame = Frame::new(shape, output);
        if shape.kernel != [1, 1] || shape.padding != [[0, 0]; 2] {
            return frame;
        }
        Frame { step: shape.stride, size: output, padded: output, stride: [1, 1], ..frame }
    }

    /// The frame of so many images and channels.
    pub fn with(self, images: usize, channels: usize) -> Frame {
        Frame { images, channels, ..self }
    }

    /// Elements of a line, of all phases.
    #[inline(always)]
    fn line(&self) -> usize {
        self.padded[1] * self.stride[1]
    }

    /// Elements of a padded plane.
    pub fn plane_len(&self) -> usize {
        self.padded[0] * self.line()
    }

    /// Elements of a plane of an image in memory.
    pub fn source_len(&self) -> usize {
        self.source[0] * self.source[1]
    }

    /// Elements of the padded planes of one image.
    fn image_len(&self) -> usize {
        self.channels * self.plane_len()
    }

    /// Where the pixels of a phase begin in a line, and which pixel of the image is the first of them.
    fn phase(&self, phase: usize) -> (usize, usize) {
        let (stride, before) = (self.stride[1], self.low[1]);
        let first = (phase + stride - before % stride) % stride;
        (phase * self.padded[1] + (before + first) / stride, first)
    }

    /// Elements of the padded planes, and room to read beyond them.
    pub fn padded_len(&self) -> usize {
        (self.images * self.image_len() + SLACK).next_multiple_of(SLACK)
    }

    /// Elements of a row of patches, and room to write beyond them.
    pub fn line_len(&self) -> usize {
        (self.images * self.output[0] * self.output[1] + 2 * SLACK).next_multiple_of(SLACK)
    }

    /// Fills `padded` with the planes of the images, which begin `distance` elements apart, and zeros around them.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn pad<T: GemmElement>(&self, images: &[T], distance: usize, padded: &mut [T::Sum]) {
        let (whole, slack) = padded.split_at_mut(self.images * self.image_len());
        slack.fill(T::Sum::ZERO);
        for image in 0..self.images {
            let to = &mut whole[image * self.image_len()..][..self.image_len()];
            self.pad_image(&images[image * distance..], to);
        }
    }

    fn pad_image<T: GemmElement>(&self, image: &[T], padded: &mut [T::Sum]) {
        let source = self.source_len();
        for (channel, plane) in padded.chunks_exact_mut(self.plane_len()).enumerate() {
            self.pad_plane(&image[channel * source..][..source], plane);
        }
    }

    /// Fills a padded plane with one of an image, and zeros around it.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn pad_plane<T: GemmElement>(&self, image: &[T], plane: &mut [T::Sum]) {
        let ([height, width], [top, before], line) = (self.size, self.low, self.line());
        plane[..top * line].fill(T::Sum::ZERO);
        plane[(top + height) * line..].fill(T::Sum::ZERO);
        for y in 0..height {
            let to = &mut plane[(top + y) * line..][..line];
            let from = &image[y * self.step[0] * self.source[1]..][..self.source[1]];
            if self.stride[1] > 1 {
                to.fill(T::Sum::ZERO);
                self.divide(from, to);
                continue;
            }
            to[..before].fill(T::Sum::ZERO);
            to[before + width..].fill(T::Sum::ZERO);
            let to = &mut to[before..before + width];
            if self.step[1] == 1 {
                to.iter_mut().zip(from).for_each(|(to, &value)| *to = value.widen());
            } else {
                let from = from.iter().step_by(self.step[1]);
                to.iter_mut().zip(from).for_each(|(to, &value)| *to = value.widen());
            }
        }
    }

    /// Offset of a row of patches in the padded planes.
    #[inline(always)]
    fn offset(&self, row: usize) -> usize {
        let [kernel_height, kernel_width] = self.kernel;
        let (x, rest) = (row % kernel_width, row / kernel_width);
        let (y, channel) = (rest % kernel_height, rest / kernel_height);
        let y = channel * self.padded[0] + y * self.dilation[0];
        let x = x * self.dilation[1];
        y * self.line() + x % self.stride[1] * self.padded[1] + x / self.stride[1]
    }

    /// Adds a matrix of patches, `[rows of these channels, output pixels]`, to the padded planes it would be made of.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn add_patches<N: Number>(&self, channels: usize, patches: &[N], padded: &mut [N]) {
        let [height, width] = self.output;
        for row in 0..channels * self.kernel[0] * self.kernel[1] {
            let patches = &patches[row * height * width..][..height * width];
            let offset = self.offset(row);
            for (y, line) in patches.chunks_exact(width).enumerate() {
                let to = &mut padded[offset + y * self.stride[0] * self.line()..];
                for (to, &value) in to.iter_mut().zip(line) {
                    *to = to.plus(value);
                }
            }
        }
    }

    /// Writes the planes of an image of `channels` channels out of padded ones.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn unpad<T: GemmElement>(&self, channels: usize, padded: &[T::Sum], image: &mut [T]) {
        let [height, width] = self.size;
        let lines = image.chunks_exact_mut(width.max(1)).take(channels * height);
        for (index, line) in lines.enumerate() {
            let y = index / height * self.padded[0] + self.low[0] + index % height;
            self.join(&padded[y * self.line()..][..self.line()], line);
        }
    }

    /// Writes the pixels of a line to their phases.
    fn divide<T: GemmElement>(&self, from: &[T], to: &mut [T::Sum]) {
        if self.stride[1] == 2 {
            let [first, second] = self.two_phases();
            let (even, odd) = to.split_at_mut(self.padded[1]);
            let swap = self.low[1] % 2 == 1;
            let [one, other] = if swap { [odd, even] } else { [even, odd] };
            let (first, second) = (&mut one[first..], &mut other[second..]);
            let pairs = from.chunks_exact(2);
            if let [last] = pairs.remainder() {
                first[from.len() / 2] = last.widen();
            }
            for ((pair, first), second) in pairs.zip(first).zip(second) {
                (*first, *second) = (pair[0].widen(), pair[1].widen());
            }
            return;
        }
        for (start, first) in (0..self.stride[1]).map(|phase| self.phase(phase)) {
            let from = from[first.min(from.len())..].iter().step_by(self.stride[1]);
            to[start..].iter_mut().zip(from).for_each(|(to, &value)| *to = value.widen());
        }
    }

    /// Reads the pixels of a line from their phases.
    fn join<T: GemmElement>(&self, from: &[T::Sum], to: &mut [T]) {
        if self.stride[1] == 2 {
            let [first, second] = self.two_phases();
            let (even, odd) = from.split_at(self.padded[1]);
            let swap = self.low[1] % 2 == 1;
            let [one, other] = if swap { [odd, even] } else { [even, odd] };
            let (first, second) = (&one[first..], &other[second..]);
            let half = to.len() / 2;
            let mut pairs = to.chunks_exact_mut(2);
            for ((pair, &first), &second) in pairs.by_ref().zip(first).zip(second) {
                (pair[0], pair[1]) = (T::narrow(first), T::narrow(second));
            }
            if let [last] = pairs.into_remainder() {
                *last = T::narrow(first[half]);
            }
            return;
        }
        for (start, first) in (0..self.stride[1]).map(|phase| self.phase(phase)) {
            let first = first.min(to.len());
            let to = to[first..].iter_mut().step_by(self.stride[1]);
            to.zip(&from[start..]).for_each(|(to, &sum)| *to = T::narrow(sum));
        }
    }

    /// For a stride of two: where the first and the second pixel of a line are in their phases.
    fn two_phases(&self) -> [usize; 2] {
        [self.low[1] / 2, self.low[1].div_ceil(2)]
    }
}

/// The matrix of patches, `[channels * kernel, output pixels]`, or the columns of it from `first` on, or the rows from
/// `first_row` on.
#[derive(Clone, Copy)]
pub struct Patches<'a, N> {
    frame: &'a Frame,
    padded: *const N,
    line: *mut N,
    first: usize,
    first_row: usize,
    memory: PhantomData<&'a mut [N]>,
}

impl<'a, N: Number> Patches<'a, N> {
    /// Patches of planes that [`Frame::pad`] filled; `line` is room for one row, or nothing if they are only read by
    /// [`PackPanel`].
    ///
    /// # Panics
    /// If a slice is shorter than the frame says.
    pub fn new(frame: &'a Frame, padded: &'a [N], line: &'a mut [N], first: usize) -> Patches<'a, N> {
        assert!(padded.len() >= frame.padded_len());
        assert!(line.is_empty() || line.len() >= frame.line_len());
        Patches {
            frame,
            padded: padded.as_ptr(),
            line: line.as_mut_ptr(),
            first,
            first_row: 0,
            memory: PhantomData,
        }
    }

    /// The rows from `first_row` on.
    pub fn starting_at_row(self, first_row: usize) -> Patches<'a, N> {
        Patches { first_row, ..self }
    }

    /// Writes `count` elements of `row` from `column` on, and up to a vector more.
    ///
    /// # Safety
    /// The row has these columns; `to` has room for them and [`SLACK`] more.
    #[inline(always)]
    unsafe fn write_row<V: Vector<Element = N>>(&self, row: usize, column: usize, count: usize, to: *mut N) {
        let pixels = self.frame.output[0] * self.frame.output[1];
        let column = self.first + column;
        let (mut image, mut pixel, mut done) = (column / pixels, column % pixels, 0);
        while done < count {
            let room = pixels - pixel;
            let part = if room < count - done { room } else { count - done };
            // SAFETY: as this function; what is written too much, the next image overwrites.
            unsafe { self.write_part::<V>(row, image, pixel, part, to.add(done)) };
            done += part;
            (image, pixel) = (image + 1, 0);
        }
    }

    /// Writes `count` elements of `row` and of one image.
    ///
    /// # Safety
    /// As for `write_row`.
    #[inline(always)]
    unsafe fn write_part<V: Vector<Element = N>>(
        &self,
        row: usize,
        image: usize,
        column: usize,
        count: usize,
        to: *mut N,
    ) {
        let frame = self.frame;
        let (mut y, mut x) = (column / frame.output[1], column % frame.output[1]);
        let mut done = 0;
        // SAFETY: the caller vouches for the columns, so all reads lie in the padded planes, or in the slack behind.
        unsafe {
            let base = self.padded.add(image * frame.image_len() + frame.offset(self.first_row + row));
            if x == 0 {
                let from = base.add(y * frame.stride[0] * frame.line());
                let lines = count / frame.output[1];
                match frame.output[1].div_ceil(V::LANES) {
                    1 => self.copy_lines::<V, 1>(lines, from, to),
                    2 => self.copy_lines::<V, 2>(lines, from, to),
                    3 => self.copy_lines::<V, 3>(lines, from, to),
                    4 => self.copy_lines::<V, 4>(lines, from, to),
                    _ => self.copy_lines::<V, 0>(lines, from, to),
                }
                (y, done) = (y + lines, lines * frame.output[1]);
            }
            while done < count {
                let room = frame.output[1] - x;
                let part = if room < count - done { room } else { count - done };
                let from = base.add(y * frame.stride[0] * frame.line() + x);
                let to = to.add(done);
                let mut at = 0;
                // What a whole vector writes too much, the next part overwrites.
                while at < part {
                    V::load(from.add(at)).store(to.add(at));
                    at += V::LANES;
                }
                done += part;
                (y, x) = (y + 1, 0);
            }
        }
    }
}

impl<N: Number> Patches<'_, N> {
    /// Copies whole lines of output pixels, each as `VECTORS` vectors, or as many as it needs if that is zero.
    ///
    /// # Safety
    /// As for `write_row`.
    #[inline(always)]
    unsafe fn copy_lines<V: Vector<Element = N>, const VECTORS: usize>(
        &self,
        lines: usize,
        mut from: *const N,
        mut to: *mut N,
    ) {
        let frame = self.frame;
        let vectors = if VECTORS == 0 { frame.output[1].div_ceil(V::LANES) } else { VECTORS };
        let pitch = frame.stride[0] * frame.line();
        for _ in 0..lines {
            for vector in 0..vectors {
                // SAFETY: the caller vouches for the line and the slack behind it, here and there.
                unsafe { V::load(from.add(vector * V::LANES)).store(to.add(vector * V::LANES)) };
            }
            from = from.wrapping_add(pitch);
            to = to.wrapping_add(frame.output[1]);
        }
    }
}

impl<N: Number> Right<N> for Patches<'_, N> {
    #[inline(always)]
    fn in_place(&self) -> Option<(*const N, isize)> {
        None
    }

    #[inline(always)]
    unsafe fn pack<V: Vector<Element = N>>(
        &self,
        depth: Range<usize>,
        columns: Range<usize>,
        tile: TileSize,
        to: *mut N,
    ) -> PackedRight {
        let (count, rows) = (columns.len(), depth.len());
        if count <= LINE_COLUMNS {
            // Whole rows, an odd number of cache lines apart so that they spread over the cache.
            let line = 64 / size_of::<N>();
            let pitch = (count.div_ceil(line) | 1) * line;
            // SAFETY: the caller vouches for the block and for the room; a row is at most two cache lines longer than
            // its columns, and what it overwrites is written after it.
            unsafe {
                for row in 0..rows {
                    self.write_row::<V>(depth.start + row, columns.start, count, to.add(row * pitch));
                }
            }
            return PackedRight { depth: pitch, panel: tile.columns };
        }
        // SAFETY: the caller vouches for the block and for whole panels at `to`; the line has room for a row and for
        // the rest of a panel.
        unsafe {
            for row in 0..rows {
                self.write_row::<V>(depth.start + row, columns.start, count, self.line);
                let mut column = 0;
                while column < count {
                    let (from, to) = (self.line.add(column), to.add(column * rows + row * tile.columns));
                    V::load(from).store(to);
                    V::load(from.add(V::LANES)).store(to.add(V::LANES));
                    column += tile.columns;
                }
            }
        }
        PackedRight { depth: tile.columns, panel: tile.columns * rows }
    }
}

impl<N: Number> Left<N> for Patches<'_, N> {
    #[inline(always)]
    fn in_place(&self) -> Option<(*const N, isize, isize)> {
        None
    }

    #[inline(always)]
    unsafe fn pack<V: Vector<Element = N>>(
        &self,
        rows: Range<usize>,
        depth: Range<usize>,
        tile: TileSize,
        to: *mut N,
    ) -> PackedLeft {
        let count = depth.len();
        // SAFETY: the caller vouches for the block, for whole tiles at `to` and the slack behind them; rows are written
        // in ascending order, so that what one writes too much is overwritten.
        unsafe {
            for row in 0..rows.len() {
                let to = to.add(row / tile.rows * tile.padded_rows * count + row % tile.rows * count);
                self.write_row::<V>(rows.start + row, depth.start, count, to);
            }
        }
        PackedLeft { row: count as isize, depth: 1 }
    }
}

/// Packs all rows of a range of a matrix of patches into a panel.
pub struct PackPanel<'a, N> {
    /// The patches of one image.
    pub patches: Patches<'a, N>,
    /// The rows.
    pub rows: Range<usize>,
    /// The columns, at most those of a panel.
    pub columns: Range<usize>,
    /// Where the rows go, one after the other, each as long as a panel is wide.
    pub to: *mut N,
}

/// Most columns of a panel.
const MOST_COLUMNS: usize = 64;

impl<N: Number> VectorKernel<N> for PackPanel<'_, N> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(self) {
        let frame = self.patches.frame;
        let width = VECTORS * V::LANES;
        // Neighbouring pixels of the panel: where they begin in a padded plane and in the panel.
        let mut runs = [[0; 2]; MOST_COLUMNS];
        let [start, end] = [self.columns.start, self.columns.end].map(|column| self.patches.first + column);
        let (mut count, mut pixel) = (0, start);
        while pixel < end {
            let (y, x) = (pixel / frame.output[1], pixel % frame.output[1]);
            runs[count] = [y * frame.stride[0] * frame.line() + x, pixel - start];
            pixel += frame.output[1] - x;
            count += 1;
        }
        let runs = &runs[..count];
        let vectors = if frame.output[1] <= V::LANES { 1 } else { VECTORS };
        let mut to = self.to;
        let mut line = [N::ZERO; 2 * MOST_COLUMNS];
        // SAFETY: the caller vouches for the rows and the panel. What a vector writes too much is overwritten by the
        // next run or row; after the last row it would be the next panel, so that one is made apart.
        unsafe {
            for row in self.rows.start..self.rows.end {
                let from = self.patches.padded.add(frame.offset(self.patches.first_row + row));
                let last = row + 1 == self.rows.end;
                let target = if last { line.as_mut_ptr() } else { to };
                for &[offset, place] in runs {
                    let (from, target) = (from.add(offset), target.add(place));
                    V::load(from).store(target);
                    if vectors > 1 {
                        V::load(from.add(V::LANES)).store(target.add(V::LANES));
                    }
                }
                if last {
                    std::ptr::copy_nonoverlapping(line.as_ptr(), to, width);
                }
                to = to.add(width);
            }
        }
    }
}
