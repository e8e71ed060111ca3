//! Pictures as if drawn on rubber.

use super::border::Border;
use super::filters::{blur, gaussian_kernel};
use super::{Augment, Displacement, Interval, Stage};
use crate::Randomness;

/// Moves every pixel by an offset of its own, smooth over the picture: noise from -1 to 1, blurred, times a strength.
///
/// Source: P. Simard, D. Steinkraus, J. Platt, *Best practices for convolutional neural networks applied to visual
/// document analysis*, ICDAR 2003.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elastic {
    /// What the blurred noise is multiplied by, in pixels. As blurring takes most of the noise away, the offsets are
    /// much smaller: about a sixth of `strength / smoothness`.
    pub strength: Interval,
    /// Standard deviation of the blur in pixels. Small against the strength, the picture tears.
    pub smoothness: Interval,
    /// What lies beyond the edges.
    pub border: Border,
}

impl Default for Elastic {
    /// The values of the paper for digits: a strength of 34 and a smoothness of 4.
    fn default() -> Self {
        let (strength, smoothness) = (Interval::exactly(34.0), Interval::exactly(4.0));
        Self { strength, smoothness, border: Border::BLACK }
    }
}

impl Augment for Elastic {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let strength = self.strength.draw(randomness);
        let kernel = gaussian_kernel(self.smoothness.draw(randomness));
        let (height, width) = stage.size();
        let mut field = || {
            let mut field: Vec<f32> =
                (0..height * width).map(|_| strength * randomness.between(-1.0, 1.0)).collect();
            blur(&mut field, height, width, &kernel);
            field
        };
        let (right, down) = (field(), field());
        stage.displace(&Displacement::new(height, width, right, down), self.border);
    }
}
