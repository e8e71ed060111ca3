//! Curves over the threshold of a classifier.

use crate::numbers::{self, Numbers};
use crate::{Axes, Legend, Line, Reference};

/// The receiver operating characteristic of one or several classifiers: their names, scores (a higher one for the
/// positive class) and which examples are positive. The legend has the area under each curve.
///
/// # Panics
/// If a classifier has not as many scores as examples.
///
/// # Examples
/// ```
/// let axes = bolete_plot::roc(&[("model", [0.9, 0.8, 0.3, 0.2], [true, false, true, false])]);
/// assert!(bolete_plot::Figure::new(axes).svg().contains("model (area 0.75)"));
/// ```
#[track_caller]
pub fn roc<S: Numbers, P: AsRef<[bool]>>(classifiers: &[(&str, S, P)]) -> Axes {
    let mut axes = unit_square("ROC curve", "false positive rate", "true positive rate")
        .with(Reference::diagonal())
        .legend(Legend::LowerRight);
    for (name, scores, positive) in classifiers {
        let counts = counts(&scores.numbers(), positive.as_ref());
        let (all_true, all_false) = counts.last().copied().unwrap_or((0.0, 0.0));
        let x: Vec<f64> = counts.iter().map(|(_, wrong)| wrong / f64::max(all_false, 1.0)).collect();
        let y: Vec<f64> = counts.iter().map(|(right, _)| right / f64::max(all_true, 1.0)).collect();
        let area: f64 = (1..x.len()).map(|i| (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2.0).sum();
        axes.push(Line::new(&x, &y).label(format!("{name} (area {})", crate::number(area))));
    }
    axes
}

/// Precision over recall of one or several classifiers, given as for [`roc`]. The legend has the average precision,
/// Σ (Rᵢ − Rᵢ₋₁) Pᵢ.
///
/// # Panics
/// If a classifier has not as many scores as examples.
#[track_caller]
pub fn precision_recall<S: Numbers, P: AsRef<[bool]>>(classifiers: &[(&str, S, P)]) -> Axes {
    let mut axes = unit_square("Precision and recall", "recall", "precision");
    for (name, scores, positive) in classifiers {
        let counts = counts(&scores.numbers(), positive.as_ref());
        let all = counts.last().map_or(0.0, |(right, _)| *right).max(1.0);
        let (mut recall, mut precision) = (vec![0.0], vec![1.0]);
        let mut average = 0.0;
        for (right, wrong) in &counts[1..] {
            recall.push(right / all);
            precision.push(right / (right + wrong));
            average += (recall[recall.len() - 1] - recall[recall.len() - 2]) * precision[precision.len() - 1];
        }
        axes.push(Line::new(&recall, &precision).label(format!("{name} (AP {})", crate::number(average))));
    }
    axes
}

fn unit_square(title: &str, x: &str, y: &str) -> Axes {
    Axes::new(title).labels(x, y).x_range(-0.02, 1.02).y_range(-0.02, 1.02).area(270.0, 270.0)
}

/// True and false positives at every threshold, from the highest score down; examples of equal scores come together.
#[track_caller]
fn counts(scores: &[f64], positive: &[bool]) -> Vec<(f64, f64)> {
    numbers::same_length(["scores", "examples"], [scores.len(), positive.len()]);
    let mut order: Vec<usize> = (0..scores.len()).filter(|&index| !scores[index].is_nan()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut counts = vec![(0.0, 0.0)];
    for group in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let (mut right, mut wrong) = counts[counts.len() - 1];
        for &index in group {
            if positive[index] { right += 1.0 } else { wrong += 1.0 }
        }
        counts.push((right, wrong));
    }
    counts
}
