//! Which class was taken for which, and all that follows from it: accuracy, precision, recall, F1, mIoU, agreement.

use std::fmt;

use bolete_tensor::Tensor;

use super::{Mean, Metric, classes, part};

/// How numbers per class become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Averaging {
    /// All items alike.
    Micro,
    /// All classes alike.
    Macro,
    /// Classes by the number of their items.
    Weighted,
}

/// How often each class was taken for which: counts `[actual, predicted]`.
///
/// ```
/// use bolete_train::Confusion;
/// let mut confusion = Confusion::new(2);
/// confusion.add(0, 0);
/// confusion.add(1, 0);
/// confusion.add(1, 1);
/// assert_eq!(confusion.accuracy(), Some(2.0 / 3.0));
/// assert_eq!(confusion.recall(1), Some(0.5));
/// assert_eq!(confusion.precision(1), Some(1.0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

impl Confusion {
    /// Nothing seen yet of this many classes.
    pub fn new(classes: usize) -> Confusion {
        Confusion { classes, counts: vec![0; classes * classes] }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Takes in one item.
    ///
    /// # Panics
    /// If a class is not below [`classes`](Confusion::classes).
    #[track_caller]
    pub fn add(&mut self, actual: usize, predicted: usize) {
        assert!(
            actual < self.classes && predicted < self.classes,
            "Confusion: class {actual} taken for {predicted}, but there are {} classes",
            self.classes
        );
        self.counts[actual * self.classes + predicted] += 1;
    }

    /// Takes in a batch: class numbers of one shape.
    ///
    /// # Panics
    /// If the numbers of elements differ or one is not a class.
    #[track_caller]
    pub fn add_batch(&mut self, actual: &Tensor, predicted: &Tensor) {
        assert!(
            actual.elements() == predicted.elements(),
            "Confusion: actual classes {} and predicted classes {} are not of one size",
            actual.shape(),
            predicted.shape()
        );
        for (actual, predicted) in
            classes("Confusion", actual).into_iter().zip(classes("Confusion", predicted))
        {
            self.add(actual, predicted);
        }
    }

    /// How often `actual` was taken for `predicted`.
    pub fn count(&self, actual: usize, predicted: usize) -> u64 {
        self.counts[actual * self.classes + predicted]
    }

    /// Number of items seen.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Number of items whose class was found.
    pub fn correct(&self) -> u64 {
        (0..self.classes).map(|class| self.count(class, class)).sum()
    }

    /// The part of the items whose class was found, or `None` of nothing.
    pub fn accuracy(&self) -> Option<f64> {
        part(self.correct(), self.total())
    }

    /// Items of a class.
    fn actual(&self, class: usize) -> u64 {
        (0..self.classes).map(|predicted| self.count(class, predicted)).sum()
    }

    /// Items taken for a class.
    fn predicted(&self, class: usize) -> u64 {
        (0..self.classes).map(|actual| self.count(actual, class)).sum()
    }

    /// The part of a class that was found, or `None` where the class was never seen.
    pub fn recall(&self, class: usize) -> Option<f64> {
        part(self.count(class, class), self.actual(class))
    }

    /// The part of what was taken for a class that is of it, or `None` where nothing was taken for it.
    pub fn precision(&self, class: usize) -> Option<f64> {
        part(self.count(class, class), self.predicted(class))
    }

    /// The harmonic mean of precision and recall, which for masks is the coefficient of Dice; `None` where the class was
    /// neither seen nor predicted.
    pub fn f1(&self, class: usize) -> Option<f64> {
        part(2 * self.count(class, class), self.actual(class) + self.predicted(class))
    }

    /// Intersection over union of what is of a class and what was taken for it, the index of Jaccard; `None` where the
    /// class was neither seen nor predicted.
    pub fn intersection_over_union(&self, class: usize) -> Option<f64> {
        let hits = self.count(class, class);
        part(hits, self.actual(class) + self.predicted(class) - hits)
    }

    /// Recalls of the classes averaged. A class that was predicted but never seen counts as 0.
    pub fn mean_recall(&self, averaging: Averaging) -> Option<f64> {
        self.average(averaging, |class| self.recall(class))
    }

    /// Precisions of the classes averaged. A class that was seen but never predicted counts as 0.
    pub fn mean_precision(&self, averaging: Averaging) -> Option<f64> {
        self.average(averaging, |class| self.precision(class))
    }

    /// F1 of the classes averaged.
    pub fn mean_f1(&self, averaging: Averaging) -> Option<f64> {
        self.average(averaging, |class| self.f1(class))
    }

    /// The mean over classes of [`intersection_over_union`](Confusion::intersection_over_union), mIoU, classes that
    /// occur nowhere left out.
    pub fn mean_intersection_over_union(&self) -> Option<f64> {
        self.average(Averaging::Macro, |class| self.intersection_over_union(class))
    }

    /// Accuracy of which each class is an equal part: the mean recall.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let mut mean = Mean::default();
        (0..self.classes).filter_map(|class| self.recall(class)).for_each(|recall| mean.add(recall, 1.0));
        mean.value()
    }

