//! One number of any element type.

use std::fmt;

use half::{bf16, f16};

use crate::DType;

/// A number with its element type; equality and hashing are those of its bits, so that it can be part of an op.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scalar {
    dtype: DType,
    bits: u64,
}

impl Scalar {
    /// `value` rounded to `dtype`.
    pub fn new(value: f64, dtype: DType) -> Scalar {
        let bits = match dtype {
            DType::Bool => u64::from(value != 0.0),
            DType::U8 => u64::from(value as u8),
            DType::I32 => u64::from(value as i32 as u32),
            DType::I64 => value as i64 as u64,
            DType::F16 => u64::from(f16::from_f64(value).to_bits()),
            DType::BF16 => u64::from(bf16::from_f64(value).to_bits()),
            DType::F32 => u64::from((value as f32).to_bits()),
            DType::F64 => value.to_bits(),
        };
        Scalar { dtype, bits }
    }

    /// An integer, exactly where `dtype` holds it.
    pub fn from_i64(value: i64, dtype: DType) -> Scalar {
        match dtype {
            DType::I64 => Scalar { dtype, bits: value as u64 },
            _ => Scalar::new(value as f64, dtype),
        }
    }

    /// A Rust float that meets a tensor of type `dtype`: it takes that type if it is a float, and makes `f32` of
    /// integers and booleans.
    pub fn matching(value: f64, dtype: DType) -> Scalar {
        Scalar::new(value, dtype.to_float())
    }

    /// The element type.
    pub fn dtype(self) -> DType {
        self.dtype
    }

    /// The number as an `f64`.
    pub fn to_f64(self) -> f64 {
        match self.dtype {
            DType::Bool | DType::U8 => self.bits as f64,
            DType::I32 => f64::from(self.bits as u32 as i32),
            DType::I64 => self.bits as i64 as f64,
            DType::F16 => f16::from_bits(self.bits as u16).to_f64(),
            DType::BF16 => bf16::from_bits(self.bits as u16).to_f64(),
            DType::F32 => f64::from(f32::from_bits(self.bits as u32)),
            DType::F64 => f64::from_bits(self.bits),
        }
    }

    /// The number as an integer, truncated toward zero.
    pub fn to_i64(self) -> i64 {
        if self.dtype == DType::I64 { self.bits as i64 } else { self.to_f64() as i64 }
    }

    /// The same number in another type.
    pub fn cast(self, dtype: DType) -> Scalar {
        if self.dtype == DType::I64 || (dtype == DType::I64 && !self.dtype.is_float()) {
            Scalar::from_i64(self.to_i64(), dtype)
        } else {
            Scalar::new(self.to_f64(), dtype)
        }
    }

    /// The element as it lies in memory, in the first `dtype().size()` bytes.
    pub fn to_bytes(self) -> [u8; 8] {
        self.bits.to_le_bytes()
    }

    /// Reads one element of type `dtype` from the start of `bytes`.
    ///
    /// # Panics
    /// If there are fewer bytes than one element has.
    pub fn from_bytes(bytes: &[u8], dtype: DType) -> Scalar {
        let mut all = [0; 8];
        all[..dtype.size()].copy_from_slice(&bytes[..dtype.size()]);
        Scalar { dtype, bits: u64::from_le_bytes(all) }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dtype {
            DType::Bool => write!(formatter, "{}", self.bits != 0),
            DType::F32 => write!(formatter, "{}", f32::from_bits(self.bits as u32)),
            dtype if dtype.is_float() => write!(formatter, "{}", self.to_f64()),
            _ => write!(formatter, "{}", self.to_i64()),
        }
    }
}
