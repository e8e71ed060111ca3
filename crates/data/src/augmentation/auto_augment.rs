//! AutoAugment: lists of pairs of changes that were found by search.

use super::border::Border;
use super::policy::Operation::{self, *};
use super::policy::Strongest;
use super::{Augment, Stage};
use crate::Randomness;

/// A change of a policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// What is done.
    pub operation: Operation,
    /// How likely it is done.
    pub probability: f32,
    /// How strongly, from 0 to 1. Those of the papers count from 0 to 9.
    pub strength: f32,
}

/// A random pair of changes from a list, each with a probability and a strength of its own.
///
/// Source: E. Cubuk et al., *AutoAugment: learning augmentation strategies from data*, CVPR 2019.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoAugment {
    /// The pairs, all equally likely.
    pub policy: Vec<[Step; 2]>,
    /// What lies beyond the edges.
    pub border: Border,
}

impl AutoAugment {
    /// The policy that was found on CIFAR-10.
    pub fn cifar10() -> Self {
        Self::found(&CIFAR10)
    }

    /// The policy that was found on ImageNet.
    pub fn imagenet() -> Self {
        Self::found(&IMAGENET)
    }

    /// The policy that was found on the house numbers of SVHN.
    pub fn svhn() -> Self {
        Self::found(&SVHN)
    }

    fn found(policy: &[[Found; 2]]) -> Self {
        let step = |(operation, probability, magnitude)| Step {
            operation,
            probability,
            strength: f32::from(magnitude) / 9.0,
        };
        let policy = policy.iter().map(|pair| pair.map(step)).collect();
        Self { policy, border: Border::Constant([128; 3]) }
    }
}

impl Augment for AutoAugment {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        for step in self.policy.get(randomness.below(self.policy.len())).into_iter().flatten() {
            if randomness.chance(step.probability) {
                let strength = step.strength.clamp(0.0, 1.0);
                step.operation.augment(strength, &Strongest::USUAL, self.border, stage, randomness);
            }
        }
    }
}

/// Change, probability and magnitude, as the appendix of the paper lists them.
type Found = (Operation, f32, u8);

#[rustfmt::skip]
const CIFAR10: [[Found; 2]; 25] = [
    [(Invert, 0.1, 0), (Contrast, 0.2, 6)],
    [(Rotate, 0.7, 2), (TranslateX, 0.3, 9)],
    [(Sharpness, 0.8, 1), (Sharpness, 0.9, 3)],
    [(ShearY, 0.5, 8), (TranslateY, 0.7, 9)],
    [(AutoContrast, 0.5, 0), (Equalise, 0.9, 0)],
    [(ShearY, 0.2, 7), (Posterise, 0.3, 7)],
    [(Saturation, 0.4, 3), (Brightness, 0.6, 7)],
    [(Sharpness, 0.3, 9), (Brightness, 0.7, 9)],
    [(Equalise, 0.6, 0), (Equalise, 0.5, 0)],
    [(Contrast, 0.6, 7), (Sharpness, 0.6, 5)],
    [(Saturation, 0.7, 7), (TranslateX, 0.5, 8)],
    [(Equalise, 0.3, 0), (AutoContrast, 0.4, 0)],
    [(TranslateY, 0.4, 3), (Sharpness, 0.2, 6)],
    [(Brightness, 0.9, 6), (Saturation, 0.2, 8)],
    [(Solarise, 0.5, 2), (Invert, 0.0, 0)],
    [(Equalise, 0.2, 0), (AutoContrast, 0.6, 0)],
    [(Equalise, 0.2, 0), (Equalise, 0.6, 0)],
    [(Saturation, 0.9, 9), (Equalise, 0.6, 0)],
    [(AutoContrast, 0.8, 0), (Solarise, 0.2, 8)],
    [(Brightness, 0.1, 3), (Saturation, 0.7, 0)],
    [(Solarise, 0.4, 5), (AutoContrast, 0.9, 0)],
    [(TranslateY, 0.9, 9), (TranslateY, 0.7, 9)],
    [(AutoContrast, 0.9, 0), (Solarise, 0.8, 3)],
    [(Equalise, 0.8, 0), (Invert, 0.1, 0)],
    [(TranslateY, 0.7, 9), (AutoContrast, 0.9, 0)],
];

