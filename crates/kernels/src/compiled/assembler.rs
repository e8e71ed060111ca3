//! The few instructions of x86-64 that compiled loops are made of, with AVX-512 and with AVX2 (Intel 64 and IA-32
//! Architectures Software Developer's Manual, volume 2, sections 2.3 and 2.7).

/// A vector register, 0 to 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Register(pub u8);

/// A mask register, 0 to 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct K(pub u8);

/// The general registers in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum General {
    Rax = 0,
    Rdx = 2,
    Rsp = 4,
    Rsi = 6,
}

/// The last operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Register(Register),
    /// One number at `base + offset`, for all lanes; AVX-512 only.
    Broadcast(General, i32),
    /// A whole vector at `base + offset`.
    Memory(General, i32),
    /// A vector at `rax + r8 · scale + offset`; the scale is given as a power of two.
    Indexed(u8, i8),
}

/// What a mask does with the lanes of the target that it does not select; AVX-512 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Masking {
    None,
    Merge(K),
    Zero(K),
}

/// How vector instructions are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// AVX-512: 32 registers of 64 bytes.
    Evex512,
    /// AVX2: 16 registers of 32 bytes.
    Vex256,
}

impl Encoding {
    /// Vector registers.
    pub fn registers(self) -> u8 {
        match self {
            Encoding::Evex512 => 32,
            Encoding::Vex256 => 16,
        }
    }

    /// Bytes of a vector register.
    pub fn vector_bytes(self) -> i32 {
        match self {
            Encoding::Evex512 => 64,
            Encoding::Vex256 => 32,
        }
    }
}

/// An instruction's place in the opcode maps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opcode {
    map: u8,
    prefix: u8,
    byte: u8,
}

const fn opcode(map: u8, prefix: u8, byte: u8) -> Opcode {
    Opcode { map, prefix, byte }
}

pub(super) const MOVE_LOAD: Opcode = opcode(1, 0, 0x10);
pub(super) const MOVE_STORE: Opcode = opcode(1, 0, 0x11);
/// A store past the cache, to an address that is a multiple of the vector's bytes.
pub(super) const MOVE_PAST_CACHE: Opcode = opcode(1, 1, 0xe7);
pub(super) const MOVE: Opcode = opcode(1, 0, 0x28);
pub(super) const BROADCAST: Opcode = opcode(2, 1, 0x18);
pub(super) const SQUARE_ROOT: Opcode = opcode(1, 0, 0x51);
pub(super) const ADD: Opcode = opcode(1, 0, 0x58);
pub(super) const MULTIPLY: Opcode = opcode(1, 0, 0x59);
pub(super) const SUBTRACT: Opcode = opcode(1, 0, 0x5c);
pub(super) const MINIMUM: Opcode = opcode(1, 0, 0x5d);
pub(super) const DIVIDE: Opcode = opcode(1, 0, 0x5e);
pub(super) const MAXIMUM: Opcode = opcode(1, 0, 0x5f);
pub(super) const AND: Opcode = opcode(1, 0, 0x54);
pub(super) const OR: Opcode = opcode(1, 0, 0x56);
pub(super) const XOR: Opcode = opcode(1, 0, 0x57);
pub(super) const ADD_INTEGERS: Opcode = opcode(1, 1, 0xfe);
/// Where the bits of a shift go, as the instruction's extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    Right = 2,
    Left = 6,
}

/// target = target · second + third.
pub(super) const MULTIPLY_ADD_213: Opcode = opcode(2, 1, 0xa8);
/// target = second · third + target.
pub(super) const MULTIPLY_ADD_231: Opcode = opcode(2, 1, 0xb8);
pub(super) const COMPARE: Opcode = opcode(1, 0, 0xc2);
pub(super) const SHIFT_IMMEDIATE: Opcode = opcode(1, 1, 0x72);
/// To integers; with AVX-512 the number of bits kept behind the point is 0.
pub(super) const ROUND: Opcode = opcode(3, 1, 0x08);
pub(super) const WIDEN_WORDS: Opcode = opcode(2, 1, 0x33);
pub(super) const WIDEN_BYTES: Opcode = opcode(2, 1, 0x31);

// With AVX-512 only.

