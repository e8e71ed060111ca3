//! The bar that says which colour stands for which value.

use std::sync::Arc;

use bolete_formats::picture::Picture;

use crate::scene::{Anchor, Item, Path, Point, Rect, Stroke, Text};
use crate::ticks::{self, Tick};
use crate::{Colour, ColourMap, font};

/// Colours and the values that they stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct ColourBar {
    /// The colours.
    pub map: ColourMap,
    /// The value of the first colour.
    pub low: f64,
    /// The value of the last colour.
    pub high: f64,
    /// Values are spread logarithmically.
    pub log: bool,
    /// What the values are.
    pub label: String,
    /// Borders between bands of one colour each; empty for a smooth bar.
    pub levels: Vec<f64>,
}

/// The width of the bar, its distance from the panel, and the length of ticks.
const WIDTH: f64 = 12.0;
const GAP: f64 = 10.0;
const TICK: f64 = 4.0;

impl ColourBar {
    /// Where a value lies in the colour map, from 0 to 1.
    pub fn position(&self, value: f64) -> f64 {
        let fraction = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if self.levels.len() < 2 {
            return fraction;
        }
        band_position(&self.levels, value)
    }

    fn ticks(&self, height: f64, size: f64) -> Vec<Tick> {
        if self.levels.len() >= 2 && self.levels.len() as f64 <= height / 16.0 {
            let tick = |&value: &f64| Tick { value, label: crate::number(value) };
            return self.levels.iter().map(tick).collect();
        }
        ticks::fitting(self.low, self.high, self.log, height, size, false)
    }

    /// The room that the bar needs beside a panel of a height.
    pub(crate) fn room(&self, height: f64, size: f64) -> f64 {
        let widest = widest(&self.ticks(height, size), size);
        let label = if self.label.is_empty() { 0.0 } else { size * 1.6 };
        GAP + WIDTH + TICK + 3.0 + widest + label + 2.0
    }

    /// Draws the bar to the right of `panel`.
    pub(crate) fn draw(&self, panel: Rect, size: f64, out: &mut Vec<Item>) {
        let bar = Rect::new(panel.right() + GAP, panel.y, WIDTH, panel.height);
        let steps = if self.levels.len() >= 2 { 1024 } else { 256 };
        let pixels = (0..steps).rev().flat_map(|step| {
            let fraction = (f64::from(step) + 0.5) / f64::from(steps);
            let value = if self.log {
                self.low * (self.high / self.low).powf(fraction)
            } else {
                self.low + (self.high - self.low) * fraction
            };
            let colour = self.map.at(self.position(value));
            [colour.red, colour.green, colour.blue]
        });
        let picture = Picture::new(1, steps as usize, 3, pixels.collect()).expect("one pixel per step");
        out.push(Item::Picture { picture: Arc::new(picture), rect: bar, smooth: false, opacity: 1.0 });
        let edge = Stroke::new(Colour::hex(0x444444), 0.8);
        out.push(Item::stroke(Path::rect(bar), edge.clone()));
        let ticks = self.ticks(bar.height, size);
        for tick in &ticks {
            let fraction = if self.log {
                (tick.value / self.low).ln() / (self.high / self.low).ln()
            } else {
                (tick.value - self.low) / (self.high - self.low)
            };
            let y = bar.bottom() - fraction * bar.height;
            let length = if tick.label.is_empty() { TICK / 2.0 } else { TICK };
            let (from, to) = (Point::new(bar.right(), y), Point::new(bar.right() + length, y));
            out.push(Item::line(from, to, edge.clone()));
            let at = Point::new(bar.right() + TICK + 3.0, y);
            if !tick.label.is_empty() {
                out.push(Item::Text(Text::new(&*tick.label, at, size).centred()));
            }
        }
        if !self.label.is_empty() {
            let x = bar.right() + TICK + 3.0 + widest(&ticks, size) + size * 1.4;
            let at = Point::new(x, bar.centre().y);
            let text = Text { upwards: true, ..Text::new(&*self.label, at, size) };
            out.push(Item::Text(text.anchor(Anchor::Middle)));
        }
    }
}

/// The colour of the band between two levels: bands are spread evenly over the map.
pub(crate) fn band_position(levels: &[f64], value: f64) -> f64 {
    let bands = levels.len() - 1;
    let band = levels[1..bands].iter().filter(|&&level| value >= level).count();
    if bands == 1 { 0.5 } else { band as f64 / (bands - 1) as f64 }
}

fn widest(ticks: &[Tick], size: f64) -> f64 {
    ticks.iter().map(|tick| font::width(&tick.label, size)).fold(0.0, f64::max)
}
