//! Images of another size: interpolation, and positions exchanged for channels.

use crate::{Shape, Tensor};

/// How values between the positions of a grid are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Interpolation {
    /// The position whose cell starts at or before the point, as PyTorch's `nearest` and OpenCV do.
    Nearest,
    /// The position whose centre is nearest, as Pillow and PyTorch's `nearest-exact` do.
    NearestExact,
    /// Between the two nearest positions of each axis (linear, bilinear, trilinear).
    #[default]
    Linear,
    /// A cubic through the four nearest positions of each axis (Keys, 1981) with a = −0.75, or −0.5 with antialiasing.
    Cubic,
    /// The mean of the positions that a cell of the result touches (adaptive average pooling).
    Area,
}

/// How to resize.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resize {
    /// How values in between are found.
    pub interpolation: Interpolation,
    /// Whether the centres of the outermost positions stay where they are, instead of the outer edges of their cells.
    /// Only for linear and cubic interpolation.
    pub align_corners: bool,
    /// Whether the interpolation widens when the image shrinks, so that every position counts. Only for linear and cubic
    /// interpolation without aligned corners.
    pub antialias: bool,
}

impl Resize {
    /// Resizing with this interpolation, cells' edges aligned, without antialiasing.
    pub fn new(interpolation: Interpolation) -> Resize {
        Resize { interpolation, ..Resize::default() }
    }

    #[track_caller]
    fn check(&self, name: &str) {
        let smooth = matches!(self.interpolation, Interpolation::Linear | Interpolation::Cubic);
        assert!(
            smooth || !(self.align_corners || self.antialias),
            "{name}: aligned corners and antialiasing are for linear and cubic interpolation, not for {:?}",
            self.interpolation
        );
        assert!(
            !(self.align_corners && self.antialias),
            "{name}: antialiasing does not go with aligned corners"
        );
    }

    /// The positions that make position `to` of the result, with their weights, when `length` positions become `size`.
    fn taps(&self, to: usize, length: usize, size: usize, factor: Option<f64>) -> Vec<(usize, f64)> {
        let last = length - 1;
        let scale = match factor {
            _ if self.align_corners => last as f64 / (size.max(2) - 1) as f64,
            Some(factor) => 1.0 / factor,
            None => length as f64 / size as f64,
        };
        let nearest = |offset: f64| -> usize {
            match factor {
                // Halves in whole numbers: no rounding where a position falls on an edge.
                None => (2 * to + (2.0 * offset) as usize) * length / (2 * size),
                Some(_) => ((to as f64 + offset) * scale) as usize,
            }
        };
        let centre = scale * (to as f64 + 0.5);
        let source = if self.align_corners { scale * to as f64 } else { centre - 0.5 };
        match self.interpolation {
            Interpolation::Nearest => vec![(nearest(0.0).min(last), 1.0)],
            Interpolation::NearestExact => vec![(nearest(0.5).min(last), 1.0)],
            Interpolation::Area => {
                let (start, end) = (to * length / size, ((to + 1) * length).div_ceil(size));
                (start..end).map(|from| (from, 1.0 / (end - start) as f64)).collect()
            }
            Interpolation::Linear | Interpolation::Cubic if self.antialias => {
                let (reach, weight): (f64, fn(f64) -> f64) = match self.interpolation {
                    Interpolation::Linear => (1.0, |x| (1.0 - x.abs()).max(0.0)),
                    _ => (2.0, |x| cubic(x, -0.5)),
                };
                let widening = scale.max(1.0);
                let start = (centre - reach * widening + 0.5).max(0.0) as usize;
                let end = ((centre + reach * widening + 0.5) as usize).min(length).max(start + 1);
                let weights: Vec<f64> =
                    (start..end).map(|from| weight((from as f64 + 0.5 - centre) / widening)).collect();
                let total: f64 = weights.iter().sum();
                (start..end).zip(weights).map(|(from, weight)| (from, weight / total)).collect()
            }
            Interpolation::Linear => {
                let source = source.clamp(0.0, last as f64);
                let (from, part) = (source.floor() as usize, source.fract());
                vec![(from, 1.0 - part), ((from + 1).min(last), part)]
            }
            Interpolation::Cubic => {
                let (from, part) = (source.floor(), source - source.floor());
                let tap = |offset: f64| {
                    let position = (from + offset).clamp(0.0, last as f64) as usize;
                    (position, cubic(offset - part, -0.75))
                };
                [-1.0, 0.0, 1.0, 2.0].map(tap).to_vec()
            }
        }
    }

