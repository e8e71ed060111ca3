//! What a mark is: something with an extent in data that draws itself on a plane.

use crate::Colour;
use crate::hover::HoverSeries;
use crate::marker::Marker;
use crate::scale::Scale;
use crate::scene::{Item, Point, Rect, Stroke};

pub use crate::colour_bar::ColourBar;

/// Something drawn in a panel. Everything in this crate that [`Axes::with`](crate::Axes::with) takes is one, and
/// users can write their own.
pub trait Mark: Send + Sync {
    /// Widens `extent` by the data of the mark, from which the panel finds its ranges.
    fn extent(&self, extent: &mut Extent);

    /// Draws the mark. `series` is the number of its first colour in the palette ([`Colour::series`]).
    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>);

    /// How many colours of the palette the mark takes.
    fn series(&self) -> usize {
        0
    }

    /// What the legend says of the mark.
    fn keys(&self, _series: usize) -> Vec<Key> {
        Vec::new()
    }

    /// The colour bar that explains the mark's colours.
    fn colour_bar(&self) -> Option<ColourBar> {
        None
    }

    /// Curves whose values a page shows where the pointer is.
    fn hover(&self, _series: usize) -> Vec<HoverSeries> {
        Vec::new()
    }

    /// The mark fills the panel, so that grid lines and a legend's place in the corner make no sense.
    fn covers(&self) -> bool {
        false
    }
}

/// One line of a legend.
#[derive(Clone, Debug)]
pub struct Key {
    /// What it says.
    pub label: String,
    /// What stands before it.
    pub swatch: Swatch,
}

/// The sample in front of a legend's line.
#[derive(Clone, Debug)]
pub enum Swatch {
    /// A piece of line, perhaps with a marker.
    Line(Stroke, Option<(Marker, Colour)>),
    /// A marker alone.
    Marker(Marker, Colour),
    /// A filled area.
    Patch(Colour),
}

/// Where values lie along one axis, as far as marks know.
#[derive(Clone, Debug)]
pub struct Span {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) log: bool,
    pub(crate) snug: (bool, bool),
    pub(crate) names: Vec<(f64, String)>,
}

impl Span {
    pub(crate) fn new(log: bool) -> Self {
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY, log, snug: (false, false), names: Vec::new() }
    }

    /// Widens the span to hold `value`. What is no finite number, or not above 0 on a logarithmic axis, is left out.
    pub fn include(&mut self, value: f64) {
        if value.is_finite() && (!self.log || value > 0.0) {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
    }

    /// Widens the span to hold all `values`.
    pub fn include_all(&mut self, values: &[f64]) {
        values.iter().for_each(|&value| self.include(value));
    }

    /// Asks for no room around the values: the mark ends with its data, as a picture does.
    pub fn snug(&mut self) {
        self.snug = (true, true);
    }

    /// Widens the span to `base`, where the mark stands, and asks for no room on its other side.
    pub fn base(&mut self, base: f64) {
        let (low, high) = (self.low, self.high);
        self.include(base);
        if self.low < low || low == base {
            self.snug.0 |= self.low == base;
        }
        if self.high > high || high == base {
            self.snug.1 |= self.high == base && low < base;
        }
    }

    /// Names a place: such names stand instead of numbers.
    pub fn name(&mut self, value: f64, name: impl Into<String>) {
        self.names.push((value, name.into()));
    }
}

/// Where the data of marks lie.
#[derive(Clone, Debug)]
pub struct Extent {
    /// Along the horizontal axis.
    pub x: Span,
    /// Along the vertical axis.
    pub y: Span,
}

/// A panel's area with its axes: what turns data into pixels.
#[derive(Clone, Debug)]
pub struct Plane {
    pub(crate) rect: Rect,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

impl Plane {
    /// The panel's area in pixels.
    pub fn rect(&self) -> Rect {
        self.rect
    }

    /// The horizontal pixel of a value. Not finite for what the axis cannot show.
    pub fn x(&self, value: f64) -> f64 {
        self.rect.x + self.x.fraction(value) * self.rect.width
    }

    /// The vertical pixel of a value. Not finite for what the axis cannot show.
    pub fn y(&self, value: f64) -> f64 {
        self.rect.bottom() - self.y.fraction(value) * self.rect.height
    }

    /// The pixel of a pair of values, or `None` where one of them has no place.
    pub fn point(&self, x: f64, y: f64) -> Option<Point> {
        let point = Point::new(self.x(x), self.y(y));
        (point.x.is_finite() && point.y.is_finite()).then_some(point)
    }

    /// The ranges of both axes, `[[low, high]; 2]`.
    pub fn ranges(&self) -> [[f64; 2]; 2] {
        [[self.x.low, self.x.high], [self.y.low, self.y.high]]
    }

    /// The vertical pixel of `value`, or of the lower end of the axis where a logarithmic one cannot show it.
    pub(crate) fn y_or_low(&self, value: f64) -> f64 {
        if self.y.log && value <= 0.0 { self.rect.bottom() + 1.0 } else { self.y(value) }
    }

    /// As [`Plane::y_or_low`], along the other axis.
    pub(crate) fn x_or_low(&self, value: f64) -> f64 {
        if self.x.log && value <= 0.0 { self.rect.x - 1.0 } else { self.x(value) }
    }
}

/// Methods that many marks share.
macro_rules! styles {
    ($kind:ty: $($what:ident),*) => { impl $kind { $(styles!(@$what);)* } };
    (@label) => {
        /// Names the mark in the legend.
        #[must_use]
        pub fn label(mut self, label: impl Into<String>) -> Self {
            self.label = label.into();
            self
        }
    };
    (@colour) => {
        /// Sets the colour; without it the next of the palette is taken.
        #[must_use]
        pub fn colour(mut self, colour: Colour) -> Self {
            self.colour = Some(colour);
            self
        }
    };
    (@width) => {
        /// Sets the width of the line in pixels.
        #[must_use]
        pub fn width(mut self, width: f64) -> Self {
            self.width = width;
            self
        }
    };
    (@opacity) => {
        /// Sets the opacity, from 0 (invisible) to 1.
        #[must_use]
        pub fn opacity(mut self, opacity: f64) -> Self {
            self.opacity = opacity;
            self
        }
    };
    (@dashes) => {
        /// Draws the line in dashes.
        #[must_use]
        pub fn dashed(mut self) -> Self {
            self.dashes = vec![6.0, 4.0];
            self
        }

        /// Draws the line in dots.
        #[must_use]
        pub fn dotted(mut self) -> Self {
            self.dashes = vec![1.5, 3.0];
            self
        }
    };
    (@map) => {
        /// Sets the colour map.
        #[must_use]
        pub fn map(mut self, map: ColourMap) -> Self {
            self.map = map;
            self
        }
    };
}
pub(crate) use styles;
