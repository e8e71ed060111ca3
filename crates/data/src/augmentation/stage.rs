//! Where augmentations work: a picture, and the geometric changes that it has yet to undergo.

use super::annotations::{move_boxes, move_keypoints};
use super::border::Border;
use super::copy::{AxisCopy, copy_plane};
use super::separable::stretch;
use super::warp::Sampling;
use super::{Displacement, Homography, Image, Mask, Sample};

/// Points between the corners of a rectangle that are followed where straight lines do not stay straight.
const BETWEEN_CORNERS: usize = 15;

/// A sample under change.
///
/// Geometric changes that follow each other are only noted ([`warp`](Self::warp)) and multiplied; the picture is
/// sampled once, when something needs its pixels ([`sample_mut`](Self::sample_mut)) or at the end. So a crop between
/// two other changes cuts nothing off that they bring back, and a box that is turned and turned back is as tight as
/// before; with a change of pixels in between, it is a box around a box.
#[derive(Debug)]
pub struct Stage {
    sample: Sample,
    pending: Option<Pending>,
    least_visible: f32,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    /// From the sample as it is to what it becomes.
    forward: Homography,
    height: usize,
    width: usize,
    /// None as long as no change asked for one.
    border: Option<Border>,
}

impl Stage {
    #[track_caller]
    pub(super) fn new(sample: Sample, least_visible: f32) -> Self {
        for mask in &sample.masks {
            assert!(
                (mask.height, mask.width) == (sample.image.height(), sample.image.width())
                    && mask.values.len() == mask.height * mask.width,
                "a mask of {}x{} with {} values does not fit an image of {}x{}",
                mask.height,
                mask.width,
                mask.values.len(),
                sample.image.height(),
                sample.image.width()
            );
        }
        Self { sample, pending: None, least_visible }
    }

    /// Rows and pixels per row, after all that was noted.
    pub fn size(&self) -> (usize, usize) {
        match &self.pending {
            Some(pending) => (pending.height, pending.width),
            None => (self.sample.image.height(), self.sample.image.width()),
        }
    }

    /// Channels of the picture.
    pub fn channels(&self) -> usize {
        self.sample.image.channels()
    }

    /// Notes that the picture goes through `forward`, from old to new places, into a picture of `(height, width)`.
    ///
    /// `border` is what lies beyond the edges of the old picture; None for changes that do not look there. Another
    /// border than that of the changes noted before makes those happen first.
    ///
    /// # Panics
    /// If a side is 0 or `forward` flattens the plane.
    #[track_caller]
    pub fn warp(&mut self, forward: Homography, (height, width): (usize, usize), border: Option<Border>) {
        assert!(height > 0 && width > 0, "a picture of {height}x{width} pixels cannot be made");
        assert!(forward.inverse().is_some(), "the map {forward:?} has no inverse");
        let pending = self.compatible(border);
        self.pending = Some(Pending {
            forward: pending.forward.then(forward),
            height,
            width,
            border: pending.border.or(border),
        });
    }

    /// Looks for every new pixel at another place; all changes noted before happen in the same step.
    ///
    /// # Panics
    /// If `displacement` has another size than the picture.
    #[track_caller]
    pub fn displace(&mut self, displacement: &Displacement, border: Border) {
        assert_eq!(displacement.size(), self.size(), "the sizes of a displacement and of the picture");
        let pending = self.compatible(Some(border));
        self.resample(
            Pending { border: Some(pending.border.unwrap_or(border)), ..pending },
            Some(displacement),
        );
    }

    /// The sample, after all changes noted so far.
    pub fn sample_mut(&mut self) -> &mut Sample {
        if let Some(pending) = self.pending.take() {
            self.resample(pending, None);
        }
        &mut self.sample
    }

    /// The picture, after all changes noted so far.
    pub fn image_mut(&mut self) -> &mut Image {
        &mut self.sample_mut().image
    }

    /// Exchanges keypoints, as the left and right eye of a mirrored face.
    ///
    /// # Panics
    /// If there are no keypoints of these numbers, unless there are none at all.
    #[track_caller]
    pub fn swap_keypoints(&mut self, pairs: &[(usize, usize)]) {
        // Their order does not depend on their places, so what was noted need not happen first.
        if !self.sample.keypoints.is_empty() {
            pairs.iter().for_each(|&(first, second)| self.sample.keypoints.swap(first, second));
        }
    }

    pub(super) fn finish(mut self) -> Sample {
        self.sample_mut();
        self.sample
    }

    /// What was noted, if it can be done in one step with a change of this border, else nothing after doing it.
    fn compatible(&mut self, border: Option<Border>) -> Pending {
        if let Some(pending) = self.pending.take() {
            if border.is_none() || pending.border.is_none() || border == pending.border {
                return pending;
            }
            self.resample(pending, None);
        }
        let (height, width) = (self.sample.image.height(), self.sample.image.width());
        Pending { forward: Homography::IDENTITY, height, width, border: None }
    }

    fn resample(&mut self, pending: Pending, displacement: Option<&Displacement>) {
        let Pending { forward, height, width, border } = pending;
        let (old_height, old_width) = (self.sample.image.height(), self.sample.image.width());
        let axes = forward.along_axes().filter(|_| displacement.is_none());
        let copy = axes.and_then(|[x, y]| {
            Some((AxisCopy::new(y, old_height, height)?, AxisCopy::new(x, old_width, width)?))
        });
        if copy.is_some_and(|(rows, columns)| rows.is_identity() && columns.is_identity()) {
            return;
        }

        // Warps have inverses, and so have their products.
        let inverse = forward.inverse().unwrap_or(Homography::IDENTITY);
        let sampling =
            Sampling { inverse, displacement, height, width, border: border.unwrap_or(Border::Edge) };
        let Sample { image, boxes, masks, keypoints } = &mut self.sample;
        *image = match (copy, axes) {
            (Some((rows, columns)), _) => {
                let mut pixels = Vec::with_capacity(image.channels() * height * width);
                for (channel, plane) in image.planes().enumerate() {
                    let fill = sampling.border.fill(channel);
                    copy_plane(plane, &rows, &columns, sampling.border, fill, &mut pixels);
                }
                Image::new(image.channels(), height, width, pixels)
            }
            (None, Some(axes)) => {
                // A filter that is wider than a pixel sees beyond edges that the change itself does not.
                let (low, high) = (inverse.apply((0.0, 0.0)), inverse.apply((width as f64, height as f64)));
                let within = |a: f64, b: f64, side: usize| a.min(b) > -1e-6 && a.max(b) < side as f64 + 1e-6;
                let inside = within(low.0, high.0, old_width) && within(low.1, high.1, old_height);
                stretch(image, axes, height, width, border.filter(|_| !inside))
            }
            (None, None) => sampling.image(image),
        };
        for mask in masks {
            let values = match copy {
                Some((rows, columns)) => {
                    let mut values = Vec::with_capacity(height * width);
                    copy_plane(&mask.values, &rows, &columns, sampling.border, mask.outside, &mut values);
                    values
                }
                None => sampling.nearest(&mask.values, old_height, old_width, mask.outside),
            };
            *mask = Mask { height, width, values, outside: mask.outside };
        }
        let map = |point| {
            let point = forward.apply(point);
            displacement.map_or(point, |displacement| displacement.find(point))
        };
        let between = if displacement.is_some() { BETWEEN_CORNERS } else { 0 };
        move_boxes(boxes, map, between, (height, width), self.least_visible);
        move_keypoints(keypoints, map, (height, width));
    }
}
