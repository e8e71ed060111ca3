//! Every item once, each batch with the classes in proportion.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Sampler, check_len};
use crate::{DataError, Fingerprint, Randomness};

/// Sets the streams of this sampler apart from all others of the same seed.
const STRATIFIED: u64 = u64::from_be_bytes(*b"STRATIFY");

/// Every item once, in an order in which any first part has the classes in the proportion of the whole: of a class
/// with the share `p`, the first `t` items hold less than one more or less than `p t`. Where a batch's share of a
/// class is a whole number in every batch, each batch holds exactly that many; otherwise it differs by less than 2.
///
/// The items of a class are shuffled anew in each epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stratified {
    labels: usize,
    /// The items of each class that has any.
    classes: Vec<Vec<usize>>,
}

impl Stratified {
    /// For a data set whose item `i` has the class `labels[i]`. Classes may have any numbers.
    pub fn new(labels: &[i64]) -> Self {
        Self { labels: labels.len(), classes: by_class(labels) }
    }
}

/// The items of each class, in the order of the classes' numbers.
pub(crate) fn by_class(labels: &[i64]) -> Vec<Vec<usize>> {
    let mut classes = std::collections::BTreeMap::<i64, Vec<usize>>::new();
    for (index, &label) in labels.iter().enumerate() {
        classes.entry(label).or_default().push(index);
    }
    classes.into_values().collect()
}

pub(super) fn hash_classes(hash: Fingerprint, classes: &[Vec<usize>]) -> Fingerprint {
    classes.iter().fold(hash, |hash, class| hash.indices(class))
}

impl Sampler for Stratified {
    fn count(&self, len: usize) -> usize {
        len
    }

    fn order(&self, _len: usize, seed: u64, epoch: u64) -> Vec<usize> {
        let mut randomness = Randomness::keyed(&[STRATIFIED, seed, epoch]);
        let mut classes = self.classes.clone();
        // The first of two classes with the same deadline comes first; which one that is shall be chance.
        randomness.shuffle(&mut classes);
        classes.iter_mut().for_each(|class| randomness.shuffle(class));
        let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
        let mut taken = vec![0; classes.len()];
        sequence(&sizes)
            .into_iter()
            .map(|class| {
                taken[class] += 1;
                classes[class][taken[class] - 1]
            })
            .collect()
    }

    fn check(&self, len: usize) -> Result<(), DataError> {
        check_len("labels", self.labels, len)
    }

    fn fingerprint(&self) -> u64 {
        hash_classes(Fingerprint::new("stratified"), &self.classes).finish()
    }
}

/// A sequence with `sizes[c]` times the class `c` that is never a whole item away from the proportion.
///
/// The k-th item of a class must come neither before it is due nor after the next one is; the earliest deadline first
/// meets all of them. Source: G. Steiner, S. Yeomans, *Level schedules for mixed-model, just-in-time processes*, 1993.
fn sequence(sizes: &[usize]) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    // The slots, from 1, between which item `k` (from 1) of a class may come.
    let release =
        |class: usize, k: usize| ((k - 1) as u128 * total as u128 / sizes[class] as u128) as usize + 1;
    let deadline =
        |class: usize, k: usize| (k as u128 * total as u128).div_ceil(sizes[class] as u128) as usize;
    let mut waiting: BinaryHeap<Reverse<(usize, usize, usize)>> =
        (0..sizes.len()).filter(|&class| sizes[class] > 0).map(|class| Reverse((1, class, 1))).collect();
    let mut due: BinaryHeap<Reverse<(usize, usize, usize)>> = BinaryHeap::new();
    let mut sequence = Vec::with_capacity(total);
    for slot in 1..=total {
        while waiting.peek().is_some_and(|Reverse((release, ..))| *release <= slot) {
            let Some(Reverse((_, class, k))) = waiting.pop() else { break };
            due.push(Reverse((deadline(class, k), class, k)));
        }
        let Some(Reverse((_, class, k))) = due.pop() else { unreachable!("an item is due in every slot") };
        sequence.push(class);
        if k < sizes[class] {
            waiting.push(Reverse((release(class, k + 1), class, k + 1)));
        }
    }
    sequence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_first_part_is_a_whole_item_away_from_the_proportion() {
        let mut randomness = Randomness::new(8);
        for _ in 0..300 {
            let sizes: Vec<usize> = (0..1 + randomness.below(7)).map(|_| randomness.below(40)).collect();
            let total: usize = sizes.iter().sum();
            let sequence = sequence(&sizes);
            assert_eq!(sequence.len(), total);
            let mut seen = vec![0usize; sizes.len()];
            for (place, class) in sequence.into_iter().enumerate() {
                seen[class] += 1;
                for (seen, size) in seen.iter().zip(&sizes) {
                    let exact = (place + 1) as f64 * *size as f64 / total as f64;
                    assert!((*seen as f64 - exact).abs() < 1.0, "{sizes:?}: {seen} for {exact}");
                }
            }
            assert_eq!(seen, sizes);
        }
    }
}