/// Bits of the second where the target's are set, else of the third, with the immediate [`CHOOSE_BITS`].
pub(super) const TERNARY_LOGIC: Opcode = opcode(3, 1, 0x25);
pub(super) const CHOOSE_BITS: u8 = 0xca;
/// second · 2^third, the exponent rounded down.
pub(super) const SCALE: Opcode = opcode(2, 1, 0x2c);
/// The third where the mask is set, else the second.
pub(super) const BLEND: Opcode = opcode(2, 1, 0x65);
pub(super) const NARROW_TO_WORDS: Opcode = opcode(2, 2, 0x33);
pub(super) const NARROW_TO_BYTES: Opcode = opcode(2, 2, 0x31);
pub(super) const TEST_INTEGERS: Opcode = opcode(2, 1, 0x27);

// With AVX2 only.

/// The third where the sign of the register in the upper half of the immediate is set, else the second.
pub(super) const BLEND_BY_SIGN: Opcode = opcode(3, 1, 0x4a);
/// Lanes where the sign of the second is set, zero elsewhere; other lanes are not read.
pub(super) const MASKED_LOAD: Opcode = opcode(2, 1, 0x2c);
/// Lanes where the sign of the second is set.
pub(super) const MASKED_STORE: Opcode = opcode(2, 1, 0x2e);
/// The upper half, for the immediate 1, of the register that stands in the place of the target.
pub(super) const EXTRACT_HALF: Opcode = opcode(3, 1, 0x39);

/// Instructions of AVX2 on halves of registers.
pub(super) mod half {
    use super::{Opcode, opcode};

    pub const MOVE_STORE: Opcode = super::MOVE_STORE;
    pub const XOR: Opcode = super::XOR;
    /// Eight integers of two registers to words, to 0 and 65535 where they do not fit.
    pub const PACK_TO_WORDS: Opcode = opcode(2, 1, 0x2b);
    /// Sixteen words of two registers to bytes, likewise.
    pub const PACK_TO_BYTES: Opcode = opcode(1, 1, 0x67);
    /// The lowest eight bytes.
    pub const STORE_EIGHT_BYTES: Opcode = opcode(1, 1, 0xd6);
    /// The second with a word or byte from memory in the lane of the immediate.
    pub const INSERT_WORD: Opcode = opcode(1, 1, 0xc4);
    pub const INSERT_BYTE: Opcode = opcode(3, 1, 0x20);
    /// The word or byte in the lane of the immediate, to memory.
    pub const EXTRACT_WORD: Opcode = opcode(3, 1, 0x15);
    pub const EXTRACT_BYTE: Opcode = opcode(3, 1, 0x14);
}

/// Two masks to a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum MaskOpcode {
    And = 0x41,
    Or = 0x45,
    Xor = 0x47,
}

/// Code under construction.
pub(super) struct Assembler {
    pub code: Vec<u8>,
    pub encoding: Encoding,
}

/// A place in the code that a jump leads to or from.
#[derive(Clone, Copy)]
pub(super) struct Place(usize);

impl Assembler {
    pub fn new(encoding: Encoding) -> Assembler {
        Assembler { code: Vec::new(), encoding }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.code.extend_from_slice(bytes);
    }

    /// `target = opcode(second, source)`; `register` numbers a vector or a mask.
    pub fn vector(&mut self, opcode: Opcode, register: u8, second: u8, source: Source) {
        match self.encoding {
            Encoding::Evex512 => self.masked(opcode, register, second, source, Masking::None),
            Encoding::Vex256 => self.vex(true, opcode, register, second, source),
        }
    }

    /// The same with a byte behind it.
    pub fn vector_immediate(
        &mut self,
        opcode: Opcode,
        register: u8,
        second: u8,
        source: Source,
        immediate: u8,
    ) {
        self.vector(opcode, register, second, source);
        self.bytes(&[immediate]);
    }

