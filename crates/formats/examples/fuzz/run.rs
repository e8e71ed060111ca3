//! One reader on many inputs.

use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::memory;
use crate::mutate::{Numbers, damage};
use crate::readers::Reader;

thread_local! {
    /// Whether a reader is at work: its panics are failures to be counted.
    pub static READING: Cell<bool> = const { Cell::new(false) };
}

/// What happened.
#[derive(Default)]
pub struct Outcome {
    pub inputs: u64,
    pub accepted: u64,
    /// The most memory for the size of a file, and for its bound.
    pub worst_ratio: f64,
    pub worst_share: f64,
    pub slowest: Duration,
    /// At most ten.
    pub failures: Vec<String>,
}

/// Runs a reader on the inputs of these numbers; `begin` is told each before.
pub fn run(reader: &Reader, seed: u64, inputs: Range<u64>, begin: impl Fn(u64)) -> Outcome {
    let mut outcome = Outcome::default();
    for input in inputs {
        begin(input);
        let bytes = damage(&mut Numbers::new(seed, input), &reader.seeds);
        memory::start();
        let clock = Instant::now();
        READING.with(|reading| reading.set(true));
        let result = catch_unwind(AssertUnwindSafe(|| (reader.read)(&bytes)));
        READING.with(|reading| reading.set(false));
        let time = clock.elapsed();
        let most = memory::most();
        outcome.inputs += 1;
        outcome.slowest = outcome.slowest.max(time);
        outcome.worst_ratio = outcome.worst_ratio.max(most as f64 / bytes.len().max(1) as f64);
        let bound = reader.per_byte * bytes.len() + reader.constant;
        outcome.worst_share = outcome.worst_share.max(most as f64 / bound as f64);
        let mut fail = |what: String| {
            if outcome.failures.len() < 10 {
                outcome.failures.push(format!("{} input {input} of seed {seed}: {what}", reader.name));
            }
        };
        match result {
            Ok(accepted) => outcome.accepted += u64::from(accepted),
            Err(payload) => {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("");
                fail(format!("panic: {text}"));
            }
        }
        if most > bound {
            fail(format!("{most} bytes of memory for a file of {} bytes, the bound is {bound}", bytes.len()));
        }
    }
    outcome
}