    /// One axis resized: each position of the result is a weighted sum of a few others.
    #[track_caller]
    fn along(&self, image: &Tensor, axis: usize, size: usize, factor: Option<f64>) -> Tensor {
        let length = image.shape()[axis];
        if self.interpolation == Interpolation::Nearest && factor.is_none() && size.is_multiple_of(length) {
            return image.repeat_interleave(size / length, axis as isize);
        }
        let taps: Vec<Vec<(usize, f64)>> = (0..size).map(|to| self.taps(to, length, size, factor)).collect();
        let most = taps.iter().map(Vec::len).max().unwrap_or(1);
        let (mut positions, mut weights) = (Vec::new(), Vec::new());
        for taps in &taps {
            // Where there are fewer, the last one several times with a part of its weight each: no other value comes in.
            let (last, repeats) = (taps.len() - 1, (most + 1 - taps.len()) as f64);
            for tap in 0..most {
                let (position, weight) = taps[tap.min(last)];
                positions.push(position as i64);
                weights.push(if tap < last { weight } else { weight / repeats });
            }
        }
        if most == 1 {
            return image.take(&Tensor::from_vec(positions, [size]), axis as isize);
        }
        let mut shape = vec![size, most];
        shape.resize(2 + image.rank() - 1 - axis, 1);
        let weights = Tensor::from_vec(weights, shape).cast(image.dtype());
        let taken = image.take(&Tensor::from_vec(positions, [size, most]), axis as isize);
        (taken * weights).sum(axis as isize + 1)
    }
}

/// The cubic convolution kernel of Keys.
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

/// Images of another size.
impl Tensor {
    /// The last axes resized to `size`, as many as it has: `[…, height, width] → […, size[0], size[1]]`. Whole numbers
    /// stay what they are with nearest positions and become floats otherwise.
    ///
    /// ```
    /// use bolete_tensor::{Interpolation, Resize, Tensor};
    /// let row = Tensor::from([0.0f32, 4.0]);
    /// let wide = row.resize(&[4], &Resize::new(Interpolation::Linear));
    /// assert_eq!(wide.to_vec::<f32>(), [0.0, 1.0, 3.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If there are fewer axes, an axis or its new length is 0, or the options do not go together.
    #[track_caller]
    pub fn resize(&self, size: &[usize], options: &Resize) -> Tensor {
        self.resized("resize", size, None, options)
    }

    /// The last axes resized by `factors`, as many as there are, lengths rounded down. Between positions of the result lie
    /// `1 / factor` positions exactly, also where the length was rounded (except for [`Interpolation::Area`]).
    ///
    /// # Panics
    /// Like [`resize`](Tensor::resize); if a factor is not positive.
    #[track_caller]
    pub fn resize_by(&self, factors: &[f64], options: &Resize) -> Tensor {
        assert!(
            factors.iter().all(|factor| *factor > 0.0 && factor.is_finite()),
            "resize_by: the factors {factors:?} must be positive"
        );
        assert!(
            factors.len() <= self.rank(),
            "resize_by: {} has fewer axes than there are factors {factors:?}",
            self.shape()
        );
        let lengths = &self.shape()[self.rank() - factors.len()..];
        let size: Vec<usize> =
            lengths.iter().zip(factors).map(|(length, factor)| (*length as f64 * factor) as usize).collect();
        self.resized("resize_by", &size, Some(factors), options)
    }

    #[track_caller]
    fn resized(&self, name: &str, size: &[usize], factors: Option<&[f64]>, options: &Resize) -> Tensor {
        options.check(name);
        assert!(size.len() <= self.rank(), "{name}: {} has fewer axes than {size:?}", self.shape());
        let first = self.rank() - size.len();
        assert!(
            self.shape()[first..].iter().chain(size).all(|length| *length > 0),
            "{name}: from {} to {size:?}: an axis of length 0 cannot be resized",
            self.shape()
        );
        let keeps = matches!(options.interpolation, Interpolation::Nearest | Interpolation::NearestExact);
        let mut image = if keeps { self.clone() } else { self.cast(self.dtype().to_float()) };
        for (index, size) in size.iter().enumerate() {
            let factor = factors.map(|factors| factors[index]);
            // What does not change length changes only if positions are a factor apart that is not 1.
            if image.shape()[first + index] == *size && factor.is_none_or(|factor| factor == 1.0) {
                continue;
            }
            image = options.along(&image, first + index, *size, factor);
        }
        image
    }

