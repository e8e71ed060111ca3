//! A fork-join pool whose workers live as long as it does.
//!
//! A call of [`Pool::run`] hands out the numbers `0..tasks` to the caller and to the workers and returns when all are
//! done. Workers spin for a short while after a call, so that the next call, which usually follows within microseconds,
//! finds them awake; then they park. A call that finds the pool busy (a call inside a task, or from a second thread)
//! runs on its own thread alone: it is never wrong, only not faster.
//!
//! Which thread runs which task is not defined, so tasks must not depend on one another, and no kernel may let
//! [`Pool::size`] decide about the order of its arithmetic.

use std::any::Any;
use std::hint::spin_loop;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long an idle worker keeps looking for work before it parks.
const SPIN: Duration = Duration::from_micros(80);

/// A set of threads that run the tasks of one call at a time.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// One call of [`Pool::run`], on the caller's stack.
struct Job<'a> {
    body: &'a (dyn Fn(usize) + Sync),
    tasks: usize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

struct Shared {
    /// Number of the call in the upper half, tasks not yet claimed in the lower half. Both in one word, so that a
    /// claim succeeds only while the call that it was meant for is running.
    state: AtomicU64,
    /// The running call. Written only while no task is unclaimed.
    job: AtomicPtr<Job<'static>>,
    /// Tasks not yet finished.
    unfinished: AtomicUsize,
    /// Held by the thread whose call is running.
    busy: AtomicBool,
    /// Workers that are parked or about to park.
    sleepers: AtomicUsize,
    stop: AtomicBool,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Pool {
    /// The pool of the process: `BOLETE_THREADS` threads, or as many as the machine offers.
    pub fn global() -> &'static Pool {
        static GLOBAL: OnceLock<Pool> = OnceLock::new();
        GLOBAL.get_or_init(|| {
            let wanted = std::env::var("BOLETE_THREADS").ok().and_then(|text| text.trim().parse().ok());
            let offered = || thread::available_parallelism().map_or(1, |count| count.get());
            Pool::new(wanted.unwrap_or_else(offered))
        })
    }

    /// A pool of `threads` threads, the caller of [`Pool::run`] among them: it starts `threads - 1`, or fewer if the
    /// system refuses more. Zero counts as one.
    pub fn new(threads: usize) -> Pool {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            job: AtomicPtr::new(ptr::null_mut()),
            unfinished: AtomicUsize::new(0),
            busy: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            lock: Mutex::new(()),
            wake: Condvar::new(),
        });
        let start = |number| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("bolete-{number}")).spawn(move || shared.work()).ok()
        };
        let workers = (1..threads).map_while(start).collect();
        Pool { shared, workers }
    }

    /// Threads that take part in a call, the caller included.
    pub fn size(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `body` with every number of `0..tasks`, each once, on the caller and the workers, and returns when all
    /// calls have returned.
    ///
    /// # Panics
    /// If a task panics, with the first payload, after all tasks have ended.
    pub fn run(&self, tasks: usize, body: &(dyn Fn(usize) + Sync)) {
        let job = Job { body, tasks, panic: Mutex::new(None) };
        let parallel = tasks > 1 && !self.workers.is_empty() && tasks <= u32::MAX as usize;
        if !parallel || self.shared.busy.swap(true, Ordering::Acquire) {
            for task in 0..tasks {
                job.execute(task);
            }
        } else {
            self.shared.publish(&job, self.workers.len().min(tasks - 1));
            self.shared.take_tasks();
            let mut rounds = 0u32;
            while self.shared.unfinished.load(Ordering::Acquire) != 0 {
                rounds += 1;
                // A worker that has lost its processor needs ours.
                if rounds < 10_000 { spin_loop() } else { thread::yield_now() }
            }
            self.shared.busy.store(false, Ordering::Release);
        }
        if let Some(payload) = job.panic.into_inner().expect("the lock is never held across a panic") {
            resume_unwind(payload);
        }
    }

    /// Cuts `0..len` into consecutive ranges of at least `minimum_chunk` (the last may be shorter) and calls `body`
    /// with each. The cuts depend on [`Pool::size`]: only for work whose results do not depend on them.
    ///
    /// # Panics
    /// If `body` panics.
    pub fn for_ranges(&self, len: usize, minimum_chunk: usize, body: &(dyn Fn(Range<usize>) + Sync)) {
        if len == 0 {
            return;
        }
        // A few ranges per thread, so that a thread that starts late does not hold up the others.
        let wanted = if self.size() == 1 { 1 } else { self.size() * 4 };
        let chunk = len.div_ceil(wanted).max(minimum_chunk).max(1);
        if chunk >= len {
            return body(0..len);
        }
        self.run(len.div_ceil(chunk), &|task| {
            let start = task * chunk;
            body(start..(start + chunk).min(len));
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        drop(self.shared.lock.lock());
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its tasks, so there is nothing to report.
            let _ = worker.join();
        }
    }
}

impl Job<'_> {
    fn execute(&self, task: usize) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (self.body)(task))) {
            let mut first = self.panic.lock().expect("the lock is never held across a panic");
            first.get_or_insert(payload);
        }
    }
}

