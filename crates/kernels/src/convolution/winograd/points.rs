//! From images to values at the points of their tiles.

use super::super::super::gemm::tile::VectorKernel;
use super::super::super::gemm::vector::Vector;
use super::lanes::to_lanes;
use super::tiling::{Run, Tiling, Volume};
use super::transform::{Algorithm, Line, MOST, Transposed};
use std::marker::PhantomData;
use std::ops::Range;

/// Images of which tiles are read.
#[derive(Clone, Copy)]
pub struct Planes {
    /// The first channel of the first image.
    pub start: *const f32,
    /// From image to image.
    pub image: usize,
    /// Channels to read of an image.
    pub channels: usize,
    /// Height and width.
    pub size: [usize; 2],
    /// How far the first tile begins before the image.
    pub low: [usize; 2],
}

// SAFETY: the planes are only read, which the callers of the kernels vouch for.
unsafe impl Send for Planes {}
// SAFETY: as above.
unsafe impl Sync for Planes {}

impl Planes {
    /// Some of the channels.
    pub fn some(self, channels: Range<usize>) -> Planes {
        let before = channels.start * self.size[0] * self.size[1];
        Planes { start: self.start.wrapping_add(before), channels: channels.len(), ..self }
    }
}

/// What tiles are taken to the points, and how.
pub trait ToPoints {
    /// Pixels of a tile on an axis.
    const SIZE: usize;
    /// From tile to tile.
    const STEP: usize;
    /// Points on an axis.
    const POINTS: usize;

    /// The transform on an axis.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    unsafe fn line<V: Vector<Element = f32>>(tile: Line<V>) -> Line<V>;
}

/// Tiles of the input.
#[derive(Clone, Copy)]
pub struct OfInput<A>(PhantomData<A>);

/// Tiles of derivatives by the outputs.
#[derive(Clone, Copy)]
pub struct OfOutputGradient<A>(PhantomData<A>);

impl<A: Algorithm> ToPoints for OfInput<A> {
    const SIZE: usize = A::INPUT;
    const STEP: usize = A::STEP;
    const POINTS: usize = A::POINTS;

    #[inline(always)]
    unsafe fn line<V: Vector<Element = f32>>(tile: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe { A::of_input(tile) }
    }
}

impl<A: Transposed> ToPoints for OfOutputGradient<A> {
    const SIZE: usize = A::OUTPUT;
    const STEP: usize = A::OUTPUT;
    const POINTS: usize = A::POINTS;

    #[inline(always)]
    unsafe fn line<V: Vector<Element = f32>>(tile: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe { A::of_output_gradient(tile) }
    }
}

/// Values at the points of the tiles of a block, for as many channels as a vector has lanes.
pub struct Spread<'a, P> {
    /// The tiles.
    pub tiling: &'a Tiling,
    /// The block to read.
    pub block: usize,
    /// The images.
    pub planes: Planes,
    /// The first channel.
    pub channel: usize,
    /// Where the values go.
    pub volume: Volume,
    /// Room for [`buffer_len`] values.
    pub buffer: *mut f32,
    /// The transform.
    pub transform: PhantomData<P>,
}

/// Room that [`Spread`] needs.
pub fn buffer_len<P: ToPoints>(tiling: &Tiling, lanes: usize) -> usize {
    let [rows, columns] = tiling.largest_run().map(|tiles| tiles * P::STEP + P::SIZE - P::STEP);
    (rows + 1) * columns * lanes
}

/// Pixels on an axis that the tiles from `first` to `end` reach and that the image has.
#[inline(always)]
fn reach<P: ToPoints>(first: usize, end: usize, size: usize, low: usize) -> [usize; 2] {
    let from = (first * P::STEP).saturating_sub(low);
    let to = (end * P::STEP + P::SIZE - P::STEP).saturating_sub(low);
    let to = if to < size { to } else { size };
    [if from < to { from } else { to }, to]
}

