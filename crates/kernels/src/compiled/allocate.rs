//! From nodes to instructions: which register holds which value, and what lies on the stack meanwhile.
//!
//! Here is what both instruction sets share; what differs, loads, stores, truth values and reductions, is in
//! [`avx512`](super::avx512) and [`avx2`](super::avx2).

use super::assembler::*;
use super::{Access, Binary, Builder, Node, Reduction, Stream, Vector};

/// Masks of AVX-512 for truth values: all but 0, which means none, and the last, which is the rest's.
const MASKS: std::ops::Range<u8> = 1..7;
/// Bytes that reads of streams are asked for in advance: less than a page, and long enough ahead for memory.
const AHEAD: i32 = 2048;

/// Machine code with arguments in rdi (streams), rsi (numbers), rdx (constants), rcx (positions).
pub(super) struct Emitted {
    pub code: Vec<u8>,
    pub constants: Vec<u32>,
}

/// The number that changes nothing.
pub(super) fn neutral(reduction: Reduction) -> f32 {
    match reduction {
        Reduction::Sum => -0.0,
        Reduction::Max => f32::NEG_INFINITY,
        Reduction::Min => f32::INFINITY,
    }
}

fn operands(node: &Node) -> [Option<u32>; 3] {
    let of = |vectors: [Option<Vector>; 3]| vectors.map(|vector| vector.map(|Vector(number)| number));
    match *node {
        Node::Load(..) | Node::LoadTruth(_) | Node::Scalar(_) | Node::Uniform(_) | Node::Constant(_) => {
            of([None; 3])
        }
        Node::Binary(_, a, b) | Node::ChooseBits(_, a, b) | Node::Compare(_, a, b) => {
            of([Some(a), Some(b), None])
        }
        Node::MultiplyAdd(a, b, c) => of([Some(a), Some(b), Some(c)]),
        Node::SquareRoot(a) | Node::ShiftLeft(a, _) | Node::ShiftRight(a, _) | Node::Round(_, a) => {
            of([Some(a), None, None])
        }
        Node::Store(_, _, _, a) | Node::Reduce(_, _, a) => of([Some(a), None, None]),
        Node::Logic(_, a, b) => [Some(a.0), Some(b.0), None],
        Node::Not(a) | Node::StoreTruth(_, a) => [Some(a.0), None, None],
        Node::Select(truth, a, b) => [Some(truth.0), Some(a.0), Some(b.0)],
    }
}

/// The nodes that use each node, in order; nodes that nothing comes of use nothing.
pub(super) struct Uses {
    /// Where the uses of each node begin, and where those of the last end.
    starts: Vec<u32>,
    /// The uses of all nodes, one node after the other.
    all: Vec<u32>,
    /// Nodes that something comes of.
    needed: Vec<bool>,
}

impl Uses {
    fn new(nodes: &[Node]) -> Uses {
        let mut counts = vec![0u32; nodes.len()];
        let mut needed = vec![false; nodes.len()];
        for (at, node) in nodes.iter().enumerate().rev() {
            needed[at] = leaves_something(node) || counts[at] > 0;
            if needed[at] {
                for operand in operands(node).into_iter().flatten() {
                    counts[operand as usize] += 1;
                }
            }
        }
        let mut starts = Vec::with_capacity(nodes.len() + 1);
        starts.push(0);
        for count in counts {
            starts.push(starts[starts.len() - 1] + count);
        }
        let mut next = starts.clone();
        let mut all = vec![0; starts[nodes.len()] as usize];
        for (at, node) in nodes.iter().enumerate().filter(|(at, _)| needed[*at]) {
            for operand in operands(node).into_iter().flatten() {
                let place = &mut next[operand as usize];
                all[*place as usize] = at as u32;
                *place += 1;
            }
        }
        Uses { starts, all, needed }
    }

    pub fn of(&self, value: u32) -> &[u32] {
        let value = value as usize;
        &self.all[self.starts[value] as usize..self.starts[value + 1] as usize]
    }

    /// Whether something comes of a node.
    pub fn is_needed(&self, node: usize) -> bool {
        self.needed[node]
    }

    /// Whether nothing from node `from` on uses a value.
    fn end_before(&self, value: u32, from: usize) -> bool {
        self.of(value).last().is_none_or(|last| (*last as usize) < from)
    }

    /// The first node from `from` on that uses a value.
    fn next(&self, value: u32, from: usize) -> usize {
        self.of(value).iter().map(|at| *at as usize).find(|at| *at >= from).unwrap_or(usize::MAX)
    }
}

fn leaves_something(node: &Node) -> bool {
    matches!(node, Node::Store(..) | Node::StoreTruth(..) | Node::Reduce(..))
}

