//! Batches of a data set, shuffled with a seed and made ahead of time by worker threads.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ahead::Ahead;
use crate::sampler::{EpochPlan, Sampler, Sequential, Shuffled};
use crate::{DataError, Dataset, EpochRandomness, Fingerprint};

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
    /// Batches of 64, shuffled, the last one kept, 2 workers, 8 batches ahead, seed 0.
    fn default() -> Self {
        Self { batch_size: 64, shuffle: true, drop_last: false, workers: 2, prefetch: 8, seed: 0 }
    }
}

/// Makes the epochs of a data set. Batches come in the same order with the same content for any number of workers,
/// and wherever in the epoch one begins.
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
///
/// // Interrupted after two batches: the rest is what it would have been.
/// let rest: Result<Vec<_>, _> = loader.epoch_from(0, 2)?.collect();
/// assert_eq!(rest?.len(), 2);
/// # Ok::<(), bolete_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct Loader<D> {
    dataset: Arc<D>,
    options: LoaderOptions,
    sampler: Arc<dyn Sampler>,
}

impl<D: Dataset + 'static> Loader<D>
where
    D::Batch: 'static,
{
    /// A loader over `dataset` that visits every item once, [`Shuffled`] or [`Sequential`] as the options say.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when the batch size is 0.
    pub fn new(dataset: Arc<D>, options: LoaderOptions) -> Result<Self, DataError> {
        if options.batch_size == 0 {
            return Err(DataError::invalid("a batch size of at least 1", "0"));
        }
        let sampler: Arc<dyn Sampler> =
            if options.shuffle { Arc::new(Shuffled) } else { Arc::new(Sequential) };
        Ok(Self { dataset, options, sampler })
    }

    /// The same loader with another choice and order of the items. `options.shuffle` has no meaning any more.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when the sampler was made for another number of items.
    pub fn with_sampler(self, sampler: impl Sampler + 'static) -> Result<Self, DataError> {
        sampler.check(self.dataset.len())?;
        Ok(Self { sampler: Arc::new(sampler), ..self })
    }

    /// The data set.
    pub fn dataset(&self) -> &Arc<D> {
        &self.dataset
    }

    /// The options that the loader was made with.
    pub fn options(&self) -> &LoaderOptions {
        &self.options
    }

    /// What decides the order of the items.
    pub fn sampler(&self) -> &Arc<dyn Sampler> {
        &self.sampler
    }

    /// Batches per epoch, the same in every epoch.
    pub fn batches_per_epoch(&self) -> usize {
        self.sampler.batch_count(&self.epoch_plan(0))
    }

    /// A hash of the data set and of all options that decide what the batches hold; the numbers of workers and of
    /// batches ahead are not among them. A run that goes on with another fingerprint does not go on with the same
    /// data. For data in memory all of it is hashed, at several gigabytes per second.
    pub fn fingerprint(&self) -> u64 {
        Fingerprint::new("loader")
            .number(self.dataset.fingerprint())
            .number(self.dataset.len() as u64)
            .number(self.sampler.fingerprint())
            .number(self.options.batch_size as u64)
            .number(u64::from(self.options.drop_last))
            .number(self.options.seed)
            .finish()
    }

    /// The batches of an epoch, in order. Starts the workers; dropping the iterator stops them.
    ///
    /// # Errors
    /// [`DataError::Thread`] when a worker cannot be started.
    pub fn epoch(&self, epoch: u64) -> Result<Epoch<D::Batch>, DataError> {
        self.epoch_from(epoch, 0)
    }

    /// The batches of an epoch from the batch `first` on (from 0): bit for bit those that [`epoch`](Self::epoch)
    /// gives after `first` others, which are not made.
    ///
    /// # Errors
    /// [`DataError::Thread`] when a worker cannot be started; [`DataError::Invalid`] when `first` is above the number
    /// of batches.
    pub fn epoch_from(&self, epoch: u64, first: usize) -> Result<Epoch<D::Batch>, DataError> {
        self.epoch_as(epoch, first, |batch| batch)
    }

    /// [`epoch_from`](Self::epoch_from) with each batch turned into something else by the thread that makes it.
    ///
    /// # Errors
    /// As [`epoch_from`](Self::epoch_from).
    pub fn epoch_as<B: Send + 'static>(
        &self,
        epoch: u64,
        first: usize,
        convert: impl Fn(D::Batch) -> B + Send + Sync + 'static,
    ) -> Result<Epoch<B>, DataError> {
        let batches = self.sampler.batches(&self.epoch_plan(epoch));
        let all = batches.len();
        if first > all {
            return Err(DataError::invalid(
                format!("a first batch of at most {all}, the number of batches"),
                first.to_string(),
            ));
        }
        let randomness = EpochRandomness::new(self.options.seed, epoch);
        let dataset = Arc::clone(&self.dataset);
        let make = move |batch| {
            let indices = batches.get(batch);
            catch_panic(batch, || dataset.batch(indices, &randomness).map(&convert))
        };
        let makes = match self.options.workers.min(all - first) {
            0 => Makes::Inline(Box::new(make)),
            threads => {
                let begin = move |batch| (batch < all).then_some(batch);
                Makes::Ahead(Ahead::start("bolete-data", threads, self.options.prefetch, first, begin, make)?)
            }
        };
        Ok(Epoch { makes: Some(makes), next: first, all, waited: Duration::ZERO })
    }

    fn epoch_plan(&self, epoch: u64) -> EpochPlan {
        let LoaderOptions { batch_size, drop_last, seed, .. } = self.options;
        EpochPlan { len: self.dataset.len(), batch_size, drop_last, seed, epoch }
    }
}

/// Runs `make`; a panic becomes an error.
pub(crate) fn catch_panic<B>(
    batch: usize,
    make: impl FnOnce() -> Result<B, DataError>,
) -> Result<B, DataError> {
    // Nothing that the panic may have left in disorder is used again: the epoch ends with this error.
    catch_unwind(AssertUnwindSafe(make))
        .unwrap_or_else(|panic| Err(DataError::Panicked { batch, message: panic_message(panic.as_ref()) }))
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
pub struct Epoch<B> {
    /// Nothing once the last batch was taken, so that the threads end then.
    makes: Option<Makes<B>>,
    next: usize,
    all: usize,
    waited: Duration,
}

/// Who makes the batches.
enum Makes<B> {
    Inline(Box<dyn Fn(usize) -> Result<B, DataError> + Send>),
    Ahead(Ahead<Result<B, DataError>>),
}

impl<B> Epoch<B> {
    /// The number of the batch that comes next: what [`Loader::epoch_from`] needs to go on from here.
    pub fn position(&self) -> usize {
        self.next
    }

    /// How long the consumer has waited for batches of this epoch. Without workers, that is all the time in which
    /// batches were made.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl<B> Iterator for Epoch<B> {
    type Item = Result<B, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.all {
            return None;
        }
        let begin = Instant::now();
        let batch = match self.makes.as_ref()? {
            Makes::Inline(make) => make(self.next),
            Makes::Ahead(ahead) => ahead.take()?,
        };
        self.waited += begin.elapsed();
        self.next = if batch.is_ok() { self.next + 1 } else { self.all };
        if self.next == self.all {
            self.makes = None;
        }
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.all - self.next;
        // An error ends the epoch early.
        (left.min(1), Some(left))
    }
}

impl<B> std::iter::FusedIterator for Epoch<B> {}
