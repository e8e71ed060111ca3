//! Items of about the same length in one batch, so that little of it is padding.

use super::{Batches, EpochPlan, Sampler, check_len};
use crate::{DataError, Fingerprint, Randomness};

/// Sets the streams of this sampler apart from all others of the same seed.
const BUCKETED: u64 = u64::from_be_bytes(*b"BUCKETED");

/// Puts items into buckets by their length. A batch comes from one bucket; items are shuffled within their bucket and
/// the batches among each other, anew in each epoch.
///
/// `drop_last` leaves out the last batch of every bucket where it is not full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucketed {
    items: usize,
    /// For each bucket that has items: the length of its longest item, and its items.
    buckets: Vec<(usize, Vec<usize>)>,
    most_padded: Option<usize>,
}

impl Bucketed {
    /// For a data set whose item `i` has the length `lengths[i]`: bucket `b` has the lengths above `bounds[b - 1]` up
    /// to `bounds[b]`, a last one all that are longer.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when `bounds` are not rising.
    pub fn new(lengths: &[usize], bounds: &[usize]) -> Result<Self, DataError> {
        if let Some(place) = bounds.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(DataError::invalid(
                "bounds that rise",
                format!("{} after {}", bounds[place + 1], bounds[place]),
            ));
        }
        let mut buckets = vec![(0, Vec::new()); bounds.len() + 1];
        for (index, &length) in lengths.iter().enumerate() {
            let (longest, items) = &mut buckets[bounds.partition_point(|&bound| bound < length)];
            *longest = length.max(*longest);
            items.push(index);
        }
        buckets.retain(|(_, items)| !items.is_empty());
        Ok(Self { items: lengths.len(), buckets, most_padded: None })
    }

    /// For `count` buckets of about as many items each.
    pub fn with_even_buckets(lengths: &[usize], count: usize) -> Self {
        let mut sorted = lengths.to_vec();
        sorted.sort_unstable();
        let count = count.clamp(1, sorted.len().max(1));
        let mut bounds: Vec<usize> =
            (1..count).map(|bucket| sorted[bucket * sorted.len() / count - 1]).collect();
        bounds.dedup();
        match Self::new(lengths, &bounds) {
            Ok(bucketed) => bucketed,
            Err(error) => unreachable!("sorted bounds without repetition rise: {error}"),
        }
    }

    /// Limits batches by their number of values, padding included: those of a bucket have as many items as fit into
    /// `most` values at the length of the longest item of the bucket (at least one item, at most the batch size).
    pub fn with_most_padded(self, most: usize) -> Self {
        Self { most_padded: Some(most), ..self }
    }

    fn batch_size(&self, longest: usize, plan: &EpochPlan) -> usize {
        let fitting = self.most_padded.map_or(plan.batch_size, |most| most / longest.max(1));
        fitting.clamp(1, plan.batch_size)
    }
}

impl Sampler for Bucketed {
    fn count(&self, len: usize) -> usize {
        len
    }

    /// One bucket after the other, without regard to batches.
    fn order(&self, len: usize, seed: u64, epoch: u64) -> Vec<usize> {
        let plan = EpochPlan { len, batch_size: usize::MAX, drop_last: false, seed, epoch };
        let whole = Self { most_padded: None, ..self.clone() }.batches(&plan);
        whole.iter().flatten().copied().collect()
    }

    fn batches(&self, plan: &EpochPlan) -> Batches {
        let mut randomness = Randomness::keyed(&[BUCKETED, plan.seed, plan.epoch]);
        let mut lists = Vec::new();
        for (longest, items) in &self.buckets {
            let mut items = items.clone();
            randomness.shuffle(&mut items);
            let cut = Batches::cut(items, self.batch_size(*longest, plan), plan.drop_last);
            lists.extend(cut.iter().map(<[usize]>::to_vec));
        }
        randomness.shuffle(&mut lists);
        Batches::from_lists(lists)
    }

    fn batch_count(&self, plan: &EpochPlan) -> usize {
        let of = |(longest, items): &(usize, Vec<usize>)| {
            let size = self.batch_size(*longest, plan);
            if plan.drop_last { items.len() / size } else { items.len().div_ceil(size) }
        };
        self.buckets.iter().map(of).sum()
    }

    fn check(&self, len: usize) -> Result<(), DataError> {
        check_len("lengths", self.items, len)
    }

    fn fingerprint(&self) -> u64 {
        let limit = self.most_padded.map_or(0, |most| most as u64 + 1);
        let begin = Fingerprint::new("bucketed").number(limit);
        let add = |hash: Fingerprint, (longest, items): &(usize, Vec<usize>)| {
            hash.number(*longest as u64).indices(items)
        };
        self.buckets.iter().fold(begin, add).finish()
    }
}
