//! What is drawn on pictures: boxes, masks, attention and keypoints. Positions are pixels of the picture.

use std::sync::Arc;

use bolete_formats::picture::Picture;

use crate::mark::{Extent, Key, Mark, Plane, Swatch, styles};
use crate::marker::Marker;
use crate::marks::scatter::value_range;
use crate::numbers::{self, Numbers};
use crate::scene::{Item, Path, Point, Rect, Stroke, Text};
use crate::{Colour, ColourMap, font};

/// Boxes with labels, as a detector gives them.
#[derive(Clone, Debug)]
pub struct Boxes {
    boxes: Vec<[f64; 4]>,
    labels: Vec<String>,
    classes: Vec<usize>,
    label: String,
    colour: Option<Colour>,
    width: f64,
    opacity: f64,
    dashes: Vec<f64>,
}

impl Boxes {
    /// Boxes `[left, top, right, bottom]`.
    pub fn new(boxes: &[[f64; 4]]) -> Self {
        let (labels, classes, dashes) = (Vec::new(), Vec::new(), Vec::new());
        let (label, colour) = (String::new(), None);
        Self { boxes: boxes.to_vec(), labels, classes, label, colour, width: 2.0, opacity: 1.0, dashes }
    }

    /// Writes a label, such as a class and a score, at each box.
    ///
    /// # Panics
    /// If there are not as many labels as boxes.
    #[track_caller]
    #[must_use]
    pub fn labels<S: AsRef<str>>(mut self, labels: &[S]) -> Self {
        numbers::same_length(["labels", "boxes"], [labels.len(), self.boxes.len()]);
        self.labels = labels.iter().map(|label| label.as_ref().to_string()).collect();
        self
    }

    /// Colours each box by its class.
    ///
    /// # Panics
    /// If there are not as many classes as boxes.
    #[track_caller]
    #[must_use]
    pub fn classes(mut self, classes: &[usize]) -> Self {
        numbers::same_length(["classes", "boxes"], [classes.len(), self.boxes.len()]);
        self.classes = classes.to_vec();
        self
    }

    fn paint(&self, index: usize, series: usize) -> Colour {
        let class = self.classes.get(index).copied().unwrap_or(0);
        self.colour.unwrap_or(Colour::series(series + class)).opacity(self.opacity)
    }
}

styles!(Boxes: label, colour, width, opacity, dashes);

impl Mark for Boxes {
    fn extent(&self, extent: &mut Extent) {
        for &[left, top, right, bottom] in &self.boxes {
            extent.x.include_all(&[left, right]);
            extent.y.include_all(&[top, bottom]);
        }
    }

    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>) {
        const SIZE: f64 = 10.0;
        for (index, &[left, top, right, bottom]) in self.boxes.iter().enumerate() {
            let (Some(from), Some(to)) = (plane.point(left, top), plane.point(right, bottom)) else {
                continue;
            };
            let colour = self.paint(index, series);
            let stroke = Stroke::new(colour, self.width).dashes(&self.dashes);
            let rect = Rect::between(from, to);
            out.push(Item::stroke(Path::rect(rect), stroke));
            if let Some(label) = self.labels.get(index).filter(|label| !label.is_empty()) {
                let width = font::width(label, SIZE) + 6.0;
                // Above the box, or inside of it at the edge of the picture.
                let above = rect.y - SIZE - 4.0 >= plane.rect().y;
                let y = if above { rect.y - SIZE - 4.0 } else { rect.y };
                let x = (rect.x - self.width / 2.0).min(plane.rect().right() - width).max(plane.rect().x);
                let plate = Rect::new(x, y, width, SIZE + 4.0);
                out.push(Item::fill(Path::rect(plate), colour));
                let ink = if colour.is_dark() { Colour::WHITE } else { Colour::BLACK };
                let at = Point::new(x + 3.0, plate.centre().y);
                out.push(Item::Text(Text::new(&**label, at, SIZE).colour(ink).centred()));
            }
        }
    }

    fn series(&self) -> usize {
        usize::from(self.colour.is_none()) * (1 + self.classes.iter().max().copied().unwrap_or(0))
    }

    fn keys(&self, series: usize) -> Vec<Key> {
        let stroke = Stroke::new(self.paint(0, series), self.width).dashes(&self.dashes);
        vec![Key { label: self.label.clone(), swatch: Swatch::Line(stroke, None) }]
    }
}

/// Areas of a picture in colours: a mask, or the classes of a segmentation.
#[derive(Clone, Debug)]
pub struct Mask {
    width: usize,
    height: usize,
    classes: Vec<usize>,
    opacity: f64,
    colour: Option<Colour>,
}

impl Mask {
    /// One number per pixel: 0 is left clear, 1, 2, … have the colours of the palette. Rows from the top.
    ///
    /// # Panics
    /// If there are not `width * height` classes.
    #[track_caller]
    pub fn new(width: usize, height: usize, classes: &(impl Numbers + ?Sized)) -> Self {
        let classes: Vec<usize> = classes.numbers().into_iter().map(|class| class as usize).collect();
        numbers::same_length(["classes", "pixels"], [classes.len(), width * height]);
        Self { width, height, classes, opacity: 0.5, colour: None }
    }
}

styles!(Mask: colour, opacity);

