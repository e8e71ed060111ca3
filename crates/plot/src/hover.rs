//! What a page shows where the pointer is: curves as numbers beside the drawing.

use std::fmt::Write;

use crate::Colour;
use crate::mark::Plane;
use crate::svg::escape;

/// The most points of a curve that a page carries for the pointer.
const MOST: usize = 250;

/// A curve that a page shows the values of.
#[derive(Clone, Debug)]
pub struct HoverSeries {
    /// Its name; may be empty.
    pub label: String,
    /// Its colour.
    pub colour: Colour,
    /// Positions.
    pub x: Vec<f64>,
    /// Values, one per position.
    pub y: Vec<f64>,
}

/// The curves of one panel.
#[derive(Clone, Debug)]
pub(crate) struct Hover {
    pub plane: Plane,
    pub label: String,
    pub series: Vec<HoverSeries>,
}

impl Hover {
    /// A group that the script of a page finds, with the data as JSON in an attribute.
    pub fn write(&self, out: &mut String) {
        let rect = self.plane.rect;
        let mut json = String::from("{");
        let short = |value: f64| format!("{value:.2}");
        let scale = |scale: &crate::scale::Scale| {
            format!("[{:e},{:e},{},{}]", scale.low, scale.high, u8::from(scale.log), u8::from(scale.reversed))
        };
        let _ = write!(
            json,
            "\"r\":[{},{},{},{}],\"x\":{},\"y\":{},\"n\":{},\"s\":[",
            short(rect.x),
            short(rect.y),
            short(rect.width),
            short(rect.height),
            scale(&self.plane.x),
            scale(&self.plane.y),
            quoted(&self.label)
        );
        for (index, series) in self.series.iter().enumerate() {
            let every = series.x.len().div_ceil(MOST).max(1);
            let values = |values: &[f64]| {
                let last = values.len().saturating_sub(1);
                let kept = values.iter().enumerate().filter(|(i, _)| i.is_multiple_of(every) || *i == last);
                kept.map(|(_, value)| significant(*value)).collect::<Vec<_>>().join(",")
            };
            let _ = write!(
                json,
                "{}{{\"n\":{},\"c\":\"{}\",\"x\":[{}],\"y\":[{}]}}",
                if index > 0 { "," } else { "" },
                quoted(&series.label),
                series.colour.css(),
                values(&series.x),
                values(&series.y)
            );
        }
        json.push_str("]}");
        let _ = write!(out, "<g class=\"hover\" data-plot=\"{}\"/>", escape(&json));
    }
}

/// Five significant digits; `null` for what JSON has no number for.
fn significant(value: f64) -> String {
    if !value.is_finite() {
        return "null".to_string();
    }
    let short: f64 = format!("{value:.4e}").parse().unwrap_or(value);
    let (plain, power) = (format!("{short}"), format!("{short:e}"));
    if plain.len() <= power.len() { plain } else { power }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            letter if (letter as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
