//! Contour lines and filled contours of values on a regular grid.

mod march;

use crate::mark::{ColourBar, Extent, Key, Mark, Plane, Swatch, styles};
use crate::marks::levels::Levels;
use crate::numbers::{self, Numbers, linspace};
use crate::scene::{Item, Path, Point, Stroke};
use crate::{Colour, ColourMap};
use march::Grid;

/// The data of both kinds.
#[derive(Clone, Debug)]
struct Field {
    grid: Grid,
    levels: Levels,
    map: ColourMap,
}

impl Field {
    #[track_caller]
    fn new(x: Vec<f64>, y: Vec<f64>, values: Vec<f64>) -> Self {
        numbers::same_length(["values", "places in the grid"], [values.len(), x.len() * y.len()]);
        let grid = Grid { x, y, values };
        Self { grid, levels: Levels::Linear(10), map: ColourMap::Viridis }
    }

    fn function(x: (f64, f64), y: (f64, f64), side: usize, function: impl Fn(f64, f64) -> f64) -> Self {
        let side = side.max(2);
        let (x, y) = (linspace(x.0, x.1, side), linspace(y.0, y.1, side));
        let values = y.iter().flat_map(|&y| x.iter().map(move |&x| (x, y))).map(|(x, y)| function(x, y));
        let values = values.collect();
        Self::new(x, y, values)
    }

    fn extent(&self, extent: &mut Extent) {
        extent.x.include_all(&self.grid.x);
        extent.y.include_all(&self.grid.y);
        extent.x.snug();
        extent.y.snug();
    }

    /// Levels as polygons or lines on the plane.
    fn path(&self, plane: &Plane, parts: &[Vec<(f64, f64)>], closed: bool) -> Path {
        let mut path = Path::new();
        for part in parts {
            let points: Vec<Point> = part.iter().filter_map(|&(x, y)| plane.point(x, y)).collect();
            path.add_polyline(&points);
            if closed {
                path.close();
            }
        }
        path
    }
}

macro_rules! field_methods {
    ($kind:ident, $what:literal) => {
        impl $kind {
            #[doc = concat!($what, " of `values` at every pair of `x` and `y`: row-major, `[y.len(), x.len()]`.")]
            /// Cells with a corner that is not finite are left out.
            ///
            /// # Panics
            /// If there are not `x.len() * y.len()` values.
            #[track_caller]
            pub fn new(
                x: &(impl Numbers + ?Sized),
                y: &(impl Numbers + ?Sized),
                values: &(impl Numbers + ?Sized),
            ) -> Self {
                Self::of(Field::new(x.numbers(), y.numbers(), values.numbers()))
            }

            #[doc = concat!($what, " of a function over `x` = low..high and `y` = low..high, from its values at")]
            /// `side` × `side` places.
            pub fn function(
                x: (f64, f64),
                y: (f64, f64),
                side: usize,
                function: impl Fn(f64, f64) -> f64,
            ) -> Self {
                Self::of(Field::function(x, y, side, function))
            }

            /// Draws about `count` levels at round values.
            #[must_use]
            pub fn levels(mut self, count: usize) -> Self {
                self.field.levels = Levels::Linear(count.max(1));
                self
            }

            /// Draws about `count` levels at round values that grow from decade to decade.
            #[must_use]
            pub fn log_levels(mut self, count: usize) -> Self {
                self.field.levels = Levels::Logarithmic(count.max(1));
                self
            }

            /// Draws the levels given.
            #[must_use]
            pub fn levels_at(mut self, levels: &[f64]) -> Self {
                self.field.levels = Levels::At(levels.to_vec());
                self
            }

            /// Sets the colour map.
            #[must_use]
            pub fn map(mut self, map: ColourMap) -> Self {
                self.field.map = map;
                self
            }
        }
    };
}

