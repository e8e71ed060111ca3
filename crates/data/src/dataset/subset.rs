//! Some items of a data set as a data set of their own.

use std::sync::Arc;

use crate::{DataError, Dataset, EpochRandomness, Fingerprint};

/// Some items of a data set, in any order. The data itself is shared.
///
/// An item has the same random changes as in the whole data set.
#[derive(Debug)]
pub struct Subset<D> {
    dataset: Arc<D>,
    indices: Vec<usize>,
}

impl<D> Clone for Subset<D> {
    fn clone(&self) -> Self {
        Self { dataset: Arc::clone(&self.dataset), indices: self.indices.clone() }
    }
}

impl<D: Dataset> Subset<D> {
    /// The items at `indices`; one may be there more than once.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when an index is not below the number of items.
    pub fn new(dataset: Arc<D>, indices: Vec<usize>) -> Result<Self, DataError> {
        match indices.iter().find(|&&index| index >= dataset.len()) {
            Some(index) => {
                Err(DataError::invalid(format!("indices below {}", dataset.len()), index.to_string()))
            }
            None => Ok(Self { dataset, indices }),
        }
    }

    /// The whole data set.
    pub fn whole(&self) -> &Arc<D> {
        &self.dataset
    }

    /// The items of the whole data set that belong to this one.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Batch = D::Batch;

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn batch(&self, indices: &[usize], randomness: &EpochRandomness) -> Result<D::Batch, DataError> {
        let indices: Vec<usize> = indices.iter().map(|&index| self.indices[index]).collect();
        self.dataset.batch(&indices, randomness)
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("subset").number(self.dataset.fingerprint()).indices(&self.indices).finish()
    }
}
