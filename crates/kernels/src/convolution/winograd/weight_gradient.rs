//! The derivative by the weights: the transpose of the algorithm. At each point it is a sum over all tiles of products
//! of the input and the derivative by the outputs, and kernels are interpolated from the sums.

use super::super::super::gemm::Accumulate;
use super::super::super::gemm::tile::{Ahead, Tile, VECTORS, VectorKernel, dispatch};
use super::super::super::gemm::vector::Vector;
use super::super::{Shared, run_all, with_parts};
use super::points::{OfInput, OfOutputGradient, Planes, buffer_len};
use super::tiling::{Tiling, Volume};
use super::transform::{MOST, Transposed};
use super::{Sizes, lanes, shares, spread};
use crate::isa::Isa;
use crate::threads::Pool;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// Most outputs of a panel: their sums with a panel of channels stay in the second-level cache.
const PANEL: usize = 48;
/// Most lanes of a vector, and most weights of a kernel rounded up to whole vectors.
const ROOM: usize = 32;
/// Most runs of blocks that are summed over separately, a power of two.
const MOST_PIECES: usize = 16;
/// Most bytes of the sums of all pieces.
const PIECE_BYTES: usize = 64 << 20;

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
    // Tiles and pieces decide about the order of additions: sizes alone may decide about them.
    let tiling = Tiling::new::<A>(images, output, channels.max(outputs), 1);
    let height = outputs.div_ceil(outputs.div_ceil(PANEL)).next_multiple_of(lanes);
    let (inputs, inputs_len) = Volume::new::<A>(tiling.capacity(), channels, width);
    let (derivatives, derivatives_len) = Volume::new::<A>(tiling.capacity(), outputs, height);
    let point = height * width + 16;
    let sums_len = A::POINTS * A::POINTS * point;
    let all_sums = derivatives.panels * inputs.panels * sums_len;
    let most = (PIECE_BYTES / (all_sums * size_of::<f32>())).min(tiling.blocks() / 2);
    let pieces = 1 << most.clamp(1, MOST_PIECES).ilog2();
    let shares = shares(pieces, inputs.panels, pool.size());
    let plane = output[0] * output[1];
    let products = images * groups * outputs * channels * plane;
    let buffer =
        buffer_len::<OfInput<A>>(&tiling, lanes).max(buffer_len::<OfOutputGradient<A>>(&tiling, lanes));
    let to = Shared(dw.as_mut_ptr());
    // A single block is summed panel by panel in the same place.
    let single = tiling.blocks() == 1;
    let [kept, own] = if single { [0, sums_len] } else { [pieces * all_sums, 0] };
    with_parts([kept], |[kept]: [&mut [f32]; 1]| {
        let kept = Shared(kept.as_mut_ptr());
        for group in 0..groups {
            let images = Planes::of_inputs(x, sizes, group);
            let start = dy[group * outputs * plane..].as_ptr();
            let planes = Planes {
                start,
                image: groups * outputs * plane,
                channels: outputs,
                size: output,
                low: [0, 0],
            };
            let sum = Sum::<A> {
                tiling: &tiling,
                inputs,
                derivatives,
                size: [outputs, channels],
                point,
                to: to.at(group * outputs * channels * A::KERNEL * A::KERNEL),
                algorithm: PhantomData,
            };
            run_all(pool, pieces * shares, products, &|task| {
                let (piece, share) = (task / shares, task % shares);
                let [first, end] = [share, share + 1].map(|share| share * inputs.panels / shares);
                let lengths = [inputs_len / inputs.panels * (end - first), derivatives_len, buffer, own];
                with_parts(lengths, |[from_inputs, from_derivatives, buffer, own]: [&mut [f32]; 4]| {
                    let inputs = Volume { start: from_inputs.as_mut_ptr(), ..inputs };
                    let derivatives = Volume { start: from_derivatives.as_mut_ptr(), ..derivatives };
                    let images = images.some(first * width..channels.min(end * width));
                    let [begin, last] = [piece, piece + 1].map(|piece| piece * tiling.blocks() / pieces);
                    for block in begin..last {
                        spread::<OfInput<A>>(isa, &tiling, block, images, inputs, buffer);
                        spread::<OfOutputGradient<A>>(isa, &tiling, block, planes, derivatives, buffer);
                        for index in 0..derivatives.panels * (end - first) {
                            let panel = [index / (end - first), first + index % (end - first)];
                            let place = panel[0] * inputs.panels + panel[1];
                            let place = kept.at(piece * all_sums + place * sums_len);
                            let sums = if single { own.as_mut_ptr() } else { place };
                            let sum = sum.of(inputs, derivatives);
                            let add = Add { sum, block, panel, first, fresh: block == begin, sums };
                            // SAFETY: the shape was checked against the slices; the volumes have the values of this
                            // block; tasks have sums of their own.
                            unsafe { dispatch(isa, add) };
                            if pieces == 1 && block + 1 == last {
                                // SAFETY: all sums of this panel are there; no other task writes these weights.
                                unsafe { dispatch(isa, Interpolate { sum, panel, sums }) };
                            }
                        }
                    }
                });
            });
            if pieces > 1 {
                let panels = derivatives.panels * inputs.panels;
                run_all(pool, panels, pieces * all_sums, &|index| {
                    let panel = [index / inputs.panels, index % inputs.panels];
                    let sums = kept.at(index * sums_len);
                    // SAFETY: no other task uses the sums of this panel, which all pieces have left.
                    unsafe {
                        let total = kept.part(index * sums_len, sums_len);
                        for piece in 1..pieces {
                            let more = kept.part(piece * all_sums + index * sums_len, sums_len);
                            total.iter_mut().zip(more).for_each(|(total, more)| *total += *more);
                        }
                        dispatch(isa, Interpolate { sum, panel, sums });
                    }
                });
            }
        }
    });
}

