//! Batches of a stream.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::reader::{Raw, Reader};
use super::{Source, wrong_position};
use crate::ahead::Ahead;
use crate::{DataError, EpochRandomness, Fingerprint, Randomness};

/// How a [`StreamLoader`] cuts a stream into batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// Items per batch, at least 1.
    pub batch_size: usize,
    /// Whether a last batch of fewer items is left out.
    pub drop_last: bool,
    /// Threads that read and put batches together; 0 makes each batch when it is asked for. Items are read one after
    /// the other, by one thread at a time; batches are put together side by side.
    pub workers: usize,
    /// The most batches, finished or in the making, that wait for the consumer. Raised to `workers` where it is less.
    pub prefetch: usize,
    /// Decides the randomness of the items.
    pub seed: u64,
}

impl Default for StreamOptions {
    /// Batches of 64, the last one kept, 2 workers, 4 batches ahead, seed 0.
    fn default() -> Self {
        Self { batch_size: 64, drop_last: false, workers: 2, prefetch: 4, seed: 0 }
    }
}

/// Where an epoch of a stream is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamPosition {
    /// The number of the epoch.
    pub epoch: u64,
    /// Batches that were taken.
    pub batches: u64,
    /// Items that were read for them.
    pub items: u64,
    /// The position of the source.
    pub source: Vec<u64>,
}

impl StreamPosition {
    /// The beginning of an epoch.
    pub fn beginning(epoch: u64) -> Self {
        Self { epoch, ..Self::default() }
    }

    /// The position as a list of numbers, to be saved.
    pub fn to_numbers(&self) -> Vec<u64> {
        [&[self.epoch, self.batches, self.items][..], &self.source].concat()
    }

    /// The position of such a list.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when there are fewer than three numbers.
    pub fn from_numbers(numbers: &[u64]) -> Result<Self, DataError> {
        let [epoch, batches, items, source @ ..] = numbers else {
            return Err(wrong_position("a stream", "at least three numbers", numbers));
        };
        Ok(Self { epoch: *epoch, batches: *batches, items: *items, source: source.to_vec() })
    }
}

/// Makes batches of a stream. They come in the same order with the same content for any number of workers, and
/// wherever in the epoch one begins.
///
/// # Examples
/// ```
/// use bolete_data::stream::{InOrder, StreamLoader, StreamOptions, StreamPosition};
///
/// let words = ["to", "be", "or", "not"].map(String::from).to_vec();
/// let join = |items: Vec<(String, _)>| Ok(items.into_iter().map(|(word, _)| word).collect::<String>());
/// let options = StreamOptions { batch_size: 2, ..StreamOptions::default() };
/// let loader = StreamLoader::new(InOrder::new(words), "joined 1", join, options)?;
/// let mut epoch = loader.epoch(0)?;
/// assert_eq!(epoch.next().unwrap()?, "tobe");
/// let saved: Vec<u64> = epoch.position().to_numbers();
/// let mut rest = loader.epoch_from(&StreamPosition::from_numbers(&saved)?)?;
/// assert_eq!(rest.next().unwrap()?, "ornot");
/// # Ok::<(), bolete_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct StreamLoader<S, F> {
    source: S,
    name: String,
    collate: Arc<F>,
    options: StreamOptions,
}

