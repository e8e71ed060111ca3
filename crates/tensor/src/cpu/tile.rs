//! A tile of a loop: where its instructions stand, and what each of them does there.

use smallvec::SmallVec;

use crate::Scalar;
use crate::cpu::kernels::compiled::LANES;
use crate::cpu::kernels::isa::Isa;
use crate::plan::fuse::Level;
use crate::plan::loops::{FillWith, Instruction, Operand, Pattern, Register};

use super::assemble;
use super::convert::convert;
use super::loops::{CompiledLoop, Memory};
use super::map::map;
use super::reduce;
use super::segment::{MOST_REDUCTIONS, Segment, Source, Step, combine_lanes};

/// Where an instruction stands: a tile of the domain and the registers.
pub(super) struct Tile<'a> {
    compiled: &'a CompiledLoop,
    memory: Memory<'a>,
    isa: Isa,
    scratch: *mut u8,
    /// First position and first row.
    start: usize,
    first_row: usize,
    positions: usize,
    rows: usize,
    /// The sums of each column reduction.
    pub columns: SmallVec<[*mut u8; 4]>,
}

impl<'a> Tile<'a> {
    /// A tile of so many positions at the start of the domain; `scratch` has room for the registers.
    pub fn new(
        compiled: &'a CompiledLoop,
        memory: Memory<'a>,
        isa: Isa,
        scratch: *mut u8,
        positions: usize,
    ) -> Tile<'a> {
        let rows = (positions / compiled.program.row).max(1);
        let columns = SmallVec::new();
        Tile { compiled, memory, isa, scratch, start: 0, first_row: 0, positions, rows, columns }
    }

    /// Moves to other positions and rows.
    pub fn move_to(&mut self, start: usize, first_row: usize, positions: usize, rows: usize) {
        (self.start, self.first_row, self.positions, self.rows) = (start, first_row, positions, rows);
    }

    pub fn register(&self, register: Register) -> *mut u8 {
        // SAFETY: the offsets were laid out within the scratch memory.
        unsafe { self.scratch.add(self.compiled.offsets[usize::from(register.0)]) }
    }

    pub fn level_of(&self, instruction: &Instruction) -> Level {
        let of = |register: &Register| self.compiled.program.registers[usize::from(register.0)].level;
        match (instruction, instruction.written()) {
            (Instruction::Store { level, .. }, _) => *level,
            (_, to) => of(&to.expect("all but stores write a register")),
        }
    }

    /// Index of the first element at a level, and how many there are in the tile.
    fn span(&self, level: Level) -> (usize, usize) {
        match level {
            Level::Position => (self.start, self.positions),
            Level::Row => (self.first_row, self.rows),
        }
    }

    /// Where the elements of an operand lie.
    ///
    /// # Safety
    /// The operand's memory is valid for the tile.
    pub unsafe fn operand(&self, operand: Operand, size: usize, level: Level) -> *const u8 {
        match operand {
            Operand::Register(register) => self.register(register),
            Operand::Memory(index) => {
                let source = self.compiled.program.in_place[usize::from(index)].source;
                // SAFETY: promised by the caller.
                unsafe { self.memory.reads[source].add(self.span(level).0 * size) }
            }
        }
    }

    /// # Safety
    /// As for [`CompiledLoop::run`], for the tile's positions and rows.
    pub unsafe fn step(&mut self, step: &Step) {
        // SAFETY: passed on from the caller.
        unsafe {
            match step {
                Step::Interpreted(index) => self.execute(&self.compiled.program.instructions[*index]),
                Step::Compiled(segment) => self.run_segment(segment),
            }
        }
    }

    /// Runs compiled code over the tile, piece by piece.
    ///
    /// # Safety
    /// As for [`step`](Tile::step).
    pub unsafe fn run_segment(&mut self, segment: &Segment) {
        let row = self.compiled.program.row;
        let numbers: SmallVec<[u32; 8]> = segment
            .uniforms
            .iter()
            .map(|with| {
                // SAFETY: passed on from the caller.
                let bytes = unsafe { self.fixed(with, size_of::<f32>()) };
                u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
            })
            .collect();
        let mut lanes = [[0f32; LANES]; MOST_REDUCTIONS];
        let lanes_at = lanes.as_mut_ptr();
        let (start, length) = self.span(segment.level);
        let (mut at, end) = (start, start + length);
        // SAFETY: passed on from the caller: the element of position `at`, or its row, exists.
        let place = |source: &Source, at: usize| unsafe {
            match source {
                Source::Memory { source, size } => self.memory.reads[*source].add(at * size),
                Source::Register { register, size } => self.register(*register).add((at - start) * size),
                Source::RowMemory { source } => self.memory.reads[*source].add(at / row * size_of::<f32>()),
                Source::RowRegister(register) => {
                    self.register(*register).add((at / row - self.first_row) * size_of::<f32>())
                }
                Source::Pattern { source, pattern, size } => {
                    self.memory.reads[*source].offset(place(pattern, at) * *size as isize)
                }
                Source::Target { target, size } => self.memory.writes[*target].add(at * size),
                Source::Lanes(index) => lanes_at.add(*index).cast(),
                Source::Columns { index, line } => self.columns[*index].add(at % line * size_of::<f32>()),
            }
        };
        if at == end {
            return;
        }
        let mut streams: SmallVec<[*mut u8; 16]> =
            segment.streams.iter().map(|source| place(source, at)).collect();
        loop {
            let until = segment.piece.map_or(end, |piece| ((at / piece + 1) * piece).min(end));
            // SAFETY: passed on from the caller; a piece ends where the streams of patterns do.
            unsafe { segment.code(&streams).run(&streams, &numbers, until - at) };
            for (index, (op, to)) in segment.reductions.iter().enumerate() {
                // SAFETY: the code has written the lanes, and the register has room for the rows of the tile.
                unsafe {
                    let to = self.register(*to).cast::<f32>().add(at / row - self.first_row);
                    to.write(combine_lanes(*op, &mut *lanes_at.add(index)));
                }
            }
            if until == end {
                return;
            }
            let whole = segment.piece == Some(until - at);
            at = until;
            for ((stream, source), step) in streams.iter_mut().zip(&segment.streams).zip(&segment.steps) {
                *stream = match step {
                    Some(step) if whole => stream.wrapping_offset(*step),
                    _ => place(source, at),
                };
            }
        }
    }

    /// The value of a fixed register.
    ///
    /// # Safety
    /// As for [`step`](Tile::step).
    unsafe fn fixed(&self, with: &FillWith, size: usize) -> [u8; 8] {
        match with {
            FillWith::Constant(scalar) => scalar.to_bytes(),
            FillWith::Number(number) => self.memory.numbers[*number as usize].to_bytes(),
            FillWith::Element { source, offset } => {
                let mut bytes = [0; 8];
                // SAFETY: passed on from the caller.
                unsafe {
                    let element = self.memory.reads[*source].offset(offset * size as isize);
                    std::ptr::copy_nonoverlapping(element, bytes.as_mut_ptr(), size);
                }
                bytes
            }
        }
    }

    /// # Safety
    /// As for [`CompiledLoop::run`], for the tile's positions and rows.
    pub unsafe fn execute(&mut self, instruction: &Instruction) {
        let registers = &self.compiled.program.registers;
        let kind = |register: &Register| registers[usize::from(register.0)];
        match instruction {
            Instruction::Map { op, dtype, to, operands } => {
                let level = kind(to).level;
                let mut pointers = [std::ptr::null::<u8>(); 3];
                for (index, operand) in operands.iter().enumerate() {
                    // The condition of a selection is the one operand of another type.
                    let condition = index == 0 && operands.len() == 3;
                    let size = if condition { 1 } else { dtype.size() };
                    // SAFETY: passed on from the caller.
                    pointers[index] = unsafe { self.operand(*operand, size, level) };
                }
                // SAFETY: registers of results share no memory with operands of the same instruction.
                unsafe { map(self.isa, *op, *dtype, pointers, self.register(*to), self.span(level).1) }
            }
            Instruction::Cast { from, to, operand } => {
                let RegisterLevel { level, dtype } = RegisterLevel::of(kind(to));
                // SAFETY: as above.
                unsafe {
                    let source = self.operand(*operand, from.size(), level);
                    convert(self.isa, *from, dtype, source, self.register(*to), self.span(level).1);
                }
            }
            Instruction::Reduce { op, dtype, to, operand } => {
                // SAFETY: as above; a tile holds whole rows.
                unsafe {
                    let values = self.operand(*operand, dtype.size(), Level::Position);
                    let row = self.compiled.program.row;
                    reduce::rows(self.isa, *op, *dtype, values, row, self.rows, self.register(*to));
                }
            }
            Instruction::Spread { to, operand } => {
                let size = kind(to).dtype.size();
                // SAFETY: as above; a tile holds whole rows.
                unsafe {
                    let values = self.operand(*operand, size, Level::Row);
                    spread(size, values, self.rows, self.compiled.program.row, self.register(*to));
                }
            }
            Instruction::Load { to, source, pattern } => {
                let RegisterLevel { level, dtype } = RegisterLevel::of(kind(to));
                let (start, length) = self.span(level);
                // SAFETY: passed on from the caller.
                unsafe {
                    let base = self.memory.reads[*source].cast_const();
                    assemble::gather(base, dtype.size(), pattern, start, length, self.register(*to));
                }
            }
            Instruction::Iota { to, pattern } => {
                let RegisterLevel { level, dtype } = RegisterLevel::of(kind(to));
                let (start, length) = self.span(level);
                let target = self.register(*to);
                let mut at = 0;
                for_runs(pattern, start, length, |first, stride, count| {
                    for index in 0..count {
                        let value =
                            Scalar::from_i64((first + stride * index as isize) as i64, dtype).to_bytes();
                        // SAFETY: the register has room for the tile.
                        unsafe {
                            let to = target.add((at + index) * dtype.size());
                            std::ptr::copy_nonoverlapping(value.as_ptr(), to, dtype.size());
                        }
                    }
                    at += count;
                });
            }
            Instruction::Fill { to, with } => {
                let RegisterLevel { level, dtype } = RegisterLevel::of(kind(to));
                let size = dtype.size();
                // SAFETY: passed on from the caller.
                let value = unsafe { self.fixed(with, size) };
                // SAFETY: the register has room for a tile.
                unsafe { spread(size, value.as_ptr(), 1, self.span(level).1, self.register(*to)) }
            }
            Instruction::Store { target, level, dtype, operand } => {
                let (start, length) = self.span(*level);
                let size = dtype.size();
                // SAFETY: passed on from the caller; a register never lies in an output.
                unsafe {
                    let source = self.operand(*operand, size, *level);
                    let to = self.memory.writes[*target].add(start * size);
                    std::ptr::copy_nonoverlapping(source, to, length * size);
                }
            }
        }
    }
}

