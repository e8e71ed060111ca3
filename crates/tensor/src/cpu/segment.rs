//! Stretches of a loop's instructions that are compiled to machine code.
//!
//! What the compiler of [`kernels::compiled`] knows, single precision above all, is joined to segments as long as
//! possible; other instructions stay interpreted. Within a segment values live in registers; what is needed outside is
//! stored in the scratch memory of the interpreter's registers.

mod programs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::DType;
use crate::cpu::kernels::compiled::{
    Access, Book, Builder, Code, LANES, Reduction, Stored, Stream, Truth, Vector,
};
use crate::cpu::kernels::isa::Isa;
use crate::ops::map::Number;
use crate::ops::reduce::ReduceOp;
use crate::plan::fuse::Level;
use crate::plan::lists::Lists;
use crate::plan::loops::{FillWith, Instruction, LoopProgram, Operand, Pattern, Register};

/// The shortest stretch of positions that a call of compiled code is worth.
const SHORTEST_PIECE: usize = 32;

/// Reductions of a segment, each of which keeps a vector register.
pub(super) const MOST_REDUCTIONS: usize = 8;

/// Bytes from which a stream is read ahead, and from which it is written past the caches.
const READ_AHEAD: usize = 1 << 20;
const WRITTEN_PAST: usize = 16 << 20;

/// What is done one after the other.
#[derive(Debug)]
pub(super) enum Step {
    /// The instruction of this index, interpreted.
    Interpreted(usize),
    Compiled(Segment),
}

/// Instructions as machine code.
#[derive(Debug)]
pub(super) struct Segment {
    pub code: Arc<Code>,
    /// The same with stores past the caches, for outputs that are too long for them.
    pub past_cache: Option<Arc<Code>>,
    /// Whether it is run over positions or over rows.
    pub level: Level,
    pub streams: Vec<Source>,
    /// Bytes from piece to piece of each stream; `None` where its place is looked up for each piece.
    pub steps: Vec<Option<isize>>,
    pub uniforms: Vec<FillWith>,
    /// Row values that the segment leaves, with the index of their lanes among the streams.
    pub reductions: Vec<(ReduceOp, Register)>,
    /// The segment is called for stretches that begin at multiples of this.
    pub piece: Option<usize>,
}

/// Where a stream of a segment lies.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Contiguous memory, an element per position or row.
    Memory { source: usize, size: usize },
    /// A register with an element per position or row.
    Register { register: Register, size: usize },
    /// Contiguous memory of which all positions of a row read its element.
    RowMemory { source: usize },
    /// A register of which all positions of a row read its element.
    RowRegister(Register),
    /// Memory that is contiguous, or one element, within a piece.
    Pattern { source: usize, pattern: Pattern, size: usize },
    /// An output.
    Target { target: usize, size: usize },
    /// The lanes of a reduction.
    Lanes(usize),
    /// The sums of a column reduction, as many as a line of its positions.
    Columns { index: usize, line: usize },
}

impl Source {
    /// Bytes from a piece to the next, if they are the same everywhere.
    fn step(&self, piece: usize, row: usize) -> Option<isize> {
        match self {
            Source::Memory { size, .. } | Source::Register { size, .. } | Source::Target { size, .. } => {
                Some((piece * size) as isize)
            }
            Source::RowMemory { .. } | Source::RowRegister(_) => {
                (piece == row).then_some(size_of::<f32>() as isize)
            }
            Source::Pattern { pattern, size, .. } => match (&*pattern.lengths, &*pattern.strides) {
                ([_, length], [stride, _]) if *length == piece => Some(stride * *size as isize),
                _ => None,
            },
            Source::Lanes(_) => Some(0),
            Source::Columns { line, .. } => (piece == *line).then_some(0),
        }
    }
}

/// A value of the running segment.
#[derive(Clone, Copy)]
enum Known {
    Number(Vector),
    Truth(Truth),
}

