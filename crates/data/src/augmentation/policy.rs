//! Random choices among a fixed set of changes: RandAugment and TrivialAugment.

use super::border::Border;
use super::homography::Homography;
use super::{Augment, Photometric, Stage};
use crate::Randomness;

/// A change of which policies are made. Its strength is given from 0, weak, to 1, strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Nothing.
    Identity,
    /// A slant along x, either way, from the upper edge.
    ShearX,
    /// A slant along y, either way, from the left edge.
    ShearY,
    /// A move along x, either way.
    TranslateX,
    /// A move along y, either way.
    TranslateY,
    /// A turn about the centre, either way.
    Rotate,
    /// [`Photometric::Brightness`], more or less.
    Brightness,
    /// [`Photometric::Saturation`], more or less.
    Saturation,
    /// [`Photometric::Contrast`], more or less.
    Contrast,
    /// [`Photometric::Sharpness`], more or less.
    Sharpness,
    /// [`Photometric::Posterise`], the strongest to 4 bits (2 with TrivialAugment).
    Posterise,
    /// [`Photometric::Solarise`], the strongest from 0 on.
    Solarise,
    /// [`Photometric::AutoContrast`]; has no strength.
    AutoContrast,
    /// [`Photometric::Equalise`]; has no strength.
    Equalise,
    /// [`Photometric::Invert`]; has no strength.
    Invert,
}

/// What the greatest strength means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strongest {
    shear: f64,
    /// In pixels, given the side.
    translation: fn(usize) -> f64,
    degrees: f64,
    factor: f32,
    /// Bits that are taken away.
    bits: f32,
}

impl Strongest {
    /// Of AutoAugment and RandAugment.
    pub(super) const USUAL: Self = Self {
        shear: 0.3,
        translation: |side| 150.0 / 331.0 * side as f64,
        degrees: 30.0,
        factor: 0.9,
        bits: 4.0,
    };
    /// Of TrivialAugment: "wide".
    const WIDE: Self = Self { shear: 0.99, translation: |_| 32.0, degrees: 135.0, factor: 0.99, bits: 6.0 };
}

/// The changes of RandAugment and TrivialAugment.
const CHOICES: [Operation; 14] = [
    Operation::Identity,
    Operation::ShearX,
    Operation::ShearY,
    Operation::TranslateX,
    Operation::TranslateY,
    Operation::Rotate,
    Operation::Brightness,
    Operation::Saturation,
    Operation::Contrast,
    Operation::Sharpness,
    Operation::Posterise,
    Operation::Solarise,
    Operation::AutoContrast,
    Operation::Equalise,
];

impl Operation {
    pub(super) fn augment(
        self,
        strength: f32,
        strongest: &Strongest,
        border: Border,
        stage: &mut Stage,
        randomness: &mut Randomness,
    ) {
        let sign = if randomness.chance(0.5) { -1.0 } else { 1.0 };
        let (height, width) = stage.size();
        let signed = f64::from(strength * sign);
        let factor = (1.0 + strength * sign * strongest.factor).into();
        let warp = |stage: &mut Stage, map| stage.warp(map, (height, width), Some(border));
        let change = match self {
            Self::Identity => return,
            // As in the papers, from the corner of the picture and not about its centre.
            Self::ShearX => {
                let degrees = (signed * strongest.shear).atan().to_degrees();
                return warp(stage, Homography::shear(degrees, 0.0));
            }
            Self::ShearY => {
                let degrees = (signed * strongest.shear).atan().to_degrees();
                return warp(stage, Homography::shear(0.0, degrees));
            }
            Self::TranslateX => {
                let right = (signed * (strongest.translation)(width)).trunc();
                return warp(stage, Homography::translation(right, 0.0));
            }
            Self::TranslateY => {
                let down = (signed * (strongest.translation)(height)).trunc();
                return warp(stage, Homography::translation(0.0, down));
            }
            Self::Rotate => {
                let centre = (width as f64 / 2.0, height as f64 / 2.0);
                return warp(stage, Homography::rotation(signed * strongest.degrees).around(centre));
            }
            Self::Brightness => Photometric::Brightness(factor),
            Self::Saturation => Photometric::Saturation(factor),
            Self::Contrast => Photometric::Contrast(factor),
            Self::Sharpness => Photometric::Sharpness(factor),
            Self::Posterise => Photometric::Posterise(8 - (strength * strongest.bits).round() as u32),
            Self::Solarise => Photometric::Solarise((255.0 * (1.0 - strength)).into()),
            Self::AutoContrast => Photometric::AutoContrast,
            Self::Equalise => Photometric::Equalise,
            Self::Invert => Photometric::Invert,
        };
        change.augment(stage, randomness);
    }
}

/// A few random changes of a common strength.
///
/// Source: E. Cubuk et al., *RandAugment: practical automated data augmentation with a reduced search space*, 2019.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandAugment {
    /// How many changes, each drawn from 14.
    pub count: usize,
    /// The strength of all of them, from 0 to 1: M/30 for the M of the paper.
    pub strength: f32,
    /// What lies beyond the edges.
    pub border: Border,
}

impl Default for RandAugment {
    /// Two changes of the strength 9/30; gray beyond the edges.
    fn default() -> Self {
        Self { count: 2, strength: 0.3, border: Border::Constant([128; 3]) }
    }
}

impl Augment for RandAugment {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let strength = self.strength.clamp(0.0, 1.0);
        for _ in 0..self.count {
            let operation = CHOICES[randomness.below(CHOICES.len())];
            operation.augment(strength, &Strongest::USUAL, self.border, stage, randomness);
        }
    }
}

/// One random change of a random strength. Nothing to tune.
///
/// Source: S. Müller, F. Hutter, *TrivialAugment: tuning-free yet state-of-the-art data augmentation*, ICCV 2021; the
/// wide space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrivialAugment {
    /// What lies beyond the edges.
    pub border: Border,
}

impl Default for TrivialAugment {
    /// Gray beyond the edges.
    fn default() -> Self {
        Self { border: Border::Constant([128; 3]) }
    }
}

impl Augment for TrivialAugment {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let operation = CHOICES[randomness.below(CHOICES.len())];
        let strength = randomness.below(31) as f32 / 30.0;
        operation.augment(strength, &Strongest::WIDE, self.border, stage, randomness);
    }
}