/// Sums over tiles, of panels of outputs and channels.
#[derive(Clone, Copy)]
struct Sum<'a, A> {
    tiling: &'a Tiling,
    inputs: Volume,
    derivatives: Volume,
    /// Outputs and channels.
    size: [usize; 2],
    /// From point to point of the sums, which are `[points, outputs of a panel, channels of a panel]`.
    point: usize,
    to: *mut f32,
    algorithm: PhantomData<A>,
}

// SAFETY: tasks write to sums and weights of their own.
unsafe impl<A> Send for Sum<'_, A> {}
// SAFETY: as above.
unsafe impl<A> Sync for Sum<'_, A> {}

impl<A: Transposed> Sum<'_, A> {
    /// The sums of the values in these volumes.
    fn of(self, inputs: Volume, derivatives: Volume) -> Self {
        Sum { inputs, derivatives, ..self }
    }

    /// The first output and channel of a panel, and how many it has, of channels in whole vectors.
    #[inline(always)]
    fn extent<V: Vector<Element = f32>>(&self, panel: [usize; 2]) -> [[usize; 2]; 2] {
        let width = VECTORS * V::LANES;
        let (row, column) = (panel[0] * self.derivatives.pitch, panel[1] * width);
        let left = self.size[0] - row;
        let rows = if left < self.derivatives.pitch { left } else { self.derivatives.pitch };
        let columns = if self.size[1] - column > V::LANES { width } else { V::LANES };
        [[row, column], [rows, columns]]
    }
}

/// Adds the products of a block to the sums of a panel.
struct Add<'a, A> {
    sum: Sum<'a, A>,
    block: usize,
    panel: [usize; 2],
    /// The first panel of channels that the volume of the input has.
    first: usize,
    /// Whether there are no sums yet.
    fresh: bool,
    sums: *mut f32,
}

impl<A: Transposed> VectorKernel<f32> for Add<'_, A> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = f32>, const ROWS: usize>(self) {
        let Sum { tiling, inputs, derivatives, .. } = self.sum;
        let width = VECTORS * V::LANES;
        let [_, [rows, columns]] = self.sum.extent::<V>(self.panel);
        let a = derivatives.panel(self.panel[0]);
        let b = inputs.panel(self.panel[1] - self.first);
        for point in 0..A::POINTS * A::POINTS {
            let (a, b) = (a.wrapping_add(point * derivatives.point), b.wrapping_add(point * inputs.point));
            let tile = Tile {
                depth: tiling.tiles_of(self.block),
                a,
                a_row: 1,
                a_depth: derivatives.pitch as isize,
                b,
                b_depth: width as isize,
                c: self.sums.wrapping_add(point * self.sum.point),
                c_row: width as isize,
                accumulate: if self.fresh { Accumulate::Replace } else { Accumulate::Add },
                ahead: Ahead::nothing(a, b),
            };
            // SAFETY: the caller vouches for the volumes and the sums.
            unsafe { tile.strip::<V, ROWS>(rows, columns) };
        }
    }
}

/// The derivatives by the weights of a panel from its sums.
struct Interpolate<'a, A> {
    sum: Sum<'a, A>,
    panel: [usize; 2],
    sums: *const f32,
}

impl<A: Transposed> VectorKernel<f32> for Interpolate<'_, A> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = f32>, const ROWS: usize>(self) {
        let [[row, column], [rows, columns]] = self.sum.extent::<V>(self.panel);
        for index in 0..rows {
            let mut lane = 0;
            while lane < columns {
                let from = self.sums.wrapping_add(index * VECTORS * V::LANES + lane);
                // SAFETY: the caller vouches for the sums and the weights.
                unsafe { self.sum.finish::<V>(from, row + index, column + lane) };
                lane += V::LANES;
            }
        }
    }
}

impl<A: Transposed> Sum<'_, A> {
    /// The derivatives by the kernels of an output and the channels from `channel` on.
    #[inline(always)]
    unsafe fn finish<V: Vector<Element = f32>>(&self, from: *const f32, output: usize, channel: usize) {
        let mut by_place = MaybeUninit::<[f32; ROOM * ROOM]>::uninit();
        let mut by_channel = MaybeUninit::<[f32; ROOM * ROOM]>::uninit();
        let (by_place, by_channel) =
            (by_place.as_mut_ptr().cast::<f32>(), by_channel.as_mut_ptr().cast::<f32>());
        let count_of_places = A::KERNEL * A::KERNEL;
        let channels = self.size[1];
        let count = if channels - channel < V::LANES { channels - channel } else { V::LANES };
        // SAFETY: the caller vouches for the sums and the weights; the arrays have room for all lanes.
        unsafe {
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