    /// `target[mask] = opcode(second, source)` with AVX-512.
    pub fn masked(&mut self, opcode: Opcode, register: u8, second: u8, source: Source, masking: Masking) {
        debug_assert!(self.encoding == Encoding::Evex512);
        let (zero, mask) = match masking {
            Masking::None => (0, 0),
            Masking::Merge(K(mask)) => (0, mask),
            Masking::Zero(K(mask)) => (1, mask),
        };
        // The upper bits of register numbers are stored inverted.
        let bit = |number: u8, bit: u8| !(number >> bit) & 1;
        let (x, b, broadcast) = match source {
            Source::Register(Register(number)) => (bit(number, 4), bit(number, 3), 0),
            Source::Broadcast(..) => (1, 1, 1),
            Source::Memory(..) => (1, 1, 0),
            // The index is r8.
            Source::Indexed(..) => (0, 1, 0),
        };
        self.bytes(&[
            0x62,
            bit(register, 3) << 7 | x << 6 | b << 5 | bit(register, 4) << 4 | opcode.map,
            (!second & 15) << 3 | 4 | opcode.prefix,
            zero << 7 | 2 << 5 | broadcast << 4 | bit(second, 4) << 3 | mask,
            opcode.byte,
        ]);
        let field = (register & 7) << 3;
        match source {
            Source::Register(Register(number)) => self.bytes(&[0xc0 | field | number & 7]),
            Source::Broadcast(base, offset) | Source::Memory(base, offset) => {
                self.memory_operand(field, base, offset);
            }
            Source::Indexed(scale, offset) => {
                debug_assert!(offset == 0);
                self.bytes(&[field | 4, scale << 6]);
            }
        }
    }

    /// An instruction of AVX2 on whole registers, or on their lower halves.
    pub fn vex(&mut self, whole: bool, opcode: Opcode, register: u8, second: u8, source: Source) {
        debug_assert!(self.encoding == Encoding::Vex256);
        let bit = |number: u8| !(number >> 3) & 1;
        let (x, b) = match source {
            Source::Register(Register(number)) => (1, bit(number)),
            Source::Memory(..) => (1, 1),
            // The index is r8.
            Source::Indexed(..) => (0, 1),
            Source::Broadcast(..) => unreachable!("AVX2 has no broadcast operands"),
        };
        self.bytes(&[
            0xc4,
            bit(register) << 7 | x << 6 | b << 5 | opcode.map,
            (!second & 15) << 3 | u8::from(whole) << 2 | opcode.prefix,
            opcode.byte,
        ]);
        let field = (register & 7) << 3;
        match source {
            Source::Register(Register(number)) => self.bytes(&[0xc0 | field | number & 7]),
            Source::Memory(base, offset) | Source::Broadcast(base, offset) => {
                self.memory_operand(field, base, offset);
            }
            Source::Indexed(scale, offset) => self.bytes(&[0x44 | field, scale << 6, offset as u8]),
        }
    }

    fn memory_operand(&mut self, field: u8, base: General, offset: i32) {
        self.bytes(&[0x80 | field | base as u8]);
        if base == General::Rsp {
            self.bytes(&[0x24]);
        }
        self.bytes(&offset.to_le_bytes());
    }

    /// An instruction of AVX2 on the lower halves, with a byte behind it.
    pub fn half_immediate(
        &mut self,
        opcode: Opcode,
        register: u8,
        second: u8,
        source: Source,
        immediate: u8,
    ) {
        self.vex(false, opcode, register, second, source);
        self.bytes(&[immediate]);
    }

    /// `target = opcode(first, second)` of masks.
    pub fn masks(&mut self, opcode: MaskOpcode, target: K, first: K, second: K) {
        self.bytes(&[0xc5, 0x80 | (!first.0 & 15) << 3 | 4, opcode as u8, 0xc0 | target.0 << 3 | second.0]);
    }

    /// `target = !source` of masks.
    pub fn mask_not(&mut self, target: K, source: K) {
        self.bytes(&[0xc5, 0xf8, 0x44, 0xc0 | target.0 << 3 | source.0]);
    }

    /// rax = the `index`-th pointer of the table at rdi.
    pub fn load_pointer(&mut self, index: usize) {
        self.bytes(&[0x48, 0x8b, 0x87]);
        self.bytes(&(8 * index as i32).to_le_bytes());
    }

    /// Makes room on the stack, beginning at a whole line; r10 keeps the stack as it was. How many bytes is said to
    /// [`set_stack`](Assembler::set_stack).
    pub fn reserve_stack(&mut self) -> Place {
        self.bytes(&[0x49, 0x89, 0xe2, 0x48, 0x81, 0xec]);
        let place = self.offset_to_come();
        self.bytes(&[0x48, 0x83, 0xe4, 0xc0]);
        place
    }

