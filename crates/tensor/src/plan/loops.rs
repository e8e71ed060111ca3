//! The loop of a fused group, as a small register program over tiles.
//!
//! A device runs the instructions over stretches of the domain: those of the position level on vectors of as many
//! elements as the stretch has positions, those of the row level on one element per row. The program says nothing of
//! how long the stretches are or who runs them.

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use crate::ops::map::MapOp;
use crate::ops::reduce::ReduceOp;
use crate::{DType, Scalar};

use super::fuse::{Form, Level};
use super::layout::Strides;

/// A register: a vector of one element per position or per row of a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Register(pub u16);

/// How a register looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RegisterKind {
    pub level: Level,
    pub dtype: DType,
    /// Registers with equal numbers share memory: their lives do not overlap.
    pub home: u16,
}

/// Where the elements of a view lie: by lengths and strides, outermost first, from an offset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pattern {
    pub lengths: SmallVec<[usize; 6]>,
    pub strides: Strides,
    pub offset: isize,
}

/// An operand: a register, or memory that is read in place because it is contiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operand {
    Register(Register),
    /// Index into [`LoopProgram::in_place`].
    Memory(u16),
}

/// Contiguous memory that instructions read directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct InPlace {
    pub source: usize,
    pub dtype: DType,
}

/// One step; its level is that of the register it writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Instruction {
    Fill {
        to: Register,
        with: FillWith,
    },
    /// Reads the `source`-th of what the kernel reads.
    Load {
        to: Register,
        source: usize,
        pattern: Box<Pattern>,
    },
    /// Where a load with this pattern would read, as a number.
    Iota {
        to: Register,
        pattern: Box<Pattern>,
    },
    Map {
        op: MapOp,
        dtype: DType,
        to: Register,
        operands: SmallVec<[Operand; 3]>,
    },
    Cast {
        from: DType,
        to: Register,
        operand: Operand,
    },
    /// A row value from values per position.
    Reduce {
        op: ReduceOp,
        dtype: DType,
        to: Register,
        operand: Operand,
    },
    /// Values per position from a row value.
    Spread {
        to: Register,
        operand: Operand,
    },
    /// Writing to the `target`-th output, contiguously.
    Store {
        target: usize,
        level: Level,
        dtype: DType,
        operand: Operand,
    },
}

impl Instruction {
    /// Calls `each` with the registers that it reads.
    pub fn each_operand(&self, mut each: impl FnMut(Register)) {
        let mut register = |operand: &Operand| {
            if let Operand::Register(register) = operand {
                each(*register);
            }
        };
        match self {
            Instruction::Map { operands, .. } => operands.iter().for_each(register),
            Instruction::Cast { operand, .. }
            | Instruction::Reduce { operand, .. }
            | Instruction::Spread { operand, .. }
            | Instruction::Store { operand, .. } => register(operand),
            Instruction::Fill { .. } | Instruction::Load { .. } | Instruction::Iota { .. } => {}
        }
    }

    /// Whether it reads a register of which `is` says yes.
    pub fn reads(&self, is: impl Fn(Register) -> bool) -> bool {
        let mut found = false;
        self.each_operand(|register| found |= is(register));
        found
    }

    /// The register that it writes.
    pub fn written(&self) -> Option<Register> {
        match self {
            Instruction::Fill { to, .. }
            | Instruction::Load { to, .. }
            | Instruction::Iota { to, .. }
            | Instruction::Map { to, .. }
            | Instruction::Cast { to, .. }
            | Instruction::Reduce { to, .. }
            | Instruction::Spread { to, .. } => Some(*to),
            Instruction::Store { .. } => None,
        }
    }
}

/// What a fixed register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FillWith {
    Constant(Scalar),
    /// A number given at run time.
    Number(u32),
    /// The element at `offset` of a source.
    Element {
        source: usize,
        offset: isize,
    },
}

/// A column reduction at the end of a loop: `target[outer, inner]` from `operand[outer, length, inner]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ColumnReduction {
    pub op: ReduceOp,
    pub dtype: DType,
    pub operand: Operand,
    pub target: usize,
}

/// A fused loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoopProgram {
    /// Positions of the domain.
    pub elements: usize,
    /// Positions of a row, 1 if there are no rows.
    pub row: usize,
    pub form: Form,
    pub registers: Vec<RegisterKind>,
    pub in_place: Vec<InPlace>,
    /// Steps done once before all stretches.
    pub setup: Vec<Instruction>,
    pub instructions: Vec<Instruction>,
    pub columns: Vec<ColumnReduction>,
}

impl Hash for LoopProgram {
    /// What tells nearly all programs apart; whether two are equal costs as much to find out as to hash all of one.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.elements, self.row, self.instructions.len(), self.registers.len()).hash(state);
        for instruction in &self.instructions {
            if let Instruction::Map { op, .. } = instruction {
                op.hash(state);
            }
        }
    }
}

impl LoopProgram {
    /// Arithmetic operations of one run.
    pub fn operations(&self) -> usize {
        let rows = self.elements / self.row.max(1);
        let one = |instruction: &Instruction| match instruction {
            Instruction::Map { to, .. } | Instruction::Cast { to, .. } => {
                if self.registers[usize::from(to.0)].level == Level::Row { rows } else { self.elements }
            }
            Instruction::Reduce { .. } => self.elements,
            _ => 0,
        };
        self.instructions.iter().map(one).sum::<usize>() + self.columns.len() * self.elements
    }
}