/// Which positions a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Whether it is the last, incomplete vector.
    pub rest: bool,
    /// Which half of sixteen positions, where a register holds eight.
    pub half: u8,
}

/// Code of a program under construction.
pub(super) struct Emission<'a> {
    pub nodes: &'a [Node],
    pub uses: Uses,
    pub constants: &'a [u32],
    pub assembler: Assembler,
    /// The register of each value, while it has one.
    register: Vec<Option<u8>>,
    /// The place on the stack of each value, once it has one.
    slot: Vec<Option<usize>>,
    slots: usize,
    /// The most slots that a body has needed.
    most_slots: usize,
    /// The register that keeps a number for all positions throughout, with AVX2.
    pub resident: Vec<Option<Register>>,
    /// Where numbers for all positions lie on the stack as whole vectors, with AVX2.
    pub spread: Vec<Option<i32>>,
    /// Bytes of the stack before the slots.
    pub before_slots: i32,
    /// The value in each register.
    owner: Vec<Option<u32>>,
    /// The truth value in each mask, with AVX-512.
    mask_owner: [Option<u32>; 8],
    /// Registers that the running node needs.
    pub pinned: Vec<u8>,
    at: usize,
    pub part: Part,
    pub past_cache: bool,
    /// How many reductions the program has.
    pub accumulators: usize,
}

