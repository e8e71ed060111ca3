//! Runs the register programs of fused loops: the tile interpreter, and the segments that are compiled.
//!
//! A loop is cut into stretches of whole rows (or of positions, if there are no rows) that threads take; a stretch is
//! worked off in tiles whose registers fit in the first-level cache, one vectorised slice loop per instruction.
//! Reductions over long rows and over columns are cut into pieces of fixed size that are combined in order, so that no
//! result depends on the number of threads.

use std::ops::Range;

use crate::Scalar;
use crate::cpu::kernels::compiled::Book;
use crate::cpu::kernels::isa::Isa;
use crate::cpu::kernels::memory::with_scratch;
use crate::cpu::kernels::threads::Pool;
use crate::plan::fuse::{Form, LONGEST_ROW, Level};
use crate::plan::loops::{Instruction, LoopProgram, Operand, Register};

use super::reduce;
use super::segment::{Step, Tiling, segments};
use super::tile::Tile;

/// Positions of a tile, more only if a row is longer.
const TILE: usize = 2048;
/// Positions of a tile of a program that leaves nothing in scratch memory.
const LONG_TILE: usize = 8192;
/// Positions of a piece of a long row.
const PIECE: usize = 16 * 1024;
/// A column reduction has at most this many pieces, each with an accumulator of its own.
const MOST_PIECES: usize = 64;
/// Columns that a task of a column reduction works on at once.
const COLUMN_CHUNK: usize = 4096;
/// Positions of a line of a column reduction that are worth a call of compiled code, where nothing else works by lines.
const LONG_LINE: usize = 512;
/// Instructions times positions from which a second thread pays.
const WORTH_A_THREAD: usize = 64 * 1024;

/// Compiled instructions that cost as much as an interpreted one.
const COMPILED_PER_INTERPRETED: usize = 4;

/// A loop program with the layout of its registers in scratch memory.
#[derive(Debug)]
pub(crate) struct CompiledLoop {
    pub program: LoopProgram,
    /// What is interpreted and what is compiled.
    pub steps: Vec<Step>,
    /// Which column reductions the steps do.
    summed: Vec<bool>,
    /// The fixed registers that are read from scratch memory.
    setup: Vec<Instruction>,
    /// Byte offset of each register.
    pub offsets: Vec<usize>,
    scratch_bytes: usize,
    /// Positions of a tile.
    tile: usize,
    /// Interpreted instructions that a position costs as much as.
    cost: usize,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Rows, if there are any, fit in a tile.
    Tiles,
    /// Rows are longer than a tile and are reduced in pieces.
    LongRows,
    /// A column reduction.
    Columns { outer: usize, length: usize, inner: usize },
}

/// What a loop works on.
#[derive(Clone, Copy)]
pub(crate) struct Memory<'a> {
    pub reads: &'a [*mut u8],
    pub writes: &'a [*mut u8],
    pub numbers: &'a [Scalar],
}

impl Memory<'_> {
    fn write(&self, target: usize) -> *mut u8 {
        self.writes[target]
    }
}

// SAFETY: the pointers are followed by the functions of this file only, on disjoint stretches per thread; their caller
// vouches for the memory.
unsafe impl Sync for Memory<'_> {}

