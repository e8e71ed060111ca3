//! Convolution as products of matrices, y = W P: of the weights and the patches of an image.

use super::super::gemm::block::{Access, Block, Cut, even_depth};
use super::super::gemm::element::{GemmElement, Number};
use super::super::gemm::operand::{Panels, Right, Strided};
use super::super::gemm::tile::{TileSize, dispatch};
use super::super::gemm::{Accumulate, EpilogueBlock, Gemm, MatrixView, MatrixViewMut, gemm, store_row};
use super::patches::{Frame, PackPanel, Patches};
use super::{ConvolutionShape, Epilogue, Finish, SMALLEST_PART, Shared, run_all, with_parts};
use crate::isa::Isa;
use crate::threads::Pool;

/// Bytes of patches that all threads pack together before they multiply: they stay in the caches.
const PANEL_BYTES: usize = 4 << 20;
/// Products of a task that is worth being divided further.
const LONG_TASK: usize = 1 << 20;

/// [`super::forward`] by products of matrices; with weights `[channels, outputs / groups]` if they are `turned`, which
/// must be kernels of one weight.
#[allow(clippy::too_many_arguments)]
pub fn forward<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    output: [usize; 2],
    operands: [&[T]; 2],
    turned: bool,
    y: &mut [T],
    epilogue: Option<&Epilogue>,
) {
    // Patches of one pixel at every pixel are the image itself.
    if shape.kernel == [1, 1] && shape.stride == [1, 1] && shape.padding == [[0, 0]; 2] {
        return of_pixels(pool, isa, shape, operands, turned, y, epilogue);
    }
    let whole_images = pool.size() == 1 || shape.images >= 2 * pool.size();
    let divide = if whole_images { whole::<T> } else { divided::<T> };
    let convolution = Convolution { shape, output, operands, turned };
    divide(pool, isa, &convolution, y, epilogue);
}

/// What is computed.
struct Convolution<'a, T> {
    shape: &'a ConvolutionShape,
    output: [usize; 2],
    operands: [&'a [T]; 2],
    turned: bool,
}

impl<T: GemmElement> Convolution<'_, T> {
    /// Outputs of a group, weights of an output, pixels of an output image.
    fn sizes(&self) -> [usize; 3] {
        let shape = self.shape;
        [shape.outputs / shape.groups, shape.patch_len(), self.output[0] * self.output[1]]
    }

    /// The channels of a group of an image.
    fn image(&self, image: usize, group: usize) -> &[T] {
        let plane = self.shape.image_len() / self.shape.groups;
        &self.operands[0][(image * self.shape.groups + group) * plane..][..plane]
    }

    /// The weights of a group, from the output `first` on.
    fn weights(&self, group: usize, first: usize) -> Strided<T> {
        let [outputs, patch, _] = self.sizes();
        let weights = &self.operands[1][group * outputs * patch..][..outputs * patch];
        let [row, column] = if self.turned { [1, outputs] } else { [patch, 1] };
        Strided { ptr: weights[first * row..].as_ptr(), row: row as isize, column: column as isize }
    }

    /// Multiplications of all images.
    fn products(&self) -> usize {
        let [_, patch, pixels] = self.sizes();
        self.shape.images * self.shape.outputs * patch * pixels
    }
}

/// Kernels of one weight at every pixel: a batch of products.
fn of_pixels<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    shape: &ConvolutionShape,
    [x, w]: [&[T]; 2],
    turned: bool,
    y: &mut [T],
    epilogue: Option<&Epilogue>,
) {
    let pixels = shape.size[0] * shape.size[1];
    let [channels, outputs] = [shape.channels, shape.outputs].map(|count| count / shape.groups);
    let [down, across] = if turned { [1, outputs] } else { [channels, 1] };
    let in_parts = epilogue.is_some_and(|epilogue| pixels.is_multiple_of(epilogue.row));
    Finish::with(epilogue, shape.images, shape.outputs * pixels, in_parts, |finish| {
        for group in 0..shape.groups {
            let written = |block: EpilogueBlock| {
                let first = (block.batch * shape.outputs + group * outputs + block.rows.start) * pixels;
                finish.part(first..first + block.rows.len() * pixels);
            };
            let product = Gemm {
                batch: shape.images,
                m: outputs,
                n: pixels,
                k: channels,
                a: MatrixView {
                    ptr: w[group * outputs * channels..].as_ptr(),
                    row_stride: down as isize,
                    column_stride: across as isize,
                    batch_stride: 0,
                },
                b: MatrixView {
                    ptr: x[group * channels * pixels..].as_ptr(),
                    row_stride: pixels as isize,
                    column_stride: 1,
                    batch_stride: (shape.channels * pixels) as isize,
                },
                c: MatrixViewMut {
                    ptr: y[group * outputs * pixels..].as_mut_ptr(),
                    row_stride: pixels as isize,
                    batch_stride: (shape.outputs * pixels) as isize,
                },
                accumulate: Accumulate::Replace,
            };
            let written: &(dyn Fn(EpilogueBlock) + Sync) = &written;
            // SAFETY: the shape was checked against the slices, of which `y` is ours.
            unsafe { gemm(pool, isa, &product, epilogue.map(|_| written)) };
        }
    });
}

