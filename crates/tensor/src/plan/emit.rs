//! From a fused group to the program of its loop.

use smallvec::{SmallVec, smallvec};

use crate::{DType, Scalar};

use super::fuse::{Fusion, Group, Level};
use super::loops::{
    ColumnReduction, FillWith, InPlace, Instruction, LoopProgram, Operand, Pattern, Register, RegisterKind,
};
use super::program::Value;
use super::resolve::{Access, Computation, ElementOp, Resolved};

/// A loop with what it reads and writes.
pub(crate) struct Emitted {
    pub program: LoopProgram,
    pub reads: Vec<Value>,
    /// For each read, whether the loop touches element `i` only when it works on position (or row) `i`, so that the
    /// memory may be overwritten by an output of the same level.
    pub tile_local: Vec<Option<Level>>,
    pub writes: Vec<Value>,
    /// The level of each output; `None` for those of column reductions.
    pub write_levels: Vec<Option<Level>>,
}

struct Emitter<'a> {
    resolved: &'a Resolved,
    fusion: &'a Fusion,
    group_index: usize,
    group: &'a Group,
    row: usize,
    registers: Vec<RegisterKind>,
    in_place: Vec<InPlace>,
    setup: Vec<Instruction>,
    instructions: Vec<Instruction>,
    reads: Vec<Value>,
    tile_local: Vec<Option<Level>>,
    /// The register of each member so far, by ascending member.
    done: Vec<(u32, Register)>,
    /// Operands made for an access at a level.
    made: Vec<(Access, Level, Operand)>,
    fills: Vec<(Level, Scalar, Register)>,
}

/// The program of a group; `stored` says which members' values are needed outside.
pub(crate) fn emit(resolved: &Resolved, fusion: &Fusion, group_index: usize, stored: &[bool]) -> Emitted {
    let group = fusion.groups[group_index].as_ref().expect("groups in use exist");
    let size = group.members.len();
    let mut emitter = Emitter {
        resolved,
        fusion,
        group_index,
        group,
        row: group.row.unwrap_or(1),
        registers: Vec::with_capacity(size + 4),
        in_place: Vec::with_capacity(4),
        setup: Vec::new(),
        instructions: Vec::with_capacity(size + 4),
        reads: Vec::with_capacity(4),
        tile_local: Vec::with_capacity(4),
        done: Vec::with_capacity(size),
        made: Vec::with_capacity(size + 4),
        fills: Vec::new(),
    };
    let (mut writes, mut write_levels) = (Vec::with_capacity(4), Vec::with_capacity(4));
    let mut columns = Vec::new();
    // Stores come last: a store may overwrite memory that other instructions read in place.
    let mut stores = Vec::with_capacity(4);
    for member in group.members.iter().rev().copied() {
        let compute = &resolved.computes[member as usize];
        let dtype = compute.outputs[0].dtype;
        let level = fusion.level[member as usize];
        let value = Value { node: member, out: 0 };
        if let Computation::Reduce { op, inner: 2.., .. } = &compute.what {
            let operand = emitter.operand(&compute.inputs[0], Level::Position);
            if let Operand::Memory(index) = operand {
                // It is read after the stores, which must not have overwritten it.
                let source = emitter.in_place[usize::from(index)].source;
                emitter.tile_local[source] = None;
            }
            columns.push(ColumnReduction { op: *op, dtype, operand, target: writes.len() });
            writes.push(value);
            write_levels.push(None);
            continue;
        }
        let register = emitter.member(member);
        if stored[member as usize] {
            let operand = Operand::Register(register);
            stores.push(Instruction::Store { target: writes.len(), level, dtype, operand });
            writes.push(value);
            write_levels.push(Some(level));
        }
    }
    emitter.instructions.append(&mut stores);
    let Emitter { mut registers, in_place, setup, instructions, reads, tile_local, row, .. } = emitter;
    assign_homes(&mut registers, &instructions, &columns);
    let program = LoopProgram {
        elements: group.elements,
        row,
        form: group.form,
        registers,
        in_place,
        setup,
        instructions,
        columns,
    };
    Emitted { program, reads, tile_local, writes, write_levels }
}

