//! Learning rates that change during training.

use std::f64::consts::PI;

/// A factor for the learning rate as a function of the number of updates made so far.
///
/// ```
/// use bolete_nn::Schedule;
/// let schedule = Schedule::Cosine { warm_up: 4, total: 104, last: 0.1 };
/// assert_eq!(schedule.factor(0), 0.25);
/// assert_eq!(schedule.factor(4), 1.0);
/// assert!((schedule.factor(54) - 0.55).abs() < 1e-12);
/// assert_eq!(schedule.factor(1000), 0.1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Schedule {
    /// Always 1.
    #[default]
    Constant,
    /// A linear rise followed by half a wave of the cosine (Loshchilov, Hutter 2017, equation 5, without restarts).
    Cosine {
        /// Number of updates until the factor is 1; update n of them, counted from 0, has (n + 1) / `warm_up`.
        warm_up: u64,
        /// Number of all updates, from which on the factor stays at `last`.
        total: u64,
        /// The factor at the end.
        last: f64,
    },
    /// Half waves of the cosine from 1 down to `last`, again and again, each longer than the one before (SGDR, Loshchilov, Hutter
    /// 2017).
    CosineRestarts {
        /// Updates of the first wave.
        period: u64,
        /// How many times longer each wave is than the one before; 1 for all alike.
        growth: u64,
        /// The factor at the end of a wave.
        last: f64,
    },
    /// A linear rise from `first` to 1 and a straight line, or another power of one, down to `last`.
    Polynomial {
        /// Number of updates until the factor is 1, counted as in `Cosine`.
        warm_up: u64,
        /// Number of all updates, from which on the factor stays at `last`.
        total: u64,
        /// 1 for a straight line.
        power: f64,
        /// The factor at the end.
        last: f64,
    },
    /// Multiplied by `factor` after `every` updates, again and again.
    Step {
        /// Number of updates between two changes.
        every: u64,
        /// What the rate is multiplied by at each.
        factor: f64,
    },
    /// Multiplied by `factor` after every update.
    Exponential {
        /// What the rate is multiplied by.
        factor: f64,
    },
    /// 1 / (1 + `decay` · n).
    InverseTime {
        /// How fast it falls.
        decay: f64,
    },
    /// A linear rise over `warm_up` updates, then √(warm_up / n) (Vaswani et al. 2017, section 5.3, relative to the largest rate).
    InverseSquareRoot {
        /// Number of updates until the factor is 1.
        warm_up: u64,
    },
    /// Up from `first` to 1 and down to `last`, both along half a wave of the cosine (Smith, Topin 2018).
    OneCycle {
        /// Number of all updates.
        total: u64,
        /// The part of them in which the rate rises.
        rise: f64,
        /// The factor at the beginning.
        first: f64,
        /// The factor at the end.
        last: f64,
    },
}

/// From `start` to `end` along half a wave of the cosine.
fn cosine(start: f64, end: f64, progress: f64) -> f64 {
    end + (start - end) * 0.5 * (1.0 + (PI * progress).cos())
}

impl Schedule {
    /// A linear rise over `warm_up` updates and a straight line down to zero at `total`.
    pub fn linear(warm_up: u64, total: u64) -> Schedule {
        Schedule::Polynomial { warm_up, total, power: 1.0, last: 0.0 }
    }

    /// The factor for an update when `step` updates have been made before it.
    pub fn factor(&self, step: u64) -> f64 {
        match *self {
            Schedule::Constant => 1.0,
            Schedule::Cosine { warm_up, .. } | Schedule::Polynomial { warm_up, .. } if step < warm_up => {
                (step + 1) as f64 / warm_up as f64
            }
            Schedule::Cosine { total, last, .. } | Schedule::Polynomial { total, last, .. }
                if step >= total =>
            {
                last
            }
            Schedule::Cosine { warm_up, total, last } => {
                cosine(1.0, last, (step - warm_up) as f64 / (total - warm_up) as f64)
            }
            Schedule::Polynomial { warm_up, total, power, last } => {
                let left = 1.0 - (step - warm_up) as f64 / (total - warm_up) as f64;
                last + (1.0 - last) * left.powf(power)
            }
            Schedule::CosineRestarts { period, growth, last } => {
                let (mut start, mut length) = (0, period.max(1));
                while step - start >= length {
                    start += length;
                    length = length.saturating_mul(growth.max(1));
                }
                cosine(1.0, last, (step - start) as f64 / length as f64)
            }
            Schedule::Step { every, factor } => factor.powf((step / every.max(1)) as f64),
            Schedule::Exponential { factor } => factor.powf(step as f64),
            Schedule::InverseTime { decay } => 1.0 / (1.0 + decay * step as f64),
            Schedule::InverseSquareRoot { warm_up } => {
                let (number, warm_up) = ((step + 1) as f64, warm_up.max(1) as f64);
                (number / warm_up).min((warm_up / number).sqrt())
            }
            Schedule::OneCycle { total, rise, first, last } => {
                let (top, end) = (rise * total as f64 - 1.0, total.saturating_sub(1) as f64);
                let step = step as f64;
                if step <= top {
                    cosine(first, 1.0, step / top)
                } else {
                    cosine(1.0, last, ((step - top) / (end - top)).min(1.0))
                }
            }
        }
    }
}

