//! Grid lines, frame, ticks and their labels.

use crate::axes::panel::TICKS;
use crate::mark::Plane;
use crate::scale::Scale;
use crate::scene::{Anchor, Item, Path, Point, Stroke, Text};
use crate::ticks::Tick;
use crate::{Colour, font};

/// The length of a tick.
pub(crate) const TICK: f64 = 4.0;
const INK: Colour = Colour::hex(0x444444);

/// The width of the widest label.
pub(crate) fn tick_width(ticks: &[Tick]) -> f64 {
    ticks.iter().map(|tick| font::width(&tick.label, TICKS)).fold(0.0, f64::max)
}

/// Whether labels of the horizontal axis are too wide to stand side by side.
pub(crate) fn turned(ticks: &[Tick], scale: &Scale, width: f64) -> bool {
    let place = |tick: &Tick| scale.fraction(tick.value) * width;
    ticks.windows(2).any(|pair| {
        let room = (font::width(&pair[0].label, TICKS) + font::width(&pair[1].label, TICKS)) / 2.0 + 4.0;
        let written = !pair[0].label.is_empty() && !pair[1].label.is_empty();
        written && (place(&pair[1]) - place(&pair[0])).abs() < room
    })
}

/// The height that labels of the horizontal axis take.
pub(crate) fn tick_height(ticks: &[Tick], scale: &Scale, width: f64) -> f64 {
    if turned(ticks, scale, width) { tick_width(ticks) + 2.0 } else { TICKS }
}

/// Light lines across the panel at the ticks that have labels.
pub(crate) fn grid(
    plane: &Plane,
    x_ticks: &[Tick],
    y_ticks: &[Tick],
    x_named: bool,
    y_named: bool,
    out: &mut Vec<Item>,
) {
    let rect = plane.rect;
    let mut path = Path::new();
    let marked = |ticks: &[Tick]| -> Vec<f64> {
        ticks.iter().filter(|tick| !tick.label.is_empty()).map(|tick| tick.value).collect()
    };
    // Categories have no values in between that a line would help to read.
    for x in marked(x_ticks).into_iter().filter(|_| !x_named).map(|value| plane.x(value)) {
        path.add_polyline(&[Point::new(x, rect.y), Point::new(x, rect.bottom())]);
    }
    for y in marked(y_ticks).into_iter().filter(|_| !y_named).map(|value| plane.y(value)) {
        path.add_polyline(&[Point::new(rect.x, y), Point::new(rect.right(), y)]);
    }
    out.push(Item::stroke(path, Stroke::new(Colour::hex(0xe8e8e8), 0.8)));
}

/// The lines of the axes (all four sides where a mark covers the panel), ticks and numbers.
pub(crate) fn axes(plane: &Plane, x_ticks: &[Tick], y_ticks: &[Tick], covered: bool, out: &mut Vec<Item>) {
    let rect = plane.rect;
    let mut path = Path::new();
    if covered {
        path = Path::rect(rect);
    } else {
        path.add_polyline(&[
            Point::new(rect.x, rect.y),
            Point::new(rect.x, rect.bottom()),
            Point::new(rect.right(), rect.bottom()),
        ]);
    }
    let length = |tick: &Tick| if tick.label.is_empty() { TICK / 2.0 } else { TICK };
    let mut labels = Vec::new();
    let upwards = turned(x_ticks, &plane.x, rect.width);
    for tick in x_ticks {
        let (x, y) = (plane.x(tick.value), rect.bottom());
        path.add_polyline(&[Point::new(x, y), Point::new(x, y + length(tick))]);
        if tick.label.is_empty() {
            continue;
        }
        let text = if upwards {
            let at = Point::new(x, y + TICK + 4.0);
            Text { upwards, ..Text::new(&*tick.label, at, TICKS) }.centred().anchor(Anchor::End)
        } else {
            let at = Point::new(x, y + TICK + 2.0 + TICKS);
            Text::new(&*tick.label, at, TICKS).anchor(Anchor::Middle)
        };
        labels.push(Item::Text(text));
    }
    for tick in y_ticks {
        let (x, y) = (rect.x, plane.y(tick.value));
        path.add_polyline(&[Point::new(x, y), Point::new(x - length(tick), y)]);
        if !tick.label.is_empty() {
            let at = Point::new(x - TICK - 3.0, y);
            labels.push(Item::Text(Text::new(&*tick.label, at, TICKS).centred().anchor(Anchor::End)));
        }
    }
    out.push(Item::stroke(path, Stroke::new(INK, 0.9)));
    out.extend(labels);
}
