//! Reading tensors one by one, when they are asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::header::{EntryInfo, malformed};
use super::read::Reader;
use super::{Entry, Metadata};
use crate::error::quoted;
use crate::{Array, FormatError, MappedFile};

/// A file of which only the header has been read. `B` is where its bytes live.
///
/// Memory: the header takes at most 64 times its length; the data none.
#[derive(Debug)]
pub struct SafeTensors<B> {
    bytes: B,
    file: PathBuf,
    metadata: Metadata,
    /// Where the data begins.
    begin: usize,
    entries: BTreeMap<String, EntryInfo>,
}

/// Opens a safetensors file, mapped into memory: an array is read from the disk when it is asked for.
///
/// # Errors
/// As [`read`](super::read()).
pub fn open(path: impl AsRef<Path>) -> Result<SafeTensors<MappedFile>, FormatError> {
    let path = path.as_ref();
    view(MappedFile::open(path)?, path)
}

/// The same for bytes in memory; `file` is the name used in messages.
///
/// # Errors
/// As [`read`](super::read()).
pub fn view<B: AsRef<[u8]>>(bytes: B, file: impl AsRef<Path>) -> Result<SafeTensors<B>, FormatError> {
    let file = file.as_ref().to_path_buf();
    let content = bytes.as_ref();
    let length = content.len() as u64;
    let header = Reader { stream: content, length, file: &file }.header()?;
    // The header was checked to list all the data behind it.
    let data = header.entries.iter().map(|entry| entry.end).max().unwrap_or(0);
    let begin = content.len() - data;
    let entries = header.entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
    Ok(SafeTensors { metadata: header.metadata, begin, entries, file, bytes })
}

impl<B: AsRef<[u8]>> SafeTensors<B> {
    /// Free text that travels with the arrays.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The arrays by name, without their data.
    pub fn entries(&self) -> &BTreeMap<String, EntryInfo> {
        &self.entries
    }

    /// The array with this name, where its bytes lie.
    pub fn get(&self, name: &str) -> Option<Entry<&[u8]>> {
        let info = self.entries.get(name)?;
        let bytes = &self.bytes.as_ref()[self.begin + info.begin..self.begin + info.end];
        Some(Entry { name: info.name.clone(), dtype: info.dtype, shape: info.shape.clone(), bytes })
    }

    /// The array with this name in a type that Bolete computes with. `None` where there is none of this name.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] when its values are of another type, such as an 8-bit float.
    pub fn read(&self, name: &str) -> Option<Result<Array, FormatError>> {
        let entry = self.get(name)?;
        let array = Array::from_stored(entry.dtype, entry.shape, entry.bytes, false);
        Some(array.map_err(|(expected, found)| {
            malformed(&self.file, format!("{expected} for {}", quoted(name)), found)
        }))
    }
}
