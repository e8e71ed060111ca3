//! What mattered: how far each key explains the values, and in which direction.

use super::{Domain, Outcome, Study};

/// Parts into which the range of a number is cut.
const PARTS: usize = 8;

/// For each key the part of the variance of the values that its own value explains: the variance between the means of
/// up to eight groups of trials with nearby values, over the whole (the correlation ratio η², less what groups of that
/// size show by chance), at least 0. Keys that act only together with others are underrated.
pub fn importance(study: &Study) -> Vec<(String, f64)> {
    let trials: Vec<_> = study.trials().iter().filter(|trial| trial.outcome == Outcome::Complete).collect();
    let values: Vec<f64> = trials.iter().filter_map(|trial| trial.value).collect();
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let total: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let of_key = |(index, space): (usize, &super::Space)| {
        let mut order: Vec<usize> = (0..trials.len()).collect();
        order.sort_by(|a, b| trials[*a].places[index].total_cmp(&trials[*b].places[index]));
        let group = |rank: usize, trial: usize| match &space.domain {
            Domain::Choice { .. } => trials[trial].places[index].round() as usize,
            _ => rank * PARTS.min(trials.len() / 2).max(1) / trials.len().max(1),
        };
        let mut groups = std::collections::BTreeMap::<usize, (f64, f64)>::new();
        for (rank, trial) in order.into_iter().enumerate() {
            let sum = groups.entry(group(rank, trial)).or_default();
            sum.0 += values[trial];
            sum.1 += 1.0;
        }
        let between: f64 = groups.values().map(|(sum, count)| count * (sum / count - mean).powi(2)).sum();
        let (count, parts) = (values.len() as f64, groups.len() as f64);
        // ε²: what is left of η² when the share of pure chance is taken away (Kelley 1935).
        let explained = if total > 0.0 && count > parts {
            1.0 - (total - between) / total * (count - 1.0) / (count - parts)
        } else {
            0.0
        };
        (space.key.clone(), explained.clamp(0.0, 1.0))
    };
    study.config().spaces.iter().enumerate().map(of_key).collect()
}

/// For each key the rank correlation (Spearman) of its value with what the trial gave; none for choices, and where there
/// are fewer than three trials.
pub fn correlation(study: &Study) -> Vec<(String, Option<f64>)> {
    let trials: Vec<_> = study.trials().iter().filter(|trial| trial.outcome == Outcome::Complete).collect();
    let values: Vec<f64> = trials.iter().filter_map(|trial| trial.value).collect();
    let of_key = |(index, space): (usize, &super::Space)| {
        let places: Vec<f64> = trials.iter().map(|trial| trial.places[index]).collect();
        let known = !matches!(space.domain, Domain::Choice { .. }) && trials.len() > 2;
        (space.key.clone(), known.then(|| pearson(&ranks(&places), &ranks(&values))).flatten())
    };
    study.config().spaces.iter().enumerate().map(of_key).collect()
}

/// Ranks, equal values sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .map(|value| {
            let below = values.iter().filter(|other| *other < value).count();
            let equal = values.iter().filter(|other| *other == value).count();
            below as f64 + (equal as f64 - 1.0) / 2.0
        })
        .collect()
}

fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |x: &[f64], mean_x: f64, y: &[f64], mean_y: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum()
    };
    let spread = (product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b)).sqrt();
    (spread > 0.0).then(|| product(a, mean_a, b, mean_b) / spread)
}
