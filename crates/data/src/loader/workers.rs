//! The threads behind an epoch.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::Plan;
use crate::{DataError, Dataset};

/// Threads that make batches ahead of the consumer, at most `prefetch` of them.
pub(super) struct Workers<B> {
    shared: Arc<Shared<B>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared<B> {
    progress: Mutex<Progress<B>>,
    /// A batch was taken, or the workers shall stop.
    room: Condvar,
    /// A batch was finished.
    finished: Condvar,
}

struct Progress<B> {
    /// The next batch that no worker has begun.
    begun: usize,
    /// The batch that the consumer takes next.
    taken: usize,
    /// Finished batches by their number, waiting for their turn.
    ready: BTreeMap<usize, Result<B, DataError>>,
    stop: bool,
}

impl<B> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, Progress<B>> {
        // No code that can panic runs under the lock, so the state is sound even if it says otherwise.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Send + 'static> Workers<B> {
    /// Starts `count` threads that make the batches from `first` on.
    pub(super) fn start<D>(
        plan: &Arc<Plan<D>>,
        first: usize,
        count: usize,
        prefetch: usize,
    ) -> Result<Self, DataError>
    where
        D: Dataset<Batch = B> + 'static,
    {
        let progress = Progress { begun: first, taken: first, ready: BTreeMap::new(), stop: false };
        let shared = Arc::new(Shared {
            progress: Mutex::new(progress),
            room: Condvar::new(),
            finished: Condvar::new(),
        });
        // Filled one by one, so that an error below drops it and stops the threads that did start.
        let mut workers = Self { shared, threads: Vec::with_capacity(count) };
        for number in 0..count {
            let (plan, shared) = (Arc::clone(plan), Arc::clone(&workers.shared));
            let thread = std::thread::Builder::new()
                .name(format!("bolete-data-{number}"))
                .spawn(move || work(&plan, &shared, prefetch))
                .map_err(|reason| DataError::Thread { reason })?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }
}

impl<B> Workers<B> {
    /// Waits for the batch of this number. Every number must be asked for once, in order.
    pub(super) fn take(&self, batch: usize) -> Result<B, DataError> {
        let mut progress = self.shared.lock();
        loop {
            if let Some(made) = progress.ready.remove(&batch) {
                progress.taken = batch + 1;
                self.shared.room.notify_one();
                return made;
            }
            progress = self.shared.finished.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<B> Drop for Workers<B> {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.room.notify_all();
        for thread in self.threads.drain(..) {
            // A batch that panicked was turned into an error, so there is nothing to learn here.
            let _ = thread.join();
        }
    }
}

fn work<D: Dataset>(plan: &Plan<D>, shared: &Shared<D::Batch>, prefetch: usize) {
    loop {
        let batch = {
            let mut progress = shared.lock();
            while !progress.stop
                && progress.begun < plan.batches.len()
                && progress.begun >= progress.taken + prefetch
            {
                progress = shared.room.wait(progress).unwrap_or_else(PoisonError::into_inner);
            }
            if progress.stop || progress.begun >= plan.batches.len() {
                break;
            }
            progress.begun += 1;
            progress.begun - 1
        };
        let made = plan.make(batch);
        shared.lock().ready.insert(batch, made);
        shared.finished.notify_one();
    }
    // The room that woke this worker may be what another one waits for.
    shared.room.notify_one();
}
