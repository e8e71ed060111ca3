//! The display list between marks and writers: what is drawn, in the order in which it is drawn.
//!
//! Positions are pixels at scale 1, x to the right and y downwards.

use std::sync::Arc;

use bolete_formats::picture::Picture;

use crate::Colour;
use crate::hover::Hover;

/// A position in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

impl Point {
    /// The position `(x, y)`.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    /// A rectangle from its upper left corner and its sides.
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { x, y, width, height }
    }

    /// The rectangle between two opposite corners.
    pub fn between(a: Point, b: Point) -> Self {
        Self::new(a.x.min(b.x), a.y.min(b.y), (a.x - b.x).abs(), (a.y - b.y).abs())
    }

    /// The right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// The lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The middle.
    pub fn centre(&self) -> Point {
        Point::new(self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// The rectangle with each side moved outwards by `by` pixels.
    pub fn grown(&self, by: f64) -> Self {
        Self::new(self.x - by, self.y - by, self.width + 2.0 * by, self.height + 2.0 * by)
    }

    /// Whether a point lies inside or on the edge.
    pub fn contains(&self, point: Point) -> bool {
        point.x >= self.x && point.x <= self.right() && point.y >= self.y && point.y <= self.bottom()
    }
}

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Segment {
    /// Begins a part.
    Move(Point),
    /// A straight line.
    Line(Point),
    /// A cubic Bézier curve: two control points and the end.
    Cubic(Point, Point, Point),
    /// Back to where the part began.
    Close,
}

/// Lines and curves, in parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    pub(crate) segments: Vec<Segment>,
}

impl Path {
    /// A path of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The line through `points`.
    pub fn polyline(points: &[Point]) -> Self {
        let mut path = Self::new();
        path.add_polyline(points);
        path
    }

    /// The area inside of `points`.
    pub fn polygon(points: &[Point]) -> Self {
        let mut path = Self::polyline(points);
        path.close();
        path
    }

    /// A rectangle.
    pub fn rect(rect: Rect) -> Self {
        let (right, bottom) = (rect.right(), rect.bottom());
        Self::polygon(&[
            Point::new(rect.x, rect.y),
            Point::new(right, rect.y),
            Point::new(right, bottom),
            Point::new(rect.x, bottom),
        ])
    }

    /// A rectangle with round corners of a radius.
    pub fn rounded(rect: Rect, radius: f64) -> Self {
        let radius = radius.min(rect.width / 2.0).min(rect.height / 2.0);
        let near = radius * (1.0 - ARC);
        let (left, top, right, bottom) = (rect.x, rect.y, rect.right(), rect.bottom());
        let point = Point::new;
        let mut path = Self::new();
        path.move_to(point(left + radius, top));
        path.line_to(point(right - radius, top));
        path.cubic_to(point(right - near, top), point(right, top + near), point(right, top + radius));
        path.line_to(point(right, bottom - radius));
        path.cubic_to(
            point(right, bottom - near),
            point(right - near, bottom),
            point(right - radius, bottom),
        );
        path.line_to(point(left + radius, bottom));
        path.cubic_to(point(left + near, bottom), point(left, bottom - near), point(left, bottom - radius));
        path.line_to(point(left, top + radius));
        path.cubic_to(point(left, top + near), point(left + near, top), point(left + radius, top));
        path.close();
        path
    }

    /// A circle.
    pub fn circle(centre: Point, radius: f64) -> Self {
        let mut path = Self::new();
        path.add_circle(centre, radius);
        path
    }

    /// Begins a part.
    pub fn move_to(&mut self, point: Point) {
        self.segments.push(Segment::Move(point));
    }

    /// Adds a straight line.
    pub fn line_to(&mut self, point: Point) {
        self.segments.push(Segment::Line(point));
    }

    /// Adds a curve.
    pub fn cubic_to(&mut self, first: Point, second: Point, end: Point) {
        self.segments.push(Segment::Cubic(first, second, end));
    }

    /// Closes the part.
    pub fn close(&mut self) {
        if !self.segments.is_empty() {
            self.segments.push(Segment::Close);
        }
    }

    /// Adds a part through `points`.
    pub fn add_polyline(&mut self, points: &[Point]) {
        for (index, &point) in points.iter().enumerate() {
            if index == 0 { self.move_to(point) } else { self.line_to(point) }
        }
    }

    /// Adds a circle.
    pub fn add_circle(&mut self, centre: Point, radius: f64) {
        let Point { x, y } = centre;
        let (r, k) = (radius, radius * ARC);
        let point = Point::new;
        self.move_to(point(x + r, y));
        self.cubic_to(point(x + r, y + k), point(x + k, y + r), point(x, y + r));
        self.cubic_to(point(x - k, y + r), point(x - r, y + k), point(x - r, y));
        self.cubic_to(point(x - r, y - k), point(x - k, y - r), point(x, y - r));
        self.cubic_to(point(x + k, y - r), point(x + r, y - k), point(x + r, y));
        self.close();
    }

