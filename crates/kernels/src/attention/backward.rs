//! The cotangents of queries, keys and values.

use super::super::gemm::Accumulate;
use super::super::math::Real;
use super::tile::{Matrix, ScoreCotangents, Weights, product, scale_queries, scores};
use super::{AttentionElement, Derivative, Scores, blocks};
use crate::isa::Isa;
use crate::memory::with_scratch;
use crate::threads::Pool;
use std::ops::Range;
use std::sync::Mutex;

/// Queries of a tile.
const QUERIES: usize = 128;
/// Keys of a tile.
const KEYS: usize = 256;
/// Tasks that there should at least be. Few heads are cut along the keys to reach it.
const TASKS: usize = 8;

/// Where the cotangents go.
pub struct Gradients<'a, T> {
    /// `[heads, queries, width]`.
    pub query: &'a mut [T],
    /// `[heads / group, keys, width]`.
    pub key: &'a mut [T],
    /// `[heads / group, keys, value_width]`.
    pub value: &'a mut [T],
}

/// Some keys of a key head and what they contribute.
struct Task<'a, T> {
    key_head: usize,
    keys: Range<usize>,
    /// Contributions of these keys to the cotangents of all queries of the group.
    query: &'a mut [T],
    key: &'a mut [T],
    value: &'a mut [T],
}

/// The cotangents of queries, keys and values, in memory that is zero.
///
/// # Panics
/// If a slice is shorter than the sizes say.
pub fn backward<T: AttentionElement>(
    pool: &Pool,
    isa: Isa,
    from: &Scores<T>,
    given: &Derivative<T>,
    gradients: Gradients<T>,
) {
    let shape = &from.shape;
    let key_heads = shape.heads / shape.group;
    if key_heads == 0 || shape.queries == 0 || shape.keys == 0 {
        return;
    }
    let parts = TASKS.div_ceil(key_heads).min(shape.keys.div_ceil(KEYS));
    let step = shape.keys.div_ceil(parts).next_multiple_of(KEYS).min(shape.keys);
    let parts = shape.keys.div_ceil(step);
    // Parts of the keys contribute to the same queries: all but the first into memory of their own.
    let per_head = shape.group * shape.queries * shape.width;
    let mut further = vec![<T as Real>::ZERO; key_heads * (parts - 1) * per_head];
    let (mut query, mut key, mut value) = (&mut *gradients.query, gradients.key, gradients.value);
    let mut own = further.as_mut_slice();
    let mut tasks = Vec::new();
    for key_head in 0..key_heads {
        for (part, keys) in blocks(0..shape.keys, step).enumerate() {
            let source = if part == 0 { &mut query } else { &mut own };
            let (of_query, rest) = std::mem::take(source).split_at_mut(per_head);
            *source = rest;
            let (of_key, other_keys) = key.split_at_mut(keys.len() * shape.width);
            let (of_value, other_values) = value.split_at_mut(keys.len() * shape.value_width);
            (key, value) = (other_keys, other_values);
            tasks.push(Mutex::new(Task { key_head, keys, query: of_query, key: of_key, value: of_value }));
        }
    }
    let products = shape.group * shape.queries * step * (shape.width + shape.value_width) * 3;
    pool.for_ranges(tasks.len(), (1 << 16) / products.max(1) + 1, &|range| {
        for task in &tasks[range] {
            task.lock().expect("a task runs once").run(isa, from, given);
        }
    });
    drop(tasks);
    let scale = T::of(shape.scale);
    for (key_head, query) in gradients.query.chunks_exact_mut(per_head.max(1)).enumerate() {
        for part in 0..parts - 1 {
            let more = &further[(key_head * (parts - 1) + part) * per_head..][..per_head];
            query.iter_mut().zip(more).for_each(|(query, more)| *query = *query + *more);
        }
        query.iter_mut().for_each(|query| *query = *query * scale);
    }
}

