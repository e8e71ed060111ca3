//! Files since PyTorch 1.6: ZIP archives. And the storages of both kinds of file.

use std::borrow::Cow;
use std::ops::Range;

use super::flatten::{Flat, flatten};
use super::machine::Machine;
use super::object::TorchTensor;
use crate::array::gather;
use crate::error::{Context, quoted};
use crate::zip::{Archive, Entry};
use crate::{Array, FormatError};

/// Where the storages of a file lie.
#[derive(Debug)]
pub(super) struct Storages {
    pub places: Vec<Place>,
    pub big_endian: bool,
}

#[derive(Debug)]
pub(super) enum Place {
    File(Range<usize>),
    Archive(Entry),
}

impl Storages {
    /// A tensor, row by row. The error is what was expected and found.
    pub fn array(
        &self,
        tensor: &TorchTensor,
        bytes: &[u8],
        context: Context<'_>,
    ) -> Result<Array, (String, String)> {
        let storage = match &self.places[tensor.storage] {
            Place::File(range) => Cow::Borrowed(&bytes[range.clone()]),
            // Checksums are left alone: PyTorch can be told to write none.
            Place::Archive(entry) => Archive::read(entry, bytes, false, context)
                .map_err(|error| ("a whole storage".to_string(), error.to_string()))?,
        };
        let size = tensor.dtype.bits() / 8;
        let count: usize = tensor.shape.iter().product();
        let mut expected_stride = 1;
        let contiguous = tensor.shape.iter().zip(&tensor.strides).rev().all(|(&length, &stride)| {
            let fits = length == 1 || stride == expected_stride;
            expected_stride *= length;
            fits
        });
        let values = if count == 0 {
            Cow::Borrowed(&[][..])
        } else if contiguous {
            Cow::Borrowed(&storage[tensor.offset * size..(tensor.offset + count) * size])
        } else {
            Cow::Owned(gather(&storage, size, tensor.offset, &tensor.shape, &tensor.strides))
        };
        Array::from_stored(tensor.dtype, tensor.shape.clone(), &values, self.big_endian)
    }
}

pub(super) fn parse(bytes: &[u8], context: Context<'_>) -> Result<(Flat, Storages), FormatError> {
    let archive = Archive::parse(bytes, context)?;
    let pickle = archive.entries.iter().find(|entry| entry.name.ends_with("/data.pkl"));
    let pickle = pickle.ok_or_else(|| context.malformed("data.pkl in the archive", "no such entry"))?;
    let folder = pickle.name.trim_end_matches("data.pkl");
    let find = |name: &str| {
        let parts = |entry: &&Entry| entry.name.strip_prefix(folder) == Some(name);
        archive.entries.iter().find(parts)
    };
    let big_endian = match find("byteorder") {
        None => false,
        Some(entry) => match &*Archive::read(entry, bytes, false, context)? {
            b"little" => false,
            b"big" => true,
            other => {
                let found = quoted(&String::from_utf8_lossy(other));
                return Err(context.malformed("the byte order little or big", found));
            }
        },
    };

    let content = Archive::read(pickle, bytes, false, context)?;
    let made = Machine::run(&content, 0, context)?;
    let mut places = Vec::with_capacity(made.storages.len());
    for declared in &made.storages {
        let found = match find(&format!("data/{}", declared.key)) {
            Some(entry) if entry.size() == declared.bytes as u64 => {
                places.push(Place::Archive(entry.clone()));
                continue;
            }
            Some(entry) => format!("{} bytes", entry.size()),
            None => "no such entry".to_string(),
        };
        return Err(context.malformed(
            format!("{} bytes in the entry {}", declared.bytes, quoted(&format!("data/{}", declared.key))),
            found,
        ));
    }
    let flat = flatten(&made, content.len(), bytes.len(), context)?;
    Ok((flat, Storages { places, big_endian }))
}
