//! Noise of sensors and of broken pixels.

use super::{Augment, Interval, Stage};
use crate::Randomness;

/// Adds to every value a number of the normal distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNoise {
    /// The standard deviation, on the scale of 0 to 255.
    pub deviation: Interval,
}

impl Augment for GaussianNoise {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let deviation = self.deviation.draw(randomness);
        for value in stage.image_mut().pixels_mut() {
            *value = (f32::from(*value) + deviation * randomness.normal() + 0.5) as u8;
        }
    }
}

/// Replaces some pixels by white and black ones, in all channels at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SaltAndPepper {
    /// How likely a pixel, or a block of them, is replaced.
    pub probability: Interval,
    /// The part of those that is white: 1 for salt only, 0 for pepper only.
    pub salt: f32,
    /// The side of the blocks that are replaced as one; 1 for single pixels, more for coarse grains.
    pub grain: usize,
}

impl SaltAndPepper {
    /// Single pixels, white and black ones equally often.
    pub fn new(probability: impl Into<Interval>) -> Self {
        Self { probability: probability.into(), salt: 0.5, grain: 1 }
    }
}

impl Augment for SaltAndPepper {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let probability = self.probability.draw(randomness);
        let image = stage.image_mut();
        let (height, width, grain) = (image.height(), image.width(), self.grain.max(1));
        for top in (0..height).step_by(grain) {
            for left in (0..width).step_by(grain) {
                if !randomness.chance(probability) {
                    continue;
                }
                let value = if randomness.chance(self.salt) { 255 } else { 0 };
                let columns = left..(left + grain).min(width);
                for plane in image.planes_mut() {
                    for row in top..(top + grain).min(height) {
                        plane[row * width..][columns.clone()].fill(value);
                    }
                }
            }
        }
    }
}
