//! The cotangents of queries, keys and values.

use super::strip::{GAP, KeyBlock, MOST_ROWS};
use super::{AttentionElement, Derivative, Scores, blocks};
use crate::gemm::Accumulate;
use crate::isa::Isa;
use crate::math::Real;
use crate::memory::with_scratch;
use crate::panels::{Left, Right, pack, packed_size, product, strip_rows};
use crate::threads::Pool;
use std::ops::Range;
use std::sync::Mutex;

/// Queries of a tile: the depth of the products that make the cotangents of keys and values.
const QUERIES: usize = 96;
/// Keys of a tile: packed, and with a tile's weights and their cotangents, they stay in the second-level cache.
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
    if parts > 1 {
        for (key_head, query) in gradients.query.chunks_exact_mut(per_head.max(1)).enumerate() {
            for part in 0..parts - 1 {
                let more = &further[(key_head * (parts - 1) + part) * per_head..][..per_head];
                query.iter_mut().zip(more).for_each(|(query, more)| *query = *query + *more);
            }
        }
    }
}

/// Memory for a tile: rows of queries times the scale, weights, and cotangents of scores.
struct Scratch<'a, T> {
    scaled: &'a mut [T],
    weights: &'a mut [T],
    cotangents: &'a mut [T],
    pitch: usize,
}

impl<T: AttentionElement> Task<'_, T> {
    fn run(&mut self, isa: Isa, from: &Scores<T>, given: &Derivative<T>) {
        let shape = &from.shape;
        let (width, value_width) = (shape.width, shape.value_width);
        let (rows, step) = (QUERIES.min(shape.queries), KEYS.min(self.keys.len()));
        let pitch = step + GAP;
        let sizes = [width, value_width].map(|width| packed_size::<T>(isa, step, width));
        let numbers = sizes[0] + sizes[1] + MOST_ROWS * width + 2 * rows * pitch;
        with_scratch(numbers * size_of::<T>(), |scratch| {
            let scratch: &mut [T] = bytemuck::cast_slice_mut(&mut scratch[..numbers * size_of::<T>()]);
            let (key_panels, scratch) = scratch.split_at_mut(sizes[0]);
            let (value_panels, scratch) = scratch.split_at_mut(sizes[1]);
            let (weights, scratch) = scratch.split_at_mut(rows * pitch);
            let (cotangents, scaled) = scratch.split_at_mut(rows * pitch);
            let mut scratch = Scratch { scaled, weights, cotangents, pitch };
            for keys in blocks(self.keys.clone(), KEYS) {
                let key_head = self.key_head;
                pack(isa, &from.keys_of(key_head)[keys.start * width..keys.end * width], width, key_panels);
                let first = key_head * shape.keys + keys.start;
                let values = &given.value[first * value_width..][..keys.len() * value_width];
                pack(isa, values, value_width, value_panels);
                let block = KeyBlock { from, given, key_head, keys, key_panels, value_panels };
                for member in 0..shape.group {
                    for queries in blocks(0..shape.queries, rows) {
                        let seen = shape.visible_to(&queries);
                        if seen.start < block.keys.end && block.keys.start < seen.end {
                            let first = member * shape.queries;
                            self.tile(isa, &block, first + queries.start..first + queries.end, &mut scratch);
                        }
                    }
                }
            }
        });
    }

    /// Adds what a tile of some rows and a block of keys contributes.
    fn tile(&mut self, isa: Isa, block: &KeyBlock<T>, rows: Range<usize>, scratch: &mut Scratch<T>) {
        let (from, given) = (block.from, block.given);
        let (width, value_width) = (from.shape.width, from.shape.value_width);
        let Scratch { scaled, weights, cotangents, pitch } = scratch;
        let (pitch, factor) = (*pitch, T::of(from.shape.scale));
        let height = strip_rows::<T>(isa).min(MOST_ROWS);
        let keys = from.keys_of(self.key_head);
        let mut seen = [(0, 0); QUERIES];
        let strips = rows.len().div_ceil(height);
        for (strip, seen) in blocks(rows.clone(), height).zip(&mut seen) {
            let start = (strip.start - rows.start) * pitch;
            let (weights, cotangents) = (&mut weights[start..], &mut cotangents[start..]);
            let length = strip.len() * pitch;
            let tiles = [&mut weights[..length], &mut cotangents[..length]];
            let columns = block.strip(isa, &strip, factor, scaled, tiles, pitch);
            let key = &keys[(block.keys.start + columns.start) * width..][..columns.len() * width];
            let of_query = &mut self.query[strip.start * width..strip.end * width];
            let left = Left { values: &cotangents[columns.start..], row: pitch, column: 1 };
            let sizes = [strip.len(), width, columns.len()];
            product(isa, sizes, left, Right::rows(isa, key, width), of_query, width, Accumulate::Add);
            *seen = (columns.start, columns.end);
        }
        // Strips of keys that the same strips of queries see.
        let seers = |keys: &Range<usize>| {
            let sees = |(start, end): &(usize, usize)| *start < keys.end && keys.start < *end;
            let first = seen[..strips].iter().position(sees);
            let last = seen[..strips].iter().rposition(sees);
            first.zip(last).map(|(first, last)| first * height..((last + 1) * height).min(rows.len()))
        };
        let mut strips = blocks(0..block.keys.len(), height).map(|keys| (seers(&keys), keys)).peekable();
        while let Some((seers, mut keys)) = strips.next() {
            while let Some((_, next)) = strips.next_if(|(others, _)| *others == seers) {
                keys.end = next.end;
            }
            let Some(seers) = seers else { continue };
            let at = seers.start * pitch + keys.start;
            let seers = rows.start + seers.start..rows.start + seers.end;
            let first = block.keys.start - self.keys.start + keys.start;
            let turned = |values| Left { values, row: 1, column: pitch };
            let cotangent = from.rows_of(self.key_head, &seers, value_width, given.cotangent);
            let right = Right::rows(isa, cotangent, value_width);
            let of_value = &mut self.value[first * value_width..][..keys.len() * value_width];
            let sizes = [keys.len(), value_width, seers.len()];
            product(isa, sizes, turned(&weights[at..]), right, of_value, value_width, Accumulate::Add);
            let queries = from.rows_of(self.key_head, &seers, width, from.query);
            let right = Right::rows(isa, queries, width);
            let of_key = &mut self.key[first * width..][..keys.len() * width];
            let sizes = [keys.len(), width, seers.len()];
            product(isa, sizes, turned(&cotangents[at..]), right, of_key, width, Accumulate::Add);
        }
    }
}
