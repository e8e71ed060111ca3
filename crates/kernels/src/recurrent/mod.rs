//! Recurrent layers over whole sequences, forward and backward.
//!
//! The batch is cut in groups of sequences, each of which runs through all steps on one thread: no thread waits for
//! another. A step is a product with the recurrent weight, which lies packed in panels that fit in cache, and a pass
//! over the gates. The cut depends on the size of the batch alone, so results are the same bits on any number of
//! threads.

mod cells;
pub mod oracle;
#[cfg(test)]
mod tests;

use super::gemm::Accumulate;
use super::gemm::element::Number;
use super::isa::Isa;
use super::math::{Float, Real};
use super::memory::with_scratch;
use super::panels::{Left, Right, pack, packed_size, panel_width, product};
use super::rows::for_row_blocks;
use super::threads::Pool;
use cells::{Backward, Forward};
use std::ops::Range;

/// The kinds of recurrent cell. Gates lie one after the other, in the order of PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// h ← tanh(x + R h).
    Tanh,
    /// h ← max(x + R h, 0).
    Relu,
    /// Gates i, f, g, o (Hochreiter, Schmidhuber 1997; Gers et al. 2000).
    Lstm,
    /// Gates r, z, n, with the reset after the recurrent product (Cho et al. 2014).
    Gru,
}

impl Cell {
    /// Rows of the weights per hidden unit.
    pub const fn gates(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }

    /// Numbers per hidden unit and step that the backward pass needs besides the hidden state.
    pub const fn saved(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 0,
            Cell::Lstm | Cell::Gru => 4,
        }
    }

    /// Whether there is a cell state besides the hidden state.
    pub const fn has_memory(self) -> bool {
        matches!(self, Cell::Lstm)
    }
}

/// Lengths: of sequences in steps, of the batch, of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Steps.
    pub steps: usize,
    /// Sequences.
    pub batch: usize,
    /// Hidden units.
    pub hidden: usize,
}

/// A number type that the kernels exist for.
pub trait RecurrentElement: Number + Float + bytemuck::Pod {}
impl RecurrentElement for f32 {}
impl RecurrentElement for f64 {}

/// What the forward pass reads. Slices of what a cell does not have are empty.
#[derive(Clone, Copy)]
pub struct ForwardInputs<'a, T> {
    /// Inputs projected to the gates, `[steps, batch, gates · hidden]`.
    pub projected: &'a [T],
    /// `[gates · hidden, hidden]`.
    pub weight: &'a [T],
    /// `[gates · hidden]`.
    pub bias: &'a [T],
    /// Steps of each sequence, `[batch]`.
    pub lengths: &'a [i64],
    /// Hidden state at first, `[batch, hidden]`.
    pub hidden: &'a [T],
    /// Cell state at first, `[batch, hidden]`.
    pub memory: &'a [T],
}

/// What the forward pass writes: all of it. Behind the end of a sequence there are zeros.
pub struct ForwardOutputs<'a, T> {
    /// Hidden states, `[steps, batch, hidden]`.
    pub sequence: &'a mut [T],
    /// Hidden state at the end of each sequence, `[batch, hidden]`.
    pub hidden: &'a mut [T],
    /// Cell state at the end.
    pub memory: &'a mut [T],
    /// `[steps, batch, saved · hidden]`: of an LSTM the activated gates, of a GRU also R h + b of its last.
    pub saved: &'a mut [T],
    /// Cell states, `[steps, batch, hidden]`.
    pub memories: &'a mut [T],
}

