//! The derivative by the weights: the transpose of the algorithm. At each point it is a sum over all tiles of products
//! of the input and the derivative by the outputs, and kernels are interpolated from the sums.

use super::super::super::gemm::Accumulate;
use super::super::super::gemm::tile::{Ahead, Tile, VECTORS, VectorKernel, dispatch};
use super::super::super::gemm::vector::Vector;
use super::super::{Shared, run_all, with_parts};
use super::points::{OfInput, OfOutputGradient, Planes};
use super::tiling::{FEWEST_TASKS, Tiling, Volume};
use super::transform::{MOST, Transposed};
use super::{Sizes, VOLUME_BYTES, lanes, spread};
use crate::isa::Isa;
use crate::threads::Pool;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Most outputs of a panel: their sums with a panel of channels stay in the second-level cache.
const PANEL: usize = 48;
/// Most lanes of a vector, and most weights of a kernel rounded up to whole vectors.
const ROOM: usize = 32;

/// dw from x and dy.
pub fn weight_gradient<A: Transposed>(
    pool: &Pool,
    isa: Isa,
    sizes: &Sizes,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    let &Sizes { images, groups, channels, outputs, output, .. } = sizes;
    let lanes = lanes(isa);
    let width = VECTORS * lanes;
    let tiling = Tiling::new::<A>(images, output, FEWEST_TASKS);
    let of_channels = channels.div_ceil(width);
    let of_outputs = outputs.div_ceil(PANEL).max(FEWEST_TASKS.div_ceil(of_channels));
    let height = outputs.div_ceil(of_outputs).next_multiple_of(lanes);
    let (inputs, input_len) = Volume::new::<A>(tiling.capacity(), channels, width);
    let (derivatives, derivative_len) = Volume::new::<A>(tiling.capacity(), outputs, height);
    let room = VOLUME_BYTES * (pool.size() + 1) / size_of::<f32>();
    let at_a_time = (2 * room / (input_len + derivative_len)).clamp(1, tiling.blocks());
    let panels = [outputs.div_ceil(height), of_channels];
    let point = height * width + 16;
    let sums_len = A::POINTS * A::POINTS * point;
    let plane = output[0] * output[1];
    let products = images * groups * outputs * channels * plane;
    let to = Shared(dw.as_mut_ptr());
    // Sums that wait for more tiles, of all panels; if there is but one run of tiles, every task has its own room.
    let one_run = at_a_time == tiling.blocks();
    let waiting = if one_run { 0 } else { panels[0] * panels[1] * sums_len };
    let lengths = [at_a_time * input_len, at_a_time * derivative_len, waiting];
    with_parts(lengths, |[from_inputs, from_derivatives, waiting]: [&mut [f32]; 3]| {
        let inputs = Volume { start: from_inputs.as_mut_ptr(), ..inputs };
        let derivatives = Volume { start: from_derivatives.as_mut_ptr(), ..derivatives };
        let waiting = Shared(waiting.as_mut_ptr());
        for group in 0..groups {
            let images = Planes::of_inputs(x, sizes, group);
            let planes = Planes {
                start: dy[group * outputs * plane..].as_ptr(),
                image: groups * outputs * plane,
                channels: outputs,
                size: output,
                low: [0, 0],
            };
            for first in (0..tiling.blocks()).step_by(at_a_time) {
                let blocks = first..(first + at_a_time).min(tiling.blocks());
                spread::<OfInput<A>>(pool, isa, &tiling, blocks.clone(), images, inputs);
                spread::<OfOutputGradient<A>>(pool, isa, &tiling, blocks.clone(), planes, derivatives);
                run_all(pool, panels[0] * panels[1], products, &|task| {
                    with_parts([if one_run { sums_len } else { 0 }], |[own]: [&mut [f32]; 1]| {
                        let sums = if one_run { own.as_mut_ptr() } else { waiting.at(task * sums_len) };
                        let panel = [task / panels[1], task % panels[1]];
                        let sum = Sum::<A> {
                            tiling: &tiling,
                            blocks: blocks.clone(),
                            inputs,
                            derivatives,
                            panel,
                            size: [outputs, channels],
                            sums,
                            point,
                            to: to.at(group * outputs * channels * A::KERNEL * A::KERNEL),
                            algorithm: PhantomData,
                        };
                        // SAFETY: the shape was checked against the slices; the volumes have these blocks; tasks have
                        // sums and write weights of their own.
                        unsafe { dispatch(isa, sum) };
                    });
                });
            }
        }
    });
}

