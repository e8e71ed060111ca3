//! Outputs of a block of tiles: weights to values at the points, a product of matrices at each point, and back.

use super::super::super::gemm::Accumulate;
use super::super::super::gemm::tile::{Ahead, Tile, VECTORS, VectorKernel};
use super::super::super::gemm::vector::Vector;
use super::lanes::{from_lanes, to_lanes};
use super::tiling::{Run, Tiling, Volume};
use super::transform::{Algorithm, MOST};
use std::marker::PhantomData;

/// Weights of one group, `[outputs, channels, kernel]` in any order of outputs and channels.
#[derive(Clone, Copy)]
pub struct Weights {
    /// The first.
    pub start: *const f32,
    /// From output to output.
    pub output: usize,
    /// From channel to channel.
    pub channel: usize,
    /// Outputs.
    pub outputs: usize,
    /// Channels.
    pub channels: usize,
    /// Whether the kernels are turned by half a circle.
    pub turned: bool,
}

// SAFETY: the weights are only read, which the callers of the kernels vouch for.
unsafe impl Send for Weights {}
// SAFETY: as above.
unsafe impl Sync for Weights {}

/// The outputs of the tiles of a block for a panel of channels.
pub struct Product<'a, A> {
    /// The tiles.
    pub tiling: &'a Tiling,
    /// The block.
    pub block: usize,
    /// Values of its input at the points.
    pub volume: Volume,
    /// The weights.
    pub weights: Weights,
    /// First output of the panel.
    pub first: usize,
    /// The outputs of the first image.
    pub to: *mut f32,
    /// From image to image.
    pub image: usize,
    /// Height and width of the outputs.
    pub size: [usize; 2],
    /// Room for [`Rooms::all`].
    pub scratch: *mut f32,
    /// How the room is divided.
    pub rooms: Rooms,
    /// The algorithm.
    pub algorithm: PhantomData<A>,
}

/// How scratch is divided, in elements.
#[derive(Clone, Copy)]
pub struct Rooms {
    /// Weights at the points, from point to point.
    weights: usize,
    /// Products at the points, from point to point.
    products: usize,
    /// Weights or outputs with channels in lanes.
    lanes: usize,
    /// Points of a tile.
    points: usize,
}

impl Rooms {
    /// The rooms for these tiles and a volume of the given pitch.
    pub fn new<A: Algorithm>(tiling: &Tiling, pitch: usize, lanes: usize) -> Rooms {
        let [rows, columns] = tiling.largest_run();
        let outputs = rows * columns * A::OUTPUT * A::OUTPUT;
        let width = VECTORS * lanes;
        Rooms {
            weights: pitch * width + 16,
            products: tiling.capacity() * width + 16,
            lanes: lanes * outputs.max(pitch * A::KERNEL * A::KERNEL + lanes),
            points: A::POINTS * A::POINTS,
        }
    }

    /// Elements of all.
    pub fn all(&self) -> usize {
        self.points * (self.weights + self.products) + self.lanes
    }
}

impl<A: Algorithm> VectorKernel<f32> for Product<'_, A> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = f32>, const ROWS: usize>(self) {
        let width = VECTORS * V::LANES;
        let left = self.weights.outputs - self.first;
        let columns = if left > V::LANES { width } else { V::LANES };
        let at_points = self.scratch;
        let products = at_points.wrapping_add(A::POINTS * A::POINTS * self.rooms.weights);
        let lanes = products.wrapping_add(A::POINTS * A::POINTS * self.rooms.products);
        let tiles = self.tiling.tiles_of(self.block);
        for panel in 0..self.volume.panels {
            let channel = panel * self.volume.pitch;
            let depth = self.weights.channels - channel;
            let depth = if depth < self.volume.pitch { depth } else { self.volume.pitch };
            // SAFETY: the caller vouches for the weights, the volume and the scratch, which is divided as it says.
            unsafe {
                let mut column = 0;
                while column < columns {
                    self.weights.spread::<A, V>(
                        [self.first + column, channel, depth],
                        at_points.add(column),
                        [width, self.rooms.weights],
                        lanes,
                    );
                    column += V::LANES;
                }
                let values = self.volume.panel(panel);
                for point in 0..A::POINTS * A::POINTS {
                    let a = values.add(point * self.volume.point);
                    let b = at_points.add(point * self.rooms.weights);
                    let tile = Tile {
                        depth,
                        a,
                        a_row: self.volume.pitch as isize,
                        a_depth: 1,
                        b,
                        b_depth: width as isize,
                        c: products.add(point * self.rooms.products),
                        c_row: width as isize,
                        accumulate: if panel == 0 { Accumulate::Replace } else { Accumulate::Add },
                        // The weights at the next point; there is room after those at the last.
                        ahead: Ahead { right: b.wrapping_add(self.rooms.weights), ..Ahead::nothing(a, b) },
                    };
                    tile.strip::<V, ROWS>(tiles, columns);
                }
            }
        }
        let units = self.tiling.units(self.block);
        let mut column = 0;
        while column < columns {
            let mut from = products.wrapping_add(column).cast_const();
            let mut unit = units.start;
            while unit < units.end {
                let run = self.tiling.run(unit, units.end);
                // SAFETY: as above; no other task writes to these outputs.
                unsafe { self.finish_run::<V>(&run, self.first + column, from, lanes) };
                from = from.wrapping_add(run.len() * width);
                unit = run.end;
            }
            column += V::LANES;
        }
    }
}

