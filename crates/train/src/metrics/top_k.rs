//! Whether the true class is among the best few.

use bolete_tensor::Tensor;

use super::{Metric, classes, numbers, part};

/// How often the true class had one of the `k` highest scores.
///
/// ```
/// use bolete_tensor::Tensor;
/// use bolete_train::{Metric, TopK};
/// let mut top = TopK::new(2);
/// top.add_batch(&Tensor::from([[0.1f32, 0.7, 0.2], [0.5, 0.4, 0.1]]), &Tensor::from([2i64, 2]));
/// assert_eq!(top.value(), Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK {
    k: usize,
    hits: u64,
    total: u64,
}

impl TopK {
    /// Nothing seen yet.
    pub fn new(k: usize) -> TopK {
        TopK { k, hits: 0, total: 0 }
    }

    /// Takes in a batch of scores `[n, classes]` and labels `[n]`. Of equal scores that of the lower class counts as
    /// higher; a NaN as the true class's score is no hit.
    ///
    /// # Panics
    /// If the shapes do not go together or a label is not a class.
    #[track_caller]
    pub fn add_batch(&mut self, scores: &Tensor, labels: &Tensor) {
        assert!(
            scores.rank() == 2 && scores.shape()[0] == labels.elements(),
            "TopK: scores {} and labels {} do not go together; expected [n, classes] and [n]",
            scores.shape(),
            labels.shape()
        );
        let count = scores.shape()[1];
        let values = numbers(scores);
        for (row, label) in classes("TopK", labels).into_iter().enumerate() {
            assert!(label < count, "TopK: label {label}, but there are {count} classes");
            let row = &values[row * count..(row + 1) * count];
            let own = row[label];
            let better = row.iter().enumerate().filter(|(class, score)| {
                **score > own || score.is_nan() || (**score == own && *class < label)
            });
            self.hits += u64::from(!own.is_nan() && better.count() < self.k);
            self.total += 1;
        }
    }
}

impl Metric for TopK {
    #[track_caller]
    fn merge(&mut self, other: &TopK) {
        assert!(self.k == other.k, "TopK: the best {} and the best {} do not merge", self.k, other.k);
        self.hits += other.hits;
        self.total += other.total;
    }

    /// The part of the items whose class was among the best `k`.
    fn value(&self) -> Option<f64> {
        part(self.hits, self.total)
    }
}
