//! Curves.

use crate::hover::HoverSeries;
use crate::mark::{Extent, Key, Mark, Plane, Swatch, styles};
use crate::marker::Marker;
use crate::marks::clip;
use crate::numbers::{self, Numbers};
use crate::scene::{Item, Path, Point, Stroke};
use crate::{Colour, marks};

/// A line through points, in the order given: a curve, or a trajectory.
///
/// A point that is not finite leaves a gap. Lines of very many points are drawn through the extremes of each pixel
/// column, so that a figure of a million points stays small and shows every peak.
#[derive(Clone, Debug)]
pub struct Line {
    x: Vec<f64>,
    y: Vec<f64>,
    label: String,
    colour: Option<Colour>,
    width: f64,
    opacity: f64,
    dashes: Vec<f64>,
    marker: Option<Marker>,
    steps: bool,
}

impl Line {
    /// A line through the points `(x, y)`.
    ///
    /// # Panics
    /// If `x` and `y` differ in length.
    #[track_caller]
    pub fn new(x: &(impl Numbers + ?Sized), y: &(impl Numbers + ?Sized)) -> Self {
        let (x, y) = (x.numbers(), y.numbers());
        numbers::same_length(["x", "y"], [x.len(), y.len()]);
        let (label, dashes) = (String::new(), Vec::new());
        let (colour, marker) = (None, None);
        Self { x, y, label, colour, width: 1.8, opacity: 1.0, dashes, marker, steps: false }
    }

    /// A line through `y` at 0, 1, 2, …
    pub fn of(y: &(impl Numbers + ?Sized)) -> Self {
        let y = y.numbers();
        Self::new(&(0..y.len()).collect::<Vec<_>>(), &y)
    }

    /// The curve of a function at 400 places from `low` to `high`.
    pub fn function(low: f64, high: f64, function: impl Fn(f64) -> f64) -> Self {
        let x = numbers::linspace(low, high, 400);
        let y: Vec<f64> = x.iter().map(|&x| function(x)).collect();
        Self::new(&x, &y)
    }

    /// Draws a marker at each point.
    #[must_use]
    pub fn marker(mut self, marker: Marker) -> Self {
        self.marker = Some(marker);
        self
    }

    /// Keeps each value up to the next point, as for schedules and empirical distributions.
    #[must_use]
    pub fn steps(mut self) -> Self {
        self.steps = true;
        self
    }

    fn stroke(&self, series: usize) -> Stroke {
        let colour = self.colour.unwrap_or(Colour::series(series)).opacity(self.opacity);
        Stroke { colour, width: self.width, dashes: self.dashes.clone(), round: self.dashes.is_empty() }
    }
}

styles!(Line: label, colour, width, opacity, dashes);

impl Mark for Line {
    fn extent(&self, extent: &mut Extent) {
        for (&x, &y) in self.x.iter().zip(&self.y) {
            // A point in a gap of one axis must not widen the other.
            let shown = |value: f64, log: bool| value.is_finite() && (!log || value > 0.0);
            if shown(x, extent.x.log) && shown(y, extent.y.log) {
                extent.x.include(x);
                extent.y.include(y);
            }
        }
    }

    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>) {
        let stroke = self.stroke(series);
        let places: Vec<Option<Point>> =
            self.x.iter().zip(&self.y).map(|(&x, &y)| plane.point(x, y)).collect();
        let near = plane.rect().grown(20.0 + self.width);
        let mut path = Path::new();
        let mut dots = Vec::new();
        for run in places.split(Option::is_none) {
            let mut points: Vec<Point> = run.iter().flatten().copied().collect();
            if let [single] = points[..] {
                dots.push(single);
                continue;
            }
            if self.steps {
                points = stepped(&points);
            }
            for part in clip::line(&points, near) {
                path.add_polyline(&clip::thin(part));
            }
        }
        let count = path.segments.len();
        let line = Item::stroke(path, stroke.clone());
        if count > marks::scatter::DENSE * 4 {
            out.push(Item::Dense { rect: plane.rect(), items: vec![line] });
        } else if count > 0 {
            out.push(line);
        }
        if self.marker.is_none() && !dots.is_empty() {
            let shape = Marker::Circle.path(self.width * 1.6);
            out.push(Item::Markers { shape, at: dots, fills: vec![stroke.colour], stroke: None });
        }
        if let Some(marker) = self.marker {
            let at = places.into_iter().flatten().filter(|&point| near.contains(point)).collect();
            let shape = marker.path(3.0 + self.width * 1.8);
            marks::scatter::push_markers(shape, at, vec![stroke.colour], None, plane.rect(), out);
        }
    }

    fn series(&self) -> usize {
        usize::from(self.colour.is_none())
    }

    fn keys(&self, series: usize) -> Vec<Key> {
        let stroke = self.stroke(series);
        let marker = self.marker.map(|marker| (marker, stroke.colour));
        vec![Key { label: self.label.clone(), swatch: Swatch::Line(stroke, marker) }]
    }

    fn hover(&self, series: usize) -> Vec<HoverSeries> {
        // Trajectories have no value at an x, and unnamed faint lines are there for the overall look.
        let forward = self.x.windows(2).all(|pair| pair[1] >= pair[0] || pair[1].is_nan());
        if !forward || self.x.len() < 2 || self.opacity < 0.5 {
            return Vec::new();
        }
        let (label, colour) = (self.label.clone(), self.stroke(series).colour);
        vec![HoverSeries { label, colour, x: self.x.clone(), y: self.y.clone() }]
    }
}

/// The corners of a line that is level from each point to below the next.
pub(crate) fn stepped(points: &[Point]) -> Vec<Point> {
    let mut corners = Vec::with_capacity(points.len() * 2);
    for pair in points.windows(2) {
        corners.extend([pair[0], Point::new(pair[1].x, pair[0].y)]);
    }
    corners.extend(points.last());
    corners
}
