//! Reading a stream in order, and the threads that make batches of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::{Stream, StreamPosition};
use crate::loader::catch_panic;
use crate::{DataError, EpochRandomness, Randomness};

/// Cuts a stream into the items of batches.
pub(super) struct Reader<S> {
    stream: S,
    position: StreamPosition,
    batch_size: usize,
    drop_last: bool,
    randomness: EpochRandomness,
    ended: bool,
}

/// The items of a batch with their random streams, or why they could not be read; and the position behind them.
pub(super) struct Raw<T> {
    number: u64,
    items: Result<Vec<(T, Randomness)>, DataError>,
    after: StreamPosition,
}

impl<S: Stream> Reader<S> {
    pub fn new(
        stream: S,
        position: StreamPosition,
        batch_size: usize,
        drop_last: bool,
        randomness: EpochRandomness,
    ) -> Self {
        Self { stream, position, batch_size, drop_last, randomness, ended: false }
    }

    /// The next batch, or nothing at the end or after an error.
    pub fn read(&mut self) -> Option<Raw<S::Item>> {
        if self.ended {
            return None;
        }
        let number = self.position.batches;
        let items = catch_panic(number as usize, || self.items());
        let wanted = if self.drop_last { self.batch_size } else { 1 };
        match &items {
            Ok(items) => {
                self.ended = items.len() < self.batch_size;
                if items.len() < wanted {
                    return None;
                }
                self.position.batches += 1;
                self.position.items += items.len() as u64;
                self.position.source = self.stream.position();
            }
            Err(_) => self.ended = true,
        }
        Some(Raw { number, items, after: self.position.clone() })
    }

    fn items(&mut self) -> Result<Vec<(S::Item, Randomness)>, DataError> {
        let mut items = Vec::with_capacity(self.batch_size.min(1 << 16));
        while items.len() < self.batch_size {
            let Some(item) = self.stream.next()? else { break };
            let number = self.position.items as usize + items.len();
            items.push((item, self.randomness.item(number)));
        }
        Ok(items)
    }
}

impl<T> Raw<T> {
    /// Puts the batch together.
    pub fn collate<B>(
        self,
        collate: impl Fn(Vec<(T, Randomness)>) -> Result<B, DataError>,
    ) -> Result<(B, StreamPosition), DataError> {
        let items = self.items?;
        let batch = catch_panic(self.number as usize, || collate(items))?;
        Ok((batch, self.after))
    }
}

/// Threads that make batches ahead of the consumer, at most `prefetch` of them.
pub(super) struct StreamWorkers<B> {
    shared: Arc<Shared<B>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared<B> {
    progress: Mutex<Progress<B>>,
    /// A batch was taken, or the workers shall stop.
    room: Condvar,
    /// A batch was finished, or the end was found.
    finished: Condvar,
}

struct Progress<B> {
    /// The batch that is read next.
    read: u64,
    /// The batch that the consumer takes next.
    taken: u64,
    /// Finished batches by their number, with the position behind them.
    ready: BTreeMap<u64, Result<(B, StreamPosition), DataError>>,
    /// Where the stream has ended.
    end: Option<u64>,
    stop: bool,
}

impl<B> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, Progress<B>> {
        // No code that can panic runs under the lock.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Send + 'static> StreamWorkers<B> {
    pub fn start<S, F>(
        reader: Reader<S>,
        collate: Arc<F>,
        count: usize,
        prefetch: usize,
    ) -> Result<Self, DataError>
    where
        S: Stream + 'static,
        S::Item: 'static,
        F: Fn(Vec<(S::Item, Randomness)>) -> Result<B, DataError> + Send + Sync + 'static,
    {
        let first = reader.position.batches;
        let progress = Progress { read: first, taken: first, ready: BTreeMap::new(), end: None, stop: false };
        let shared = Arc::new(Shared {
            progress: Mutex::new(progress),
            room: Condvar::new(),
            finished: Condvar::new(),
        });
        let reader = Arc::new(Mutex::new(reader));
        // Filled one by one, so that an error below drops it and stops the threads that did start.
        let mut workers = Self { shared, threads: Vec::with_capacity(count) };
        for number in 0..count {
            let (shared, reader) = (Arc::clone(&workers.shared), Arc::clone(&reader));
            let collate = Arc::clone(&collate);
            let thread = std::thread::Builder::new()
                .name(format!("bolete-stream-{number}"))
                .spawn(move || work(&shared, &reader, &*collate, prefetch as u64))
                .map_err(|reason| DataError::Thread { reason })?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }
}

impl<B> StreamWorkers<B> {
    /// Waits for the batch of this number, or the end before it. Every number must be asked for once, in order.
    pub fn take(&self, batch: u64) -> Option<Result<(B, StreamPosition), DataError>> {
        let mut progress = self.shared.lock();
        loop {
            if let Some(made) = progress.ready.remove(&batch) {
                progress.taken = batch + 1;
                self.shared.room.notify_one();
                return Some(made);
            }
            if progress.end.is_some_and(|end| end <= batch) {
                return None;
            }
            progress = self.shared.finished.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<B> Drop for StreamWorkers<B> {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.room.notify_all();
        for thread in self.threads.drain(..) {
            // Panics were turned into errors, so there is nothing to learn here.
            let _ = thread.join();
        }
    }
}

fn work<S, B, F>(shared: &Shared<B>, reader: &Mutex<Reader<S>>, collate: &F, prefetch: u64)
where
    S: Stream,
    F: Fn(Vec<(S::Item, Randomness)>) -> Result<B, DataError>,
{
    loop {
        let raw = {
            // Who holds the reader waits for room; the others wait for the reader.
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let mut progress = shared.lock();
            while !progress.stop && progress.end.is_none() && progress.read >= progress.taken + prefetch {
                progress = shared.room.wait(progress).unwrap_or_else(PoisonError::into_inner);
            }
            if progress.stop || progress.end.is_some() {
                return;
            }
            drop(progress);
            let raw = reader.read();
            let mut progress = shared.lock();
            if raw.is_some() {
                progress.read += 1;
            } else {
                progress.end = Some(progress.read);
                shared.finished.notify_one();
            }
            raw
        };
        let Some(raw) = raw else { return };
        let number = raw.number;
        let made = raw.collate(collate);
        shared.lock().ready.insert(number, made);
        shared.finished.notify_one();
    }
}
