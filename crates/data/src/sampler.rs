//! Which items an epoch visits, in which order, in which batches.

mod batches;
mod bucketed;
mod class_balanced;
mod plain;
mod shard;
mod stratified;
mod weighted;

use std::fmt::Debug;
use std::sync::Arc;

use crate::DataError;

pub use batches::{Batches, EpochPlan};
pub use bucketed::Bucketed;
pub use class_balanced::ClassBalanced;
pub use plain::{FixedSubset, Sequential, Shuffled};
pub use shard::{Shard, Uneven};
pub use stratified::Stratified;
pub(crate) use stratified::by_class;
pub use weighted::Weighted;

/// Decides which items an epoch visits, and in which order.
///
/// A sampler is a pure function of the seed and the epoch. That is what makes it possible to go on in the middle of
/// an epoch: nothing of it needs to be saved.
///
/// | sampler | an epoch is |
/// |---|---|
/// | [`Sequential`] | every item, in the order of the data set |
/// | [`Shuffled`] | every item, in a random order |
/// | [`FixedSubset`] | the items of a list |
/// | [`Weighted`] | items drawn with given weights, with or without replacement |
/// | [`Stratified`] | every item, so that each batch has the classes in proportion |
/// | [`ClassBalanced`] | every class equally often |
/// | [`Bucketed`] | every item, those of about the same length together |
/// | [`Shard`] | what one of several processes takes of another sampler's epoch |
///
/// # Examples
/// ```
/// use bolete_data::sampler::{Sampler, Sequential, Shuffled};
/// assert_eq!(Sequential.order(3, 0, 0), [0, 1, 2]);
/// assert_eq!(Shuffled.order(3, 7, 1), Shuffled.order(3, 7, 1));
/// ```
pub trait Sampler: Debug + Send + Sync {
    /// Number of items that an epoch visits, of a data set of `len` items. The same in every epoch.
    fn count(&self, len: usize) -> usize;

    /// The items of an epoch in their order, each below `len`; as many as [`count`](Self::count) says.
    fn order(&self, len: usize, seed: u64, epoch: u64) -> Vec<usize>;

    /// The batches of an epoch. By default the order, cut into pieces of the batch size.
    fn batches(&self, plan: &EpochPlan) -> Batches {
        Batches::cut(self.order(plan.len, plan.seed, plan.epoch), plan.batch_size, plan.drop_last)
    }

    /// Number of batches per epoch, the same in every epoch. `plan.epoch` is of no meaning here.
    fn batch_count(&self, plan: &EpochPlan) -> usize {
        let count = self.count(plan.len);
        if plan.drop_last { count / plan.batch_size } else { count.div_ceil(plan.batch_size) }
    }

    /// Says whether the sampler fits a data set of `len` items.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when it was made for another number of items.
    fn check(&self, len: usize) -> Result<(), DataError> {
        let _ = len;
        Ok(())
    }

    /// A hash of all that decides what the sampler gives, besides seed, epoch and number of items.
    fn fingerprint(&self) -> u64;
}

/// A sampler that is shared or chosen while the program runs.
impl<S: Sampler + ?Sized> Sampler for Arc<S> {
    fn count(&self, len: usize) -> usize {
        (**self).count(len)
    }

    fn order(&self, len: usize, seed: u64, epoch: u64) -> Vec<usize> {
        (**self).order(len, seed, epoch)
    }

    fn batches(&self, plan: &EpochPlan) -> Batches {
        (**self).batches(plan)
    }

    fn batch_count(&self, plan: &EpochPlan) -> usize {
        (**self).batch_count(plan)
    }

    fn check(&self, len: usize) -> Result<(), DataError> {
        (**self).check(len)
    }

    fn fingerprint(&self) -> u64 {
        (**self).fingerprint()
    }
}

/// The error of a sampler that was made for `own` items and shall sample from `len`.
fn check_len(what: &str, own: usize, len: usize) -> Result<(), DataError> {
    if own == len {
        return Ok(());
    }
    Err(DataError::invalid(format!("{len} {what}, one for each item of the data set"), format!("{own}")))
}
