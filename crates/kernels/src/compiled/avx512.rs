//! What is AVX-512's own: sixteen positions to a register, truth values in masks, and the rest of the positions through
//! a mask.

use super::allocate::{Emission, Emitted, Part, neutral};
use super::assembler::*;
use super::{Access, Builder, Comparison, Logic, Node, Reduction, Stored, Stream};

/// The mask of the last, incomplete vector.
const REST: K = K(7);
/// The most reductions of a program, each of which keeps a register.
const MOST_REDUCTIONS: usize = 12;

/// The program as machine code.
pub(super) fn emit(builder: &Builder, past_cache: bool) -> Option<Emitted> {
    let accumulators = &builder.accumulators;
    if accumulators.len() > MOST_REDUCTIONS {
        return None;
    }
    let registers = Encoding::Evex512.registers() - accumulators.len() as u8;
    let whole = Part { rest: false, half: 0 };
    let mut emission = Emission::new(builder, Encoding::Evex512, past_cache);
    let stack = emission.assembler.reserve_stack();
    for (number, (reduction, _)) in accumulators.iter().enumerate() {
        let neutral = emission.constant(neutral(*reduction).to_bits())?;
        emission.bring(accumulator(number), neutral);
    }
    emission.assembler.zero_index();
    let again = emission.assembler.here();
    let rest = emission.assembler.jump_if_less_than_sixteen_are_left();
    emission.body(whole, registers)?;
    emission.assembler.advance_index(16);
    emission.assembler.jump_to(again);
    emission.assembler.land(rest);
    let end = emission.assembler.count_rest_and_jump_if_none();
    emission.assembler.mask_of_rest(REST);
    emission.body(Part { rest: true, half: 0 }, registers)?;
    emission.assembler.land(end);
    for (number, (_, stream)) in accumulators.iter().enumerate() {
        emission.assembler.load_pointer(stream.0 as usize);
        emission.assembler.vector(MOVE_STORE, accumulator(number).0, 0, Source::Memory(General::Rax, 0));
    }
    Some(Emitted { code: emission.finish(stack), constants: builder.constants.clone() })
}

fn accumulator(number: usize) -> Register {
    Register(Encoding::Evex512.registers() - 1 - number as u8)
}

