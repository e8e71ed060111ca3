//! Reading safetensors files, trusting nothing in them.

use std::io::{self, BufReader, Read};
use std::path::Path;

use super::header::{Header, MAX_HEADER_BYTES, malformed};
use super::{Entry, Metadata};
use crate::{FormatError, source};

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeFile {
    /// Free text that travels with the arrays.
    pub metadata: Metadata,
    /// The arrays, in the order of their names.
    pub entries: Vec<Entry>,
}

impl SafeFile {
    /// The array with this name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        let index = self.entries.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok()?;
        self.entries.get(index)
    }
}

/// Reads a safetensors file.
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when the header is not JSON of the
/// right form, names an array twice or an unknown type, when the data of the arrays overlaps, leaves holes or has not
/// the size of its shape, or when the file is shorter or longer than the header says.
pub fn read(path: impl AsRef<Path>) -> Result<SafeFile, FormatError> {
    let path = path.as_ref();
    let (file, length) = source::open(path)?;
    Reader { stream: BufReader::new(file), length, file: path }.file()
}

/// Reads only the header of a safetensors file: names, types and shapes, without the data.
///
/// # Errors
/// As [`read`]; the length of the data is checked too.
pub fn read_header(path: impl AsRef<Path>) -> Result<Header, FormatError> {
    let path = path.as_ref();
    let (file, length) = source::open(path)?;
    Reader { stream: BufReader::new(file), length, file: path }.header()
}

/// Reads the bytes of a safetensors file; `file` is the name used in messages.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], file: impl AsRef<Path>) -> Result<SafeFile, FormatError> {
    Reader { stream: bytes, length: bytes.len() as u64, file: file.as_ref() }.file()
}

pub(super) struct Reader<'a, R> {
    pub stream: R,
    pub length: u64,
    pub file: &'a Path,
}

impl<R: Read> Reader<'_, R> {
    pub fn header(&mut self) -> Result<Header, FormatError> {
        if self.length < 8 {
            return Err(malformed(
                self.file,
                "at least 8 bytes".to_string(),
                format!("{} bytes", self.length),
            ));
        }
        let mut length = [0; 8];
        self.stream.read_exact(&mut length).map_err(|reason| FormatError::read(self.file, reason))?;
        let header_bytes = u64::from_le_bytes(length);
        let room = (self.length - 8).min(MAX_HEADER_BYTES);
        if header_bytes > room {
            return Err(malformed(
                self.file,
                format!("a header of at most {room} bytes"),
                format!("{header_bytes} bytes as its length (another kind of file, or a truncated one)"),
            ));
        }
        let json = self.bytes(header_bytes as usize)?;
        Header::parse(&json, self.length - 8 - header_bytes, self.file)
    }

    fn file(mut self) -> Result<SafeFile, FormatError> {
        let header = self.header()?;
        let mut entries = Vec::with_capacity(header.entries.len());
        // The header was checked to list the data without holes, in its order.
        for info in header.entries {
            let bytes = self.bytes(info.end - info.begin)?;
            entries.push(Entry { name: info.name, dtype: info.dtype, shape: info.shape, bytes });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(SafeFile { metadata: header.metadata, entries })
    }

    /// The next `count` bytes, which were checked to be in the file.
    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, FormatError> {
        let unreadable = |reason| FormatError::read(self.file, reason);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(count).map_err(|_| unreadable(io::ErrorKind::OutOfMemory.into()))?;
        bytes.resize(count, 0);
        self.stream.read_exact(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }
}
