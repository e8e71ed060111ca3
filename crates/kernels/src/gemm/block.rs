//! One thread's share of a product, cut for the caches.

use super::Accumulate;
use super::element::Number;
use super::operand::{Left, Right};
use super::tile::{Ahead, Arithmetic, Tile, TileSize, VectorKernel};
use super::vector::Vector;
use crate::memory::with_scratch;
use std::ops::Range;

/// Bytes of a packed block of A: it stays in the second-level cache while the panels of B go by.
const LEFT_BYTES: usize = 288 << 10;
/// Bytes of a packed block of B: it stays in the third-level cache, and A is packed again for each of them.
const RIGHT_BYTES: usize = 4096 << 10;
/// Elements that a packed block of A may be overrun by: operands that are copied by whole vectors do so.
pub const SLACK: usize = 64;
/// Elements between rows of sums in scratch, lest the rows of a tile compete for the same few places in the cache.
const SUMS_PADDING: usize = 16;
/// Most products in a row before a tile goes back to C. A panel of B of this depth comes from the second-level cache,
/// which is fast enough for a tile; what costs is fetching C, often from memory, once for each visit.
pub const DEPTH: usize = 768;

/// Whether an operand is read where it lies or packed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Where it lies; only for operands that can be read in place.
    InPlace,
    /// From a packed copy.
    Packed,
}

/// How a product is cut. `depth` decides about the order of additions, so it must not depend on anything but the
/// sizes and strides of the whole product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Products between two visits to C.
    pub depth: usize,
    /// How A is read.
    pub left: Access,
    /// How B is read.
    pub right: Access,
}

/// `k` cut in equal parts of at most [`DEPTH`].
pub fn even_depth(k: usize) -> usize {
    k.div_ceil(k.div_ceil(DEPTH).max(1)).next_multiple_of(4)
}

/// A product of `rows x depth` by `depth x columns`.
pub struct Block<'a, N, L, R> {
    /// Rows of A and C.
    pub rows: usize,
    /// Columns of B and C.
    pub columns: usize,
    /// Columns of A, rows of B.
    pub depth: usize,
    /// A.
    pub left: &'a L,
    /// B.
    pub right: &'a R,
    /// First element of C, whose rows are contiguous.
    pub c: *mut N,
    /// From row to row of C.
    pub c_row: isize,
    /// What happens to the values in C.
    pub accumulate: Accumulate,
    /// How to cut it.
    pub cut: Cut,
}

/// Where the sums of a product go when they are finished.
pub trait Finish<N: Number> {
    /// Whether sums are kept in scratch until they are finished; otherwise they are kept in C and stay there.
    const FROM_SCRATCH: bool;

    /// Takes the finished sums of some rows and columns, the first of which is at `sums`.
    ///
    /// # Safety
    /// The sums are valid, and the rows and columns are part of the product that this was made for.
    unsafe fn finish(&self, sums: *const N, row_stride: usize, rows: Range<usize>, columns: Range<usize>);
}

/// Leaves the sums in C.
pub struct InC;

impl<N: Number> Finish<N> for InC {
    const FROM_SCRATCH: bool = false;

    #[inline(always)]
    unsafe fn finish(&self, _: *const N, _: usize, _: Range<usize>, _: Range<usize>) {}
}

