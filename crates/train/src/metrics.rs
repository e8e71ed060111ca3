//! Metrics as accumulators: fed batch by batch, merged across parts, read at any time.

use std::fmt;

/// A mean of numbers with weights, such as a loss over batches of different sizes.
///
/// ```
/// use bolete_train::Mean;
/// let mut loss = Mean::default();
/// loss.add(0.5, 64.0);
/// loss.add(1.0, 32.0);
/// assert_eq!(loss.value(), Some(64.0 / 96.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    /// Takes in a number that stands for `weight` others, such as the mean of a batch of that many.
    pub fn add(&mut self, value: f64, weight: f64) {
        self.sum += value * weight;
        self.weight += weight;
    }

    /// Takes in all that another mean has seen.
    pub fn merge(&mut self, other: &Mean) {
        self.sum += other.sum;
        self.weight += other.weight;
    }

    /// The mean, or `None` of nothing.
    pub fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
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

    /// Takes in all that another matrix has seen.
    ///
    /// # Panics
    /// If the numbers of classes differ.
    #[track_caller]
    pub fn merge(&mut self, other: &Confusion) {
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

    /// The part of a class that was found, or `None` where the class was never seen.
    pub fn recall(&self, class: usize) -> Option<f64> {
        part(self.count(class, class), (0..self.classes).map(|predicted| self.count(class, predicted)).sum())
    }

    /// The part of what was taken for a class that is of it, or `None` where nothing was taken for it.
    pub fn precision(&self, class: usize) -> Option<f64> {
        part(self.count(class, class), (0..self.classes).map(|actual| self.count(actual, class)).sum())
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

fn part(some: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| some as f64 / all as f64)
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

        let (mut first, mut second) = (Mean::default(), Mean::default());
        first.add(1.0, 2.0);
        second.add(4.0, 1.0);
        first.merge(&second);
        assert_eq!(first.value(), Some(2.0));
    }

    #[test]
    fn nothing_has_no_mean_and_no_accuracy() {
        assert_eq!(Mean::default().value(), None);
        let empty = Confusion::new(2);
        assert_eq!((empty.accuracy(), empty.recall(0), empty.precision(1)), (None, None, None));
        assert!(empty.to_string().contains('-'));
    }
}