#[rustfmt::skip]
const IMAGENET: [[Found; 2]; 25] = [
    [(Posterise, 0.4, 8), (Rotate, 0.6, 9)],
    [(Solarise, 0.6, 5), (AutoContrast, 0.6, 0)],
    [(Equalise, 0.8, 0), (Equalise, 0.6, 0)],
    [(Posterise, 0.6, 7), (Posterise, 0.6, 6)],
    [(Equalise, 0.4, 0), (Solarise, 0.2, 4)],
    [(Equalise, 0.4, 0), (Rotate, 0.8, 8)],
    [(Solarise, 0.6, 3), (Equalise, 0.6, 0)],
    [(Posterise, 0.8, 5), (Equalise, 1.0, 0)],
    [(Rotate, 0.2, 3), (Solarise, 0.6, 8)],
    [(Equalise, 0.6, 0), (Posterise, 0.4, 6)],
    [(Rotate, 0.8, 8), (Saturation, 0.4, 0)],
    [(Rotate, 0.4, 9), (Equalise, 0.6, 0)],
    [(Equalise, 0.0, 0), (Equalise, 0.8, 0)],
    [(Invert, 0.6, 0), (Equalise, 1.0, 0)],
    [(Saturation, 0.6, 4), (Contrast, 1.0, 8)],
    [(Rotate, 0.8, 8), (Saturation, 1.0, 2)],
    [(Saturation, 0.8, 8), (Solarise, 0.8, 7)],
    [(Sharpness, 0.4, 7), (Invert, 0.6, 0)],
    [(ShearX, 0.6, 5), (Equalise, 1.0, 0)],
    [(Saturation, 0.4, 0), (Equalise, 0.6, 0)],
    [(Equalise, 0.4, 0), (Solarise, 0.2, 4)],
    [(Solarise, 0.6, 5), (AutoContrast, 0.6, 0)],
    [(Invert, 0.6, 0), (Equalise, 1.0, 0)],
    [(Saturation, 0.6, 4), (Contrast, 1.0, 8)],
    [(Equalise, 0.8, 0), (Equalise, 0.6, 0)],
];

#[rustfmt::skip]
const SVHN: [[Found; 2]; 25] = [
    [(ShearX, 0.9, 4), (Invert, 0.2, 0)],
    [(ShearY, 0.9, 8), (Invert, 0.7, 0)],
    [(Equalise, 0.6, 0), (Solarise, 0.6, 6)],
    [(Invert, 0.9, 0), (Equalise, 0.6, 0)],
    [(Equalise, 0.6, 0), (Rotate, 0.9, 3)],
    [(ShearX, 0.9, 4), (AutoContrast, 0.8, 0)],
    [(ShearY, 0.9, 8), (Invert, 0.4, 0)],
    [(ShearY, 0.9, 5), (Solarise, 0.2, 6)],
    [(Invert, 0.9, 0), (AutoContrast, 0.8, 0)],
    [(Equalise, 0.6, 0), (Rotate, 0.9, 3)],
    [(ShearX, 0.9, 4), (Solarise, 0.3, 3)],
    [(ShearY, 0.8, 8), (Invert, 0.7, 0)],
    [(Equalise, 0.9, 0), (TranslateY, 0.6, 6)],
    [(Invert, 0.9, 0), (Equalise, 0.6, 0)],
    [(Contrast, 0.3, 3), (Rotate, 0.8, 4)],
    [(Invert, 0.8, 0), (TranslateY, 0.0, 2)],
    [(ShearY, 0.7, 6), (Solarise, 0.4, 8)],
    [(Invert, 0.6, 0), (Rotate, 0.8, 4)],
    [(ShearY, 0.3, 7), (TranslateX, 0.9, 3)],
    [(ShearX, 0.1, 6), (Invert, 0.6, 0)],
    [(Solarise, 0.7, 2), (TranslateY, 0.6, 7)],
    [(ShearY, 0.8, 4), (Invert, 0.8, 0)],
    [(ShearX, 0.7, 9), (TranslateY, 0.8, 3)],
    [(ShearY, 0.8, 5), (AutoContrast, 0.7, 0)],
    [(ShearX, 0.7, 2), (Invert, 0.1, 0)],
];
