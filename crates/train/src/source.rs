//! Where batches come from, seen from the trainer.

use std::marker::PhantomData;

use bolete_data::stream::{self, StreamEpoch, StreamLoader, StreamPosition};
use bolete_data::{DataError, Dataset, ImageBatch, Loader, Randomness};
use bolete_tensor::{Tensor, Tree};
use serde::{Deserialize, Serialize};

/// Batches of tensors in epochs, the same whenever they are asked for again.
pub trait Source {
    /// A batch as tensors.
    type Batch: Tree;

    /// Batches of an epoch; 0 when there are none.
    fn batches_per_epoch(&self) -> u64;

    /// The batches of an epoch from a place on: exactly those that a whole epoch gives there.
    ///
    /// # Errors
    /// Whatever keeps batches from being made.
    fn epoch_from(&self, epoch: u64, place: &Place) -> Result<Batches<'_, Self::Batch>, DataError>;

    /// A number that changes, as good as surely, when other batches come.
    fn fingerprint(&self) -> u64;
}

/// Where in an epoch a source is; its default is the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The number of the batch that comes next, from 0.
    pub batch: u64,
    /// What else the source needs to go on there, as where it is in a file.
    pub source: Vec<u64>,
}

/// Batches one after the other.
pub type Batches<'a, B> = Box<dyn EpochBatches<B> + 'a>;

/// The batches of an epoch, one after the other.
pub trait EpochBatches<B>: Iterator<Item = Result<B, DataError>> {
    /// What [`Place::source`] holds after the batches that were taken.
    fn source_place(&self) -> Vec<u64>;
}

/// Batches of which any can be made by its number.
struct Numbered<I>(I);

impl<I: Iterator> Iterator for Numbered<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
}

impl<B, I: Iterator<Item = Result<B, DataError>>> EpochBatches<B> for Numbered<I> {
    fn source_place(&self) -> Vec<u64> {
        Vec::new()
    }
}

/// A batch of plain values that becomes one of tensors.
pub trait IntoTensors {
    /// The tensors.
    type Tensors: Tree;

    /// The tensors; the first has one row per item.
    fn into_tensors(self) -> Self::Tensors;
}

impl IntoTensors for ImageBatch {
    type Tensors = (Tensor, Tensor);

    /// Images `[batch, channels, height, width]` as `f32` and classes `[batch]` as `i64`.
    fn into_tensors(self) -> (Tensor, Tensor) {
        let shape = [self.batch, self.channels, self.height, self.width];
        (Tensor::from_vec(self.images, shape), Tensor::from_vec(self.labels, [self.batch]))
    }
}

impl<D> Source for Loader<D>
where
    D: Dataset + 'static,
    D::Batch: IntoTensors + 'static,
    <D::Batch as IntoTensors>::Tensors: Send + 'static,
{
    type Batch = <D::Batch as IntoTensors>::Tensors;

    fn batches_per_epoch(&self) -> u64 {
        Loader::batches_per_epoch(self) as u64
    }

    fn epoch_from(&self, epoch: u64, place: &Place) -> Result<Batches<'_, Self::Batch>, DataError> {
        Ok(Box::new(Numbered(self.epoch_as(epoch, place.batch as usize, IntoTensors::into_tensors)?)))
    }

    fn fingerprint(&self) -> u64 {
        Loader::fingerprint(self)
    }
}

/// One batch that is all of the data: an epoch is one step.
pub struct Fixed<B> {
    batch: B,
}

impl<B: Tree + Clone> Fixed<B> {
    /// These data.
    pub fn new(batch: B) -> Fixed<B> {
        Fixed { batch }
    }
}

impl<B: Tree + Clone> Source for Fixed<B> {
    type Batch = B;

    fn batches_per_epoch(&self) -> u64 {
        1
    }

