//! Matrix products: C = A B, or C += A B, for any strides, batched and broadcast, with an epilogue per finished block.
//!
//! The scheme is that of Goto and van de Geijn ("Anatomy of High-Performance Matrix Multiplication", 2008): a
//! [`tile`] of C stays in registers, panels of B in the first-level cache, blocks of A in the second ([`block`]). A
//! product is cut in a grid of blocks of C, and every thread packs what its block needs: the little that is packed
//! twice costs less than threads waiting for each other.
//!
//! Numbers narrower than their sums are packed in groups (`groups`) where the processor multiplies groups, and widened
//! otherwise. If one operand has few rows or columns (`few`), the other is read once, where it lies. [`skinny`] does that
//! with weights in formats of their own, and [`bytes`] multiplies integers of eight bits.
//!
//! Every element of C is the sum of its products in an order that depends on the sizes and strides of the operands and
//! on the instruction set alone, so results are the same bits on any number of threads.

pub mod block;
pub mod bytes;
mod dot;
pub mod element;
mod few;
#[cfg(target_arch = "x86_64")]
mod groups;
pub mod operand;
pub mod oracle;
pub mod plan;
pub mod skinny;
mod stream;
#[cfg(test)]
mod tests;
pub mod tile;
pub mod vector;
pub mod weights;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_blocks;
#[cfg(target_arch = "x86_64")]
mod x86_groups;
#[cfg(target_arch = "x86_64")]
mod x86_tile;

use super::isa::Isa;
use super::memory::with_scratch;
use super::threads::Pool;
use element::{GemmElement, Number};
use operand::Panels;
use plan::Plan;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// A batch of matrices to read. Strides count elements and may be zero (the same row, column or matrix again).
#[derive(Clone, Copy, Debug)]
pub struct MatrixView<T> {
    /// First element.
    pub ptr: *const T,
    /// From row to row.
    pub row_stride: isize,
    /// From column to column.
    pub column_stride: isize,
    /// From matrix to matrix.
    pub batch_stride: isize,
}

/// A batch of matrices to write, whose rows are contiguous. Strides count elements; no two elements may coincide.
#[derive(Clone, Copy, Debug)]
pub struct MatrixViewMut<T> {
    /// First element.
    pub ptr: *mut T,
    /// From row to row.
    pub row_stride: isize,
    /// From matrix to matrix.
    pub batch_stride: isize,
}

/// What a product does with the values that it finds in its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulate {
    /// Overwrites them.
    Replace,
    /// Adds to them.
    Add,
}

/// A batch of products of `[m, k]` by `[k, n]` matrices.
#[derive(Clone, Copy, Debug)]
pub struct Gemm<T> {
    /// Number of products.
    pub batch: usize,
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// A, `[batch, m, k]`.
    pub a: MatrixView<T>,
    /// B, `[batch, k, n]`.
    pub b: MatrixView<T>,
    /// C, `[batch, m, n]`.
    pub c: MatrixViewMut<T>,
    /// What happens to the values in C.
    pub accumulate: Accumulate,
}

/// A finished part of the result: all columns of some rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpilogueBlock {
    /// Which product of the batch.
    pub batch: usize,
    /// Which rows.
    pub rows: Range<usize>,
}

// SAFETY: the pointers are only followed by `gemm`, whose caller vouches for the memory behind them.
unsafe impl<T: Send + Sync> Sync for Gemm<T> {}

/// Computes a batch of products on `pool`.
///
/// `epilogue`, if given, is called exactly once for each block of finished rows, by the thread that finished it; the
/// blocks partition all rows of all products. How the rows are cut is not defined.
///
/// Integers wrap; bf16 and f16 are summed in f32 and rounded once. Where [`Isa::Avx512`] finds AVX512_BF16, bf16 is
/// multiplied in pairs by it: subnormal operands, and sums that are subnormal in f32, then count as zeros. With a depth of zero, [`Accumulate::Replace`] writes
/// zeros.
///
/// # Safety
/// Every element that the sizes and strides of `gemm` name is valid, for reading in `a` and `b`, for writing in `c`
/// (and initialised there for [`Accumulate::Add`]); the elements of `c` are distinct and overlap neither `a` nor `b`;
/// nobody else writes to any of them during the call.
///
/// # Panics
/// If the machine lacks `isa`, or if the epilogue panics.
pub unsafe fn gemm<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    gemm: &Gemm<T>,
    epilogue: Option<&(dyn Fn(EpilogueBlock) + Sync)>,
) {
    if gemm.batch == 0 || gemm.m == 0 {
        return;
    }
    if gemm.n == 0 {
        if let Some(epilogue) = epilogue {
            (0..gemm.batch).for_each(|batch| epilogue(EpilogueBlock { batch, rows: 0..gemm.m }));
        }
        return;
    }
    let form = Form::of(gemm);
    let plan = Plan::new::<T>(isa, &form.gemm, pool.size(), epilogue.is_some());
    let Some(packing) = plan.packing(isa, &form.gemm) else {
        // SAFETY: the caller vouches for the operands.
        return unsafe { run(pool, isa, gemm.m, &form, &plan, None, epilogue) };
    };
    with_scratch(packing.bytes, |scratch| {
        let panels = packing.panels(scratch.as_mut_ptr().cast());
        // SAFETY: the caller vouches for the operands; the scratch is ours until the closure returns.
        unsafe {
            packing.run(pool, panels);
            run(pool, isa, gemm.m, &form, &plan, Some(panels), epilogue);
        }
    });
}

