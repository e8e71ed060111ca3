//! Every class equally often, however many items it has.

use super::stratified::{by_class, hash_classes};
use super::{Sampler, check_len};
use crate::{DataError, Fingerprint, Randomness};

/// Sets the streams of this sampler apart from all others of the same seed.
const BALANCED: u64 = u64::from_be_bytes(*b"BALANCED");

/// Every class equally often: the order is made of rounds in which each class comes once. The items of a class are
/// shuffled and gone through, again and again where the class is small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassBalanced {
    labels: usize,
    count: usize,
    classes: Vec<Vec<usize>>,
}

impl ClassBalanced {
    /// For a data set whose item `i` has the class `labels[i]`; an epoch visits as many items as there are labels.
    pub fn new(labels: &[i64]) -> Self {
        Self { labels: labels.len(), count: labels.len(), classes: by_class(labels) }
    }

    /// The same with `count` items per epoch; none where there are no labels.
    pub fn with_count(self, count: usize) -> Self {
        Self { count: if self.labels == 0 { 0 } else { count }, ..self }
    }
}

impl Sampler for ClassBalanced {
    fn count(&self, _len: usize) -> usize {
        self.count
    }

    fn order(&self, _len: usize, seed: u64, epoch: u64) -> Vec<usize> {
        let mut randomness = Randomness::keyed(&[BALANCED, seed, epoch]);
        let mut classes = self.classes.clone();
        let mut rounds: Vec<usize> = (0..classes.len()).collect();
        let mut order = Vec::with_capacity(self.count);
        for round in 0..self.count.div_ceil(rounds.len().max(1)) {
            randomness.shuffle(&mut rounds);
            for &class in rounds.iter().take(self.count - order.len()) {
                let items = &mut classes[class];
                let place = round % items.len();
                if place == 0 {
                    randomness.shuffle(items);
                }
                order.push(items[place]);
            }
        }
        order
    }

    fn check(&self, len: usize) -> Result<(), DataError> {
        check_len("labels", self.labels, len)
    }

    fn fingerprint(&self) -> u64 {
        hash_classes(Fingerprint::new("class balanced"), &self.classes).number(self.count as u64).finish()
    }
}