impl<P: ToPoints> VectorKernel<f32> for Spread<'_, P> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = f32>, const ROWS: usize>(self) {
        let units = self.tiling.units(self.block);
        let pitch = self.volume.pitch;
        let panel = self.volume.panel(self.channel / pitch);
        let mut to = panel.wrapping_add(self.channel % pitch);
        let mut unit = units.start;
        while unit < units.end {
            let run = self.tiling.run(unit, units.end);
            // SAFETY: the caller vouches for the images, the volume and the buffer.
            unsafe { self.spread_run::<V>(&run, to) };
            to = to.wrapping_add(run.len() * pitch);
            unit = run.end;
        }
    }
}

impl<P: ToPoints> Spread<'_, P> {
    /// Values of one run.
    #[inline(always)]
    unsafe fn spread_run<V: Vector<Element = f32>>(&self, run: &Run, mut to: *mut f32) {
        let Planes { start, image, channels, size: [height, width], low } = self.planes;
        let rows = reach::<P>(run.rows.start, run.rows.end, height, low[0]);
        let columns = reach::<P>(run.columns.start, run.columns.end, width, low[1]);
        let (count, reached) = (rows[1] - rows[0], columns[1] - columns[0]);
        let plane = height * width;
        let from = start.wrapping_add(run.image * image + self.channel * plane);
        let channels = channels - self.channel;
        let zeros = self.buffer.wrapping_add(count * reached * V::LANES);
        // SAFETY: the pixels were cut to those of the image; the buffer has room for all that a run can reach.
        unsafe {
            if reached == width {
                to_lanes::<V>(from.add(rows[0] * width), plane, channels, count * width, self.buffer);
            } else {
                for row in 0..count {
                    let from = from.add((rows[0] + row) * width + columns[0]);
                    let to = self.buffer.add(row * reached * V::LANES);
                    to_lanes::<V>(from, plane, channels, reached, to);
                }
            }
            let mut pixel = 0;
            while pixel < reached {
                V::zero().store(zeros.add(pixel * V::LANES));
                pixel += 1;
            }
            let mut row = run.rows.start;
            while row < run.rows.end {
                let mut lines = [zeros.cast_const(); MOST];
                for (index, line) in lines.iter_mut().enumerate().take(P::SIZE) {
                    let y = (row * P::STEP + index).wrapping_sub(low[0]);
                    if y < height {
                        *line = self.buffer.add((y - rows[0]) * reached * V::LANES);
                    }
                }
                let mut column = run.columns.start;
                while column < run.columns.end {
                    let x = (column * P::STEP).wrapping_sub(low[1]);
                    self.tile::<V>(&lines, x, columns[0], to);
                    to = to.add(self.volume.pitch);
                    column += 1;
                }
                row += 1;
            }
        }
    }

    /// Values of the tile that begins in column `x` of the image; `lines` begin in column `first`.
    #[inline(always)]
    unsafe fn tile<V: Vector<Element = f32>>(
        &self,
        lines: &[*const f32; MOST],
        x: usize,
        first: usize,
        to: *mut f32,
    ) {
        // SAFETY: only columns of the image are read; the caller vouches for the volume.
        unsafe {
            let mut columns = [[V::zero(); MOST]; MOST];
            for (index, column) in columns.iter_mut().enumerate().take(P::SIZE) {
                let x = x.wrapping_add(index);
                if x < self.planes.size[1] {
                    let offset = (x - first) * V::LANES;
                    let mut values = [V::zero(); MOST];
                    for (value, line) in values.iter_mut().zip(lines).take(P::SIZE) {
                        *value = V::load(line.add(offset));
                    }
                    *column = P::line(values);
                }
            }
            for row in 0..P::POINTS {
                let mut line = [V::zero(); MOST];
                for (value, column) in line.iter_mut().zip(&columns) {
                    *value = column[row];
                }
                let line = P::line(line);
                for (column, value) in line.into_iter().enumerate().take(P::POINTS) {
                    value.store(to.add((row * P::POINTS + column) * self.volume.point));
                }
            }
        }
    }
}
