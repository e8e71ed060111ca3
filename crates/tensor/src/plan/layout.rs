//! Where the elements of a view lie in the memory of what it looks at.

use smallvec::{SmallVec, smallvec};

use crate::Shape;
use crate::ops::Op;

/// Strides, in elements.
pub(crate) type Strides = SmallVec<[isize; 6]>;

/// Element `i` of a view lies at `offset + Σ iₖ · strideₖ`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    pub shape: Shape,
    pub strides: Strides,
    pub offset: isize,
}

impl Clone for Layout {
    fn clone(&self) -> Layout {
        // Copied as a whole; what is derived goes through an iterator.
        let strides = Strides::from_slice(&self.strides);
        Layout { shape: self.shape.clone(), strides, offset: self.offset }
    }
}

impl Layout {
    /// Row by row, without gaps.
    pub fn contiguous(shape: &Shape) -> Layout {
        Layout { shape: shape.clone(), strides: shape.strides(), offset: 0 }
    }

    pub fn elements(&self) -> usize {
        self.shape.elements()
    }

    /// Whether the elements lie row by row without gaps, from the start.
    pub fn is_contiguous(&self) -> bool {
        self.offset == 0 && self.is_dense()
    }

    /// Whether the elements lie row by row without gaps, from wherever.
    fn is_dense(&self) -> bool {
        let mut expected = 1;
        for (length, stride) in self.shape.iter().zip(&self.strides).rev() {
            if *length != 1 && *stride != expected {
                return self.elements() == 0;
            }
            expected *= *length as isize;
        }
        true
    }

    /// Axes of length 1 left out and neighbouring axes that lie as one joined: the same elements in the same order
    /// with the fewest axes.
    pub fn collapsed(&self) -> (SmallVec<[usize; 6]>, Strides) {
        let mut lengths: SmallVec<[usize; 6]> = SmallVec::new();
        let mut strides = Strides::new();
        for (length, stride) in self.shape.iter().copied().zip(self.strides.iter().copied()) {
            if length == 1 {
                continue;
            }
            match (lengths.last_mut(), strides.last_mut()) {
                (Some(last_length), Some(last_stride)) if *last_stride == stride * length as isize => {
                    *last_length *= length;
                    *last_stride = stride;
                }
                _ => {
                    lengths.push(length);
                    strides.push(stride);
                }
            }
        }
        (lengths, strides)
    }

    /// The layout after a view op with this result; `None` if it cannot be expressed by strides.
    pub fn through(&self, op: &Op, shape: &Shape) -> Option<Layout> {
        let mut layout = self.clone();
        match op {
            Op::Identity | Op::StopGradient => {}
            Op::Reshape => return self.reshaped(shape),
            Op::Permute { order } => layout.strides = order.iter().map(|axis| self.strides[*axis]).collect(),
            Op::Slice(spec) => {
                for axis in 0..shape.rank() {
                    layout.offset += spec.start[axis] as isize * self.strides[axis];
                    layout.strides[axis] *= spec.step[axis] as isize;
                }
            }
            Op::Flip { axes } => {
                for axis in axes {
                    layout.offset += (shape[*axis] as isize - 1).max(0) * self.strides[*axis];
                    layout.strides[*axis] = -self.strides[*axis];
                }
            }
            Op::Broadcast => {
                let new = shape.rank() - self.shape.rank();
                layout.strides = (0..shape.rank())
                    .map(|axis| match axis.checked_sub(new) {
                        Some(own) if self.shape[own] == shape[axis] => self.strides[own],
                        _ => 0,
                    })
                    .collect();
            }
            _ => unreachable!("{op:?} is not a view"),
        }
        layout.shape = shape.clone();
        Some(layout)
    }

    fn reshaped(&self, shape: &Shape) -> Option<Layout> {
        if self.elements() == 0 {
            return Some(Layout { offset: 0, ..Layout::contiguous(shape) });
        }
        let (lengths, strides) = self.collapsed();
        let mut result: Strides = smallvec![0; shape.rank()];
        // Walks both lists of axes from the last: each new axis takes its part of the current old one.
        let mut old = lengths.len();
        let (mut left, mut stride) = (1usize, 1isize);
        for axis in (0..shape.rank()).rev() {
            let length = shape[axis];
            if length == 1 {
                continue;
            }
            if left == 1 {
                old = old.checked_sub(1)?;
                (left, stride) = (lengths[old], strides[old]);
            }
            if left % length != 0 {
                return None;
            }
            result[axis] = stride;
            left /= length;
            stride *= length as isize;
        }
        Some(Layout { shape: shape.clone(), strides: result, offset: self.offset })
    }

    /// If the view repeats each of `rows` contiguous elements `length` times in a row, that length.
    pub fn repeats_each(&self, rows: usize) -> Option<usize> {
        let elements = self.elements();
        if self.offset != 0 || rows == 0 || !elements.is_multiple_of(rows) {
            return None;
        }
        let length = elements / rows;
        let (lengths, strides) = self.collapsed();
        match (lengths.as_slice(), strides.as_slice()) {
            ([], []) => Some(1),
            ([all], [0]) if rows == 1 && *all == length => Some(length),
            ([outer, inner], [1, 0]) if *outer == rows && *inner == length => Some(length),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(shape: &[usize], strides: &[isize]) -> Layout {
        Layout { shape: shape.into(), strides: strides.into(), offset: 0 }
    }

    #[test]
    fn reshapes_where_strides_allow() {
        let rows = layout(&[4, 6], &[6, 1]);
        assert_eq!(rows.reshaped(&[2, 2, 3, 2].into()).unwrap().strides.as_slice(), [12, 6, 2, 1]);
        let transposed = layout(&[6, 4], &[1, 6]);
        assert_eq!(transposed.reshaped(&[2, 3, 4].into()).unwrap().strides.as_slice(), [3, 1, 6]);
        assert!(transposed.reshaped(&[24].into()).is_none());
        let repeated = layout(&[3, 4], &[0, 1]);
        assert_eq!(repeated.reshaped(&[3, 2, 2].into()).unwrap().strides.as_slice(), [0, 2, 1]);
        assert!(repeated.reshaped(&[12].into()).is_none());
    }

    #[test]
    fn recognises_rows() {
        assert_eq!(layout(&[3, 4], &[1, 0]).repeats_each(3), Some(4));
        assert_eq!(layout(&[2, 3, 4], &[3, 1, 0]).repeats_each(6), Some(4));
        assert_eq!(layout(&[3, 4], &[0, 1]).repeats_each(4), None);
        assert_eq!(layout(&[5], &[0]).repeats_each(1), Some(5));
    }
}
