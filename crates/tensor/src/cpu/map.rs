//! Elementwise instructions on slices.

use crate::DType;
use crate::cpu::kernels::isa::{Instructions, Isa, Kernel};
use crate::cpu::kernels::math::Float;
use crate::ops::map::{MapKind, MapOp, Number};

/// Runs an elementwise op on `length` elements.
///
/// # Safety
/// `operands` point to as many as the op takes, each valid for `length` elements of `dtype` (the condition of a
/// selection: of `bool`), `target` to `length` elements of the op's result, and `target` overlaps no operand.
pub(crate) unsafe fn map(
    isa: Isa,
    op: MapOp,
    dtype: DType,
    operands: [*const u8; 3],
    target: *mut u8,
    length: usize,
) {
    macro_rules! by_type {
        ($call:ident: $($variant:ident $type:ty),*) => {
            // SAFETY: passed on from the caller.
            match dtype { $(DType::$variant => unsafe { $call::<$type>(isa, op, operands, target, length) },)*
                _ => unreachable!("{} has no kernel for {dtype}", op.name()) }
        };
    }
    match op.kind() {
        MapKind::FloatUnary => by_type!(unary_float: F32 f32, F64 f64),
        MapKind::FloatBinary => by_type!(binary_float: F32 f32, F64 f64),
        MapKind::NumberUnary if dtype.is_float() => by_type!(unary_float: F32 f32, F64 f64),
        MapKind::NumberUnary => by_type!(unary_integer: I32 i32, I64 i64, U8 u8),
        MapKind::NumberBinary if dtype.is_float() => by_type!(binary_float: F32 f32, F64 f64),
        MapKind::NumberBinary => by_type!(binary_integer: I32 i32, I64 i64, U8 u8),
        MapKind::Comparison => by_type!(comparison: F32 f32, F64 f64, I32 i32, I64 i64, U8 u8, Bool u8),
        MapKind::Predicate => by_type!(predicate: F32 f32, F64 f64),
        // SAFETY: passed on from the caller.
        MapKind::Logic => unsafe { logic(isa, op, operands, target, length) },
        // SAFETY: passed on from the caller.
        MapKind::Not => unsafe { not(isa, operands, target, length) },
        MapKind::Select => match dtype.size() {
            // SAFETY: passed on from the caller; only the size of the elements matters.
            1 => unsafe { select::<u8>(isa, operands, target, length) },
            // SAFETY: as above.
            2 => unsafe { select::<u16>(isa, operands, target, length) },
            // SAFETY: as above.
            4 => unsafe { select::<u32>(isa, operands, target, length) },
            // SAFETY: as above.
            _ => unsafe { select::<u64>(isa, operands, target, length) },
        },
    }
}

/// Slices of the operands and the target.
///
/// # Safety
/// As for [`map`], with `S` and `T` the types of operands and result.
unsafe fn slices<'a, S, T, const N: usize>(
    operands: [*const u8; 3],
    target: *mut u8,
    length: usize,
) -> ([&'a [S]; N], &'a mut [T]) {
    // SAFETY: promised by the caller.
    let sources = std::array::from_fn(|index| unsafe {
        std::slice::from_raw_parts(operands[index].cast::<S>(), length)
    });
    // SAFETY: promised by the caller.
    (sources, unsafe { std::slice::from_raw_parts_mut(target.cast::<T>(), length) })
}

/// Defines a function that makes slices and runs a kernel on them.
macro_rules! kernel {
    ($name:ident, $struct:ident, <$type:ident: $($bound:ident)|+>, $count:literal, $target:ty, |$own:ident| $body:expr) => {
        struct $struct<'a, $type> {
            op: MapOp,
            sources: [&'a [$type]; $count],
            target: &'a mut [$target],
        }

        impl<$type: $($bound +)+> Kernel for $struct<'_, $type> {
            type Output = ();
            #[inline(always)]
            fn run<I: Instructions>(self) {
                let $own = self;
                $body
            }
        }

        /// # Safety
        /// As for [`map`].
        unsafe fn $name<$type: $($bound +)+>(
            isa: Isa,
            op: MapOp,
            operands: [*const u8; 3],
            target: *mut u8,
            length: usize,
        ) {
            // SAFETY: passed on from the caller.
            let (sources, target) = unsafe { slices::<$type, $target, $count>(operands, target, length) };
            isa.run($struct { op, sources, target });
        }
    };
}

kernel!(unary_float, UnaryFloat, <T: Float|Number>, 1, T, |own| own.op.unary_float::<I, T>(own.sources[0], own.target));
kernel!(unary_integer, UnaryInteger, <T: Number>, 1, T, |own| {
    own.op.unary_integer::<T>(own.sources[0], own.target)
});
kernel!(binary_float, BinaryFloat, <T: Float|Number>, 2, T, |own| {
    own.op.binary_float::<I, T>(own.sources[0], own.sources[1], own.target)
});
kernel!(binary_integer, BinaryInteger, <T: Number>, 2, T, |own| {
    own.op.binary_integer::<I, T>(own.sources[0], own.sources[1], own.target)
});
kernel!(comparison, Comparison, <T: Number>, 2, u8, |own| {
    own.op.comparison::<T>(own.sources[0], own.sources[1], own.target)
});
kernel!(predicate, Predicate, <T: Float|Number>, 1, u8, |own| own.op.predicate::<T>(own.sources[0], own.target));

struct Logic<'a>(MapOp, [&'a [u8]; 2], &'a mut [u8]);

impl Kernel for Logic<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        self.0.logic(self.1[0], self.1[1], self.2);
    }
}

/// # Safety
/// As for [`map`].
unsafe fn logic(isa: Isa, op: MapOp, operands: [*const u8; 3], target: *mut u8, length: usize) {
    // SAFETY: passed on from the caller.
    let (sources, target) = unsafe { slices::<u8, u8, 2>(operands, target, length) };
    isa.run(Logic(op, sources, target));
}

struct Not<'a>(&'a [u8], &'a mut [u8]);

impl Kernel for Not<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        for (target, source) in self.1.iter_mut().zip(self.0) {
            *target = source ^ 1;
        }
    }
}

/// # Safety
/// As for [`map`].
unsafe fn not(isa: Isa, operands: [*const u8; 3], target: *mut u8, length: usize) {
    // SAFETY: passed on from the caller.
    let (sources, target) = unsafe { slices::<u8, u8, 1>(operands, target, length) };
    isa.run(Not(sources[0], target));
}

struct Select<'a, T>(&'a [u8], [&'a [T]; 2], &'a mut [T]);

impl<T: Copy> Kernel for Select<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let length = self.2.len();
        let (condition, a, b) = (&self.0[..length], &self.1[0][..length], &self.1[1][..length]);
        for index in 0..length {
            self.2[index] = if condition[index] != 0 { a[index] } else { b[index] };
        }
    }
}

/// # Safety
/// As for [`map`], with `T` of the size of the elements.
unsafe fn select<T: Copy>(isa: Isa, operands: [*const u8; 3], target: *mut u8, length: usize) {
    let [condition, a, b] = operands;
    // SAFETY: passed on from the caller.
    let condition = unsafe { std::slice::from_raw_parts(condition, length) };
    // SAFETY: passed on from the caller.
    let (values, target) = unsafe { slices::<T, T, 2>([a, b, a], target, length) };
    isa.run(Select(condition, values, target));
}
