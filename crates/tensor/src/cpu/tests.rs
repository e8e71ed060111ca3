//! Conversions, elementwise ops on whole numbers and reductions against one number after the other, for every
//! instruction set of this machine, on lengths around those of vectors.

use half::{bf16, f16};

use crate::cpu::kernels::compiled::{Book, Builder};
use crate::cpu::kernels::isa::Isa;
use crate::cpu::kernels::threads::Pool;
use crate::ops::map::{MapKind, MapOp};
use crate::ops::reduce::ReduceOp;
use crate::plan::fuse::{Form, Level};
use crate::plan::loops::{
    ColumnReduction, InPlace, Instruction, LoopProgram, Operand, Pattern, Register, RegisterKind,
};
use crate::{DType, Element};

use super::convert::convert;
use super::loops::{CompiledLoop, Memory};
use super::map::map;
use super::reduce;

const LENGTHS: [usize; 12] = [0, 1, 2, 7, 8, 15, 16, 17, 31, 64, 67, 131];

/// A value of any type: whole numbers and floats apart, since neither holds the other.
#[derive(Clone, Copy, Debug)]
enum Any {
    Whole(i64),
    Float(f64),
}

fn any(bytes: &[u8], dtype: DType) -> Any {
    fn first<T: Element>(bytes: &[u8]) -> T {
        T::from_bytes(&bytes[..size_of::<T>()])[0]
    }
    match dtype {
        DType::Bool | DType::U8 => Any::Whole(bytes[0].into()),
        DType::I32 => Any::Whole(first::<i32>(bytes).into()),
        DType::I64 => Any::Whole(first::<i64>(bytes)),
        DType::F16 => Any::Float(first::<f16>(bytes).to_f64()),
        DType::BF16 => Any::Float(first::<bf16>(bytes).to_f64()),
        DType::F32 => Any::Float(first::<f32>(bytes).into()),
        DType::F64 => Any::Float(first::<f64>(bytes)),
    }
}

/// The bytes of a value in another type, by the rule that `Tensor::cast` states.
fn converted(value: Any, dtype: DType) -> Vec<u8> {
    fn bytes<T: Element>(value: T) -> Vec<u8> {
        T::as_bytes(&[value]).to_vec()
    }
    match (value, dtype) {
        (Any::Whole(value), DType::Bool) => vec![u8::from(value != 0)],
        (Any::Float(value), DType::Bool) => vec![u8::from(value != 0.0)],
        (Any::Whole(value), DType::U8) => vec![value as u8],
        (Any::Float(value), DType::U8) => vec![value as u8],
        (Any::Whole(value), DType::I32) => bytes(value as i32),
        (Any::Float(value), DType::I32) => bytes(value as i32),
        (Any::Whole(value), DType::I64) => bytes(value),
        (Any::Float(value), DType::I64) => bytes(value as i64),
        (Any::Whole(value), DType::F16) => bytes(f16::from_f64(value as f64)),
        (Any::Float(value), DType::F16) => bytes(f16::from_f64(value)),
        (Any::Whole(value), DType::BF16) => bytes(bf16::from_f64(value as f64)),
        (Any::Float(value), DType::BF16) => bytes(bf16::from_f64(value)),
        (Any::Whole(value), DType::F32) => bytes(value as f32),
        (Any::Float(value), DType::F32) => bytes(value as f32),
        (Any::Whole(value), DType::F64) => bytes(value as f64),
        (Any::Float(value), DType::F64) => bytes(value),
    }
}

