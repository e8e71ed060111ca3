//! Means, and what is a function of a mean.

use super::Metric;

/// A mean of numbers with weights, such as a loss over batches of different sizes.
///
/// ```
/// use bolete_train::{Mean, Metric};
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
}

impl Metric for Mean {
    fn merge(&mut self, other: &Mean) {
        self.sum += other.sum;
        self.weight += other.weight;
    }

    /// The mean.
    fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// The exponential of the mean information per token: among how many equally likely tokens a language model is undecided.
///
/// ```
/// use bolete_train::{Metric, Perplexity};
/// let mut perplexity = Perplexity::default();
/// perplexity.add(8f64.ln(), 100.0);
/// assert!((perplexity.value().unwrap() - 8.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Perplexity(Mean);

impl Perplexity {
    /// Takes in the mean cross-entropy of `tokens` tokens, in nats.
    pub fn add(&mut self, cross_entropy: f64, tokens: f64) {
        self.0.add(cross_entropy, tokens);
    }
}

impl Metric for Perplexity {
    fn merge(&mut self, other: &Perplexity) {
        self.0.merge(&other.0);
    }

    /// The perplexity, at least 1.
    fn value(&self) -> Option<f64> {
        self.0.value().map(f64::exp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_merge_to_the_whole() {
        let (mut first, mut second) = (Mean::default(), Mean::default());
        first.add(1.0, 2.0);
        second.add(4.0, 1.0);
        first.merge(&second);
        assert_eq!(first.value(), Some(2.0));
        assert_eq!(Mean::default().value(), None);
        assert_eq!(Perplexity::default().value(), None);
    }
}
