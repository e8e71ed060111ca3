//! Parallel coordinates.

use crate::mark::{ColourBar, Extent, Mark, Plane, Span};
use crate::numbers::{self, Numbers};
use crate::scale::Scale;
use crate::scene::{Anchor, Item, Path, Point, Stroke, Text};
use crate::{Axes, Colour, ColourMap, font, ticks};

/// One line per row over an axis per column, as for the runs of a sweep: `names` of the columns and rows of as many
/// values. Lines are coloured by the last column, rows with its lowest value on top. A column of positive values that
/// spread over more than two decades is logarithmic. What is not finite leaves a gap.
///
/// # Panics
/// If a row has not as many values as there are names.
///
/// # Examples
/// ```
/// let runs = [[1e-4, 32.0, 0.9], [1e-3, 64.0, 0.4], [1e-1, 64.0, 2.3]];
/// let axes = bolete_plot::parallel_coordinates(&["learning rate", "width", "loss"], &runs);
/// assert!(bolete_plot::Figure::new(axes).svg().contains("learning rate"));
/// ```
#[track_caller]
pub fn parallel_coordinates<S: AsRef<str>, R: Numbers>(names: &[S], rows: &[R]) -> Axes {
    let rows: Vec<Vec<f64>> = rows.iter().map(Numbers::numbers).collect();
    for row in &rows {
        numbers::same_length(["values in a row", "names"], [row.len(), names.len()]);
    }
    let column = |index: usize| {
        let values = rows.iter().map(move |row| row[index]).filter(|value| value.is_finite());
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.clone().fold(0.0, f64::max);
        let mut span = Span::new(low > 0.0 && low.is_finite() && high / low > 100.0);
        values.for_each(|value| span.include(value));
        span.snug();
        Column { name: names[index].as_ref().to_string(), scale: Scale::around(&span, (None, None), false) }
    };
    let columns: Vec<Column> = (0..names.len()).map(column).collect();
    let count = columns.len().max(2) as f64;
    Axes::new("")
        .no_axes()
        .x_range(-0.35, count - 0.65)
        .y_range(-0.06, 1.14)
        .area((count * 105.0).clamp(320.0, 900.0), 260.0)
        .with(Parallel { columns, rows })
}

struct Column {
    name: String,
    scale: Scale,
}

struct Parallel {
    columns: Vec<Column>,
    rows: Vec<Vec<f64>>,
}

impl Mark for Parallel {
    fn extent(&self, _extent: &mut Extent) {}

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let Some(bar) = self.colour_bar() else { return };
        let last = self.columns.len() - 1;
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        // The lowest last: it is drawn over all others.
        order.sort_by(|&a, &b| self.rows[b][last].total_cmp(&self.rows[a][last]));
        let opacity = (60.0 / self.rows.len().max(1) as f64).clamp(0.25, 0.85);
        for row in order {
            let place = |index: usize| {
                plane.point(index as f64, self.columns[index].scale.fraction(self.rows[row][index]))
            };
            let places: Vec<Option<Point>> = (0..self.columns.len()).map(place).collect();
            let mut path = Path::new();
            for run in places.split(Option::is_none) {
                path.add_polyline(&run.iter().flatten().copied().collect::<Vec<_>>());
            }
            let value = bar.position(self.rows[row][last]);
            let colour = if value.is_nan() { Colour::GRAY } else { bar.map.at(value * 0.92) };
            out.push(Item::stroke(path, Stroke::new(colour.opacity(opacity), 1.4).round()));
        }
        let ink = Stroke::new(Colour::hex(0x444444), 0.9);
        let halo = Some(Colour::WHITE.opacity(0.85));
        let apart = (plane.x(1.0) - plane.x(0.0)).abs();
        for (index, column) in self.columns.iter().enumerate() {
            let x = plane.x(index as f64);
            let (low, high) = (plane.y(0.0), plane.y(1.0));
            let mut path = Path::polyline(&[Point::new(x, low), Point::new(x, high)]);
            let Scale { low: from, high: to, log, .. } = column.scale;
            for tick in ticks::fitting(from, to, log, (low - high).abs(), 10.0, false) {
                let y = plane.y(column.scale.fraction(tick.value));
                path.add_polyline(&[Point::new(x - 4.0, y), Point::new(x, y)]);
                let text = Text::new(tick.label, Point::new(x - 6.0, y), 10.0).anchor(Anchor::End).centred();
                out.push(Item::Text(Text { halo, ..text }));
            }
            out.push(Item::stroke(path, ink.clone()));
            let size = (11.5 * apart * 0.95 / font::width(&column.name, 11.5).max(1.0)).clamp(7.0, 11.5);
            let at = Point::new(x, high - 10.0);
            out.push(Item::Text(Text::new(&*column.name, at, size).anchor(Anchor::Middle)));
        }
    }

    fn colour_bar(&self) -> Option<ColourBar> {
        let Column { name, scale } = self.columns.last()?;
        let (low, high, log) = (scale.low, scale.high, scale.log);
        Some(ColourBar { map: ColourMap::Viridis, low, high, log, label: name.clone(), levels: Vec::new() })
    }
}