impl CompiledLoop {
    /// Compiles what can be compiled for an instruction set, into `book`, and lays out the registers.
    pub fn new(program: LoopProgram, isa: Isa, book: &mut Book) -> CompiledLoop {
        let mode = match program.form {
            Form::Columns { outer, length, inner } => Mode::Columns { outer, length, inner },
            Form::Rows if program.row > LONGEST_ROW => Mode::LongRows,
            Form::Rows => Mode::Tiles,
        };
        // A column reduction has rows only where its tiles hold whole ones.
        let rows_are_whole = mode == Mode::Tiles || matches!(mode, Mode::Columns { .. }) && program.row > 1;
        // Several passes over a tile, which is to stay in the first-level cache meanwhile.
        let passes = mode != Mode::LongRows
            && rows_are_whole
            && program.instructions.iter().any(|step| matches!(step, Instruction::Reduce { .. }));
        let of_rows = |full: usize| (full / program.row).max(1) * program.row;
        let line = match mode {
            Mode::Columns { inner, .. } if program.row > 1 || (LONG_LINE..=TILE).contains(&inner) => {
                Some(inner)
            }
            _ => None,
        };
        let tiling = Tiling { rows_are_whole, passes_over: passes.then(|| of_rows(TILE)), line };
        let (steps, summed) = segments(&program, isa, tiling, book);
        let needed = in_scratch(&program, &steps, &summed);
        let is_compiled = steps.iter().any(|step| matches!(step, Step::Compiled(_)));
        let is_wide = |index: usize| needed[index] && program.registers[index].level == Level::Position;
        let is_short = passes || (0..needed.len()).any(is_wide);
        let tile = match mode {
            Mode::Tiles => of_rows(if is_short { TILE } else { LONG_TILE }),
            // A piece is the sum of its tiles, so their length is part of the result.
            Mode::LongRows => TILE,
            Mode::Columns { .. } if program.row > 1 => of_rows(TILE),
            Mode::Columns { inner, .. } => (TILE / inner.max(1)).max(1) * inner.min(TILE),
        };
        let rows = (tile / program.row).max(1);
        let mut homes: Vec<Option<usize>> = vec![None; program.registers.len()];
        let mut scratch_bytes = 0;
        let mut offsets = Vec::with_capacity(program.registers.len());
        for (index, register) in program.registers.iter().enumerate() {
            if !needed[index] {
                offsets.push(0);
                continue;
            }
            let count = if register.level == Level::Position { tile } else { rows };
            // Homes are shared by registers that follow each other in the program; segments change the order.
            let home = if is_compiled { index } else { usize::from(register.home) };
            let offset = *homes[home].get_or_insert_with(|| {
                let offset = scratch_bytes;
                // One line more than needed, so that registers do not all start at the same cache set.
                scratch_bytes += (count * register.dtype.size()).next_multiple_of(64) + 64;
                offset
            });
            offsets.push(offset);
        }
        let is_read = |instruction: &&Instruction| match instruction {
            Instruction::Fill { to, .. } => needed[usize::from(to.0)],
            _ => true,
        };
        let compiled = program.instructions.len()
            - steps.iter().filter(|step| matches!(step, Step::Interpreted(_))).count();
        let cost = steps.len() + compiled / COMPILED_PER_INTERPRETED;
        let setup = program.setup.iter().filter(is_read).cloned().collect();
        CompiledLoop { program, steps, summed, setup, offsets, scratch_bytes, tile, cost, mode }
    }

    /// Runs the whole loop.
    ///
    /// # Safety
    /// The reads and writes of the program are valid for its domain, and what is written overlaps what is read only
    /// where the planner allowed it.
    pub unsafe fn run(&self, pool: &Pool, isa: Isa, memory: Memory) {
        if self.program.elements == 0 {
            return;
        }
        match self.mode {
            Mode::Tiles => {
                let row = self.program.row;
                let minimum = WORTH_A_THREAD / (row * self.cost.max(1)) + 1;
                // SAFETY: passed on; ranges of rows are disjoint.
                pool.for_ranges(self.program.elements / row, minimum, &|rows| unsafe {
                    self.run_rows(isa, memory, rows);
                });
            }
            // SAFETY: passed on.
            Mode::LongRows => unsafe { self.run_long_rows(pool, isa, memory) },
            // SAFETY: passed on.
            Mode::Columns { .. } => unsafe { self.run_columns(pool, isa, memory) },
        }
    }

    /// Runs a loop whose rows fit in a tile over some of its rows, or positions if it has none.
    ///
    /// # Safety
    /// As for [`run`](CompiledLoop::run); no other thread runs over the same rows.
    pub unsafe fn run_rows(&self, isa: Isa, memory: Memory, rows: Range<usize>) {
        debug_assert!(self.mode == Mode::Tiles);
        let row = self.program.row;
        self.with_registers(isa, memory, rows.len() * row, |tile| {
            let (mut start, end) = (rows.start * row, rows.end * row);
            while start < end {
                let positions = self.tile.min(end - start);
                tile.move_to(start, start / row, positions, positions / row);
                for step in &self.steps {
                    // SAFETY: passed on from the caller.
                    unsafe { tile.step(step) };
                }
                start += positions;
            }
        });
    }

    /// Calls `body` with registers whose fixed ones are filled.
    fn with_registers(&self, isa: Isa, memory: Memory, positions: usize, body: impl FnOnce(&mut Tile)) {
        with_scratch(self.scratch_bytes, |scratch| {
            let positions = positions.min(self.tile);
            let mut tile = Tile::new(self, memory, isa, scratch.as_mut_ptr(), positions);
            for instruction in &self.setup {
                // SAFETY: a fill writes a register, which has room for a tile.
                unsafe { tile.execute(instruction) };
            }
            body(&mut tile);
        });
    }