/// Values that are likely to go wrong, as bytes of a type.
fn corners(dtype: DType) -> Vec<u8> {
    let whole = [0, 1, -1, 2, 127, 128, 255, 256, 65_504, 65_520, 65_536, 16_777_217, i64::from(i32::MAX)];
    let large =
        [i64::from(i32::MIN), i64::from(i32::MAX) + 1, i64::MAX, i64::MIN, (1 << 53) + 1, -(1 << 62) - 3, 77];
    let mut floats = vec![
        0.5,
        -0.5,
        1.5,
        2.5,
        -0.0,
        0.1,
        -3.99,
        254.6,
        255.5,
        256.0,
        -1.0,
        2_147_483_647.5,
        -2_147_483_649.0,
        1e10,
        -1e19,
        1e19,
        1e38,
        1e39,
        3.5e38,
        1e300,
        1e-5,
        6e-8,
        2.9e-8,
        1e-45,
        1e-310,
        65_519.0,
        65_520.0,
        1.000_488_281_25,
        1.001_464_843_75,
        1.003_906_25,
        1.011_718_75,
    ];
    floats.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE]);
    if dtype == DType::Bool {
        return vec![0, 1, 1, 0, 1];
    }
    let whole = whole.into_iter().chain(large);
    let mut bytes: Vec<u8> = whole.flat_map(|value| converted(Any::Whole(value), dtype)).collect();
    if dtype.is_float() {
        bytes.extend(floats.into_iter().flat_map(|value| converted(Any::Float(value), dtype)));
    }
    bytes
}

/// Bytes in memory that is aligned for every type.
struct Aligned(Vec<u64>);

