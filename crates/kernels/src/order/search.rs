//! Searching in sorted rows.

/// The first position in `sorted` whose element is not below `value` (with `right`: whose element is above it). NaN counts
/// as larger than all numbers.
pub fn position<T: PartialOrd + Copy>(sorted: &[T], value: T, right: bool) -> usize {
    let below = |element: T| match element.partial_cmp(&value) {
        Some(order) if right => order.is_le(),
        Some(order) => order.is_lt(),
        // One of the two is NaN: numbers are below it, and it is below nothing but, to its right, itself.
        None => element.partial_cmp(&element).is_some() || (right && value.partial_cmp(&value).is_none()),
    };
    sorted.partition_point(|element| below(*element))
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn ties_and_nan() {
        let sorted = [1.0, 2.0, 2.0, 5.0, f64::NAN];
        assert_eq!([0.0, 2.0, 6.0, f64::NAN].map(|value| position(&sorted, value, false)), [0, 1, 4, 4]);
        assert_eq!([0.0, 2.0, 6.0, f64::NAN].map(|value| position(&sorted, value, true)), [0, 3, 4, 5]);
        assert_eq!(position::<f64>(&[], 1.0, false), 0);
    }
}
