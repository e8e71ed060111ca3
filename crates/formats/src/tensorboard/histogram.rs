//! Histograms in the buckets that TensorBoard expects.

use std::sync::OnceLock;

/// How many values lie where. Bucket i holds the values from the limit before (or `min`) up to, but not including,
/// `limits[i]`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Histogram {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// How many values.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sum_of_squares: f64,
    /// Upper ends of the buckets, ascending.
    pub limits: Vec<f64>,
    /// Values in each bucket.
    pub counts: Vec<f64>,
}

/// TensorFlow's limits: ±10⁻¹² · 1.1ⁱ below 10²⁰, zero, and the largest numbers.
fn default_limits() -> &'static [f64] {
    static LIMITS: OnceLock<Vec<f64>> = OnceLock::new();
    LIMITS.get_or_init(|| {
        let powers = std::iter::successors(Some(1e-12f64), |limit| Some(limit * 1.1));
        let mut positive: Vec<f64> = powers.take_while(|limit| *limit < 1e20).collect();
        positive.push(f64::MAX);
        let negative = positive.iter().rev().map(|limit| -limit);
        negative.chain([0.0]).chain(positive.iter().copied()).collect()
    })
}

impl Histogram {
    /// The histogram of values in the default buckets of TensorBoard, whose widths grow exponentially away from zero.
    /// Values that are not finite are left out.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Histogram {
        let limits = default_limits();
        let mut counts = vec![0.0f64; limits.len()];
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut count, mut sum, mut sum_of_squares) = (0.0, 0.0, 0.0);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            let bucket = limits.partition_point(|limit| *limit <= value).min(limits.len() - 1);
            counts[bucket] += 1.0;
            min = min.min(value);
            max = max.max(value);
            count += 1.0;
            sum += value;
            sum_of_squares += value * value;
        }
        if count == 0.0 {
            return Histogram { limits: vec![f64::MAX], counts: vec![0.0], ..Histogram::default() };
        }
        // A run of empty buckets becomes one.
        let mut kept: (Vec<f64>, Vec<f64>) = Default::default();
        for (limit, count) in limits.iter().zip(counts) {
            if count == 0.0 && kept.1.last() == Some(&0.0) {
                *kept.0.last_mut().expect("as many limits as counts") = *limit;
            } else {
                kept.0.push(*limit);
                kept.1.push(count);
            }
        }
        Histogram { min, max, count, sum, sum_of_squares, limits: kept.0, counts: kept.1 }
    }
}
