//! Element types and the promotion rule.

use std::fmt;

use half::{bf16, f16};

/// The element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// One byte, 0 or 1.
    Bool,
    /// Unsigned 8-bit integer.
    U8,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer; the type of indices and labels.
    I64,
    /// IEEE half precision.
    F16,
    /// The upper half of an `f32`.
    BF16,
    /// Single precision, the default.
    F32,
    /// Double precision.
    F64,
}

impl DType {
    /// All element types, weakest first in the order of promotion.
    pub const ALL: [DType; 8] =
        [DType::Bool, DType::U8, DType::I32, DType::I64, DType::F16, DType::BF16, DType::F32, DType::F64];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::U8 => 1,
            DType::F16 | DType::BF16 => 2,
            DType::I32 | DType::F32 => 4,
            DType::I64 | DType::F64 => 8,
        }
    }

    /// Whether values of this type have derivatives.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
    }

    /// Whether this is `u8`, `i32` or `i64`.
    pub const fn is_integer(self) -> bool {
        matches!(self, DType::U8 | DType::I32 | DType::I64)
    }

    /// Whether this is `f16` or `bf16`, which compute in `f32` and round afterwards.
    pub const fn is_half(self) -> bool {
        matches!(self, DType::F16 | DType::BF16)
    }

    /// The type in which an operation on two tensors happens.
    ///
    /// The order is bool < u8 < i32 < i64 < f16, bf16 < f32 < f64 and the larger of the two wins, whatever the
    /// values; an integer with a float becomes that float. `f16` with `bf16` becomes `f32`, since neither holds the
    /// other. Rust numbers do not take part: they take the type of the tensor they meet
    /// (see [`Scalar::matching`](crate::Scalar::matching)).
    ///
    /// ```
    /// use bolete_tensor::DType::*;
    /// assert_eq!(I64.promote(BF16), BF16);
    /// assert_eq!(F16.promote(BF16), F32);
    /// assert_eq!(U8.promote(I32), I32);
    /// ```
    pub fn promote(self, other: DType) -> DType {
        match (self, other) {
            (DType::F16, DType::BF16) | (DType::BF16, DType::F16) => DType::F32,
            _ => self.max(other),
        }
    }

    /// The float type in which this type is divided, exponentiated and so on: itself for floats, `f32` otherwise.
    pub fn to_float(self) -> DType {
        if self.is_float() { self } else { DType::F32 }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            DType::Bool => "bool",
            DType::U8 => "u8",
            DType::I32 => "i32",
            DType::I64 => "i64",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::F32 => "f32",
            DType::F64 => "f64",
        })
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that can be an element of a tensor.
pub trait Element: sealed::Sealed + Copy + Send + Sync + PartialEq + fmt::Debug + Default + 'static {
    /// The corresponding [`DType`].
    const DTYPE: DType;
    /// The number closest to `value`; booleans are `value != 0`.
    fn from_f64(value: f64) -> Self;
    /// The value as an `f64`, exactly except for large `i64`.
    fn to_f64(self) -> f64;
    /// The values as they lie in memory.
    fn as_bytes(values: &[Self]) -> &[u8];
    /// Aligned memory as values.
    ///
    /// # Panics
    /// If the memory is not aligned or not a whole number of values; for booleans, if a byte is neither 0 nor 1.
    fn view(bytes: &[u8]) -> &[Self];
    /// Aligned memory as values to be changed.
    ///
    /// # Panics
    /// As [`view`](Element::view).
    fn view_mut(bytes: &mut [u8]) -> &mut [Self];
    /// Reads values from memory of any alignment; a byte other than zero is `true`.
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! elements {
    ($($type:ty, $dtype:ident, |$value:ident| $from:expr, |$own:ident| $to:expr;)*) => {$(
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const DTYPE: DType = DType::$dtype;
            fn from_f64($value: f64) -> Self { $from }
            fn to_f64(self) -> f64 { let $own = self; $to }
            fn as_bytes(values: &[Self]) -> &[u8] { bytemuck::cast_slice(values) }
            fn view(bytes: &[u8]) -> &[Self] { bytemuck::cast_slice(bytes) }
            fn view_mut(bytes: &mut [u8]) -> &mut [Self] { bytemuck::cast_slice_mut(bytes) }
            fn from_bytes(bytes: &[u8]) -> Vec<Self> { bytemuck::pod_collect_to_vec(bytes) }
        }
    )*};
}

elements! {
    u8, U8, |value| value as u8, |own| own.into();
    i32, I32, |value| value as i32, |own| own.into();
    i64, I64, |value| value as i64, |own| own as f64;
    f16, F16, |value| f16::from_f64(value), |own| own.to_f64();
    bf16, BF16, |value| bf16::from_f64(value), |own| own.to_f64();
    f32, F32, |value| value as f32, |own| own.into();
    f64, F64, |value| value, |own| own;
}

impl sealed::Sealed for bool {}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
    fn from_f64(value: f64) -> Self {
        value != 0.0
    }
    fn to_f64(self) -> f64 {
        f64::from(u8::from(self))
    }
    fn as_bytes(values: &[Self]) -> &[u8] {
        bytemuck::cast_slice(values)
    }
    fn view(bytes: &[u8]) -> &[Self] {
        bytemuck::checked::cast_slice(bytes)
    }
    fn view_mut(bytes: &mut [u8]) -> &mut [Self] {
        bytemuck::checked::cast_slice_mut(bytes)
    }
    fn from_bytes(bytes: &[u8]) -> Vec<Self> {
        bytes.iter().map(|byte| *byte != 0).collect()
    }
}
