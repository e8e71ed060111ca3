//! The cotangent of the bias.

use super::super::math::Real;
use super::backward::Tile;
use super::{AttentionElement, Derivative, Scores, Stretched, blocks};
use crate::isa::Isa;
use crate::memory::with_scratch;
use crate::threads::Pool;
use std::ops::Range;
use std::sync::Mutex;

/// Queries of a tile.
const QUERIES: usize = 64;
/// Keys of a tile.
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
        let (most, columns) = (QUERIES.min(shape.queries), KEYS.min(shape.keys));
        let numbers = most * (shape.width + 2 * columns);
        with_scratch(numbers * size_of::<T>(), |scratch| {
            let scratch: &mut [T] = bytemuck::cast_slice_mut(&mut scratch[..numbers * size_of::<T>()]);
            let (scaled, scratch) = scratch.split_at_mut(most * shape.width);
            let (weights, cotangents) = scratch.split_at_mut(most * columns);
            let start = self.start;
            for head in (0..shape.heads).filter(|head| bias.starts[*head] == start) {
                for queries in blocks(self.queries.clone(), most) {
                    for keys in blocks(shape.visible_to(&queries), columns) {
                        let tile = Tile { head, queries: &queries, keys: &keys };
                        let size = queries.len() * keys.len();
                        let (weights, cotangents) = (&mut weights[..size], &mut cotangents[..size]);
                        tile.weights(isa, from, given, &mut scaled[..queries.len() * shape.width], weights);
                        tile.score_cotangents(isa, from, given, weights, cotangents);
                        self.collect(bias, &queries, &keys, cotangents);
                    }
                }
            }
        });
    }

    fn collect(&mut self, bias: &Stretched<T>, queries: &Range<usize>, keys: &Range<usize>, tile: &[T]) {
        for (row, query) in tile.chunks_exact(keys.len()).zip(queries.clone()) {
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
