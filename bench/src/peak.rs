//! What the machine can do at most, measured: multiply-adds from registers, and memory traffic.

use std::hint::black_box;
use std::time::Instant;

use bolete_kernels::isa::Isa;
use bolete_kernels::peak::{bf16_dot_products, multiply_adds};
use bolete_kernels::threads::Pool;

/// A limit of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peak {
    /// Multiply-adds of single precision, in 10⁹ operations a second.
    F32,
    /// Multiply-adds of bf16 into single precision, in 10⁹ operations a second; that of single precision where the
    /// machine has no such instruction.
    Bf16,
    /// Reading memory, in 10⁹ bytes a second.
    Read,
    /// Copying memory, in 10⁹ bytes read and written a second.
    Copy,
    /// Writing memory, in 10⁹ bytes a second.
    Fill,
}

/// Single-precision numbers in a block of memory that no cache holds.
const NUMBERS: usize = 1 << 26;

impl Peak {
    /// All of them.
    pub const ALL: [Peak; 5] = [Peak::F32, Peak::Bf16, Peak::Read, Peak::Copy, Peak::Fill];

    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Peak::F32 => "f32 multiply-adds, GFLOP/s",
            Peak::Bf16 => "bf16 multiply-adds, GFLOP/s",
            Peak::Read => "memory read, GB/s",
            Peak::Copy => "memory copied (read + written), GB/s",
            Peak::Fill => "memory written, GB/s",
        }
    }

    /// The best of several tries on all threads of a pool.
    pub fn measure(self, pool: &Pool, isa: Isa) -> f64 {
        let threads = pool.size() as f64;
        match self {
            Peak::F32 => {
                let seconds =
                    best(|| pool.run(pool.size(), &|_| black_box_sink(multiply_adds(isa, 200_000).0)));
                multiply_adds(isa, 1).1 * 200_000.0 * threads / seconds / 1e9
            }
            Peak::Bf16 => match bf16_dot_products(isa, 1) {
                None => Peak::F32.measure(pool, isa),
                Some((_, operations)) => {
                    let run = || bf16_dot_products(isa, 200_000).map_or(0.0, |(value, _)| value);
                    let seconds = best(|| pool.run(pool.size(), &|_| black_box_sink(run())));
                    operations * 200_000.0 * threads / seconds / 1e9
                }
            },
            Peak::Read => {
                let from = vec![1u64; NUMBERS / 2];
                let seconds = best(|| {
                    pool.for_ranges(from.len(), 1, &|range| {
                        black_box(from[range].iter().fold(0u64, |sum, number| sum ^ number));
                    });
                });
                (4 * NUMBERS) as f64 / seconds / 1e9
            }
            Peak::Copy => {
                let (from, to) = (vec![1u8; 4 * NUMBERS], parts(pool));
                let seconds = best(|| {
                    pool.run(to.len(), &|task| {
                        let mut to = to[task].lock().expect("no task panics");
                        let start = task * 4 * NUMBERS / pool.size();
                        let length = to.len();
                        to.copy_from_slice(&from[start..start + length]);
                    });
                });
                (8 * NUMBERS) as f64 / seconds / 1e9
            }
            Peak::Fill => {
                let to = parts(pool);
                let seconds = best(|| {
                    pool.run(to.len(), &|task| to[task].lock().expect("no task panics").fill(black_box(1)));
                });
                (4 * NUMBERS) as f64 / seconds / 1e9
            }
        }
    }
}

/// A block of memory in as many parts as there are threads.
fn parts(pool: &Pool) -> Vec<std::sync::Mutex<Vec<u8>>> {
    (0..pool.size()).map(|_| std::sync::Mutex::new(vec![0; 4 * NUMBERS / pool.size()])).collect()
}

fn black_box_sink(value: f32) {
    black_box(value);
}

/// The shortest of ten times, in seconds.
fn best(mut body: impl FnMut()) -> f64 {
    body();
    let times = (0..10).map(|_| {
        let start = Instant::now();
        body();
        start.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}