impl Emitter<'_> {
    fn register(&mut self, level: Level, dtype: DType) -> Register {
        let number = self.registers.len() as u16;
        self.registers.push(RegisterKind { level, dtype, home: number });
        Register(number)
    }

    /// Emits a member of the group.
    fn member(&mut self, member: u32) -> Register {
        let compute = &self.resolved.computes[member as usize];
        let level = self.fusion.level[member as usize];
        let dtype = compute.outputs[0].dtype;
        let register = match &compute.what {
            Computation::Reduce { op, .. } => {
                let operand = self.operand(&compute.inputs[0], Level::Position);
                let to = self.register(Level::Row, dtype);
                self.instructions.push(Instruction::Reduce { op: *op, dtype, to, operand });
                to
            }
            Computation::Element(op) => self.element(*op, &compute.inputs, level, dtype),
            _ => unreachable!("only elements and reductions are fused"),
        };
        self.done.push((member, register));
        register
    }

    fn element(&mut self, op: ElementOp, inputs: &[Access], level: Level, dtype: DType) -> Register {
        match op {
            ElementOp::Map(map) => {
                let mut operands: SmallVec<[Operand; 3]> = SmallVec::new();
                inputs.iter().for_each(|access| operands.push(self.operand(access, level)));
                let operand_type = self.dtype_of(operands[operands.len() - 1]);
                let to = self.register(level, dtype);
                self.instructions.push(Instruction::Map { op: map, dtype: operand_type, to, operands });
                to
            }
            ElementOp::Cast | ElementOp::Copy => {
                let operand = self.operand(&inputs[0], level);
                let from = self.dtype_of(operand);
                if from == dtype
                    && let Operand::Register(register) = operand
                {
                    return register;
                }
                let to = self.register(level, dtype);
                self.instructions.push(Instruction::Cast { from, to, operand });
                to
            }
            ElementOp::Iota => {
                let to = self.register(level, dtype);
                let lengths = smallvec![self.group.elements / if level == Level::Row { self.row } else { 1 }];
                let pattern = Pattern { lengths, strides: smallvec![1], offset: 0 };
                self.instructions.push(Instruction::Iota { to, pattern: Box::new(pattern) });
                to
            }
            ElementOp::Constant(scalar) => self.fill(level, scalar),
            ElementOp::Number(number) => {
                let to = self.register(level, dtype);
                self.setup.push(Instruction::Fill { to, with: FillWith::Number(number) });
                to
            }
        }
    }

    fn dtype_of(&self, operand: Operand) -> DType {
        match operand {
            Operand::Register(register) => self.registers[usize::from(register.0)].dtype,
            Operand::Memory(index) => self.in_place[usize::from(index)].dtype,
        }
    }

    fn fill(&mut self, level: Level, scalar: Scalar) -> Register {
        if let Some((_, _, register)) =
            self.fills.iter().find(|(at, known, _)| *at == level && *known == scalar)
        {
            return *register;
        }
        let to = self.register(level, scalar.dtype());
        self.setup.push(Instruction::Fill { to, with: FillWith::Constant(scalar) });
        self.fills.push((level, scalar, to));
        to
    }

    /// The operand for reading `access` at a level.
    fn operand(&mut self, access: &Access, level: Level) -> Operand {
        if let Some((_, _, operand)) = self.made.iter().find(|(known, at, _)| at == &level && known == access)
        {
            return *operand;
        }
        let operand = self.make_operand(access, level);
        self.made.push((access.clone(), level, operand));
        operand
    }

    fn make_operand(&mut self, access: &Access, level: Level) -> Operand {
        let root = access.root.node;
        let compute = &self.resolved.computes[root as usize];
        let dtype = compute.outputs[usize::from(access.root.out)].dtype;
        if self.fusion.group_of[root as usize] == Some(self.group_index) {
            let done = self.done.binary_search_by_key(&root, |(member, _)| *member);
            let register = self.done[done.expect("members come before those that read them")].1;
            let own = self.fusion.level[root as usize];
            if own == level {
                return Operand::Register(register);
            }
            debug_assert!(own == Level::Row && level == Level::Position);
            let to = self.register(Level::Position, dtype);
            self.instructions.push(Instruction::Spread { to, operand: Operand::Register(register) });
            return Operand::Register(to);
        }
        if let Computation::Element(op) = compute.what
            && op.is_trivial()
            && self.fusion.group_of[root as usize].is_none()
        {
            if matches!(op, ElementOp::Iota) {
                let to = self.register(level, dtype);
                let (lengths, strides) = access.layout.collapsed();
                let pattern = Pattern { lengths, strides, offset: access.layout.offset };
                self.instructions.push(Instruction::Iota { to, pattern: Box::new(pattern) });
                return Operand::Register(to);
            }
            return Operand::Register(self.element(op, &[], level, dtype));
        }
        let flat = access.layout.is_contiguous();
        let source = self.read(access.root, flat.then_some(level));
        if flat {
            self.in_place.push(InPlace { source, dtype });
            return Operand::Memory((self.in_place.len() - 1) as u16);
        }
        let (lengths, strides) = access.layout.collapsed();
        if access.layout.elements() > 0 && strides.iter().all(|stride| *stride == 0) {
            let to = self.register(level, dtype);
            let with = FillWith::Element { source, offset: access.layout.offset };
            self.setup.push(Instruction::Fill { to, with });
            return Operand::Register(to);
        }
        let to = self.register(level, dtype);
        let pattern = Pattern { lengths, strides, offset: access.layout.offset };
        self.instructions.push(Instruction::Load { to, source, pattern: Box::new(pattern) });
        Operand::Register(to)
    }

    /// The index of `root` among what the loop reads.
    fn read(&mut self, root: Value, local: Option<Level>) -> usize {
        if let Some(known) = self.reads.iter().position(|read| *read == root) {
            if self.tile_local[known] != local {
                self.tile_local[known] = None;
            }
            return known;
        }
        self.reads.push(root);
        self.tile_local.push(local);
        self.reads.len() - 1
    }
}

