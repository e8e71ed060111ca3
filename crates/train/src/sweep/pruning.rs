//! When a trial is not worth going on with.

use serde::{Deserialize, Serialize};

use super::Goal;

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Pruning {
    /// Every trial runs to its end.
    Never,
    /// A trial ends when its best value so far is worse than the median of what the others had at the same step.
    Median {
        /// Complete trials that are needed before any is pruned.
        start_up: usize,
        /// Reports of a trial that are not looked at.
        warm_up: usize,
    },
    /// Successive halving: at reports 1, η, η², … a trial goes on only if it is among the best 1/η of those that got
    /// there (Li et al. 2020).
    Halving {
        /// η, at least 2.
        factor: usize,
    },
}

impl Default for Pruning {
    /// The median, after five trials and one report.
    fn default() -> Pruning {
        Pruning::Median { start_up: 5, warm_up: 1 }
    }
}

impl Pruning {
    /// Whether the trial with these values, one per report, should end. `others` are the values of the other trials;
    /// those that are `complete` are told apart.
    pub(super) fn should_end(&self, goal: Goal, own: &[f64], others: &[(&[f64], bool)]) -> bool {
        let better = |a: f64, b: f64| match goal {
            Goal::Lowest => a < b,
            Goal::Highest => a > b,
        };
        let best = |values: &[f64]| {
            values
                .iter()
                .copied()
                .filter(|value| !value.is_nan())
                .reduce(|a, b| if better(b, a) { b } else { a })
        };
        let Some(last) = own.last() else { return false };
        if last.is_nan() {
            return !matches!(self, Pruning::Never);
        }
        match *self {
            Pruning::Never => false,
            Pruning::Median { start_up, warm_up } => {
                let complete = others.iter().filter(|(_, complete)| *complete);
                if own.len() <= warm_up || complete.clone().count() < start_up {
                    return false;
                }
                let mut there: Vec<f64> = complete
                    .filter_map(|(values, _)| values.get(own.len() - 1).copied())
                    .filter(|value| !value.is_nan())
                    .collect();
                if there.is_empty() {
                    return false;
                }
                there.sort_by(f64::total_cmp);
                let middle = there.len() / 2;
                let median = if there.len() % 2 == 1 {
                    there[middle]
                } else {
                    (there[middle - 1] + there[middle]) / 2.0
                };
                best(own).is_some_and(|best| better(median, best))
            }
            Pruning::Halving { factor } => {
                let factor = factor.max(2);
                let is_rung = std::iter::successors(Some(1usize), |rung| rung.checked_mul(factor))
                    .take_while(|rung| *rung <= own.len())
                    .any(|rung| rung == own.len());
                if !is_rung {
                    return false;
                }
                let there = others.iter().filter_map(|(values, _)| best(values.get(..own.len())?));
                let (mut count, mut before) = (1usize, 0usize);
                let own = best(own).unwrap_or(*last);
                for value in there {
                    count += 1;
                    before += usize::from(better(value, own));
                }
                before >= count.div_ceil(factor)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_same_report() {
        let rule = Pruning::Median { start_up: 2, warm_up: 1 };
        let others: Vec<(&[f64], bool)> =
            vec![(&[9.0, 5.0], true), (&[8.0, 3.0], true), (&[7.0, 4.0, 1.0], true), (&[0.0, 0.0], false)];
        // The median of 5, 3, 4 is 4; running trials do not count.
        assert!(!rule.should_end(Goal::Lowest, &[100.0], &others), "warm-up");
        assert!(rule.should_end(Goal::Lowest, &[100.0, 4.5], &others));
        assert!(!rule.should_end(Goal::Lowest, &[100.0, 3.5], &others));
        assert!(!rule.should_end(Goal::Lowest, &[3.5, 9.0], &others), "its best counts, not its last");
        assert!(rule.should_end(Goal::Highest, &[0.0, 3.5], &others));
        assert!(!rule.should_end(Goal::Lowest, &[100.0, 9.0], &others[..1]), "too few trials");
        assert!(rule.should_end(Goal::Lowest, &[f64::NAN], &others));
    }

    #[test]
    fn halving_lets_the_best_part_go_on() {
        let rule = Pruning::Halving { factor: 2 };
        let others: Vec<(&[f64], bool)> = vec![(&[1.0], false), (&[2.0], false), (&[3.0], false)];
        assert!(!rule.should_end(Goal::Lowest, &[1.5], &others));
        assert!(rule.should_end(Goal::Lowest, &[2.5], &others));
        assert!(!rule.should_end(Goal::Lowest, &[9.0, 9.0, 9.0], &others), "3 is no rung");
    }
}