impl<S, B, F> StreamLoader<S, F>
where
    S: Source,
    S::Stream: 'static,
    S::Item: 'static,
    B: Send + 'static,
    F: Fn(Vec<(S::Item, Randomness)>) -> Result<B, DataError> + Send + Sync + 'static,
{
    /// A loader whose batches are put together by `collate`, which gets each item with a random stream of its own.
    /// The name and version of the function stand for it in the fingerprint.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when the batch size is 0.
    pub fn new(
        source: S,
        name: impl Into<String>,
        collate: F,
        options: StreamOptions,
    ) -> Result<Self, DataError> {
        if options.batch_size == 0 {
            return Err(DataError::invalid("a batch size of at least 1", "0"));
        }
        Ok(Self { source, name: name.into(), collate: Arc::new(collate), options })
    }

    /// The options that the loader was made with.
    pub fn options(&self) -> &StreamOptions {
        &self.options
    }

    /// A hash of the source and of all options that decide what the batches hold.
    pub fn fingerprint(&self) -> u64 {
        Fingerprint::new("stream loader")
            .number(self.source.fingerprint())
            .bytes(self.name.as_bytes())
            .number(self.options.batch_size as u64)
            .number(u64::from(self.options.drop_last))
            .number(self.options.seed)
            .finish()
    }

    /// The batches of an epoch. Starts the workers; dropping the iterator stops them.
    ///
    /// # Errors
    /// What keeps the stream from being opened; [`DataError::Thread`] when a worker cannot be started.
    pub fn epoch(&self, epoch: u64) -> Result<StreamEpoch<S::Stream, F, B>, DataError> {
        self.epoch_from(&StreamPosition::beginning(epoch))
    }

    /// The rest of an epoch: bit for bit the batches that would have come after this position.
    ///
    /// # Errors
    /// As [`epoch`](Self::epoch); [`DataError::Invalid`] when the position is not one of this source.
    pub fn epoch_from(&self, position: &StreamPosition) -> Result<StreamEpoch<S::Stream, F, B>, DataError> {
        let stream = self.source.open(position.epoch, &position.source)?;
        let randomness = EpochRandomness::new(self.options.seed, position.epoch);
        let mut reader = Reader::new(
            stream,
            position.clone(),
            self.options.batch_size,
            self.options.drop_last,
            randomness,
        );
        let collate = Arc::clone(&self.collate);
        let made = match self.options.workers {
            0 => Made::Inline(Box::new(reader), collate),
            threads => {
                let (first, prefetch) = (position.batches as usize, self.options.prefetch);
                let begin = move |_| reader.read();
                let finish = move |raw: Raw<S::Item>| raw.collate(&*collate);
                Made::Ahead(Ahead::start("bolete-stream", threads, prefetch, first, begin, finish)?)
            }
        };
        Ok(StreamEpoch { made: Some(made), position: position.clone(), waited: Duration::ZERO })
    }
}

/// Who makes the batches.
enum Made<S: super::Stream, F, B> {
    Inline(Box<Reader<S>>, Arc<F>),
    Ahead(Ahead<Result<(B, StreamPosition), DataError>>),
}

/// The batches of an epoch of a stream. Ends after the last batch, or after the first error.
pub struct StreamEpoch<S: super::Stream, F, B> {
    made: Option<Made<S, F, B>>,
    position: StreamPosition,
    waited: Duration,
}

impl<S: super::Stream, F, B> StreamEpoch<S, F, B> {
    /// The position after the batches that were taken: what [`StreamLoader::epoch_from`] needs to go on from here.
    pub fn position(&self) -> &StreamPosition {
        &self.position
    }

    /// How long the consumer has waited for batches of this epoch.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl<S, B, F> Iterator for StreamEpoch<S, F, B>
where
    S: super::Stream,
    F: Fn(Vec<(S::Item, Randomness)>) -> Result<B, DataError>,
{
    type Item = Result<B, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let begin = Instant::now();
        let batch = match self.made.as_mut()? {
            Made::Inline(reader, collate) => reader.read().map(|raw| raw.collate(&**collate)),
            Made::Ahead(workers) => workers.take(),
        };
        self.waited += begin.elapsed();
        let batch = match batch {
            Some(Ok((batch, after))) => {
                self.position = after;
                Some(Ok(batch))
            }
            Some(Err(error)) => Some(Err(error)),
            None => None,
        };
        if !matches!(batch, Some(Ok(_))) {
            self.made = None;
        }
        batch
    }
}

impl<S, B, F> std::iter::FusedIterator for StreamEpoch<S, F, B>
where
    S: super::Stream,
    F: Fn(Vec<(S::Item, Randomness)>) -> Result<B, DataError>,
{
}
