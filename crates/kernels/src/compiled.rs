//! Loops compiled to machine code while the program runs.
//!
//! A fused loop over single-precision numbers is a straight-line program per position. Interpreted, each of its steps
//! reads and writes the first-level cache; compiled, everything between its loads and its stores stays in registers.
//! [`Builder`] records such a program, [`Builder::compile`] allocates registers (linear scan, Poletto and Sarkar 1999)
//! and emits instructions of AVX-512 or AVX2; on other machines, or where the system grants no executable memory, there
//! is no code and the caller interprets.
//!
//! Every operation is rounded as the interpreter's kernels round, so that both give the same bits.

mod allocate;
mod assembler;
mod avx2;
mod avx512;
mod functions;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock};

use memmap2::Mmap;

use crate::hashing::IdMap;
use crate::isa::Isa;
use allocate::Emitted;

/// A vector of single-precision numbers, one per position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vector(u32);

/// One truth value per position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Truth(u32);

/// Memory that a program reads or writes: an index into the table of pointers that it is run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream(pub u32);

/// How the elements of a stream are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stored {
    /// Single precision.
    F32,
    /// bf16, which is widened when read and rounded to nearest even when written.
    Bf16,
}

/// How a stream goes through the caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Its elements are, or are to be, in a cache.
    Cached,
    /// It is longer than the caches: what is read is asked for ahead of time, because the hardware stops looking ahead
    /// at the end of each page, and what is written goes past the caches where the program is run for that.
    Streamed,
    /// Its elements are in a cache, and those so many bytes after them, which are not, will be read soon: they are asked
    /// for. As for the others where it is written.
    Before(u32),
}

/// Two vectors to a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Subtract,
    /// a · b.
    Multiply,
    /// a / b.
    Divide,
    /// a if a > b, else b: the second if one is NaN.
    Larger,
    /// a if a < b, else b: the second if one is NaN.
    Smaller,
    /// Bits that are set in both.
    And,
    /// Bits that are set in one.
    Or,
    /// Bits that are set in exactly one.
    Xor,
    /// The sum of the bits as integers.
    AddIntegers,
    /// a · 2ᵇ for a whole number b of any size, rounded once.
    Scale,
    /// The same where 2ᵇ is a number that is neither subnormal nor infinite.
    ScaleNormal,
}

impl Binary {
    fn commutes(self) -> bool {
        matches!(
            self,
            Binary::Add | Binary::Multiply | Binary::And | Binary::Or | Binary::Xor | Binary::AddIntegers
        )
    }
}

/// Two vectors to truth values; all but the last two are false where one is NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// a = b.
    Equal = 0x00,
    /// a < b.
    Less = 0x11,
    /// a ≤ b.
    LessEqual = 0x12,
    /// a > b.
    Greater = 0x1e,
    /// a ≥ b.
    GreaterEqual = 0x1d,
    /// a ≠ b.
    NotEqual = 0x04,
    /// Whether one is NaN.
    Unordered = 0x03,
}

/// Two truth values to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Logic {
    /// Both.
    And,
    /// One of them.
    Or,
    /// Exactly one.
    Xor,
}

/// To an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the nearest, halves to the even one.
    Nearest = 0x08,
    /// Down.
    Floor = 0x09,
    /// Up.
    Ceil = 0x0a,
    /// Toward zero.
    Truncate = 0x0b,
}

/// What becomes of the vectors of all positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Their sum, lane by lane.
    Sum,
    /// The largest, lane by lane, NaN if one is NaN.
    Max,
    /// The smallest, likewise.
    Min,
}

