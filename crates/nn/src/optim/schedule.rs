//! Learning rates that change during training.

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
    /// Multiplied by `factor` after `every` updates, again and again.
    Step {
        /// Number of updates between two changes.
        every: u64,
        /// What the rate is multiplied by at each.
        factor: f64,
    },
}

impl Schedule {
    /// The factor for an update when `step` updates have been made before it.
    pub fn factor(&self, step: u64) -> f64 {
        match *self {
            Schedule::Constant => 1.0,
            Schedule::Cosine { warm_up, .. } if step < warm_up => (step + 1) as f64 / warm_up as f64,
            Schedule::Cosine { total, last, .. } if step >= total => last,
            Schedule::Cosine { warm_up, total, last } => {
                let progress = (step - warm_up) as f64 / (total - warm_up) as f64;
                last + (1.0 - last) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
            }
            Schedule::Step { every, factor } => factor.powf((step / every.max(1)) as f64),
        }
    }
}
