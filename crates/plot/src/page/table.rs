//! Tables.

use std::fmt::Write;

use crate::page::inline;
use crate::svg::escape;

/// A table with a header. Columns of numbers are aligned to the right; a click on a header sorts by its column.
///
/// # Examples
/// ```
/// use bolete_plot::page::{Page, Table};
/// let mut table = Table::new(&["optimiser", "loss"]);
/// table.row(&["SGD", "0.31"]).row(&["Adam", "0.12"]);
/// Page::new("Comparison").table(&table);
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    caption: String,
}

impl Table {
    /// A table without rows.
    pub fn new<S: AsRef<str>>(header: &[S]) -> Self {
        let header = header.iter().map(|cell| cell.as_ref().to_string()).collect();
        Self { header, rows: Vec::new(), caption: String::new() }
    }

    /// Sets a caption.
    pub fn caption(&mut self, caption: impl Into<String>) -> &mut Self {
        self.caption = caption.into();
        self
    }

    /// Adds a row, whose cells have the markup of a paragraph.
    ///
    /// # Panics
    /// If there are not as many cells as in the header.
    #[track_caller]
    pub fn row<S: AsRef<str>>(&mut self, cells: &[S]) -> &mut Self {
        assert!(
            cells.len() == self.header.len(),
            "expected {} cells as in the header, found {}",
            self.header.len(),
            cells.len()
        );
        self.rows.push(cells.iter().map(|cell| cell.as_ref().to_string()).collect());
        self
    }

    pub(super) fn write(&self, out: &mut String) {
        let numeric: Vec<bool> = (0..self.header.len())
            .map(|column| {
                let mut cells =
                    self.rows.iter().map(|row| row[column].trim()).filter(|cell| !cell.is_empty());
                let any = self.rows.iter().any(|row| value(&row[column]).is_some());
                any && cells.all(|cell| value(cell).is_some() || matches!(cell, "–" | "—" | "-"))
            })
            .collect();
        let class = |column: usize| if numeric[column] { " class=\"n\"" } else { "" };
        out.push_str("<div class=\"scroll\" tabindex=\"0\"><table>\n");
        if !self.caption.is_empty() {
            let _ = writeln!(out, "<caption>{}</caption>", inline::html(&self.caption));
        }
        out.push_str("<thead><tr>");
        for (column, cell) in self.header.iter().enumerate() {
            let _ = write!(
                out,
                "<th scope=\"col\"{}><button type=\"button\">{}</button></th>",
                class(column),
                inline::html(cell)
            );
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (column, cell) in row.iter().enumerate() {
                let _ = write!(out, "<td{}", class(column));
                if let Some(value) = value(cell).filter(|_| numeric[column]) {
                    let _ = write!(out, " data-v=\"{}\"", escape(&format!("{value:?}")));
                }
                let _ = write!(out, ">{}</td>", inline::html(cell));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table></div>\n");
    }
}

/// The number that a cell begins with, where only a unit or a spread follows: `1,234`, `−0.5 %`, `3.2×10⁻⁷`,
/// `0.91 ± 0.02`.
fn value(cell: &str) -> Option<f64> {
    let cell = cell.trim().trim_matches(['*', '`']).trim();
    if matches!(cell, "NaN" | "∞" | "−∞") {
        return Some(match cell {
            "NaN" => f64::NAN,
            "∞" => f64::INFINITY,
            _ => f64::NEG_INFINITY,
        });
    }
    let plain: String =
        cell.chars().filter(|&letter| letter != ',').map(|c| if c == '−' { '-' } else { c }).collect();
    let front = plain.split([' ', '%', '±', '×']).next()?;
    let (front, power) = match front.strip_prefix("10").filter(|rest| rest.starts_with(is_raised)) {
        Some(rest) => (1.0, lowered(rest)),
        None => {
            let number: f64 =
                front.parse().ok().filter(|_| front.starts_with(|c: char| !c.is_alphabetic()))?;
            let power = plain.split_once("×10").map(|(_, rest)| lowered(rest)).unwrap_or(0);
            (number, power)
        }
    };
    Some(front * 10f64.powi(power))
}

const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";

fn is_raised(letter: char) -> bool {
    letter == '⁻' || RAISED.contains(letter)
}

fn lowered(text: &str) -> i32 {
    let digits = text.chars().take_while(|&letter| is_raised(letter)).filter_map(|letter| {
        if letter == '⁻' {
            return Some('-');
        }
        RAISED
            .chars()
            .position(|raised| raised == letter)
            .and_then(|digit| char::from_digit(digit as u32, 10))
    });
    digits.collect::<String>().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn cells_are_read_as_numbers() {
        let cases = [
            ("1,234", Some(1234.0)),
            ("−0.5 %", Some(-0.5)),
            ("12 ms", Some(12.0)),
            ("0.91 ± 0.02", Some(0.91)),
            ("10³", Some(1000.0)),
            ("**7**", Some(7.0)),
            ("Adam", None),
            ("infinite", None),
            ("", None),
        ];
        for (cell, expected) in cases {
            assert_eq!(value(cell), expected, "{cell}");
        }
        assert!((value("3.2×10⁻⁷").unwrap() - 3.2e-7).abs() < 1e-18);
    }
}