impl Shared {
    /// Makes `job` the running call and wakes up to `helpers` parked workers. The caller holds `busy` and keeps `job`
    /// alive until `unfinished` is zero.
    fn publish(&self, job: &Job, helpers: usize) {
        self.unfinished.store(job.tasks, Ordering::Relaxed);
        self.job.store(ptr::from_ref(job).cast::<Job<'static>>().cast_mut(), Ordering::Relaxed);
        let call = (self.state.load(Ordering::Relaxed) >> 32).wrapping_add(1);
        // `SeqCst` pairs with `park`: either a worker about to park sees this call, or we see that it sleeps.
        self.state.store((call << 32) | job.tasks as u64, Ordering::SeqCst);
        let sleepers = self.sleepers.load(Ordering::SeqCst);
        if sleepers > 0 {
            drop(self.lock.lock());
            if sleepers <= helpers {
                self.wake.notify_all();
            } else {
                (0..helpers).for_each(|_| self.wake.notify_one());
            }
        }
    }

    /// Claims and runs tasks of the running call until none is left.
    fn take_tasks(&self) {
        let mut state = self.state.load(Ordering::Acquire);
        while state as u32 != 0 {
            let job = self.job.load(Ordering::Relaxed);
            match self.state.compare_exchange_weak(state, state - 1, Ordering::AcqRel, Ordering::Acquire) {
                Err(now) => state = now,
                Ok(_) => {
                    // SAFETY: the exchange succeeded, so the call numbered in `state` still had an unclaimed task, and
                    // `job` was read while it was the running call. Its `run` returns, and lets go of the job, only
                    // when `unfinished` is zero, which the task just claimed prevents until the line after the next.
                    let job = unsafe { &*job };
                    job.execute(job.tasks - state as u32 as usize);
                    self.unfinished.fetch_sub(1, Ordering::Release);
                    state = self.state.load(Ordering::Acquire);
                }
            }
        }
    }

    fn work(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            self.take_tasks();
            let start = Instant::now();
            loop {
                for _ in 0..64 {
                    spin_loop();
                    if self.state.load(Ordering::Relaxed) as u32 != 0 {
                        break;
                    }
                }
                if self.state.load(Ordering::Relaxed) as u32 != 0 {
                    break;
                }
                if start.elapsed() > SPIN {
                    self.park();
                    break;
                }
            }
        }
    }

    fn park(&self) {
        let mut guard = self.lock.lock().expect("the lock is never held across a panic");
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while self.state.load(Ordering::SeqCst) as u32 == 0 && !self.stop.load(Ordering::SeqCst) {
            guard = self.wake.wait(guard).expect("the lock is never held across a panic");
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pool: &Pool, tasks: usize) -> Vec<usize> {
        let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
        pool.run(tasks, &|task| {
            counts[task].fetch_add(1, Ordering::Relaxed);
        });
        counts.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn every_task_runs_once() {
        for size in [0, 1, 2, 3, 7] {
            let pool = Pool::new(size);
            assert_eq!(pool.size(), size.max(1));
            for tasks in [0, 1, 2, 3, 100] {
                for _ in 0..200 {
                    assert_eq!(counts(&pool, tasks), vec![1; tasks]);
                }
            }
            thread::sleep(SPIN * 10);
            assert_eq!(counts(&pool, 50), vec![1; 50]);
        }
    }

    #[test]
    fn nested_and_concurrent_calls_are_complete() {
        let pool = Pool::new(3);
        let total = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        pool.run(5, &|_| {
                            pool.run(7, &|_| {
                                total.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 4 * 200 * 5 * 7);
    }

    #[test]
    fn a_panic_reaches_the_caller_after_all_tasks() {
        for size in [1, 4] {
            let pool = Pool::new(size);
            let done = AtomicUsize::new(0);
            let result = catch_unwind(AssertUnwindSafe(|| {
                pool.run(20, &|task| {
                    assert!(task != 3, "task three");
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }));
            assert!(result.is_err());
            assert_eq!(done.into_inner(), 19);
            assert_eq!(counts(&pool, 9), vec![1; 9]);
        }
    }

    #[test]
    fn ranges_cover_the_length_once() {
        for size in [1, 2, 5] {
            let pool = Pool::new(size);
            for (len, minimum) in [(0, 1), (1, 1), (10, 100), (1000, 1), (1000, 64), (7, 0)] {
                let seen: Vec<AtomicUsize> = (0..len).map(|_| AtomicUsize::new(0)).collect();
                pool.for_ranges(len, minimum, &|range| {
                    range.for_each(|index| {
                        seen[index].fetch_add(1, Ordering::Relaxed);
                    });
                });
                assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            }
        }
    }
}
