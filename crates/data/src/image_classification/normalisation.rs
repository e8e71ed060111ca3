//! From 8-bit values to the floats that a network likes.

use super::ImageShape;

/// How the values of a picture are scaled: `(value / 255 - mean) / deviation`, for each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    /// What is subtracted in each channel, on the scale of 0 to 1. The last entry holds for all further channels.
    pub mean: Vec<f32>,
    /// What the difference is divided by in each channel. The last entry holds for all further channels.
    pub deviation: Vec<f32>,
}

impl Default for Normalisation {
    /// The scale of 0 to 1.
    fn default() -> Self {
        Self { mean: vec![0.0], deviation: vec![1.0] }
    }
}

impl Normalisation {
    /// The mean and standard deviation of MNIST, 0.1307 and 0.3081, as they are in common use.
    pub fn mnist() -> Self {
        Self { mean: vec![0.1307], deviation: vec![0.3081] }
    }

    /// The mean and standard deviation of these pictures, `[channels, height, width]` each. A channel that is
    /// constant has the deviation 1.
    pub(super) fn measure<'a>(pictures: impl Iterator<Item = &'a [u8]>, shape: ImageShape) -> Self {
        // Whole numbers: exact, in any order.
        let mut sums = vec![(0u64, 0u64, 0u64); shape.channels];
        for picture in pictures {
            for (plane, (count, sum, squares)) in
                picture.chunks_exact(shape.height * shape.width).zip(&mut sums)
            {
                *count += plane.len() as u64;
                *sum += plane.iter().map(|&value| u64::from(value)).sum::<u64>();
                *squares += plane.iter().map(|&value| u64::from(value).pow(2)).sum::<u64>();
            }
        }
        let moments = sums.iter().map(|&(count, sum, squares)| {
            let count = (count as f64).max(1.0);
            let mean = sum as f64 / count / 255.0;
            let variance = squares as f64 / count / 65_025.0 - mean * mean;
            (mean as f32, if variance > 1e-12 { variance.sqrt() as f32 } else { 1.0 })
        });
        let (mean, deviation) = moments.unzip();
        Self { mean, deviation }
    }

    /// The scaled value of every 8-bit value in a channel.
    pub(super) fn table(&self, channel: usize) -> [f32; 256] {
        let of = |values: &[f32], default| values.get(channel).or(values.last()).copied().unwrap_or(default);
        let (mean, deviation) = (of(&self.mean, 0.0), of(&self.deviation, 1.0));
        std::array::from_fn(|value| (value as f32 / 255.0 - mean) / deviation)
    }
}
