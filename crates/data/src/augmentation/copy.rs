//! Crops, padding and flips: pixels that move by whole steps are copied.

use std::ops::Range;

use super::border::Border;

/// Where the values of one axis come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AxisCopy {
    mirrored: bool,
    /// The index in the source of the first value of the target.
    first: isize,
    source: usize,
    target: usize,
}

impl AxisCopy {
    /// For `place in the target = factor * place in the source + offset`. None unless values move by whole steps.
    pub(super) fn new((factor, offset): (f64, f64), source: usize, target: usize) -> Option<Self> {
        let whole = offset.round();
        if factor.abs() != 1.0 || (offset - whole).abs() > 1e-9 || whole.abs() > 1e9 {
            return None;
        }
        let mirrored = factor < 0.0;
        let first = if mirrored { whole as isize - 1 } else { -(whole as isize) };
        Some(Self { mirrored, first, source, target })
    }

    /// Whether the target is the source.
    pub(super) fn is_identity(&self) -> bool {
        !self.mirrored && self.first == 0 && self.source == self.target
    }

    fn source(&self, target: usize) -> isize {
        if self.mirrored { self.first - target as isize } else { self.first + target as isize }
    }

    /// The part of the target that lies in the source.
    fn inside(&self) -> Range<usize> {
        let len = self.source as isize;
        let (begin, end) = if self.mirrored {
            (self.first - len + 1, self.first + 1)
        } else {
            (-self.first, len - self.first)
        };
        let clip = |place: isize| place.clamp(0, self.target as isize) as usize;
        clip(begin)..clip(end)
    }
}

/// Appends the target of one plane.
pub(super) fn copy_plane<T: Copy>(
    plane: &[T],
    rows: &AxisCopy,
    columns: &AxisCopy,
    border: Border,
    fill: T,
    target: &mut Vec<T>,
) {
    let inside = columns.inside();
    for row in 0..rows.target {
        let Some(row) = border.resolve(rows.source(row), rows.source) else {
            target.extend(std::iter::repeat_n(fill, columns.target));
            continue;
        };
        let row = &plane[row * columns.source..(row + 1) * columns.source];
        let beyond = |column| {
            border.resolve(columns.source(column), columns.source).map_or(fill, |column| row[column])
        };
        target.extend((0..inside.start).map(beyond));
        if !inside.is_empty() {
            let ends = (columns.source(inside.start) as usize, columns.source(inside.end - 1) as usize);
            if columns.mirrored {
                target.extend(row[ends.1..=ends.0].iter().rev());
            } else {
                target.extend_from_slice(&row[ends.0..=ends.1]);
            }
        }
        target.extend((inside.end.max(inside.start)..columns.target).map(beyond));
    }
}