/// A segment under construction.
struct Open<'a> {
    program: &'a LoopProgram,
    level: Level,
    fills: &'a [Option<FillWith>],
    builder: Builder,
    streams: Vec<Source>,
    uniforms: Vec<FillWith>,
    reductions: Vec<(ReduceOp, Register)>,
    piece: Option<usize>,
    /// The values of registers, and of memory read in place, as far as the segment has them.
    known: Vec<Option<Known>>,
    memory: Vec<Option<Known>>,
    /// Which registers' values the segment makes.
    made: Vec<bool>,
    /// Whether an instruction has been tried.
    touched: bool,
    /// Sources that earlier segments have read, so that the tile is in a cache.
    cached: BTreeSet<usize>,
    /// Sources of which the segment asks for the next tile, so many positions on.
    asks_for: BTreeMap<usize, usize>,
    instructions: Vec<usize>,
}

/// What the steps of a program may count on.
#[derive(Clone, Copy)]
pub(super) struct Tiling {
    /// Whether tiles hold whole rows.
    pub rows_are_whole: bool,
    /// The number of positions of a tile, where several steps go over them one after the other.
    pub passes_over: Option<usize>,
    /// The positions of a line of column reductions, where tiles hold whole lines that are worth a call each.
    pub line: Option<usize>,
}

/// The steps of a program, and which of its column reductions they do.
pub(super) fn segments(
    program: &LoopProgram,
    isa: Isa,
    tiling: Tiling,
    book: &mut Book,
) -> (Vec<Step>, Vec<bool>) {
    let summed = vec![false; program.columns.len()];
    if !Builder::compiles_for(isa) {
        return ((0..program.instructions.len()).map(Step::Interpreted).collect(), summed);
    }
    let mut fills = vec![None; program.registers.len()];
    for instruction in &program.setup {
        if let Instruction::Fill { to, with } = instruction {
            fills[usize::from(to.0)] = Some(*with);
        }
    }
    let mut sequence = Sequence {
        program,
        fills: &fills,
        readers: readers(program),
        isa,
        tiling,
        book,
        summed,
        passes: BTreeMap::new(),
        open: [Level::Position, Level::Row].map(|level| Open::new(program, &fills, level)),
        steps: Vec::new(),
    };
    let stores = |index: &usize| matches!(program.instructions[*index], Instruction::Store { .. });
    let (stores, others): (Vec<usize>, Vec<usize>) = (0..program.instructions.len()).partition(stores);
    others.into_iter().for_each(|index| sequence.place(index));
    // A store may overwrite memory that others read, so stores come last, those of one level after the other.
    for level in [Level::Position, Level::Row] {
        let own = stores.iter().filter(|index| level_of(program, &program.instructions[**index]) == level);
        for index in own {
            sequence.close(other(level));
            sequence.place(*index);
        }
    }
    sequence.close(Level::Row);
    sequence.close(Level::Position);
    (sequence.steps, sequence.summed)
}

fn other(level: Level) -> Level {
    match level {
        Level::Position => Level::Row,
        Level::Row => Level::Position,
    }
}

/// The level at which an instruction works: that of what it writes, but for reductions, which work on positions.
fn level_of(program: &LoopProgram, instruction: &Instruction) -> Level {
    match instruction {
        Instruction::Store { level, .. } => *level,
        Instruction::Reduce { .. } => Level::Position,
        Instruction::Fill { to, .. }
        | Instruction::Load { to, .. }
        | Instruction::Iota { to, .. }
        | Instruction::Map { to, .. }
        | Instruction::Cast { to, .. }
        | Instruction::Spread { to, .. } => program.registers[usize::from(to.0)].level,
    }
}

/// Steps under construction. The two open segments never need each other, so that either may be done first.
struct Sequence<'a> {
    program: &'a LoopProgram,
    fills: &'a [Option<FillWith>],
    readers: Lists<usize>,
    isa: Isa,
    tiling: Tiling,
    book: &'a mut Book,
    /// Column reductions that segments do.
    summed: Vec<bool>,
    /// Segments that have read each source so far, of those that are in memory in the program's order.
    passes: BTreeMap<usize, usize>,
    open: [Open<'a>; 2],
    steps: Vec<Step>,
}

