//! Items that are made once and kept in a file.

use std::marker::PhantomData;
use std::path::Path;

use super::{Record, RecordFile, damaged, write};
use crate::{DataError, Items};

/// Items of a record file, decoded when they are asked for.
#[derive(Debug)]
pub struct Cached<T> {
    file: RecordFile,
    items: PhantomData<fn() -> T>,
}

/// The items of a data set, from the file `path`: where it is missing, or was made of other data (its fingerprint
/// differs), all items are made and written to it first. It is complete or not there at all, also when the process is
/// killed; of two processes that write it at the same time, the later one replaces the file of the other, which holds
/// the same.
///
/// The fingerprint of the cache is that of the items.
///
/// # Errors
/// What keeps an item from being made; [`DataError::Format`] when the file cannot be written or opened;
/// [`DataError::Unfit`] when it is damaged, or no record file at all. Such a file is not written over.
///
/// # Examples
/// ```
/// use bolete_data::{Items, records};
/// # let folder = std::env::temp_dir().join(format!("bolete-cache-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let words = ["to", "be"].map(String::from).to_vec();
/// let cached = records::cache(&words, folder.join("words.records"))?;
/// assert_eq!(cached.item(1)?, "be");
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cache<I>(items: &I, path: impl AsRef<Path>) -> Result<Cached<I::Item>, DataError>
where
    I: Items,
    I::Item: Record,
{
    let path = path.as_ref();
    let fingerprint = items.fingerprint();
    if path.exists() {
        let file = RecordFile::open(path)?;
        if file.fingerprint() == fingerprint && file.len() == items.len() {
            return Ok(Cached { file, items: PhantomData });
        }
    }
    let encoded = (0..items.len()).map(|index| {
        let mut bytes = Vec::new();
        items.item(index)?.encode(&mut bytes);
        Ok(bytes)
    });
    write(path, fingerprint, encoded)?;
    Cached::open(path, fingerprint)
}

impl<T: Record + Send> Cached<T> {
    /// Opens a cache that must have been made of data with this fingerprint.
    ///
    /// # Errors
    /// [`DataError::Format`] when it cannot be opened; [`DataError::Unfit`] when it is damaged or was made of other
    /// data.
    pub fn open(path: impl AsRef<Path>, fingerprint: u64) -> Result<Self, DataError> {
        let file = RecordFile::open(path)?;
        if file.fingerprint() != fingerprint {
            let expected = format!("a cache of the data with the fingerprint {fingerprint:016x}");
            return Err(damaged(file.path(), expected, format!("one of {:016x}", file.fingerprint())));
        }
        Ok(Self { file, items: PhantomData })
    }

    /// The file.
    pub fn file(&self) -> &RecordFile {
        &self.file
    }
}

impl<T: Record + Send> Items for Cached<T> {
    type Item = T;

    fn len(&self) -> usize {
        self.file.len()
    }

    fn item(&self, index: usize) -> Result<T, DataError> {
        T::decode(self.file.get(index)?).map_err(|found| {
            damaged(self.file.path(), format!("an item of the expected type in record {index}"), found)
        })
    }

    fn fingerprint(&self) -> u64 {
        self.file.fingerprint()
    }
}