impl Aligned {
    fn new(bytes: &[u8]) -> Aligned {
        let mut words = vec![0u64; bytes.len().div_ceil(8)];
        bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Aligned(words)
    }
    fn pointer(&self) -> *const u8 {
        self.0.as_ptr().cast()
    }
    fn pointer_mut(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
    fn bytes(&self, length: usize) -> &[u8] {
        &bytemuck::cast_slice(&self.0)[..length]
    }
}

#[test]
fn all_pairs_of_types_are_converted_by_the_rule() {
    for from in DType::ALL {
        let corners = corners(from);
        let count = corners.len() / from.size();
        for to in DType::ALL {
            for isa in Isa::available() {
                for length in LENGTHS {
                    // The corners again and again, starting elsewhere each time.
                    let source: Vec<u8> = (0..length)
                        .flat_map(|index| {
                            let at = (index + length * 5) % count * from.size();
                            corners[at..at + from.size()].to_vec()
                        })
                        .collect();
                    let source = Aligned::new(&source);
                    let mut target = Aligned::new(&vec![0xa5; length * to.size() + 8]);
                    // SAFETY: both are aligned and hold `length` elements.
                    unsafe { convert(*isa, from, to, source.pointer(), target.pointer_mut(), length) };
                    let read = source.bytes(length * from.size());
                    let written = target.bytes(length * to.size() + 8);
                    for (index, element) in read.chunks_exact(from.size()).enumerate() {
                        let value = any(element, from);
                        let (expected, at) = (converted(value, to), index * to.size());
                        let got = &written[at..at + to.size()];
                        let nan =
                            |bytes: &[u8]| matches!(any(bytes, to), Any::Float(value) if value.is_nan());
                        assert!(
                            got == expected || nan(got) && nan(&expected),
                            "{isa:?}: {from} {value:?} as {to} is {:?}, expected {:?}",
                            any(got, to),
                            any(&expected, to)
                        );
                    }
                    assert_eq!(&written[length * to.size()..], [0xa5; 8], "written behind the end");
                }
            }
        }
    }
}

fn run(isa: Isa, op: MapOp, dtype: DType, operands: &[&Aligned], length: usize, size: usize) -> Vec<u8> {
    let mut pointers = [std::ptr::null(); 3];
    for (pointer, operand) in pointers.iter_mut().zip(operands) {
        *pointer = operand.pointer();
    }
    let mut target = Aligned::new(&vec![0; length * size]);
    // SAFETY: all operands and the target hold `length` elements and are aligned.
    unsafe { map(isa, op, dtype, pointers, target.pointer_mut(), length) };
    target.bytes(length * size).to_vec()
}

macro_rules! whole_number_test {
    ($name:ident, $type:ty) => {
        #[test]
        fn $name() {
            let dtype = <$type as Element>::DTYPE;
            let (low, high) = (<$type>::MIN, <$type>::MAX);
            let corners: [$type; 11] =
                [0, 1, low, high, 2, 3, 7, high - 1, low.wrapping_add(1), high / 2, 100];
            let unary = |op: MapOp, x: $type| -> $type {
                let wide = x as i128;
                let exact = match op {
                    MapOp::Neg => -wide,
                    MapOp::Abs => wide.abs(),
                    MapOp::Sign => wide.signum(),
                    MapOp::Square => wide * wide,
                    MapOp::Relu => wide.max(0),
                    op => unreachable!("{op:?} is new: say what it does to whole numbers"),
                };
                exact as $type
            };
            let binary = |op: MapOp, a: $type, b: $type| -> $type {
                let (x, y) = (a as i128, b as i128);
                let exact = match op {
                    MapOp::Add => x + y,
                    MapOp::Sub => x - y,
                    MapOp::Mul => x * y,
                    MapOp::Maximum => x.max(y),
                    MapOp::Minimum => x.min(y),
                    MapOp::Modulo if y == 0 => 0,
                    // The remainder with the sign of the divisor.
                    MapOp::Modulo => ((x % y) + y) % y,
                    op => unreachable!("{op:?} is new: say what it does to whole numbers"),
                };
                exact as $type
            };
            let compare = |op: MapOp, a: $type, b: $type| match op {
                MapOp::Equal => a == b,
                MapOp::NotEqual => a != b,
                MapOp::Less => a < b,
                MapOp::LessEqual => a <= b,
                MapOp::Greater => a > b,
                MapOp::GreaterEqual => a >= b,
                op => unreachable!("{op:?} is new: say what it does to whole numbers"),
            };
            for isa in Isa::available() {
                for length in LENGTHS {
                    let a: Vec<$type> = (0..length).map(|index| corners[index % 11]).collect();
                    let b: Vec<$type> =
                        (0..length).map(|index| corners[(index * 3 + index / 11) % 11]).collect();
                    let mask: Vec<u8> = (0..length).map(|index| (index % 3 == 0) as u8).collect();
                    let bytes = |values: &[$type]| Aligned::new(<$type as Element>::as_bytes(values));
                    let (left, right, condition) = (bytes(&a), bytes(&b), Aligned::new(&mask));
                    let size = dtype.size();
                    for op in MapOp::ALL.iter().copied() {
                        let pairs = || a.iter().copied().zip(b.iter().copied());
                        let (got, expected): (Vec<u8>, Vec<u8>) = match op.kind() {
                            MapKind::NumberUnary => (
                                run(*isa, op, dtype, &[&left], length, size),
                                <$type>::as_bytes(&a.iter().map(|x| unary(op, *x)).collect::<Vec<_>>())
                                    .to_vec(),
                            ),
                            MapKind::NumberBinary => (
                                run(*isa, op, dtype, &[&left, &right], length, size),
                                <$type>::as_bytes(
                                    &pairs().map(|(a, b)| binary(op, a, b)).collect::<Vec<_>>(),
                                )
                                .to_vec(),
                            ),
                            MapKind::Comparison => (
                                run(*isa, op, dtype, &[&left, &right], length, 1),
                                pairs().map(|(a, b)| u8::from(compare(op, a, b))).collect(),
                            ),
                            MapKind::Select => {
                                let chosen: Vec<$type> = pairs()
                                    .zip(&mask)
                                    .map(|((a, b), mask)| if *mask == 1 { a } else { b })
                                    .collect();
                                let got = run(*isa, op, dtype, &[&condition, &left, &right], length, size);
                                (got, <$type>::as_bytes(&chosen).to_vec())
                            }
                            _ => continue,
                        };
                        assert_eq!(got, expected, "{isa:?}: {} of {length} {dtype}", op.name());
                    }
                }
            }
        }
    };
}

whole_number_test!(bytes_are_computed_as_whole_numbers, u8);
whole_number_test!(ints_are_computed_as_whole_numbers, i32);
whole_number_test!(longs_are_computed_as_whole_numbers, i64);

#[test]
fn truth_tables() {
    for isa in Isa::available() {
        for length in LENGTHS {
            let a: Vec<u8> = (0..length).map(|index| (index & 1) as u8).collect();
            let b: Vec<u8> = (0..length).map(|index| (index >> 1 & 1) as u8).collect();
            let (left, right) = (Aligned::new(&a), Aligned::new(&b));
            let both = |op: MapOp| run(*isa, op, DType::Bool, &[&left, &right], length, 1);
            let each =
                |rule: fn(u8, u8) -> u8| -> Vec<u8> { a.iter().zip(&b).map(|(a, b)| rule(*a, *b)).collect() };
            assert_eq!(both(MapOp::And), each(|a, b| a & b));
            assert_eq!(both(MapOp::Or), each(|a, b| a | b));
            assert_eq!(both(MapOp::Xor), each(|a, b| a ^ b));
            assert_eq!(both(MapOp::Less), each(|a, b| u8::from(a < b)));
            assert_eq!(run(*isa, MapOp::Not, DType::Bool, &[&left], length, 1), each(|a, _| 1 - a));
        }
    }
}

const OPS: [ReduceOp; 4] = [ReduceOp::Sum, ReduceOp::Product, ReduceOp::Max, ReduceOp::Min];

fn reduced_rows<T: Element>(isa: Isa, op: ReduceOp, values: &[T], row: usize) -> Vec<T> {
    let count = values.len() / row;
    let source = Aligned::new(T::as_bytes(values));
    let mut target = Aligned::new(&vec![0; count * size_of::<T>()]);
    // SAFETY: whole rows, one element for each.
    unsafe { reduce::rows(isa, op, T::DTYPE, source.pointer(), row, count, target.pointer_mut()) };
    T::from_bytes(target.bytes(count * size_of::<T>()))
}

fn reduced_columns<T: Element>(
    isa: Isa,
    op: ReduceOp,
    values: &[T],
    width: usize,
    first: Option<&[T]>,
) -> Vec<T> {
    let count = values.len() / width;
    let source = Aligned::new(T::as_bytes(values));
    let mut target = Aligned::new(first.map_or(&vec![0; width * size_of::<T>()], |first| T::as_bytes(first)));
    let pointer = target.pointer_mut();
    // SAFETY: whole rows, and an accumulator as wide.
    unsafe { reduce::columns(isa, op, T::DTYPE, source.pointer(), count, width, pointer, first.is_none()) };
    T::from_bytes(target.bytes(width * size_of::<T>()))
}

macro_rules! reduction_test {
    ($name:ident, $type:ty, $value:expr, $combine:expr, $close:expr) => {
        #[test]
        fn $name() {
            let value: fn(usize) -> $type = $value;
            let combine: fn(ReduceOp, $type, $type) -> $type = $combine;
            let close: fn($type, $type) -> bool = $close;
            for op in OPS {
                for row in [1, 2, 3, 15, 16, 17, 31, 32, 33, 61, 100, 257] {
                    for count in [1usize, 2, 3, 5, 19] {
                        let values: Vec<$type> = (0..row * count).map(value).collect();
                        let mut portable: Option<(Vec<$type>, Vec<$type>)> = None;
                        for isa in Isa::available() {
                            let rows = reduced_rows(*isa, op, &values, row);
                            assert_eq!(rows.len(), count);
                            for (got, row) in rows.iter().zip(values.chunks_exact(row)) {
                                let expected =
                                    row[1..].iter().fold(row[0], |all, value| combine(op, all, *value));
                                assert!(
                                    close(*got, expected),
                                    "{isa:?} {op:?} of a row: {got}, expected {expected}"
                                );
                            }
                            let columns = reduced_columns(*isa, op, &values, row, None);
                            for (at, got) in columns.iter().enumerate() {
                                let expected = (1..count)
                                    .fold(values[at], |all, line| combine(op, all, values[line * row + at]));
                                assert!(
                                    *got == expected,
                                    "{isa:?} {op:?} of a column: {got}, expected {expected}"
                                );
                            }
                            // In two parts.
                            let (head, tail) = values.split_at(row * (count / 2));
                            let part = if head.is_empty() {
                                None
                            } else {
                                Some(reduced_columns(*isa, op, head, row, None))
                            };
                            assert!(reduced_columns(*isa, op, tail, row, part.as_deref()) == columns);
                            // The order of arithmetic is that of the length, whatever the instructions.
                            let known = portable.get_or_insert((rows.clone(), columns.clone()));
                            assert!(
                                *known == (rows, columns),
                                "{isa:?} {op:?} differs from the portable code"
                            );
                        }
                    }
                }
            }
        }
    };
}

macro_rules! wrapping {
    () => {
        |op, a, b| match op {
            ReduceOp::Sum => a.wrapping_add(b),
            ReduceOp::Product => a.wrapping_mul(b),
            ReduceOp::Max => a.max(b),
            ReduceOp::Min => a.min(b),
        }
    };
}

macro_rules! rounding {
    () => {
        |op, a, b| match op {
            ReduceOp::Sum => a + b,
            ReduceOp::Product => a * b,
            ReduceOp::Max => a.max(b),
            ReduceOp::Min => a.min(b),
        }
    };
}

reduction_test!(
    reductions_of_f32,
    f32,
    |at| 1.0 + ((at * 37 % 101) as f32 - 50.0) / 400.0,
    rounding!(),
    |a, b| { (a - b).abs() <= 3e-5 * b.abs() }
);
reduction_test!(
    reductions_of_f64,
    f64,
    |at| 1.0 + ((at * 37 % 101) as f64 - 50.0) / 400.0,
    rounding!(),
    |a, b| { (a - b).abs() <= 1e-13 * b.abs() }
);
reduction_test!(
    reductions_of_i32,
    i32,
    |at| (at as i32).wrapping_mul(1_234_567) ^ 0x55,
    wrapping!(),
    |a, b| a == b
);
reduction_test!(reductions_of_i64, i64, |at| (at as i64 * 1_234_567_890_123) ^ 0x55, wrapping!(), |a, b| a
    == b);
reduction_test!(reductions_of_u8, u8, |at| (at * 73 + 5) as u8, wrapping!(), |a, b| a == b);

#[test]
fn a_nan_is_never_lost() {
    for isa in Isa::available() {
        for row in [1, 5, 16, 17, 40] {
            for at in 0..row {
                let mut values = vec![1.0f32; row];
                values[at] = f32::NAN;
                for op in OPS {
                    assert!(reduced_rows(*isa, op, &values, row)[0].is_nan(), "{isa:?} {op:?} {row} {at}");
                    let column = reduced_columns(*isa, op, &values, 1, None);
                    assert!(column[0].is_nan(), "{isa:?} {op:?} {row} {at}");
                }
            }
        }
    }
}

#[test]
fn the_first_largest_is_found() {
    let nan = f64::NAN;
    let cases: [(&[f64], i64); 8] = [
        (&[3.0], 0),
        (&[1.0, 3.0, 2.0, 3.0], 1),
        (&[-1.0, -1.0], 0),
        (&[1.0, nan, 5.0, nan], 1),
        (&[nan, 9.0], 0),
        (&[f64::NEG_INFINITY, f64::NEG_INFINITY], 0),
        (&[0.0, -0.0, f64::INFINITY], 2),
        (&[5.0, 4.0, 3.0, 2.0, 1.0, 0.0, 6.0], 6),
    ];
    for (values, expected) in cases {
        // Along the middle axis, in the second of two columns and of two outer positions.
        let mut wide = vec![0.0; values.len() * 4];
        for (index, value) in values.iter().enumerate() {
            wide[(values.len() + index) * 2 + 1] = *value;
        }
        let mut found = [7i64; 4];
        let source = Aligned::new(f64::as_bytes(&wide));
        // SAFETY: `[2, length, 2]` values give `[2, 2]` positions.
        unsafe { reduce::argmax(DType::F64, source.pointer(), values.len(), 2, 0..2, found.as_mut_ptr()) };
        assert_eq!(found, [0, 0, 0, expected], "{values:?}");
    }
}

/// What a loop writes to its only target, `elements` single-precision numbers, compiled or interpreted.
fn looped(program: &LoopProgram, isa: Isa, compiled: bool, reads: &[&[f32]], elements: usize) -> Vec<f32> {
    // The portable set has no compiled segments; the steps are then run with the same kernels.
    let mut book = Book::default();
    let made = CompiledLoop::new(program.clone(), if compiled { isa } else { Isa::Portable }, &mut book);
    book.finish();
    let mut target = vec![0f32; elements];
    let reads: Vec<*mut u8> = reads.iter().map(|read| read.as_ptr().cast_mut().cast()).collect();
    let writes = [target.as_mut_ptr().cast::<u8>()];
    let memory = Memory { reads: &reads, writes: &writes, numbers: &[] };
    // SAFETY: the callers' programs read what they are given, and write the target.
    unsafe { made.run(&Pool::new(2), isa, memory) };
    target
}

/// Holds a loop that writes `elements` numbers to the same bits compiled and interpreted, for each instruction set.
fn assert_compiled_as_interpreted(what: &str, program: &LoopProgram, reads: &[&[f32]], elements: usize) {
    let sets: Vec<Isa> = Isa::available().iter().copied().filter(|isa| Builder::compiles_for(*isa)).collect();
    if sets.is_empty() {
        eprintln!("skipped: there is no machine code for this machine");
    }
    for isa in sets {
        let [compiled, interpreted] =
            [true, false].map(|compiled| looped(program, isa, compiled, reads, elements));
        for (index, (left, right)) in compiled.iter().zip(&interpreted).enumerate() {
            let same = left.to_bits() == right.to_bits() || left.is_nan() && right.is_nan();
            assert!(same, "{what}, {isa:?}: element {index} is {left:e} compiled and {right:e} interpreted");
        }
    }
}

/// Numbers of all magnitudes, special ones among them.
fn assorted(count: usize, factor: u32) -> Vec<f32> {
    let special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0, -1.0, 1e-40];
    let other = |index: usize| f32::from_bits((index as u32).wrapping_mul(factor));
    (0..count)
        .map(|index| special.get(index * factor as usize % 29).copied().unwrap_or(other(index)))
        .collect()
}