/// Lanes that a reduction leaves.
pub const LANES: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Load(Stream, Stored, Access),
    LoadTruth(Stream),
    /// The number at the start of a stream, for all positions.
    Scalar(Stream),
    /// Index into the numbers of a run.
    Uniform(u32),
    /// Index into the constants of the program.
    Constant(u32),
    Binary(Binary, Vector, Vector),
    MultiplyAdd(Vector, Vector, Vector),
    SquareRoot(Vector),
    ShiftLeft(Vector, u8),
    ShiftRight(Vector, u8),
    Round(Rounding, Vector),
    /// Bits of the second where those of the constant are set, else of the third.
    ChooseBits(u32, Vector, Vector),
    Compare(Comparison, Vector, Vector),
    Logic(Logic, Truth, Truth),
    Not(Truth),
    Select(Truth, Vector, Vector),
    Store(Stream, Stored, Access, Vector),
    StoreTruth(Stream, Truth),
    /// The number of the accumulator and what is added to it.
    Reduce(Reduction, u32, Vector),
}

/// Records a program.
#[derive(Default)]
pub struct Builder {
    nodes: Vec<Node>,
    known: IdMap<Node, u32>,
    constants: Vec<u32>,
    /// Where the lanes of each reduction go.
    accumulators: Vec<(Reduction, Stream)>,
}

impl Builder {
    /// An empty program.
    pub fn new() -> Builder {
        Builder::default()
    }

    fn node(&mut self, node: Node) -> u32 {
        if let Some(known) = self.known.get(&node) {
            return *known;
        }
        let Vector(number) = self.push(node);
        self.known.insert(node, number);
        number
    }

    /// Records a node even if there is an equal one.
    fn push(&mut self, node: Node) -> Vector {
        self.nodes.push(node);
        Vector(self.nodes.len() as u32 - 1)
    }

    /// The element of each position.
    pub fn load(&mut self, stream: Stream, stored: Stored, access: Access) -> Vector {
        Vector(self.node(Node::Load(stream, stored, access)))
    }

    /// The truth value (a byte, 0 or 1) of each position.
    pub fn load_truth(&mut self, stream: Stream) -> Truth {
        Truth(self.node(Node::LoadTruth(stream)))
    }

    /// The number that a stream points to, for all positions.
    pub fn scalar(&mut self, stream: Stream) -> Vector {
        Vector(self.node(Node::Scalar(stream)))
    }

    /// The `index`-th number of a run, for all positions.
    pub fn uniform(&mut self, index: usize) -> Vector {
        Vector(self.node(Node::Uniform(index as u32)))
    }

    fn constant_index(&mut self, bits: u32) -> u32 {
        let known = self.constants.iter().position(|constant| *constant == bits);
        known.unwrap_or_else(|| {
            self.constants.push(bits);
            self.constants.len() - 1
        }) as u32
    }

    /// A constant given by its bits.
    pub fn bits(&mut self, bits: u32) -> Vector {
        let index = self.constant_index(bits);
        Vector(self.node(Node::Constant(index)))
    }

    /// A constant.
    pub fn constant(&mut self, value: f32) -> Vector {
        self.bits(value.to_bits())
    }

    /// Two vectors to a vector.
    pub fn binary(&mut self, operation: Binary, a: Vector, b: Vector) -> Vector {
        Vector(self.node(Node::Binary(operation, a, b)))
    }

    /// a · b + c, rounded once.
    pub fn multiply_add(&mut self, a: Vector, b: Vector, c: Vector) -> Vector {
        Vector(self.node(Node::MultiplyAdd(a, b, c)))
    }

    /// √x.
    pub fn square_root(&mut self, x: Vector) -> Vector {
        Vector(self.node(Node::SquareRoot(x)))
    }

    /// The bits moved to the left.
    pub fn shift_left(&mut self, x: Vector, by: u8) -> Vector {
        Vector(self.node(Node::ShiftLeft(x, by)))
    }

    /// The bits moved to the right, zeros coming in.
    pub fn shift_right(&mut self, x: Vector, by: u8) -> Vector {
        Vector(self.node(Node::ShiftRight(x, by)))
    }

    /// To an integer.
    pub fn round(&mut self, rounding: Rounding, x: Vector) -> Vector {
        Vector(self.node(Node::Round(rounding, x)))
    }