impl<'a> Emission<'a> {
    pub fn new(builder: &'a Builder, encoding: Encoding, past_cache: bool) -> Emission<'a> {
        let nodes = &builder.nodes;
        Emission {
            nodes,
            uses: Uses::new(nodes),
            constants: &builder.constants,
            assembler: Assembler::new(encoding),
            register: vec![None; nodes.len()],
            slot: vec![None; nodes.len()],
            slots: 0,
            most_slots: 0,
            resident: vec![None; nodes.len()],
            spread: vec![None; nodes.len()],
            before_slots: 0,
            owner: Vec::new(),
            mask_owner: [None; 8],
            pinned: Vec::new(),
            at: 0,
            part: Part { rest: false, half: 0 },
            past_cache,
            accumulators: builder.accumulators.len(),
        }
    }

    /// Ends the function whose stack was reserved at `stack`: it is as deep as the bodies have asked for.
    pub fn finish(mut self, stack: Place) -> Vec<u8> {
        let bytes = self.before_slots + self.most_slots as i32 * self.assembler.encoding.vector_bytes();
        self.assembler.set_stack(stack, bytes);
        if self.past_cache {
            self.assembler.fence_stores();
        }
        self.assembler.finish();
        self.assembler.code
    }

    /// The instructions for one vector of positions, with values in the lowest `registers` registers.
    pub fn body(&mut self, part: Part, registers: u8) -> Option<()> {
        self.part = part;
        self.register.fill(None);
        self.slot.fill(None);
        self.slots = 0;
        self.owner.clear();
        self.owner.resize(usize::from(registers), None);
        self.mask_owner = [None; 8];
        for at in 0..self.nodes.len() {
            if !self.uses.is_needed(at) {
                continue;
            }
            self.at = at;
            self.pinned.clear();
            self.node(at)?;
            self.release(at + 1);
        }
        self.most_slots = self.most_slots.max(self.slots);
        Some(())
    }

    /// Gives back the registers of values that are not used from here on.
    fn release(&mut self, from: usize) {
        for register in 0..self.owner.len() {
            if let Some(value) = self.owner[register]
                && self.uses.end_before(value, from)
            {
                self.owner[register] = None;
                self.register[value as usize] = None;
            }
        }
        for mask in MASKS {
            if let Some(value) = self.mask_owner[mask as usize]
                && self.uses.end_before(value, from)
            {
                self.mask_owner[mask as usize] = None;
            }
        }
    }

    /// The most values that are alive at a time, numbers for all positions aside.
    pub fn pressure(&self) -> usize {
        let mut ends = vec![0; self.nodes.len()];
        let (mut alive, mut most) = (0, 0);
        for at in 0..self.nodes.len() {
            if !self.is_rematerialised(at as u32)
                && let Some(last) = self.uses.of(at as u32).last()
            {
                ends[*last as usize] += 1;
                alive += 1;
                most = most.max(alive);
            }
            alive -= ends[at];
        }
        most
    }

    /// A number for all lanes, as an operand.
    fn for_all_lanes(&mut self, Vector(value): Vector) -> Option<Source> {
        if let Some(register) = self.resident[value as usize] {
            return Some(Source::Register(register));
        }
        if self.register[value as usize].is_some() {
            return None;
        }
        match (self.nodes[value as usize], self.assembler.encoding) {
            (Node::Constant(index), _) => Some(self.constant_at(index as usize)),
            (Node::Uniform(index), Encoding::Evex512) => {
                Some(Source::Broadcast(General::Rsi, 4 * index as i32))
            }
            (Node::Scalar(Stream(stream)), Encoding::Evex512) => {
                self.assembler.load_pointer(stream as usize);
                Some(Source::Broadcast(General::Rax, 0))
            }
            (Node::Uniform(_) | Node::Scalar(_), Encoding::Vex256) => {
                self.spread[value as usize].map(|offset| Source::Memory(General::Rsp, offset))
            }
            _ => None,
        }
    }

    fn constant_at(&self, index: usize) -> Source {
        match self.assembler.encoding {
            Encoding::Evex512 => Source::Broadcast(General::Rdx, 4 * index as i32),
            Encoding::Vex256 => Source::Memory(General::Rdx, 32 * index as i32),
        }
    }

    pub fn constant(&self, bits: u32) -> Option<Source> {
        let index = self.constants.iter().position(|constant| *constant == bits)?;
        Some(self.constant_at(index))
    }

    pub fn is_rematerialised(&self, value: u32) -> bool {
        matches!(self.nodes[value as usize], Node::Constant(_) | Node::Uniform(_) | Node::Scalar(_))
    }

    /// A register that is free, if need be by moving a value that is used late to the stack.
    pub fn free_register(&mut self) -> Register {
        if let Some(free) =
            (0..self.owner.len()).find(|r| self.owner[*r].is_none() && !self.pinned.contains(&(*r as u8)))
        {
            return Register(free as u8);
        }
        let evictable = (0..self.owner.len()).filter(|register| !self.pinned.contains(&(*register as u8)));
        let register = evictable
            .max_by_key(|register| self.owner[*register].map_or(0, |value| self.uses.next(value, self.at)))
            .expect("a node pins fewer registers than there are");
        let value = self.owner[register].take().expect("no register is free");
        self.register[value as usize] = None;
        if !self.is_rematerialised(value) && self.slot[value as usize].is_none() {
            self.slot[value as usize] = Some(self.slots);
            let place = self.stack(self.slots);
            self.slots += 1;
            self.assembler.vector(MOVE_STORE, register as u8, 0, place);
        }
        Register(register as u8)
    }

    fn stack(&self, slot: usize) -> Source {
        let bytes = self.assembler.encoding.vector_bytes();
        Source::Memory(General::Rsp, self.before_slots + bytes * slot as i32)
    }

    pub fn own(&mut self, value: u32, Register(register): Register) {
        self.owner[register as usize] = Some(value);
        self.register[value as usize] = Some(register);
    }

    /// The register of an operand, which is brought into one if it is in none.
    pub fn operand(&mut self, vector: Vector) -> Register {
        let Vector(value) = vector;
        if let Some(register) = self.resident[value as usize] {
            return register;
        }
        if let Some(register) = self.register[value as usize] {
            self.pinned.push(register);
            return Register(register);
        }
        let source = match self.slot[value as usize] {
            Some(slot) => self.stack(slot),
            None => self.for_all_lanes(vector).expect("a value is in a register, on the stack, or constant"),
        };
        // Looking for a register may store another one, but needs no general register.
        let register = self.free_register();
        self.bring(register, source);
        self.own(value, register);
        self.pinned.push(register.0);
        register
    }

    /// An operand that may be read from memory.
    pub fn source(&mut self, vector: Vector) -> Source {
        match self.for_all_lanes(vector) {
            Some(source) => source,
            None => Source::Register(self.operand(vector)),
        }
    }

    /// The register of the result of the running node: operands that are used for the last time may be overwritten.
    pub fn target(&mut self) -> Register {
        self.release(self.at + 1);
        let pinned = std::mem::take(&mut self.pinned);
        // Only operands that live on stay pinned.
        self.pinned =
            pinned.into_iter().filter(|register| self.owner[*register as usize].is_some()).collect();
        let register = self.free_register();
        self.own(self.at as u32, register);
        self.pinned.push(register.0);
        register
    }

    /// Makes a register hold the result of the running node.
    pub fn own_result(&mut self, register: Register) {
        self.own(self.at as u32, register);
    }

    fn dies(&self, Vector(value): Vector) -> bool {
        self.uses.end_before(value, self.at + 1)
    }

    pub fn free_mask(&mut self) -> Option<K> {
        let free = MASKS.into_iter().find(|mask| self.mask_owner[*mask as usize].is_none())?;
        Some(K(free))
    }

    pub fn mask_of(&self, value: u32) -> K {
        let found = MASKS.into_iter().find(|mask| self.mask_owner[*mask as usize] == Some(value));
        K(found.expect("a truth value has a mask until its last use"))
    }

    pub fn mask_target(&mut self) -> Option<K> {
        self.release(self.at + 1);
        let mask = self.free_mask()?;
        self.mask_owner[mask.0 as usize] = Some(self.at as u32);
        Some(mask)
    }

    fn node(&mut self, at: usize) -> Option<()> {
        match self.nodes[at] {
            // Read where they are used.
            Node::Scalar(_) | Node::Uniform(_) | Node::Constant(_) => {}
            Node::Binary(operation, a, b) => {
                let swap =
                    operation.commutes() && self.is_rematerialised(a.0) && !self.is_rematerialised(b.0);
                let (a, b) = if swap { (b, a) } else { (a, b) };
                let first = self.operand(a);
                let second = self.source(b);
                let target = self.target();
                let opcode = match operation {
                    Binary::Add => ADD,
                    Binary::Subtract => SUBTRACT,
                    Binary::Multiply => MULTIPLY,
                    Binary::Divide => DIVIDE,
                    Binary::Larger => MAXIMUM,
                    Binary::Smaller => MINIMUM,
                    Binary::And => AND,
                    Binary::Or => OR,
                    Binary::Xor => XOR,
                    Binary::AddIntegers => ADD_INTEGERS,
                    Binary::Scale | Binary::ScaleNormal => SCALE,
                };
                self.assembler.vector(opcode, target.0, first.0, second);
            }
            Node::MultiplyAdd(a, b, c) => self.multiply_add(a, b, c),
            Node::SquareRoot(a) => {
                let source = self.source(a);
                let target = self.target();
                self.assembler.vector(SQUARE_ROOT, target.0, 0, source);
            }
            Node::ShiftLeft(a, by) | Node::ShiftRight(a, by) => {
                let source = self.operand(a);
                let target = self.target();
                let direction =
                    if matches!(self.nodes[at], Node::ShiftLeft(..)) { Shift::Left } else { Shift::Right };
                self.shift(direction, target, source, by);
            }
            Node::Round(rounding, a) => {
                let source = self.operand(a);
                let target = self.target();
                let source = Source::Register(source);
                self.assembler.vector_immediate(ROUND, target.0, 0, source, rounding as u8);
            }
            node => match self.assembler.encoding {
                Encoding::Evex512 => self.avx512_node(node)?,
                Encoding::Vex256 => self.avx2_node(node)?,
            },
        }
        Some(())
    }

    /// Asks for what will be read after the positions of the body, in a stream at rax.
    pub fn ask_ahead(&mut self, access: Access, scale: u8) {
        match access {
            _ if self.part != (Part { rest: false, half: 0 }) => {}
            Access::Cached => {}
            Access::Streamed => self.assembler.prefetch(scale, AHEAD, 1),
            Access::Before(bytes) => self.assembler.prefetch(scale, bytes as i32, 2),
        }
    }

    /// Reads a vector, or a number for all lanes.
    pub fn bring(&mut self, target: Register, source: Source) {
        match source {
            // The instruction repeats the number by itself.
            Source::Broadcast(base, offset) => {
                self.assembler.vector(BROADCAST, target.0, 0, Source::Memory(base, offset));
            }
            source => self.assembler.vector(MOVE_LOAD, target.0, 0, source),
        }
    }

    pub fn shift(&mut self, direction: Shift, target: Register, source: Register, by: u8) {
        // The target stands where other instructions have the second operand.
        let extension = direction as u8;
        self.assembler.vector_immediate(SHIFT_IMMEDIATE, extension, target.0, Source::Register(source), by);
    }

    fn multiply_add(&mut self, a: Vector, b: Vector, c: Vector) {
        // A factor that dies becomes the target, else the addend if it dies, else a copy of a factor.
        let (a, b) = if !self.is_rematerialised(b.0) && (self.dies(b) || self.is_rematerialised(a.0)) {
            (b, a)
        } else {
            (a, b)
        };
        let first = self.operand(a);
        if !self.dies(a) && self.dies(c) && !self.is_rematerialised(c.0) && c != a && c != b {
            let sum = self.operand(c);
            let factor = self.source(b);
            self.release(self.at + 1);
            self.assembler.vector(MULTIPLY_ADD_231, sum.0, first.0, factor);
            self.own(self.at as u32, sum);
            return;
        }
        let second = self.operand(b);
        let third = self.source(c);
        let overwrites = self.dies(a) && a != b && a != c && !self.is_rematerialised(a.0);
        let target = if overwrites {
            self.release(self.at + 1);
            self.own(self.at as u32, first);
            first
        } else {
            let target = self.free_register();
            self.assembler.vector(MOVE, target.0, 0, Source::Register(first));
            self.own(self.at as u32, target);
            target
        };
        self.assembler.vector(MULTIPLY_ADD_213, target.0, second.0, third);
    }
}