    /// The path with every point changed by `map`.
    pub fn map(&self, map: impl Fn(Point) -> Point) -> Self {
        let segments = self
            .segments
            .iter()
            .map(|segment| match *segment {
                Segment::Move(a) => Segment::Move(map(a)),
                Segment::Line(a) => Segment::Line(map(a)),
                Segment::Cubic(a, b, c) => Segment::Cubic(map(a), map(b), map(c)),
                Segment::Close => Segment::Close,
            })
            .collect();
        Self { segments }
    }
}

/// The control points of a quarter circle of radius 1 are this far from its ends.
const ARC: f64 = 0.552_284_75;

/// How a line looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// Its colour.
    pub colour: Colour,
    /// Its width in pixels.
    pub width: f64,
    /// Lengths drawn and left out in turn; empty for a solid line.
    pub dashes: Vec<f64>,
    /// Round ends rather than flat ones.
    pub round: bool,
}

impl Stroke {
    /// A solid line.
    pub fn new(colour: Colour, width: f64) -> Self {
        Self { colour, width, dashes: Vec::new(), round: false }
    }

    /// The line in dashes.
    pub fn dashes(mut self, dashes: &[f64]) -> Self {
        self.dashes = dashes.to_vec();
        self
    }

    /// The line with round ends.
    pub fn round(mut self) -> Self {
        self.round = true;
        self
    }
}

/// Which part of a text stands at its position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// The left end.
    #[default]
    Start,
    /// The middle.
    Middle,
    /// The right end.
    End,
}

/// One line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What it says.
    pub text: String,
    /// Where the baseline is.
    pub at: Point,
    /// Font size in pixels.
    pub size: f64,
    /// Its colour.
    pub colour: Colour,
    /// What stands at `at`.
    pub anchor: Anchor,
    /// Turned to read upwards.
    pub upwards: bool,
    /// A wide line around the letters that keeps them readable on pictures.
    pub halo: Option<Colour>,
}

impl Text {
    /// Black text that begins at `at`.
    pub fn new(text: impl Into<String>, at: Point, size: f64) -> Self {
        let (colour, anchor) = (Colour::hex(0x222222), Anchor::Start);
        Self { text: text.into(), at, size, colour, anchor, upwards: false, halo: None }
    }

    /// The text with another part at its position.
    pub fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    /// The text in a colour.
    pub fn colour(mut self, colour: Colour) -> Self {
        self.colour = colour;
        self
    }

    /// The text with the middle of its capitals, rather than the baseline, at its height.
    pub fn centred(mut self) -> Self {
        let shift = crate::font::CAPITAL * self.size / 2.0;
        if self.upwards {
            self.at.x += shift
        } else {
            self.at.y += shift
        }
        self
    }
}

/// One thing that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Lines and areas. Where parts overlap, the area inside is that of the nonzero rule.
    Path {
        /// The outline.
        path: Path,
        /// The colour inside.
        fill: Option<Colour>,
        /// The line along it.
        stroke: Option<Stroke>,
    },
    /// One small shape at many places.
    Markers {
        /// The shape around the origin.
        shape: Path,
        /// Where it is repeated.
        at: Vec<Point>,
        /// One colour inside for all, or one for each place.
        fills: Vec<Colour>,
        /// The line along the shape.
        stroke: Option<Stroke>,
    },
    /// A line of text.
    Text(Text),
    /// A picture stretched over a rectangle.
    Picture {
        /// The pixels.
        picture: Arc<Picture>,
        /// Where they go.
        rect: Rect,
        /// Between pixels, colours are mixed rather than stepped.
        smooth: bool,
        /// From 0, invisible, to 1.
        opacity: f64,
    },
    /// Things of which only the part inside of a rectangle is seen.
    Clip {
        /// What is seen.
        rect: Rect,
        /// The things.
        items: Vec<Item>,
    },
    /// So many things that a vector file holds a picture of them instead.
    Dense {
        /// Where they are.
        rect: Rect,
        /// The things.
        items: Vec<Item>,
    },
}

impl Item {
    /// A filled area.
    pub fn fill(path: Path, colour: Colour) -> Self {
        Self::Path { path, fill: Some(colour), stroke: None }
    }

    /// A line.
    pub fn stroke(path: Path, stroke: Stroke) -> Self {
        Self::Path { path, fill: None, stroke: Some(stroke) }
    }

    /// A straight line.
    pub fn line(from: Point, to: Point, stroke: Stroke) -> Self {
        Self::stroke(Path::polyline(&[from, to]), stroke)
    }
}

/// A drawing: a size and what is drawn on it.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Width in pixels at scale 1.
    pub width: f64,
    /// Height in pixels at scale 1.
    pub height: f64,
    /// What is drawn, back to front.
    pub items: Vec<Item>,
    /// What is shown where the pointer is.
    pub(crate) hovers: Vec<Hover>,
}
