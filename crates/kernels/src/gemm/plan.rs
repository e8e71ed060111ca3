//! How a product is computed, and how it is divided among threads.

use super::block::{Access, Block, Cut, Finish, even_depth};
use super::element::{GemmElement, Number};
use super::few::{Few, Lines};
use super::operand::{PackPanels, Panels, Strided};
use super::tile::{TileSize, VECTORS, dispatch};
use super::{Accumulate, Gemm, store_row};
use crate::isa::Isa;
use crate::threads::Pool;
use std::ops::Range;

/// A product cost below this runs on the calling thread; in products plus eight times the elements touched.
const SERIAL_COST: usize = 192 << 10;
/// A task should cost at least this much.
const TASK_COST: usize = 96 << 10;
/// A larger B is packed by the blocks of C, in parts.
const MOST_SHARED: usize = 32 << 20;
/// Columns of A that are read side by side where C is slender: as many streams as prefetchers follow.
const SIDE_BY_SIDE: usize = 16;

/// How a product is computed and divided among threads.
#[derive(Clone, Debug)]
pub struct Plan {
    method: Method,
    /// Rows of a block of C.
    pub rows: usize,
    /// Columns of a block of C.
    pub columns: usize,
    /// Products of a batch that one task computes, if blocks are whole products.
    batches: usize,
    /// Batch, row and column blocks.
    grid: [usize; 3],
    m: usize,
    n: usize,
    batch: usize,
}

/// The way to compute; it must not depend on the number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// Tiles of C.
    Tiles(Cut),
    /// One operand has few rows or columns: the other is read once.
    Few(Lines),
}

impl Plan {
    /// The plan for `gemm` on this many threads.
    pub fn new<T: GemmElement>(isa: Isa, gemm: &Gemm<T>, threads: usize, epilogue: bool) -> Plan {
        let &Gemm { batch, m, n, k, .. } = gemm;
        let tile = TileSize::of::<T::Sum>(isa);
        let method = Method::of::<T>(tile, gemm);
        let product = m * n * k + 8 * (m * k + k * n + m * n);
        let cost = product.saturating_mul(batch);
        let mut plan = Plan { method, rows: m, columns: n, batches: batch, grid: [1, 1, 1], m, n, batch };
        let limit = plan.most_rows::<T>(epilogue);
        if (cost < SERIAL_COST || threads == 1) && m <= limit {
            return plan;
        }
        // Long work is cut finer, so that a thread that was interrupted does not hold up the others.
        let per_thread = if cost / threads > 4 << 20 { 2 } else { 1 };
        let wanted = if threads == 1 { 1 } else { (threads * per_thread).min(cost.div_ceil(TASK_COST)) };
        if batch >= 2 * wanted && m <= limit {
            plan.batches = batch.div_ceil(wanted * 2);
        } else {
            plan.batches = 1;
            let parts = wanted.div_ceil(batch);
            let (mut row_parts, mut column_parts) = (m.div_ceil(limit), 1);
            let own_columns = !epilogue && method.packs_right();
            while row_parts * column_parts < parts {
                let rows = m / (row_parts + 1) / (2 * tile.rows);
                let columns = n / (column_parts * 2) / (2 * tile.columns);
                // Tasks with columns of their own pack these and share nothing that is written, but rows are only
                // finished, for an epilogue, when all of their columns are.
                let tall = columns == 0 || (!own_columns && m * column_parts >= n * row_parts);
                match (rows, columns) {
                    (0, 0) => break,
                    (1.., _) if tall => row_parts += 1,
                    (_, 1..) => column_parts *= 2,
                    _ => row_parts += 1,
                }
            }
            plan.rows = m.div_ceil(row_parts).next_multiple_of(tile.rows).min(m);
            plan.columns = n.div_ceil(column_parts).next_multiple_of(tile.columns).min(n);
        }
        plan.grid = [batch.div_ceil(plan.batches), m.div_ceil(plan.rows), n.div_ceil(plan.columns)];
        plan
    }

    /// Most rows of a block: as many as leave C in the cache for the epilogue.
    fn most_rows<T: GemmElement>(&self, epilogue: bool) -> usize {
        if epilogue { ((1 << 20) / (self.n * size_of::<T>())).max(256) } else { usize::MAX }
    }

    /// Number of tasks.
    pub fn tasks(&self) -> usize {
        self.grid.iter().product()
    }

