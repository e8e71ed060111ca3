//! Conversion between element types, on slices.

use half::{bf16, f16};

use crate::DType;
use crate::cpu::kernels::isa::{Instructions, Isa, Kernel};

/// How a value becomes one of another type: by way of a type that holds both.
trait Convert<T>: Copy {
    fn convert(self) -> T;
}

/// Pairs that Rust converts with `as`.
macro_rules! numeric {
    ($($from:ty => $($to:ty)*;)*) => {$($(
        impl Convert<$to> for $from {
            #[inline(always)]
            fn convert(self) -> $to { self as $to }
        }
    )*)*};
}
numeric! {
    u8 => u8 i32 i64 f32 f64;
    i32 => u8 i32 i64 f32 f64;
    i64 => u8 i32 i64 f32 f64;
    f32 => u8 i32 i64 f32 f64;
    f64 => u8 i32 i64 f32 f64;
}

macro_rules! halves {
    ($($half:ty)*) => {$(
        halves!(@pair $half: u8 i32 i64);
        impl Convert<$half> for f32 {
            #[inline(always)]
            fn convert(self) -> $half { <$half>::from_f32(self) }
        }
        impl Convert<f32> for $half {
            #[inline(always)]
            fn convert(self) -> f32 { self.to_f32() }
        }
        impl Convert<$half> for f64 {
            #[inline(always)]
            fn convert(self) -> $half { <$half>::from_f64(self) }
        }
        impl Convert<f64> for $half {
            #[inline(always)]
            fn convert(self) -> f64 { self.to_f64() }
        }
    )*};
    (@pair $half:ty: $($integer:ty)*) => {$(
        impl Convert<$half> for $integer {
            #[inline(always)]
            fn convert(self) -> $half { <$half>::from_f64(self as f64) }
        }
        impl Convert<$integer> for $half {
            #[inline(always)]
            fn convert(self) -> $integer { self.to_f32() as $integer }
        }
    )*};
}
halves!(f16 bf16);

macro_rules! same_or_across {
    ($($from:ty => $to:ty;)*) => {$(
        impl Convert<$to> for $from {
            #[inline(always)]
            fn convert(self) -> $to { <$to>::from_f32(self.to_f32()) }
        }
    )*};
}
same_or_across! { f16 => f16; f16 => bf16; bf16 => f16; bf16 => bf16; }

/// A boolean: any byte but zero is true.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Truth(u8);

macro_rules! truths {
    ($($type:ty)*) => {$(
        impl Convert<Truth> for $type {
            #[inline(always)]
            fn convert(self) -> Truth {
                let wide: f64 = self.convert();
                Truth(u8::from(wide != 0.0))
            }
        }
        impl Convert<$type> for Truth {
            #[inline(always)]
            fn convert(self) -> $type { self.0.convert() }
        }
    )*};
}
truths!(u8 i32 i64 f16 bf16 f32 f64);

impl Convert<Truth> for Truth {
    #[inline(always)]
    fn convert(self) -> Truth {
        self
    }
}

struct Conversion<'a, S, T>(&'a [S], &'a mut [T]);

impl<S: Convert<T>, T> Kernel for Conversion<'_, S, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        for (target, source) in self.1.iter_mut().zip(self.0) {
            *target = source.convert();
        }
    }
}

/// Converts `length` elements.
///
/// # Safety
/// `source` is valid for `length` elements of `from`, `target` for as many of `to`, and they do not overlap.
pub(crate) unsafe fn convert(
    isa: Isa,
    from: DType,
    to: DType,
    source: *const u8,
    target: *mut u8,
    length: usize,
) {
    if from == to {
        // SAFETY: promised by the caller.
        return unsafe { std::ptr::copy_nonoverlapping(source, target, length * from.size()) };
    }
    macro_rules! pairs {
        ($(($from_variant:ident $from_type:ty))* => $to_list:tt) => {
            match from { $(DType::$from_variant => pairs!(@to $from_type => $to_list),)* }
        };
        (@to $from_type:ty => [$(($to_variant:ident $to_type:ty))*]) => {
            match to { $(DType::$to_variant => {
                // SAFETY: promised by the caller.
                let source = unsafe { std::slice::from_raw_parts(source.cast::<$from_type>(), length) };
                // SAFETY: promised by the caller.
                let target = unsafe { std::slice::from_raw_parts_mut(target.cast::<$to_type>(), length) };
                isa.run(Conversion(source, target));
            })* }
        };
    }
    pairs!(
        (Bool Truth) (U8 u8) (I32 i32) (I64 i64) (F16 f16) (BF16 bf16) (F32 f32) (F64 f64)
        => [(Bool Truth) (U8 u8) (I32 i32) (I64 i64) (F16 f16) (BF16 bf16) (F32 f32) (F64 f64)]
    );
}
