//! The values at which contours are drawn.

use crate::ticks;

/// At which values contours lie.
#[derive(Clone, Debug, PartialEq)]
pub enum Levels {
    /// About so many, at round values.
    Linear(usize),
    /// About so many, at round values that grow from decade to decade.
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
            // Values near 0 would take most of the levels.
            Self::Logarithmic(count) => round_levels(low.max(high * 1e-12), high, *count, around),
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

/// Levels at the same digits in every decade (or one in every few decades), about `count` between `low` and `high`.
fn round_levels(low: f64, high: f64, count: usize, around: bool) -> Vec<f64> {
    const DIGITS: [&[f64]; 6] = [
        &[1.0],
        &[1.0, 3.0],
        &[1.0, 2.0, 5.0],
        &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
        &[1.0, 1.2, 1.5, 1.7, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        &[1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.2, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0],
    ];
    let decades = (high / low).log10();
    let (first, last) = (low.log10().floor() as i32 - 1, high.log10().ceil() as i32 + 1);
    let per_decade = count as f64 / decades.max(1e-3);
    let fits = |digits: &&&[f64]| digits.len() as f64 <= per_decade * 1.4;
    let digits = DIGITS.iter().rev().find(fits).unwrap_or(&DIGITS[0]);
    let every = if per_decade < 0.8 { (1.0 / per_decade).round().max(1.0) as i32 } else { 1 };
    let all: Vec<f64> = (first - every..=last + every)
        .filter(|power| power.rem_euclid(every) == 0)
        .flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power)))
        .collect();
    let inside = |level: &f64| *level > low && *level < high;
    let mut levels: Vec<f64> = all.iter().copied().filter(inside).collect();
    if around {
        levels.extend(all.iter().rev().find(|level| **level <= low));
        levels.extend(all.iter().find(|level| **level >= high));
    }
    levels
}
