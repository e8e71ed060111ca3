//! Arrays in memory, in the eight element types that Bolete computes with.

use std::fmt;

use half::{bf16, f16};

use crate::FormatError;
use crate::safetensors::SafeDtype;

/// The most axes that any reader accepts.
pub const MAX_RANK: usize = 32;

/// The type of the values of an [`Array`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Truth value in a byte, 0 or 1.
    Bool,
    /// Unsigned 8-bit integer.
    U8,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// IEEE 754 half-precision float.
    F16,
    /// The upper half of a 32-bit float.
    Bf16,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
}

impl ElementType {
    /// Bytes of one value.
    pub fn size(self) -> usize {
        self.stored().bits() / 8
    }

    /// The same type as a safetensors file names it.
    pub fn stored(self) -> SafeDtype {
        match self {
            Self::Bool => SafeDtype::Bool,
            Self::U8 => SafeDtype::U8,
            Self::I32 => SafeDtype::I32,
            Self::I64 => SafeDtype::I64,
            Self::F16 => SafeDtype::F16,
            Self::Bf16 => SafeDtype::Bf16,
            Self::F32 => SafeDtype::F32,
            Self::F64 => SafeDtype::F64,
        }
    }

    /// The type that values stored as `dtype` are read as: itself where there is one, or else the next wider integer.
    /// `None` for 8-bit and smaller floats and complex numbers.
    pub fn reading(dtype: SafeDtype) -> Option<Self> {
        Some(match dtype {
            SafeDtype::Bool => Self::Bool,
            SafeDtype::U8 => Self::U8,
            SafeDtype::I8 | SafeDtype::I16 | SafeDtype::U16 | SafeDtype::I32 => Self::I32,
            SafeDtype::U32 | SafeDtype::I64 | SafeDtype::U64 => Self::I64,
            SafeDtype::F16 => Self::F16,
            SafeDtype::Bf16 => Self::Bf16,
            SafeDtype::F32 => Self::F32,
            SafeDtype::F64 => Self::F64,
            _ => return None,
        })
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.stored().name())
    }
}

/// Values with a type and a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// The type of the values.
    pub element: ElementType,
    /// The length of each axis, outermost first; empty for a single value.
    pub shape: Vec<usize>,
    /// The values, row-major and little-endian.
    pub bytes: Vec<u8>,
}

/// A Rust number that an [`Array`] can hold.
pub trait ArrayValue: Copy + sealed::Sealed {
    /// The type of this number in an array.
    const ELEMENT: ElementType;
    #[doc(hidden)]
    fn append(self, bytes: &mut Vec<u8>);
    #[doc(hidden)]
    fn from_little_endian(bytes: &[u8]) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! array_value {
    ($($number:ty => $element:ident),*) => {$(
        impl sealed::Sealed for $number {}
        impl ArrayValue for $number {
            const ELEMENT: ElementType = ElementType::$element;
            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn from_little_endian(bytes: &[u8]) -> Self {
                let mut exact = [0; size_of::<Self>()];
                exact.copy_from_slice(bytes);
                Self::from_le_bytes(exact)
            }
        }
    )*};
}

array_value!(u8 => U8, i32 => I32, i64 => I64, f16 => F16, bf16 => Bf16, f32 => F32, f64 => F64);

impl sealed::Sealed for bool {}
impl ArrayValue for bool {
    const ELEMENT: ElementType = ElementType::Bool;
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self));
    }
    fn from_little_endian(bytes: &[u8]) -> Self {
        bytes != [0]
    }
}

impl Array {
    /// An array of `values`, row-major, with this `shape`.
    ///
    /// # Errors
    /// [`FormatError::Unwritable`] when the product of `shape` is not the number of values.
    ///
    /// # Examples
    /// ```
    /// use bolete_formats::Array;
    /// let array = Array::from_values(vec![2, 1], &[0.5f32, 2.0])?;
    /// assert_eq!(array.values::<f32>(), Some(vec![0.5, 2.0]));
    /// assert_eq!(array.to_f64(), [0.5, 2.0]);
    /// # Ok::<(), bolete_formats::FormatError>(())
    /// ```
    pub fn from_values<T: ArrayValue>(shape: Vec<usize>, values: &[T]) -> Result<Self, FormatError> {
        let mut bytes = Vec::with_capacity(values.len() * T::ELEMENT.size());
        values.iter().for_each(|value| value.append(&mut bytes));
        let array = Self { element: T::ELEMENT, shape, bytes };
        array.check("an array")?;
        Ok(array)
    }

