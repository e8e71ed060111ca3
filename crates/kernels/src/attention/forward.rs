//! The output and the log-sum-exp of each row.

use super::super::gemm::Accumulate;
use super::super::math::Real;
use super::tile::{Advance, Finish, Matrix, product, scale_queries, scores};
use super::{AttentionElement, Scores, blocks};
use crate::isa::Isa;
use crate::memory::with_scratch;
use crate::threads::Pool;
use std::ops::Range;
use std::sync::Mutex;

/// Queries of a task: enough that packing a block of keys does not count.
const QUERIES: usize = 192;
/// Keys of a tile: the tile and the keys stay in the second-level cache.
const KEYS: usize = 256;

/// Rows of the output that a task owns.
struct Task<'a, T> {
    head: usize,
    queries: Range<usize>,
    output: &'a mut [T],
    log_sum: &'a mut [T],
}

/// `output: [heads, queries, value_width]` and `log_sum: [heads, queries]`. Rows that see no key become zeros.
///
/// # Panics
/// If a slice is shorter than the sizes say.
pub fn forward<T: AttentionElement>(
    pool: &Pool,
    isa: Isa,
    from: &Scores<T>,
    value: &[T],
    output: &mut [T],
    log_sum: &mut [T],
) {
    let shape = &from.shape;
    let (mut outputs, mut log_sums) = (output, log_sum);
    let mut tasks = Vec::new();
    for head in 0..shape.heads {
        for queries in blocks(0..shape.queries, QUERIES) {
            let (output, rest) = outputs.split_at_mut(queries.len() * shape.value_width);
            let (log_sum, others) = log_sums.split_at_mut(queries.len());
            (outputs, log_sums) = (rest, others);
            tasks.push(Mutex::new(Task { head, queries, output, log_sum }));
        }
    }
    // Small heads go together, so that a task is worth handing out.
    let products = shape.queries.min(QUERIES) * shape.keys * (shape.width + shape.value_width);
    pool.for_ranges(tasks.len(), (1 << 16) / products.max(1) + 1, &|range| {
        for task in &tasks[range] {
            task.lock().expect("a task runs once").run(isa, from, value);
        }
    });
}

impl<T: AttentionElement> Task<'_, T> {
    fn run(&mut self, isa: Isa, from: &Scores<T>, value: &[T]) {
        let shape = &from.shape;
        let (rows, value_width) = (self.queries.len(), shape.value_width);
        let size = shape.keys * value_width;
        let value = &value[self.head / shape.group * size..][..size];
        let step = KEYS.min(shape.keys);
        let numbers = rows * (shape.width + step + 2);
        with_scratch(numbers * size_of::<T>(), |scratch| {
            let scratch: &mut [T] = bytemuck::cast_slice_mut(&mut scratch[..numbers * size_of::<T>()]);
            let (scaled, scratch) = scratch.split_at_mut(rows * shape.width);
            let (largest, scratch) = scratch.split_at_mut(rows);
            let (sums, scratch) = scratch.split_at_mut(rows);
            scale_queries(from, self.head, &self.queries, scaled);
            largest.fill(-T::INFINITY);
            sums.fill(<T as Real>::ZERO);
            self.output.fill(<T as Real>::ZERO);
            for keys in blocks(shape.visible_to(&self.queries), step.max(1)) {
                let tile = &mut scratch[..rows * keys.len()];
                scores(isa, from, self.head, scaled, &self.queries, &keys, tile);
                let columns = keys.len();
                isa.run(Advance { tile, columns, largest, sums, output: self.output, value_width });
                let values = Matrix::rows(&value[keys.start * value_width..], value_width);
                let weights = Matrix::rows(tile, columns);
                let sizes = [rows, value_width, columns];
                product(isa, sizes, weights, values, self.output, value_width, Accumulate::Add);
            }
            isa.run(Finish { largest, sums, output: self.output, value_width, log_sum: self.log_sum });
        });
    }
}