    /// Calls `body` with the batch index, rows and columns of each block of a task.
    pub fn for_blocks(&self, task: usize, body: impl Fn(usize, Range<usize>, Range<usize>)) {
        let [_, row_parts, column_parts] = self.grid;
        let row = task / column_parts % row_parts * self.rows;
        let column = task % column_parts * self.columns;
        let first = task / column_parts / row_parts * self.batches;
        for batch in first..(first + self.batches).min(self.batch) {
            let rows = row..(row + self.rows).min(self.m);
            body(batch, rows, column..(column + self.columns).min(self.n));
        }
    }

    /// How B is packed once for all blocks, if several of them would pack the same columns of it.
    pub fn packing<T: GemmElement>(&self, isa: Isa, gemm: &Gemm<T>) -> Option<Packing<T>> {
        let Method::Tiles(cut) = self.method else { return None };
        let tile = TileSize::of::<T::Sum>(isa);
        let columns = gemm.n.next_multiple_of(tile.columns);
        let bytes = gemm.k * columns * size_of::<T>();
        let again = cut.right == Access::Packed && self.grid[1] > 1;
        let shared = T::NATIVE && again && gemm.batch == 1 && gemm.k > 0 && bytes <= MOST_SHARED;
        let right = Strided { ptr: gemm.b.ptr, row: gemm.b.row_stride, column: gemm.b.column_stride };
        let step = cut.depth.min(gemm.k);
        shared.then_some(Packing { isa, tile, right, depth: gemm.k, step, n: gemm.n, columns, bytes })
    }

    /// Computes a block of C, with all of B from `panels` if it was packed.
    ///
    /// # Safety
    /// As for [`super::gemm`], with nobody else working on this block; the panels are those of [`Plan::packing`].
    pub unsafe fn compute<T: GemmElement>(
        &self,
        isa: Isa,
        gemm: &Gemm<T>,
        panels: Option<Panels<T::Sum>>,
        batch: usize,
        rows: Range<usize>,
        columns: Range<usize>,
    ) {
        let (a, b, c) = (&gemm.a, &gemm.b, &gemm.c);
        let (row, column) = (rows.start as isize, columns.start as isize);
        let place = |stride: isize| batch as isize * stride;
        let left = a.ptr.wrapping_offset(place(a.batch_stride) + row * a.row_stride);
        let right = b.ptr.wrapping_offset(place(b.batch_stride) + column * b.column_stride);
        let to = c.ptr.wrapping_offset(place(c.batch_stride) + row * c.row_stride + column);
        let cut = match self.method {
            Method::Few(lines) => {
                let few = Few { gemm, lines, rows: rows.len(), columns: columns.len(), left, right, to };
                // SAFETY: the caller vouches for the operands; this way is only chosen where `lines` are contiguous
                // and few.
                return unsafe { few.compute(isa) };
            }
            Method::Tiles(cut) => cut,
        };
        let left = Strided { ptr: left, row: a.row_stride, column: a.column_stride };
        let right = Strided { ptr: right, row: b.row_stride, column: b.column_stride };
        let (c_row, accumulate) = (c.row_stride, gemm.accumulate);
        let first = columns.start;
        let (rows, columns, depth, c) = (rows.len(), columns.len(), gemm.k, to.cast());
        if let Some(panels) = panels {
            let right = &panels.from(first);
            let cut = Cut { right: Access::InPlace, ..cut };
            let block = Block { rows, columns, depth, left: &left, right, c, c_row, accumulate, cut };
            // SAFETY: as below; the caller vouches for the panels, and `T` is the type of sums.
            return unsafe { block.run(isa) };
        }
        let block = Block { rows, columns, depth, left: &left, right: &right, c, c_row, accumulate, cut };
        // SAFETY: the caller vouches for the operands and for C.
        unsafe {
            if T::NATIVE {
                block.run(isa);
            } else {
                let rounded = Rounded { to, row_stride: c_row, accumulate };
                if !T::multiply_groups(isa, &block, &rounded) {
                    block.run_then(isa, &rounded);
                }
            }
        }
    }
}

/// Packing all of B into panels, which all blocks of C read.
pub struct Packing<T> {
    isa: Isa,
    tile: TileSize,
    right: Strided<T>,
    depth: usize,
    step: usize,
    n: usize,
    columns: usize,
    /// Bytes of the panels.
    pub bytes: usize,
}

// SAFETY: B is only read, which the callers of `gemm` vouch for.
unsafe impl<T: Sync> Sync for Packing<T> {}

