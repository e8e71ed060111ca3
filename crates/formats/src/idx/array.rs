//! An IDX array in memory, and its values as Rust numbers.

use crate::FormatError;

/// The type of the values in an IDX file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdxElement {
    /// Unsigned 8-bit integer, code `0x08`.
    U8,
    /// Signed 8-bit integer, code `0x09`.
    I8,
    /// Signed 16-bit integer, code `0x0B`.
    I16,
    /// Signed 32-bit integer, code `0x0C`.
    I32,
    /// 32-bit float, code `0x0D`.
    F32,
    /// 64-bit float, code `0x0E`.
    F64,
}

impl IdxElement {
    /// The code that stands for this type in the third byte of a file.
    pub fn code(self) -> u8 {
        match self {
            Self::U8 => 0x08,
            Self::I8 => 0x09,
            Self::I16 => 0x0B,
            Self::I32 => 0x0C,
            Self::F32 => 0x0D,
            Self::F64 => 0x0E,
        }
    }

    /// The type with this code, or `None` where the format knows none.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::U8, Self::I8, Self::I16, Self::I32, Self::F32, Self::F64]
            .into_iter()
            .find(|element| element.code() == code)
    }

    /// Bytes per value.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// A Rust number that IDX can hold.
pub trait IdxValue: Copy + sealed::Sealed {
    /// The type of this number in a file.
    const ELEMENT: IdxElement;
    /// Appends the big-endian bytes of the number.
    fn append_big_endian(self, bytes: &mut Vec<u8>);
    /// Reads the number from exactly [`IdxElement::size`] big-endian bytes.
    #[doc(hidden)]
    fn from_big_endian(bytes: &[u8]) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! idx_value {
    ($($number:ty => $element:ident),*) => {$(
        impl sealed::Sealed for $number {}
        impl IdxValue for $number {
            const ELEMENT: IdxElement = IdxElement::$element;
            fn append_big_endian(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_be_bytes());
            }
            fn from_big_endian(bytes: &[u8]) -> Self {
                let mut exact = [0; size_of::<Self>()];
                exact.copy_from_slice(bytes);
                Self::from_be_bytes(exact)
            }
        }
    )*};
}

idx_value!(u8 => U8, i8 => I8, i16 => I16, i32 => I32, f32 => F32, f64 => F64);

/// The content of an IDX file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxArray {
    /// The type of the values.
    pub element: IdxElement,
    /// The length of each axis, outermost first.
    pub shape: Vec<usize>,
    /// The values as in the file: row-major and big-endian.
    pub bytes: Vec<u8>,
}

impl IdxArray {
    /// An array of `values`, row-major, with this `shape`.
    ///
    /// # Errors
    /// [`FormatError::Unwritable`] when the product of `shape` is not the number of values, when there are no axes or
    /// more than [`MAX_RANK`](super::MAX_RANK) of them, or when an axis is longer than `u32::MAX`.
    ///
    /// # Examples
    /// ```
    /// use bolete_formats::idx::IdxArray;
    /// let array = IdxArray::from_values(vec![2, 2], &[1i16, -2, 3, -4])?;
    /// assert_eq!(array.bytes, [0, 1, 255, 254, 0, 3, 255, 252]);
    /// assert_eq!(array.values::<i16>(), Some(vec![1, -2, 3, -4]));
    /// assert_eq!(array.to_f32(), [1.0, -2.0, 3.0, -4.0]);
    /// # Ok::<(), bolete_formats::FormatError>(())
    /// ```
    pub fn from_values<T: IdxValue>(shape: Vec<usize>, values: &[T]) -> Result<Self, FormatError> {
        let mut bytes = Vec::with_capacity(values.len() * T::ELEMENT.size());
        values.iter().for_each(|value| value.append_big_endian(&mut bytes));
        let array = Self { element: T::ELEMENT, shape, bytes };
        array.check()?;
        Ok(array)
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.element.size()
    }