impl Mark for Mask {
    fn extent(&self, extent: &mut Extent) {
        extent.x.include_all(&[0.0, self.width as f64]);
        extent.y.include_all(&[0.0, self.height as f64]);
    }

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let pixel = |&class: &usize| match class {
            0 => Colour::BLACK.opacity(0.0),
            class => self.colour.unwrap_or(Colour::series(class - 1)).opacity(self.opacity),
        };
        let colours: Vec<Colour> = self.classes.iter().map(pixel).collect();
        overlay(
            plane,
            (self.width, self.height),
            &colours,
            (self.width as f64, self.height as f64),
            false,
            out,
        );
    }
}

/// Weights over a picture, the more opaque the larger.
#[derive(Clone, Debug)]
pub struct Attention {
    columns: usize,
    rows: usize,
    weights: Vec<f64>,
    size: (f64, f64),
    opacity: f64,
    map: ColourMap,
}

impl Attention {
    /// `rows` × `columns` weights, row-major, stretched over a picture of `width` × `height` pixels.
    ///
    /// # Panics
    /// If there are not `rows * columns` weights.
    #[track_caller]
    pub fn new(
        rows: usize,
        columns: usize,
        weights: &(impl Numbers + ?Sized),
        (width, height): (usize, usize),
    ) -> Self {
        let weights = weights.numbers();
        numbers::same_length(["weights", "cells"], [weights.len(), rows * columns]);
        let size = (width as f64, height as f64);
        Self { columns, rows, weights, size, opacity: 0.75, map: ColourMap::Magma }
    }
}

styles!(Attention: opacity, map);

impl Mark for Attention {
    fn extent(&self, extent: &mut Extent) {
        extent.x.include_all(&[0.0, self.size.0]);
        extent.y.include_all(&[0.0, self.size.1]);
    }

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let (low, high) = value_range(&self.weights);
        let colour = |&weight: &f64| {
            let part = (weight - low) / (high - low);
            self.map.at(part).opacity(self.opacity * (0.25 + 0.75 * part))
        };
        let colours: Vec<Colour> = self.weights.iter().map(colour).collect();
        overlay(plane, (self.columns, self.rows), &colours, self.size, true, out);
    }
}

/// Draws cells over the pixels 0..size of a picture.
fn overlay(
    plane: &Plane,
    (columns, rows): (usize, usize),
    colours: &[Colour],
    size: (f64, f64),
    smooth: bool,
    out: &mut Vec<Item>,
) {
    let (Some(from), Some(to)) = (plane.point(0.0, 0.0), plane.point(size.0, size.1)) else { return };
    let mut pixels = Vec::with_capacity(colours.len() * 4);
    for row in 0..rows {
        let row = if to.y < from.y { rows - 1 - row } else { row };
        for colour in &colours[row * columns..(row + 1) * columns] {
            pixels.extend([colour.red, colour.green, colour.blue, colour.alpha]);
        }
    }
    let Ok(picture) = Picture::new(columns, rows, 4, pixels) else { return };
    let rect = Rect::between(from, to);
    out.push(Item::Picture { picture: Arc::new(picture), rect, smooth, opacity: 1.0 });
}

/// Points on a picture, with the bones between them.
#[derive(Clone, Debug)]
pub struct Keypoints {
    points: Vec<(f64, f64)>,
    bones: Vec<(usize, usize)>,
    label: String,
    colour: Option<Colour>,
    size: f64,
}

impl Keypoints {
    /// Points `(x, y)`; one that is not finite is not seen and takes its bones with it.
    pub fn new(points: &[(f64, f64)]) -> Self {
        let (label, colour) = (String::new(), None);
        Self { points: points.to_vec(), bones: Vec::new(), label, colour, size: 7.0 }
    }

    /// Joins pairs of points, each a number from 0.
    ///
    /// # Panics
    /// If a number is not that of a point.
    #[track_caller]
    #[must_use]
    pub fn bones(mut self, bones: &[(usize, usize)]) -> Self {
        let last = bones.iter().map(|&(a, b)| a.max(b)).max();
        assert!(
            last.is_none_or(|last| last < self.points.len()),
            "expected bones between {} points, found point {}",
            self.points.len(),
            last.unwrap_or(0)
        );
        self.bones = bones.to_vec();
        self
    }

    fn paint(&self, series: usize) -> Colour {
        self.colour.unwrap_or(Colour::series(series))
    }
}

styles!(Keypoints: label, colour);

impl Mark for Keypoints {
    fn extent(&self, extent: &mut Extent) {
        for &(x, y) in &self.points {
            extent.x.include(x);
            extent.y.include(y);
        }
    }

    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>) {
        let places: Vec<Option<Point>> = self.points.iter().map(|&(x, y)| plane.point(x, y)).collect();
        let colour = self.paint(series);
        let mut path = Path::new();
        for &(from, to) in &self.bones {
            if let (Some(from), Some(to)) = (places[from], places[to]) {
                path.add_polyline(&[from, to]);
            }
        }
        out.push(Item::stroke(path, Stroke::new(colour, self.size * 0.4).round()));
        out.push(Item::Markers {
            shape: Marker::Circle.path(self.size),
            at: places.into_iter().flatten().collect(),
            fills: vec![colour],
            stroke: Some(Stroke::new(Colour::WHITE, 1.2)),
        });
    }

    fn series(&self) -> usize {
        usize::from(self.colour.is_none())
    }

    fn keys(&self, series: usize) -> Vec<Key> {
        vec![Key { label: self.label.clone(), swatch: Swatch::Marker(Marker::Circle, self.paint(series)) }]
    }
}