#[test]
fn compiled_ops_give_the_bits_of_the_interpreter() {
    let position = |dtype, home| RegisterKind { level: Level::Position, dtype, home };
    let count = 3001;
    let [a, b] = [assorted(count, 2_654_435_761), assorted(count, 2_246_822_519)];
    for op in MapOp::ALL {
        let operands = match op.kind() {
            MapKind::FloatUnary | MapKind::NumberUnary | MapKind::Predicate => 1,
            MapKind::FloatBinary | MapKind::NumberBinary | MapKind::Comparison => 2,
            _ => continue,
        };
        let truth = matches!(op.kind(), MapKind::Comparison | MapKind::Predicate);
        let made = if truth { DType::Bool } else { DType::F32 };
        let mut instructions = vec![Instruction::Map {
            op: *op,
            dtype: DType::F32,
            to: Register(0),
            operands: (0..operands).map(Operand::Memory).collect(),
        }];
        if truth {
            let operand = Operand::Register(Register(0));
            instructions.push(Instruction::Cast { from: DType::Bool, to: Register(1), operand });
        }
        let last = Operand::Register(Register(u16::from(truth)));
        instructions.push(Instruction::Store {
            target: 0,
            level: Level::Position,
            dtype: DType::F32,
            operand: last,
        });
        let program = LoopProgram {
            elements: count,
            row: 1,
            form: Form::Rows,
            registers: vec![position(made, 0), position(DType::F32, 1)],
            in_place: (0..operands as usize).map(|source| InPlace { source, dtype: DType::F32 }).collect(),
            setup: Vec::new(),
            instructions,
            columns: Vec::new(),
        };
        assert_compiled_as_interpreted(op.name(), &program, &[&a, &b], count);
    }
}