    /// Whether there are no values: an axis has the length 0.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The values, row-major, or `None` when the file holds another type than `T`.
    pub fn values<T: IdxValue>(&self) -> Option<Vec<T>> {
        (self.element == T::ELEMENT).then(|| self.decode(|value: T| value))
    }

    /// The values, row-major, as `f32`: exact for integers up to 24 bits, rounded for larger ones and for `f64`.
    pub fn to_f32(&self) -> Vec<f32> {
        match self.element {
            IdxElement::U8 => self.decode(|value: u8| f32::from(value)),
            IdxElement::I8 => self.decode(|value: i8| f32::from(value)),
            IdxElement::I16 => self.decode(|value: i16| f32::from(value)),
            IdxElement::I32 => self.decode(|value: i32| value as f32),
            IdxElement::F32 => self.decode(|value: f32| value),
            IdxElement::F64 => self.decode(|value: f64| value as f32),
        }
    }

    /// The values, row-major, as `f64`: always exact.
    pub fn to_f64(&self) -> Vec<f64> {
        match self.element {
            IdxElement::U8 => self.decode(|value: u8| f64::from(value)),
            IdxElement::I8 => self.decode(|value: i8| f64::from(value)),
            IdxElement::I16 => self.decode(|value: i16| f64::from(value)),
            IdxElement::I32 => self.decode(|value: i32| f64::from(value)),
            IdxElement::F32 => self.decode(|value: f32| f64::from(value)),
            IdxElement::F64 => self.decode(|value: f64| value),
        }
    }

    /// The values, row-major, as `i64`, or `None` when the file holds floats.
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        match self.element {
            IdxElement::U8 => Some(self.decode(|value: u8| i64::from(value))),
            IdxElement::I8 => Some(self.decode(|value: i8| i64::from(value))),
            IdxElement::I16 => Some(self.decode(|value: i16| i64::from(value))),
            IdxElement::I32 => Some(self.decode(|value: i32| i64::from(value))),
            IdxElement::F32 | IdxElement::F64 => None,
        }
    }

    fn decode<T: IdxValue, R>(&self, convert: impl Fn(T) -> R) -> Vec<R> {
        self.bytes.chunks_exact(T::ELEMENT.size()).map(|bytes| convert(T::from_big_endian(bytes))).collect()
    }

    /// Whether the three public fields fit each other and the format.
    pub(super) fn check(&self) -> Result<(), FormatError> {
        let unwritable =
            |expected: String, found: String| FormatError::Unwritable { format: "IDX", expected, found };
        if self.shape.is_empty() || self.shape.len() > super::MAX_RANK {
            return Err(unwritable(
                format!("1 to {} axes", super::MAX_RANK),
                format!("{} axes", self.shape.len()),
            ));
        }
        if let Some(length) = self.shape.iter().find(|&&length| u32::try_from(length).is_err()) {
            return Err(unwritable(
                "axes of at most 4294967295 values".to_string(),
                format!("an axis of {length}"),
            ));
        }
        match byte_length(self.element, &self.shape) {
            Some(length) if length == self.bytes.len() as u64 => Ok(()),
            Some(length) => Err(unwritable(
                format!("{length} bytes for the shape {:?} of {:?}", self.shape, self.element),
                format!("{} bytes", self.bytes.len()),
            )),
            None => Err(unwritable(
                "a shape whose size fits 64 bits".to_string(),
                format!("the shape {:?}", self.shape),
            )),
        }
    }
}

/// The bytes that an array takes, or `None` where they do not fit 64 bits.
pub(super) fn byte_length(element: IdxElement, shape: &[usize]) -> Option<u64> {
    // A zero anywhere makes the product zero, even where the other axes would overflow it.
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .try_fold(element.size() as u64, |bytes, &length| bytes.checked_mul(u64::try_from(length).ok()?))
}