    /// # Safety
    /// As for [`run`](CompiledLoop::run).
    unsafe fn run_long_rows(&self, pool: &Pool, isa: Isa, memory: Memory) {
        let program = &self.program;
        let (row, rows) = (program.row, program.elements / program.row);
        let pieces = row.div_ceil(PIECE);
        let reductions: Vec<usize> = program
            .instructions
            .iter()
            .enumerate()
            .filter(|(_, instruction)| matches!(instruction, Instruction::Reduce { .. }))
            .map(|(index, _)| index)
            .collect();
        // One element of 8 bytes per row, piece and reduction, and as many for the pieces of a piece, its tiles.
        let slots = rows * pieces * reductions.len();
        with_scratch(slots * 8, |partial| {
            let partial = Shared(partial.as_mut_ptr());
            let piece_of_row = |task: usize| {
                let (own_row, piece) = (task / pieces, task % pieces);
                let begin = piece * PIECE;
                let end = (begin + PIECE).min(row);
                self.with_registers(isa, memory, PIECE, |tile| {
                    let mut at = begin;
                    while at < end {
                        let positions = self.tile.min(end - at);
                        tile.move_to(own_row * row + at, own_row, positions, 1);
                        let mut reduction = 0;
                        for step in &self.steps {
                            let instruction = match step {
                                Step::Compiled(segment) => {
                                    if segment.level == Level::Position {
                                        // SAFETY: passed on from the caller.
                                        unsafe { tile.run_segment(segment) };
                                    }
                                    continue;
                                }
                                Step::Interpreted(index) => &program.instructions[*index],
                            };
                            if let Instruction::Reduce { op, dtype, operand, .. } = instruction {
                                // SAFETY: the slot is this task's own, and the operand holds the tile's positions.
                                unsafe {
                                    let slot = partial.at((task * reductions.len() + reduction) * 8);
                                    let mut result = 0u64;
                                    let result: *mut u8 = (&raw mut result).cast();
                                    let values = tile.operand(*operand, dtype.size(), Level::Position);
                                    reduce::rows(isa, *op, *dtype, values, positions, 1, result);
                                    reduce::columns(isa, *op, *dtype, result, 1, 1, slot, at == begin);
                                }
                                reduction += 1;
                            } else if tile.level_of(instruction) == Level::Position {
                                // SAFETY: passed on from the caller.
                                unsafe { tile.execute(instruction) };
                            }
                        }
                        at += positions;
                    }
                });
            };
            // Neighbouring pieces one after the other, because the hardware reads ahead.
            let together = (rows * pieces / (8 * pool.size())).clamp(1, MOST_PIECES);
            pool.run((rows * pieces).div_ceil(together), &|task| {
                (task * together..((task + 1) * together).min(rows * pieces)).for_each(piece_of_row);
            });
            self.with_registers(isa, memory, rows.min(self.tile), |tile| {
                for own_row in 0..rows {
                    tile.move_to(own_row * row, own_row, 1, 1);
                    let mut reduction = 0;
                    for step in &self.steps {
                        let instruction = match step {
                            Step::Compiled(segment) => {
                                if segment.level == Level::Row {
                                    // SAFETY: passed on from the caller.
                                    unsafe { tile.run_segment(segment) };
                                }
                                continue;
                            }
                            Step::Interpreted(index) => &program.instructions[*index],
                        };
                        if let Instruction::Reduce { op, dtype, to, .. } = instruction {
                            for piece in 0..pieces {
                                let index = (own_row * pieces + piece) * reductions.len() + reduction;
                                // SAFETY: the pieces have been written by the tasks above.
                                unsafe {
                                    let (value, result) = (partial.at(index * 8), tile.register(*to));
                                    reduce::columns(isa, *op, *dtype, value, 1, 1, result, piece == 0);
                                }
                            }
                            reduction += 1;
                        } else if tile.level_of(instruction) == Level::Row {
                            // SAFETY: passed on from the caller.
                            unsafe { tile.execute(instruction) };
                        }
                    }
                }
            });
        });
    }