/// Lets registers whose lives do not overlap share memory.
fn assign_homes(registers: &mut [RegisterKind], instructions: &[Instruction], columns: &[ColumnReduction]) {
    let mut last_use = vec![0usize; registers.len()];
    for (at, instruction) in instructions.iter().enumerate() {
        instruction.each_operand(|register| last_use[usize::from(register.0)] = at);
    }
    for column in columns {
        if let Operand::Register(register) = column.operand {
            last_use[usize::from(register.0)] = usize::MAX;
        }
    }
    let mut free: SmallVec<[(u16, Level, usize); 8]> = SmallVec::new();
    let mut live: SmallVec<[(usize, u16); 8]> = SmallVec::new();
    for (at, instruction) in instructions.iter().enumerate() {
        if matches!(instruction, Instruction::Fill { .. }) {
            continue;
        }
        let Some(Register(to)) = instruction.written() else { continue };
        let to = usize::from(to);
        // A result never shares with an operand of its own instruction: kernels see separate slices.
        live.retain(|(register, home)| {
            let ended = last_use[*register] < at;
            if ended {
                let kind = registers[*register];
                free.push((*home, kind.level, kind.dtype.size()));
            }
            !ended
        });
        let kind = registers[to];
        if let Some(found) = free.iter().position(|slot| (slot.1, slot.2) == (kind.level, kind.dtype.size()))
        {
            registers[to].home = free.swap_remove(found).0;
        }
        live.push((to, registers[to].home));
    }
}
