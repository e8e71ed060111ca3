//! Printing tensors: shape, type, and values with the middle of long axes left out.

use std::fmt;

use crate::{DType, Scalar, Tensor};

/// Elements shown at either end of a long axis.
const EDGE: usize = 3;
/// Axes up to this length are shown whole.
const WHOLE: usize = 8;

impl fmt::Debug for Tensor {
    /// Type and shape, without computing anything.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_evaluated() { "" } else { ", pending" };
        write!(formatter, "Tensor({} {}{state})", self.dtype(), self.shape())
    }
}

impl fmt::Display for Tensor {
    /// Type, shape and values, which are computed if they are pending. A precision (`{:.2}`) sets the decimals.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.to_bytes();
        let size = self.dtype().size();
        let at = |index: usize| Scalar::from_bytes(&bytes[index * size..], self.dtype());
        let shown: Vec<Vec<usize>> = self
            .shape()
            .iter()
            .map(|length| {
                if *length <= WHOLE {
                    (0..*length).collect()
                } else {
                    (0..EDGE).chain(length - EDGE..*length).collect()
                }
            })
            .collect();
        let mut texts = Vec::new();
        let style = Style::of(self.dtype(), shown_values(&shown, self.shape(), &at), formatter.precision());
        collect(&shown, self.shape(), 0, 0, &mut |index| texts.push(style.text(at(index))));
        let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        write!(formatter, "{} {} ", self.dtype(), self.shape())?;
        if self.rank() > 1 {
            writeln!(formatter)?;
        }
        let mut texts = texts.into_iter();
        level(formatter, &shown, self.shape(), 0, width, &mut texts)
    }
}

fn shown_values(shown: &[Vec<usize>], shape: &[usize], at: &dyn Fn(usize) -> Scalar) -> Vec<f64> {
    let mut values = Vec::new();
    collect(shown, shape, 0, 0, &mut |index| values.push(at(index).to_f64()));
    values
}

/// Visits the positions of all elements shown; recursion is as deep as the rank.
fn collect(shown: &[Vec<usize>], shape: &[usize], axis: usize, base: usize, visit: &mut dyn FnMut(usize)) {
    if axis == shape.len() {
        return visit(base);
    }
    for index in &shown[axis] {
        collect(shown, shape, axis + 1, base * shape[axis] + index, visit);
    }
}

fn level(
    formatter: &mut fmt::Formatter<'_>,
    shown: &[Vec<usize>],
    shape: &[usize],
    axis: usize,
    width: usize,
    texts: &mut dyn Iterator<Item = String>,
) -> fmt::Result {
    if axis == shape.len() {
        return write!(formatter, "{:>width$}", texts.next().unwrap_or_default());
    }
    let innermost = axis + 1 == shape.len();
    let indent = " ".repeat(axis + 1);
    formatter.write_str("[")?;
    for (position, index) in shown[axis].iter().enumerate() {
        if position > 0 {
            formatter.write_str(if innermost { ", " } else { ",\n" })?;
            let gap = *index != shown[axis][position - 1] + 1;
            match (gap, innermost) {
                (true, true) => formatter.write_str("…, ")?,
                (true, false) => writeln!(formatter, "{indent}…")?,
                _ => {}
            }
            if !innermost {
                formatter.write_str(&indent)?;
            }
        }
        level(formatter, shown, shape, axis + 1, width, texts)?;
    }
    formatter.write_str("]")
}

/// How numbers are written: all of a tensor alike.
enum Style {
    Plain,
    Fixed(usize),
    Scientific(usize),
}

impl Style {
    fn of(dtype: DType, values: Vec<f64>, precision: Option<usize>) -> Style {
        if !dtype.is_float() {
            return Style::Plain;
        }
        let digits = precision.unwrap_or(4);
        let finite = values.iter().map(|value| value.abs()).filter(|value| value.is_finite() && *value > 0.0);
        let (mut smallest, mut largest) = (f64::INFINITY, 0.0f64);
        for value in finite {
            (smallest, largest) = (smallest.min(value), largest.max(value));
        }
        let wide = largest >= 1e6 || (largest < 1e-3 && largest > 0.0) || largest / smallest > 1e8;
        if wide { Style::Scientific(digits) } else { Style::Fixed(digits) }
    }

    fn text(&self, value: Scalar) -> String {
        let number = value.to_f64();
        match self {
            Style::Plain => value.to_string(),
            _ if !number.is_finite() => format!("{number}"),
            Style::Fixed(digits) => format!("{number:.digits$}"),
            Style::Scientific(digits) => format!("{number:.digits$e}"),
        }
    }
}
