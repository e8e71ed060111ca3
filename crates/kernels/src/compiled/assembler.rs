//! The few instructions of x86-64 with AVX-512 that compiled loops are made of (Intel 64 and IA-32 Architectures
//! Software Developer's Manual, volume 2, sections 2.3 and 2.7).

/// A vector register, 0 to 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Zmm(pub u8);

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
    Register(Zmm),
    /// One number at `base + offset`, for all lanes.
    Broadcast(General, i32),
    /// A whole vector at `base + offset`.
    Memory(General, i32),
    /// A vector at `rax + r8 · scale`; the scale is given as a power of two.
    Indexed(u8),
}

/// What a mask does with the lanes of the target that it does not select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Masking {
    None,
    Merge(K),
    Zero(K),
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
/// A store past the cache, to an address that is a multiple of 64.
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
/// target = target · second + third.
pub(super) const MULTIPLY_ADD_213: Opcode = opcode(2, 1, 0xa8);
/// target = second · third + target.
pub(super) const MULTIPLY_ADD_231: Opcode = opcode(2, 1, 0xb8);
/// Bits of the second where the target's are set, else of the third, with the immediate [`CHOOSE_BITS`].
pub(super) const TERNARY_LOGIC: Opcode = opcode(3, 1, 0x25);
pub(super) const CHOOSE_BITS: u8 = 0xca;
/// second · 2^third, the exponent rounded down.
pub(super) const SCALE: Opcode = opcode(2, 1, 0x2c);
pub(super) const COMPARE: Opcode = opcode(1, 0, 0xc2);
/// The third where the mask is set, else the second.
pub(super) const BLEND: Opcode = opcode(2, 1, 0x65);
pub(super) const SHIFT_IMMEDIATE: Opcode = opcode(1, 1, 0x72);
pub(super) const ROUND_SCALE: Opcode = opcode(3, 1, 0x08);
pub(super) const WIDEN_WORDS: Opcode = opcode(2, 1, 0x33);
pub(super) const NARROW_TO_WORDS: Opcode = opcode(2, 2, 0x33);
pub(super) const WIDEN_BYTES: Opcode = opcode(2, 1, 0x31);
pub(super) const NARROW_TO_BYTES: Opcode = opcode(2, 2, 0x31);
pub(super) const TEST_INTEGERS: Opcode = opcode(2, 1, 0x27);

/// Two masks to a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum MaskOpcode {
    And = 0x41,
    Or = 0x45,
    Xor = 0x47,
}

/// Code under construction.
#[derive(Default)]
pub(super) struct Assembler {
    pub code: Vec<u8>,
}

/// A place in the code that a jump leads to or from.
#[derive(Clone, Copy)]
pub(super) struct Place(usize);

impl Assembler {
    fn bytes(&mut self, bytes: &[u8]) {
        self.code.extend_from_slice(bytes);
    }

    /// `target[mask] = opcode(second, source)`; `register` numbers a vector or a mask.
    pub fn vector(&mut self, opcode: Opcode, register: u8, second: u8, source: Source, masking: Masking) {
        let (zero, mask) = match masking {
            Masking::None => (0, 0),
            Masking::Merge(K(mask)) => (0, mask),
            Masking::Zero(K(mask)) => (1, mask),
        };
        // The upper bits of register numbers are stored inverted.
        let bit = |number: u8, bit: u8| !(number >> bit) & 1;
        let (x, b, broadcast) = match source {
            Source::Register(Zmm(number)) => (bit(number, 4), bit(number, 3), 0),
            Source::Broadcast(..) => (1, 1, 1),
            Source::Memory(..) => (1, 1, 0),
            // The index is r8.
            Source::Indexed(_) => (0, 1, 0),
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
            Source::Register(Zmm(number)) => self.bytes(&[0xc0 | field | number & 7]),
            Source::Broadcast(base, offset) | Source::Memory(base, offset) => {
                self.bytes(&[0x80 | field | base as u8]);
                if base == General::Rsp {
                    self.bytes(&[0x24]);
                }
                self.bytes(&offset.to_le_bytes());
            }
            Source::Indexed(scale) => self.bytes(&[field | 4, scale << 6]),
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
        self.vector(opcode, register, second, source, Masking::None);
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

    /// Makes room of `bytes` on the stack, or gives it back if negative.
    pub fn reserve_stack(&mut self, bytes: i32) {
        self.bytes(&[0x48, 0x81, 0xec]);
        self.bytes(&bytes.to_le_bytes());
    }

    /// Asks for the line at `rax + r8 · scale + ahead` to be brought into the cache.
    pub fn prefetch(&mut self, scale: u8, ahead: i32) {
        self.bytes(&[0x42, 0x0f, 0x18, 0x8c, scale << 6]);
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

    /// r8 += 16.
    pub fn advance_index(&mut self) {
        self.bytes(&[0x49, 0x83, 0xc0, 16]);
    }

    /// Jumps if r8 + 16 > rcx.
    pub fn jump_if_less_than_a_vector_is_left(&mut self) -> Place {
        self.bytes(&[0x4d, 0x8d, 0x48, 16, 0x49, 0x39, 0xc9, 0x0f, 0x87]);
        self.jump_offset()
    }

    /// rcx -= r8, and jumps if that is zero.
    pub fn count_rest_and_jump_if_none(&mut self) -> Place {
        self.bytes(&[0x4c, 0x29, 0xc1, 0x0f, 0x84]);
        self.jump_offset()
    }

    /// mask = the lowest rcx lanes.
    pub fn mask_of_rest(&mut self, mask: K) {
        self.bytes(&[0xb8, 0xff, 0xff, 0xff, 0xff, 0xc4, 0xe2, 0x70, 0xf5, 0xc0]);
        self.bytes(&[0xc5, 0xf8, 0x92, 0xc0 | mask.0 << 3]);
    }

    fn jump_offset(&mut self) -> Place {
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

    /// Returns to the caller, upper halves of registers cleared.
    pub fn finish(&mut self) {
        self.bytes(&[0xc5, 0xf8, 0x77, 0xc3]);
    }
}
