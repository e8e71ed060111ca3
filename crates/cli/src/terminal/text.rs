//! Numbers, tables and pictures as text.

use std::fmt::Write as _;
use std::ops::Range;

use bolete::train::{Confusion, Evaluation};

/// A number with as many digits as matter.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == value.trunc() && size < 1e9 {
        format!("{value}")
    } else if !(1e-4..1e6).contains(&size) {
        format!("{value:.4e}")
    } else {
        let digits = (4 - size.log10().floor() as i32).clamp(0, 8) as usize;
        format!("{value:.digits$}")
    }
}

/// A table with aligned columns: numbers at their right, words at their left.
pub fn table(title: &str, header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|name| name.chars().count())).max().unwrap_or(0)
    };
    let is_number = |cell: &String| {
        cell.is_empty() || cell.starts_with(|first: char| first.is_ascii_digit() || "+-−–.∞".contains(first))
    };
    let is_right = |column: usize| column > 0 && rows.iter().filter_map(|row| row.get(column)).all(is_number);
    let columns: Vec<(usize, bool)> =
        (0..header.len()).map(|column| (width(column), is_right(column))).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&columns).map(|(cell, (width, is_right))| match is_right {
            false => format!("{cell:<width$}"),
            true => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = format!("\n{title}\n{}", line(header.to_vec()));
    for row in rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    text
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    if whole < 60 { format!("{whole} s") } else { format!("{}:{:02} min", whole / 60, whole % 60) }
}

/// Loss, accuracy and the table of which class was taken for which.
pub fn evaluation(evaluation: &Evaluation) -> String {
    let means: Vec<String> = evaluation
        .means
        .iter()
        .map(|(name, value)| match name.as_str() {
            "accuracy" => format!("test accuracy {:.2} %", value * 100.0),
            name => format!("test {name} {value:.4}"),
        })
        .collect();
    let table = evaluation.confusion().map_or(String::new(), |seen| format!("\n{}", confusion(&seen)));
    format!("\n{}\n{table}", means.join(", "))
}

/// A row for each class as it is, a column for each as it was taken.
pub fn confusion(confusion: &Confusion) -> String {
    let classes = confusion.classes();
    let mut text = String::from("    taken for");
    for class in 0..classes {
        write!(text, "{class:>6}").expect("strings take all writes");
    }
    text.push_str("   found\n");
    for actual in 0..classes {
        write!(text, "  {actual:>9}  ").expect("strings take all writes");
        for taken in 0..classes {
            match confusion.count(actual, taken) {
                0 => text.push_str("     ·"),
                count => write!(text, "{count:>6}").expect("strings take all writes"),
            }
        }
        match confusion.recall(actual) {
            Some(recall) => writeln!(text, "  {:5.1} %", recall * 100.0).expect("strings take all writes"),
            None => text.push('\n'),
        }
    }
    text
}

/// Columns of the narrowest terminal that is thought of.
const COLUMNS: usize = 80;

/// Gray pictures of `side`×`side` pixels, two pixels to a character, each with a caption below; side by side as far as
/// the terminal is wide, without the margins that they have in common.
pub fn pictures(pictures: &[(&[u8], String)], side: usize) -> String {
    let lit = |pixels: &[u8], x: usize, y: usize| pixels[y * side + x] > 110;
    let shown = |inked: &dyn Fn(usize) -> bool| {
        let first = (0..side).find(|at| inked(*at)).unwrap_or(0);
        first..(first + 1..=side).rev().find(|at| inked(at - 1)).unwrap_or(side)
    };
    let columns = shown(&|x| pictures.iter().any(|(pixels, _)| (0..side).any(|y| lit(pixels, x, y))));
    let rows = shown(&|y| pictures.iter().any(|(pixels, _)| (0..side).any(|x| lit(pixels, x, y))));
    let caption = pictures.iter().map(|(_, caption)| caption.chars().count()).max().unwrap_or(0);
    let width = columns.len().max(caption) + 3;
    let band = |part: &[(&[u8], String)]| band(part, &columns, &rows, width, &lit);
    pictures.chunks((COLUMNS / width).max(1)).map(band).collect::<Vec<_>>().join("\n")
}

/// Pictures side by side, each in `width` columns.
fn band(
    pictures: &[(&[u8], String)],
    columns: &Range<usize>,
    rows: &Range<usize>,
    width: usize,
    lit: &dyn Fn(&[u8], usize, usize) -> bool,
) -> String {
    let mut text = String::new();
    // A half block shows its two pixels as ink or paper.
    for y in rows.clone().step_by(2) {
        for (pixels, _) in pictures {
            for x in columns.clone() {
                let below = y + 1 < rows.end && lit(pixels, x, y + 1);
                text.push(match (lit(pixels, x, y), below) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            text.extend(std::iter::repeat_n(' ', width - columns.len()));
        }
        let kept = text.trim_end_matches(' ').len();
        text.truncate(kept);
        text.push('\n');
    }
    for (_, caption) in pictures {
        write!(text, "{caption:<width$}").expect("strings take all writes");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