    /// Bits of `a` where those of `mask` are set, else of `b`.
    pub fn choose_bits(&mut self, mask: u32, a: Vector, b: Vector) -> Vector {
        let mask = self.constant_index(mask);
        Vector(self.node(Node::ChooseBits(mask, a, b)))
    }

    /// Two vectors to truth values.
    pub fn compare(&mut self, comparison: Comparison, a: Vector, b: Vector) -> Truth {
        Truth(self.node(Node::Compare(comparison, a, b)))
    }

    /// Two truth values to one.
    pub fn logic(&mut self, logic: Logic, a: Truth, b: Truth) -> Truth {
        Truth(self.node(Node::Logic(logic, a, b)))
    }

    /// The opposite.
    pub fn not(&mut self, a: Truth) -> Truth {
        Truth(self.node(Node::Not(a)))
    }

    /// `a` where true, else `b`.
    pub fn select(&mut self, truth: Truth, a: Vector, b: Vector) -> Vector {
        Vector(self.node(Node::Select(truth, a, b)))
    }

    /// Writes the element of each position. A stream may lie where one that is read lies: positions are read before
    /// they are written. Nothing may be read from a stream after it has been stored to.
    pub fn store(&mut self, stream: Stream, stored: Stored, access: Access, x: Vector) {
        if stored == Stored::Bf16 {
            for bits in [1, 0x7fff, 0x40] {
                self.constant_index(bits);
            }
        }
        self.push(Node::Store(stream, stored, access, x));
    }

    /// Writes a byte, 0 or 1, for each position.
    pub fn store_truth(&mut self, stream: Stream, truth: Truth) {
        self.constant_index(1);
        self.push(Node::StoreTruth(stream, truth));
    }

    /// Reduces all positions to [`LANES`] numbers at `stream`: lane i those at i, i + 16, i + 32, …, in this order.
    /// Lanes without a position hold the neutral element (−0, −∞, ∞).
    pub fn reduce(&mut self, reduction: Reduction, stream: Stream, x: Vector) {
        self.constant_index(allocate::neutral(reduction).to_bits());
        let number = self.accumulators.len() as u32;
        self.accumulators.push((reduction, stream));
        self.push(Node::Reduce(reduction, number, x));
    }

    /// Whether nothing has been recorded.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether some single-precision numbers are stored as [`Access::Streamed`], so that there is a use for code that
    /// stores past the cache.
    pub fn streams_stores(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node, Node::Store(_, Stored::F32, Access::Streamed, _)))
    }

    /// Whether there is machine code for an instruction set at all, and executable memory for it.
    pub fn compiles_for(isa: Isa) -> bool {
        static GRANTED: OnceLock<bool> = OnceLock::new();
        let granted = || executable(&[0]).is_ok();
        cfg!(target_arch = "x86_64") && isa != Isa::Portable && *GRANTED.get_or_init(granted)
    }

    /// The program as machine code in `book`, or as it was compiled before; `None` where there is none for `isa`, where
    /// the system grants no executable memory, or where the program needs too many truth values or reductions at once.
    /// Code that stores `past_cache` may only be run where the streams of such stores begin at multiples of 64 bytes.
    pub fn compile(&self, isa: Isa, past_cache: bool, book: &mut Book) -> Option<Arc<Code>> {
        if !Builder::compiles_for(isa) {
            return None;
        }
        let (nodes, constants) = (self.nodes.clone(), self.constants.clone());
        let program = Program { isa, past_cache, nodes, constants, accumulators: self.accumulators.clone() };
        if let Some(known) = book.codes.get(&program).cloned().or_else(|| known(&program)) {
            return Some(known);
        }
        let Emitted { code, constants } = match isa {
            Isa::Avx512 => avx512::emit(self, past_cache)?,
            Isa::Avx2 => avx2::emit(self, past_cache)?,
            Isa::Portable => return None,
        };
        // Constants and code begin at whole lines.
        let begin = |bytes: &mut Vec<u8>| {
            bytes.resize(bytes.len().next_multiple_of(64), 0);
            bytes.len()
        };
        let start = begin(&mut book.bytes);
        book.bytes.extend(constants.iter().flat_map(|constant| constant.to_le_bytes()));
        let entry = begin(&mut book.bytes);
        book.bytes.extend_from_slice(&code);
        let code = Arc::new(Code { memory: Arc::clone(&book.memory), start, entry });
        book.codes.insert(program, Arc::clone(&code));
        Some(code)
    }
}