#[test]
fn compiled_rows_give_the_bits_of_the_interpreter() {
    // (x + bias − Σ (x + bias)) per row; rows of 48 and 100 are compiled with their sums, rows of 20 in parts.
    for (rows, row) in [(77, 48), (5, 100), (41, 20), (3, 4096)] {
        let count = rows * row;
        let x: Vec<f32> = (0..count).map(|index| ((index * 7919) % 1013) as f32 / 97.0 - 5.0).collect();
        let bias: Vec<f32> = (0..row).map(|index| (index as f32).sin()).collect();
        let kind = |level, home| RegisterKind { level, dtype: DType::F32, home };
        let [loaded, sum, total, spread, result] = [0, 1, 2, 3, 4].map(Register);
        let pattern = Pattern {
            lengths: smallvec::smallvec![rows, row],
            strides: smallvec::smallvec![0, 1],
            offset: 0,
        };
        let map = |op, to, operands: [Operand; 2]| Instruction::Map {
            op,
            dtype: DType::F32,
            to,
            operands: operands.into_iter().collect(),
        };
        let of = Operand::Register;
        let program = LoopProgram {
            elements: count,
            row,
            form: Form::Rows,
            registers: [Level::Position, Level::Position, Level::Row, Level::Position, Level::Position]
                .into_iter()
                .zip(0..)
                .map(|(level, home)| kind(level, home))
                .collect(),
            in_place: vec![InPlace { source: 0, dtype: DType::F32 }],
            setup: Vec::new(),
            instructions: vec![
                Instruction::Load { to: loaded, source: 1, pattern: Box::new(pattern) },
                map(MapOp::Add, sum, [Operand::Memory(0), of(loaded)]),
                Instruction::Reduce { op: ReduceOp::Sum, dtype: DType::F32, to: total, operand: of(sum) },
                Instruction::Spread { to: spread, operand: of(total) },
                map(MapOp::Sub, result, [of(sum), of(spread)]),
                Instruction::Store {
                    target: 0,
                    level: Level::Position,
                    dtype: DType::F32,
                    operand: of(result),
                },
            ],
            columns: Vec::new(),
        };
        assert_compiled_as_interpreted(&format!("rows of {row}"), &program, &[&x, &bias], count);
    }
}

