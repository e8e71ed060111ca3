//! Pictures.

use std::sync::Arc;

use bolete_formats::picture::Picture;

use crate::Axes;
use crate::mark::{Extent, Mark, Plane, styles};
use crate::numbers::Numbers;
use crate::scene::{Item, Rect};

/// A picture of bytes. Pixel (row, column) covers `column..column + 1` of the horizontal axis and `row..row + 1` of
/// the vertical one, which [`Image::panel`] lets run downwards, so that boxes and points in pixels fit on it.
#[derive(Clone, Debug)]
pub struct Image {
    picture: Arc<Picture>,
    smooth: bool,
    opacity: f64,
}

impl Image {
    /// A picture.
    pub fn new(picture: Picture) -> Self {
        Self { picture: Arc::new(picture), smooth: false, opacity: 1.0 }
    }

    /// A gray picture: `width * height` bytes, rows from the top.
    ///
    /// # Panics
    /// If a side is 0 or the number of bytes is another.
    #[track_caller]
    pub fn gray(width: usize, height: usize, pixels: &[u8]) -> Self {
        Self::of(width, height, 1, pixels)
    }

    /// A colour picture: `width * height * 3` bytes, red, green and blue next to each other.
    ///
    /// # Panics
    /// If a side is 0 or the number of bytes is another.
    #[track_caller]
    pub fn rgb(width: usize, height: usize, pixels: &[u8]) -> Self {
        Self::of(width, height, 3, pixels)
    }

    /// A gray picture from numbers, `low` black and `high` white; what is not a number is black.
    ///
    /// # Panics
    /// If a side is 0 or the number of values is not `width * height`.
    #[track_caller]
    pub fn values(
        width: usize,
        height: usize,
        values: &(impl Numbers + ?Sized),
        low: f64,
        high: f64,
    ) -> Self {
        let byte = |value: f64| ((value - low) / (high - low) * 255.0).round().clamp(0.0, 255.0) as u8;
        let bytes: Vec<u8> = values.numbers().into_iter().map(byte).collect();
        Self::gray(width, height, &bytes)
    }

    /// A colour picture from numbers in planes, `[3, height, width]` as networks have them; `low` is none of a colour
    /// and `high` all of it.
    ///
    /// # Panics
    /// If a side is 0 or the number of values is not `3 * width * height`.
    #[track_caller]
    pub fn planes(
        width: usize,
        height: usize,
        values: &(impl Numbers + ?Sized),
        low: f64,
        high: f64,
    ) -> Self {
        let values = values.numbers();
        let area = width * height;
        assert!(values.len() == 3 * area, "expected 3 x {height} x {width} values, found {}", values.len());
        let byte = |value: f64| ((value - low) / (high - low) * 255.0).round().clamp(0.0, 255.0) as u8;
        let pixels: Vec<u8> =
            (0..area).flat_map(|at| [0, 1, 2].map(|plane| byte(values[plane * area + at]))).collect();
        Self::rgb(width, height, &pixels)
    }

    #[track_caller]
    fn of(width: usize, height: usize, channels: usize, pixels: &[u8]) -> Self {
        match Picture::new(width, height, channels, pixels.to_vec()) {
            Ok(picture) => Self::new(picture),
            Err(error) => panic!("{error}"),
        }
    }

    /// Mixes colours between pixels.
    #[must_use]
    pub fn smooth(mut self) -> Self {
        self.smooth = true;
        self
    }

    /// Width and height in pixels.
    pub(crate) fn sides(&self) -> (f64, f64) {
        (self.picture.width() as f64, self.picture.height() as f64)
    }

    /// A panel that shows the picture, without axes, pixels square and rows downwards. Boxes, masks and points can be
    /// added to it with [`Axes::with`].
    pub fn panel(self, title: impl Into<String>) -> Axes {
        let (width, height) = (self.picture.width() as f64, self.picture.height() as f64);
        // Small pictures are enlarged by whole factors, so that all pixels are equally large.
        let longest = width.max(height);
        let scale =
            if longest <= 220.0 { (220.0 / longest).round().max(1.0) } else { (320.0 / longest).min(1.0) };
        Axes::new(title)
            .equal_aspect()
            .no_axes()
            .reverse_y()
            .x_range(0.0, width)
            .y_range(0.0, height)
            .area(width * scale, height * scale)
            .with(self)
    }
}

styles!(Image: opacity);

impl Mark for Image {
    fn extent(&self, extent: &mut Extent) {
        extent.x.include_all(&[0.0, self.picture.width() as f64]);
        extent.y.include_all(&[0.0, self.picture.height() as f64]);
        extent.x.snug();
        extent.y.snug();
    }

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let (width, height) = (self.picture.width() as f64, self.picture.height() as f64);
        let (Some(from), Some(to)) = (plane.point(0.0, 0.0), plane.point(width, height)) else { return };
        let picture =
            if to.y < from.y { Arc::new(flipped(&self.picture)) } else { Arc::clone(&self.picture) };
        let rect = Rect::between(from, to);
        out.push(Item::Picture { picture, rect, smooth: self.smooth, opacity: self.opacity });
    }

    fn covers(&self) -> bool {
        true
    }
}

/// The picture with its last row first, for an axis that runs upwards.
fn flipped(picture: &Picture) -> Picture {
    let row = picture.width() * picture.channels();
    let pixels = picture.pixels().chunks_exact(row).rev().flatten().copied().collect();
    Picture::new(picture.width(), picture.height(), picture.channels(), pixels)
        .expect("as many pixels as before")
}
