//! The output and the log-sum-exp of each row.

use super::softmax::{Advance, Finish};
use super::strip::{GAP, MOST_ROWS, Restrict, Scale};
use super::{AttentionElement, Scores, blocks};
use crate::gemm::Accumulate;
use crate::isa::Isa;
use crate::math::Real;
use crate::memory::with_scratch;
use crate::panels::{Left, Right, dots, pack, packed_size, panel_width, product, strip_rows};
use crate::threads::Pool;
use std::ops::Range;
use std::sync::Mutex;

/// Keys of a block: packed, and with their values, they stay in the second-level cache, and a strip of scores in the
/// first.
const KEYS: usize = 512;
/// Rows of a task: enough that packing a block of keys does not count. Fewer where that would leave few tasks.
const ROWS: Range<usize> = 96..512;
/// Tasks that there should at least be.
const TASKS: usize = 8;
/// Rows per key head up to which keys are read where they lie: reading them once is all that decoding a token costs.
const FEW: usize = 3;

/// Rows of the output that a task owns.
struct Task<'a, T> {
    key_head: usize,
    rows: Range<usize>,
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
    let rows = shape.group * shape.queries;
    let most = (shape.heads * shape.queries).div_ceil(TASKS).clamp(ROWS.start, ROWS.end);
    let step = rows.div_ceil(rows.div_ceil(most).max(1)).next_multiple_of(strip_rows::<T>(isa));
    let (mut outputs, mut log_sums) = (output, log_sum);
    let mut tasks = Vec::new();
    for key_head in 0..shape.heads / shape.group {
        for rows in blocks(0..rows, step.max(1)) {
            let (output, rest) = outputs.split_at_mut(rows.len() * shape.value_width);
            let (log_sum, others) = log_sums.split_at_mut(rows.len());
            (outputs, log_sums) = (rest, others);
            tasks.push(Mutex::new(Task { key_head, rows, output, log_sum }));
        }
    }
    // The last rows of a causal attention take longest: they come first, so that no thread is left with one of them.
    tasks.reverse();
    // Small heads go together, so that a task is worth handing out.
    let products = step.min(rows) * shape.keys * (shape.width + shape.value_width);
    pool.for_ranges(tasks.len(), (1 << 16) / products.max(1) + 1, &|range| {
        for task in &tasks[range] {
            task.lock().expect("a task runs once").run(isa, from, value);
        }
    });
}

impl<T: AttentionElement> Task<'_, T> {
    fn run(&mut self, isa: Isa, from: &Scores<T>, value: &[T]) {
        let shape = &from.shape;
        let Task { key_head, ref rows, ref mut output, ref mut log_sum } = *self;
        let (width, value_width) = (shape.width, shape.value_width);
        let value = &value[key_head * shape.keys * value_width..][..shape.keys * value_width];
        let few = shape.group * shape.queries <= FEW;
        let strip = strip_rows::<T>(isa).min(MOST_ROWS);
        let step = KEYS.min(shape.keys).max(1);
        let pitch = step + GAP;
        let panels = if few { 0 } else { packed_size::<T>(isa, step, width) };
        let numbers = panels + strip * (width + pitch) + 2 * rows.len();
        let seen = blocks(rows.clone(), strip).map(|rows| from.seen(key_head, &rows).all);
        let all = seen.filter(|keys| !keys.is_empty());
        let all = all.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0);
        with_scratch(numbers * size_of::<T>(), |scratch| {
            let scratch: &mut [T] = bytemuck::cast_slice_mut(&mut scratch[..numbers * size_of::<T>()]);
            let (panels, scratch) = scratch.split_at_mut(panels);
            let (tile, scratch) = scratch.split_at_mut(strip * pitch);
            let (scaled, scratch) = scratch.split_at_mut(strip * width);
            let (largest, sums) = scratch.split_at_mut(rows.len());
            largest.fill(-T::INFINITY);
            sums.fill(<T as Real>::ZERO);
            for block in blocks(all, step) {
                if !few {
                    pack(isa, &from.keys_of(key_head)[block.start * width..block.end * width], width, panels);
                }
                for strip in blocks(rows.clone(), strip) {
                    let seen = from.seen(key_head, &strip);
                    let keys = seen.within(&block, panel_width::<T>(isa));
                    if keys.is_empty() {
                        continue;
                    }
                    let (count, columns) = (strip.len(), keys.len());
                    let tile = &mut tile[..count * pitch];
                    let scaled = &mut scaled[..count * width];
                    let queries = from.rows_of(key_head, &strip, width, from.query);
                    isa.run(Scale { rows: queries, factor: T::of(shape.scale), to: scaled });
                    if few {
                        dots(isa, width, scaled, from.keys_of(key_head), keys.clone(), tile, pitch);
                    } else {
                        let right = Right::packed(isa, panels, width, keys.start - block.start);
                        let left = Left { values: scaled, row: width, column: 1 };
                        product(isa, [count, columns, width], left, right, tile, pitch, Accumulate::Replace);
                    }
                    let (rows, keys) = (&strip, &keys);
                    isa.run(Restrict { from, key_head, rows, keys, seen: &seen, strip: tile, pitch });
                    let local = strip.start - self.rows.start..strip.end - self.rows.start;
                    let output = &mut output[local.start * value_width..local.end * value_width];
                    let first = block.start <= seen.all.start;
                    isa.run(Advance {
                        strip: tile,
                        columns,
                        pitch,
                        first,
                        largest: &mut largest[local.clone()],
                        sums: &mut sums[local],
                        output,
                        value_width,
                    });
                    let values = &value[keys.start * value_width..keys.end * value_width];
                    let values = Right::rows(isa, values, value_width);
                    let left = Left { values: tile, row: pitch, column: 1 };
                    let sizes = [count, value_width, columns];
                    let accumulate = if first { Accumulate::Replace } else { Accumulate::Add };
                    product(isa, sizes, left, values, output, value_width, accumulate);
                }
            }
            isa.run(Finish { largest, sums, output, value_width, log_sum });
        });
    }
}
