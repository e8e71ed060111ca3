//! The legend: its size, its place and its drawing.

use crate::mark::{Key, Swatch};
use crate::scene::{Item, Path, Point, Rect, Segment, Stroke, Text};
use crate::{Colour, font};

/// Where a legend goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Legend {
    /// In the corner, or at the side, where the least is drawn; beside the panel if it would hide much everywhere.
    #[default]
    Automatic,
    /// Inside, at the upper left.
    UpperLeft,
    /// Inside, at the upper right.
    UpperRight,
    /// Inside, at the lower left.
    LowerLeft,
    /// Inside, at the lower right.
    LowerRight,
    /// Beside the panel, to its right.
    Outside,
    /// Nowhere.
    None,
}

const SWATCH: f64 = 22.0;
const PAD: f64 = 6.0;
/// Distance from the frame.
const AWAY: f64 = 6.0;

/// Width and height of a legend.
pub(crate) fn size(keys: &[Key], text: f64) -> (f64, f64) {
    let widest = keys.iter().map(|key| font::width(&key.label, text)).fold(0.0, f64::max);
    (PAD + SWATCH + 6.0 + widest + PAD, keys.len() as f64 * text * 1.5 + PAD * 1.4)
}

/// The place for a legend at `panel`, and how much of `items` it hides, where that was looked at: an automatic legend
/// is where that is least.
pub(crate) fn place(
    legend: Legend,
    panel: Rect,
    (width, height): (f64, f64),
    items: &[Item],
) -> (Rect, usize) {
    let (left, right) = (panel.x + AWAY, panel.right() - AWAY - width);
    let (top, bottom) = (panel.y + AWAY, panel.bottom() - AWAY - height);
    let (centre, middle) = ((left + right) / 2.0, (top + bottom) / 2.0);
    let at = |x: f64, y: f64| Rect::new(x, y, width, height);
    match legend {
        Legend::UpperLeft => (at(left, top), 0),
        Legend::UpperRight => (at(right, top), 0),
        Legend::LowerLeft => (at(left, bottom), 0),
        Legend::LowerRight => (at(right, bottom), 0),
        Legend::Outside => (at(panel.right() + 10.0, panel.y), 0),
        Legend::Automatic | Legend::None => {
            let corners = [(right, top), (left, top), (right, bottom), (left, bottom)];
            let sides = [(right, middle), (left, middle), (centre, top), (centre, bottom)];
            let choices: Vec<Rect> = corners.iter().chain(&sides).map(|&(x, y)| at(x, y)).collect();
            let mut hidden = vec![0usize; choices.len()];
            visit(items, &mut |point| {
                for (count, choice) in hidden.iter_mut().zip(&choices) {
                    *count += usize::from(choice.grown(3.0).contains(point));
                }
            });
            let best = (0..choices.len()).min_by_key(|&index| (hidden[index], index)).unwrap_or(0);
            (choices[best], hidden[best])
        }
    }
}

/// Calls `see` with points that lie close together on everything that is drawn.
fn visit(items: &[Item], see: &mut impl FnMut(Point)) {
    for item in items {
        match item {
            Item::Path { path, fill, .. } => visit_path(path, fill.is_some(), see),
            Item::Markers { at, .. } => at.iter().for_each(|&point| see(point)),
            Item::Text(text) => see(text.at),
            Item::Picture { rect, .. } => visit_path(&Path::rect(*rect), true, see),
            Item::Clip { items, .. } | Item::Dense { items, .. } => visit(items, see),
        }
    }
}

fn visit_path(path: &Path, filled: bool, see: &mut impl FnMut(Point)) {
    let mut last = Point::default();
    let mut corners = Vec::new();
    for segment in &path.segments {
        let (Segment::Move(end) | Segment::Line(end) | Segment::Cubic(_, _, end)) = *segment else {
            continue;
        };
        corners.push(end);
        if matches!(segment, Segment::Move(_)) {
            see(end);
        } else {
            let steps = ((end.x - last.x).hypot(end.y - last.y) / 6.0).ceil().clamp(1.0, 300.0) as usize;
            for step in 1..=steps {
                let part = step as f64 / steps as f64;
                see(Point::new(last.x + (end.x - last.x) * part, last.y + (end.y - last.y) * part));
            }
        }
        last = end;
    }
    // A bar: its inside counts too.
    if filled && let [a, b, c, d] = corners[..] {
        let rows = ((c.y - a.y).hypot(c.x - b.x) / 8.0).clamp(1.0, 60.0) as usize;
        for row in 1..rows {
            let part = row as f64 / rows as f64;
            let from = Point::new(a.x + (d.x - a.x) * part, a.y + (d.y - a.y) * part);
            let to = Point::new(b.x + (c.x - b.x) * part, b.y + (c.y - b.y) * part);
            for step in 0..=8 {
                let part = f64::from(step) / 8.0;
                see(Point::new(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part));
            }
        }
    }
}

/// Draws a legend in `rect`.
pub(crate) fn draw(keys: &[Key], rect: Rect, text: f64, boxed: bool, out: &mut Vec<Item>) {
    if boxed {
        out.push(Item::Path {
            path: Path::rounded(rect, 3.0),
            fill: Some(Colour::WHITE.opacity(0.85)),
            stroke: Some(Stroke::new(Colour::hex(0xd0d0d0), 0.8)),
        });
    }
    for (index, key) in keys.iter().enumerate() {
        let y = rect.y + PAD * 0.7 + (index as f64 + 0.5) * text * 1.5;
        let x = rect.x + PAD;
        let middle = Point::new(x + SWATCH / 2.0, y);
        let marker = |marker: &crate::Marker, colour: Colour, out: &mut Vec<Item>| {
            let shape = marker.path(6.5);
            out.push(Item::Markers { shape, at: vec![middle], fills: vec![colour], stroke: None });
        };
        match &key.swatch {
            Swatch::Line(stroke, point) => {
                let stroke = Stroke { width: stroke.width.min(4.0), ..stroke.clone() };
                out.push(Item::line(Point::new(x, y), Point::new(x + SWATCH, y), stroke));
                if let Some((kind, colour)) = point {
                    marker(kind, *colour, out);
                }
            }
            Swatch::Marker(kind, colour) => marker(kind, *colour, out),
            Swatch::Patch(colour) => {
                let patch = Rect::new(x + 2.0, y - 4.5, SWATCH - 4.0, 9.0);
                out.push(Item::fill(Path::rect(patch), *colour));
            }
        }
        let at = Point::new(x + SWATCH + 6.0, y);
        out.push(Item::Text(Text::new(&*key.label, at, text).centred()));
    }
}
