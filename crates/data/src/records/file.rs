//! Reading a record file.

use std::path::{Path, PathBuf};

use bolete_formats::MappedFile;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::{END_MAGIC, ENTRY, FOOTER, HEADER, MAGIC, VERSION, damaged, number};
use crate::{DataError, Items};

/// A record file, mapped into memory: opening it reads the index only, and threads share it.
///
/// # Examples
/// ```
/// use bolete_data::records::{self, RecordFile};
/// # let folder = std::env::temp_dir().join(format!("bolete-records-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let path = folder.join("words.records");
/// records::write(&path, 0, ["to", "be"].map(Ok))?;
/// let words = RecordFile::open(&path)?;
/// assert_eq!(words.get(1)?, b"be");
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RecordFile {
    path: PathBuf,
    map: MappedFile,
    index: usize,
    count: usize,
    fingerprint: u64,
    sum: u64,
}

impl RecordFile {
    /// Opens a record file and checks its index.
    ///
    /// # Errors
    /// [`DataError::Format`] when it cannot be opened; [`DataError::Unfit`] when it is damaged, or no record file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let map = MappedFile::open(path)?;
        if map.len() < MAGIC.len() || !map.starts_with(MAGIC) {
            return Err(DataError::Unfit {
                path: path.to_path_buf(),
                expected: "a record file".to_string(),
                found: "another kind of file".to_string(),
                advice: "check the name",
            });
        }
        let size = map.len();
        if size < HEADER + FOOTER || !map.ends_with(END_MAGIC) {
            return Err(damaged(
                path,
                "a footer at the end of the record file",
                format!("none in {size} bytes"),
            ));
        }
        let version = u32::from_le_bytes([map[8], map[9], map[10], map[11]]);
        if version != VERSION {
            return Err(damaged(path, format!("version {VERSION} of the record file"), version.to_string()));
        }
        let footer = &map[size - FOOTER..];
        let (begin, records, sum) = (number(&footer[..8]), number(&footer[8..16]), number(&footer[16..24]));
        // Sizes first: nothing below may look beyond the file.
        let room = (size - FOOTER) as u64;
        let fits = records.checked_mul(ENTRY as u64).and_then(|index| index.checked_add(begin)) == Some(room);
        if !fits || begin < HEADER as u64 {
            return Err(damaged(
                path,
                "an index between the records and the footer",
                format!("{records} entries at byte {begin} of {size}"),
            ));
        }
        let (index, count) = (begin as usize, records as usize);
        let mut hash = Xxh3::new();
        hash.update(&map[..HEADER]);
        hash.update(&map[index..size - FOOTER]);
        if hash.digest() != sum {
            let found = format!("{:016x}", hash.digest());
            return Err(damaged(path, format!("the index of the record file to hash to {sum:016x}"), found));
        }
        let fingerprint = number(&map[16..24]);
        let file = Self { path: path.to_path_buf(), map, index, count, fingerprint, sum };
        let mut last = HEADER;
        for record in 0..count {
            let end = file.end(record);
            if end < last || end > index {
                let found = format!("{end} for record {record}");
                return Err(damaged(path, format!("an end from byte {last} to {index}"), found));
            }
            last = end;
        }
        if last != index {
            return Err(damaged(path, format!("records up to byte {index}"), format!("up to {last}")));
        }
        Ok(file)
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The fingerprint of the data that the records are made of.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The checksum of the index.
    pub(super) fn sum(&self) -> u64 {
        self.sum
    }

    /// The bytes of a record, checked.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when there is no such record; [`DataError::Unfit`] when it is damaged.
    pub fn get(&self, record: usize) -> Result<&[u8], DataError> {
        if record >= self.count {
            return Err(DataError::invalid(format!("records below {}", self.count), record.to_string()));
        }
        let begin = if record == 0 { HEADER } else { self.end(record - 1) };
        let bytes = &self.map[begin..self.end(record)];
        let entry = self.index + record * ENTRY;
        let (expected, found) = (number(&self.map[entry + 8..entry + 16]), xxh3_64(bytes));
        if expected == found {
            return Ok(bytes);
        }
        let expected = format!("record {record} to hash to {expected:016x}");
        Err(damaged(&self.path, expected, format!("{found:016x}")))
    }

    fn end(&self, record: usize) -> usize {
        let entry = self.index + record * ENTRY;
        number(&self.map[entry..entry + 8]) as usize
    }
}

impl Items for RecordFile {
    type Item = Vec<u8>;

    fn len(&self) -> usize {
        self.count
    }

    fn item(&self, index: usize) -> Result<Vec<u8>, DataError> {
        self.get(index).map(<[u8]>::to_vec)
    }

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}
