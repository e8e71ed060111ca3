//! A data set whose batches go through a function.

use std::fmt;
use std::sync::Arc;

use crate::{DataError, Dataset, EpochRandomness, Fingerprint};

/// A data set whose batches go through a function, on the worker threads.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use bolete_data::{Mapped, drawn_digits};
///
/// let digits = drawn_digits::draw(10, 1, &drawn_digits::DrawOptions::default());
/// // The digits as long rows: is the digit even?
/// let parity = Mapped::new(Arc::new(digits), "parity 1", |mut batch: bolete_data::ImageBatch| {
///     batch.labels.iter_mut().for_each(|label| *label %= 2);
///     Ok(batch)
/// });
/// # let _ = parity;
/// ```
pub struct Mapped<D, F> {
    dataset: Arc<D>,
    name: String,
    function: F,
}

impl<D: Dataset, F> Mapped<D, F> {
    /// The batches of `dataset`, each changed by `function`. The name and version of the function stand for it in the
    /// fingerprint, as code cannot be hashed: give it another one when it does something else.
    pub fn new<B>(dataset: Arc<D>, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(D::Batch) -> Result<B, DataError> + Send + Sync,
    {
        Self { dataset, name: name.into(), function }
    }

    /// The data set before the function.
    pub fn inner(&self) -> &Arc<D> {
        &self.dataset
    }
}

impl<D, B, F> Dataset for Mapped<D, F>
where
    D: Dataset,
    B: Send,
    F: Fn(D::Batch) -> Result<B, DataError> + Send + Sync,
{
    type Batch = B;

    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn batch(&self, indices: &[usize], randomness: &EpochRandomness) -> Result<B, DataError> {
        (self.function)(self.dataset.batch(indices, randomness)?)
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("mapped").number(self.dataset.fingerprint()).bytes(self.name.as_bytes()).finish()
    }
}

impl<D: fmt::Debug, F> fmt::Debug for Mapped<D, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dataset, name, .. } = self;
        formatter.debug_struct("Mapped").field("dataset", dataset).field("name", name).finish_non_exhaustive()
    }
}
