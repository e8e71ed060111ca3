//! The cotangent of the bias.

use super::strip::{GAP, KeyBlock, MOST_ROWS};
use super::{AttentionElement, Derivative, Scores, Stretched, blocks};
use crate::isa::Isa;
use crate::math::Real;
use crate::memory::with_scratch;
use crate::panels::{pack, packed_size, strip_rows};
use crate::threads::Pool;
use std::ops::Range;
use std::sync::Mutex;

/// Queries of a task.
const QUERIES: usize = 64;
/// Keys of a block.
const KEYS: usize = 256;

/// Rows of one matrix of the bias.
struct Task<'a, T> {
    /// Where the matrix starts.
    start: usize,
    queries: Range<usize>,
    to: &'a mut [T],
}

/// The cotangent of the bias in memory that is zero: the sum of those of all scores that it was added to. A task owns
/// rows of the bias and goes over all heads that have them.
///
/// # Panics
/// If there is no bias, or a slice is shorter than the sizes say.
pub fn bias_gradient<T: AttentionElement>(
    pool: &Pool,
    isa: Isa,
    from: &Scores<T>,
    given: &Derivative<T>,
    gradient: &mut [T],
) {
    let shape = &from.shape;
    let bias = from.bias.expect("the bias whose derivative is asked for");
    let length = if bias.column == 0 { 1 } else { shape.keys };
    let (rows, step) = if bias.row == 0 { (1, 1) } else { (shape.queries, QUERIES) };
    if gradient.is_empty() || shape.queries == 0 || shape.keys == 0 {
        return;
    }
    let mut tasks = Vec::new();
    for (number, matrix) in gradient.chunks_exact_mut(rows * length).enumerate() {
        for (index, to) in matrix.chunks_mut(step * length).enumerate() {
            let queries = if bias.row == 0 {
                0..shape.queries
            } else {
                index * step..(index * step + step).min(shape.queries)
            };
            tasks.push(Mutex::new(Task { start: number * rows * length, queries, to }));
        }
    }
    pool.run(tasks.len(), &|index| {
        tasks[index].lock().expect("a task runs once").run(isa, from, given, &bias)
    });
}

impl<T: AttentionElement> Task<'_, T> {
    fn run(&mut self, isa: Isa, from: &Scores<T>, given: &Derivative<T>, bias: &Stretched<T>) {
        let shape = &from.shape;
        let (height, step) = (strip_rows::<T>(isa).min(MOST_ROWS), KEYS.min(shape.keys));
        let (width, value_width) = (shape.width, shape.value_width);
        let sizes = [width, value_width].map(|width| packed_size::<T>(isa, step, width));
        let numbers = sizes[0] + sizes[1] + height * (width + 2 * (step + GAP));
        with_scratch(numbers * size_of::<T>(), |scratch| {
            let scratch: &mut [T] = bytemuck::cast_slice_mut(&mut scratch[..numbers * size_of::<T>()]);
            let (key_panels, scratch) = scratch.split_at_mut(sizes[0]);
            let (value_panels, scratch) = scratch.split_at_mut(sizes[1]);
            let (scaled, scratch) = scratch.split_at_mut(height * width);
            let (weights, cotangents) = scratch.split_at_mut(height * (step + GAP));
            let start = self.start;
            for head in (0..shape.heads).filter(|head| bias.starts[*head] == start) {
                let (key_head, first) = (head / shape.group, head % shape.group * shape.queries);
                for keys in blocks(shape.visible_to(&self.queries), step) {
                    let key = &from.keys_of(key_head)[keys.start * width..keys.end * width];
                    pack(isa, key, width, key_panels);
                    let value = (key_head * shape.keys + keys.start) * value_width;
                    let value = &given.value[value..][..keys.len() * value_width];
                    pack(isa, value, value_width, value_panels);
                    let pitch = keys.len() + GAP;
                    let block = KeyBlock { from, given, key_head, keys, key_panels, value_panels };
                    for queries in blocks(self.queries.clone(), height) {
                        let rows = first + queries.start..first + queries.end;
                        let size = queries.len() * pitch;
                        let tiles = [&mut weights[..size], &mut cotangents[..size]];
                        block.strip(isa, &rows, T::ONE, scaled, tiles, pitch);
                        self.collect(bias, &queries, &block.keys, &cotangents[..size]);
                    }
                }
            }
        });
    }

    fn collect(&mut self, bias: &Stretched<T>, queries: &Range<usize>, keys: &Range<usize>, tile: &[T]) {
        for (row, query) in tile.chunks_exact(keys.len() + GAP).zip(queries.clone()) {
            let row = &row[..keys.len()];
            let start = (query - self.queries.start) * bias.row;
            if bias.column == 0 {
                let sum = row.iter().fold(<T as Real>::ZERO, |sum, value| sum + *value);
                self.to[start] = self.to[start] + sum;
            } else {
                let to = &mut self.to[start + keys.start..start + keys.end];
                to.iter_mut().zip(row).for_each(|(to, value)| *to = *to + *value);
            }
        }
    }
}
