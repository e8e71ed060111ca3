//! NumPy's files: one array (`.npy`), or several by name in a ZIP archive (`.npz`).
//!
//! ```text
//! 93 "NUMPY" version | length of the header | {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } | values
//! ```
//!
//! Versions 1 to 3 are read, in either byte order and either order of the axes; 8-, 16- and unsigned integers become
//! the next wider type that Bolete computes with. Files written here are of version 1 where the header fits, row-major
//! and little-endian.
//!
//! Memory: reading takes at most 4 times the size of the values as stored; those of a compressed archive are at most
//! 1040 times the size of the file. Source: NumPy, NEP 1, and `numpy.lib.format`.

mod archive;
mod header;

pub use archive::{Npz, parse_npz, read_npz, write_npz};

use std::path::Path;

use crate::array::gather;
use crate::error::Context;
use crate::{Array, FormatError, atomic, source};

/// Reads a `.npy` file.
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when its header is not one, its values
/// are of a type that Bolete does not compute with, or it is shorter or longer than its shape.
pub fn read(path: impl AsRef<Path>) -> Result<Array, FormatError> {
    let path = path.as_ref();
    parse(&source::read(path)?, path)
}

/// Reads the bytes of a `.npy` file; `file` is the name used in messages.
///
/// # Errors
/// As [`read`].
///
/// # Examples
/// ```
/// use bolete_formats::{Array, npy};
/// let array = Array::from_values(vec![2, 2], &[1i64, 2, 3, 4])?;
/// assert_eq!(npy::parse(&npy::encode(&array)?, "f")?, array);
/// # Ok::<(), bolete_formats::FormatError>(())
/// ```
pub fn parse(bytes: &[u8], file: impl AsRef<Path>) -> Result<Array, FormatError> {
    parse_with(bytes, context(file.as_ref()))
}

fn context(file: &Path) -> Context<'_> {
    Context { file, format: "npy", advice: "save the array again with numpy.save" }
}

fn parse_with(bytes: &[u8], context: Context<'_>) -> Result<Array, FormatError> {
    let (header, data) = header::parse(bytes, context)?;
    let expected = header.dtype.byte_length(&header.shape);
    if expected != Some(data.len()) {
        return Err(context.malformed(
            match expected {
                Some(expected) => {
                    format!("{expected} bytes for the shape {:?} of {}", header.shape, header.dtype)
                }
                None => "a shape that fits memory".to_string(),
            },
            format!("{} bytes for the shape {:?}", data.len(), header.shape),
        ));
    }
    let size = header.dtype.bits() / 8;
    let wrong = |(expected, found): (String, String)| context.malformed(expected, found);
    if !header.fortran || header.shape.len() < 2 || data.is_empty() {
        return Array::from_stored(header.dtype, header.shape, data, header.big_endian).map_err(wrong);
    }
    let strides: Vec<usize> = header
        .shape
        .iter()
        .scan(1, |stride, length| Some(std::mem::replace(stride, *stride * length)))
        .collect();
    let rows = gather(data, size, 0, &header.shape, &strides);
    Array::from_stored(header.dtype, header.shape, &rows, header.big_endian).map_err(wrong)
}

/// Writes an array as a `.npy` file, atomically.
///
/// # Errors
/// [`FormatError::Unwritable`] for `bf16`, which NumPy does not have, and for an array whose bytes are not those of
/// its shape; [`FormatError::Write`] when the disk refuses.
pub fn write(path: impl AsRef<Path>, array: &Array) -> Result<(), FormatError> {
    let header = header::encode(array)?;
    atomic::write(path, |out| {
        out.write_all(&header)?;
        out.write_all(&array.bytes)
    })
}

/// The bytes of a `.npy` file with an array.
///
/// # Errors
/// As [`write()`], but for the disk.
pub fn encode(array: &Array) -> Result<Vec<u8>, FormatError> {
    let mut bytes = header::encode(array)?;
    bytes.extend_from_slice(&array.bytes);
    Ok(bytes)
}
