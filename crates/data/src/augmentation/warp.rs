//! Sampling a picture along any map of the plane.

use super::border::Border;
use super::homography::{Homography, Point};
use super::separable::stretch;
use super::{Displacement, Image};

/// Beyond this many old pixels per new one, linear interpolation skips so much that fine patterns turn into false
/// coarse ones, and the picture is first made smaller.
const TOO_COARSE: f64 = 1.5;

/// Where in the source each pixel of the target is read.
pub(super) struct Sampling<'a> {
    /// From places in the target to places in the source.
    pub(super) inverse: Homography,
    /// What is added to a place in the target before that.
    pub(super) displacement: Option<&'a Displacement>,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) border: Border,
}

impl Sampling<'_> {
    fn place(&self, row: usize, column: usize) -> Point {
        let mut place = (column as f64 + 0.5, row as f64 + 0.5);
        if let Some(displacement) = self.displacement {
            let (right, down) = displacement.of_pixel(row, column);
            place = (place.0 + right, place.1 + down);
        }
        let (x, y) = self.inverse.apply(place);
        // So far outside, one place is as good as another, and sums stay finite.
        (x.clamp(-1e9, 1e9), y.clamp(-1e9, 1e9))
    }

    /// The picture, interpolated linearly.
    pub(super) fn image(&self, image: &Image) -> Image {
        let centre = (self.width as f64 / 2.0, self.height as f64 / 2.0);
        let (x, y) = self.inverse.stretch_at(centre);
        if x > TOO_COARSE || y > TOO_COARSE {
            let reduced = |side: usize, coarse: f64| match coarse > TOO_COARSE {
                true => ((side as f64 / coarse).ceil() as usize).max(1),
                false => side,
            };
            let (height, width) = (reduced(image.height(), y), reduced(image.width(), x));
            if (height, width) != (image.height(), image.width()) {
                let x = width as f64 / image.width() as f64;
                let y = height as f64 / image.height() as f64;
                let smaller = stretch(image, [(x, 0.0), (y, 0.0)], height, width, None);
                return self.after(Homography::scaling(x, y)).interpolate(&smaller);
            }
        }
        self.interpolate(image)
    }

    fn after(&self, scaling: Homography) -> Self {
        Self { inverse: self.inverse.then(scaling), ..*self }
    }

    fn interpolate(&self, image: &Image) -> Image {
        let (height, width) = (image.height(), image.width());
        let mut pixels = vec![0; image.channels() * self.height * self.width];
        let area = self.height * self.width;
        let mut taps = vec![Tap::default(); self.width];
        for row in 0..self.height {
            for (column, tap) in taps.iter_mut().enumerate() {
                *tap = Tap::at(self.place(row, column), height, width);
            }
            for (channel, plane) in image.planes().enumerate() {
                let begin = channel * area + row * self.width;
                let fill = self.border.fill(channel);
                for (tap, to) in taps.iter().zip(&mut pixels[begin..begin + self.width]) {
                    *to = if tap.inside {
                        let first = &plane[tap.row as usize * width + tap.column as usize..];
                        tap.blend(first[0], first[1], first[width], first[width + 1])
                    } else {
                        let value = |down: isize, right: isize| {
                            let row = self.border.resolve(tap.row + down, height);
                            let column = self.border.resolve(tap.column + right, width);
                            row.zip(column).map_or(fill, |(row, column)| plane[row * width + column])
                        };
                        tap.blend(value(0, 0), value(0, 1), value(1, 0), value(1, 1))
                    };
                }
            }
        }
        Image::new(image.channels(), self.height, self.width, pixels)
    }

    /// The plane with every pixel taken from the one that it lies in.
    pub(super) fn nearest<T: Copy>(&self, plane: &[T], height: usize, width: usize, outside: T) -> Vec<T> {
        let mut values = Vec::with_capacity(self.height * self.width);
        for row in 0..self.height {
            values.extend((0..self.width).map(|column| {
                let (x, y) = self.place(row, column);
                let row = self.border.resolve(y.floor() as isize, height);
                let column = self.border.resolve(x.floor() as isize, width);
                row.zip(column).map_or(outside, |(row, column)| plane[row * width + column])
            }));
        }
        values
    }
}

/// Four pixels around a place and how close it is to each.
#[derive(Clone, Copy, Default)]
struct Tap {
    /// The row and column of the upper left pixel.
    row: isize,
    column: isize,
    right: f32,
    down: f32,
    /// Whether all four are in the picture.
    inside: bool,
}

impl Tap {
    fn at((x, y): Point, height: usize, width: usize) -> Self {
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (column, row) = (left as isize, top as isize);
        let inside = column >= 0 && row >= 0 && column + 1 < width as isize && row + 1 < height as isize;
        Self { row, column, right: (x - left) as f32, down: (y - top) as f32, inside }
    }

    fn blend(&self, a: u8, b: u8, c: u8, d: u8) -> u8 {
        let mix = |from: f32, to: f32, part: f32| from + (to - from) * part;
        let upper = mix(f32::from(a), f32::from(b), self.right);
        let lower = mix(f32::from(c), f32::from(d), self.right);
        (mix(upper, lower, self.down) + 0.5) as u8
    }
}
