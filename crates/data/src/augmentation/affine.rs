//! Rotation, shear, translation, scale and perspective.

use super::border::Border;
use super::homography::{Homography, Point};
use super::{Augment, Interval, Stage};
use crate::Randomness;

/// Scales, slants, turns and moves the picture, in this order, about its centre. By default, nothing of these.
///
/// # Examples
/// ```
/// use bolete_data::augmentation::{Affine, Border};
/// let affine = Affine { scale: (0.9..=1.1).into(), border: Border::Reflect, ..Affine::rotation(15.0) };
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Counter-clockwise, in degrees.
    pub rotation: Interval,
    /// To the right, as a part of the width.
    pub right: Interval,
    /// Down, as a part of the height.
    pub down: Interval,
    /// Of lengths; above 0.
    pub scale: Interval,
    /// Angle of the slant along x in degrees, between -90 and 90: upper parts move to the right.
    pub shear_x: Interval,
    /// Angle of the slant along y in degrees, between -90 and 90: left parts move down.
    pub shear_y: Interval,
    /// What lies beyond the edges.
    pub border: Border,
}

impl Default for Affine {
    fn default() -> Self {
        let none = Interval::exactly(0.0);
        Self {
            rotation: none,
            right: none,
            down: none,
            scale: Interval::exactly(1.0),
            shear_x: none,
            shear_y: none,
            border: Border::BLACK,
        }
    }
}

impl Affine {
    /// Turns by up to so many degrees either way.
    pub fn rotation(degrees: f32) -> Self {
        Self { rotation: Interval::around(0.0, degrees), ..Self::default() }
    }

    /// Slants by up to so many degrees either way, along both axes.
    pub fn shear(degrees: f32) -> Self {
        let shear = Interval::around(0.0, degrees);
        Self { shear_x: shear, shear_y: shear, ..Self::default() }
    }

    /// Moves by up to this part of the width and of the height, either way.
    pub fn translation(part: f32) -> Self {
        let part = Interval::around(0.0, part);
        Self { right: part, down: part, ..Self::default() }
    }
}

impl Augment for Affine {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let mut draw = |interval: Interval| f64::from(interval.draw(randomness));
        let (rotation, right, down) = (draw(self.rotation), draw(self.right), draw(self.down));
        let (scale, shear_x, shear_y) = (draw(self.scale), draw(self.shear_x), draw(self.shear_y));
        let (height, width) = stage.size();
        let (across, along) = (width as f64, height as f64);
        let map = Homography::scaling(scale, scale)
            .then(Homography::shear(shear_x, shear_y))
            .then(Homography::rotation(rotation))
            .around((across / 2.0, along / 2.0))
            .then(Homography::translation(right * across, down * along));
        stage.warp(map, (height, width), Some(self.border));
    }
}

/// The picture as seen from aside: each corner moves inwards by a random part of half the sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perspective {
    /// The largest part, from 0 to below 1.
    pub distortion: f32,
    /// What lies beyond the edges.
    pub border: Border,
}

impl Default for Perspective {
    /// Half of half the sides; black beyond the edges.
    fn default() -> Self {
        Self { distortion: 0.5, border: Border::BLACK }
    }
}

impl Augment for Perspective {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let (height, width) = stage.size();
        let (across, along) = (width as f64, height as f64);
        let mut part = || f64::from(self.distortion * randomness.uniform()) / 2.0;
        let mut inwards = |x: f64, y: f64| -> Point {
            let (right, down) = (part() * across, part() * along);
            (if x == 0.0 { right } else { x - right }, if y == 0.0 { down } else { y - down })
        };
        let corners = [(0.0, 0.0), (across, 0.0), (across, along), (0.0, along)];
        let moved = corners.map(|(x, y)| inwards(x, y));
        // Corners on one line have no map; only distortions close to 1 get there.
        if let Some(map) = Homography::from_corners(corners, moved).filter(|map| map.inverse().is_some()) {
            stage.warp(map, (height, width), Some(self.border));
        }
    }
}