/// What the backward pass reads: the forward pass's inputs and outputs, and cotangents.
#[derive(Clone, Copy)]
pub struct BackwardInputs<'a, T> {
    /// `[gates · hidden, hidden]`.
    pub weight: &'a [T],
    /// `[batch]`.
    pub lengths: &'a [i64],
    /// Hidden state at first.
    pub hidden: &'a [T],
    /// Cell state at first.
    pub memory: &'a [T],
    /// Hidden states.
    pub sequence: &'a [T],
    /// As written by the forward pass.
    pub saved: &'a [T],
    /// Cell states.
    pub memories: &'a [T],
    /// Of the hidden states.
    pub of_sequence: &'a [T],
    /// Of the last hidden state.
    pub of_hidden: &'a [T],
    /// Of the last cell state.
    pub of_memory: &'a [T],
}

/// Cotangents. Behind the end of a sequence there are zeros.
pub struct BackwardOutputs<'a, T> {
    /// Of the projected inputs, `[steps, batch, gates · hidden]`.
    pub projected: &'a mut [T],
    /// Of the recurrent products; empty where they are those of the projected inputs.
    pub recurrent: &'a mut [T],
    /// Of the first hidden state.
    pub hidden: &'a mut [T],
    /// Of the first cell state.
    pub memory: &'a mut [T],
}

/// Most sequences that one thread takes at a time.
const GROUP: usize = 16;

/// How many sequences one thread takes.
fn group(batch: usize) -> usize {
    batch.div_ceil(2).clamp(1, GROUP)
}

/// Numbers between the end of a row that a product reads and the next: rows whose distance is a power of two would fall
/// into the same sets of the cache.
const GAP: usize = 16;

/// A matrix `[depth, columns]` in panels.
#[derive(Clone, Copy)]
struct Panels<'a, T> {
    values: &'a [T],
    depth: usize,
    columns: usize,
}

impl<T: RecurrentElement> Panels<'_, T> {
    /// Calls `body` with the panels that `fill` fills one by one, given the columns of each.
    fn with(
        pool: &Pool,
        isa: Isa,
        [depth, columns]: [usize; 2],
        fill: &(dyn Fn(Range<usize>, &mut [T]) + Sync),
        body: impl FnOnce(Panels<T>),
    ) {
        let width = panel_width::<T>(isa);
        let size = packed_size::<T>(isa, columns, depth);
        with_scratch(size * size_of::<T>(), |scratch| {
            let values: &mut [T] = bytemuck::cast_slice_mut(&mut scratch[..size * size_of::<T>()]);
            for_row_blocks(pool, [&mut *values], columns.div_ceil(width), 1, &|panel, [values]| {
                fill(panel * width..((panel + 1) * width).min(columns), values);
            });
            body(Panels { values, depth, columns });
        });
    }

    /// `to (+)= rows · panels` for `count` rows, which lie `depth` and [`GAP`] apart.
    fn multiply(&self, isa: Isa, count: usize, rows: &[T], to: &mut [T], accumulate: Accumulate) {
        let left = Left { values: rows, row: self.depth + GAP, column: 1 };
        let right = Right::packed(isa, self.values, self.depth, 0);
        product(isa, [count, self.columns, self.depth], left, right, to, self.columns, accumulate);
    }
}

/// An array of which each thread writes the rows of its own sequences.
#[derive(Clone, Copy)]
struct Rows<T> {
    first: *mut T,
    length: usize,
    width: usize,
}

// SAFETY: threads write to rows of different sequences.
unsafe impl<T: Send> Sync for Rows<T> {}

impl<T> Rows<T> {
    fn new(values: &mut [T], width: usize) -> Rows<T> {
        Rows { first: values.as_mut_ptr(), length: values.len(), width }
    }

    /// Some rows; empty if the array is.
    ///
    /// # Safety
    /// Nobody else uses these rows meanwhile.
    #[allow(clippy::mut_from_ref)]
    unsafe fn rows(&self, first: usize, count: usize) -> &mut [T] {
        if self.length == 0 {
            return &mut [];
        }
        assert!((first + count) * self.width <= self.length, "rows exist");
        // SAFETY: within the array by the assertion, and nobody else's by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(first * self.width), count * self.width) }
    }
}