impl<N: Number, L: Left<N>, R: Right<N>> Block<'_, N, L, R> {
    /// Computes the product on this thread.
    ///
    /// # Safety
    /// The operands and C are valid for these sizes, C overlaps neither operand, and no other thread touches it.
    ///
    /// # Panics
    /// If the machine lacks the instructions.
    pub unsafe fn run(&self, arithmetic: impl Arithmetic<N>) {
        // SAFETY: the caller vouches for all that is asked for.
        unsafe { self.run_then(arithmetic, &InC) }
    }

    /// Computes the product on this thread and gives the sums to `finish`, part by part while they are in the cache.
    /// If it takes them from scratch, `c` and `accumulate` are without meaning.
    ///
    /// # Safety
    /// As for [`Block::run`]; and `finish` is meant for this product.
    ///
    /// # Panics
    /// If the machine lacks the instructions.
    pub unsafe fn run_then<F: Finish<N>>(&self, arithmetic: impl Arithmetic<N>, finish: &F) {
        let tile = arithmetic.tile();
        let depth = self.cut.depth.min(self.depth).max(1);
        let elements = |bytes: usize, unit: usize| (bytes / size_of::<N>() / depth / unit).max(1) * unit;
        let rows = elements(LEFT_BYTES, tile.rows).min(self.rows.next_multiple_of(tile.rows));
        let columns = elements(RIGHT_BYTES, tile.columns).min(self.columns.next_multiple_of(tile.columns));
        let left = match self.cut.left {
            Access::Packed => rows / tile.rows * tile.padded_rows * depth,
            Access::InPlace => 0,
        };
        let right = match self.cut.right {
            Access::Packed => (columns + SLACK) * depth + SLACK,
            Access::InPlace => 0,
        };
        let sums = match F::FROM_SCRATCH {
            // The sums of a block of rows are done with before the next ones begin, unless they are visited again.
            true if self.depth <= depth => rows * (columns + SUMS_PADDING),
            true => self.rows * (columns + SUMS_PADDING),
            false => 0,
        };
        let left_room = (left + SLACK).next_multiple_of(64);
        let right_room = right.next_multiple_of(64);
        let run = |packed: *mut N| {
            let packed_right = packed.wrapping_add(left_room);
            let loops = Loops {
                block: self,
                finish,
                tile,
                step: [rows, columns, depth],
                packed,
                packed_right,
                sums: packed_right.wrapping_add(right_room),
            };
            // SAFETY: the caller vouches for the operands; the packed blocks and sums fit in the scratch taken below.
            unsafe { arithmetic.dispatch(loops) }
        };
        if left + right + sums == 0 {
            return run(std::ptr::null_mut());
        }
        let bytes = (left_room + right_room + sums) * size_of::<N>();
        with_scratch(bytes, |scratch| run(scratch.as_mut_ptr().cast()));
    }
}

struct Loops<'a, N, L, R, F> {
    block: &'a Block<'a, N, L, R>,
    finish: &'a F,
    tile: TileSize,
    step: [usize; 3],
    packed: *mut N,
    packed_right: *mut N,
    sums: *mut N,
}

impl<N: Number, L: Left<N>, R: Right<N>, F: Finish<N>> VectorKernel<N> for Loops<'_, N, L, R, F> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(self) {
        let block = self.block;
        let [row_step, column_step, depth_step] = self.step;
        let mut column = 0;
        while column < block.columns {
            let columns = column..least(block.columns, column + column_step);
            let mut depth = 0;
            // At least once, so that a product without depth still writes zeros.
            while depth < block.depth || depth == 0 {
                let depths = depth..least(block.depth, depth + depth_step);
                // SAFETY: the ranges lie within the operands; the scratch has room for a step of each.
                let right = unsafe {
                    match (block.cut.right, block.right.in_place()) {
                        _ if let Some(first) = block.right.packed(&depths, column) => {
                            let width = self.tile.columns;
                            (first, width as isize, width * depths.len())
                        }
                        (Access::InPlace, Some((ptr, stride))) => {
                            let first = ptr.wrapping_offset(depth as isize * stride).wrapping_add(column);
                            (first, stride, self.tile.columns)
                        }
                        _ => {
                            let packed = block.right.pack::<V>(
                                depths.clone(),
                                columns.clone(),
                                self.tile,
                                self.packed_right,
                            );
                            (self.packed_right.cast_const(), packed.depth as isize, packed.panel)
                        }
                    }
                };
                let accumulate = match depth {
                    0 if F::FROM_SCRATCH => Accumulate::Replace,
                    0 => block.accumulate,
                    _ => Accumulate::Add,
                };
                let mut row = 0;
                while row < block.rows {
                    let rows = row..least(block.rows, row + row_step);
                    // SAFETY: as above.
                    unsafe {
                        let (c, c_row) = self.sums(rows.start, columns.start);
                        self.macro_kernel::<V, ROWS>(
                            [&rows, &columns, &depths],
                            right,
                            (c, c_row, accumulate),
                        );
                        if depths.end >= block.depth {
                            self.finish.finish(c, c_row as usize, rows.clone(), columns.clone());
                        }
                    }
                    row = rows.end;
                }
                depth += depth_step;
            }
            column = columns.end;
        }
    }
}

