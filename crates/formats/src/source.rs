//! Opening files, and walking through bytes that are not to be trusted.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::FormatError;
use crate::error::Context;

/// A regular file and its length.
pub(crate) fn open(path: &Path) -> Result<(File, u64), FormatError> {
    let unreadable = |reason| FormatError::read(path, reason);
    // Looked at before opening: opening a pipe that nobody writes to would wait for ever.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
    }
    Ok((File::open(path).map_err(unreadable)?, metadata.len()))
}

/// The whole content of a regular file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FormatError> {
    let (file, length) = open(path)?;
    let mut bytes = Vec::new();
    let reserved = usize::try_from(length).ok().map(|length| bytes.try_reserve_exact(length));
    if !matches!(reserved, Some(Ok(()))) {
        return Err(FormatError::read(path, io::ErrorKind::OutOfMemory.into()));
    }
    file.take(length).read_to_end(&mut bytes).map_err(|reason| FormatError::read(path, reason))?;
    Ok(bytes)
}

/// A place in some bytes, which never moves past their end.
#[derive(Clone)]
pub(crate) struct Walk<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    pub context: Context<'a>,
}

impl<'a> Walk<'a> {
    pub fn new(bytes: &'a [u8], at: usize, context: Context<'a>) -> Self {
        Self { bytes, at, context }
    }

    pub fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// The next `count` bytes; `what` they are is said where the file ends before.
    pub fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], FormatError> {
        let taken =
            self.at.checked_add(count).and_then(|end| self.bytes.get(self.at..end)).ok_or_else(|| {
                self.context.malformed(
                    format!("{what} of {count} bytes at byte {}", self.at),
                    format!("a file that ends at byte {}", self.bytes.len()),
                )
            })?;
        self.at += count;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], FormatError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub fn u8(&mut self, what: &str) -> Result<u8, FormatError> {
        Ok(u8::from_le_bytes(self.array(what)?))
    }

    pub fn u16(&mut self, what: &str) -> Result<u16, FormatError> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    pub fn u32(&mut self, what: &str) -> Result<u32, FormatError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub fn u64(&mut self, what: &str) -> Result<u64, FormatError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// Bytes as text.
    pub fn text(&mut self, count: usize, what: &str) -> Result<&'a str, FormatError> {
        let at = self.at;
        std::str::from_utf8(self.take(count, what)?).map_err(|_| {
            self.context.malformed(format!("{what} in UTF-8 at byte {at}"), "bytes that are no text")
        })
    }
}
