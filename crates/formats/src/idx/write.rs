//! Writing IDX files.

use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::IdxArray;
use crate::{FormatError, atomic};

/// Writes `array` as a plain IDX file, atomically.
///
/// # Errors
/// [`FormatError::Unwritable`] when the fields of `array` do not fit each other, [`FormatError::Write`] when the disk
/// refuses.
pub fn write(path: impl AsRef<Path>, array: &IdxArray) -> Result<(), FormatError> {
    array.check()?;
    atomic::write(path, |out| encode(array, out))
}

/// Writes `array` as an IDX file compressed with gzip, atomically. The same array gives the same bytes.
///
/// # Errors
/// As [`write()`].
pub fn write_gzip(path: impl AsRef<Path>, array: &IdxArray) -> Result<(), FormatError> {
    array.check()?;
    atomic::write(path, |out| {
        let mut out = GzEncoder::new(out, Compression::default());
        encode(array, &mut out)?;
        out.finish()?;
        Ok(())
    })
}

/// The caller has run [`IdxArray::check`], so that no number below is cut.
fn encode(array: &IdxArray, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    out.write_all(&[0, 0, array.element.code(), array.shape.len() as u8])?;
    for &length in &array.shape {
        out.write_all(&(length as u32).to_be_bytes())?;
    }
    out.write_all(&array.bytes)
}