impl Sequence<'_> {
    fn close(&mut self, level: Level) {
        let index = usize::from(level == Level::Row);
        if !self.open[index].touched {
            return;
        }
        if level == Level::Position {
            for source in &self.open[index].streams {
                if let Source::Memory { source, .. } = source {
                    *self.passes.entry(*source).or_default() += 1;
                }
            }
        }
        let mut fresh = Open::new(self.program, self.fills, level);
        if let (Some(tile), Level::Position) = (self.tiling.passes_over, level) {
            // The second pass finds the tile in a cache, and has time to ask for the next one.
            let second = self.passes.iter().filter(|(_, passes)| **passes == 1);
            fresh.asks_for = second.map(|(source, _)| (*source, tile)).collect();
            fresh.cached = self.passes.keys().copied().collect();
        }
        let full = std::mem::replace(&mut self.open[index], fresh);
        full.close(&self.readers, self.isa, self.tiling.line, self.book, &mut self.summed, &mut self.steps);
    }

    /// Takes an instruction into the segment of its level, or between segments.
    fn place(&mut self, index: usize) {
        let instruction = &self.program.instructions[index];
        let level = level_of(self.program, instruction);
        let own = usize::from(level == Level::Row);
        if instruction.reads(|register| self.open[1 - own].produces(register)) {
            self.close(other(level));
        }
        if self.open[own].accept(index, instruction, self.tiling.rows_are_whole) {
            return;
        }
        if instruction.reads(|register| self.open[own].produces(register)) {
            self.close(level);
            if self.open[own].accept(index, instruction, self.tiling.rows_are_whole) {
                return;
            }
        }
        if matches!(instruction, Instruction::Store { .. }) {
            self.close(level);
        }
        self.steps.push(Step::Interpreted(index));
    }
}

/// Stands for the reductions over columns among the readers of a register.
const COLUMNS: usize = usize::MAX;

/// For each register the instructions that read it.
fn readers(program: &LoopProgram) -> Lists<usize> {
    Lists::new(program.registers.len(), |hand_out| {
        for (index, instruction) in program.instructions.iter().enumerate() {
            instruction.each_operand(|register| hand_out(u32::from(register.0), index));
        }
        for column in &program.columns {
            if let Operand::Register(register) = column.operand {
                hand_out(u32::from(register.0), COLUMNS);
            }
        }
    })
}