/// Every task computes an image.
fn whole<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    convolution: &Convolution<T>,
    y: &mut [T],
    epilogue: Option<&Epilogue>,
) {
    let shape = convolution.shape;
    let [outputs, patch, pixels] = convolution.sizes();
    let frame = Frame::sampled(shape, convolution.output);
    let to = Shared(y.as_mut_ptr());
    run_all(pool, shape.images, convolution.products(), &|image| {
        with_parts([frame.padded_len(), frame.line_len()], |[padded, line]| {
            for group in 0..shape.groups {
                frame.pad(convolution.image(image, group), 0, padded);
                let product = Product {
                    rows: outputs,
                    columns: pixels,
                    depth: patch,
                    left: convolution.weights(group, 0),
                    to: to.at((image * shape.outputs + group * outputs) * pixels),
                    row: pixels,
                };
                // SAFETY: the operands are whole; this task alone writes to this image.
                unsafe { product.run(isa, &Patches::new(&frame, padded, line, 0), Access::Packed) };
            }
        });
        if let Some(epilogue) = epilogue {
            let len = shape.outputs * pixels;
            (epilogue.run)(image * len..(image + 1) * len);
        }
    });
}

/// All threads compute parts of an image. Its patches are packed once, by all of them, if several parts have the same.
fn divided<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    convolution: &Convolution<T>,
    y: &mut [T],
    epilogue: Option<&Epilogue>,
) {
    let shape = convolution.shape;
    let [outputs, patch, pixels] = convolution.sizes();
    let frame = Frame::sampled(shape, convolution.output);
    let tile = TileSize::of::<T::Sum>(isa);
    let step = even_depth(patch).max(1);
    let products = convolution.products() / shape.images.max(1);
    let most = (PANEL_BYTES / (patch.max(1) * size_of::<T::Sum>())).max(tile.columns);
    let whole = grid(pool, tile, [outputs, pixels], products);
    let shared = whole[0] < outputs;
    let chunk = if shared { most.min(pixels) } else { pixels }.next_multiple_of(tile.columns);
    let [rows, columns] =
        if shared { grid(pool, tile, [outputs, chunk.min(pixels)], products) } else { whole };
    let in_parts = epilogue.is_some_and(|epilogue| {
        let ends = [chunk, columns].iter().all(|end| end.is_multiple_of(epilogue.row));
        let cut = columns >= SMALLEST_PART && ends;
        pixels.is_multiple_of(epilogue.row) && (columns >= pixels || cut)
    });
    let to = Shared(y.as_mut_ptr());
    let lengths = [frame.padded_len(), if shared { patch * chunk } else { 0 }];
    Finish::with(epilogue, shape.images, shape.outputs * pixels, in_parts, |finish| {
        with_parts(lengths, |[padded, panels]: [&mut [T::Sum]; 2]| {
            let panels = Panels { ptr: panels.as_mut_ptr(), columns: chunk, first: 0 };
            for index in 0..shape.images * shape.groups {
                let (image, group) = (index / shape.groups, index % shape.groups);
                pad(pool, &frame, convolution.image(image, group), padded);
                let padded = &*padded;
                for first in (0..pixels).step_by(chunk) {
                    let count = chunk.min(pixels - first);
                    if shared {
                        pack(
                            pool,
                            isa,
                            [patch, step, count],
                            &|| Patches::new(&frame, padded, &mut [], first),
                            panels,
                        );
                    }
                    let parts = [outputs.div_ceil(rows), count.div_ceil(columns)];
                    run_all(pool, parts[0] * parts[1], products, &|task| {
                        let (row, column) = (task / parts[1] * rows, task % parts[1] * columns);
                        let (rows, columns) = (rows.min(outputs - row), columns.min(count - column));
                        let plane = image * shape.outputs + group * outputs + row;
                        let start = plane * pixels + first + column;
                        let left = convolution.weights(group, row);
                        let product =
                            Product { rows, columns, depth: patch, left, to: to.at(start), row: pixels };
                        // SAFETY: the operands are whole; this task alone writes to this part of the image.
                        unsafe {
                            if shared {
                                product.run(isa, &panels.from(column), Access::InPlace);
                            } else {
                                with_parts([frame.line_len()], |[line]: [&mut [T::Sum]; 1]| {
                                    let patches = Patches::new(&frame, padded, line, column);
                                    product.run(isa, &patches, Access::Packed);
                                });
                            }
                        }
                        if columns == pixels {
                            finish.part(start..start + rows * pixels);
                        } else if finish.in_parts() {
                            for start in (0..rows).map(|row| start + row * pixels) {
                                finish.part(start..start + columns);
                            }
                        } else {
                            finish.count(image, rows * columns);
                        }
                    });
                }
            }
        });
    });
}