impl<T: AttentionElement> Task<'_, T> {
    fn run(&mut self, isa: Isa, from: &Scores<T>, given: &Derivative<T>) {
        let shape = &from.shape;
        let rows = QUERIES.min(shape.queries);
        let numbers = rows * (shape.width + 2 * KEYS.min(shape.keys));
        with_scratch(numbers * size_of::<T>(), |scratch| {
            let scratch: &mut [T] = bytemuck::cast_slice_mut(&mut scratch[..numbers * size_of::<T>()]);
            for keys in blocks(self.keys.clone(), KEYS) {
                for member in 0..shape.group {
                    for queries in blocks(0..shape.queries, rows) {
                        let seen = shape.visible_to(&queries);
                        if seen.start < keys.end && keys.start < seen.end {
                            self.tile(isa, from, given, member, &queries, &keys, scratch);
                        }
                    }
                }
            }
        });
    }

    #[allow(clippy::too_many_arguments)]
    fn tile(
        &mut self,
        isa: Isa,
        from: &Scores<T>,
        given: &Derivative<T>,
        member: usize,
        queries: &Range<usize>,
        keys: &Range<usize>,
        scratch: &mut [T],
    ) {
        let shape = &from.shape;
        let head = self.key_head * shape.group + member;
        let (rows, columns) = (queries.len(), keys.len());
        let (width, value_width) = (shape.width, shape.value_width);
        let (scaled, scratch) = scratch.split_at_mut(rows * width);
        let (weights, scratch) = scratch.split_at_mut(rows * columns);
        let cotangents = &mut scratch[..rows * columns];
        let tile = Tile { head, queries, keys };
        tile.weights(isa, from, given, scaled, weights);
        let cotangent = tile.cotangent(shape.queries, value_width, given);
        let local = keys.start - self.keys.start;
        let of_value = &mut self.value[local * value_width..][..columns * value_width];
        let turned = Matrix::rows(weights, columns).t();
        let sizes = [columns, value_width, rows];
        product(
            isa,
            sizes,
            turned,
            Matrix::rows(cotangent, value_width),
            of_value,
            value_width,
            Accumulate::Add,
        );
        tile.score_cotangents(isa, from, given, weights, cotangents);
        let of_query = &mut self.query[(member * shape.queries + queries.start) * width..][..rows * width];
        let key = Matrix::rows(&from.keys_of(head)[keys.start * width..], width);
        let sizes = [rows, width, columns];
        product(isa, sizes, Matrix::rows(cotangents, columns), key, of_query, width, Accumulate::Add);
        let of_key = &mut self.key[local * width..][..columns * width];
        let turned = Matrix::rows(cotangents, columns).t();
        product(
            isa,
            [columns, width, rows],
            turned,
            Matrix::rows(scaled, width),
            of_key,
            width,
            Accumulate::Add,
        );
    }
}

/// Some queries and keys of a head.
pub struct Tile<'a> {
    pub head: usize,
    pub queries: &'a Range<usize>,
    pub keys: &'a Range<usize>,
}

impl Tile<'_> {
    /// The rows of a tensor `[heads, queries, width]` that belong to the tile.
    fn rows<'a, T>(&self, queries: usize, width: usize, of: &'a [T]) -> &'a [T] {
        &of[(self.head * queries + self.queries.start) * width..][..self.queries.len() * width]
    }

    fn cotangent<'a, T>(&self, queries: usize, width: usize, given: &Derivative<'a, T>) -> &'a [T] {
        self.rows(queries, width, given.cotangent)
    }

    /// The weights of the tile, and its scaled queries.
    pub fn weights<T: AttentionElement>(
        &self,
        isa: Isa,
        from: &Scores<T>,
        given: &Derivative<T>,
        scaled: &mut [T],
        weights: &mut [T],
    ) {
        scale_queries(from, self.head, self.queries, scaled);
        scores(isa, from, self.head, scaled, self.queries, self.keys, weights);
        let log_sum = self.rows(from.shape.queries, 1, given.log_sum);
        isa.run(Weights { tile: weights, columns: self.keys.len(), log_sum });
    }

    /// The cotangents of the scores of the tile.
    pub fn score_cotangents<T: AttentionElement>(
        &self,
        isa: Isa,
        from: &Scores<T>,
        given: &Derivative<T>,
        weights: &[T],
        cotangents: &mut [T],
    ) {
        let shape = &from.shape;
        let (columns, width) = (self.keys.len(), shape.value_width);
        let start = self.head / shape.group * shape.keys + self.keys.start;
        let value = &given.value[start * width..][..columns * width];
        let cotangent = self.cotangent(shape.queries, width, given);
        let sizes = [self.queries.len(), columns, width];
        let turned = Matrix::rows(value, width).t();
        let left = Matrix::rows(cotangent, width);
        product(isa, sizes, left, turned, cotangents, columns, Accumulate::Replace);
        let delta = self.rows(shape.queries, 1, given.delta);
        isa.run(ScoreCotangents { weights, cotangents, columns, delta });
    }
}
