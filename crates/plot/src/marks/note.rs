//! Text on a panel.

use crate::mark::{Extent, Mark, Plane, styles};
use crate::scene::{Anchor, Item, Point, Stroke, Text};
use crate::{Colour, font};

/// Text at a point of the plane, or beside it with a line that leads there.
#[derive(Clone, Debug)]
pub struct Note {
    x: f64,
    y: f64,
    text: String,
    colour: Option<Colour>,
    size: f64,
    anchor: Anchor,
    away: Option<(f64, f64)>,
}

impl Note {
    /// Text whose middle is at `(x, y)`. It may have several lines.
    pub fn new(x: f64, y: f64, text: impl Into<String>) -> Self {
        let (colour, away) = (None, None);
        Self { x, y, text: text.into(), colour, size: 11.0, anchor: Anchor::Middle, away }
    }

    /// Says which part of the text is at the point.
    #[must_use]
    pub fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    /// Sets the font size in pixels.
    #[must_use]
    pub fn size(mut self, size: f64) -> Self {
        self.size = size;
        self
    }

    /// Moves the text by pixels to the right and upwards, and draws a thin line from it to the point.
    #[must_use]
    pub fn away(mut self, right: f64, up: f64) -> Self {
        self.away = Some((right, up));
        self
    }
}

styles!(Note: colour);

impl Mark for Note {
    fn extent(&self, extent: &mut Extent) {
        extent.x.include(self.x);
        extent.y.include(self.y);
    }

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let Some(point) = plane.point(self.x, self.y) else { return };
        let (right, up) = self.away.unwrap_or((0.0, 0.0));
        let at = Point::new(point.x + right, point.y - up);
        let lines: Vec<&str> = self.text.split('\n').collect();
        let height = lines.len() as f64 * self.size * font::LINE;
        let colour = self.colour.unwrap_or(Colour::hex(0x222222));
        if self.away.is_some() {
            let width = lines.iter().map(|line| font::width(line, self.size)).fold(0.0, f64::max);
            let (left, right) = match self.anchor {
                Anchor::Start => (at.x, at.x + width),
                Anchor::Middle => (at.x - width / 2.0, at.x + width / 2.0),
                Anchor::End => (at.x - width, at.x),
            };
            // From the nearest place of the text's box.
            let from = Point::new(
                point.x.clamp(left - 2.0, right + 2.0),
                point.y.clamp(at.y - height / 2.0, at.y + height / 2.0),
            );
            out.push(Item::line(from, point, Stroke::new(colour, 0.9)));
        }
        for (index, line) in lines.iter().enumerate() {
            let middle = at.y - height / 2.0 + (index as f64 + 0.5) * self.size * font::LINE;
            let text = Text::new(*line, Point::new(at.x, middle), self.size).colour(colour);
            let halo = Some(Colour::WHITE.opacity(0.8)).filter(|_| colour.is_dark());
            out.push(Item::Text(Text { halo, ..text.centred().anchor(self.anchor) }));
        }
    }
}
