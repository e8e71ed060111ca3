//! What is AVX2's own: eight positions to a register, so that the body is made twice for sixteen; truth values as the
//! signs of vectors; numbers for all lanes as whole vectors in memory, because there are no broadcast operands.

use super::allocate::{Emission, Emitted, Part, neutral};
use super::assembler::*;
use super::{Access, Binary, Builder, Comparison, Logic, Node, Reduction, Stored, Stream, Truth, Vector};
use crate::math::real::Real;

/// Positions of a register.
const LANES: u8 = 8;
/// Reductions whose accumulators, two registers each, are not on the stack.
const MOST_IN_REGISTERS: usize = 3;

/// Registers that a node may need besides those of values.
const MOST_TEMPORARIES: usize = 3;

/// The program as machine code.
pub(super) fn emit(builder: &Builder, past_cache: bool) -> Option<Emitted> {
    let builder = &legal(builder);
    let mut emission = Emission::new(builder, Encoding::Vex256, past_cache);
    let residents = emission.choose_residents(registers(builder, true));
    // Residents lie below the mask of the rest, which only programs without any have to spare for values.
    let registers =
        |rest| if residents == 0 { registers(builder, rest) } else { registers(builder, true) - residents };
    emission.lay_out_stack();
    let stack = emission.assembler.reserve_stack();
    emission.fill_residents();
    emission.fill_stack();
    for (number, (reduction, _)) in builder.accumulators.iter().enumerate() {
        let neutral = emission.constant(neutral(*reduction).to_bits())?;
        for half in [0, 1] {
            match accumulator(builder.accumulators.len(), number, half) {
                Source::Register(register) => emission.bring(register, neutral),
                place => {
                    emission.bring(Register(0), neutral);
                    emission.assembler.vector(MOVE_STORE, 0, 0, place);
                }
            }
        }
    }
    emission.assembler.zero_index();
    let again = emission.assembler.here();
    let rest = emission.assembler.jump_if_less_than_sixteen_are_left();
    for half in [0, 1] {
        emission.body(Part { rest: false, half }, registers(false))?;
    }
    emission.assembler.advance_index(2 * LANES);
    emission.assembler.jump_to(again);
    emission.assembler.land(rest);
    let none_is_left = emission.assembler.count_rest_and_jump_if_none();
    emission.make_mask_of_rest();
    emission.body(Part { rest: true, half: 0 }, registers(true))?;
    let none_is_left_behind = emission.assembler.take_eight_and_jump_if_none_is_left();
    emission.assembler.advance_index(LANES);
    emission.make_mask_of_rest();
    emission.body(Part { rest: true, half: 1 }, registers(true))?;
    emission.assembler.land(none_is_left);
    emission.assembler.land(none_is_left_behind);
    for (number, (_, stream)) in builder.accumulators.iter().enumerate() {
        emission.assembler.load_pointer(stream.0 as usize);
        for half in [0, 1] {
            let register = match accumulator(builder.accumulators.len(), number, half) {
                Source::Register(register) => register,
                place => {
                    emission.bring(Register(0), place);
                    Register(0)
                }
            };
            let place = Source::Memory(General::Rax, 32 * i32::from(half));
            emission.assembler.vector(MOVE_STORE, register.0, 0, place);
        }
    }
    let repeat = |constant: &u32| [*constant; LANES as usize];
    let mut constants: Vec<u32> = builder.constants.iter().flat_map(repeat).collect();
    constants.extend([u32::MAX; LANES as usize]);
    constants.extend([0; LANES as usize]);
    Some(Emitted { code: emission.finish(stack), constants })
}

/// Registers for the values of a body.
fn registers(builder: &Builder, rest: bool) -> u8 {
    let accumulators = builder.accumulators.len();
    let kept = if accumulators <= MOST_IN_REGISTERS { 2 * accumulators as u8 } else { 0 };
    // The uppermost is the mask of the rest.
    Encoding::Vex256.registers() - 1 - kept + u8::from(!rest && kept == 0)
}

