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

use super::gemm::element::GemmElement;
use super::gemm::tile::TileSize;
use super::gemm::{Accumulate, Gemm, MatrixView, MatrixViewMut, gemm};
use super::isa::Isa;
use super::math::Float;
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
pub trait RecurrentElement: GemmElement + Float {}
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

/// What the forward pass writes; all zeros before. Behind the end of a sequence nothing is written.
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

/// Cotangents; all zeros before.
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

/// A matrix `[depth, columns]` cut in panels of columns that follow each other, the last filled up with zeros.
struct Panels<T> {
    values: Vec<T>,
    depth: usize,
    width: usize,
    count: usize,
}

impl<T: RecurrentElement> Panels<T> {
    fn new(isa: Isa, depth: usize, columns: usize, at: impl Fn(usize, usize) -> T) -> Panels<T> {
        let width = TileSize::of::<T::Sum>(isa).columns;
        let count = columns.div_ceil(width);
        let mut values = vec![T::ZERO; count * depth * width];
        for (panel, values) in values.chunks_exact_mut((depth * width).max(1)).enumerate() {
            for (row, values) in values.chunks_exact_mut(width).enumerate() {
                for (column, value) in (panel * width..columns).zip(values) {
                    *value = at(row, column);
                }
            }
        }
        Panels { values, depth, width, count }
    }

    /// Columns, those that fill up included.
    fn columns(&self) -> usize {
        self.count * self.width
    }

    /// `to = rows · panels` for rows of `depth` numbers, one after the other.
    fn multiply(&self, isa: Isa, alone: &Pool, rows: &[T], to: &mut [T]) {
        let count = rows.len() / self.depth.max(1);
        assert!(to.len() >= count * self.columns(), "the product fits");
        let product = Gemm {
            batch: self.count,
            m: count,
            n: self.width,
            k: self.depth,
            a: MatrixView {
                ptr: rows.as_ptr(),
                row_stride: self.depth as isize,
                column_stride: 1,
                batch_stride: 0,
            },
            b: MatrixView {
                ptr: self.values.as_ptr(),
                row_stride: self.width as isize,
                column_stride: 1,
                batch_stride: (self.depth * self.width) as isize,
            },
            c: MatrixViewMut {
                ptr: to.as_mut_ptr(),
                row_stride: self.columns() as isize,
                batch_stride: self.width as isize,
            },
            accumulate: Accumulate::Replace,
        };
        // SAFETY: the strides name `count` whole rows of the operands, and of `to` by the assertion; `to` is borrowed
        // for writing, hence apart from both.
        unsafe { gemm(alone, isa, &product, None) };
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
    let panels = Panels::new(isa, hidden, gates, |row, column| inputs.weight[column * hidden + row]);
    let alone = Pool::new(1);
    let (sequence, saved) =
        (Rows::new(outputs.sequence, hidden), Rows::new(outputs.saved, cell.saved() * hidden));
    let (last, last_memory) = (Rows::new(outputs.hidden, hidden), Rows::new(outputs.memory, hidden));
    let memories = Rows::new(outputs.memories, hidden);
    let own = |sequences: Range<usize>| {
        let count = sequences.len();
        let most = inputs.lengths[sequences.clone()].iter().copied().max().unwrap_or(0).max(0) as usize;
        // SAFETY: rows of sequences of this group, which no other thread has; here and below.
        let (state, memory) =
            unsafe { (last.rows(sequences.start, count), last_memory.rows(sequences.start, count)) };
        state.copy_from_slice(&inputs.hidden[sequences.start * hidden..sequences.end * hidden]);
        if cell.has_memory() {
            memory.copy_from_slice(&inputs.memory[sequences.start * hidden..sequences.end * hidden]);
        }
        let mut products = vec![T::ZERO; count * panels.columns()];
        for step in 0..most.min(steps) {
            panels.multiply(isa, &alone, state, &mut products);
            for (index, one) in sequences.clone().enumerate() {
                if step as i64 >= inputs.lengths[one] {
                    continue;
                }
                let at = step * batch + one;
                // SAFETY: as above.
                let (output, kept, memories) =
                    unsafe { (sequence.rows(at, 1), saved.rows(at, 1), memories.rows(at, 1)) };
                let state = row_mut(state, index, hidden);
                let memory = row_mut(memory, index, hidden);
                isa.run(Forward {
                    cell,
                    projected: row(inputs.projected, at, gates),
                    product: &row(&products, index, panels.columns())[..gates],
                    bias: inputs.bias,
                    state,
                    memory,
                    saved: kept,
                });
                output.copy_from_slice(state);
                memories.copy_from_slice(memory);
            }
        }
    };
    for_groups(pool, batch, &own);
}

/// Calls `body` with groups of sequences.
fn for_groups(pool: &Pool, batch: usize, body: &(dyn Fn(Range<usize>) + Sync)) {
    let group = group(batch);
    pool.run(batch.div_ceil(group), &|task| body(task * group..((task + 1) * group).min(batch)));
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
    let panels = Panels::new(isa, gates, hidden, |row, column| inputs.weight[row * hidden + column]);
    let alone = Pool::new(1);
    let apart = !outputs.recurrent.is_empty();
    let (projected, recurrent) = (Rows::new(outputs.projected, gates), Rows::new(outputs.recurrent, gates));
    let (first, first_memory) = (Rows::new(outputs.hidden, hidden), Rows::new(outputs.memory, hidden));
    let own = |sequences: Range<usize>| {
        let count = sequences.len();
        let most = inputs.lengths[sequences.clone()].iter().copied().max().unwrap_or(0).max(0) as usize;
        // SAFETY: rows of sequences of this group, which no other thread has; here and below.
        let (state, memory) =
            unsafe { (first.rows(sequences.start, count), first_memory.rows(sequences.start, count)) };
        state.copy_from_slice(&inputs.of_hidden[sequences.start * hidden..sequences.end * hidden]);
        if cell.has_memory() {
            memory.copy_from_slice(&inputs.of_memory[sequences.start * hidden..sequences.end * hidden]);
        }
        let mut products = vec![T::ZERO; count * panels.columns()];
        for step in (0..most.min(steps)).rev() {
            let before = |first, all, one| match step {
                0 => row(first, one, hidden),
                _ => row(all, (step - 1) * batch + one, hidden),
            };
            for (index, one) in sequences.clone().enumerate() {
                if step as i64 >= inputs.lengths[one] {
                    continue;
                }
                let at = step * batch + one;
                // SAFETY: as above.
                let (projected, recurrent) = unsafe { (projected.rows(at, 1), recurrent.rows(at, 1)) };
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
                    projected,
                    recurrent,
                });
            }
            let of_products = if apart { &recurrent } else { &projected };
            // SAFETY: as above; the group's rows of one step lie side by side.
            let of_products = unsafe { of_products.rows(step * batch + sequences.start, count) };
            panels.multiply(isa, &alone, of_products, &mut products);
            for (state, product) in
                state.chunks_exact_mut(hidden).zip(products.chunks_exact(panels.columns()))
            {
                // Sequences that have not begun send zeros to their products and keep what they have.
                for (state, product) in state.iter_mut().zip(product) {
                    *state = *state + *product;
                }
            }
        }
    };
    if hidden > 0 {
        for_groups(pool, batch, &own);
    }
}
