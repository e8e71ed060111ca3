//! Batches of a data set, shuffled with a seed and made ahead of time by worker threads.

mod workers;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::{DataError, Dataset, EpochRandomness, epoch_order};
use workers::Workers;

/// How a [`Loader`] cuts a data set into batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Items per batch, at least 1.
    pub batch_size: usize,
    /// Whether each epoch has a random order of its own; otherwise the items come in the order of the data set.
    pub shuffle: bool,
    /// Whether a last batch of fewer items is left out.
    pub drop_last: bool,
    /// Threads that make batches; 0 makes each batch when it is asked for, on the thread that asks.
    pub workers: usize,
    /// The most batches, finished or in the making, that wait for the consumer. Raised to `workers` where it is less.
    pub prefetch: usize,
    /// Decides the order and all randomness of the items.
    pub seed: u64,
}

impl Default for LoaderOptions {
    /// Batches of 64, shuffled, the last one kept, 2 workers, 4 batches ahead, seed 0.
    fn default() -> Self {
        Self { batch_size: 64, shuffle: true, drop_last: false, workers: 2, prefetch: 4, seed: 0 }
    }
}

/// Makes the epochs of a data set. Batches come in the same order with the same content for any number of workers.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use bolete_data::{Loader, LoaderOptions, drawn_digits};
///
/// let digits = drawn_digits::draw(100, 1, &drawn_digits::DrawOptions::default());
/// let loader = Loader::new(Arc::new(digits), LoaderOptions { batch_size: 32, ..Default::default() })?;
/// let mut sizes = Vec::new();
/// for batch in loader.epoch(0)? {
///     sizes.push(batch?.labels.len());
/// }
/// assert_eq!(sizes, [32, 32, 32, 4]);
/// # Ok::<(), bolete_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct Loader<D> {
    dataset: Arc<D>,
    options: LoaderOptions,
}

impl<D: Dataset + 'static> Loader<D>
where
    D::Batch: 'static,
{
    /// A loader over `dataset`.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when the batch size is 0.
    pub fn new(dataset: Arc<D>, options: LoaderOptions) -> Result<Self, DataError> {
        if options.batch_size == 0 {
            return Err(DataError::invalid("a batch size of at least 1", "0"));
        }
        Ok(Self { dataset, options })
    }

    /// The data set.
    pub fn dataset(&self) -> &Arc<D> {
        &self.dataset
    }

    /// The options that the loader was made with.
    pub fn options(&self) -> &LoaderOptions {
        &self.options
    }

    /// Batches per epoch.
    pub fn batches_per_epoch(&self) -> usize {
        let len = self.dataset.len();
        if self.options.drop_last {
            len / self.options.batch_size
        } else {
            len.div_ceil(self.options.batch_size)
        }
    }

    /// The batches of an epoch, in order. Starts the workers; dropping the iterator stops them.
    ///
    /// # Errors
    /// [`DataError::Thread`] when a worker cannot be started.
    pub fn epoch(&self, epoch: u64) -> Result<Epoch<D>, DataError> {
        let len = self.dataset.len();
        let LoaderOptions { batch_size, shuffle, workers, prefetch, seed, .. } = self.options;
        let plan = Arc::new(Plan {
            dataset: Arc::clone(&self.dataset),
            order: if shuffle { epoch_order(len, seed, epoch) } else { (0..len).collect() },
            batch_size,
            batches: self.batches_per_epoch(),
            randomness: EpochRandomness::new(seed, epoch),
        });
        let workers = match workers.min(plan.batches) {
            0 => None,
            count => Some(Workers::start(&plan, count, prefetch.max(count))?),
        };
        Ok(Epoch { plan, workers, next: 0 })
    }
}

/// All that is needed to make any batch of an epoch.
struct Plan<D> {
    dataset: Arc<D>,
    order: Vec<usize>,
    batch_size: usize,
    batches: usize,
    randomness: EpochRandomness,
}

impl<D: Dataset> Plan<D> {
    /// Makes the batch of this number; a panic of the data set becomes an error.
    fn make(&self, batch: usize) -> Result<D::Batch, DataError> {
        let begin = batch * self.batch_size;
        let end = self.order.len().min(begin + self.batch_size);
        let indices = &self.order[begin..end];
        // Nothing that the panic may have left in disorder is used again: the epoch ends with this error.
        catch_unwind(AssertUnwindSafe(|| self.dataset.batch(indices, &self.randomness))).unwrap_or_else(
            |panic| Err(DataError::Panicked { batch, message: panic_message(panic.as_ref()) }),
        )
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message");
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The batches of one epoch. Ends after the last batch, or after the first error.
pub struct Epoch<D: Dataset> {
    plan: Arc<Plan<D>>,
    workers: Option<Workers<D::Batch>>,
    next: usize,
}

impl<D: Dataset> Iterator for Epoch<D> {
    type Item = Result<D::Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.plan.batches {
            return None;
        }
        let batch = match &self.workers {
            Some(workers) => workers.take(self.next),
            None => self.plan.make(self.next),
        };
        self.next = if batch.is_ok() { self.next + 1 } else { self.plan.batches };
        if self.next == self.plan.batches {
            // Stops the workers now, not only when the consumer lets go of the iterator.
            self.workers = None;
        }
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.plan.batches - self.next;
        // An error ends the epoch early.
        (left.min(1), Some(left))
    }
}

impl<D: Dataset> std::iter::FusedIterator for Epoch<D> {}