/// The register of the rest's mask; outside of the rest values may use it.
const REST: Register = Register(15);

/// Where an accumulator of `count` is, each half of its lanes.
fn accumulator(count: usize, number: usize, half: u8) -> Source {
    let index = 2 * number as i32 + i32::from(half);
    if count <= MOST_IN_REGISTERS {
        Source::Register(Register(REST.0 - 1 - index as u8))
    } else {
        Source::Memory(General::Rsp, 32 * index)
    }
}

/// The same program without nodes that AVX2 has no instruction for. Truth values become vectors with the truth in the
/// sign, and what is stored as bf16 is rounded and in the lower halves.
fn legal(builder: &Builder) -> Builder {
    let mut legal = Builder { accumulators: builder.accumulators.clone(), ..Builder::default() };
    for (reduction, _) in &builder.accumulators {
        legal.constant_index(neutral(*reduction).to_bits());
    }
    let mut new: Vec<u32> = Vec::with_capacity(builder.nodes.len());
    for node in &builder.nodes {
        let of = |Vector(number): Vector| Vector(new[number as usize]);
        let signs = |Truth(number): Truth| Vector(new[number as usize]);
        let Vector(number) = match *node {
            Node::Constant(index) => legal.bits(builder.constants[index as usize]),
            Node::Binary(operation @ (Binary::Scale | Binary::ScaleNormal), a, n) => {
                // Whole numbers are found by a sum that has them in its lowest bits.
                let sum = match added(builder, n, Binary::Subtract, f32::MAGIC) {
                    Some(sum) => of(sum),
                    None => {
                        let magic = legal.constant(f32::MAGIC);
                        legal.add(of(n), magic)
                    }
                };
                let (first, second) = if operation == Binary::ScaleNormal {
                    (legal.power_of_two(sum), None)
                } else {
                    let [first, second] = legal.powers_of_two(sum);
                    (first, Some(second))
                };
                // The first product is exact, so that it may be rounded together with a sum.
                let product = match added(builder, a, Binary::Add, 1.0) {
                    Some(rest) => legal.multiply_add(of(rest), first, first),
                    None => legal.multiply(of(a), first),
                };
                second.map_or(product, |second| legal.multiply(product, second))
            }
            Node::Binary(operation, a, b) => legal.binary(operation, of(a), of(b)),
            Node::MultiplyAdd(a, b, c) => legal.multiply_add(of(a), of(b), of(c)),
            Node::SquareRoot(a) => legal.square_root(of(a)),
            Node::ShiftLeft(a, by) => legal.shift_left(of(a), by),
            Node::ShiftRight(a, by) => legal.shift_right(of(a), by),
            Node::Round(rounding, a) => legal.round(rounding, of(a)),
            Node::ChooseBits(mask, a, b) => {
                let mask = builder.constants[mask as usize];
                let (own, others) = (legal.bits(mask), legal.bits(!mask));
                let a = legal.binary(Binary::And, of(a), own);
                let b = legal.binary(Binary::And, of(b), others);
                legal.binary(Binary::Or, a, b)
            }
            Node::Compare(comparison, a, b) => {
                let Truth(number) = legal.compare(comparison, of(a), of(b));
                Vector(number)
            }
            Node::Logic(logic, a, b) => {
                let operation = match logic {
                    Logic::And => Binary::And,
                    Logic::Or => Binary::Or,
                    Logic::Xor => Binary::Xor,
                };
                legal.binary(operation, signs(a), signs(b))
            }
            Node::Not(a) => legal.negate(signs(a)),
            Node::Select(truth, a, b) => {
                let Vector(truth) = signs(truth);
                legal.select(Truth(truth), of(a), of(b))
            }
            Node::Store(stream, stored, access, a) => {
                let value = match stored {
                    Stored::F32 => of(a),
                    Stored::Bf16 => {
                        let rounded = legal.rounded_to_bf16(of(a));
                        legal.shift_right(rounded, 16)
                    }
                };
                legal.push(Node::Store(stream, stored, access, value))
            }
            Node::StoreTruth(stream, truth) => {
                let Vector(truth) = signs(truth);
                legal.push(Node::StoreTruth(stream, Truth(truth)))
            }
            Node::Reduce(reduction, number, a) => legal.push(Node::Reduce(reduction, number, of(a))),
            Node::Load(..) | Node::LoadTruth(_) | Node::Scalar(_) | Node::Uniform(_) => legal.push(*node),
        };
        new.push(number);
    }
    legal
}