    /// # Safety
    /// As for [`run`](CompiledLoop::run).
    unsafe fn run_columns(&self, pool: &Pool, isa: Isa, memory: Memory) {
        let program = &self.program;
        let Mode::Columns { outer, length, inner } = self.mode else { unreachable!("checked by the caller") };
        // Of the shape alone: the order of sums must not depend on what else is in the loop.
        let rows_of_piece = PIECE.div_ceil(inner).max(length.div_ceil(MOST_PIECES));
        let pieces = length.div_ceil(rows_of_piece);
        let has_rows = program.row > 1;
        let chunk = if inner > TILE && !has_rows { COLUMN_CHUNK.min(inner) } else { inner };
        let chunks = inner.div_ceil(chunk);
        let width = program.columns.iter().map(|column| column.dtype.size()).max().unwrap_or(8);
        // Accumulators [reduction, outer, piece, inner]; with one piece the target itself.
        let stride = outer * pieces * inner * width;
        let bytes = if pieces == 1 { 0 } else { stride * program.columns.len() };
        let tasks = outer * pieces * chunks;
        let work = program.elements * (program.instructions.len() + program.columns.len());
        with_scratch(bytes, |partial| {
            let partial = Shared(partial.as_mut_ptr());
            let memory = &memory;
            let accumulator = |reduction: usize, outer: usize, piece: usize, column: usize| {
                let column_reduction = &program.columns[reduction];
                let size = column_reduction.dtype.size();
                if pieces == 1 {
                    // SAFETY: inside of the target, `[outer, inner]`.
                    return unsafe {
                        memory.write(column_reduction.target).add((outer * inner + column) * size)
                    };
                }
                // SAFETY: inside of the scratch memory just sized.
                unsafe { partial.at(reduction * stride + ((outer * pieces + piece) * inner + column) * size) }
            };
            let body = |task: usize| {
                let (own_outer, piece, part) =
                    (task / (pieces * chunks), task / chunks % pieces, task % chunks);
                let columns = part * chunk..((part + 1) * chunk).min(inner);
                let rows = piece * rows_of_piece..((piece + 1) * rows_of_piece).min(length);
                self.with_registers(isa, *memory, self.tile, |tile| {
                    let first_row = rows.start;
                    tile.columns = (0..program.columns.len())
                        .map(|index| accumulator(index, own_outer, piece, columns.start))
                        .collect();
                    for (sums, _) in tile.columns.iter().zip(&self.summed).filter(|(_, summed)| **summed) {
                        // SAFETY: the accumulator's columns are this task's own, and single precision is summed.
                        let sums =
                            unsafe { std::slice::from_raw_parts_mut(sums.cast::<f32>(), columns.len()) };
                        // What changes no sum, zeros of either sign included.
                        sums.fill(-0.0);
                    }
                    let mut step = |row: usize, count: usize, column: usize, width: usize| {
                        let own_row = own_outer * length + row;
                        let (tile_row, tile_rows) = if has_rows { (own_row, count) } else { (0, 1) };
                        tile.move_to(own_row * inner + column, tile_row, count * width, tile_rows);
                        for step in &self.steps {
                            // SAFETY: passed on from the caller.
                            unsafe { tile.step(step) };
                        }
                        for (index, reduction) in program.columns.iter().enumerate() {
                            if self.summed[index] {
                                continue;
                            }
                            let target = accumulator(index, own_outer, piece, column);
                            // SAFETY: the accumulator's columns are this task's own.
                            unsafe {
                                let values =
                                    tile.operand(reduction.operand, reduction.dtype.size(), Level::Position);
                                reduce::columns(
                                    isa,
                                    reduction.op,
                                    reduction.dtype,
                                    values,
                                    count,
                                    width,
                                    target,
                                    row == first_row,
                                );
                            }
                        }
                    };
                    if inner <= TILE || has_rows {
                        let together = (self.tile / inner).max(1);
                        let mut row = rows.start;
                        while row < rows.end {
                            let count = together.min(rows.end - row);
                            step(row, count, 0, inner);
                            row += count;
                        }
                    } else {
                        for row in rows.clone() {
                            let mut column = columns.start;
                            while column < columns.end {
                                let width = self.tile.min(columns.end - column);
                                step(row, 1, column, width);
                                column += width;
                            }
                        }
                    }
                });
            };
            if work < WORTH_A_THREAD {
                (0..tasks).for_each(body)
            } else {
                pool.run(tasks, &body)
            }
            if pieces == 1 {
                return;
            }
            for (index, reduction) in program.columns.iter().enumerate() {
                let size = reduction.dtype.size();
                for own_outer in 0..outer {
                    // SAFETY: all pieces have been written, and nobody else writes the target.
                    unsafe {
                        let target = memory.writes[reduction.target].add(own_outer * inner * size);
                        let first = accumulator(index, own_outer, 0, 0);
                        reduce::columns(
                            isa,
                            reduction.op,
                            reduction.dtype,
                            first,
                            pieces,
                            inner,
                            target,
                            true,
                        );
                    }
                }
            }
        });
    }
}

/// A pointer that tasks share.
struct Shared(*mut u8);

// SAFETY: each task uses a part of its own.
unsafe impl Sync for Shared {}

impl Shared {
    /// # Safety
    /// `offset` is inside the memory.
    unsafe fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: promised by the caller.
        unsafe { self.0.add(offset) }
    }
}

/// Which registers the steps read or write in scratch memory.
fn in_scratch(program: &LoopProgram, steps: &[Step], summed: &[bool]) -> Vec<bool> {
    let mut needed = vec![false; program.registers.len()];
    let mut need = |register: Register| needed[usize::from(register.0)] = true;
    for step in steps {
        match step {
            Step::Interpreted(index) => {
                let instruction = &program.instructions[*index];
                instruction.each_operand(&mut need);
                instruction.written().into_iter().for_each(&mut need);
            }
            Step::Compiled(segment) => segment.scratch_registers().for_each(&mut need),
        }
    }
    for (column, _) in program.columns.iter().zip(summed).filter(|(_, summed)| !**summed) {
        if let Operand::Register(register) = column.operand {
            need(register);
        }
    }
    needed
}