impl Emission<'_> {
    fn loading(&self) -> Masking {
        if self.part.rest { Masking::Zero(REST) } else { Masking::None }
    }

    fn storing(&self) -> Masking {
        if self.part.rest { Masking::Merge(REST) } else { Masking::None }
    }

    /// The nodes that are AVX-512's own.
    pub fn avx512_node(&mut self, node: Node) -> Option<()> {
        match node {
            Node::Load(Stream(stream), stored, access) => {
                let target = self.target();
                self.assembler.load_pointer(stream as usize);
                let masking = self.loading();
                self.ask_ahead(access, if stored == Stored::F32 { 2 } else { 1 });
                match stored {
                    Stored::F32 => {
                        self.assembler.masked(MOVE_LOAD, target.0, 0, Source::Indexed(2, 0), masking);
                    }
                    Stored::Bf16 => {
                        self.assembler.masked(WIDEN_WORDS, target.0, 0, Source::Indexed(1, 0), masking);
                        self.shift(Shift::Left, target, target, 16);
                    }
                }
            }
            Node::LoadTruth(Stream(stream)) => {
                let mask = self.mask_target()?;
                let bytes = self.free_register();
                self.assembler.load_pointer(stream as usize);
                let masking = self.loading();
                self.assembler.masked(WIDEN_BYTES, bytes.0, 0, Source::Indexed(0, 0), masking);
                self.assembler.vector(TEST_INTEGERS, mask.0, bytes.0, Source::Register(bytes));
            }
            Node::ChooseBits(mask, a, b) => {
                let (first, second) = (self.operand(a), self.operand(b));
                // The target starts as the mask, so it must be neither operand.
                let target = self.free_register();
                self.bring(target, Source::Broadcast(General::Rdx, 4 * mask as i32));
                let second = Source::Register(second);
                self.assembler.vector_immediate(TERNARY_LOGIC, target.0, first.0, second, CHOOSE_BITS);
                self.own_result(target);
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
                self.assembler.masked(BLEND, target.0, otherwise.0, chosen, Masking::Merge(mask));
            }
            Node::Store(Stream(stream), stored, access, a) => {
                let value = self.operand(a);
                let masking = self.storing();
                match stored {
                    Stored::F32 => {
                        self.assembler.load_pointer(stream as usize);
                        // Past the cache there are whole vectors only.
                        let past = self.past_cache && access == Access::Streamed && !self.part.rest;
                        let opcode = if past { MOVE_PAST_CACHE } else { MOVE_STORE };
                        self.assembler.masked(opcode, value.0, 0, Source::Indexed(2, 0), masking);
                    }
                    Stored::Bf16 => {
                        let rounded = self.round_to_bf16(value)?;
                        self.assembler.load_pointer(stream as usize);
                        self.assembler.masked(NARROW_TO_WORDS, rounded.0, 0, Source::Indexed(1, 0), masking);
                    }
                }
            }
            Node::StoreTruth(Stream(stream), truth) => {
                let mask = self.mask_of(truth.0);
                let bytes = self.free_register();
                let Some(Source::Broadcast(base, offset)) = self.constant(1) else { return None };
                let one = Source::Memory(base, offset);
                self.assembler.masked(BROADCAST, bytes.0, 0, one, Masking::Zero(mask));
                self.assembler.load_pointer(stream as usize);
                let masking = self.storing();
                self.assembler.masked(NARROW_TO_BYTES, bytes.0, 0, Source::Indexed(0, 0), masking);
            }
            Node::Reduce(reduction, number, a) => {
                let value = self.operand(a);
                let sum = accumulator(number as usize);
                let masking = self.storing();
                let opcode = match reduction {
                    Reduction::Sum => {
                        self.assembler.masked(ADD, sum.0, sum.0, Source::Register(value), masking);
                        return Some(());
                    }
                    Reduction::Max => MAXIMUM,
                    Reduction::Min => MINIMUM,
                };
                // The instruction gives its second operand where one is NaN: NaN in the sum stays, NaN in the value
                // has to be brought in.
                let mask = self.free_mask()?;
                let source = Source::Register(value);
                let unordered = Comparison::Unordered as u8;
                self.assembler.vector_immediate(COMPARE, mask.0, value.0, source, unordered);
                let extreme = self.free_register();
                self.assembler.vector(opcode, extreme.0, value.0, Source::Register(sum));
                self.assembler.masked(BLEND, extreme.0, extreme.0, source, Masking::Merge(mask));
                self.assembler.masked(MOVE, sum.0, 0, Source::Register(extreme), masking);
            }
            other => unreachable!("{other:?} is no node of AVX-512's own"),
        }
        Some(())
    }

    /// The upper halves rounded to nearest even, in the lower halves of a register of its own; NaN stays NaN.
    fn round_to_bf16(&mut self, value: Register) -> Option<Register> {
        let rounded = self.free_register();
        self.pinned.push(rounded.0);
        let (odd, half, quiet) = (self.constant(1)?, self.constant(0x7fff)?, self.constant(0x40)?);
        let register = Source::Register;
        self.shift(Shift::Right, rounded, value, 16);
        let high = self.free_register();
        self.assembler.vector(MOVE, high.0, 0, register(rounded));
        self.assembler.vector(AND, rounded.0, rounded.0, odd);
        self.assembler.vector(ADD_INTEGERS, rounded.0, rounded.0, half);
        self.assembler.vector(ADD_INTEGERS, rounded.0, rounded.0, register(value));
        self.shift(Shift::Right, rounded, rounded, 16);
        let mask = self.free_mask()?;
        let unordered = Comparison::Unordered as u8;
        self.assembler.vector_immediate(COMPARE, mask.0, value.0, register(value), unordered);
        self.assembler.masked(OR, rounded.0, high.0, quiet, Masking::Merge(mask));
        Some(rounded)
    }
}