    /// Channels exchanged for positions: `[…, channels · factor², height, width] → […, channels, height · factor,
    /// width · factor]`; the channels that fill a block lie side by side (Shi et al., 2016).
    ///
    /// # Panics
    /// If there are fewer than three axes or the channels do not divide.
    #[track_caller]
    pub fn pixel_shuffle(&self, factor: usize) -> Tensor {
        let [channels, height, width] = self.image_axes("pixel_shuffle");
        self.check_channels("pixel_shuffle", factor * factor);
        let fine = self.ending(3, &[channels / (factor * factor), factor, factor, height, width]);
        fine.ordered(5, &[0, 3, 1, 4, 2])
            .ending(5, &[channels / (factor * factor), height * factor, width * factor])
    }

    /// The inverse of [`pixel_shuffle`](Tensor::pixel_shuffle).
    ///
    /// # Panics
    /// If there are fewer than three axes or height or width does not divide.
    #[track_caller]
    pub fn pixel_unshuffle(&self, factor: usize) -> Tensor {
        let [channels, height, width] = self.check_blocks("pixel_unshuffle", factor);
        let blocks = self.ending(3, &[channels, height, factor, width, factor]);
        blocks.ordered(5, &[0, 2, 4, 1, 3]).ending(5, &[channels * factor * factor, height, width])
    }

    /// Positions exchanged for channels, as TensorFlow and ONNX order them: `[…, channels, height · factor, width ·
    /// factor] → […, factor² · channels, height, width]`, all channels of a position in the block side by side.
    ///
    /// # Panics
    /// If there are fewer than three axes or height or width does not divide.
    #[track_caller]
    pub fn space_to_depth(&self, factor: usize) -> Tensor {
        let [channels, height, width] = self.check_blocks("space_to_depth", factor);
        let blocks = self.ending(3, &[channels, height, factor, width, factor]);
        blocks.ordered(5, &[2, 4, 0, 1, 3]).ending(5, &[channels * factor * factor, height, width])
    }

    /// The inverse of [`space_to_depth`](Tensor::space_to_depth).
    ///
    /// # Panics
    /// If there are fewer than three axes or the channels do not divide.
    #[track_caller]
    pub fn depth_to_space(&self, factor: usize) -> Tensor {
        let [channels, height, width] = self.image_axes("depth_to_space");
        self.check_channels("depth_to_space", factor * factor);
        let fine = self.ending(3, &[factor, factor, channels / (factor * factor), height, width]);
        fine.ordered(5, &[2, 3, 0, 4, 1])
            .ending(5, &[channels / (factor * factor), height * factor, width * factor])
    }

    /// The channels `[…, channels, height, width]` as `groups` lists dealt out in turn: the first of each group, then the
    /// second of each (Zhang et al., 2018).
    ///
    /// # Panics
    /// If there are fewer than three axes or the channels do not divide.
    #[track_caller]
    pub fn channel_shuffle(&self, groups: usize) -> Tensor {
        let [channels, height, width] = self.image_axes("channel_shuffle");
        self.check_channels("channel_shuffle", groups);
        let grouped = self.ending(3, &[groups, channels / groups, height, width]);
        grouped.transpose(-4, -3).ending(4, &[channels, height, width])
    }

    /// Channels, height and width.
    #[track_caller]
    pub(super) fn image_axes(&self, name: &str) -> [usize; 3] {
        assert!(self.rank() >= 3, "{name}: expected […, channels, height, width], found {}", self.shape());
        let last = &self.shape()[self.rank() - 3..];
        [last[0], last[1], last[2]]
    }

    #[track_caller]
    fn check_channels(&self, name: &str, parts: usize) {
        let [channels, ..] = self.image_axes(name);
        assert!(
            parts > 0 && channels.is_multiple_of(parts),
            "{name} of {}: {channels} channels do not divide into {parts}",
            self.shape()
        );
    }

    /// Channels, and height and width in blocks.
    #[track_caller]
    fn check_blocks(&self, name: &str, factor: usize) -> [usize; 3] {
        let [channels, height, width] = self.image_axes(name);
        assert!(
            factor > 0 && height.is_multiple_of(factor) && width.is_multiple_of(factor),
            "{name} of {}: height and width do not divide into blocks of {factor}",
            self.shape()
        );
        [channels, height / factor, width / factor]
    }

    /// The last `count` axes replaced by others.
    #[track_caller]
    fn ending(&self, count: usize, lengths: &[usize]) -> Tensor {
        let kept = &self.shape()[..self.rank() - count];
        self.reshape(kept.iter().chain(lengths).copied().collect::<Shape>())
    }

    /// The last `count` axes in another order.
    #[track_caller]
    fn ordered(&self, count: usize, order: &[usize]) -> Tensor {
        let first = self.rank() - count;
        self.permute_axes((0..first).chain(order.iter().map(|axis| first + axis)).collect())
    }
}
