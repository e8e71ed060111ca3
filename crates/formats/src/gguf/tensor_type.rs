//! How the values of a tensor lie in a file.

use crate::safetensors::SafeDtype;

macro_rules! tensor_types {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal, $values:literal values in $bytes:literal;)*) => {
        /// How the values of a tensor are stored: plainly, or in quantised blocks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum TensorType {
            $($(#[$doc])* $variant,)*
        }

        impl TensorType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The number of this type in a file.
            pub fn code(self) -> u32 {
                match self { $(Self::$variant => $code),* }
            }

            /// The name, as `Q4_K`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Values of a block and the bytes that it takes; one value for plain types.
            pub fn block(self) -> (usize, usize) {
                match self { $(Self::$variant => ($values, $bytes)),* }
            }
        }
    };
}

tensor_types! {
    /// 32-bit float.
    F32 = 0, "F32", 1 values in 4;
    /// 16-bit float.
    F16 = 1, "F16", 1 values in 2;
    /// 4 bits and a scale.
    Q4_0 = 2, "Q4_0", 32 values in 18;
    /// 4 bits, a scale and a minimum.
    Q4_1 = 3, "Q4_1", 32 values in 20;
    /// 5 bits and a scale.
    Q5_0 = 6, "Q5_0", 32 values in 22;
    /// 5 bits, a scale and a minimum.
    Q5_1 = 7, "Q5_1", 32 values in 24;
    /// 8 bits and a scale.
    Q8_0 = 8, "Q8_0", 32 values in 34;
    /// 8 bits, a scale and a sum; for products only.
    Q8_1 = 9, "Q8_1", 32 values in 36;
    /// 2 bits with scales and minima of 4 bits.
    Q2K = 10, "Q2_K", 256 values in 84;
    /// 3 bits with scales of 6 bits.
    Q3K = 11, "Q3_K", 256 values in 110;
    /// 4 bits with scales and minima of 6 bits.
    Q4K = 12, "Q4_K", 256 values in 144;
    /// 5 bits with scales and minima of 6 bits.
    Q5K = 13, "Q5_K", 256 values in 176;
    /// 6 bits with scales of 8 bits.
    Q6K = 14, "Q6_K", 256 values in 210;
    /// 8 bits in long blocks; for products only.
    Q8K = 15, "Q8_K", 256 values in 292;
    /// 8-bit integer.
    I8 = 24, "I8", 1 values in 1;
    /// 16-bit integer.
    I16 = 25, "I16", 1 values in 2;
    /// 32-bit integer.
    I32 = 26, "I32", 1 values in 4;
    /// 64-bit integer.
    I64 = 27, "I64", 1 values in 8;
    /// 64-bit float.
    F64 = 28, "F64", 1 values in 8;
    /// The upper half of a 32-bit float.
    Bf16 = 30, "BF16", 1 values in 2;
}

impl TensorType {
    /// The type of this number, or `None` where it is not known.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// The type of the values where they are stored plainly.
    pub(super) fn plain(self) -> Option<SafeDtype> {
        Some(match self {
            Self::F32 => SafeDtype::F32,
            Self::F16 => SafeDtype::F16,
            Self::Bf16 => SafeDtype::Bf16,
            Self::F64 => SafeDtype::F64,
            Self::I8 => SafeDtype::I8,
            Self::I16 => SafeDtype::I16,
            Self::I32 => SafeDtype::I32,
            Self::I64 => SafeDtype::I64,
            _ => return None,
        })
    }

    /// The bytes of a tensor of this shape, or `None` where its rows are not whole blocks or do not fit memory.
    pub(super) fn bytes(self, shape: &[usize]) -> Option<usize> {
        let (values, bytes) = self.block();
        if !shape.last().unwrap_or(&1).is_multiple_of(values) {
            return None;
        }
        if shape.contains(&0) {
            return Some(0);
        }
        let count = shape.iter().try_fold(1usize, |count, length| count.checked_mul(*length))?;
        // What is read takes 4 bytes a value, which must fit too.
        count.checked_mul(4)?;
        (count / values).checked_mul(bytes)
    }
}
