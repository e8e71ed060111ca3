//! Scores for yes or no at all thresholds at once: the ROC curve and the curve of precision and recall.

use bolete_tensor::Tensor;

use super::{Metric, numbers};

/// Scores with their truths. Exact curves need all scores: 9 bytes per item are kept.
///
/// ```
/// use bolete_train::{Metric, Ranking};
/// let mut ranking = Ranking::default();
/// ranking.add(0.9, true);
/// ranking.add(0.4, false);
/// ranking.add(0.3, true);
/// assert_eq!(ranking.value(), Some(0.5)); // one of two pairs is in order
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    scores: Vec<f64>,
    positive: Vec<bool>,
}

/// A point of the receiver operating characteristic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Scores from here on are taken for positive.
    pub threshold: f64,
    /// The part of the negatives taken for positive.
    pub false_positive_rate: f64,
    /// The part of the positives taken for positive: the recall.
    pub true_positive_rate: f64,
}

/// A point of the curve of precision and recall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Scores from here on are taken for positive.
    pub threshold: f64,
    /// The part of what is taken for positive that is.
    pub precision: f64,
    /// The part of the positives taken for positive.
    pub recall: f64,
}

impl Ranking {
    /// Takes in an item.
    ///
    /// # Panics
    /// If the score is NaN, which has no rank.
    #[track_caller]
    pub fn add(&mut self, score: f64, positive: bool) {
        assert!(!score.is_nan(), "Ranking: a score is NaN");
        self.scores.push(score);
        self.positive.push(positive);
    }

    /// Takes in a batch: scores, and truths that are 0 or not.
    ///
    /// # Panics
    /// If the numbers of elements differ or a score is NaN.
    #[track_caller]
    pub fn add_batch(&mut self, scores: &Tensor, positive: &Tensor) {
        assert!(
            scores.elements() == positive.elements(),
            "Ranking: scores {} and truths {} are not of one size",
            scores.shape(),
            positive.shape()
        );
        for (score, positive) in numbers(scores).into_iter().zip(numbers(positive)) {
            self.add(score, positive != 0.0);
        }
    }

    /// Number of items seen.
    pub fn total(&self) -> usize {
        self.scores.len()
    }

    /// Each score that occurs, highest first, with the positives and the negatives that have it or a higher one.
    fn thresholds(&self) -> Vec<(f64, f64, f64)> {
        let mut order: Vec<usize> = (0..self.scores.len()).collect();
        order.sort_by(|a, b| self.scores[*b].total_cmp(&self.scores[*a]));
        let mut found: Vec<(f64, f64, f64)> = Vec::new();
        let (mut positives, mut negatives) = (0.0, 0.0);
        for item in order {
            *(if self.positive[item] { &mut positives } else { &mut negatives }) += 1.0;
            let now = (self.scores[item], positives, negatives);
            match found.last_mut() {
                Some(last) if last.0 == now.0 => *last = now,
                _ => found.push(now),
            }
        }
        found
    }

    /// The receiver operating characteristic from (0, 0) to (1, 1), a point per score that occurs; empty where positives
    /// or negatives are missing.
    pub fn roc_curve(&self) -> Vec<RocPoint> {
        let thresholds = self.thresholds();
        let Some(&(_, positives, negatives)) = thresholds.last() else { return Vec::new() };
        if positives == 0.0 || negatives == 0.0 {
            return Vec::new();
        }
        let start = RocPoint { threshold: f64::INFINITY, false_positive_rate: 0.0, true_positive_rate: 0.0 };
        let point = |&(threshold, found, wrong): &(f64, f64, f64)| RocPoint {
            threshold,
            false_positive_rate: wrong / negatives,
            true_positive_rate: found / positives,
        };
        std::iter::once(start).chain(thresholds.iter().map(point)).collect()
    }

    /// The area under the ROC curve: the probability that a positive scores higher than a negative, ties counting half.
    pub fn roc_auc(&self) -> Option<f64> {
        let curve = self.roc_curve();
        let area = |pair: &[RocPoint]| {
            let width = pair[1].false_positive_rate - pair[0].false_positive_rate;
            width * (pair[0].true_positive_rate + pair[1].true_positive_rate) / 2.0
        };
        (!curve.is_empty()).then(|| curve.windows(2).map(area).sum())
    }

    /// Precision and recall, a point per score that occurs, highest threshold first; empty without positives.
    pub fn precision_recall_curve(&self) -> Vec<PrecisionRecallPoint> {
        let thresholds = self.thresholds();
        let positives = thresholds.last().map_or(0.0, |last| last.1);
        if positives == 0.0 {
            return Vec::new();
        }
        let point = |&(threshold, found, wrong): &(f64, f64, f64)| PrecisionRecallPoint {
            threshold,
            precision: found / (found + wrong),
            recall: found / positives,
        };
        thresholds.iter().map(point).collect()
    }

    /// The average precision Σ (Rₙ − Rₙ₋₁) Pₙ: the area under the curve of precision and recall without interpolation.
    pub fn average_precision(&self) -> Option<f64> {
        let curve = self.precision_recall_curve();
        let mut before = 0.0;
        let steps = curve.iter().map(|point| {
            let step = (point.recall - before) * point.precision;
            before = point.recall;
            step
        });
        (!curve.is_empty()).then(|| steps.sum())
    }

    /// The threshold with the highest F1, and that F1.
    pub fn best_f1(&self) -> Option<(f64, f64)> {
        let f1 = |point: &PrecisionRecallPoint| {
            let sum = point.precision + point.recall;
            if sum == 0.0 { 0.0 } else { 2.0 * point.precision * point.recall / sum }
        };
        let points = self.precision_recall_curve();
        points.iter().map(|point| (point.threshold, f1(point))).max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

impl Metric for Ranking {
    fn merge(&mut self, other: &Ranking) {
        self.scores.extend(&other.scores);
        self.positive.extend(&other.positive);
    }

    /// The [`roc_auc`](Ranking::roc_auc).
    fn value(&self) -> Option<f64> {
        self.roc_auc()
    }
}