/// Computes a product of `m` rows as the caller sees it by its plan.
///
/// # Safety
/// As for [`gemm`]; the panels are those of the plan.
unsafe fn run<T: GemmElement>(
    pool: &Pool,
    isa: Isa,
    m: usize,
    form: &Form<T>,
    plan: &Plan,
    panels: Option<Panels<T::Sum>>,
    epilogue: Option<&(dyn Fn(EpilogueBlock) + Sync)>,
) {
    let finish = |batch: usize, rows: Range<usize>| {
        if let Some(epilogue) = epilogue {
            form.finish(m, batch, rows, epilogue);
        }
    };
    let task = |batch: usize, rows: Range<usize>, columns: Range<usize>| {
        // SAFETY: the caller vouches for the operands; tasks are disjoint parts of C.
        unsafe { plan.compute(isa, &form.gemm, panels, batch, rows, columns) }
    };
    if plan.tasks() == 1 {
        for batch in 0..form.gemm.batch {
            task(batch, 0..form.gemm.m, 0..form.gemm.n);
            finish(batch, 0..form.gemm.m);
        }
        return;
    }
    let column_parts = form.gemm.n.div_ceil(plan.columns);
    if column_parts == 1 || epilogue.is_none() {
        return pool.run(plan.tasks(), &|index| {
            plan.for_blocks(index, |batch, rows, columns| {
                task(batch, rows.clone(), columns);
                finish(batch, rows);
            });
        });
    }
    // Columns of the same rows are finished by different threads: the last one calls the epilogue.
    let row_parts = form.gemm.m.div_ceil(plan.rows);
    let counters = form.gemm.batch * row_parts;
    with_scratch(counters * size_of::<AtomicU32>(), |scratch| {
        scratch[..counters * size_of::<AtomicU32>()].fill(0);
        // SAFETY: the scratch is zeroed, aligned to more than four bytes, and ours until the closure returns.
        let counters = unsafe { std::slice::from_raw_parts(scratch.as_ptr().cast::<AtomicU32>(), counters) };
        pool.run(plan.tasks(), &|index| {
            plan.for_blocks(index, |batch, rows, columns| {
                task(batch, rows.clone(), columns);
                let counter = &counters[batch * row_parts + rows.start / plan.rows];
                if counter.fetch_add(1, Ordering::AcqRel) as usize + 1 == column_parts {
                    finish(batch, rows);
                }
            });
        });
    });
}

/// The product in the form that is computed.
struct Form<T> {
    gemm: Gemm<T>,
    rows: Rows,
}

/// What the rows of the computed form are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// The rows of one product.
    Own,
    /// The rows of all products, one product after the other.
    OfBatch,
    /// The single column of the product.
    Transposed,
}

impl<T> Form<T> {
    fn of(gemm: &Gemm<T>) -> Form<T>
    where
        T: GemmElement,
    {
        let mut form = Form { gemm: *gemm, rows: Rows::Own };
        let own = &mut form.gemm;
        let follows = |row: isize, batch: isize| gemm.m == 1 || batch == row * gemm.m as isize;
        if gemm.batch > 1
            && gemm.b.batch_stride == 0
            && follows(gemm.a.row_stride, gemm.a.batch_stride)
            && follows(gemm.c.row_stride, gemm.c.batch_stride)
        {
            if gemm.m == 1 {
                own.a.row_stride = gemm.a.batch_stride;
                own.c.row_stride = gemm.c.batch_stride;
            }
            own.m *= gemm.batch;
            own.batch = 1;
            form.rows = Rows::OfBatch;
        } else if gemm.n == 1 && gemm.m > 1 && gemm.c.row_stride == 1 && gemm.a.row_stride == 1 {
            // C as a row: then the rows of B, which was A, are contiguous and are streamed.
            (own.m, own.n) = (1, gemm.m);
            let turned = |view: MatrixView<T>| MatrixView {
                row_stride: view.column_stride,
                column_stride: view.row_stride,
                ..view
            };
            (own.a, own.b) = (turned(gemm.b), turned(gemm.a));
            form.rows = Rows::Transposed;
        }
        form
    }

    /// Calls the epilogue for finished rows of the form; `m` are the rows of a product as the caller sees it.
    fn finish(&self, m: usize, batch: usize, rows: Range<usize>, epilogue: &(dyn Fn(EpilogueBlock) + Sync)) {
        match self.rows {
            Rows::Own => epilogue(EpilogueBlock { batch, rows }),
            Rows::Transposed => epilogue(EpilogueBlock { batch, rows: 0..m }),
            Rows::OfBatch => {
                for batch in rows.start / m..rows.end.div_ceil(m) {
                    let first = batch * m;
                    let own = rows.start.max(first) - first..rows.end.min(first + m) - first;
                    epilogue(EpilogueBlock { batch, rows: own });
                }
            }
        }
    }
}

/// Rounds a row of sums to the type of C, after adding what is there if so asked.
///
/// # Safety
/// Both rows are valid and do not overlap.
#[inline(always)]
pub unsafe fn store_row<T: GemmElement>(
    sums: *const T::Sum,
    to: *mut T,
    count: usize,
    accumulate: Accumulate,
) {
    // SAFETY: the caller vouches for both rows.
    unsafe {
        match accumulate {
            Accumulate::Replace => {
                for index in 0..count {
                    *to.add(index) = T::narrow(*sums.add(index));
                }
            }
            Accumulate::Add => {
                for index in 0..count {
                    *to.add(index) = T::narrow((*to.add(index)).widen().plus(*sums.add(index)));
                }
            }
        }
    }
}
