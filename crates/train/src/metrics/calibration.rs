//! Whether a network is as sure as it is right (Guo et al. 2017).

use bolete_tensor::Tensor;

use super::{Metric, classes, numbers};

/// Confidences and hits in bins of equal width over [0, 1].
///
/// ```
/// use bolete_train::{Calibration, Metric};
/// let mut calibration = Calibration::new(10);
/// (0..10).for_each(|item| calibration.add(0.85, item < 6));
/// assert!((calibration.value().unwrap() - 0.25).abs() < 1e-12); // sure of 85 %, right in 60 %
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    bins: Vec<Bin>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    count: u64,
    hits: u64,
    confidence: f64,
}

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// Confidences above this and up to the next bin's fall into the bin.
    pub lower: f64,
    /// Items in it.
    pub count: u64,
    /// Their mean confidence; the bin's middle where there are none.
    pub confidence: f64,
    /// The part of them that was right; 0 where there are none.
    pub accuracy: f64,
}

impl Calibration {
    /// Nothing seen yet.
    ///
    /// # Panics
    /// If there are no bins.
    #[track_caller]
    pub fn new(bins: usize) -> Calibration {
        assert!(bins > 0, "Calibration: at least one bin is needed");
        Calibration { bins: vec![Bin::default(); bins] }
    }

    /// Takes in a prediction: how sure it was, and whether it was right.
    ///
    /// # Panics
    /// If the confidence is not in [0, 1].
    #[track_caller]
    pub fn add(&mut self, confidence: f64, correct: bool) {
        // Probabilities from a softmax in f32 overshoot by a rounding.
        assert!(
            (-1e-6..=1.0 + 1e-6).contains(&confidence),
            "Calibration: a confidence must be in [0, 1], but it is {confidence}"
        );
        // A bin holds its upper end and not its lower one.
        let place = (confidence * self.bins.len() as f64).ceil() - 1.0;
        let last = self.bins.len() - 1;
        let bin = &mut self.bins[(place.max(0.0) as usize).min(last)];
        bin.count += 1;
        bin.hits += u64::from(correct);
        bin.confidence += confidence;
    }

    /// Takes in a batch of probabilities `[n, classes]` and the labels `[n]`: the confidence is the largest probability.
    ///
    /// # Panics
    /// If the shapes do not go together or the numbers are no probabilities.
    #[track_caller]
    pub fn add_batch(&mut self, probabilities: &Tensor, labels: &Tensor) {
        assert!(
            probabilities.rank() == 2 && probabilities.shape()[0] == labels.elements(),
            "Calibration: probabilities {} and labels {} do not go together; expected [n, classes] and [n]",
            probabilities.shape(),
            labels.shape()
        );
        let confidences = numbers(&probabilities.max(1));
        let predicted = classes("Calibration", &probabilities.argmax(1));
        let labels = classes("Calibration", labels);
        for ((confidence, predicted), label) in confidences.into_iter().zip(predicted).zip(labels) {
            self.add(confidence, predicted == label);
        }
    }

    /// The bins of a reliability diagram, least confident first.
    pub fn bins(&self) -> Vec<CalibrationBin> {
        let width = 1.0 / self.bins.len() as f64;
        let bin = |(index, bin): (usize, &Bin)| {
            let (lower, count) = (index as f64 * width, bin.count as f64);
            let seen = bin.count > 0;
            CalibrationBin {
                lower,
                count: bin.count,
                confidence: if seen { bin.confidence / count } else { lower + width / 2.0 },
                accuracy: if seen { bin.hits as f64 / count } else { 0.0 },
            }
        };
        self.bins.iter().enumerate().map(bin).collect()
    }

    /// The expected calibration error: the mean over items of how far their bin's accuracy is from its confidence.
    pub fn expected_error(&self) -> Option<f64> {
        let total: u64 = self.bins.iter().map(|bin| bin.count).sum();
        let gap = |bin: &Bin| (bin.hits as f64 - bin.confidence).abs();
        (total > 0).then(|| self.bins.iter().map(gap).sum::<f64>() / total as f64)
    }

    /// The largest of those distances.
    pub fn maximum_error(&self) -> Option<f64> {
        let gap = |bin: &Bin| (bin.hits as f64 - bin.confidence).abs() / bin.count as f64;
        self.bins.iter().filter(|bin| bin.count > 0).map(gap).max_by(f64::total_cmp)
    }
}

impl Metric for Calibration {
    #[track_caller]
    fn merge(&mut self, other: &Calibration) {
        assert!(
            self.bins.len() == other.bins.len(),
            "Calibration: {} and {} bins do not merge",
            self.bins.len(),
            other.bins.len()
        );
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.count += more.count;
            bin.hits += more.hits;
            bin.confidence += more.confidence;
        }
    }

    /// The [`expected_error`](Calibration::expected_error).
    fn value(&self) -> Option<f64> {
        self.expected_error()
    }
}