/// Row `row` of an array of rows of `width`; empty if the array is.
fn row<T>(values: &[T], row: usize, width: usize) -> &[T] {
    if values.is_empty() { values } else { &values[row * width..(row + 1) * width] }
}

fn row_mut<T>(values: &mut [T], row: usize, width: usize) -> &mut [T] {
    if values.is_empty() { values } else { &mut values[row * width..(row + 1) * width] }
}

/// Runs a layer over all steps.
///
/// # Panics
/// If slices do not have the lengths that the sizes say.
pub fn forward<T: RecurrentElement>(
    pool: &Pool,
    isa: Isa,
    cell: Cell,
    sizes: Sizes,
    inputs: ForwardInputs<T>,
    outputs: ForwardOutputs<T>,
) {
    let Sizes { steps, batch, hidden } = sizes;
    let gates = cell.gates() * hidden;
    let (sequence, saved) =
        (Rows::new(outputs.sequence, hidden), Rows::new(outputs.saved, cell.saved() * hidden));
    let (last, last_memory) = (Rows::new(outputs.hidden, hidden), Rows::new(outputs.memory, hidden));
    let memories = Rows::new(outputs.memories, hidden);
    let own = |panels: Panels<T>, sequences: Range<usize>, scratch: &mut [T]| {
        let count = sequences.len();
        let (states, products) = scratch.split_at_mut(count * (hidden + GAP));
        // SAFETY: rows of sequences of this group, which no other thread has; here and below.
        let memory = unsafe { last_memory.rows(sequences.start, count) };
        for (index, one) in sequences.clone().enumerate() {
            states[index * (hidden + GAP)..][..hidden].copy_from_slice(row(inputs.hidden, one, hidden));
        }
        if cell.has_memory() {
            memory.copy_from_slice(&inputs.memory[sequences.start * hidden..sequences.end * hidden]);
        }
        let most = inputs.lengths[sequences.clone()].iter().copied().max().unwrap_or(0);
        for step in 0..steps {
            if (step as i64) < most {
                panels.multiply(isa, count, states, products, Accumulate::Replace);
            }
            for (index, one) in sequences.clone().enumerate() {
                let at = step * batch + one;
                // SAFETY: as above.
                let (output, kept, memories) =
                    unsafe { (sequence.rows(at, 1), saved.rows(at, 1), memories.rows(at, 1)) };
                if step as i64 >= inputs.lengths[one] {
                    for rows in [output, kept, memories] {
                        rows.fill(<T as Real>::ZERO);
                    }
                    continue;
                }
                let state = &mut states[index * (hidden + GAP)..][..hidden];
                let memory = row_mut(memory, index, hidden);
                isa.run(Forward {
                    cell,
                    projected: row(inputs.projected, at, gates),
                    product: row(products, index, gates),
                    bias: inputs.bias,
                    state,
                    memory,
                    saved: kept,
                });
                output.copy_from_slice(state);
                memories.copy_from_slice(memory);
            }
        }
        for (index, one) in sequences.enumerate() {
            // SAFETY: as above.
            let last = unsafe { last.rows(one, 1) };
            last.copy_from_slice(&states[index * (hidden + GAP)..][..hidden]);
        }
    };
    let turn = |columns: Range<usize>, panel: &mut [T]| {
        pack(isa, &inputs.weight[columns.start * hidden..columns.end * hidden], hidden, panel);
    };
    Panels::with(pool, isa, [hidden, gates], &turn, |panels| {
        let numbers = hidden + GAP + gates;
        for_groups(pool, batch, numbers, &|group, scratch| own(panels, group, scratch));
    });
}