fn stored(dtype: DType) -> Option<Stored> {
    match dtype {
        DType::F32 => Some(Stored::F32),
        DType::BF16 => Some(Stored::Bf16),
        _ => None,
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl<'a> Open<'a> {
    fn new(program: &'a LoopProgram, fills: &'a [Option<FillWith>], level: Level) -> Open<'a> {
        Open {
            program,
            level,
            fills,
            builder: Builder::new(),
            streams: Vec::new(),
            uniforms: Vec::new(),
            reductions: Vec::new(),
            piece: None,
            known: vec![None; program.registers.len()],
            memory: vec![None; program.in_place.len()],
            made: vec![false; program.registers.len()],
            touched: false,
            cached: BTreeSet::new(),
            asks_for: BTreeMap::new(),
            instructions: Vec::new(),
        }
    }

    /// Whether the segment makes the value of a register, reductions included.
    fn produces(&self, register: Register) -> bool {
        self.made[usize::from(register.0)] || self.reductions.iter().any(|(_, to)| *to == register)
    }

    fn stream(&mut self, source: Source) -> Stream {
        self.streams.push(source);
        Stream(self.streams.len() as u32 - 1)
    }

    /// Whether pieces may begin at multiples of `length` only.
    fn narrow(&self, length: usize) -> Option<usize> {
        let piece = self.piece.map_or(length, |piece| greatest_common_divisor(piece, length));
        // Reductions need whole rows.
        let whole = self.reductions.is_empty() || piece == self.program.row;
        (piece >= SHORTEST_PIECE && whole).then_some(piece)
    }

    /// Takes an instruction into the segment, if it can be compiled.
    fn accept(&mut self, index: usize, instruction: &Instruction, rows_are_whole: bool) -> bool {
        self.touched = true;
        let accepted = self.compile(instruction, rows_are_whole).is_some();
        if accepted {
            self.instructions.push(index);
        }
        accepted
    }

    fn compile(&mut self, instruction: &Instruction, rows_are_whole: bool) -> Option<()> {
        match instruction {
            Instruction::Map { op, dtype, to, operands } => {
                if !programs::is_known(*op, *dtype) {
                    return None;
                }
                let mut values: SmallVec<[Known; 3]> = SmallVec::new();
                for operand in operands {
                    values.push(self.operand(*operand)?);
                }
                let value = programs::map(&mut self.builder, *op, &values)?;
                self.define(*to, value);
            }
            Instruction::Cast { from, to, operand } => {
                let kind = self.program.registers[usize::from(to.0)];
                let value = match (from, kind.dtype) {
                    (DType::F32 | DType::BF16, DType::F32) => self.number(*operand)?,
                    (DType::F32, DType::BF16) => {
                        let value = self.number(*operand)?;
                        self.builder.rounded_to_bf16(value)
                    }
                    (DType::BF16, DType::BF16) => self.number(*operand)?,
                    (DType::Bool, DType::F32) => {
                        let truth = self.truth(*operand)?;
                        let (zero, one) = (self.builder.constant(0.0), self.builder.constant(1.0));
                        self.builder.select(truth, one, zero)
                    }
                    _ => return None,
                };
                self.define(*to, Known::Number(value));
            }
            Instruction::Spread { to, operand } => {
                let dtype = self.program.registers[usize::from(to.0)].dtype;
                if dtype != DType::F32 || !rows_are_whole || self.level == Level::Row {
                    return None;
                }
                let source = match operand {
                    Operand::Register(register) if self.produces(*register) => return None,
                    Operand::Register(register) if self.fills[usize::from(register.0)].is_some() => {
                        return None;
                    }
                    Operand::Register(register) => Source::RowRegister(*register),
                    Operand::Memory(index) => {
                        Source::RowMemory { source: self.program.in_place[usize::from(*index)].source }
                    }
                };
                self.piece = Some(self.narrow(self.program.row)?);
                let stream = self.stream(source);
                let value = self.builder.scalar(stream);
                self.define(*to, Known::Number(value));
            }
            Instruction::Load { to, source, pattern } => {
                let kind = self.program.registers[usize::from(to.0)];
                let (length, stride) = (*pattern.lengths.last()?, *pattern.strides.last()?);
                if self.level == Level::Row || kind.dtype != DType::F32 || !(0..=1).contains(&stride) {
                    return None;
                }
                self.piece = Some(self.narrow(length)?);
                let (source, size) = (*source, kind.dtype.size());
                let stream = self.stream(Source::Pattern { source, pattern: Pattern::clone(pattern), size });
                let value = if stride == 1 {
                    self.builder.load(stream, Stored::F32, Access::Cached)
                } else {
                    self.builder.scalar(stream)
                };
                self.define(*to, Known::Number(value));
            }
            Instruction::Reduce { op, dtype, to, operand } => {
                if *dtype != DType::F32 || !rows_are_whole || self.program.row < SHORTEST_PIECE {
                    return None;
                }
                let reduction = match op {
                    ReduceOp::Sum => Reduction::Sum,
                    ReduceOp::Max => Reduction::Max,
                    ReduceOp::Min => Reduction::Min,
                    ReduceOp::Product => return None,
                };
                if self.piece.is_some_and(|piece| piece != self.program.row)
                    || self.reductions.len() == MOST_REDUCTIONS
                {
                    return None;
                }
                let value = self.number(*operand)?;
                self.piece = Some(self.program.row);
                let stream = self.stream(Source::Lanes(self.reductions.len()));
                self.builder.reduce(reduction, stream, value);
                self.reductions.push((*op, *to));
            }
            Instruction::Store { target, dtype, operand, .. } => {
                let (target, size) = (*target, dtype.size());
                if *dtype == DType::Bool {
                    let truth = self.truth(*operand)?;
                    let stream = self.stream(Source::Target { target, size });
                    self.builder.store_truth(stream, truth);
                } else {
                    let stored = stored(*dtype)?;
                    let value = self.number(*operand)?;
                    let stream = self.stream(Source::Target { target, size });
                    let access = self.access(size, WRITTEN_PAST);
                    self.builder.store(stream, stored, access, value);
                }
            }
            Instruction::Fill { .. } | Instruction::Iota { .. } => return None,
        }
        Some(())
    }

    /// How streams of elements of this size go through the caches, which hold `limit` bytes.
    fn access(&self, size: usize, limit: usize) -> Access {
        let long = self.level == Level::Position && self.program.elements * size >= limit;
        if long { Access::Streamed } else { Access::Cached }
    }

    fn define(&mut self, register: Register, value: Known) {
        self.known[usize::from(register.0)] = Some(value);
        self.made[usize::from(register.0)] = true;
    }

    fn number(&mut self, operand: Operand) -> Option<Vector> {
        match self.operand(operand)? {
            Known::Number(vector) => Some(vector),
            Known::Truth(_) => None,
        }
    }

    fn truth(&mut self, operand: Operand) -> Option<Truth> {
        match self.operand(operand)? {
            Known::Truth(truth) => Some(truth),
            Known::Number(_) => None,
        }
    }

    /// The value of an operand.
    fn operand(&mut self, operand: Operand) -> Option<Known> {
        match operand {
            Operand::Memory(index) => {
                if let Some(known) = self.memory[usize::from(index)] {
                    return Some(known);
                }
                let in_place = self.program.in_place[usize::from(index)];
                let source = Source::Memory { source: in_place.source, size: in_place.dtype.size() };
                let known = self.load(source, in_place.dtype)?;
                self.memory[usize::from(index)] = Some(known);
                Some(known)
            }
            Operand::Register(register) => {
                if let Some(known) = self.known[usize::from(register.0)] {
                    return Some(known);
                }
                let kind = self.program.registers[usize::from(register.0)];
                let known = match &self.fills[usize::from(register.0)] {
                    Some(with) if kind.dtype == DType::F32 => {
                        let value = match with {
                            FillWith::Constant(scalar) => self.builder.constant(scalar.to_f64() as f32),
                            with => {
                                self.uniforms.push(*with);
                                self.builder.uniform(self.uniforms.len() - 1)
                            }
                        };
                        Known::Number(value)
                    }
                    _ => self.load(Source::Register { register, size: kind.dtype.size() }, kind.dtype)?,
                };
                self.known[usize::from(register.0)] = Some(known);
                Some(known)
            }
        }
    }

    fn load(&mut self, source: Source, dtype: DType) -> Option<Known> {
        if dtype == DType::Bool {
            let stream = self.stream(source);
            return Some(Known::Truth(self.builder.load_truth(stream)));
        }
        let stored = stored(dtype)?;
        let access = match source {
            Source::Memory { size, source } => match self.access(size, READ_AHEAD) {
                Access::Streamed if self.cached.contains(&source) => match self.asks_for.get(&source) {
                    Some(tile) => Access::Before((tile * size) as u32),
                    None => Access::Cached,
                },
                access => access,
            },
            _ => Access::Cached,
        };
        let stream = self.stream(source);
        Some(Known::Number(self.builder.load(stream, stored, access)))
    }

    /// Adds the values that the segment has to the sums of columns that no other has done.
    fn sum_columns(&mut self, line: Option<usize>, summed: &[bool]) -> Vec<usize> {
        let (Some(line), Level::Position) = (line, self.level) else { return Vec::new() };
        let mut own = Vec::new();
        for (index, column) in self.program.columns.iter().enumerate() {
            let known = match column.operand {
                Operand::Register(register) => self.known[usize::from(register.0)],
                Operand::Memory(index) => self.memory[usize::from(index)],
            };
            let (Some(Known::Number(value)), DType::F32, ReduceOp::Sum) = (known, column.dtype, column.op)
            else {
                continue;
            };
            let Some(piece) = self.narrow(line) else { return own };
            if summed[index] {
                continue;
            }
            self.piece = Some(piece);
            let stream = self.stream(Source::Columns { index, line });
            let sum = self.builder.load(stream, Stored::F32, Access::Cached);
            let sum = self.builder.add(sum, value);
            self.builder.store(stream, Stored::F32, Access::Cached, sum);
            own.push(index);
        }
        own
    }

    /// Ends the segment: values that others read are stored, and the code is made.
    fn close(
        mut self,
        readers: &Lists<usize>,
        isa: Isa,
        line: Option<usize>,
        book: &mut Book,
        summed: &mut [bool],
        steps: &mut Vec<Step>,
    ) {
        if self.instructions.is_empty() {
            return;
        }
        let own = self.sum_columns(line, summed);
        let left: Vec<Operand> = (0..summed.len())
            .filter(|index| !summed[*index] && !own.contains(index))
            .map(|index| self.program.columns[index].operand)
            .collect();
        let made = std::mem::take(&mut self.made);
        for register in (0..made.len() as u16).filter(|register| made[usize::from(*register)]) {
            let outside = |reader: &usize| match *reader {
                COLUMNS => left.contains(&Operand::Register(Register(register))),
                reader => self.instructions.binary_search(&reader).is_err(),
            };
            if !readers[usize::from(register)].iter().any(outside) {
                continue;
            }
            let dtype = self.program.registers[usize::from(register)].dtype;
            let stream = self.stream(Source::Register { register: Register(register), size: dtype.size() });
            match self.known[usize::from(register)].expect("what is made is known") {
                Known::Truth(truth) => self.builder.store_truth(stream, truth),
                Known::Number(value) => {
                    let stored = stored(dtype).expect("numbers of segments are stored as f32 or bf16");
                    self.builder.store(stream, stored, Access::Cached, value);
                }
            }
        }
        match self.builder.compile(isa, false, book) {
            Some(code) => {
                own.into_iter().for_each(|index| summed[index] = true);
                steps.push(Step::Compiled(Segment {
                    past_cache: self
                        .builder
                        .streams_stores()
                        .then(|| self.builder.compile(isa, true, book))
                        .flatten(),
                    code,
                    steps: match self.piece {
                        Some(piece) => {
                            self.streams.iter().map(|source| source.step(piece, self.program.row)).collect()
                        }
                        None => vec![None; self.streams.len()],
                    },
                    streams: self.streams,
                    level: self.level,
                    uniforms: self.uniforms,
                    reductions: self.reductions,
                    piece: self.piece,
                }));
            }
            None => steps.extend(self.instructions.into_iter().map(Step::Interpreted)),
        }
    }
}

impl Segment {
    /// The registers that the segment reads or writes in scratch memory.
    pub fn scratch_registers(&self) -> impl Iterator<Item = Register> + '_ {
        let read = self.streams.iter().filter_map(|source| match source {
            Source::Register { register, .. } | Source::RowRegister(register) => Some(*register),
            _ => None,
        });
        read.chain(self.reductions.iter().map(|(_, to)| *to))
    }
}

