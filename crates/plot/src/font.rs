//! The embedded font: text is measured and drawn with it.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};

use crate::scene::{Path, Point};

/// A subset of DejaVu Sans; `font/make.sh` made it.
static BYTES: &[u8] = include_bytes!("../font/sans.ttf");

/// What CSS is asked for: the font that text was measured with, or one of nearly the same widths.
pub(crate) const FAMILY: &str = "'DejaVu Sans',Verdana,'Bitstream Vera Sans',Geneva,sans-serif";

static FACE: LazyLock<Face<'static>> =
    LazyLock::new(|| Face::parse(BYTES, 0).expect("the embedded font is a font"));

/// How far capital letters rise above the baseline, as a part of the font size.
pub(crate) const CAPITAL: f64 = 0.729;

/// The distance between baselines of lines that follow each other, as a part of the font size.
pub(crate) const LINE: f64 = 1.25;

fn glyph(face: &Face<'_>, letter: char) -> GlyphId {
    face.glyph_index(letter).or_else(|| face.glyph_index('\u{fffd}')).unwrap_or_default()
}

/// The width of one line of `text` in pixels at `size`.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let face = &*FACE;
    let units: u32 =
        text.chars().map(|letter| u32::from(face.glyph_hor_advance(glyph(face, letter)).unwrap_or(0))).sum();
    f64::from(units) * size / f64::from(face.units_per_em())
}

/// The outline of one line of `text` whose baseline begins at the origin, y downwards.
pub(crate) fn outline(text: &str, size: f64) -> Path {
    let face = &*FACE;
    let scale = size / f64::from(face.units_per_em());
    let mut pen = Pen { path: Path::new(), scale, x: 0.0, last: Point::new(0.0, 0.0) };
    for letter in text.chars() {
        let glyph = glyph(face, letter);
        face.outline_glyph(glyph, &mut pen);
        pen.x += f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
    }
    pen.path
}

struct Pen {
    path: Path,
    scale: f64,
    x: f64,
    last: Point,
}

impl Pen {
    fn point(&self, x: f32, y: f32) -> Point {
        Point::new(self.x + f64::from(x) * self.scale, -f64::from(y) * self.scale)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.last = self.point(x, y);
        self.path.move_to(self.last);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.last = self.point(x, y);
        self.path.line_to(self.last);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (control, end) = (self.point(x1, y1), self.point(x, y));
        let between =
            |a: Point| Point::new(a.x + (control.x - a.x) * 2.0 / 3.0, a.y + (control.y - a.y) * 2.0 / 3.0);
        self.path.cubic_to(between(self.last), between(end), end);
        self.last = end;
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let end = self.point(x, y);
        self.path.cubic_to(self.point(x1, y1), self.point(x2, y2), end);
        self.last = end;
    }

    fn close(&mut self) {
        self.path.close();
    }
}
