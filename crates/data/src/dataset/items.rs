//! Data sets that give one item at a time, and how items become batches.

use std::fmt;
use std::sync::Arc;

use crate::{DataError, Dataset, EpochRandomness, Fingerprint, Randomness};

/// Data that is read item by item: rows of text, pictures in files, records of a cache.
pub trait Items: Send + Sync {
    /// What an item is.
    type Item: Send;

    /// Number of items.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item `index`, which is below [`len`](Self::len).
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn item(&self, index: usize) -> Result<Self::Item, DataError>;

    /// A hash of the content; see [`Dataset::fingerprint`]. The default sees nothing but the number of items.
    fn fingerprint(&self) -> u64 {
        Fingerprint::new("number of items").number(self.len() as u64).finish()
    }
}

/// Items made of bytes, numbers or anything else that can be hashed as bytes, in memory.
impl<T: AsRef<[u8]> + Clone + Send + Sync> Items for Vec<T> {
    type Item = T;

    fn len(&self) -> usize {
        self.len()
    }

    fn item(&self, index: usize) -> Result<T, DataError> {
        Ok(self[index].clone())
    }

    fn fingerprint(&self) -> u64 {
        self.iter().fold(Fingerprint::new("bytes"), |hash, item| hash.bytes(item.as_ref())).finish()
    }
}

/// Items that are shared.
impl<I: Items + ?Sized> Items for Arc<I> {
    type Item = I::Item;

    fn len(&self) -> usize {
        (**self).len()
    }

    fn item(&self, index: usize) -> Result<I::Item, DataError> {
        (**self).item(index)
    }

    fn fingerprint(&self) -> u64 {
        (**self).fingerprint()
    }
}

/// A data set made of items and a function that puts them together to a batch: padding, packing, stacking.
///
/// The function gets each item with its own random stream of the epoch.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use bolete_data::{Collated, Loader, LoaderOptions, Padding, pad};
///
/// let words: Vec<String> = ["a", "bird", "in"].map(String::from).to_vec();
/// let padded = Collated::new(Arc::new(words), "words 1", |items| {
///     let bytes: Vec<&[u8]> = items.iter().map(|(word, _)| word.as_bytes()).collect();
///     Ok(pad(&bytes, b' ', Padding::Longest)?)
/// });
/// let options = LoaderOptions { shuffle: false, ..LoaderOptions::default() };
/// let batch = Loader::new(Arc::new(padded), options)?.epoch(0)?.next().unwrap()?;
/// assert_eq!((batch.values, batch.lengths), (b"a   birdin  ".to_vec(), vec![1, 4, 2]));
/// # Ok::<(), bolete_data::DataError>(())
/// ```
pub struct Collated<I, F> {
    items: Arc<I>,
    name: String,
    collate: F,
}

impl<I: Items, F> Collated<I, F> {
    /// Batches of `items`, put together by `collate`, whose name and version stand for it in the fingerprint.
    pub fn new<B>(items: Arc<I>, name: impl Into<String>, collate: F) -> Self
    where
        F: Fn(Vec<(I::Item, Randomness)>) -> Result<B, DataError> + Send + Sync,
    {
        Self { items, name: name.into(), collate }
    }

    /// The items.
    pub fn items(&self) -> &Arc<I> {
        &self.items
    }
}

impl<I, B, F> Dataset for Collated<I, F>
where
    I: Items,
    B: Send,
    F: Fn(Vec<(I::Item, Randomness)>) -> Result<B, DataError> + Send + Sync,
{
    type Batch = B;

    fn len(&self) -> usize {
        self.items.len()
    }

    fn batch(&self, indices: &[usize], randomness: &EpochRandomness) -> Result<B, DataError> {
        let item = |&index: &usize| Ok((self.items.item(index)?, randomness.item(index)));
        (self.collate)(indices.iter().map(item).collect::<Result<_, DataError>>()?)
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("collated").number(self.items.fingerprint()).bytes(self.name.as_bytes()).finish()
    }
}

impl<I: fmt::Debug, F> fmt::Debug for Collated<I, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { items, name, .. } = self;
        formatter.debug_struct("Collated").field("items", items).field("name", name).finish_non_exhaustive()
    }
}
