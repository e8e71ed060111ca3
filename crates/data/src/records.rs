//! Files of records: items that were expensive to make, written once and mapped into memory when they are read.
//!
//! A record file is
//!
//! ```text
//! header   "BOLETREC", version (u32 = 1), 0 (u32), fingerprint of the data (u64)
//! records  bytes, one after the other
//! index    for each record: where it ends in the file (u64), XXH3 of its bytes (u64)
//! footer   where the index begins (u64), number of records (u64), XXH3 of header and index (u64), "CERTELOB"
//! ```
//!
//! with all numbers in little endian. It is written atomically. The index is checked when the file is opened, a record
//! each time it is read, so that a damaged file gives an error and never wrong data.

mod cache;
mod file;
mod shards;
mod writer;

use crate::DataError;

pub use cache::{Cached, cache};
pub use file::RecordFile;
pub use shards::{Shards, write_shards};
pub use writer::write;

const MAGIC: &[u8; 8] = b"BOLETREC";
const END_MAGIC: &[u8; 8] = b"CERTELOB";
const VERSION: u32 = 1;
const HEADER: usize = 24;
const FOOTER: usize = 32;
const ENTRY: usize = 16;

/// What can be written as bytes and read back.
///
/// # Examples
/// ```
/// use bolete_data::records::Record;
///
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// impl Record for Point {
///     fn encode(&self, to: &mut Vec<u8>) {
///         to.extend([self.x, self.y].iter().flat_map(|value| value.to_le_bytes()));
///     }
///
///     fn decode(bytes: &[u8]) -> Result<Self, String> {
///         let bytes: &[u8; 16] = bytes.try_into().map_err(|_| format!("{} bytes for a point", bytes.len()))?;
///         let (x, y) = bytes.split_at(8);
///         let number = |part: &[u8]| part.try_into().map(f64::from_le_bytes).unwrap_or_default();
///         Ok(Self { x: number(x), y: number(y) })
///     }
/// }
/// ```
pub trait Record: Sized {
    /// Appends the bytes.
    fn encode(&self, to: &mut Vec<u8>);

    /// The value of these bytes.
    ///
    /// # Errors
    /// What was found that [`encode`](Self::encode) does not write.
    fn decode(bytes: &[u8]) -> Result<Self, String>;
}

impl Record for Vec<u8> {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self);
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        Ok(bytes.to_vec())
    }
}

impl Record for String {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes);
        text.map(str::to_string).map_err(|error| format!("no UTF-8 at byte {}", error.valid_up_to()))
    }
}

/// A file that is not as it should be.
fn damaged(path: &std::path::Path, expected: impl Into<String>, found: impl Into<String>) -> DataError {
    DataError::Unfit {
        path: path.to_path_buf(),
        expected: expected.into(),
        found: found.into(),
        advice: "delete the file, so that it is written again",
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.try_into().map(u64::from_le_bytes).unwrap_or_default()
}