    fn epoch_from(&self, _: u64, place: &Place) -> Result<Batches<'_, B>, DataError> {
        Ok(Box::new(Numbered((place.batch == 0).then(|| Ok(self.batch.clone())).into_iter())))
    }

    fn fingerprint(&self) -> u64 {
        use bolete_tensor::tree::TreeExt;
        let mut hash = crc32fast::Hasher::new();
        for leaf in self.batch.leaves() {
            hash.update(leaf.shape().to_string().as_bytes());
            hash.update(&leaf.to_bytes());
        }
        u64::from(hash.finalize())
    }
}

/// Batches that a function makes of their number, such as those of a simulator. `seed` stands for the function when
/// runs are resumed.
pub struct Generated<B, F> {
    batches: u64,
    seed: u64,
    make: F,
    made: PhantomData<fn() -> B>,
}

impl<B: Tree, F: Fn(u64) -> B> Generated<B, F> {
    /// Epochs of `batches` batches; `make` gets the number of a batch, counted from 0 over all epochs, and is a pure
    /// function of it and of `seed`.
    pub fn new(batches: u64, seed: u64, make: F) -> Generated<B, F> {
        Generated { batches, seed, make, made: PhantomData }
    }
}

impl<B: Tree, F: Fn(u64) -> B> Source for Generated<B, F> {
    type Batch = B;

    fn batches_per_epoch(&self) -> u64 {
        self.batches
    }

    fn epoch_from(&self, epoch: u64, place: &Place) -> Result<Batches<'_, B>, DataError> {
        let begin = epoch.saturating_sub(1) * self.batches;
        Ok(Box::new(Numbered((place.batch..self.batches).map(move |batch| Ok((self.make)(begin + batch))))))
    }

    fn fingerprint(&self) -> u64 {
        self.seed ^ self.batches.rotate_left(32)
    }
}

/// Batches of a stream, whose collate function makes tensors of items.
///
/// A stream does not know its length: an epoch has at most the number of batches that is given here, and ends earlier
/// where the stream does.
pub struct Streamed<S, F> {
    loader: StreamLoader<S, F>,
    batches: u64,
}

impl<S, F> Streamed<S, F> {
    /// Epochs of at most `batches` batches.
    pub fn new(loader: StreamLoader<S, F>, batches: u64) -> Streamed<S, F> {
        Streamed { loader, batches }
    }
}

impl<S, B, F> Source for Streamed<S, F>
where
    S: stream::Source,
    S::Stream: 'static,
    S::Item: 'static,
    B: Tree + Send + 'static,
    F: Fn(Vec<(S::Item, Randomness)>) -> Result<B, DataError> + Send + Sync + 'static,
{
    type Batch = B;

    fn batches_per_epoch(&self) -> u64 {
        self.batches
    }

    fn epoch_from(&self, epoch: u64, place: &Place) -> Result<Batches<'_, B>, DataError> {
        let position = match place.source.as_slice() {
            [] => StreamPosition::beginning(epoch),
            numbers => StreamPosition::from_numbers(numbers)?,
        };
        let left = self.batches - place.batch.min(self.batches);
        Ok(Box::new(StreamBatches { epoch: self.loader.epoch_from(&position)?, left }))
    }

    fn fingerprint(&self) -> u64 {
        self.loader.fingerprint() ^ self.batches.rotate_left(32)
    }
}

struct StreamBatches<S: stream::Stream, F, B> {
    epoch: StreamEpoch<S, F, B>,
    left: u64,
}

impl<S, F, B> Iterator for StreamBatches<S, F, B>
where
    S: stream::Stream,
    F: Fn(Vec<(S::Item, Randomness)>) -> Result<B, DataError>,
{
    type Item = Result<B, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        self.epoch.next()
    }
}

impl<S, F, B> EpochBatches<B> for StreamBatches<S, F, B>
where
    S: stream::Stream,
    F: Fn(Vec<(S::Item, Randomness)>) -> Result<B, DataError>,
{
    fn source_place(&self) -> Vec<u64> {
        self.epoch.position().to_numbers()
    }
}