/// Sums over the tiles of some blocks for a panel of outputs and one of channels; after the last block, the derivatives.
struct Sum<'a, A> {
    tiling: &'a Tiling,
    blocks: Range<usize>,
    inputs: Volume,
    derivatives: Volume,
    panel: [usize; 2],
    /// Outputs and channels.
    size: [usize; 2],
    /// `[points, outputs of a panel, channels of a panel]`.
    sums: *mut f32,
    /// From point to point of the sums.
    point: usize,
    to: *mut f32,
    algorithm: PhantomData<A>,
}

impl<A: Transposed> VectorKernel<f32> for Sum<'_, A> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = f32>, const ROWS: usize>(self) {
        let width = VECTORS * V::LANES;
        let (row, column) = (self.panel[0] * self.derivatives.pitch, self.panel[1] * width);
        let left = self.size[0] - row;
        let rows = if left < self.derivatives.pitch { left } else { self.derivatives.pitch };
        let columns = if self.size[1] - column > V::LANES { width } else { V::LANES };
        for point in 0..A::POINTS * A::POINTS {
            for block in 0..self.blocks.end - self.blocks.start {
                let a = self.derivatives.panel(block, self.panel[0]);
                let b = self.inputs.panel(block, self.panel[1]);
                let fresh = self.blocks.start + block == 0;
                let (a, b) = (
                    a.wrapping_add(point * self.derivatives.point),
                    b.wrapping_add(point * self.inputs.point),
                );
                let tile = Tile {
                    depth: self.tiling.tiles_of(self.blocks.start + block),
                    a,
                    a_row: 1,
                    a_depth: self.derivatives.pitch as isize,
                    b,
                    b_depth: width as isize,
                    c: self.sums.wrapping_add(point * self.point),
                    c_row: width as isize,
                    accumulate: if fresh { Accumulate::Replace } else { Accumulate::Add },
                    ahead: Ahead::nothing(a, b),
                };
                // SAFETY: the caller vouches for the volumes and the sums.
                unsafe { tile.strip::<V, ROWS>(rows, columns) };
            }
        }
        if self.blocks.end < self.tiling.blocks() {
            return;
        }
        for index in 0..rows {
            let mut lane = 0;
            while lane < columns {
                // SAFETY: as above; the caller vouches for the weights.
                unsafe { self.finish::<V>(index * width + lane, row + index, column + lane) };
                lane += V::LANES;
            }
        }
    }
}

impl<A: Transposed> Sum<'_, A> {
    /// The derivatives by the kernels of an output and the channels from `channel` on.
    #[inline(always)]
    unsafe fn finish<V: Vector<Element = f32>>(&self, offset: usize, output: usize, channel: usize) {
        let mut by_place = MaybeUninit::<[f32; ROOM * ROOM]>::uninit();
        let mut by_channel = MaybeUninit::<[f32; ROOM * ROOM]>::uninit();
        let (by_place, by_channel) =
            (by_place.as_mut_ptr().cast::<f32>(), by_channel.as_mut_ptr().cast::<f32>());
        let count_of_places = A::KERNEL * A::KERNEL;
        let channels = self.size[1];
        let count = if channels - channel < V::LANES { channels - channel } else { V::LANES };
        // SAFETY: the caller vouches for the sums and the weights; the arrays have room for all lanes.
        unsafe {
            let from = self.sums.add(offset);
            let mut half = [[V::zero(); MOST]; MOST];
            for (column, half) in half.iter_mut().enumerate().take(A::POINTS) {
                let mut values = [V::zero(); MOST];
                for (row, value) in values.iter_mut().enumerate().take(A::POINTS) {
                    *value = V::load(from.add((row * A::POINTS + column) * self.point));
                }
                *half = A::to_weight_gradient(values);
            }
            for row in 0..A::KERNEL {
                let mut line = [V::zero(); MOST];
                for (value, half) in line.iter_mut().zip(&half).take(A::POINTS) {
                    *value = half[row];
                }
                for (column, value) in A::to_weight_gradient(line).into_iter().enumerate().take(A::KERNEL) {
                    value.store(by_place.add((row * A::KERNEL + column) * V::LANES));
                }
            }
            let mut place = 0;
            while place < count_of_places {
                let from = by_place.add(place * V::LANES);
                V::transpose(from, V::LANES as isize, by_channel.add(place), ROOM);
                place += V::LANES;
            }
            for lane in 0..count {
                let to = self.to.add((output * channels + channel + lane) * count_of_places);
                std::ptr::copy_nonoverlapping(by_channel.add(lane * ROOM), to, count_of_places);
            }
        }
    }
}
