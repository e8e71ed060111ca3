//! Parts of a data set: for training, validation and testing, and for cross-validation.
//!
//! All functions give indices, for [`Subset`](crate::Subset) or [`ImageClassification::select`](crate::ImageClassification::select).
//! The parts never overlap, together they hold every item, and the same seed gives the same parts.

use crate::sampler::{Sampler, Stratified};
use crate::{DataError, Randomness, epoch_order};

/// Sets the streams of splits apart from the orders of epochs with the same seed.
const SPLIT: u64 = u64::from_be_bytes(*b"SPLIT\0\0\0");

/// The items of each part, in rising order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// What a model learns from.
    pub train: Vec<usize>,
    /// What decisions are taken by.
    pub validation: Vec<usize>,
    /// What it is measured on, once.
    pub test: Vec<usize>,
}

/// Splits `len` items at random; the parts for validation and testing have the given shares of all items, rounded to
/// whole items, and the rest is for training.
///
/// # Errors
/// [`DataError::Invalid`] when a share is not between 0 and 1 or both together are above 1.
///
/// # Examples
/// ```
/// let parts = bolete_data::split::random(100, 0.1, 0.2, 7)?;
/// assert_eq!((parts.train.len(), parts.validation.len(), parts.test.len()), (70, 10, 20));
/// # Ok::<(), bolete_data::DataError>(())
/// ```
pub fn random(len: usize, validation: f64, test: f64, seed: u64) -> Result<Split, DataError> {
    check_shares(validation, test)?;
    Ok(cut(&epoch_order(len, split_seed(seed), 0), validation, test))
}

/// As [`random`], with each class in every part in proportion (less than 2 items off).
///
/// # Errors
/// As [`random`].
pub fn stratified(labels: &[i64], validation: f64, test: f64, seed: u64) -> Result<Split, DataError> {
    check_shares(validation, test)?;
    let order = Stratified::new(labels).order(labels.len(), split_seed(seed), 0);
    Ok(cut(&order, validation, test))
}

/// Splits by position, not at random: the first items are for training, the next for validation, the last for
/// testing. What time series and running text need, whose parts must not know each other's future.
///
/// # Errors
/// As [`random`].
pub fn sequential(len: usize, validation: f64, test: f64) -> Result<Split, DataError> {
    check_shares(validation, test)?;
    // From the end, since `cut` takes what is for testing first.
    let order: Vec<usize> = (0..len).rev().collect();
    Ok(cut(&order, validation, test))
}

/// One of the folds of a cross-validation; items in rising order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// What a model learns from: all items but those for validation.
    pub train: Vec<usize>,
    /// What it is measured on. Each item is in this part of one fold.
    pub validation: Vec<usize>,
}

/// Cuts `len` items at random into `folds` parts, whose sizes differ by at most 1; each is for validation once.
///
/// # Errors
/// [`DataError::Invalid`] when there are fewer than 2 folds, or more than items.
pub fn k_fold(len: usize, folds: usize, seed: u64) -> Result<Vec<Fold>, DataError> {
    deal(&epoch_order(len, split_seed(seed), 0), folds)
}

/// As [`k_fold`], with each class in every fold in proportion: its numbers in two folds differ by at most 1.
///
/// # Errors
/// As [`k_fold`].
pub fn stratified_k_fold(labels: &[i64], folds: usize, seed: u64) -> Result<Vec<Fold>, DataError> {
    // Class after class, dealt out like cards.
    let mut randomness = Randomness::keyed(&[SPLIT, seed]);
    let mut classes = crate::sampler::by_class(labels);
    randomness.shuffle(&mut classes);
    classes.iter_mut().for_each(|class| randomness.shuffle(class));
    deal(&classes.concat(), folds)
}

/// Item `i` of the order is for validation in fold `i % folds`.
fn deal(order: &[usize], folds: usize) -> Result<Vec<Fold>, DataError> {
    if folds < 2 || folds > order.len() {
        return Err(DataError::invalid(
            format!("from 2 folds to {}, the number of items", order.len()),
            folds.to_string(),
        ));
    }
    let fold = |fold: usize| {
        let mut held_out = vec![false; order.len()];
        order.iter().skip(fold).step_by(folds).for_each(|&item| held_out[item] = true);
        let (validation, train) = (0..order.len()).partition(|&item| held_out[item]);
        Fold { train, validation }
    };
    Ok((0..folds).map(fold).collect())
}

fn cut(order: &[usize], validation: f64, test: f64) -> Split {
    let share = |share: f64| (share * order.len() as f64).round() as usize;
    let test_end = share(test).min(order.len());
    let validation_end = (test_end + share(validation)).min(order.len());
    let sorted = |part: &[usize]| {
        let mut part = part.to_vec();
        part.sort_unstable();
        part
    };
    Split {
        train: sorted(&order[validation_end..]),
        validation: sorted(&order[test_end..validation_end]),
        test: sorted(&order[..test_end]),
    }
}

fn check_shares(validation: f64, test: f64) -> Result<(), DataError> {
    let fits = |share: f64| (0.0..=1.0).contains(&share);
    // Shares such as 0.1 + 0.9 may add up to a little more than 1.
    if fits(validation) && fits(test) && validation + test <= 1.0 + 1e-9 {
        return Ok(());
    }
    Err(DataError::invalid(
        "shares between 0 and 1 that are together at most 1",
        format!("{validation} for validation and {test} for testing"),
    ))
}

fn split_seed(seed: u64) -> u64 {
    Randomness::keyed(&[SPLIT, seed]).bits()
}