/// Where the element of a position lies.
fn place(Pattern { lengths, strides, offset }: &Pattern, position: usize) -> isize {
    let (mut rest, mut place) = (position, *offset);
    for (length, stride) in lengths.iter().zip(strides).rev() {
        place += (rest % length) as isize * stride;
        rest /= length;
    }
    place
}

/// The two things about a register that most instructions ask.
struct RegisterLevel {
    level: Level,
    dtype: crate::DType,
}

impl RegisterLevel {
    fn of(kind: crate::plan::loops::RegisterKind) -> RegisterLevel {
        RegisterLevel { level: kind.level, dtype: kind.dtype }
    }
}

/// Calls `run` for each stretch of elements that lie at one stride, in order, of `length` elements from element
/// `start` of a pattern: with the position of the first in memory, the stride and the count.
pub(super) fn for_runs(
    Pattern { lengths, strides, offset }: &Pattern,
    start: usize,
    length: usize,
    mut run: impl FnMut(isize, isize, usize),
) {
    let Some((&inner, outer_lengths)) = lengths.split_last() else {
        return run(*offset, 0, length);
    };
    let inner_stride = strides[strides.len() - 1];
    let mut index: smallvec::SmallVec<[usize; 6]> = smallvec::smallvec![0; outer_lengths.len()];
    let mut rest = start / inner;
    let mut column = start % inner;
    let mut base = *offset;
    for axis in (0..outer_lengths.len()).rev() {
        index[axis] = rest % outer_lengths[axis];
        rest /= outer_lengths[axis];
        base += index[axis] as isize * strides[axis];
    }
    let mut left = length;
    while left > 0 {
        let count = (inner - column).min(left);
        run(base + column as isize * inner_stride, inner_stride, count);
        left -= count;
        column = 0;
        for axis in (0..outer_lengths.len()).rev() {
            index[axis] += 1;
            base += strides[axis];
            if index[axis] < outer_lengths[axis] {
                break;
            }
            base -= strides[axis] * outer_lengths[axis] as isize;
            index[axis] = 0;
        }
    }
}

/// Repeats each of `count` elements `times` times.
///
/// # Safety
/// `values` is valid for `count` elements of `size` bytes, `target` for `count · times`.
unsafe fn spread(size: usize, values: *const u8, count: usize, times: usize, target: *mut u8) {
    /// # Safety
    /// As for [`spread`].
    unsafe fn typed<T: Copy>(values: *const T, count: usize, times: usize, target: *mut T) {
        for index in 0..count {
            // SAFETY: promised by the caller.
            unsafe {
                let value = values.add(index).read_unaligned();
                std::slice::from_raw_parts_mut(target.add(index * times), times).fill(value);
            }
        }
    }
    // SAFETY: promised by the caller.
    unsafe {
        match size {
            1 => typed(values, count, times, target),
            2 => typed(values.cast::<u16>(), count, times, target.cast()),
            4 => typed(values.cast::<u32>(), count, times, target.cast()),
            _ => typed(values.cast::<u64>(), count, times, target.cast()),
        }
    }
}