/// What code is compiled from.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Program {
    isa: Isa,
    past_cache: bool,
    nodes: Vec<Node>,
    constants: Vec<u32>,
    accumulators: Vec<(Reduction, Stream)>,
}

/// Code of finished books: loops of other sizes are the same code.
static KNOWN: Mutex<Option<IdMap<Program, Arc<Code>>>> = Mutex::new(None);
/// Most programs that are kept.
const MOST_KNOWN: usize = 4096;

/// The code of a program that was compiled before.
fn known(program: &Program) -> Option<Arc<Code>> {
    let known = KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    known.as_ref().and_then(|known| known.get(program).cloned())
}

/// A copy of these bytes that may be executed.
fn executable(bytes: &[u8]) -> std::io::Result<Mmap> {
    let mut memory = memmap2::MmapMut::map_anon(bytes.len())?;
    memory.copy_from_slice(bytes);
    memory.make_exec()
}

/// Programs that are compiled together: a system call makes memory executable, which takes longer than to compile most
/// programs. They can be run when the book is finished.
#[derive(Debug, Default)]
pub struct Book {
    bytes: Vec<u8>,
    memory: Arc<OnceLock<Mmap>>,
    codes: IdMap<Program, Arc<Code>>,
}

impl Book {
    /// Makes the programs executable.
    ///
    /// # Panics
    /// If there is no memory.
    pub fn finish(self) {
        if self.codes.is_empty() {
            return;
        }
        let memory =
            executable(&self.bytes).unwrap_or_else(|error| panic!("memory for compiled loops: {error}"));
        self.memory.set(memory).expect("a book is finished once");
        let mut known = KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let known = known.get_or_insert_default();
        if known.len() + self.codes.len() > MOST_KNOWN {
            known.clear();
        }
        known.extend(self.codes);
    }
}

/// A compiled program.
#[derive(Debug)]
pub struct Code {
    /// The memory of its book.
    memory: Arc<OnceLock<Mmap>>,
    /// Where its constants are.
    start: usize,
    /// Where its instructions are.
    entry: usize,
}

impl Code {
    /// Runs the program over `positions` positions.
    ///
    /// # Panics
    /// If the book is not finished.
    ///
    /// # Safety
    /// `streams` has a pointer for every stream of the program, valid for `positions` elements as they are stored (one
    /// for scalars, [`LANES`] for reductions) and aligned as [`Builder::compile`] asks, and `numbers` every number that
    /// it uses. What is stored overlaps what
    /// is loaded only position by position.
    pub unsafe fn run(&self, streams: &[*mut u8], numbers: &[u32], positions: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            type Entry = unsafe extern "sysv64" fn(*const *mut u8, *const u32, *const u32, usize);
            let memory = self.memory.get().expect("the book is finished").as_ptr();
            // SAFETY: at the entry the memory holds a function of this type, which `compile` made for this machine's
            // instructions, and at the start its constants; the caller vouches for the pointers.
            unsafe {
                let entry = std::mem::transmute::<*const u8, Entry>(memory.add(self.entry));
                entry(streams.as_ptr(), numbers.as_ptr(), memory.add(self.start).cast(), positions);
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        unreachable!("code exists on x86-64 only: {streams:?} {numbers:?} {positions}");
    }
}
