//! What a data set is to the rest of the system.

mod concatenated;
mod items;
mod mapped;
mod subset;

use crate::{DataError, Fingerprint, Randomness};

pub use concatenated::{Concatenated, Gather};
pub use items::{Collated, Items};
pub use mapped::Mapped;
pub use subset::Subset;

/// Items that are made into batches.
///
/// A batch is whatever the data set says: pixels and labels, token windows, graphs. The data set makes it whole, and
/// not item by item, so that it can fill one buffer and choose its own padding.
///
/// # Examples
/// ```
/// use bolete_data::{DataError, Dataset, EpochRandomness};
///
/// /// The numbers from 0 to `len`, with noise.
/// struct Noisy {
///     len: usize,
/// }
///
/// impl Dataset for Noisy {
///     type Batch = Vec<f32>;
///
///     fn len(&self) -> usize {
///         self.len
///     }
///
///     fn batch(&self, indices: &[usize], randomness: &EpochRandomness) -> Result<Vec<f32>, DataError> {
///         Ok(indices.iter().map(|&index| index as f32 + randomness.item(index).normal()).collect())
///     }
/// }
/// ```
pub trait Dataset: Send + Sync {
    /// What a batch holds.
    type Batch: Send;

    /// Number of items.
    fn len(&self) -> usize;

    /// Whether there are no items.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The batch of these items, in this order. `indices` are below [`len`](Self::len); an item may come twice.
    ///
    /// Random changes of an item must come from its own [`EpochRandomness::item`], so that they depend neither on
    /// the other items of the batch nor on the thread.
    ///
    /// # Errors
    /// Whatever keeps the batch from being made, as a file that has gone.
    fn batch(&self, indices: &[usize], randomness: &EpochRandomness) -> Result<Self::Batch, DataError>;

    /// A hash of all that decides what the batches hold: the data and what is done to it. A run that is resumed
    /// compares it to find out whether its data has changed; see [`Fingerprint`](crate::Fingerprint).
    ///
    /// The default sees nothing but the number of items. A data set in memory should hash its content, one of files
    /// their names, sizes and times.
    fn fingerprint(&self) -> u64 {
        Fingerprint::new("number of items").number(self.len() as u64).finish()
    }
}

/// The randomness of one epoch: a stream of its own for each item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochRandomness {
    seed: u64,
    epoch: u64,
}

/// Sets the streams of the items apart from that of the order.
const ITEM: u64 = u64::from_be_bytes(*b"ITEM\0\0\0\0");

/// Sets the seeds of parts apart from all streams.
const PART: u64 = u64::from_be_bytes(*b"PART\0\0\0\0");

impl EpochRandomness {
    /// The randomness of this epoch under this seed.
    pub fn new(seed: u64, epoch: u64) -> Self {
        Self { seed, epoch }
    }

    /// The randomness of a part of a data set, so that equal indices in two parts have streams of their own.
    #[must_use]
    pub fn part(&self, part: usize) -> Self {
        Self { seed: Randomness::keyed(&[PART, self.seed, part as u64]).bits(), epoch: self.epoch }
    }

    /// The stream of the item `index`: a function of seed, epoch and index only.
    pub fn item(&self, index: usize) -> Randomness {
        Randomness::keyed(&[ITEM, self.seed, self.epoch, index as u64])
    }
}