impl<A: Algorithm> Product<'_, A> {
    /// The outputs of a run from the values at its points, for the channels from `channel` on.
    #[inline(always)]
    unsafe fn finish_run<V: Vector<Element = f32>>(
        &self,
        run: &Run,
        channel: usize,
        mut from: *const f32,
        lanes: *mut f32,
    ) {
        let [height, width] = self.size;
        let (top, before) = (run.rows.start * A::OUTPUT, run.columns.start * A::OUTPUT);
        let (bottom, after) = (run.rows.end * A::OUTPUT, run.columns.end * A::OUTPUT);
        let bottom = if bottom < height { bottom } else { height };
        let after = if after < width { after } else { width };
        let pitch = after - before;
        let mut row = top;
        // SAFETY: the caller vouches for the values, and for room for the outputs of a run.
        unsafe {
            while row < bottom {
                let mut column = before;
                while column < after {
                    let to = lanes.add(((row - top) * pitch + column - before) * V::LANES);
                    self.finish_tile::<V>(from, to, pitch, bottom - row, after - column);
                    from = from.add(VECTORS * V::LANES);
                    column += A::OUTPUT;
                }
                row += A::OUTPUT;
            }
            let plane = height * width;
            let to = self.to.add(run.image * self.image + channel * plane);
            let channels = self.weights.outputs - channel;
            if pitch == width {
                let pixels = (bottom - top) * width;
                from_lanes::<V>(lanes, to.add(top * width), plane, channels, pixels);
            } else {
                for row in top..bottom {
                    let from = lanes.add((row - top) * pitch * V::LANES);
                    from_lanes::<V>(from, to.add(row * width + before), plane, channels, pitch);
                }
            }
        }
    }

    /// At most `rows` by `columns` outputs of a tile.
    #[inline(always)]
    unsafe fn finish_tile<V: Vector<Element = f32>>(
        &self,
        from: *const f32,
        to: *mut f32,
        pitch: usize,
        rows: usize,
        columns: usize,
    ) {
        // SAFETY: the caller vouches for the values and for room for the outputs.
        unsafe {
            let mut half = [[V::zero(); MOST]; MOST];
            for (column, half) in half.iter_mut().enumerate().take(A::POINTS) {
                let mut values = [V::zero(); MOST];
                for (row, value) in values.iter_mut().enumerate().take(A::POINTS) {
                    *value = V::load(from.add((row * A::POINTS + column) * self.rooms.products));
                }
                *half = A::to_outputs(values);
            }
            for row in 0..A::OUTPUT {
                if row < rows {
                    let mut line = [V::zero(); MOST];
                    for (value, half) in line.iter_mut().zip(&half).take(A::POINTS) {
                        *value = half[row];
                    }
                    let line = A::to_outputs(line);
                    for (column, value) in line.into_iter().enumerate().take(A::OUTPUT) {
                        if column < columns {
                            value.store(to.add((row * pitch + column) * V::LANES));
                        }
                    }
                }
            }
        }
    }
}

impl Weights {
    /// Values at the points, `[points, depth, lanes]`, of the outputs from `output` on in the lanes.
    #[inline(always)]
    unsafe fn spread<A: Algorithm, V: Vector<Element = f32>>(
        &self,
        [output, channel, depth]: [usize; 3],
        mut to: *mut f32,
        [row, point]: [usize; 2],
        lanes: *mut f32,
    ) {
        let from = self.start.wrapping_add(output * self.output + channel * self.channel);
        let outputs = self.outputs - output;
        // SAFETY: the caller vouches for the weights, for the places at `to`, and for room in `lanes`.
        unsafe {
            let count = A::KERNEL * A::KERNEL;
            let by_channels = self.channel == count;
            if by_channels {
                to_lanes::<V>(from, self.output, outputs, depth * count, lanes);
            }
            for index in 0..depth {
                let mut kernel = lanes.add(index * count * V::LANES);
                if !by_channels {
                    kernel = lanes;
                    let from = from.add(index * self.channel);
                    // A square reaches beyond the last kernel, where there are others except at the very end.
                    let inner = channel + index + 1 < self.channels && outputs >= V::LANES;
                    if inner && count < V::LANES {
                        V::transpose(from, self.output as isize, kernel, V::LANES);
                    } else {
                        to_lanes::<V>(from, self.output, outputs, count, kernel);
                    }
                }
                self.spread_kernel::<A, V>(kernel, to, point);
                to = to.add(row);
            }
        }
    }

    /// Values of a kernel at the points.
    #[inline(always)]
    unsafe fn spread_kernel<A: Algorithm, V: Vector<Element = f32>>(
        &self,
        kernel: *const f32,
        to: *mut f32,
        point: usize,
    ) {
        // SAFETY: the caller vouches for both places.
        unsafe {
            let mut columns = [[V::zero(); MOST]; MOST];
            for (x, column) in columns.iter_mut().enumerate().take(A::KERNEL) {
                let mut values = [V::zero(); MOST];
                for (y, value) in values.iter_mut().enumerate().take(A::KERNEL) {
                    let place = y * A::KERNEL + x;
                    let place = if self.turned { A::KERNEL * A::KERNEL - 1 - place } else { place };
                    *value = V::load(kernel.add(place * V::LANES));
                }
                *column = A::of_weights(values);
            }
            for row in 0..A::POINTS {
                let mut line = [V::zero(); MOST];
                for (value, column) in line.iter_mut().zip(&columns).take(A::KERNEL) {
                    *value = column[row];
                }
                let line = A::of_weights(line);
                for (column, value) in line.into_iter().enumerate().take(A::POINTS) {
                    value.store(to.add((row * A::POINTS + column) * point));
                }
            }
        }
    }
}
