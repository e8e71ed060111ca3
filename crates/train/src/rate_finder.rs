//! The learning-rate finder: one short run in which the rate grows from step to step (Smith 2017, *Cyclical learning
//! rates for training neural networks*).
//!
//! The loss falls while the rate is useful and rises when it is too large. The rate to train with lies well below the
//! one at which the loss is lowest.
//!
//! ```
//! use bolete_train::rate_finder::{RateFinder, find_rate};
//!
//! // Gradient descent on x², which diverges from a rate of 1 on.
//! let mut x = 10.0f64;
//! let curve = find_rate(&RateFinder::default(), |rate| {
//!     let loss = x * x;
//!     x -= rate * 2.0 * x;
//!     loss
//! })?;
//! assert!(curve.steepest.unwrap() < 1.0);
//! # Ok::<(), bolete_train::rate_finder::RateFinderError>(())
//! ```

/// How the rate is swept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateFinder {
    /// The first rate, above zero.
    pub first: f64,
    /// The last rate, above the first.
    pub last: f64,
    /// Number of steps, at least 2; each multiplies the rate by the same factor.
    pub steps: usize,
    /// How much of the smoothed loss is kept from one step to the next, from 0 (no smoothing) to below 1.
    pub smoothing: f64,
    /// The sweep ends when the smoothed loss exceeds this multiple of the lowest so far. For losses that may be
    /// negative, the excess over the lowest is compared with the range that the losses have covered.
    pub divergence: f64,
}

impl Default for RateFinder {
    /// 10⁻⁷ to 10 in 100 steps, smoothing 0.95 and divergence 4: the values of fastai, which made the method known.
    fn default() -> Self {
        Self { first: 1e-7, last: 10.0, steps: 100, smoothing: 0.95, divergence: 4.0 }
    }
}

/// Settings that make no sweep. Each message is one line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("learning-rate finder: expected {expected}, found {found}; change the setting")]
pub struct RateFinderError {
    /// What is allowed.
    pub expected: &'static str,
    /// What was given.
    pub found: String,
}

impl RateFinder {
    /// Factors from 10⁻⁴ to 10⁴ of a rate that is known to be about right, in 160 steps.
    pub fn factors() -> Self {
        Self { first: 1e-4, last: 1e4, steps: 160, smoothing: 0.9, ..Self::default() }
    }

    fn check(&self) -> Result<(), RateFinderError> {
        let refuse = |expected, found: String| Err(RateFinderError { expected, found });
        let (first, last) = (self.first, self.last);
        if !(first > 0.0 && first < last && last.is_finite()) {
            return refuse("rates 0 < first < last", format!("{first} and {last}"));
        }
        if self.steps < 2 {
            return refuse("at least 2 steps", self.steps.to_string());
        }
        if !(0.0..1.0).contains(&self.smoothing) {
            return refuse("a smoothing of at least 0 and below 1", self.smoothing.to_string());
        }
        if self.divergence <= 1.0 || self.divergence.is_nan() {
            return refuse("a divergence above 1", self.divergence.to_string());
        }
        Ok(())
    }

    /// The rate of a step, from 0.
    pub fn rate(&self, step: usize) -> f64 {
        let part = step as f64 / (self.steps - 1) as f64;
        self.first * (self.last / self.first).powf(part)
    }
}

/// One step of a sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateStep {
    /// The learning rate.
    pub rate: f64,
    /// The loss that the step gave.
    pub loss: f64,
    /// The exponential moving average of the losses, without the bias of its start.
    pub smoothed: f64,
}

/// What a sweep has shown.
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    /// The steps in order, up to the one at which the loss diverged.
    pub steps: Vec<RateStep>,
    /// Whether the loss diverged before the last rate.
    pub diverged: bool,
    /// The rate at which the smoothed loss falls fastest, per factor of the rate; `None` if it falls nowhere.
    pub steepest: Option<f64>,
    /// A tenth of the rate at which the smoothed loss is lowest; `None` if no step gave a finite loss.
    pub minimum_over_ten: Option<f64>,
}

/// Calls `step` with growing rates. It trains for one step with the rate that it is given and returns the loss of that
/// step, as measured before the update. The weights are worthless afterwards: save them before, and restore them.
///
/// # Errors
/// If the settings make no sweep.
pub fn find_rate(
    finder: &RateFinder,
    mut step: impl FnMut(f64) -> f64,
) -> Result<RateCurve, RateFinderError> {
    finder.check()?;
    let mut steps: Vec<RateStep> = Vec::new();
    let (mut average, mut weight) = (0.0, 0.0);
    let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut diverged = false;
    for number in 0..finder.steps {
        let rate = finder.rate(number);
        let loss = step(rate);
        if !loss.is_finite() {
            diverged = true;
            break;
        }
        average = finder.smoothing * average + (1.0 - finder.smoothing) * loss;
        weight = finder.smoothing * weight + (1.0 - finder.smoothing);
        let smoothed = average / weight;
        steps.push(RateStep { rate, loss, smoothed });
        // The multiple of a loss says nothing where losses may be negative.
        let limit = if lowest > 0.0 {
            finder.divergence * lowest
        } else {
            lowest + (finder.divergence - 1.0) * (highest - lowest)
        };
        if number > 1 && highest > lowest && smoothed > limit {
            diverged = true;
            break;
        }
        lowest = lowest.min(smoothed);
        highest = highest.max(smoothed);
    }
    let lowest = steps.iter().min_by(|a, b| a.smoothed.total_cmp(&b.smoothed));
    Ok(RateCurve {
        steepest: steepest(&steps),
        minimum_over_ten: lowest.map(|step| step.rate / 10.0),
        diverged,
        steps,
    })
}

/// The rate of the steepest fall over the logarithm of the rate. Rates grow by one factor, so that differences of
/// neighbours are the slopes; in between they are taken over both sides, as `numpy.gradient` does.
fn steepest(steps: &[RateStep]) -> Option<f64> {
    let last = steps.len().checked_sub(1)?;
    let slope = |at: usize| {
        let (before, after) = (at.saturating_sub(1), (at + 1).min(last));
        (steps[after].smoothed - steps[before].smoothed) / (after - before).max(1) as f64
    };
    let falls = (0..=last).map(|at| (at, slope(at))).filter(|(_, slope)| *slope < 0.0);
    falls.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| steps[at].rate)
}
