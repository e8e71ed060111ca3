//! Ellipses.

use std::f64::consts::TAU;

use crate::Colour;
use crate::mark::{Extent, Key, Mark, Plane, Swatch, styles};
use crate::scene::{Item, Path, Point, Stroke};

/// An ellipse, as for a covariance.
#[derive(Clone, Debug)]
pub struct Ellipse {
    centre: (f64, f64),
    /// The two half axes as vectors.
    axes: [(f64, f64); 2],
    label: String,
    colour: Option<Colour>,
    width: f64,
    opacity: f64,
    dashes: Vec<f64>,
    fill: f64,
}

impl Ellipse {
    /// An ellipse of two radii, the first turned by `angle` radians from the horizontal axis to the vertical one.
    pub fn new(centre: (f64, f64), radii: (f64, f64), angle: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        let axes = [(radii.0 * cos, radii.0 * sin), (-radii.1 * sin, radii.1 * cos)];
        let (label, dashes) = (String::new(), Vec::new());
        Self { centre, axes, label, colour: None, width: 1.6, opacity: 1.0, dashes, fill: 0.12 }
    }

    /// The points at `deviations` standard deviations from the mean of a normal distribution with a covariance
    /// `[[a, b], [b, c]]`.
    pub fn covariance(mean: (f64, f64), covariance: [[f64; 2]; 2], deviations: f64) -> Self {
        let [[a, b], [_, c]] = covariance;
        let (half, far) = ((a + c) / 2.0, ((a - c) / 2.0).hypot(b));
        let radius = |variance: f64| deviations * variance.max(0.0).sqrt();
        let angle = (2.0 * b).atan2(a - c) / 2.0;
        Self::new(mean, (radius(half + far), radius(half - far)), angle)
    }

    /// Sets the opacity of the inside, 0 for none.
    #[must_use]
    pub fn fill(mut self, opacity: f64) -> Self {
        self.fill = opacity;
        self
    }

    fn around(&self) -> impl Iterator<Item = (f64, f64)> {
        let ([a, b], (x, y)) = (self.axes, self.centre);
        (0..96).map(move |step| {
            let (sin, cos) = (f64::from(step) * TAU / 96.0).sin_cos();
            (x + a.0 * cos + b.0 * sin, y + a.1 * cos + b.1 * sin)
        })
    }

    fn paint(&self, series: usize) -> Colour {
        self.colour.unwrap_or(Colour::series(series)).opacity(self.opacity)
    }
}

styles!(Ellipse: label, colour, width, opacity, dashes);

impl Mark for Ellipse {
    fn extent(&self, extent: &mut Extent) {
        for (x, y) in self.around() {
            extent.x.include(x);
            extent.y.include(y);
        }
    }

    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>) {
        let points: Vec<Point> = self.around().filter_map(|(x, y)| plane.point(x, y)).collect();
        let colour = self.paint(series);
        out.push(Item::Path {
            path: Path::polygon(&points),
            fill: (self.fill > 0.0).then(|| colour.opacity(self.fill)),
            stroke: Some(Stroke::new(colour, self.width).dashes(&self.dashes)),
        });
    }

    fn series(&self) -> usize {
        usize::from(self.colour.is_none())
    }

    fn keys(&self, series: usize) -> Vec<Key> {
        let stroke = Stroke::new(self.paint(series), self.width).dashes(&self.dashes);
        vec![Key { label: self.label.clone(), swatch: Swatch::Line(stroke, None) }]
    }
}
