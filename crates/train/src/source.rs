//! Where batches come from, seen from the trainer.

use std::marker::PhantomData;

use bolete_data::{DataError, Dataset, ImageBatch, Loader};
use bolete_tensor::{Tensor, Tree};

/// Batches of tensors in epochs, the same whenever they are asked for again.
pub trait Source {
    /// A batch as tensors.
    type Batch: Tree;

    /// Batches of an epoch; 0 when there are none.
    fn batches_per_epoch(&self) -> u64;

    /// The batches of an epoch from number `first` on, counted from 0: exactly those that a whole epoch gives there.
    ///
    /// # Errors
    /// Whatever keeps batches from being made.
    fn epoch_from(&self, epoch: u64, first: u64) -> Result<Batches<'_, Self::Batch>, DataError>;

    /// A number that changes, as good as surely, when other batches come.
    fn fingerprint(&self) -> u64;
}

/// Batches one after the other.
pub type Batches<'a, B> = Box<dyn Iterator<Item = Result<B, DataError>> + 'a>;

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
{
    type Batch = <D::Batch as IntoTensors>::Tensors;

    fn batches_per_epoch(&self) -> u64 {
        Loader::batches_per_epoch(self) as u64
    }

    fn epoch_from(&self, epoch: u64, first: u64) -> Result<Batches<'_, Self::Batch>, DataError> {
        let batches = Loader::epoch_from(self, epoch, first as usize)?;
        Ok(Box::new(batches.map(|batch| Ok(batch?.into_tensors()))))
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

    fn epoch_from(&self, _: u64, first: u64) -> Result<Batches<'_, B>, DataError> {
        Ok(Box::new((first == 0).then(|| Ok(self.batch.clone())).into_iter()))
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

    fn epoch_from(&self, epoch: u64, first: u64) -> Result<Batches<'_, B>, DataError> {
        let begin = epoch.saturating_sub(1) * self.batches;
        Ok(Box::new((first..self.batches).map(move |batch| Ok((self.make)(begin + batch)))))
    }

    fn fingerprint(&self) -> u64 {
        self.seed ^ self.batches.rotate_left(32)
    }
}
