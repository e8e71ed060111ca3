//! Values on a grid as colours.

use std::sync::Arc;

use bolete_formats::picture::Picture;

use crate::mark::{ColourBar, Extent, Mark, Plane, styles};
use crate::marks::scatter::value_range;
use crate::numbers::{self, Numbers};
use crate::scene::{Anchor, Item, Point, Rect, Text};
use crate::{Colour, ColourMap, ticks};

/// Values on a regular grid, a coloured cell each.
#[derive(Clone, Debug)]
pub struct HeatMap {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
    map: ColourMap,
    range: Option<(f64, f64)>,
    log: bool,
    label: String,
    extent: Option<[f64; 4]>,
    smooth: bool,
    texts: Option<Vec<String>>,
    opacity: f64,
    bar: bool,
}

impl HeatMap {
    /// The matrix `values` of `rows` × `columns`, row-major, its first row at the top: cell (row, column) is centred
    /// at `x = column`, and the vertical axis runs downwards when [`Axes::reverse_y`](crate::Axes::reverse_y) asks
    /// for it. [`HeatMap::over`] places the values in a plane instead. What is not finite stays white.
    ///
    /// # Panics
    /// If there are not `rows * columns` values.
    #[track_caller]
    pub fn new(rows: usize, columns: usize, values: &(impl Numbers + ?Sized)) -> Self {
        let values = values.numbers();
        numbers::same_length(["values", "cells"], [values.len(), rows * columns]);
        Self {
            rows,
            columns,
            values,
            map: ColourMap::Viridis,
            range: None,
            log: false,
            label: String::new(),
            extent: None,
            smooth: false,
            texts: None,
            opacity: 1.0,
            bar: true,
        }
    }

    /// A function of two variables over `x` = low..high and `y` = low..high, at `side` × `side` places.
    pub fn function(x: (f64, f64), y: (f64, f64), side: usize, function: impl Fn(f64, f64) -> f64) -> Self {
        let at = |range: (f64, f64), index: usize| {
            range.0 + (range.1 - range.0) * ((index as f64 + 0.5) / side.max(1) as f64)
        };
        let value = |index: usize| function(at(x, index % side), at(y, index / side));
        let values: Vec<f64> = (0..side * side).map(value).collect();
        Self::new(side, side, &values).over(x, y)
    }

    /// Spreads the cells over `x` = low..high and `y` = low..high. The first row is at the low end of `y`.
    #[must_use]
    pub fn over(mut self, x: (f64, f64), y: (f64, f64)) -> Self {
        self.extent = Some([x.0, x.1, y.0, y.1]);
        self
    }

    /// Fixes the values of the first and last colour.
    #[must_use]
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Puts 0 at the middle of a diverging colour map.
    #[must_use]
    pub fn diverging(mut self) -> Self {
        let (low, high) = value_range(&self.values);
        let far = low.abs().max(high.abs());
        self.range = Some((-far, far));
        self.map = ColourMap::Diverging;
        self
    }

    /// Spreads colours logarithmically. Values that are not above 0 stay white.
    #[must_use]
    pub fn log(mut self) -> Self {
        self.log = true;
        self
    }

    /// Names the values in the colour bar.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Mixes colours between cells.
    #[must_use]
    pub fn smooth(mut self) -> Self {
        self.smooth = true;
        self
    }

    /// Writes the value into each cell.
    #[must_use]
    pub fn written(mut self) -> Self {
        self.texts = Some(self.values.iter().map(|&value| ticks::number(value)).collect());
        self
    }

    /// Writes a text of its own into each cell.
    ///
    /// # Panics
    /// If there are not as many texts as cells.
    #[track_caller]
    #[must_use]
    pub fn texts(mut self, texts: Vec<String>) -> Self {
        numbers::same_length(["texts", "cells"], [texts.len(), self.values.len()]);
        self.texts = Some(texts);
        self
    }

    /// Leaves out the colour bar.
    #[must_use]
    pub fn no_bar(mut self) -> Self {
        self.bar = false;
        self
    }

    fn bar(&self) -> ColourBar {
        let used: Vec<f64> = self.values.iter().copied().filter(|&value| !self.log || value > 0.0).collect();
        let (mut low, mut high) = self.range.unwrap_or_else(|| value_range(&used));
        if self.log && low <= 0.0 {
            (low, high) = if used.is_empty() { (1.0, 10.0) } else { value_range(&used) };
        }
        let label = self.label.clone();
        ColourBar { map: self.map, low, high, log: self.log, label, levels: Vec::new() }
    }

    fn area(&self) -> [f64; 4] {
        let (columns, rows) = (self.columns as f64, self.rows as f64);
        self.extent.unwrap_or([-0.5, columns - 0.5, -0.5, rows - 0.5])
    }
}

styles!(HeatMap: opacity, map);

impl Mark for HeatMap {
    fn extent(&self, extent: &mut Extent) {
        if self.values.is_empty() {
            return;
        }
        let area = self.area();
        extent.x.include_all(&area[..2]);
        extent.y.include_all(&area[2..]);
        extent.x.snug();
        extent.y.snug();
    }

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let bar = self.bar();
        let colours: Vec<Colour> =
            self.values.iter().map(|&value| self.map.at(bar.position(value)).opacity(self.opacity)).collect();
        let [left, right, low, high] = self.area();
        let (Some(from), Some(to)) = (plane.point(left, low), plane.point(right, high)) else { return };
        // The file's first row is at the top; the matrix's first row is where the axis has its low end.
        let (across, down) = (to.x < from.x, to.y < from.y);
        let mut pixels = Vec::with_capacity(colours.len() * 4);
        for row in 0..self.rows {
            let row = if down { self.rows - 1 - row } else { row };
            for column in 0..self.columns {
                let column = if across { self.columns - 1 - column } else { column };
                let colour = colours[row * self.columns + column];
                pixels.extend([colour.red, colour.green, colour.blue, colour.alpha]);
            }
        }
        let Ok(picture) = Picture::new(self.columns, self.rows, 4, pixels) else { return };
        let rect = Rect::between(from, to);
        out.push(Item::Picture { picture: Arc::new(picture), rect, smooth: self.smooth, opacity: 1.0 });
        if let Some(texts) = &self.texts {
            let (width, height) = (rect.width / self.columns as f64, rect.height / self.rows as f64);
            for (index, (&value, &colour)) in self.values.iter().zip(&colours).enumerate() {
                let (row, column) = (index / self.columns, index % self.columns);
                let x = left + (right - left) * (column as f64 + 0.5) / self.columns as f64;
                let y = low + (high - low) * (row as f64 + 0.5) / self.rows as f64;
                let label = &texts[index];
                let fitting = (width * 0.86) / crate::font::width(label, 1.0).max(0.1);
                let size = fitting.min(height * 0.6).min(11.0);
                let ink = if colour.alpha > 100 && colour.is_dark() {
                    Colour::WHITE
                } else {
                    Colour::hex(0x222222)
                };
                if size >= 4.0 && value.is_finite() {
                    let text = Text::new(&**label, Point::new(plane.x(x), plane.y(y)), size).colour(ink);
                    out.push(Item::Text(text.centred().anchor(Anchor::Middle)));
                }
            }
        }
    }

    fn colour_bar(&self) -> Option<ColourBar> {
        self.bar.then(|| self.bar())
    }

    fn covers(&self) -> bool {
        true
    }
}