impl<T: GemmElement> Packing<T> {
    /// Packs B on `pool` to memory for [`Packing::bytes`] at `to`.
    ///
    /// # Safety
    /// As for [`super::gemm`]; the memory is valid and nobody else uses it.
    pub unsafe fn run(&self, pool: &Pool, to: Panels<T::Sum>) {
        let panels = self.columns / self.tile.columns;
        let parts = panels.min(pool.size());
        pool.run(parts, &|part| {
            let [start, end] = [part, part + 1].map(|part| part * panels / parts * self.tile.columns);
            let pack = PackPanels {
                right: self.right,
                depth: self.depth,
                step: self.step,
                columns: start..end.min(self.n),
                tile: self.tile,
                to,
            };
            // SAFETY: the caller vouches for B and for the memory, of which each part writes its own panels.
            unsafe { dispatch(self.isa, pack) }
        });
    }

    /// The panels at `ptr`.
    pub fn panels(&self, ptr: *mut T::Sum) -> Panels<T::Sum> {
        Panels { ptr, columns: self.columns, first: 0 }
    }
}

/// Rounds finished sums to the type of C, and writes or adds them there.
pub struct Rounded<T> {
    /// First element of C.
    pub to: *mut T,
    /// From row to row of C.
    pub row_stride: isize,
    /// What happens to the values in C.
    pub accumulate: Accumulate,
}

impl<T: GemmElement> Finish<T::Sum> for Rounded<T> {
    const FROM_SCRATCH: bool = true;

    #[inline(always)]
    unsafe fn finish(&self, sums: *const T::Sum, stride: usize, rows: Range<usize>, columns: Range<usize>) {
        for row in 0..rows.len() {
            // SAFETY: the caller vouches for the sums and for this part of C.
            unsafe {
                let to = self.to.offset((rows.start + row) as isize * self.row_stride).add(columns.start);
                store_row(sums.add(row * stride), to, columns.len(), self.accumulate);
            }
        }
    }
}

/// Rows of tiles that 32 registers hold.
const MANY_REGISTERS: usize = 12;

impl Method {
    /// Whether B is packed.
    fn packs_right(self) -> bool {
        matches!(self, Method::Tiles(Cut { right: Access::Packed, .. }))
    }

    fn of<T: GemmElement>(tile: TileSize, gemm: &Gemm<T>) -> Method {
        let &Gemm { m, n, k, ref a, ref b, .. } = gemm;
        let size = size_of::<T>();
        let most = T::Sum::MOST_FEW;
        let short = if m.min(n) <= 4 { 8 } else { 128 };
        if a.column_stride == 1 && b.row_stride == 1 && m.min(n) <= most && k >= short {
            return Method::Few(Lines::Depth);
        }
        let large = k * n * size > 48 << 10;
        // The numbers of A that meet a group of rows of B stay in registers, of which there are fewer than 32.
        let most = if tile.rows < MANY_REGISTERS { most.min(4) } else { most };
        if b.column_stride == 1 && m <= most && (large || n >= 256) {
            return Method::Few(Lines::Columns);
        }
        // A lies in columns and C is a vector wide: each column of A is read once, some of them side by side, and
        // C stays in a cache. A tile that went down all columns would fetch a line, often of a page of its own, for its
        // rows. (Parts of vectors would wait for each other, as their places in C overlap.)
        let far = a.row_stride == 1 && a.column_stride as usize * size > 1024;
        let slender = far && n == tile.columns / VECTORS;
        // Reading B in place costs nothing while it is small, and little while few rows use it.
        let thin = m <= 2 * tile.rows && k * n * size <= 1024 << 10;
        let right_in_place = T::NATIVE && b.column_stride == 1 && (thin || !large || slender);
        // Tiles read rows of A as well as packed ones, unless all compete for the same places of the first-level cache.
        let apart = tile.rows < MANY_REGISTERS || !(a.row_stride as usize * size).is_multiple_of(4096);
        let left_in_place = T::NATIVE
            && (n <= 2 * tile.columns
                || k <= 8
                || (a.column_stride == 1 && (apart || m * k * size <= 24 << 10)));
        let access = |in_place| if in_place { Access::InPlace } else { Access::Packed };
        Method::Tiles(Cut {
            depth: if slender { SIDE_BY_SIDE } else { even_depth(k) },
            left: access(left_in_place),
            right: access(right_in_place),
        })
    }
}