    /// Says how many bytes the stack has.
    pub fn set_stack(&mut self, reserved: Place, bytes: i32) {
        self.code[reserved.0 - 4..reserved.0].copy_from_slice(&bytes.to_le_bytes());
    }

    /// Asks for the line at `rax + r8 · scale + ahead` to be brought into the cache of this level, 1 or 2.
    pub fn prefetch(&mut self, scale: u8, ahead: i32, level: u8) {
        self.bytes(&[0x42, 0x0f, 0x18, 0x84 | level << 3, scale << 6]);
        self.bytes(&ahead.to_le_bytes());
    }

    /// Lets stores past the cache be seen before all later ones.
    pub fn fence_stores(&mut self) {
        self.bytes(&[0x0f, 0xae, 0xf8]);
    }

    /// r8 = 0.
    pub fn zero_index(&mut self) {
        self.bytes(&[0x45, 0x31, 0xc0]);
    }

    /// r8 += by.
    pub fn advance_index(&mut self, by: u8) {
        self.bytes(&[0x49, 0x83, 0xc0, by]);
    }

    /// Jumps if r8 + 16 > rcx.
    pub fn jump_if_less_than_sixteen_are_left(&mut self) -> Place {
        self.bytes(&[0x4d, 0x8d, 0x48, 16, 0x49, 0x39, 0xc9, 0x0f, 0x87]);
        self.offset_to_come()
    }

    /// rcx -= r8, and jumps if that is zero.
    pub fn count_rest_and_jump_if_none(&mut self) -> Place {
        self.bytes(&[0x4c, 0x29, 0xc1, 0x0f, 0x84]);
        self.offset_to_come()
    }

    /// rcx -= 8, and jumps if that is not positive.
    pub fn take_eight_and_jump_if_none_is_left(&mut self) -> Place {
        self.bytes(&[0x48, 0x83, 0xe9, 8, 0x0f, 0x8e]);
        self.offset_to_come()
    }

    /// Jumps if rcx ≤ count.
    pub fn jump_if_at_most(&mut self, count: u8) -> Place {
        self.bytes(&[0x48, 0x83, 0xf9, count, 0x0f, 0x86]);
        self.offset_to_come()
    }

    /// mask = the lowest rcx lanes.
    pub fn mask_of_rest(&mut self, mask: K) {
        self.bytes(&[0xb8, 0xff, 0xff, 0xff, 0xff, 0xc4, 0xe2, 0x70, 0xf5, 0xc0]);
        self.bytes(&[0xc5, 0xf8, 0x92, 0xc0 | mask.0 << 3]);
    }

    /// rax = rdx − 4 min(rcx, 8).
    pub fn point_before_constants_by_rest(&mut self) {
        self.bytes(&[0xb8, 8, 0, 0, 0, 0x48, 0x39, 0xc1, 0x48, 0x0f, 0x42, 0xc1]);
        self.bytes(&[0x48, 0xc1, 0xe0, 2, 0x48, 0xf7, 0xd8, 0x48, 0x01, 0xd0]);
    }

    /// Four bytes that are filled in later.
    fn offset_to_come(&mut self) -> Place {
        self.bytes(&[0; 4]);
        Place(self.code.len())
    }

    /// Where the next instruction will be.
    pub fn here(&self) -> Place {
        Place(self.code.len())
    }

    /// Makes a jump lead to the next instruction.
    pub fn land(&mut self, from: Place) {
        let distance = (self.code.len() - from.0) as i32;
        self.code[from.0 - 4..from.0].copy_from_slice(&distance.to_le_bytes());
    }

    /// Jumps back.
    pub fn jump_to(&mut self, to: Place) {
        self.bytes(&[0xe9]);
        let distance = to.0 as i64 - (self.code.len() + 4) as i64;
        self.bytes(&(distance as i32).to_le_bytes());
    }

    /// Gives the stack back and returns to the caller, upper halves of registers cleared.
    pub fn finish(&mut self) {
        self.bytes(&[0x4c, 0x89, 0xd4, 0xc5, 0xf8, 0x77, 0xc3]);
    }
}