impl Segment {
    /// The code for these streams: past the caches where the targets allow it, are not read as well, and begin at whole
    /// lines.
    pub fn code(&self, streams: &[*mut u8]) -> &Code {
        let Some(past_cache) = &self.past_cache else { return &self.code };
        let with = |wanted: fn(&Source) -> bool| {
            self.streams.iter().zip(streams).filter(move |(source, _)| wanted(source)).map(|(_, at)| *at)
        };
        let targets = || with(|source| matches!(source, Source::Target { .. }));
        let read =
            |target: *mut u8| with(|source| matches!(source, Source::Memory { .. })).any(|at| at == target);
        if targets().all(|target| (target as usize).is_multiple_of(64) && !read(target)) {
            past_cache
        } else {
            &self.code
        }
    }
}

/// The reduction of a row from its lanes, halves first, as the interpreter does it.
pub(super) fn combine_lanes(op: ReduceOp, lanes: &mut [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            let (a, b) = (lanes[lane], lanes[lane + width]);
            lanes[lane] = match op {
                ReduceOp::Sum => a + b,
                ReduceOp::Product => a * b,
                ReduceOp::Max => a.larger(b),
                ReduceOp::Min => a.smaller(b),
            };
        }
        width /= 2;
    }
    lanes[0]
}
