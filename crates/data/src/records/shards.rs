//! Records in several files, as one.

use std::fs;
use std::path::{Path, PathBuf};

use super::writer::write_summed;
use super::{RecordFile, damaged, number, write};
use crate::{DataError, Items};

/// Records in several files of a folder, with access to all of them by one number.
///
/// The files are `NAME-00000.records`, `NAME-00001.records` and so on; `NAME.shards`, which is written last, lists
/// them with their checksums. A set without that list is not complete.
#[derive(Debug)]
pub struct Shards {
    files: Vec<RecordFile>,
    /// Where each file's records end.
    ends: Vec<usize>,
    fingerprint: u64,
}

/// Writes `records` to files of at most `per_shard` records each. Gives the number of files.
///
/// # Errors
/// The first error among `records`; [`DataError::Invalid`] when `per_shard` is 0; [`DataError::Folder`] or
/// [`DataError::Format`] when the folder or a file cannot be written.
pub fn write_shards<B: AsRef<[u8]>>(
    folder: impl AsRef<Path>,
    name: &str,
    fingerprint: u64,
    per_shard: usize,
    records: impl IntoIterator<Item = Result<B, DataError>>,
) -> Result<usize, DataError> {
    if per_shard == 0 {
        return Err(DataError::invalid("at least 1 record per shard", "0"));
    }
    let folder = folder.as_ref();
    fs::create_dir_all(folder).map_err(|reason| DataError::folder(folder, reason))?;
    let list = folder.join(format!("{name}.shards"));
    // An older list must not stand beside newer files.
    if let Err(reason) = fs::remove_file(&list)
        && reason.kind() != std::io::ErrorKind::NotFound
    {
        return Err(DataError::folder(folder, reason));
    }
    let mut records = records.into_iter().peekable();
    let mut shards: Vec<Vec<u8>> = Vec::new();
    while records.peek().is_some() {
        let path = shard(folder, name, shards.len());
        let written = write_summed(&path, fingerprint, records.by_ref().take(per_shard))?;
        shards.push([(written.count as u64).to_le_bytes(), written.sum.to_le_bytes()].concat());
    }
    let count = shards.len();
    write(list, fingerprint, shards.into_iter().map(Ok))?;
    Ok(count)
}

fn shard(folder: &Path, name: &str, number: usize) -> PathBuf {
    folder.join(format!("{name}-{number:05}.records"))
}

impl Shards {
    /// Opens all files of a set and checks their indices.
    ///
    /// # Errors
    /// [`DataError::Format`] when a file cannot be opened; [`DataError::Unfit`] when one is damaged, or is not the
    /// one that was written with the list.
    pub fn open(folder: impl AsRef<Path>, name: &str) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let list = RecordFile::open(folder.join(format!("{name}.shards")))?;
        let (mut files, mut ends, mut total) = (Vec::new(), Vec::new(), 0);
        for entry in 0..list.len() {
            let bytes = list.get(entry)?;
            if bytes.len() != 16 {
                return Err(damaged(list.path(), "entries of 16 bytes", bytes.len().to_string()));
            }
            let file = RecordFile::open(shard(folder, name, entry))?;
            let expected = (number(&bytes[..8]), number(&bytes[8..]));
            if (file.len() as u64, file.sum()) != expected {
                let of =
                    |(records, sum): (u64, u64)| format!("{records} records with the checksum {sum:016x}");
                return Err(damaged(file.path(), of(expected), of((file.len() as u64, file.sum()))));
            }
            total += file.len();
            ends.push(total);
            files.push(file);
        }
        Ok(Self { files, ends, fingerprint: list.fingerprint() })
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The files.
    pub fn files(&self) -> &[RecordFile] {
        &self.files
    }

    /// The files, to be streamed one by one.
    pub fn into_files(self) -> Vec<RecordFile> {
        self.files
    }

    /// The bytes of a record, checked.
    ///
    /// # Errors
    /// As [`RecordFile::get`].
    pub fn get(&self, record: usize) -> Result<&[u8], DataError> {
        if record >= self.len() {
            return Err(DataError::invalid(format!("records below {}", self.len()), record.to_string()));
        }
        let file = self.ends.partition_point(|&end| end <= record);
        let begin = if file == 0 { 0 } else { self.ends[file - 1] };
        self.files[file].get(record - begin)
    }
}

impl Items for Shards {
    type Item = Vec<u8>;

    fn len(&self) -> usize {
        self.len()
    }

    fn item(&self, index: usize) -> Result<Vec<u8>, DataError> {
        self.get(index).map(<[u8]>::to_vec)
    }

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}
