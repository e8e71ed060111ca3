//! The timing rule of all programs: some steps to warm up, then each step timed on its own until there are enough of
//! them and enough time has passed.

use std::time::{Duration, Instant};

use bolete::prelude::Tensor;

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Steps before the clock starts, the first included.
    pub warm_up: usize,
    /// Least number of timed steps,
    pub least_steps: usize,
    /// least time,
    pub least_time: Duration,
    /// and the time after which no more begin whatever their number.
    pub most_time: Duration,
}

impl Default for Rule {
    fn default() -> Rule {
        Rule {
            warm_up: 5,
            least_steps: 20,
            least_time: Duration::from_secs(1),
            most_time: Duration::from_secs(10),
        }
    }
}

/// Times of steps, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The median.
    pub median: f64,
    /// The tenth percentile.
    pub p10: f64,
    /// The ninetieth percentile.
    pub p90: f64,
    /// Timed steps.
    pub steps: usize,
    /// The first step, with all planning.
    pub first: f64,
    /// Processor time of a step on all threads together, waiting included, or 0 where the system does not tell: what
    /// to compare on a machine that is not idle, on one thread.
    pub processor: f64,
}

impl Rule {
    /// Times a step that is done again and again.
    pub fn time(&self, mut step: impl FnMut() -> Tensor) -> Times {
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
        let start = Instant::now();
        step();
        let first = milliseconds(start.elapsed());
        let start = Instant::now();
        for _ in 1..self.warm_up {
            step();
            if start.elapsed() > self.most_time {
                break;
            }
        }
        let mut times = Vec::new();
        let processor = processor_milliseconds();
        let start = Instant::now();
        loop {
            let before = Instant::now();
            step();
            let after = Instant::now();
            times.push(milliseconds(after - before));
            let passed = after - start;
            if times.len() >= self.least_steps && passed >= self.least_time || passed >= self.most_time {
                break;
            }
        }
        let processor = (processor_milliseconds() - processor) / times.len() as f64;
        times.sort_by(f64::total_cmp);
        let quantile = |part: f64| times[((part * times.len() as f64) as usize).min(times.len() - 1)];
        Times {
            median: quantile(0.5),
            p10: quantile(0.1),
            p90: quantile(0.9),
            steps: times.len(),
            first,
            processor,
        }
    }
}

/// Processor time of this process so far.
fn processor_milliseconds() -> f64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th word behind it.
    let behind = text.rsplit(')').next().unwrap_or_default();
    let ticks = behind.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok());
    ticks.sum::<f64>() * 10.0
}
