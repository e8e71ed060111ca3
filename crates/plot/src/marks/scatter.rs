//! Points.

use crate::mark::{ColourBar, Extent, Key, Mark, Plane, Swatch, styles};
use crate::marker::Marker;
use crate::numbers::{self, Numbers};
use crate::scene::{Item, Path, Point, Rect, Stroke};
use crate::{Colour, ColourMap};

/// From this many points on, a vector file holds a picture of them.
pub(crate) const DENSE: usize = 3000;

/// Points: of one colour, coloured by a value, or by class.
#[derive(Clone, Debug)]
pub struct Scatter {
    x: Vec<f64>,
    y: Vec<f64>,
    label: String,
    colour: Option<Colour>,
    opacity: f64,
    marker: Marker,
    size: f64,
    edge: Option<Colour>,
    values: Vec<f64>,
    map: ColourMap,
    range: Option<(f64, f64)>,
    value_label: String,
    classes: Vec<usize>,
    class_names: Vec<String>,
}

impl Scatter {
    /// Points at `(x, y)`; those that are not finite are left out.
    ///
    /// # Panics
    /// If `x` and `y` differ in length.
    #[track_caller]
    pub fn new(x: &(impl Numbers + ?Sized), y: &(impl Numbers + ?Sized)) -> Self {
        let (x, y) = (x.numbers(), y.numbers());
        numbers::same_length(["x", "y"], [x.len(), y.len()]);
        Self {
            x,
            y,
            label: String::new(),
            colour: None,
            opacity: 0.85,
            marker: Marker::Circle,
            size: 5.0,
            edge: None,
            values: Vec::new(),
            map: ColourMap::Viridis,
            range: None,
            value_label: String::new(),
            classes: Vec::new(),
            class_names: Vec::new(),
        }
    }

    /// Colours each point by its value, explained by a colour bar.
    ///
    /// # Panics
    /// If there are not as many values as points.
    #[track_caller]
    #[must_use]
    pub fn values(mut self, values: &(impl Numbers + ?Sized)) -> Self {
        self.values = values.numbers();
        numbers::same_length(["values", "points"], [self.values.len(), self.x.len()]);
        self
    }

    /// Names the values in the colour bar.
    #[must_use]
    pub fn value_label(mut self, label: impl Into<String>) -> Self {
        self.value_label = label.into();
        self
    }

    /// Fixes the values of the first and last colour.
    #[must_use]
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Colours each point by its class, a number from 0. `names` are for the legend and may be empty.
    ///
    /// # Panics
    /// If there are not as many classes as points.
    #[track_caller]
    #[must_use]
    pub fn classes(mut self, classes: &[usize], names: &[&str]) -> Self {
        numbers::same_length(["classes", "points"], [classes.len(), self.x.len()]);
        self.classes = classes.to_vec();
        self.class_names = names.iter().map(ToString::to_string).collect();
        self
    }

    /// Sets the shape.
    #[must_use]
    pub fn marker(mut self, marker: Marker) -> Self {
        self.marker = marker;
        self
    }

    /// Draws large stars with a dark edge, as for an optimum.
    #[must_use]
    pub fn stars(mut self) -> Self {
        (self.marker, self.size, self.opacity) = (Marker::Star, 11.0, 1.0);
        self.edge = Some(Colour::hex(0x222222));
        self
    }

    /// Sets the size of a point in pixels.
    #[must_use]
    pub fn size(mut self, size: f64) -> Self {
        self.size = size;
        self
    }

    /// Draws a thin line around each point.
    #[must_use]
    pub fn edge(mut self, colour: Colour) -> Self {
        self.edge = Some(colour);
        self
    }

    fn fill(&self, series: usize) -> Colour {
        self.colour.unwrap_or(Colour::series(series)).opacity(self.opacity)
    }
}

styles!(Scatter: label, colour, opacity, map);

impl Mark for Scatter {
    fn extent(&self, extent: &mut Extent) {
        for (&x, &y) in self.x.iter().zip(&self.y) {
            if x.is_finite() && y.is_finite() {
                extent.x.include(x);
                extent.y.include(y);
            }
        }
    }

    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>) {
        let near = plane.rect().grown(self.size);
        let bar = self.colour_bar();
        let (mut at, mut fills) = (Vec::new(), Vec::new());
        for index in 0..self.x.len() {
            let Some(point) = plane.point(self.x[index], self.y[index]).filter(|&p| near.contains(p)) else {
                continue;
            };
            let fill = if let Some(bar) = &bar {
                let position = bar.position(self.values[index]);
                let position = if position.is_nan() { position } else { (position * 64.0).round() / 64.0 };
                bar.map.at(position).opacity(self.opacity)
            } else if let Some(&class) = self.classes.get(index) {
                Colour::series(series + class).opacity(self.opacity)
            } else {
                self.fill(series)
            };
            at.push(point);
            fills.push(fill);
        }
        if self.classes.is_empty() && bar.is_none() {
            fills.truncate(1);
        }
        let stroke = self.edge.map(|edge| Stroke::new(edge, 0.8));
        push_markers(self.marker.path(self.size), at, fills, stroke, plane.rect(), out);
    }

    fn series(&self) -> usize {
        match self.classes.iter().max() {
            Some(last) => last + 1,
            None => usize::from(self.colour.is_none() && self.values.is_empty()),
        }
    }

    fn keys(&self, series: usize) -> Vec<Key> {
        if self.classes.is_empty() {
            let swatch = Swatch::Marker(self.marker, self.fill(series));
            return vec![Key { label: self.label.clone(), swatch }];
        }
        let key = |(class, name): (usize, &String)| {
            let colour = Colour::series(series + class).opacity(self.opacity);
            Key { label: name.clone(), swatch: Swatch::Marker(self.marker, colour) }
        };
        self.class_names.iter().enumerate().map(key).collect()
    }

    fn colour_bar(&self) -> Option<ColourBar> {
        if self.values.is_empty() {
            return None;
        }
        let (low, high) = self.range.unwrap_or_else(|| value_range(&self.values));
        let label = self.value_label.clone();
        Some(ColourBar { map: self.map, low, high, log: false, label, levels: Vec::new() })
    }
}

/// The lowest and highest finite value, apart from each other; 0 and 1 where there is none.
pub(crate) fn value_range(values: &[f64]) -> (f64, f64) {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        (0.0, 1.0)
    } else if low == high {
        let around = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
        (low - around, low + around)
    } else {
        (low, high)
    }
}

/// Adds markers, as a picture where there are very many.
pub(crate) fn push_markers(
    shape: Path,
    at: Vec<Point>,
    fills: Vec<Colour>,
    stroke: Option<Stroke>,
    rect: Rect,
    out: &mut Vec<Item>,
) {
    let dense = at.len() > DENSE;
    let item = Item::Markers { shape, at, fills, stroke };
    out.push(if dense { Item::Dense { rect, items: vec![item] } } else { item });
}
