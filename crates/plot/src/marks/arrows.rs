//! Arrows, alone and in fields.

use crate::mark::{ColourBar, Extent, Key, Mark, Plane, Swatch, styles};
use crate::marks::scatter::{DENSE, value_range};
use crate::numbers::{self, Numbers};
use crate::scene::{Item, Path, Point, Stroke};
use crate::{Colour, ColourMap};

/// The outline of an arrow: a shaft of a width and a head that is never longer than half of the arrow.
pub(crate) fn outline(from: Point, to: Point, width: f64, path: &mut Path) {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = dx.hypot(dy);
    if length < 0.3 {
        return;
    }
    let (ux, uy) = (dx / length, dy / length);
    let head = (width * 4.5).min(length * 0.5);
    let (half, wing) = (width / 2.0, head * 0.42);
    let at = |along: f64, aside: f64| {
        Point::new(from.x + ux * along - uy * aside, from.y + uy * along + ux * aside)
    };
    let neck = length - head;
    path.add_polyline(&[
        at(0.0, half),
        at(neck, half),
        at(neck, wing.max(half)),
        at(length, 0.0),
        at(neck, -wing.max(half)),
        at(neck, -half),
        at(0.0, -half),
    ]);
    path.close();
}

/// An arrow between two points.
#[derive(Clone, Debug)]
pub struct Arrow {
    ends: [(f64, f64); 2],
    label: String,
    colour: Option<Colour>,
    width: f64,
    opacity: f64,
}

impl Arrow {
    /// An arrow whose tip is at `to`.
    pub fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        Self { ends: [from, to], label: String::new(), colour: None, width: 1.8, opacity: 1.0 }
    }

    fn fill(&self) -> Colour {
        self.colour.unwrap_or(Colour::hex(0x333333)).opacity(self.opacity)
    }
}

styles!(Arrow: label, colour, width, opacity);

impl Mark for Arrow {
    fn extent(&self, extent: &mut Extent) {
        for (x, y) in self.ends {
            extent.x.include(x);
            extent.y.include(y);
        }
    }

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let [from, to] = self.ends.map(|(x, y)| plane.point(x, y));
        let mut path = Path::new();
        if let (Some(from), Some(to)) = (from, to) {
            outline(from, to, self.width, &mut path);
        }
        out.push(Item::fill(path, self.fill()));
    }

    fn keys(&self, _series: usize) -> Vec<Key> {
        let stroke = Stroke::new(self.fill(), self.width);
        vec![Key { label: self.label.clone(), swatch: Swatch::Line(stroke, None) }]
    }
}

/// A field of arrows.
#[derive(Clone, Debug)]
pub struct Quiver {
    x: Vec<f64>,
    y: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
    colour: Option<Colour>,
    width: f64,
    opacity: f64,
    scale: Option<f64>,
    coloured: bool,
    map: ColourMap,
    value_label: String,
}

impl Quiver {
    /// Arrows that begin at `(x, y)` and point along `(u, v)`. The longest is as long as neighbours are apart, unless
    /// [`Quiver::scale`] says otherwise.
    ///
    /// # Panics
    /// If the four differ in length.
    #[track_caller]
    pub fn new(
        x: &(impl Numbers + ?Sized),
        y: &(impl Numbers + ?Sized),
        u: &(impl Numbers + ?Sized),
        v: &(impl Numbers + ?Sized),
    ) -> Self {
        let (x, y, u, v) = (x.numbers(), y.numbers(), u.numbers(), v.numbers());
        for (name, length) in [("y", y.len()), ("u", u.len()), ("v", v.len())] {
            numbers::same_length([name, "x"], [length, x.len()]);
        }
        let (colour, scale, map) = (None, None, ColourMap::Viridis);
        let value_label = String::new();
        Self { x, y, u, v, colour, width: 1.4, opacity: 1.0, scale, coloured: false, map, value_label }
    }

