//! A picture with what is known about places in it.

use super::Image;

/// A picture and its annotations, which geometric changes move along with it.
///
/// # Examples
/// ```
/// use bolete_data::Randomness;
/// use bolete_data::augmentation::{Augmentation, Flip, Image, Keypoint, Sample};
///
/// let sample = Sample {
///     keypoints: vec![Keypoint { x: 0.5, y: 0.5, visible: true }],
///     ..Sample::from(Image::new(1, 1, 3, vec![9, 0, 0]))
/// };
/// let flipped = Augmentation::of(Flip::horizontal(1.0)).apply(sample, &mut Randomness::new(1));
/// assert_eq!(flipped.image.pixels(), [0, 0, 9]);
/// assert_eq!(flipped.keypoints[0].x, 2.5);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The picture.
    pub image: Image,
    /// Rectangles around objects. Those of which too little is left are dropped.
    pub boxes: Vec<BoundingBox>,
    /// A class or object number for every pixel, each of the size of the picture.
    pub masks: Vec<Mask>,
    /// Points of interest. They are never dropped, so a position in the list keeps its meaning.
    pub keypoints: Vec<Keypoint>,
}

impl From<Image> for Sample {
    /// A picture without annotations.
    fn from(image: Image) -> Self {
        Self { image, boxes: Vec::new(), masks: Vec::new(), keypoints: Vec::new() }
    }
}

/// A rectangle along the axes, in continuous coordinates: the whole picture is `0, 0, width, height`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// The left side.
    pub left: f32,
    /// The upper side.
    pub top: f32,
    /// The right side.
    pub right: f32,
    /// The lower side.
    pub bottom: f32,
    /// What the rectangle is around.
    pub label: i64,
    /// The part of its area that is still in the picture, from 1 for a new rectangle.
    pub visible: f32,
}

impl BoundingBox {
    /// A rectangle that is visible as a whole.
    pub fn new(left: f32, top: f32, right: f32, bottom: f32, label: i64) -> Self {
        Self { left, top, right, bottom, label, visible: 1.0 }
    }

    /// Width times height.
    pub fn area(&self) -> f32 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }
}

/// A point, in continuous coordinates: the centre of the first pixel is at 0.5, 0.5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keypoint {
    /// From the left side of the picture.
    pub x: f32,
    /// From its upper side.
    pub y: f32,
    /// Whether it is to be seen. Points that leave the picture or are erased no longer are.
    pub visible: bool,
}

/// A number for every pixel, `[height, width]` row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Rows.
    pub height: usize,
    /// Pixels per row.
    pub width: usize,
    /// The numbers.
    pub values: Vec<u16>,
    /// The number of what comes in from outside of the picture, where the border is constant: background, or "do not
    /// count".
    pub outside: u16,
}