/// Contour lines.
#[derive(Clone, Debug)]
pub struct Contour {
    field: Field,
    label: String,
    colour: Option<Colour>,
    width: f64,
    opacity: f64,
    dashes: Vec<f64>,
}

field_methods!(Contour, "The contour lines");
styles!(Contour: label, colour, width, opacity, dashes);

impl Contour {
    fn of(field: Field) -> Self {
        Self { field, label: String::new(), colour: None, width: 1.2, opacity: 1.0, dashes: Vec::new() }
    }

    /// The lines of one level as points in data.
    pub fn lines_at(&self, level: f64) -> Vec<Vec<(f64, f64)>> {
        self.field.grid.lines(level)
    }

    fn stroke(&self, colour: Colour) -> Stroke {
        Stroke { round: true, ..Stroke::new(colour.opacity(self.opacity), self.width).dashes(&self.dashes) }
    }

    fn at(&self) -> Vec<f64> {
        self.field.levels.of(&self.field.grid.values, false)
    }
}

impl Mark for Contour {
    fn extent(&self, extent: &mut Extent) {
        self.field.extent(extent);
    }

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let levels = self.at();
        for (index, &level) in levels.iter().enumerate() {
            let part = index as f64 / (levels.len() - 1).max(1) as f64;
            let colour = self.colour.unwrap_or(self.field.map.at(part));
            let path = self.field.path(plane, &self.field.grid.lines(level), false);
            out.push(Item::stroke(path, self.stroke(colour)));
        }
    }

    fn keys(&self, _series: usize) -> Vec<Key> {
        let colour = self.colour.unwrap_or(self.field.map.at(0.5));
        vec![Key { label: self.label.clone(), swatch: Swatch::Line(self.stroke(colour), None) }]
    }
}

/// Filled contours: an area of one colour between any two levels.
#[derive(Clone, Debug)]
pub struct FilledContour {
    field: Field,
    label: String,
    opacity: f64,
    bar: bool,
}

field_methods!(FilledContour, "The filled contours");
styles!(FilledContour: opacity);

impl FilledContour {
    fn of(field: Field) -> Self {
        Self { field, label: String::new(), opacity: 1.0, bar: true }
    }

    /// Names the values in the colour bar.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Leaves out the colour bar.
    #[must_use]
    pub fn no_bar(mut self) -> Self {
        self.bar = false;
        self
    }

    /// The polygons of the area where values are at least `low` and below `high`, as points in data.
    pub fn area_between(&self, low: f64, high: f64) -> Vec<Vec<(f64, f64)>> {
        self.field.grid.band(low, high)
    }

    fn at(&self) -> Vec<f64> {
        self.field.levels.of(&self.field.grid.values, true)
    }
}

impl Mark for FilledContour {
    fn extent(&self, extent: &mut Extent) {
        self.field.extent(extent);
    }

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let levels = self.at();
        let bands = levels.len().saturating_sub(1);
        for band in 0..bands {
            let part = if bands == 1 { 0.5 } else { band as f64 / (bands - 1) as f64 };
            // Each area lies on the one below it: areas side by side would show a seam between them. That needs
            // colours that cover.
            let covers = self.opacity >= 1.0;
            let low = if band == 0 { f64::NEG_INFINITY } else { levels[band] };
            let high = if covers || band + 1 == bands { f64::INFINITY } else { levels[band + 1] };
            let path = self.field.path(plane, &self.field.grid.band(low, high), true);
            out.push(Item::fill(path, self.field.map.at(part).opacity(self.opacity)));
        }
    }

    fn colour_bar(&self) -> Option<ColourBar> {
        let levels = self.at();
        let (&low, &high) = levels.first().zip(levels.last())?;
        let log = matches!(self.field.levels, Levels::Logarithmic(_));
        let (map, label) = (self.field.map, self.label.clone());
        self.bar.then_some(ColourBar { map, low, high, log, label, levels })
    }

    fn covers(&self) -> bool {
        true
    }
}