    /// The arrows of a vector field at `side` × `side` places over `x` = low..high and `y` = low..high.
    pub fn function(
        x: (f64, f64),
        y: (f64, f64),
        side: usize,
        function: impl Fn(f64, f64) -> (f64, f64),
    ) -> Self {
        let at = |range: (f64, f64), index: usize| {
            range.0 + (range.1 - range.0) * ((index as f64 + 0.5) / side.max(1) as f64)
        };
        let place = |index: usize| (at(x, index % side), at(y, index / side));
        let (xs, ys): (Vec<f64>, Vec<f64>) = (0..side * side).map(place).unzip();
        let (u, v): (Vec<f64>, Vec<f64>) = xs.iter().zip(&ys).map(|(&x, &y)| function(x, y)).unzip();
        Self::new(&xs, &ys, &u, &v)
    }

    /// Draws `(u, v)` times `factor` in units of the axes.
    #[must_use]
    pub fn scale(mut self, factor: f64) -> Self {
        self.scale = Some(factor);
        self
    }

    /// Colours arrows by their length in data, explained by a colour bar.
    #[must_use]
    pub fn coloured(mut self, label: impl Into<String>) -> Self {
        (self.coloured, self.value_label) = (true, label.into());
        self
    }

    fn lengths(&self) -> Vec<f64> {
        self.u.iter().zip(&self.v).map(|(u, v)| u.hypot(*v)).collect()
    }
}

styles!(Quiver: colour, width, opacity, map);

impl Mark for Quiver {
    fn extent(&self, extent: &mut Extent) {
        extent.x.include_all(&self.x);
        extent.y.include_all(&self.y);
    }

    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>) {
        let bar = self.colour_bar();
        let plain = self.colour.unwrap_or(Colour::series(series)).opacity(self.opacity);
        let tips = |factor: f64| -> Vec<Option<(Point, Point)>> {
            (0..self.x.len())
                .map(|index| {
                    let from = plane.point(self.x[index], self.y[index])?;
                    let (u, v) = (self.u[index] * factor, self.v[index] * factor);
                    let to = plane.point(self.x[index] + u, self.y[index] + v)?;
                    Some((from, to))
                })
                .collect()
        };
        let mut arrows = tips(self.scale.unwrap_or(1.0));
        if self.scale.is_none() {
            // The map from data to pixels is linear, so that arrows grow with the factor.
            let unit = arrows.iter().flatten().map(|(a, b)| (a.x - b.x).hypot(a.y - b.y));
            let longest = unit.fold(0.0, f64::max);
            let rect = plane.rect();
            let apart = (rect.width * rect.height / arrows.len().max(1) as f64).sqrt();
            if longest > 0.0 {
                for (from, to) in arrows.iter_mut().flatten() {
                    let factor = apart * 0.95 / longest;
                    *to = Point::new(from.x + (to.x - from.x) * factor, from.y + (to.y - from.y) * factor);
                }
            }
        }
        let lengths = self.lengths();
        let mut paths: Vec<(Colour, Path)> = Vec::new();
        for (arrow, length) in arrows.iter().zip(lengths) {
            let Some((from, to)) = arrow else { continue };
            let colour = match &bar {
                Some(bar) => {
                    let position = (bar.position(length) * 32.0).round() / 32.0;
                    bar.map.at(position).opacity(self.opacity)
                }
                None => plain,
            };
            let path = match paths.iter_mut().find(|(of, _)| *of == colour) {
                Some((_, path)) => path,
                None => {
                    paths.push((colour, Path::new()));
                    &mut paths.last_mut().expect("just pushed").1
                }
            };
            outline(*from, *to, self.width, path);
        }
        let items: Vec<Item> = paths.into_iter().map(|(colour, path)| Item::fill(path, colour)).collect();
        if self.x.len() > DENSE {
            out.push(Item::Dense { rect: plane.rect(), items });
        } else {
            out.extend(items);
        }
    }

    fn series(&self) -> usize {
        usize::from(self.colour.is_none() && !self.coloured)
    }

    fn colour_bar(&self) -> Option<ColourBar> {
        let (low, high) = value_range(&self.lengths());
        let (map, label) = (self.map, self.value_label.clone());
        self.coloured.then_some(ColourBar { map, low, high, log: false, label, levels: Vec::new() })
    }
}