    /// Whether the bytes are those of the shape.
    pub(crate) fn check(&self, format: &'static str) -> Result<(), FormatError> {
        let expected = self.element.stored().byte_length(&self.shape);
        if expected == Some(self.bytes.len()) && self.shape.len() <= MAX_RANK {
            return Ok(());
        }
        Err(FormatError::Unwritable {
            format,
            expected: match expected {
                Some(expected) => format!("{expected} bytes and at most {MAX_RANK} axes"),
                None => "a shape that fits memory".to_string(),
            },
            found: format!("{} bytes for the shape {:?} of {}", self.bytes.len(), self.shape, self.element),
        })
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.element.size()
    }

    /// Whether there are no values: an axis has the length 0.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The values, row-major, or `None` when the array holds another type than `T`.
    pub fn values<T: ArrayValue>(&self) -> Option<Vec<T>> {
        (self.element == T::ELEMENT).then(|| self.decode(|value: T| value))
    }

    /// The values, row-major, as `f64`: exact but for integers beyond 2⁵³.
    pub fn to_f64(&self) -> Vec<f64> {
        match self.element {
            ElementType::Bool => self.decode(|value: bool| f64::from(u8::from(value))),
            ElementType::U8 => self.decode(|value: u8| f64::from(value)),
            ElementType::I32 => self.decode(|value: i32| f64::from(value)),
            ElementType::I64 => self.decode(|value: i64| value as f64),
            ElementType::F16 => self.decode(|value: f16| value.to_f64()),
            ElementType::Bf16 => self.decode(|value: bf16| value.to_f64()),
            ElementType::F32 => self.decode(|value: f32| f64::from(value)),
            ElementType::F64 => self.decode(|value: f64| value),
        }
    }

    fn decode<T: ArrayValue, R>(&self, convert: impl Fn(T) -> R) -> Vec<R> {
        self.bytes
            .chunks_exact(T::ELEMENT.size())
            .map(|bytes| convert(T::from_little_endian(bytes)))
            .collect()
    }

    /// An array of values as a file stores them, row-major. The bytes must be those of the shape.
    ///
    /// Takes at most four times the memory of `bytes`. The error is what was expected and found.
    pub(crate) fn from_stored(
        dtype: SafeDtype,
        shape: Vec<usize>,
        bytes: &[u8],
        big_endian: bool,
    ) -> Result<Self, (String, String)> {
        let element = ElementType::reading(dtype).ok_or_else(|| {
            ("values of a type that Bolete computes with, such as F32 or BF16".to_string(), dtype.to_string())
        })?;
        let size = dtype.bits() / 8;
        let number = |bytes: &[u8]| {
            let mut exact = [0; 8];
            exact[..size].copy_from_slice(bytes);
            if big_endian {
                exact[..size].reverse();
            }
            u64::from_le_bytes(exact)
        };
        let numbers = || bytes.chunks_exact(size).map(number);
        let mut widened = Vec::new();
        match dtype {
            SafeDtype::Bool => widened = bytes.iter().map(|&byte| u8::from(byte != 0)).collect(),
            SafeDtype::I8 => collect(&mut widened, numbers().map(|value| i32::from(value as i8))),
            SafeDtype::I16 => collect(&mut widened, numbers().map(|value| i32::from(value as i16))),
            SafeDtype::U16 => collect(&mut widened, numbers().map(|value| i32::from(value as u16))),
            SafeDtype::U32 => collect(&mut widened, numbers().map(|value| i64::from(value as u32))),
            SafeDtype::U64 => {
                if let Some(large) = numbers().find(|value| i64::try_from(*value).is_err()) {
                    return Err(("unsigned integers of at most 2^63 - 1".to_string(), large.to_string()));
                }
                widened = numbers().flat_map(u64::to_le_bytes).collect();
            }
            _ => {
                widened = bytes.to_vec();
                if big_endian {
                    widened.chunks_exact_mut(size).for_each(<[u8]>::reverse);
                }
            }
        }
        Ok(Self { element, shape, bytes: widened })
    }
}

fn collect<T: ArrayValue>(bytes: &mut Vec<u8>, values: impl ExactSizeIterator<Item = T>) {
    bytes.reserve_exact(values.len() * T::ELEMENT.size());
    values.for_each(|value| value.append(bytes));
}

/// The values of `size` bytes at `offset` and `strides` (in values) of `source`, row-major. Every position must lie in
/// the source.
pub(crate) fn gather(
    source: &[u8],
    size: usize,
    offset: usize,
    shape: &[usize],
    strides: &[usize],
) -> Vec<u8> {
    let count: usize = shape.iter().product();
    let mut gathered = Vec::with_capacity(count * size);
    let mut index = vec![0; shape.len()];
    let mut position = offset;
    for _ in 0..count {
        gathered.extend_from_slice(&source[position * size..(position + 1) * size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            position += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            position -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    gathered
}
