//! From nodes to instructions: which register holds which value, and what lies on the stack meanwhile.

use super::assembler::*;
use super::{Access, Binary, Logic, Node, Reduction, Stored, Stream, Vector};

/// The mask of the last, incomplete vector.
const TAIL: K = K(7);
/// Masks for truth values: all but 0, which means none, and the tail.
const MASKS: std::ops::Range<u8> = 1..7;
/// Vector registers.
const REGISTERS: u8 = 32;
/// Bytes that reads of streams are asked for in advance: less than a page, and long enough ahead for memory.
const AHEAD: i32 = 2048;
/// The most reductions of a program, each of which keeps a register.
const MOST_REDUCTIONS: usize = 12;

/// The machine code of a program with arguments in rdi (streams), rsi (numbers), rdx (constants), rcx (positions).
pub(super) fn emit(
    nodes: &[Node],
    accumulators: &[(Reduction, Stream)],
    constants: &[u32],
    past_cache: bool,
) -> Option<Vec<u8>> {
    if accumulators.len() > MOST_REDUCTIONS {
        return None;
    }
    let uses = uses(nodes);
    let mut first = Emission::new(nodes, &uses, accumulators.len(), constants, past_cache);
    // The stack is as deep as the body asks for, which is known only afterwards: the body is made once to see.
    first.body(false)?;
    let frame = first.slots as i32 * 64;

    let mut emission = Emission::new(nodes, &uses, accumulators.len(), constants, past_cache);
    emission.assembler.reserve_stack(frame);
    for (number, (reduction, _)) in accumulators.iter().enumerate() {
        let bits = match reduction {
            Reduction::Sum => -0.0f32,
            Reduction::Max => f32::NEG_INFINITY,
            Reduction::Min => f32::INFINITY,
        };
        let index = constants.iter().position(|constant| *constant == bits.to_bits())?;
        let neutral = Source::Broadcast(General::Rdx, 4 * index as i32);
        emission.bring(accumulator(number), neutral, Masking::None);
    }
    emission.assembler.zero_index();
    let again = emission.assembler.here();
    let rest = emission.assembler.jump_if_less_than_a_vector_is_left();
    emission.body(false)?;
    emission.assembler.advance_index();
    emission.assembler.jump_to(again);
    emission.assembler.land(rest);
    let end = emission.assembler.count_rest_and_jump_if_none();
    emission.assembler.mask_of_rest(TAIL);
    emission.body(true)?;
    emission.assembler.land(end);
    for (number, (_, stream)) in accumulators.iter().enumerate() {
        emission.assembler.load_pointer(stream.0 as usize);
        let place = Source::Memory(General::Rax, 0);
        emission.assembler.vector(MOVE_STORE, accumulator(number).0, 0, place, Masking::None);
    }
    if past_cache {
        emission.assembler.fence_stores();
    }
    emission.assembler.reserve_stack(-frame);
    emission.assembler.finish();
    Some(emission.assembler.code)
}

fn accumulator(number: usize) -> Zmm {
    Zmm(REGISTERS - 1 - number as u8)
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
fn uses(nodes: &[Node]) -> Vec<Vec<usize>> {
    let mut uses = vec![Vec::new(); nodes.len()];
    for (at, node) in nodes.iter().enumerate().rev() {
        if is_needed(node, &uses[at]) {
            for operand in operands(node).into_iter().flatten() {
                uses[operand as usize].push(at);
            }
        }
    }
    uses.iter_mut().for_each(|uses| uses.reverse());
    uses
}

fn is_needed(node: &Node, uses: &[usize]) -> bool {
    matches!(node, Node::Store(..) | Node::StoreTruth(..) | Node::Reduce(..)) || !uses.is_empty()
}

struct Emission<'a> {
    nodes: &'a [Node],
    uses: &'a [Vec<usize>],
    constants: &'a [u32],
    assembler: Assembler,
    /// The register of each value, while it has one.
    register: Vec<Option<u8>>,
    /// The place on the stack of each value, once it has one.
    slot: Vec<Option<usize>>,
    slots: usize,
    /// The value in each register.
    owner: Vec<Option<u32>>,
    /// The truth value in each mask.
    mask_owner: [Option<u32>; 8],
    /// Registers that the running node needs.
    pinned: Vec<u8>,
    at: usize,
    tail: bool,
    past_cache: bool,
}

