//! Batches that threads make ahead of the one who takes them, handed over in order.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::DataError;

/// Threads that make batches, at most `prefetch` of them before they are taken. Dropping it stops them.
pub(crate) struct Ahead<B> {
    shared: Arc<Shared<B>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared<B> {
    progress: Mutex<Progress<B>>,
    prefetch: usize,
    /// Enough batches were taken, or the threads shall stop.
    room: Condvar,
    /// The batch that is taken next was finished, or the end was found.
    finished: Condvar,
}

struct Progress<B> {
    /// The batches that were begun and not yet taken, in order; `None` while in the making.
    begun: VecDeque<Option<B>>,
    /// The number of the first of them, which is taken next.
    next: usize,
    /// Whether there are no more batches to begin.
    ended: bool,
    stop: bool,
    /// Threads that wait for room, and whether the consumer waits for a batch: nobody is woken in vain, which would
    /// cost the consumer a call of the system per batch.
    idle: usize,
    awaited: bool,
}

impl<B> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, Progress<B>> {
        // No code that can panic runs under the lock, so the state is sound even if it says otherwise.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Send + 'static> Ahead<B> {
    /// Starts `threads` threads that make the batches from number `first` on. `begin` is called with the numbers in
    /// order, by one thread at a time, and gives `None` when there are no more; `finish` runs side by side. Neither
    /// may panic.
    ///
    /// # Errors
    /// [`DataError::Thread`] when a thread cannot be started.
    pub fn start<R>(
        name: &str,
        threads: usize,
        prefetch: usize,
        first: usize,
        begin: impl FnMut(usize) -> Option<R> + Send + 'static,
        finish: impl Fn(R) -> B + Send + Sync + 'static,
    ) -> Result<Ahead<B>, DataError>
    where
        R: 'static,
    {
        let progress = Progress {
            begun: VecDeque::new(),
            next: first,
            ended: false,
            stop: false,
            idle: 0,
            awaited: false,
        };
        let shared = Arc::new(Shared {
            progress: Mutex::new(progress),
            prefetch: prefetch.max(threads),
            room: Condvar::new(),
            finished: Condvar::new(),
        });
        let (begin, finish) = (Arc::new(Mutex::new(begin)), Arc::new(finish));
        // Filled one by one, so that an error below drops it and stops the threads that did start.
        let mut ahead = Ahead { shared, threads: Vec::with_capacity(threads) };
        for number in 0..threads {
            let shared = Arc::clone(&ahead.shared);
            let (begin, finish) = (Arc::clone(&begin), Arc::clone(&finish));
            let thread = std::thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || work(&shared, &begin, &*finish))
                .map_err(|reason| DataError::Thread { reason })?;
            ahead.threads.push(thread);
        }
        Ok(ahead)
    }
}

impl<B> Ahead<B> {
    /// Waits for the next batch; `None` at the end.
    pub fn take(&self) -> Option<B> {
        let mut progress = self.shared.lock();
        loop {
            if let Some(made) = progress.begun.front_mut().and_then(Option::take) {
                progress.begun.pop_front();
                progress.next += 1;
                // Only once half of them are gone: a thread that wakes has more than one batch to make.
                let has_room = progress.begun.len() <= self.shared.prefetch / 2;
                let wake = progress.idle > 0 && !progress.ended && has_room;
                drop(progress);
                if wake {
                    self.shared.room.notify_one();
                }
                return Some(made);
            }
            if progress.ended && progress.begun.is_empty() {
                return None;
            }
            progress.awaited = true;
            progress = self.shared.finished.wait(progress).unwrap_or_else(PoisonError::into_inner);
            progress.awaited = false;
        }
    }
}

impl<B> Drop for Ahead<B> {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.room.notify_all();
        for thread in self.threads.drain(..) {
            // Panics of data sets were turned into errors, so there is nothing to learn here.
            let _ = thread.join();
        }
    }
}

fn work<R, B>(shared: &Shared<B>, begin: &Mutex<impl FnMut(usize) -> Option<R>>, finish: &impl Fn(R) -> B) {
    loop {
        let (number, begun) = {
            // Who may begin a batch waits for room; the others wait for their turn to do so.
            let mut begin = begin.lock().unwrap_or_else(PoisonError::into_inner);
            let mut progress = shared.lock();
            progress.idle += 1;
            while !progress.stop && !progress.ended && progress.begun.len() >= shared.prefetch {
                progress = shared.room.wait(progress).unwrap_or_else(PoisonError::into_inner);
            }
            progress.idle -= 1;
            if progress.stop || progress.ended {
                return;
            }
            // The number stays free while the batch is begun: nobody else can begin one.
            let number = progress.next + progress.begun.len();
            drop(progress);
            let begun = begin(number);
            let mut progress = shared.lock();
            match begun {
                Some(begun) => {
                    progress.begun.push_back(None);
                    (number, begun)
                }
                None => {
                    progress.ended = true;
                    shared.finished.notify_one();
                    return;
                }
            }
        };
        let made = finish(begun);
        let mut progress = shared.lock();
        // Those before it may have been taken meanwhile, it cannot.
        let place = number - progress.next;
        progress.begun[place] = Some(made);
        let wake = place == 0 && progress.awaited;
        drop(progress);
        if wake {
            shared.finished.notify_one();
        }
    }
}
