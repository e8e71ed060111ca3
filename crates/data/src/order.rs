//! The order in which an epoch visits the items.

use crate::Randomness;

/// Sets the stream of the order apart from those of the items.
const ORDER: u64 = u64::from_be_bytes(*b"ORDER\0\0\0");

/// The numbers from 0 to `len`, without `len`, in a random order that depends on `seed` and `epoch` only.
///
/// # Examples
/// ```
/// let order = bolete_data::epoch_order(5, 1, 0);
/// assert_eq!(order, bolete_data::epoch_order(5, 1, 0));
/// let mut sorted = order.clone();
/// sorted.sort();
/// assert_eq!(sorted, [0, 1, 2, 3, 4]);
/// ```
pub fn epoch_order(len: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    Randomness::keyed(&[ORDER, seed, epoch]).shuffle(&mut order);
    order
}