/// Calls `body` with groups of sequences, and memory for `numbers` numbers of each.
fn for_groups<T: RecurrentElement>(
    pool: &Pool,
    batch: usize,
    numbers: usize,
    body: &(dyn Fn(Range<usize>, &mut [T]) + Sync),
) {
    let group = group(batch);
    pool.run(batch.div_ceil(group), &|task| {
        let sequences = task * group..((task + 1) * group).min(batch);
        let bytes = sequences.len() * numbers * size_of::<T>();
        with_scratch(bytes, |scratch| body(sequences, bytemuck::cast_slice_mut(&mut scratch[..bytes])));
    });
}

/// Runs a layer backwards over all steps.
///
/// # Panics
/// If slices do not have the lengths that the sizes say.
pub fn backward<T: RecurrentElement>(
    pool: &Pool,
    isa: Isa,
    cell: Cell,
    sizes: Sizes,
    inputs: BackwardInputs<T>,
    outputs: BackwardOutputs<T>,
) {
    let Sizes { steps, batch, hidden } = sizes;
    let gates = cell.gates() * hidden;
    let apart = !outputs.recurrent.is_empty();
    let (projected, recurrent) = (Rows::new(outputs.projected, gates), Rows::new(outputs.recurrent, gates));
    let (first, first_memory) = (Rows::new(outputs.hidden, hidden), Rows::new(outputs.memory, hidden));
    let own = |panels: Panels<T>, sequences: Range<usize>, of_products: &mut [T]| {
        let count = sequences.len();
        // Sequences that have not ended send zeros to their products and keep what they have.
        of_products.fill(<T as Real>::ZERO);
        // SAFETY: rows of sequences of this group, which no other thread has; here and below.
        let (state, memory) =
            unsafe { (first.rows(sequences.start, count), first_memory.rows(sequences.start, count)) };
        state.copy_from_slice(&inputs.of_hidden[sequences.start * hidden..sequences.end * hidden]);
        if cell.has_memory() {
            memory.copy_from_slice(&inputs.of_memory[sequences.start * hidden..sequences.end * hidden]);
        }
        let most = inputs.lengths[sequences.clone()].iter().copied().max().unwrap_or(0);
        for step in (0..steps).rev() {
            let before = |first, all, one| match step {
                0 => row(first, one, hidden),
                _ => row(all, (step - 1) * batch + one, hidden),
            };
            for (index, one) in sequences.clone().enumerate() {
                let at = step * batch + one;
                // SAFETY: as above.
                let (projected, recurrent) = unsafe { (projected.rows(at, 1), recurrent.rows(at, 1)) };
                if step as i64 >= inputs.lengths[one] {
                    projected.fill(<T as Real>::ZERO);
                    recurrent.fill(<T as Real>::ZERO);
                    continue;
                }
                isa.run(Backward {
                    cell,
                    before: before(inputs.hidden, inputs.sequence, one),
                    memory_before: before(inputs.memory, inputs.memories, one),
                    now: row(inputs.sequence, at, hidden),
                    memory_now: row(inputs.memories, at, hidden),
                    saved: row(inputs.saved, at, cell.saved() * hidden),
                    arrived: row(inputs.of_sequence, at, hidden),
                    state: row_mut(state, index, hidden),
                    memory: row_mut(memory, index, hidden),
                    projected: &mut *projected,
                    recurrent: &mut *recurrent,
                });
                let of_product = &mut of_products[index * (gates + GAP)..][..gates];
                of_product.copy_from_slice(if apart { recurrent } else { projected });
            }
            if (step as i64) < most {
                panels.multiply(isa, count, of_products, state, Accumulate::Add);
            }
        }
    };
    let copy = |columns: Range<usize>, panel: &mut [T]| {
        for (to, from) in
            panel.chunks_exact_mut(panel_width::<T>(isa)).zip(inputs.weight.chunks_exact(hidden))
        {
            to[..columns.len()].copy_from_slice(&from[columns.clone()]);
        }
    };
    if hidden > 0 {
        Panels::with(pool, isa, [gates, hidden], &copy, |panels| {
            for_groups(pool, batch, gates + GAP, &|group, scratch| own(panels, group, scratch));
        });
    }
}