/// Packs patches of so many rows, in ranges of `step` rows, and columns on all threads.
fn pack<'a, N: Number>(
    pool: &Pool,
    isa: Isa,
    [patch, step, count]: [usize; 3],
    patches: &(dyn Fn() -> Patches<'a, N> + Sync),
    panels: Panels<N>,
) {
    let tile = TileSize::of::<N>(isa);
    let of_range = count.div_ceil(tile.columns);
    run_all(pool, of_range * patch.div_ceil(step), patch * count, &|task| {
        let (row, column) = (task / of_range * step, task % of_range * tile.columns);
        let rows = row..patch.min(row + step);
        let to = panels.at(&rows, column);
        let columns = column..count.min(column + tile.columns);
        // SAFETY: the planes of the patches are padded; the panels have room for them, and tasks pack different ones.
        unsafe { dispatch(isa, PackPanel { patches: patches(), rows, columns, to }) };
    });
}

/// Pads the channels of an image on all threads.
fn pad<T: GemmElement>(pool: &Pool, frame: &Frame, image: &[T], padded: &mut [T::Sum]) {
    let (plane, source) = (frame.plane_len(), frame.source_len());
    let channels = if plane == 0 { 0 } else { image.len() / source.max(1) };
    let (planes, slack) = padded.split_at_mut(channels * plane);
    slack.fill(T::Sum::ZERO);
    let to = Shared(planes.as_mut_ptr());
    run_all(pool, channels, planes.len(), &|channel| {
        // SAFETY: the planes are those of the channels; tasks write to different ones.
        let to = unsafe { to.part(channel * plane, plane) };
        frame.pad_plane(&image[channel * source..][..source], to);
    });
}

/// Rows and columns of the blocks that a product of so many rows and columns is divided in: whole tiles, as much for
/// every thread as for the others.
fn grid(pool: &Pool, tile: TileSize, [rows, columns]: [usize; 2], products: usize) -> [usize; 2] {
    let tiles = [rows.div_ceil(tile.rows), columns.div_ceil(tile.columns)];
    let threads = pool.size();
    let tasks =
        if products / threads < LONG_TASK { [1, 2] } else { [2, 4] }.map(|of_thread| of_thread * threads);
    let ways = tasks.into_iter().flat_map(|tasks| {
        (1..=tasks).filter(move |down| tasks % down == 0).map(move |down| [down, tasks / down])
    });
    let block = |parts: [usize; 2]| [tiles[0].div_ceil(parts[0]), tiles[1].div_ceil(parts[1])];
    let best = ways.map(block).min_by_key(|&[down, across]| {
        let tasks = tiles[0].div_ceil(down.max(1)) * tiles[1].div_ceil(across.max(1));
        // Reading an operand costs some products; see `gemm::plan`.
        let [rows, columns] = [down * tile.rows, across * tile.columns];
        tasks.div_ceil(threads) * (rows * columns + 8 * (rows + columns))
    });
    let [down, across] = best.expect("there is a way");
    [down.max(1) * tile.rows, across.max(1) * tile.columns]
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
    unsafe fn run<R: Right<T::Sum>>(&self, isa: Isa, right: &R, access: Access) {
        let tile = TileSize::of::<T::Sum>(isa);
        // Rows of A that are a multiple of this apart share few places of the first-level cache.
        let apart = !(self.depth * size_of::<T>()).is_multiple_of(4096);
        let few = tile.rows <= MOST_ROWS || self.columns <= 2 * tile.columns;
        let left = if T::NATIVE && (apart || few) { Access::InPlace } else { Access::Packed };
        let cut = Cut { depth: even_depth(self.depth), left, right: access };
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

/// Most rows that can be read side by side from the same places of a cache.
const MOST_ROWS: usize = 8;
