//! Every item, or every one of a list, once.

use super::Sampler;
use crate::{DataError, Fingerprint, epoch_order};

/// Every item in the order of the data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequential;

impl Sampler for Sequential {
    fn count(&self, len: usize) -> usize {
        len
    }

    fn order(&self, len: usize, _seed: u64, _epoch: u64) -> Vec<usize> {
        (0..len).collect()
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("sequential").finish()
    }
}

/// Every item in a random order, another one in each epoch; that of [`epoch_order`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shuffled;

impl Sampler for Shuffled {
    fn count(&self, len: usize) -> usize {
        len
    }

    fn order(&self, len: usize, seed: u64, epoch: u64) -> Vec<usize> {
        epoch_order(len, seed, epoch)
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("shuffled").finish()
    }
}

/// The items of a list, in its order or shuffled. An item may be listed more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedSubset {
    indices: Vec<usize>,
    shuffle: bool,
}

impl FixedSubset {
    /// The items at `indices`; shuffled anew in each epoch if `shuffle`.
    pub fn new(indices: Vec<usize>, shuffle: bool) -> Self {
        Self { indices, shuffle }
    }
}

impl Sampler for FixedSubset {
    fn count(&self, _len: usize) -> usize {
        self.indices.len()
    }

    fn order(&self, _len: usize, seed: u64, epoch: u64) -> Vec<usize> {
        if !self.shuffle {
            return self.indices.clone();
        }
        epoch_order(self.indices.len(), seed, epoch).into_iter().map(|place| self.indices[place]).collect()
    }

    fn check(&self, len: usize) -> Result<(), DataError> {
        match self.indices.iter().find(|&&index| index >= len) {
            None => Ok(()),
            Some(index) => Err(DataError::invalid(
                format!("indices below {len}, the number of items"),
                index.to_string(),
            )),
        }
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("fixed subset").indices(&self.indices).number(u64::from(self.shuffle)).finish()
    }
}
