//! The element types that the format names.

use std::fmt;

macro_rules! dtypes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $bits:literal;)*) => {
        /// The type of the values of an array. All types that the format names are here, so that a foreign file is
        /// described rightly even where Bolete cannot compute with its types.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum SafeDtype {
            $($(#[$doc])* $variant,)*
        }

        impl SafeDtype {
            /// Every type, in the order of their sizes.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in a file, as `F32`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Bits per value; a few types have less than 8.
            pub fn bits(self) -> usize {
                match self { $(Self::$variant => $bits),* }
            }
        }
    };
}

dtypes! {
    /// 4-bit float, two in a byte.
    F4 = "F4", 4;
    /// 6-bit float with 2 bits of exponent.
    F6E2M3 = "F6_E2M3", 6;
    /// 6-bit float with 3 bits of exponent.
    F6E3M2 = "F6_E3M2", 6;
    /// Truth value in a byte, 0 or 1.
    Bool = "BOOL", 8;
    /// Unsigned 8-bit integer.
    U8 = "U8", 8;
    /// Signed 8-bit integer.
    I8 = "I8", 8;
    /// 8-bit float with 5 bits of exponent.
    F8E5M2 = "F8_E5M2", 8;
    /// 8-bit float with 4 bits of exponent.
    F8E4M3 = "F8_E4M3", 8;
    /// 8-bit power of two.
    F8E8M0 = "F8_E8M0", 8;
    /// 8-bit float with 4 bits of exponent, without infinities and negative zero.
    F8E4M3Fnuz = "F8_E4M3FNUZ", 8;
    /// 8-bit float with 5 bits of exponent, without infinities and negative zero.
    F8E5M2Fnuz = "F8_E5M2FNUZ", 8;
    /// Signed 16-bit integer.
    I16 = "I16", 16;
    /// Unsigned 16-bit integer.
    U16 = "U16", 16;
    /// IEEE 754 half-precision float.
    F16 = "F16", 16;
    /// The upper half of a 32-bit float.
    Bf16 = "BF16", 16;
    /// Signed 32-bit integer.
    I32 = "I32", 32;
    /// Unsigned 32-bit integer.
    U32 = "U32", 32;
    /// 32-bit float.
    F32 = "F32", 32;
    /// Complex number of two 32-bit floats.
    C64 = "C64", 64;
    /// 64-bit float.
    F64 = "F64", 64;
    /// Signed 64-bit integer.
    I64 = "I64", 64;
    /// Unsigned 64-bit integer.
    U64 = "U64", 64;
}

impl SafeDtype {
    /// The type with this name in a file, or `None` where the format knows none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dtype| dtype.name() == name)
    }

    /// The bytes that an array of this `shape` takes, or `None` where they are not whole or do not fit memory.
    ///
    /// # Examples
    /// ```
    /// use bolete_formats::safetensors::SafeDtype;
    /// assert_eq!(SafeDtype::F32.byte_length(&[2, 3]), Some(24));
    /// assert_eq!(SafeDtype::F4.byte_length(&[3]), None);
    /// assert_eq!(SafeDtype::F32.byte_length(&[usize::MAX, 2]), None);
    /// ```
    pub fn byte_length(self, shape: &[usize]) -> Option<usize> {
        if shape.contains(&0) {
            return Some(0);
        }
        let values = shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length))?;
        let bits = values.checked_mul(self.bits())?;
        (bits % 8 == 0).then_some(bits / 8)
    }
}

impl fmt::Display for SafeDtype {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}
