//! The values at which contours are drawn.

use crate::numbers::logspace;
use crate::ticks;

/// At which values contours lie.
#[derive(Clone, Debug, PartialEq)]
pub enum Levels {
    /// About so many, at round values.
    Linear(usize),
    /// So many, each the same multiple of the one before, from the lowest value above 0 to the highest.
    Logarithmic(usize),
    /// These, in ascending order.
    At(Vec<f64>),
}

impl Levels {
    /// The levels for values; `around` adds one below the lowest and one above the highest value, so that everything
    /// lies between two levels.
    pub(crate) fn of(&self, values: &[f64], around: bool) -> Vec<f64> {
        let usable =
            |value: &f64| value.is_finite() && (*value > 0.0 || !matches!(self, Self::Logarithmic(_)));
        let used: Vec<f64> = values.iter().copied().filter(usable).collect();
        if used.is_empty() {
            return Vec::new();
        }
        let (low, high) = super::scatter::value_range(&used);
        let mut levels = match self {
            Self::Linear(count) => {
                let ticks = ticks::linear(low, high, *count);
                let mut levels: Vec<f64> = ticks.into_iter().map(|tick| tick.value).collect();
                if around && let [first, second, ..] = levels[..] {
                    let (step, last) = (second - first, levels[levels.len() - 1]);
                    if first > low {
                        levels.insert(0, first - step);
                    }
                    if last < high {
                        levels.push(last + step);
                    }
                }
                levels
            }
            Self::Logarithmic(count) => {
                // Values near 0 would take most of the levels.
                let low = low.max(high * 1e-9);
                let count = (*count).max(2);
                if around {
                    logspace(low, high, count)
                } else {
                    logspace(low, high, count + 2)[1..=count].to_vec()
                }
            }
            Self::At(levels) => levels.iter().copied().filter(|level| level.is_finite()).collect(),
        };
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        if around && levels.len() < 2 {
            levels = vec![low, high];
        }
        levels
    }
}