impl<'a> Emission<'a> {
    fn new(
        nodes: &'a [Node],
        uses: &'a [Vec<usize>],
        accumulators: usize,
        constants: &'a [u32],
        past_cache: bool,
    ) -> Emission<'a> {
        Emission {
            nodes,
            uses,
            constants,
            assembler: Assembler::default(),
            register: vec![None; nodes.len()],
            slot: vec![None; nodes.len()],
            slots: 0,
            owner: vec![None; REGISTERS as usize - accumulators],
            mask_owner: [None; 8],
            pinned: Vec::new(),
            at: 0,
            tail: false,
            past_cache,
        }
    }

    /// The instructions for one vector of positions.
    fn body(&mut self, tail: bool) -> Option<()> {
        self.tail = tail;
        self.register.fill(None);
        self.slot.fill(None);
        self.slots = 0;
        self.owner.fill(None);
        self.mask_owner = [None; 8];
        for at in 0..self.nodes.len() {
            if !is_needed(&self.nodes[at], &self.uses[at]) {
                continue;
            }
            self.at = at;
            self.pinned.clear();
            self.node(at)?;
            self.release(at + 1);
        }
        Some(())
    }

    fn next_use(&self, value: u32, from: usize) -> usize {
        let uses = &self.uses[value as usize];
        uses.get(uses.partition_point(|at| *at < from)).copied().unwrap_or(usize::MAX)
    }

    /// Gives back the registers of values that are not used from here on.
    fn release(&mut self, from: usize) {
        for register in 0..self.owner.len() {
            if let Some(value) = self.owner[register]
                && self.next_use(value, from) == usize::MAX
            {
                self.owner[register] = None;
                self.register[value as usize] = None;
            }
        }
        for mask in MASKS {
            if let Some(value) = self.mask_owner[mask as usize]
                && self.next_use(value, from) == usize::MAX
            {
                self.mask_owner[mask as usize] = None;
            }
        }
    }

    /// A constant in memory that can be an operand for all lanes.
    fn broadcast(&mut self, Vector(value): Vector) -> Option<Source> {
        if self.register[value as usize].is_some() {
            return None;
        }
        match self.nodes[value as usize] {
            Node::Constant(index) => Some(Source::Broadcast(General::Rdx, 4 * index as i32)),
            Node::Uniform(index) => Some(Source::Broadcast(General::Rsi, 4 * index as i32)),
            Node::Scalar(Stream(stream)) => {
                self.assembler.load_pointer(stream as usize);
                Some(Source::Broadcast(General::Rax, 0))
            }
            _ => None,
        }
    }

    fn is_rematerialised(&self, value: u32) -> bool {
        matches!(self.nodes[value as usize], Node::Constant(_) | Node::Uniform(_) | Node::Scalar(_))
    }

    /// A register that is free, if need be by moving a value that is used late to the stack.
    fn free_register(&mut self) -> Zmm {
        if let Some(free) =
            (0..self.owner.len()).find(|r| self.owner[*r].is_none() && !self.pinned.contains(&(*r as u8)))
        {
            return Zmm(free as u8);
        }
        let evictable = (0..self.owner.len()).filter(|register| !self.pinned.contains(&(*register as u8)));
        let register = evictable
            .max_by_key(|register| self.owner[*register].map_or(0, |value| self.next_use(value, self.at)))
            .expect("a node pins fewer registers than there are");
        let value = self.owner[register].take().expect("no register is free");
        self.register[value as usize] = None;
        if !self.is_rematerialised(value) && self.slot[value as usize].is_none() {
            self.slot[value as usize] = Some(self.slots);
            let place = Source::Memory(General::Rsp, 64 * self.slots as i32);
            self.slots += 1;
            self.assembler.vector(MOVE_STORE, register as u8, 0, place, Masking::None);
        }
        Zmm(register as u8)
    }

    fn own(&mut self, value: u32, Zmm(register): Zmm) {
        self.owner[register as usize] = Some(value);
        self.register[value as usize] = Some(register);
    }

    /// The register of an operand, which is brought into one if it is in none.
    fn operand(&mut self, vector: Vector) -> Zmm {
        let Vector(value) = vector;
        if let Some(register) = self.register[value as usize] {
            self.pinned.push(register);
            return Zmm(register);
        }
        let source = match self.slot[value as usize] {
            Some(slot) => Source::Memory(General::Rsp, 64 * slot as i32),
            None => self.broadcast(vector).expect("a value is in a register, on the stack, or constant"),
        };
        // Looking for a register may store another one, but needs no general register.
        let register = self.free_register();
        self.bring(register, source, Masking::None);
        self.own(value, register);
        self.pinned.push(register.0);
        register
    }

    /// An operand that may be read from memory.
    fn source(&mut self, vector: Vector) -> Source {
        match self.broadcast(vector) {
            Some(source) => source,
            None => Source::Register(self.operand(vector)),
        }
    }

    /// The register of the result of the running node: operands that are used for the last time may be overwritten.
    fn target(&mut self) -> Zmm {
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

    fn dies(&self, Vector(value): Vector) -> bool {
        self.next_use(value, self.at + 1) == usize::MAX
    }

    fn free_mask(&mut self) -> Option<K> {
        let free = MASKS.into_iter().find(|mask| self.mask_owner[*mask as usize].is_none())?;
        Some(K(free))
    }

    fn mask_of(&self, value: u32) -> K {
        let found = MASKS.into_iter().find(|mask| self.mask_owner[*mask as usize] == Some(value));
        K(found.expect("a truth value has a mask until its last use"))
    }

    fn mask_target(&mut self) -> Option<K> {
        self.release(self.at + 1);
        let mask = self.free_mask()?;
        self.mask_owner[mask.0 as usize] = Some(self.at as u32);
        Some(mask)
    }

    fn loading(&self) -> Masking {
        if self.tail { Masking::Zero(TAIL) } else { Masking::None }
    }

    fn storing(&self) -> Masking {
        if self.tail { Masking::Merge(TAIL) } else { Masking::None }
    }

    fn constant(&self, bits: u32) -> Option<Source> {
        let index = self.constants.iter().position(|constant| *constant == bits)?;
        Some(Source::Broadcast(General::Rdx, 4 * index as i32))
    }

    fn node(&mut self, at: usize) -> Option<()> {
        match self.nodes[at] {
            // Read where they are used.
            Node::Scalar(_) | Node::Uniform(_) | Node::Constant(_) => {}
            Node::Load(Stream(stream), stored, access) => {
                let target = self.target();
                self.assembler.load_pointer(stream as usize);
                let masking = self.loading();
                if access == Access::Streamed && !self.tail {
                    self.assembler.prefetch(if stored == Stored::F32 { 2 } else { 1 }, AHEAD);
                }
                match stored {
                    Stored::F32 => {
                        self.assembler.vector(MOVE_LOAD, target.0, 0, Source::Indexed(2), masking);
                    }
                    Stored::Bf16 => {
                        self.assembler.vector(WIDEN_WORDS, target.0, 0, Source::Indexed(1), masking);
                        self.shift(6, target, target, 16);
                    }
                }
            }
            Node::LoadTruth(Stream(stream)) => {
                let mask = self.mask_target()?;
                let bytes = self.free_register();
                self.assembler.load_pointer(stream as usize);
                let masking = self.loading();
                self.assembler.vector(WIDEN_BYTES, bytes.0, 0, Source::Indexed(0), masking);
                let source = Source::Register(bytes);
                self.assembler.vector(TEST_INTEGERS, mask.0, bytes.0, source, Masking::None);
            }
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
                    Binary::Scale => SCALE,
                };
                self.assembler.vector(opcode, target.0, first.0, second, Masking::None);
            }
            Node::MultiplyAdd(a, b, c) => self.multiply_add(a, b, c),
            Node::SquareRoot(a) => {
                let source = self.source(a);
                let target = self.target();
                self.assembler.vector(SQUARE_ROOT, target.0, 0, source, Masking::None);
            }
            Node::ShiftLeft(a, by) | Node::ShiftRight(a, by) => {
                let source = self.operand(a);
                let target = self.target();
                let extension = if matches!(self.nodes[at], Node::ShiftLeft(..)) { 6 } else { 2 };
                self.shift(extension, target, source, by);
            }
            Node::Round(rounding, a) => {
                let source = self.operand(a);
                let target = self.target();
                let source = Source::Register(source);
                self.assembler.vector_immediate(ROUND_SCALE, target.0, 0, source, rounding as u8);
            }
            Node::ChooseBits(mask, a, b) => {
                let (first, second) = (self.operand(a), self.operand(b));
                // The target starts as the mask, so it must be neither operand.
                let target = self.free_register();
                let mask = Source::Broadcast(General::Rdx, 4 * mask as i32);
                self.bring(target, mask, Masking::None);
                let second = Source::Register(second);
                self.assembler.vector_immediate(TERNARY_LOGIC, target.0, first.0, second, CHOOSE_BITS);
                self.own(at as u32, target);
            }
            Node::Compare(comparison, a, b) => {
                let first = self.operand(a);
                let second = self.source(b);
                let mask = self.mask_target()?;
                self.assembler.vector_immediate(COMPARE, mask.0, first.0, second, comparison as u8);
            }
            Node::Logic(logic, a, b) => {
                let (first, second) = (self.mask_of(a.0), self.mask_of(b.0));
                let mask = self.mask_target()?;
                let opcode = match logic {
                    Logic::And => MaskOpcode::And,
                    Logic::Or => MaskOpcode::Or,
                    Logic::Xor => MaskOpcode::Xor,
                };
                self.assembler.masks(opcode, mask, first, second);
            }
            Node::Not(a) => {
                let source = self.mask_of(a.0);
                let mask = self.mask_target()?;
                self.assembler.mask_not(mask, source);
            }
            Node::Select(truth, a, b) => {
                let mask = self.mask_of(truth.0);
                let otherwise = self.operand(b);
                let chosen = self.source(a);
                let target = self.target();
                self.assembler.vector(BLEND, target.0, otherwise.0, chosen, Masking::Merge(mask));
            }
            Node::Store(Stream(stream), stored, access, a) => {
                let value = self.operand(a);
                let masking = self.storing();
                match stored {
                    Stored::F32 => {
                        self.assembler.load_pointer(stream as usize);
                        // Past the cache there are whole vectors only.
                        let past = self.past_cache && access == Access::Streamed && !self.tail;
                        let opcode = if past { MOVE_PAST_CACHE } else { MOVE_STORE };
                        self.assembler.vector(opcode, value.0, 0, Source::Indexed(2), masking);
                    }
                    Stored::Bf16 => {
                        let rounded = self.round_to_bf16(value)?;
                        self.assembler.load_pointer(stream as usize);
                        self.assembler.vector(NARROW_TO_WORDS, rounded.0, 0, Source::Indexed(1), masking);
                    }
                }
            }
            Node::StoreTruth(Stream(stream), truth) => {
                let mask = self.mask_of(truth.0);
                let bytes = self.free_register();
                let one = self.constant(1)?;
                self.bring(bytes, one, Masking::Zero(mask));
                self.assembler.load_pointer(stream as usize);
                let masking = self.storing();
                self.assembler.vector(NARROW_TO_BYTES, bytes.0, 0, Source::Indexed(0), masking);
            }
            Node::Reduce(reduction, number, a) => {
                let value = self.operand(a);
                let sum = accumulator(number as usize);
                let masking = self.storing();
                let opcode = match reduction {
                    Reduction::Sum => {
                        self.assembler.vector(ADD, sum.0, sum.0, Source::Register(value), masking);
                        return Some(());
                    }
                    Reduction::Max => MAXIMUM,
                    Reduction::Min => MINIMUM,
                };
                // The instruction gives its second operand where one is NaN: NaN in the sum stays, NaN in the value
                // has to be brought in.
                let mask = self.free_mask()?;
                let source = Source::Register(value);
                let unordered = super::Comparison::Unordered as u8;
                self.assembler.vector_immediate(COMPARE, mask.0, value.0, source, unordered);
                let extreme = self.free_register();
                self.assembler.vector(opcode, extreme.0, value.0, Source::Register(sum), Masking::None);
                self.assembler.vector(BLEND, extreme.0, extreme.0, source, Masking::Merge(mask));
                self.assembler.vector(MOVE, sum.0, 0, Source::Register(extreme), masking);
            }
        }
        Some(())
    }

    /// Reads a vector, or a number for all lanes.
    fn bring(&mut self, target: Zmm, source: Source, masking: Masking) {
        match source {
            // The instruction repeats the number by itself.
            Source::Broadcast(base, offset) => {
                self.assembler.vector(BROADCAST, target.0, 0, Source::Memory(base, offset), masking);
            }
            source => self.assembler.vector(MOVE_LOAD, target.0, 0, source, masking),
        }
    }

    fn shift(&mut self, extension: u8, target: Zmm, source: Zmm, by: u8) {
        // The target stands where other instructions have the second operand.
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
            self.assembler.vector(MULTIPLY_ADD_231, sum.0, first.0, factor, Masking::None);
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
            self.assembler.vector(MOVE, target.0, 0, Source::Register(first), Masking::None);
            self.own(self.at as u32, target);
            target
        };
        self.assembler.vector(MULTIPLY_ADD_213, target.0, second.0, third, Masking::None);
    }

    /// The upper halves rounded to nearest even, in the lower halves of a register of its own; NaN stays NaN.
    fn round_to_bf16(&mut self, value: Zmm) -> Option<Zmm> {
        let rounded = self.free_register();
        self.pinned.push(rounded.0);
        let (odd, half, quiet) = (self.constant(1)?, self.constant(0x7fff)?, self.constant(0x40)?);
        let register = Source::Register;
        self.shift(2, rounded, value, 16);
        let high = self.free_register();
        self.assembler.vector(MOVE, high.0, 0, register(rounded), Masking::None);
        self.assembler.vector(AND, rounded.0, rounded.0, odd, Masking::None);
        self.assembler.vector(ADD_INTEGERS, rounded.0, rounded.0, half, Masking::None);
        self.assembler.vector(ADD_INTEGERS, rounded.0, rounded.0, register(value), Masking::None);
        self.shift(2, rounded, rounded, 16);
        let mask = self.free_mask()?;
        let unordered = super::Comparison::Unordered as u8;
        self.assembler.vector_immediate(COMPARE, mask.0, value.0, register(value), unordered);
        self.assembler.vector(OR, rounded.0, high.0, quiet, Masking::Merge(mask));
        Some(rounded)
    }
}