impl<N: Number, L: Left<N>, R: Right<N>, F: Finish<N>> Loops<'_, N, L, R, F> {
    /// Where the sums of the block that begins at this row and column are kept, and the stride of their rows.
    #[inline(always)]
    fn sums(&self, row: usize, column: usize) -> (*mut N, isize) {
        let block = self.block;
        if !F::FROM_SCRATCH {
            return (block.c.wrapping_offset(row as isize * block.c_row).wrapping_add(column), block.c_row);
        }
        let stride = self.step[1] + SUMS_PADDING;
        let row = if block.depth <= self.step[2] { 0 } else { row };
        (self.sums.wrapping_add(row * stride), stride as isize)
    }

    /// What is read after a block of A: the rows below it.
    #[inline(always)]
    fn next_left<const ROWS: usize>(&self, rows: &Range<usize>, depth: &Range<usize>) -> NextLeft<N> {
        let block = self.block;
        let below = least(block.rows - rows.end, rows.len());
        let nothing = NextLeft { from: std::ptr::null(), step: 0, pitch: 0, tiles: 0 };
        if below == 0 {
            return nothing;
        }
        let Some((ptr, row, column)) = block.left.in_place() else {
            return nothing;
        };
        let from = ptr.wrapping_offset(rows.end as isize * row + depth.start as isize * column);
        match (row, column) {
            // A row for each tile: four lines times the rows of a tile are the greatest depth.
            (_, 1) => NextLeft { from, step: 256 / size_of::<N>() as isize, pitch: row, tiles: below },
            (1, _) => {
                NextLeft { from, step: column, pitch: ROWS as isize * column, tiles: depth.len() / ROWS }
            }
            _ => nothing,
        }
    }

    /// Multiplies a block of A by a block of B given as first element, row stride and panel stride.
    #[inline(always)]
    unsafe fn macro_kernel<V: Vector<Element = N>, const ROWS: usize>(
        &self,
        [rows, columns, depth]: [&Range<usize>; 3],
        (b, b_depth, panel): (*const N, isize, usize),
        (c, c_row, accumulate): (*mut N, isize, Accumulate),
    ) {
        let block = self.block;
        // SAFETY: the caller vouches for the ranges; packed blocks hold whole tiles and panels.
        unsafe {
            // First element, strides, and the distance of tiles.
            let (a, a_row, a_depth, pitch) = match (block.cut.left, block.left.in_place()) {
                (Access::InPlace, Some((ptr, row, column))) => {
                    let offset = rows.start as isize * row + depth.start as isize * column;
                    (ptr.wrapping_offset(offset), row, column, ROWS as isize * row)
                }
                _ => {
                    let packed = block.left.pack::<V>(rows.clone(), depth.clone(), self.tile, self.packed);
                    let pitch = (self.tile.padded_rows * depth.len()) as isize;
                    (self.packed.cast_const(), packed.row, packed.depth, pitch)
                }
            };
            let mut next = self.next_left::<ROWS>(rows, depth);
            let mut column = 0;
            while column < columns.len() {
                let width = least(self.tile.columns, columns.len() - column);
                let mut row = 0;
                while row < rows.len() {
                    let height = least(ROWS, rows.len() - row);
                    let a = a.wrapping_offset((row / ROWS) as isize * pitch);
                    let b = b.wrapping_add(column / self.tile.columns * panel);
                    // The next panel of B, as much of it for each tile as there are tiles.
                    let right = b.wrapping_add(panel).wrapping_byte_add(row / ROWS * (depth.len() / 4 * 64));
                    let left = next.take(a);
                    let tile = Tile {
                        depth: depth.len(),
                        a,
                        a_row,
                        a_depth,
                        b,
                        b_depth,
                        c: c.wrapping_offset(row as isize * c_row).wrapping_add(column),
                        c_row,
                        accumulate,
                        ahead: Ahead { right, ..left },
                    };
                    tile.strip::<V, ROWS>(height, width);
                    row += height;
                }
                column += width;
            }
        }
    }
}

/// The rows of A that are read next, to be fetched by the tiles of a block.
struct NextLeft<N> {
    from: *const N,
    /// Elements between the lines that a tile fetches.
    step: isize,
    /// Elements between what two tiles fetch.
    pitch: isize,
    /// Tiles until all are fetched.
    tiles: usize,
}

impl<N> NextLeft<N> {
    /// The part for the next tile, whose own rows are at `a`.
    #[inline(always)]
    fn take(&mut self, a: *const N) -> Ahead<N> {
        if self.tiles == 0 {
            return Ahead::nothing(a, a);
        }
        let part = Ahead { right: a, left: self.from, left_step: self.step };
        self.from = self.from.wrapping_offset(self.pitch);
        self.tiles -= 1;
        part
    }
}

#[inline(always)]
fn least(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}
