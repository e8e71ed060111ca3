//! Files mapped into memory: the only place of this crate with unsafe code.

use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use crate::{FormatError, source};

/// The content of a file as bytes that are read from the disk when they are first looked at.
///
/// The file must not be changed or shortened while it is mapped: what is read would change with it, and looking at a
/// part that is gone ends the process (`SIGBUS`). Files that this crate writes are replaced as a whole and never
/// changed in place, so that a mapping of the older file stays sound.
#[derive(Debug)]
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a file.
    ///
    /// # Errors
    /// [`FormatError::Read`] when it cannot be opened or mapped, or is not a regular file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FormatError> {
        let path = path.as_ref();
        let (file, _) = source::open(path)?;
        // SAFETY: the bytes are only ever handed out as plain bytes, for which every value is valid, and no reader
        // keeps an unchecked conclusion about them beyond bounds checks against the slice, whose length is fixed.
        // Changes by another process while the file is mapped are excluded by the contract in the documentation.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(&file) };
        map.map(Self).map_err(|reason| FormatError::read(path, reason))
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