#[test]
fn compiled_columns_give_the_bits_of_the_interpreter() {
    // Lines in one piece and in many, as rows and by themselves, long enough to be compiled and not.
    let cases = [
        (1, 300, 1024, true),
        (2, 5, 48, true),
        (1, 3, 100, true),
        (1, 70, 512, false),
        (3, 7, 700, false),
        (1, 9, 40, false),
    ];
    for (outer, length, inner, has_rows) in cases {
        let count = outer * length * inner;
        let number = |index: usize| ((index * 7919) % 1013) as f32 / 97.0 - 5.0;
        // A column of negative zeros, whose sum is one.
        let x: Vec<f32> =
            (0..count).map(|index| if index % inner == 3 { -0.0 } else { number(index) }).collect();
        let kind = |level| RegisterKind { level, dtype: DType::F32, home: 0 };
        let [total, spread, result] = [0, 1, 2].map(Register);
        let (x_itself, of) = (Operand::Memory(0), Operand::Register);
        let subtracted = if has_rows { of(spread) } else { x_itself };
        let map = Instruction::Map {
            op: MapOp::Sub,
            dtype: DType::F32,
            to: result,
            operands: smallvec::smallvec![x_itself, subtracted],
        };
        // x − Σ x of its row, for which a row is read twice.
        let rows = [
            Instruction::Reduce { op: ReduceOp::Sum, dtype: DType::F32, to: total, operand: x_itself },
            Instruction::Spread { to: spread, operand: of(total) },
        ];
        let registers = [Level::Row, Level::Position, Level::Position].into_iter().zip(0..);
        for operand in [of(result), x_itself] {
            let program = LoopProgram {
                elements: count,
                row: if has_rows { inner } else { 1 },
                form: Form::Columns { outer, length, inner },
                registers: registers
                    .clone()
                    .map(|(level, home)| RegisterKind { home, ..kind(level) })
                    .collect(),
                in_place: vec![InPlace { source: 0, dtype: DType::F32 }],
                setup: Vec::new(),
                instructions: rows.iter().filter(|_| has_rows).cloned().chain([map.clone()]).collect(),
                columns: vec![ColumnReduction { op: ReduceOp::Sum, dtype: DType::F32, operand, target: 0 }],
            };
            let what = format!("{outer} x {length} x {inner}, {operand:?}");
            assert_compiled_as_interpreted(&what, &program, &[&x], outer * inner);
            if operand == x_itself {
                let sums = looped(&program, Isa::detected(), true, &[&x], outer * inner);
                assert!(sums[3].to_bits() == (-0.0f32).to_bits(), "{what}: {} for negative zeros", sums[3]);
            }
        }
    }
}
