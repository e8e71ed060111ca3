//! Parts of pictures, other sizes and mirror images.

use super::border::Border;
use super::homography::Homography;
use super::{Augment, Interval, Stage};
use crate::Randomness;

/// A part of a fixed size from a random place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// Rows and pixels per row; None for the size of the picture.
    pub size: Option<(usize, usize)>,
    /// Pixels by which the picture is first made larger on all sides. Where it is still smaller than the crop, it is
    /// made as large, with the picture at a random place.
    pub padding: usize,
    /// What lies in the padding.
    pub border: Border,
}

impl Crop {
    /// A part of `height` and `width`.
    pub fn of(height: usize, width: usize) -> Self {
        Self { size: Some((height, width)), padding: 0, border: Border::BLACK }
    }

    /// The whole picture, moved by up to `padding` pixels along each axis. What comes in is black.
    pub fn padded(padding: usize) -> Self {
        Self { size: None, padding, border: Border::BLACK }
    }

    fn offset(&self, side: usize, cropped: usize, randomness: &mut Randomness) -> f64 {
        let (available, padding) = (side + 2 * self.padding, self.padding as f64);
        match available.checked_sub(cropped) {
            Some(room) => padding - room as f64 + randomness.below(room + 1) as f64,
            None => padding + randomness.below(cropped - available + 1) as f64,
        }
    }
}

impl Augment for Crop {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let (height, width) = stage.size();
        let size = self.size.unwrap_or((height, width));
        let down = self.offset(height, size.0, randomness);
        let right = self.offset(width, size.1, randomness);
        let within = |offset: f64, side, cropped| offset <= 0.0 && offset + side as f64 >= cropped as f64;
        let inside = within(down, height, size.0) && within(right, width, size.1);
        stage.warp(Homography::translation(right, down), size, (!inside).then_some(self.border));
    }
}

/// A part of random area and proportions from a random place, brought to a fixed size.
///
/// Source: C. Szegedy et al., *Going deeper with convolutions*, CVPR 2015, section 6.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResizedCrop {
    /// Rows of the result.
    pub height: usize,
    /// Pixels per row of the result.
    pub width: usize,
    /// The part of the area that is taken.
    pub area: Interval,
    /// Width over height of the part; its logarithm is uniform.
    pub aspect: Interval,
}

impl ResizedCrop {
    /// From 8 % of the area to all of it, from 3:4 to 4:3.
    pub fn of(height: usize, width: usize) -> Self {
        let (area, aspect) = (Interval { low: 0.08, high: 1.0 }, Interval { low: 0.75, high: 4.0 / 3.0 });
        Self { height, width, area, aspect }
    }

    /// Rows and pixels per row of the part.
    fn part(&self, (height, width): (usize, usize), randomness: &mut Randomness) -> (usize, usize) {
        for _ in 0..10 {
            let area = self.area.draw(randomness) * (height * width) as f32;
            let aspect = self.aspect.draw_logarithmic(randomness);
            let across = (area * aspect).sqrt().round() as usize;
            let along = (area / aspect).sqrt().round() as usize;
            if (1..=width).contains(&across) && (1..=height).contains(&along) {
                return (along, across);
            }
        }
        // The largest part in the middle whose proportions are allowed.
        let aspect = (width as f32 / height as f32).clamp(self.aspect.low, self.aspect.high);
        let across = ((height as f32 * aspect).round() as usize).clamp(1, width);
        (((across as f32 / aspect).round() as usize).clamp(1, height), across)
    }
}

impl Augment for ResizedCrop {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let (height, width) = stage.size();
        let (along, across) = self.part((height, width), randomness);
        let top = randomness.below(height - along + 1) as f64;
        let left = randomness.below(width - across + 1) as f64;
        let scale = Homography::scaling(self.width as f64 / across as f64, self.height as f64 / along as f64);
        stage.warp(Homography::translation(-left, -top).then(scale), (self.height, self.width), None);
    }
}

/// The part in the middle. Draws no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CentreCrop {
    /// Rows.
    pub height: usize,
    /// Pixels per row.
    pub width: usize,
    /// What lies around pictures that are smaller.
    pub border: Border,
}

impl CentreCrop {
    /// The middle of `height` and `width`, with black around pictures that are smaller.
    pub fn of(height: usize, width: usize) -> Self {
        Self { height, width, border: Border::BLACK }
    }
}

impl Augment for CentreCrop {
    fn augment(&self, stage: &mut Stage, _: &mut Randomness) {
        let (height, width) = stage.size();
        let offset = |side: usize, cropped: usize| ((cropped as f64 - side as f64) / 2.0).round();
        let map = Homography::translation(offset(width, self.width), offset(height, self.height));
        let inside = height >= self.height && width >= self.width;
        stage.warp(map, (self.height, self.width), (!inside).then_some(self.border));
    }
}

/// Another size. Draws no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resize {
    /// This size, without regard to proportions.
    To {
        /// Rows.
        height: usize,
        /// Pixels per row.
        width: usize,
    },
    /// The shorter side becomes this many pixels; proportions are kept.
    ShorterSide(usize),
    /// The longer side becomes this many pixels; proportions are kept.
    LongerSide(usize),
}

impl Augment for Resize {
    fn augment(&self, stage: &mut Stage, _: &mut Randomness) {
        let (height, width) = stage.size();
        let scaled = |side: usize, reference: usize| {
            let scale = side as f64 / reference as f64;
            let of = |side: usize| ((side as f64 * scale).round() as usize).max(1);
            (of(height), of(width))
        };
        let size = match *self {
            Self::To { height, width } => (height, width),
            Self::ShorterSide(side) => scaled(side, height.min(width)),
            Self::LongerSide(side) => scaled(side, height.max(width)),
        };
        let (x, y) = (size.1 as f64 / width as f64, size.0 as f64 / height as f64);
        stage.warp(Homography::scaling(x, y), size, None);
    }
}

/// The mirror image, now and then.
#[derive(Clone, Debug, PartialEq)]
pub struct Flip {
    /// Whether left and right change places, or else above and below.
    pub horizontal: bool,
    /// How often.
    pub probability: f32,
    /// Keypoints that change their meaning, as the left and right eye.
    pub keypoint_pairs: Vec<(usize, usize)>,
}

impl Flip {
    /// Left and right change places with this probability.
    pub fn horizontal(probability: f32) -> Self {
        Self { horizontal: true, probability, keypoint_pairs: Vec::new() }
    }

    /// Above and below change places with this probability.
    pub fn vertical(probability: f32) -> Self {
        Self { horizontal: false, ..Self::horizontal(probability) }
    }
}

impl Augment for Flip {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        if randomness.chance(self.probability) {
            let (height, width) = stage.size();
            let map = match self.horizontal {
                true => Homography::scaling(-1.0, 1.0).then(Homography::translation(width as f64, 0.0)),
                false => Homography::scaling(1.0, -1.0).then(Homography::translation(0.0, height as f64)),
            };
            stage.warp(map, (height, width), None);
            stage.swap_keypoints(&self.keypoint_pairs);
        }
    }
}