/// Schedules one after the other, and products of schedules.
///
/// ```
/// use bolete_nn::{Schedule, ScheduleSequence};
/// let schedule = ScheduleSequence::new(Schedule::Constant)
///     .then(10, Schedule::Exponential { factor: 0.5 });
/// assert_eq!([9, 10, 12].map(|step| schedule.factor(step)), [1.0, 1.0, 0.25]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleSequence {
    /// From which update on which schedule holds, ascending; each counts from its own beginning.
    parts: Vec<(u64, Schedule)>,
    /// What the factor is multiplied with.
    factors: Vec<ScheduleSequence>,
}

impl ScheduleSequence {
    /// A schedule that holds from the beginning.
    pub fn new(first: Schedule) -> ScheduleSequence {
        ScheduleSequence { parts: vec![(0, first)], factors: Vec::new() }
    }

    /// With another schedule from update `start` on, which counts updates from there.
    ///
    /// # Panics
    /// If `start` is not after the beginning of the schedule before.
    #[track_caller]
    pub fn then(mut self, start: u64, schedule: Schedule) -> ScheduleSequence {
        let before = self.parts.last().map_or(0, |part| part.0);
        assert!(start > before, "ScheduleSequence: a part from {start} cannot follow one from {before}");
        self.parts.push((start, schedule));
        self
    }

    /// Multiplied with another.
    pub fn times(mut self, other: ScheduleSequence) -> ScheduleSequence {
        self.factors.push(other);
        self
    }

    /// 1, multiplied by `factor` at each of `milestones`.
    pub fn multi_step(milestones: &[u64], factor: f64) -> ScheduleSequence {
        // A change at a milestone is a step of another schedule.
        milestones.iter().fold(ScheduleSequence::new(Schedule::Constant), |all, start| {
            if *start == 0 {
                return all.times(ScheduleSequence::scaled(factor));
            }
            all.times(ScheduleSequence {
                parts: vec![(0, Schedule::Constant), (*start, constant(factor))],
                factors: vec![],
            })
        })
    }

    /// Always `factor`.
    fn scaled(factor: f64) -> ScheduleSequence {
        ScheduleSequence { parts: vec![(0, constant(factor))], factors: Vec::new() }
    }

    /// The factor for an update when `step` updates have been made before it.
    pub fn factor(&self, step: u64) -> f64 {
        let part = self.parts.iter().rev().find(|(start, _)| *start <= step);
        let own = part.map_or(1.0, |(start, schedule)| schedule.factor(step - start));
        self.factors.iter().fold(own, |product, other| product * other.factor(step))
    }
}

/// A schedule that is always `factor`.
fn constant(factor: f64) -> Schedule {
    Schedule::Cosine { warm_up: 0, total: 0, last: factor }
}

/// A factor that falls when a metric has stopped to improve.
///
/// ```
/// use bolete_nn::ReduceOnPlateau;
/// let mut plateau = ReduceOnPlateau { patience: 1, ..ReduceOnPlateau::default() };
/// let factors: Vec<f64> = [1.0, 0.5, 0.5, 0.5, 0.5].map(|loss| plateau.observe(loss)).into();
/// assert_eq!(factors, [1.0, 1.0, 1.0, 0.1, 0.1]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReduceOnPlateau {
    /// What the factor is multiplied with.
    pub factor: f64,
    /// How many values in a row may be without improvement.
    pub patience: u64,
    /// By which part of the best value another must be better.
    pub threshold: f64,
    /// How many values after a reduction do not count.
    pub cooldown: u64,
    /// The smallest factor.
    pub smallest: f64,
    /// Whether larger values are better.
    pub maximise: bool,
    /// What has been seen.
    pub seen: PlateauState,
}

/// What a [`ReduceOnPlateau`] has seen; save it with a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlateauState {
    /// The best value, if there was one.
    pub best: Option<f64>,
    /// Values without improvement in a row.
    pub bad: u64,
    /// Values that are not to count.
    pub resting: u64,
    /// The factor now.
    pub factor: f64,
}

impl Default for ReduceOnPlateau {
    /// A tenth after more than 10 values that are not better by 10⁻⁴, smaller being better.
    fn default() -> ReduceOnPlateau {
        ReduceOnPlateau {
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            cooldown: 0,
            smallest: 0.0,
            maximise: false,
            seen: PlateauState { best: None, bad: 0, resting: 0, factor: 1.0 },
        }
    }
}

impl ReduceOnPlateau {
    /// Takes in a value and gives the factor from now on. NaN is no improvement.
    pub fn observe(&mut self, value: f64) -> f64 {
        let seen = &mut self.seen;
        let better = seen.best.is_none_or(|best| {
            let margin = best.abs() * self.threshold;
            if self.maximise { value > best + margin } else { value < best - margin }
        });
        if better && !value.is_nan() {
            seen.best = Some(value);
            seen.bad = 0;
        } else {
            seen.bad += 1;
        }
        if seen.resting > 0 {
            seen.resting -= 1;
            seen.bad = 0;
        }
        if seen.bad > self.patience {
            seen.factor = (seen.factor * self.factor).max(self.smallest);
            seen.resting = self.cooldown;
            seen.bad = 0;
        }
        seen.factor
    }
}
