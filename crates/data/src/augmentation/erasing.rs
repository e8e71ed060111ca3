//! Rectangles that are taken out of pictures.

use std::ops::Range;

use super::{Augment, Interval, Sample, Stage};
use crate::Randomness;

/// What takes the place of what was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fill {
    /// These values for red, green and blue; gray pictures take the first, further channels the last.
    Constant([u8; 3]),
    /// The mean of each channel.
    Mean,
    /// A number of its own for every value, all equally likely.
    Noise,
}

/// Takes rectangles of random area, proportions and places out of the picture. Boxes and masks stay as they are, as
/// the object is still there; keypoints in a rectangle are no longer visible.
///
/// Source: Z. Zhong et al., *Random erasing data augmentation*, AAAI 2020.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Erasing {
    /// How many rectangles.
    pub count: usize,
    /// The part of the area of the picture that each has.
    pub area: Interval,
    /// Width over height; its logarithm is uniform.
    pub aspect: Interval,
    /// What takes their place.
    pub fill: Fill,
}

impl Default for Erasing {
    /// One rectangle of 2 % to 33 % of the area, from 3:10 to 10:3, filled with noise.
    fn default() -> Self {
        let (area, aspect) = (Interval { low: 0.02, high: 0.33 }, Interval { low: 0.3, high: 1.0 / 0.3 });
        Self { count: 1, area, aspect, fill: Fill::Noise }
    }
}

impl Augment for Erasing {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let (height, width) = stage.size();
        for _ in 0..self.count {
            // As in the paper, a rectangle that does not fit is drawn again; some pictures have no room for any.
            for _ in 0..10 {
                let area = self.area.draw(randomness) * (height * width) as f32;
                let aspect = self.aspect.draw_logarithmic(randomness);
                let across = (area * aspect).sqrt().round() as usize;
                let along = (area / aspect).sqrt().round() as usize;
                if across < width && along < height {
                    let top = randomness.below(height - along + 1);
                    let left = randomness.below(width - across + 1);
                    erase(stage.sample_mut(), top..top + along, left..left + across, self.fill, randomness);
                    break;
                }
            }
        }
    }
}

/// Takes squares out of the picture whose centres are anywhere in it, so that parts of them may lie beyond the edges.
/// Annotations are treated as by [`Erasing`].
///
/// Source: T. DeVries, G. W. Taylor, *Improved regularization of convolutional neural networks with cutout*, 2017.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOut {
    /// How many squares.
    pub count: usize,
    /// Pixels on each side.
    pub side: usize,
    /// What takes their place.
    pub fill: Fill,
}

impl CutOut {
    /// One black square.
    pub fn of(side: usize) -> Self {
        Self { count: 1, side, fill: Fill::Constant([0; 3]) }
    }
}

impl Augment for CutOut {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let (height, width) = stage.size();
        for _ in 0..self.count {
            let mut range = |len: usize| {
                let centre = randomness.below(len);
                let begin = centre.saturating_sub(self.side / 2);
                begin..(centre + self.side - self.side / 2).min(len)
            };
            let (rows, columns) = (range(height), range(width));
            erase(stage.sample_mut(), rows, columns, self.fill, randomness);
        }
    }
}

fn erase(
    sample: &mut Sample,
    rows: Range<usize>,
    columns: Range<usize>,
    fill: Fill,
    randomness: &mut Randomness,
) {
    let width = sample.image.width();
    for (channel, plane) in sample.image.planes_mut().enumerate() {
        let value = match fill {
            Fill::Constant(values) => values[channel.min(2)],
            Fill::Mean => {
                let sum: u64 = plane.iter().map(|&value| u64::from(value)).sum();
                (sum as f64 / plane.len() as f64).round() as u8
            }
            Fill::Noise => 0,
        };
        for row in rows.clone() {
            let part = &mut plane[row * width..][columns.clone()];
            match fill {
                Fill::Noise => part.iter_mut().for_each(|value| *value = (randomness.bits() >> 56) as u8),
                _ => part.fill(value),
            }
        }
    }
    let within = |place: f32, range: &Range<usize>| place >= range.start as f32 && place < range.end as f32;
    for keypoint in &mut sample.keypoints {
        keypoint.visible &= !(within(keypoint.x, &columns) && within(keypoint.y, &rows));
    }
}
