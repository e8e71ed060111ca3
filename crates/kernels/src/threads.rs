//! A fork-join pool whose workers live as long as it does.
//!
//! A call of [`Pool::run`] hands out the numbers `0..tasks` to the caller and to the workers and returns when all are
//! done. Every thread begins with a run of neighbouring numbers of its own, the same ones at every call with so many
//! tasks, so that what it wrote in one call lies in its own caches when it reads it in the next; a thread that is done
//! takes from the ends of the others' runs. Workers spin for a short while after a call, so that the next call, which
//! usually follows within microseconds, finds them awake; then they park. A call that finds the pool busy (a call inside
//! a task, or from a second thread) runs on its own thread alone: it is never wrong, only not faster.
//!
//! Which thread runs which task is not promised, so tasks must not depend on one another, and no kernel may let
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
    /// How many calls there have been.
    call: AtomicU64,
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
    /// The tasks of each thread, that of the caller first.
    runs: Box<[Run]>,
}

/// Tasks not yet claimed: the first in the lower half, the one after the last in the upper. Threads do not share a cache
/// line, nor the pair of lines that processors fetch together.
#[repr(align(128))]
#[derive(Default)]
struct Run(AtomicU64);

impl Run {
    fn publish(&self, tasks: Range<usize>) {
        self.0.store((tasks.end as u64) << 32 | tasks.start as u64, Ordering::Release);
    }

    /// Claims the first task, or the last, if there is one.
    fn claim(&self, from_end: bool) -> Option<usize> {
        let mut run = self.0.load(Ordering::Relaxed);
        loop {
            let (start, end) = (run & u64::from(u32::MAX), run >> 32);
            if start == end {
                return None;
            }
            let (task, rest) = if from_end { (end - 1, run - (1 << 32)) } else { (start, run + 1) };
            match self.0.compare_exchange_weak(run, rest, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(task as usize),
                Err(now) => run = now,
            }
        }
    }
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
            call: AtomicU64::new(0),
            job: AtomicPtr::new(ptr::null_mut()),
            unfinished: AtomicUsize::new(0),
            busy: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            lock: Mutex::new(()),
            wake: Condvar::new(),
            runs: (0..threads.max(1)).map(|_| Run::default()).collect(),
        });
        let start = |number| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("bolete-{number}")).spawn(move || shared.work(number)).ok()
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
            self.shared.publish(&job, self.workers.len());
            self.shared.take_tasks(0);
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
    /// Makes `job` the running call and wakes parked workers. The caller holds `busy` and keeps `job` alive until
    /// `unfinished` is zero.
    fn publish(&self, job: &Job, workers: usize) {
        self.unfinished.store(job.tasks, Ordering::Relaxed);
        self.job.store(ptr::from_ref(job).cast::<Job<'static>>().cast_mut(), Ordering::Relaxed);
        let bound = |thread: usize| (thread as u128 * job.tasks as u128 / (workers + 1) as u128) as usize;
        for (thread, run) in self.runs.iter().enumerate().take(workers + 1) {
            run.publish(bound(thread)..bound(thread + 1));
        }
        // `SeqCst` pairs with `park`: either a worker about to park sees this call, or we see that it sleeps.
        self.call.fetch_add(1, Ordering::SeqCst);
        let (sleepers, helpers) = (self.sleepers.load(Ordering::SeqCst), workers.min(job.tasks - 1));
        if sleepers > 0 {
            drop(self.lock.lock());
            if sleepers <= helpers {
                self.wake.notify_all();
            } else {
                (0..helpers).for_each(|_| self.wake.notify_one());
            }
        }
    }

    /// Claims and runs tasks of the running call until none is left, those of `thread` first.
    fn take_tasks(&self, thread: usize) {
        let mut done = 0;
        for other in 0..self.runs.len() {
            let run = &self.runs[(thread + other) % self.runs.len()];
            while let Some(task) = run.claim(other > 0) {
                // SAFETY: a claim succeeds only while a call is running that has unfinished tasks, the one just claimed
                // among them, and `run`, which owns the job, returns only when none is unfinished. So the job read
                // after the claim is the one of that call, and lives until its tasks are counted as finished below.
                let job = unsafe { &*self.job.load(Ordering::Relaxed) };
                job.execute(task);
                done += 1;
            }
        }
        if done > 0 {
            self.unfinished.fetch_sub(done, Ordering::Release);
        }
    }

    fn work(&self, thread: usize) {
        let mut seen = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let start = Instant::now();
            let mut call = self.call.load(Ordering::Acquire);
            while call == seen {
                for _ in 0..64 {
                    spin_loop();
                    call = self.call.load(Ordering::Acquire);
                    if call != seen {
                        break;
                    }
                }
                if call == seen && start.elapsed() > SPIN {
                    self.park(seen);
                    break;
                }
            }
            seen = call;
            self.take_tasks(thread);
        }
    }

    /// Waits for a call after `seen`, or for the end.
    fn park(&self, seen: u64) {
        let mut guard = self.lock.lock().expect("the lock is never held across a panic");
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while self.call.load(Ordering::SeqCst) == seen && !self.stop.load(Ordering::SeqCst) {
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
    fn the_tasks_of_a_thread_that_is_held_up_are_taken_by_others() {
        let pool = Pool::new(2);
        // The first tasks of the caller and of the worker.
        for held in [0, 4] {
            let done = AtomicUsize::new(0);
            pool.run(8, &|task| {
                let start = Instant::now();
                while task == held && done.load(Ordering::Acquire) < 7 {
                    assert!(start.elapsed() < Duration::from_secs(60), "nobody takes the other tasks");
                    thread::yield_now();
                }
                done.fetch_add(1, Ordering::Release);
            });
            assert_eq!(done.into_inner(), 8);
        }
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
