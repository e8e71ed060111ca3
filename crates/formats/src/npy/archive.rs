//! Several arrays in one file.

use std::collections::BTreeMap;
use std::path::Path;

use super::{header, parse_with};
use crate::error::{Context, quoted};
use crate::zip::{Archive, Writer};
use crate::{Array, FormatError, atomic, source};

/// The arrays of a `.npz` file by name.
pub type Npz = BTreeMap<String, Array>;

/// Reads a `.npz` file, plain or compressed.
///
/// # Errors
/// As [`read`](super::read), and [`FormatError::Malformed`] for a damaged archive.
pub fn read_npz(path: impl AsRef<Path>) -> Result<Npz, FormatError> {
    let path = path.as_ref();
    parse_npz(&source::read(path)?, path)
}

/// Reads the bytes of a `.npz` file; `file` is the name used in messages.
///
/// # Errors
/// As [`read_npz`].
pub fn parse_npz(bytes: &[u8], file: impl AsRef<Path>) -> Result<Npz, FormatError> {
    let context =
        Context { file: file.as_ref(), format: "npz", advice: "save the arrays again with numpy.savez" };
    let archive = Archive::parse(bytes, context)?;
    let mut arrays = Npz::new();
    for entry in &archive.entries {
        let Some(name) = entry.name.strip_suffix(".npy") else {
            return Err(
                context.malformed("names that end with .npy", format!("the name {}", quoted(&entry.name)))
            );
        };
        let content = Archive::read(entry, bytes, true, context)?;
        arrays.insert(name.to_string(), parse_with(&content, context)?);
    }
    Ok(arrays)
}

/// Writes arrays as a `.npz` file, atomically; `compressed` as `numpy.savez_compressed` does.
///
/// # Errors
/// As [`write`](super::write()).
pub fn write_npz(path: impl AsRef<Path>, arrays: &Npz, compressed: bool) -> Result<(), FormatError> {
    let headers = arrays.values().map(header::encode).collect::<Result<Vec<_>, _>>()?;
    atomic::write(path, |out| {
        let mut writer = Writer::new(out);
        for ((name, array), header) in arrays.iter().zip(&headers) {
            writer.add(&format!("{name}.npy"), &[header, &array.bytes], compressed)?;
        }
        writer.finish()
    })
}