    /// The agreement beyond chance (Cohen 1960): 1 for perfect, 0 for that of independent guesses. `None` of nothing and
    /// where there is but one class.
    pub fn cohen_kappa(&self) -> Option<f64> {
        let total = self.total() as f64;
        let chance: f64 = (0..self.classes)
            .map(|class| self.actual(class) as f64 / total * (self.predicted(class) as f64 / total))
            .sum();
        (chance < 1.0).then(|| self.accuracy().map(|accuracy| (accuracy - chance) / (1.0 - chance))).flatten()
    }

    /// The correlation of actual and predicted classes (Matthews 1975, Gorodkin 2004), from −1 to 1; 0 where one of them
    /// is constant.
    pub fn matthews_correlation(&self) -> Option<f64> {
        let total = self.total() as f64;
        if total == 0.0 {
            return None;
        }
        let sum = |left: fn(&Confusion, usize) -> u64, right: fn(&Confusion, usize) -> u64| -> f64 {
            (0..self.classes).map(|class| left(self, class) as f64 * right(self, class) as f64).sum()
        };
        let shared = self.correct() as f64 * total - sum(Confusion::actual, Confusion::predicted);
        let actual = total * total - sum(Confusion::actual, Confusion::actual);
        let predicted = total * total - sum(Confusion::predicted, Confusion::predicted);
        let scale = (actual * predicted).sqrt();
        Some(if scale == 0.0 { 0.0 } else { shared / scale })
    }

    /// A number per class averaged; classes that occur nowhere are left out, and one that has no number counts as 0.
    fn average(&self, averaging: Averaging, of: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        if let Averaging::Micro = averaging {
            // With one prediction per item all of them are the accuracy.
            return self.accuracy();
        }
        let mut mean = Mean::default();
        for class in 0..self.classes {
            let actual = self.actual(class);
            if actual + self.predicted(class) > 0 {
                let weight = if averaging == Averaging::Macro { 1.0 } else { actual as f64 };
                mean.add(of(class).unwrap_or(0.0), weight);
            }
        }
        mean.value()
    }

    /// The most frequent mistakes, most frequent first: actual class, predicted class and how often.
    pub fn mistakes(&self) -> Vec<(usize, usize, u64)> {
        let mut mistakes: Vec<_> = (0..self.classes)
            .flat_map(|actual| (0..self.classes).map(move |predicted| (actual, predicted)))
            .filter(|(actual, predicted)| actual != predicted)
            .map(|(actual, predicted)| (actual, predicted, self.count(actual, predicted)))
            .filter(|mistake| mistake.2 > 0)
            .collect();
        mistakes.sort_by_key(|mistake| std::cmp::Reverse(mistake.2));
        mistakes
    }
}

impl Metric for Confusion {
    #[track_caller]
    fn merge(&mut self, other: &Confusion) {
        assert!(
            self.classes == other.classes,
            "Confusion: {} and {} classes do not merge",
            self.classes,
            other.classes
        );
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// The [`accuracy`](Confusion::accuracy).
    fn value(&self) -> Option<f64> {
        self.accuracy()
    }
}

impl fmt::Display for Confusion {
    /// A table with a row per actual class, a column per predicted one, and the recall of each class. Zeros are dots.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.counts.iter().max().map_or(1, |count| count.to_string().len());
        let width = widest.max(self.classes.to_string().len()) + 1;
        write!(formatter, "actual  ")?;
        for class in 0..self.classes {
            write!(formatter, "{class:>width$}")?;
        }
        writeln!(formatter, "   found")?;
        for actual in 0..self.classes {
            write!(formatter, "{actual:>6}  ")?;
            for predicted in 0..self.classes {
                match self.count(actual, predicted) {
                    0 => write!(formatter, "{:>width$}", "·")?,
                    count => write!(formatter, "{count:>width$}")?,
                }
            }
            match self.recall(actual) {
                Some(recall) => writeln!(formatter, "{:>7.2} %", 100.0 * recall)?,
                None => writeln!(formatter, "{:>7}", "-")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_merge_to_the_whole() {
        let pairs = [(0, 0), (1, 2), (2, 2), (2, 1), (1, 1), (1, 2)];
        let seen = |pairs: &[(usize, usize)]| {
            let mut confusion = Confusion::new(3);
            pairs.iter().for_each(|&(actual, predicted)| confusion.add(actual, predicted));
            confusion
        };
        let mut merged = seen(&pairs[..2]);
        merged.merge(&seen(&pairs[2..]));
        assert_eq!(merged, seen(&pairs));
        assert_eq!((merged.total(), merged.correct()), (6, 3));
        assert_eq!(merged.mistakes(), [(1, 2, 2), (2, 1, 1)]);
    }

    #[test]
    fn nothing_has_no_accuracy() {
        let empty = Confusion::new(2);
        assert_eq!((empty.accuracy(), empty.recall(0), empty.precision(1)), (None, None, None));
        assert_eq!(
            (empty.balanced_accuracy(), empty.cohen_kappa(), empty.matthews_correlation()),
            (None, None, None)
        );
        assert_eq!((empty.mean_f1(Averaging::Macro), empty.mean_intersection_over_union()), (None, None));
        assert!(empty.to_string().contains('-'));
    }
}
