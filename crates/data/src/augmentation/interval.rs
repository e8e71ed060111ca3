//! Where a number of an augmentation is drawn from.

use std::ops::RangeInclusive;

use crate::Randomness;

/// A range from which a number is drawn, every one equally likely; or one number, where both ends are the same.
///
/// # Examples
/// ```
/// use bolete_data::augmentation::Interval;
/// assert_eq!(Interval::from(0.5), Interval::from(0.5..=0.5));
/// assert_eq!(Interval::around(1.0, 0.25), Interval { low: 0.75, high: 1.25 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The smallest number.
    pub low: f32,
    /// The largest number.
    pub high: f32,
}

impl Interval {
    /// From `centre - spread` to `centre + spread`.
    pub const fn around(centre: f32, spread: f32) -> Self {
        Self { low: centre - spread, high: centre + spread }
    }

    /// Both ends the same.
    pub const fn exactly(value: f32) -> Self {
        Self { low: value, high: value }
    }

    /// A number of the range. Takes one number of the stream, whatever the range.
    pub fn draw(&self, randomness: &mut Randomness) -> f32 {
        randomness.between(self.low, self.high)
    }

    /// A number of the range of which the logarithm is uniform: 1/2 is as likely as 2.
    pub fn draw_logarithmic(&self, randomness: &mut Randomness) -> f32 {
        randomness.between(self.low.ln(), self.high.ln()).exp()
    }
}

impl From<f32> for Interval {
    fn from(value: f32) -> Self {
        Self::exactly(value)
    }
}

impl From<RangeInclusive<f32>> for Interval {
    fn from(range: RangeInclusive<f32>) -> Self {
        Self { low: *range.start(), high: *range.end() }
    }
}
