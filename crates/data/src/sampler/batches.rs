//! An order that is cut into batches.

/// What a sampler is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochPlan {
    /// Number of items of the data set.
    pub len: usize,
    /// Items per batch, at least 1.
    pub batch_size: usize,
    /// Whether a last batch of fewer items is left out.
    pub drop_last: bool,
    /// Decides all random choices.
    pub seed: u64,
    /// The number of the epoch.
    pub epoch: u64,
}

/// The batches of an epoch: items in order, and where each batch ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batches {
    order: Vec<usize>,
    ends: Vec<usize>,
}

impl Batches {
    /// Cuts `order` into batches of `size` items; a last one of fewer is kept unless `drop_last`.
    ///
    /// # Panics
    /// If `size` is 0.
    #[track_caller]
    pub fn cut(order: Vec<usize>, size: usize, drop_last: bool) -> Self {
        assert!(size > 0, "expected a batch size of at least 1, found 0");
        let mut ends: Vec<usize> = (1..=order.len() / size).map(|batch| batch * size).collect();
        if !drop_last && !order.len().is_multiple_of(size) {
            ends.push(order.len());
        }
        Self { order, ends }
    }

    /// Batches of any sizes.
    pub fn from_lists(lists: impl IntoIterator<Item = Vec<usize>>) -> Self {
        let mut batches = Self::default();
        for list in lists {
            batches.order.extend(list);
            batches.ends.push(batches.order.len());
        }
        batches
    }

    /// Number of batches.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The items of a batch.
    ///
    /// # Panics
    /// If `batch` is not below [`len`](Self::len).
    #[track_caller]
    pub fn get(&self, batch: usize) -> &[usize] {
        let begin = if batch == 0 { 0 } else { self.ends[batch - 1] };
        &self.order[begin..self.ends[batch]]
    }

    /// All batches in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[usize]> {
        (0..self.len()).map(|batch| self.get(batch))
    }
}
