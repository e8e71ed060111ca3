//! Brightness, contrast, saturation and hue at once.

use super::{Augment, Interval, Photometric, Stage};
use crate::Randomness;

/// Changes brightness, contrast, saturation and hue, in a random order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColourJitter {
    /// As [`Photometric::Brightness`].
    pub brightness: Interval,
    /// As [`Photometric::Contrast`].
    pub contrast: Interval,
    /// As [`Photometric::Saturation`].
    pub saturation: Interval,
    /// As [`Photometric::Hue`].
    pub hue: Interval,
}

impl ColourJitter {
    /// Factors up to so far from 1, and turns of the hue up to so far from 0; 0 leaves out the change.
    pub fn new(brightness: f32, contrast: f32, saturation: f32, hue: f32) -> Self {
        let factor = |spread: f32| Interval { low: (1.0 - spread).max(0.0), high: 1.0 + spread };
        Self {
            brightness: factor(brightness),
            contrast: factor(contrast),
            saturation: factor(saturation),
            hue: Interval::around(0.0, hue),
        }
    }
}

impl Augment for ColourJitter {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let image = stage.image_mut();
        let mut order = [0, 1, 2, 3];
        randomness.shuffle(&mut order);
        for change in order {
            let (change, neutral) = match change {
                0 => (Photometric::Brightness(self.brightness), self.brightness == 1.0.into()),
                1 => (Photometric::Contrast(self.contrast), self.contrast == 1.0.into()),
                2 => (Photometric::Saturation(self.saturation), self.saturation == 1.0.into()),
                _ => (Photometric::Hue(self.hue), self.hue == 0.0.into()),
            };
            if !neutral {
                change.apply(image, randomness);
            }
        }
    }
}
