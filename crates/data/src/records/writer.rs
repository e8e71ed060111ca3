//! Writing a record file.

use std::io;
use std::path::Path;

use bolete_formats::atomic;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::{END_MAGIC, HEADER, MAGIC, VERSION};
use crate::DataError;

/// Writes `records` to the file `path`, which is then complete or untouched. `fingerprint` says what data they are
/// made of; see [`Items::fingerprint`](crate::Items::fingerprint). Gives the number of records.
///
/// # Errors
/// The first error among `records`; [`DataError::Format`] when the file cannot be written.
pub fn write<B: AsRef<[u8]>>(
    path: impl AsRef<Path>,
    fingerprint: u64,
    records: impl IntoIterator<Item = Result<B, DataError>>,
) -> Result<usize, DataError> {
    write_summed(path.as_ref(), fingerprint, records).map(|written| written.count)
}

/// What was written.
pub(super) struct Written {
    pub count: usize,
    /// The checksum of header and index, and thereby of the records.
    pub sum: u64,
}

pub(super) fn write_summed<B: AsRef<[u8]>>(
    path: &Path,
    fingerprint: u64,
    records: impl IntoIterator<Item = Result<B, DataError>>,
) -> Result<Written, DataError> {
    let mut failed = None;
    let mut written = Written { count: 0, sum: 0 };
    let result = atomic::write(path, |out| {
        let header = header(fingerprint);
        out.write_all(&header)?;
        let mut index = Vec::new();
        let mut end = HEADER as u64;
        for record in records {
            match record {
                Ok(record) => {
                    let bytes = record.as_ref();
                    out.write_all(bytes)?;
                    end += bytes.len() as u64;
                    index.extend(end.to_le_bytes());
                    index.extend(xxh3_64(bytes).to_le_bytes());
                    written.count += 1;
                }
                Err(error) => {
                    failed = Some(error);
                    return Err(io::Error::other("a record could not be made"));
                }
            }
        }
        let mut hash = Xxh3::new();
        hash.update(&header);
        hash.update(&index);
        written.sum = hash.digest();
        out.write_all(&index)?;
        for number in [end, written.count as u64, written.sum] {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_all(END_MAGIC)
    });
    match (failed, result) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(())) => Ok(written),
    }
}

fn header(fingerprint: u64) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER);
    header.extend(MAGIC);
    header.extend(VERSION.to_le_bytes());
    header.extend(0u32.to_le_bytes());
    header.extend(fingerprint.to_le_bytes());
    header
}
