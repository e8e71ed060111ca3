//! Several data sets, one after the other.

use std::sync::Arc;

use crate::{DataError, Dataset, EpochRandomness, Fingerprint};

/// Batches that can be put together from rows of others.
pub trait Gather: Sized {
    /// The batch whose row `i` is the row `rows[i].1` of `parts[rows[i].0]`.
    fn gather(parts: &[Self], rows: &[(usize, usize)]) -> Self;
}

impl<T: Clone> Gather for Vec<T> {
    fn gather(parts: &[Self], rows: &[(usize, usize)]) -> Self {
        rows.iter().map(|&(part, row)| parts[part][row].clone()).collect()
    }
}

/// The items of several data sets of one kind, one data set after the other.
///
/// Items with equal indices in two of them have random changes of their own.
#[derive(Debug)]
pub struct Concatenated<D> {
    parts: Vec<Arc<D>>,
    /// Where each part ends.
    ends: Vec<usize>,
}

impl<D: Dataset> Concatenated<D> {
    /// The items of `parts`, in this order.
    pub fn new(parts: Vec<Arc<D>>) -> Self {
        let mut len = 0;
        let ends = parts.iter().map(|part| {
            len += part.len();
            len
        });
        let ends = ends.collect();
        Self { parts, ends }
    }

    /// The data sets.
    pub fn parts(&self) -> &[Arc<D>] {
        &self.parts
    }

    /// The data set that an item comes from, and its index there.
    ///
    /// # Panics
    /// If `index` is not below the number of items.
    #[track_caller]
    pub fn locate(&self, index: usize) -> (usize, usize) {
        let part = self.ends.partition_point(|&end| end <= index);
        let len = self.ends.last().copied().unwrap_or(0);
        assert!(index < len, "expected an index below {len}, found {index}");
        (part, index + self.parts[part].len() - self.ends[part])
    }
}

impl<D: Dataset> Dataset for Concatenated<D>
where
    D::Batch: Gather,
{
    type Batch = D::Batch;

    fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn batch(&self, indices: &[usize], randomness: &EpochRandomness) -> Result<D::Batch, DataError> {
        // Each part makes all its items at once; then the rows are brought into the order that was asked for.
        let mut asked: Vec<Vec<usize>> = vec![Vec::new(); self.parts.len()];
        let mut rows = Vec::with_capacity(indices.len());
        for &index in indices {
            let (part, inner) = self.locate(index);
            rows.push((part, asked[part].len()));
            asked[part].push(inner);
        }
        let mut made = Vec::with_capacity(self.parts.len());
        let mut place = vec![0; self.parts.len()];
        for (part, asked) in asked.iter().enumerate().filter(|(_, asked)| !asked.is_empty()) {
            place[part] = made.len();
            made.push(self.parts[part].batch(asked, &randomness.part(part))?);
        }
        rows.iter_mut().for_each(|(part, _)| *part = place[*part]);
        Ok(D::Batch::gather(&made, &rows))
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("concatenated").numbers(self.parts.iter().map(|part| part.fingerprint())).finish()
    }
}