/// What a node adds a constant to or subtracts it from, if that is what it does.
fn added(builder: &Builder, Vector(node): Vector, operation: Binary, constant: f32) -> Option<Vector> {
    let is_constant = |Vector(node): Vector| match builder.nodes[node as usize] {
        Node::Constant(index) => builder.constants[index as usize] == constant.to_bits(),
        _ => false,
    };
    match builder.nodes[node as usize] {
        Node::Binary(own, a, b) if own == operation && is_constant(b) => Some(a),
        Node::Binary(own, a, b) if own == operation && own.commutes() && is_constant(a) => Some(b),
        _ => None,
    }
}

impl Emission<'_> {
    /// Gives registers that the bodies do not need, of the lowest `registers`, to the numbers for all lanes that are
    /// used most: the bodies read their operands from memory otherwise, and two such reads a cycle are the limit of
    /// what is made of exponentials. Says how many.
    fn choose_residents(&mut self, registers: u8) -> u8 {
        let free = usize::from(registers).saturating_sub(self.pressure() + MOST_TEMPORARIES);
        let is_used = |at: &u32| self.is_rematerialised(*at) && self.uses.is_needed(*at as usize);
        let mut chosen: Vec<u32> = (0..self.nodes.len() as u32).filter(is_used).collect();
        chosen.sort_by_key(|at| std::cmp::Reverse(self.uses.of(*at).len()));
        chosen.truncate(free);
        for (register, at) in (0..registers).rev().zip(&chosen) {
            self.resident[*at as usize] = Some(Register(register));
        }
        chosen.len() as u8
    }

    fn fill_residents(&mut self) {
        for at in 0..self.nodes.len() {
            let Some(register) = self.resident[at] else { continue };
            match self.nodes[at] {
                Node::Constant(index) => {
                    let place = Source::Memory(General::Rdx, 32 * index as i32);
                    self.assembler.vector(MOVE_LOAD, register.0, 0, place);
                }
                _ => self.spread_number(at, register),
            }
        }
    }

    /// Reads the number of a node to all lanes.
    fn spread_number(&mut self, at: usize, register: Register) {
        let source = match self.nodes[at] {
            Node::Uniform(index) => Source::Memory(General::Rsi, 4 * index as i32),
            Node::Scalar(Stream(stream)) => {
                self.assembler.load_pointer(stream as usize);
                Source::Memory(General::Rax, 0)
            }
            other => unreachable!("{other:?} is not one number"),
        };
        self.assembler.vector(BROADCAST, register.0, 0, source);
    }

    /// Gives accumulators and numbers for all lanes their places on the stack.
    fn lay_out_stack(&mut self) {
        if self.accumulators > MOST_IN_REGISTERS {
            self.before_slots = 64 * self.accumulators as i32;
        }
        for (at, node) in self.nodes.iter().enumerate() {
            let is_number = matches!(node, Node::Uniform(_) | Node::Scalar(_));
            if is_number && self.uses.is_needed(at) && self.resident[at].is_none() {
                self.spread[at] = Some(self.before_slots);
                self.before_slots += 32;
            }
        }
    }

    /// Numbers for all lanes, as whole vectors.
    fn fill_stack(&mut self) {
        for at in 0..self.nodes.len() {
            let Some(offset) = self.spread[at] else { continue };
            self.spread_number(at, Register(0));
            self.assembler.vector(MOVE_STORE, 0, 0, Source::Memory(General::Rsp, offset));
        }
    }

    /// Signs in the lanes that are left.
    fn make_mask_of_rest(&mut self) {
        self.assembler.point_before_constants_by_rest();
        // Eight signs and eight zeros follow the constants.
        let behind_signs = 32 * (self.constants.len() as i32 + 1);
        self.assembler.vector(MOVE_LOAD, REST.0, 0, Source::Memory(General::Rax, behind_signs));
    }

    /// The positions of the body in the stream at rax, whose elements have a size that is given as a power of two.
    fn indexed(&self, scale: u8) -> Source {
        let half = if self.part.rest { 0 } else { self.part.half };
        Source::Indexed(scale, ((half * LANES) << scale) as i8)
    }

    /// Calls `element` for the lanes that are left, with the place of each.
    fn each_of_rest(&mut self, scale: u8, mut element: impl FnMut(&mut Assembler, u8, Source)) {
        let mut ends = Vec::new();
        for lane in 0..LANES {
            if lane > 0 {
                ends.push(self.assembler.jump_if_at_most(lane));
            }
            element(&mut self.assembler, lane, Source::Indexed(scale, (lane << scale) as i8));
        }
        ends.into_iter().for_each(|end| self.assembler.land(end));
    }

    /// Reads bytes or words as integers.
    fn load_integers(&mut self, target: Register, scale: u8) {
        let (widen, insert) = match scale {
            0 => (WIDEN_BYTES, half::INSERT_BYTE),
            _ => (WIDEN_WORDS, half::INSERT_WORD),
        };
        if !self.part.rest {
            let place = self.indexed(scale);
            self.assembler.vector(widen, target.0, 0, place);
            return;
        }
        let Register(own) = target;
        self.assembler.vex(false, half::XOR, own, own, Source::Register(target));
        self.each_of_rest(scale, |assembler, lane, place| {
            assembler.half_immediate(insert, own, own, place, lane);
        });
        self.assembler.vector(widen, own, 0, Source::Register(target));
    }

    /// Writes integers as words, or as bytes; `packed` is overwritten.
    fn store_integers(&mut self, value: Register, packed: Register, scale: u8) {
        let Register(own) = packed;
        self.assembler.vector_immediate(EXTRACT_HALF, value.0, 0, Source::Register(packed), 1);
        self.assembler.vex(false, half::PACK_TO_WORDS, own, value.0, Source::Register(packed));
        let (store, extract) = match scale {
            0 => (half::STORE_EIGHT_BYTES, half::EXTRACT_BYTE),
            _ => (half::MOVE_STORE, half::EXTRACT_WORD),
        };
        if scale == 0 {
            self.assembler.vex(false, half::PACK_TO_BYTES, own, own, Source::Register(packed));
        }
        if self.part.rest {
            self.each_of_rest(scale, |assembler, lane, place| {
                assembler.half_immediate(extract, own, 0, place, lane);
            });
        } else {
            let place = self.indexed(scale);
            self.assembler.vex(false, store, own, 0, place);
        }
    }

    /// A register that stays the running node's own.
    fn temporary(&mut self) -> Register {
        let register = self.free_register();
        self.pinned.push(register.0);
        register
    }

    /// The nodes that are AVX2's own.
    pub fn avx2_node(&mut self, node: Node) -> Option<()> {
        match node {
            Node::Load(Stream(stream), stored, access) => {
                let target = self.target();
                self.assembler.load_pointer(stream as usize);
                let scale = if stored == Stored::F32 { 2 } else { 1 };
                self.ask_ahead(access, scale);
                match stored {
                    Stored::F32 if self.part.rest => {
                        let place = self.indexed(scale);
                        self.assembler.vector(MASKED_LOAD, target.0, REST.0, place);
                    }
                    Stored::F32 => {
                        let place = self.indexed(scale);
                        self.assembler.vector(MOVE_LOAD, target.0, 0, place);
                    }
                    Stored::Bf16 => {
                        self.load_integers(target, scale);
                        self.shift(Shift::Left, target, target, 16);
                    }
                }
            }
            Node::LoadTruth(Stream(stream)) => {
                let target = self.target();
                self.assembler.load_pointer(stream as usize);
                self.load_integers(target, 0);
                self.shift(Shift::Left, target, target, 31);
            }
            Node::Compare(comparison, a, b) => {
                let first = self.operand(a);
                let second = self.source(b);
                let target = self.target();
                self.assembler.vector_immediate(COMPARE, target.0, first.0, second, comparison as u8);
            }
            Node::Select(Truth(truth), a, b) => {
                let signs = self.operand(Vector(truth));
                let otherwise = self.operand(b);
                let chosen = self.source(a);
                let target = self.target();
                self.blend(target, otherwise, chosen, signs);
            }
            Node::Store(Stream(stream), stored, access, a) => {
                let value = self.operand(a);
                match stored {
                    Stored::F32 => {
                        self.assembler.load_pointer(stream as usize);
                        let place = self.indexed(2);
                        if self.part.rest {
                            self.assembler.vector(MASKED_STORE, value.0, REST.0, place);
                        } else {
                            let past = self.past_cache && access == Access::Streamed;
                            let opcode = if past { MOVE_PAST_CACHE } else { MOVE_STORE };
                            self.assembler.vector(opcode, value.0, 0, place);
                        }
                    }
                    Stored::Bf16 => {
                        let packed = self.temporary();
                        self.assembler.load_pointer(stream as usize);
                        self.store_integers(value, packed, 1);
                    }
                }
            }
            Node::StoreTruth(Stream(stream), Truth(truth)) => {
                let signs = self.operand(Vector(truth));
                let (bits, packed) = (self.temporary(), self.temporary());
                self.shift(Shift::Right, bits, signs, 31);
                self.assembler.load_pointer(stream as usize);
                self.store_integers(bits, packed, 0);
            }
            Node::Reduce(reduction, number, a) => {
                let mut value = self.operand(a);
                if self.part.rest {
                    let neutral = self.constant(neutral(reduction).to_bits())?;
                    let masked = self.temporary();
                    self.bring(masked, neutral);
                    self.blend(masked, masked, Source::Register(value), REST);
                    value = masked;
                }
                let place = accumulator(self.accumulators, number as usize, self.part.half);
                let opcode = match reduction {
                    Reduction::Sum => ADD,
                    Reduction::Max => MAXIMUM,
                    Reduction::Min => MINIMUM,
                };
                let result = match place {
                    Source::Register(register) if reduction == Reduction::Sum => register,
                    _ => self.temporary(),
                };
                self.assembler.vector(opcode, result.0, value.0, place);
                if reduction != Reduction::Sum {
                    // The instruction gives its second operand where one is NaN: NaN in the accumulator stays, NaN in
                    // the value has to be brought in.
                    let nan = self.temporary();
                    let (source, unordered) = (Source::Register(value), Comparison::Unordered as u8);
                    self.assembler.vector_immediate(COMPARE, nan.0, value.0, source, unordered);
                    self.blend(result, result, source, nan);
                }
                match place {
                    Source::Register(register) if register == result => {}
                    Source::Register(register) => {
                        self.assembler.vector(MOVE, register.0, 0, Source::Register(result));
                    }
                    place => self.assembler.vector(MOVE_STORE, result.0, 0, place),
                }
            }
            other => unreachable!("{other:?} is no node of AVX2's own"),
        }
        Some(())
    }

    /// `chosen` where the sign is set, else `otherwise`.
    fn blend(&mut self, target: Register, otherwise: Register, chosen: Source, signs: Register) {
        self.assembler.vector_immediate(BLEND_BY_SIGN, target.0, otherwise.0, chosen, signs.0 << 4);
    }
}
