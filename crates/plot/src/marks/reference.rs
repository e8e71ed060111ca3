//! Lines that stand for one value.

use crate::Colour;
use crate::mark::{Extent, Key, Mark, Plane, Swatch, styles};
use crate::scene::{Item, Point, Stroke};

/// A vertical, horizontal or diagonal line across the panel.
#[derive(Clone, Debug)]
pub struct Reference {
    kind: Kind,
    label: String,
    colour: Option<Colour>,
    width: f64,
    opacity: f64,
    dashes: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Vertical(f64),
    Horizontal(f64),
    Diagonal,
}

impl Reference {
    /// The line where the horizontal axis has a value.
    pub fn vertical(x: f64) -> Self {
        Self::new(Kind::Vertical(x))
    }

    /// The line where the vertical axis has a value.
    pub fn horizontal(y: f64) -> Self {
        Self::new(Kind::Horizontal(y))
    }

    /// The line where both axes have the same value.
    pub fn diagonal() -> Self {
        Self::new(Kind::Diagonal)
    }

    fn new(kind: Kind) -> Self {
        let (label, dashes) = (String::new(), vec![5.0, 4.0]);
        Self { kind, label, colour: None, width: 1.2, opacity: 1.0, dashes }
    }

    /// Draws the line without gaps.
    #[must_use]
    pub fn solid(mut self) -> Self {
        self.dashes.clear();
        self
    }

    fn stroke(&self) -> Stroke {
        let colour = self.colour.unwrap_or(Colour::hex(0x555555)).opacity(self.opacity);
        Stroke::new(colour, self.width).dashes(&self.dashes)
    }
}

styles!(Reference: label, colour, width, opacity, dashes);

impl Mark for Reference {
    fn extent(&self, extent: &mut Extent) {
        match self.kind {
            Kind::Vertical(x) => extent.x.include(x),
            Kind::Horizontal(y) => extent.y.include(y),
            Kind::Diagonal => {}
        }
    }

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let rect = plane.rect();
        let ends = match self.kind {
            Kind::Vertical(x) => {
                let x = plane.x(x);
                Some((Point::new(x, rect.bottom()), Point::new(x, rect.y))).filter(|_| x.is_finite())
            }
            Kind::Horizontal(y) => {
                let y = plane.y(y);
                Some((Point::new(rect.x, y), Point::new(rect.right(), y))).filter(|_| y.is_finite())
            }
            Kind::Diagonal => {
                let [x, y] = plane.ranges();
                let (low, high) = (x[0].max(y[0]), x[1].min(y[1]));
                plane.point(low, low).zip(plane.point(high, high)).filter(|_| low < high)
            }
        };
        if let Some((from, to)) = ends {
            out.push(Item::line(from, to, self.stroke()));
        }
    }

    fn keys(&self, _series: usize) -> Vec<Key> {
        vec![Key { label: self.label.clone(), swatch: Swatch::Line(self.stroke(), None) }]
    }
}
