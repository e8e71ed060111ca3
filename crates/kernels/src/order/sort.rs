//! Sorting rows: the positions of the elements in order.
//!
//! An element becomes a number whose unsigned order is that of the elements, with its position below it in the lower
//! bits. Such numbers are all different, so that an unstable sort of plain integers gives the stable order.

use half::{bf16, f16};

/// An element with a place in a total order.
pub trait Ordered: Copy + Send + Sync {
    /// A number that grows with the element. NaN is the largest, −0 is 0.
    fn rank(self) -> u64;
}

macro_rules! ordered_floats {
    ($($type:ty, $bits:ty);*) => {$(impl Ordered for $type {
        #[inline]
        fn rank(self) -> u64 {
            if self.is_nan() {
                return u64::from(<$bits>::MAX);
            }
            // Adding zero makes +0 of −0.
            let bits = (self + <$type>::from_bits(0)).to_bits();
            let sign = <$bits>::MAX - <$bits>::MAX / 2;
            u64::from(if bits & sign == 0 { bits | sign } else { !bits })
        }
    })*};
}
ordered_floats!(f32, u32; f64, u64; f16, u16; bf16, u16);

macro_rules! ordered_integers {
    ($($type:ty),*) => {$(impl Ordered for $type {
        #[inline]
        fn rank(self) -> u64 {
            (i64::from(self) as u64) ^ (1 << 63)
        }
    })*};
}
ordered_integers!(bool, u8, i32, i64);

/// The row's elements as sortable numbers. Descending order leaves NaN last all the same.
fn keys<T: Ordered>(row: &[T], descending: bool, nan: impl Fn(T) -> bool) -> Vec<u128> {
    let key = |(position, element): (usize, &T)| {
        let rank = element.rank();
        let rank = if descending && !nan(*element) { !rank } else { rank };
        let rank = if nan(*element) { u64::MAX } else { rank };
        u128::from(rank) << 64 | position as u128
    };
    row.iter().enumerate().map(key).collect()
}

/// Positions of the elements of `row` in ascending or descending order, equal ones in the order in which they stand, NaN
/// last: all of them, or the first `positions.len()`.
pub fn argsort<T: Ordered>(row: &[T], descending: bool, nan: impl Fn(T) -> bool, positions: &mut [i64]) {
    let count = positions.len();
    let mut keys = keys(row, descending, nan);
    if count == 0 {
        return;
    }
    if count < keys.len() {
        keys.select_nth_unstable(count - 1);
        keys.truncate(count);
    }
    keys.sort_unstable();
    for (position, key) in positions.iter_mut().zip(keys) {
        *position = key as u64 as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(row: &[f64], descending: bool, count: usize) -> Vec<i64> {
        let mut positions = vec![0; count];
        argsort(row, descending, f64::is_nan, &mut positions);
        positions
    }

    #[test]
    fn order_is_total_and_stable() {
        let row = [0.0, f64::NAN, -0.0, f64::INFINITY, -1.0, 1e-310, f64::NEG_INFINITY, -1.0];
        assert_eq!(sorted(&row, false, 8), [6, 4, 7, 0, 2, 5, 3, 1]);
        assert_eq!(sorted(&row, true, 8), [3, 5, 0, 2, 4, 7, 6, 1]);
        assert_eq!(sorted(&row, true, 3), [3, 5, 0]);
        assert_eq!(sorted(&row, true, 0), []);
    }

    #[test]
    fn ranks_follow_the_elements() {
        let integers = [i64::MIN, -3, 0, 3, i64::MAX];
        assert!(integers.windows(2).all(|pair| pair[0].rank() < pair[1].rank()));
        let halves = [-2.5f32, -0.5, 0.0, 0.5, 7.0].map(f16::from_f32);
        assert!(halves.windows(2).all(|pair| pair[0].rank() < pair[1].rank()));
    }
}
