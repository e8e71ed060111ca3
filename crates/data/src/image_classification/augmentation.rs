//! Random changes of a picture that keep its class.

use super::ImageShape;
use crate::Randomness;

/// Which random changes a picture undergoes when it is put in a batch. By default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augmentation {
    /// The most pixels that a picture is moved along each axis, either way. What comes in at an edge is black (0).
    pub shift: usize,
    /// Whether every other picture, on average, is mirrored left to right.
    pub mirror: bool,
}

/// The changes chosen for one picture.
pub(super) struct Changes {
    down: isize,
    right: isize,
    mirror: bool,
}

impl Augmentation {
    pub(super) fn choose(&self, randomness: &mut Randomness) -> Changes {
        let mut offset = || randomness.below(2 * self.shift + 1) as isize - self.shift as isize;
        Changes { down: offset(), right: offset(), mirror: self.mirror && randomness.chance(0.5) }
    }
}

impl Changes {
    /// Appends one channel of a picture, changed and looked up in `table`.
    pub(super) fn append(&self, plane: &[u8], shape: ImageShape, table: &[f32; 256], to: &mut Vec<f32>) {
        if (self.down, self.right, self.mirror) == (0, 0, false) {
            to.extend(plane.iter().map(|&value| table[usize::from(value)]));
            return;
        }
        for row in 0..shape.height {
            let from_row = row.checked_add_signed(-self.down).filter(|&row| row < shape.height);
            for column in 0..shape.width {
                let column = if self.mirror { shape.width - 1 - column } else { column };
                let from_column =
                    column.checked_add_signed(-self.right).filter(|&column| column < shape.width);
                let value = match (from_row, from_column) {
                    (Some(row), Some(column)) => plane[row * shape.width + column],
                    _ => 0,
                };
                to.push(table[usize::from(value)]);
            }
        }
    }
}
