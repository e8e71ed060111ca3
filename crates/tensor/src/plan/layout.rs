//! Where the elements of a view lie in the memory of what it looks at.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

use smallvec::{SmallVec, smallvec};

use crate::Shape;
use crate::graph::walk::{IdHasher, IdMap};
use crate::ops::Op;

/// Strides, in elements.
pub(crate) type Strides = SmallVec<[isize; 6]>;

/// Element `i` of a view lies at `offset + Σ iₖ · strideₖ`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    pub shape: Shape,
    pub strides: Strides,
    pub offset: isize,
}

impl Layout {
    /// Row by row, without gaps.
    pub fn contiguous(shape: &Shape) -> Layout {
        Layout { shape: shape.clone(), strides: shape.strides(), offset: 0 }
    }

    /// Whether the elements, so many, lie row by row without gaps, from the start.
    fn is_contiguous(&self, elements: usize) -> bool {
        let mut expected = 1;
        for (length, stride) in self.shape.iter().zip(&self.strides).rev() {
            if *length != 1 && *stride != expected {
                return self.offset == 0 && elements == 0;
            }
            expected *= *length as isize;
        }
        self.offset == 0
    }

    /// Axes of length 1 left out and neighbouring axes that lie as one joined: the same elements in the same order
    /// with the fewest axes.
    pub fn collapsed(&self) -> (SmallVec<[usize; 6]>, Strides) {
        collapsed(&self.shape, &self.strides)
    }

    /// The layout after a view op with this result; `None` if it cannot be expressed by strides.
    pub fn through(&self, op: &Op, shape: &Shape) -> Option<Layout> {
        let mut offset = self.offset;
        let strides = match op {
            Op::Identity | Op::StopGradient => Strides::from_slice(&self.strides),
            Op::Reshape => return self.reshaped(shape),
            Op::Permute { order } => order.iter().map(|axis| self.strides[*axis]).collect(),
            Op::Slice(spec) => {
                let mut strides = Strides::from_slice(&self.strides);
                for axis in 0..shape.rank() {
                    offset += spec.start[axis] as isize * self.strides[axis];
                    strides[axis] *= spec.step[axis] as isize;
                }
                strides
            }
            Op::Flip { axes } => {
                let mut strides = Strides::from_slice(&self.strides);
                for axis in axes {
                    offset += (shape[*axis] as isize - 1).max(0) * self.strides[*axis];
                    strides[*axis] = -self.strides[*axis];
                }
                strides
            }
            Op::Broadcast => {
                let new = shape.rank() - self.shape.rank();
                let mut strides: Strides = smallvec![0; shape.rank()];
                for (own, stride) in self.strides.iter().enumerate() {
                    if self.shape[own] == shape[own + new] {
                        strides[own + new] = *stride;
                    }
                }
                strides
            }
            _ => unreachable!("{op:?} is not a view"),
        };
        Some(Layout { shape: shape.clone(), strides, offset })
    }

    fn reshaped(&self, shape: &Shape) -> Option<Layout> {
        if self.shape.contains(&0) {
            return Some(Layout::contiguous(shape));
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
        let elements = self.shape.elements();
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

/// Axes of length 1 left out and neighbouring axes that lie as one joined.
pub(crate) fn collapsed(shape: &[usize], strides: &[isize]) -> (SmallVec<[usize; 6]>, Strides) {
    let mut lengths: SmallVec<[usize; 6]> = SmallVec::new();
    let mut joined = Strides::new();
    for (length, stride) in shape.iter().copied().zip(strides.iter().copied()) {
        if length == 1 {
            continue;
        }
        match (lengths.last_mut(), joined.last_mut()) {
            (Some(last_length), Some(last_stride)) if *last_stride == stride * length as isize => {
                *last_length *= length;
                *last_stride = stride;
            }
            _ => {
                lengths.push(length);
                joined.push(stride);
            }
        }
    }
    (lengths, joined)
}

/// A layout that accesses share, with what the planner asks of it again and again.
#[derive(Clone, Debug)]
pub(crate) struct SharedLayout(Rc<Known>);

#[derive(Debug)]
struct Known {
    layout: Layout,
    elements: usize,
    is_contiguous: bool,
}

impl SharedLayout {
    pub fn elements(&self) -> usize {
        self.0.elements
    }

    /// Whether the elements lie row by row without gaps, from the start.
    pub fn is_contiguous(&self) -> bool {
        self.0.is_contiguous
    }
}

impl Deref for SharedLayout {
    type Target = Layout;
    fn deref(&self) -> &Layout {
        &self.0.layout
    }
}

impl Borrow<Layout> for SharedLayout {
    fn borrow(&self) -> &Layout {
        self
    }
}

impl PartialEq for SharedLayout {
    fn eq(&self, other: &SharedLayout) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || self.0.layout == other.0.layout
    }
}

impl Eq for SharedLayout {}

impl Hash for SharedLayout {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.layout.hash(state);
    }
}

/// The layouts of a program, each of them once: layers that are alike look at their values in the same few ways.
#[derive(Default)]
pub(crate) struct Layouts {
    known: HashSet<SharedLayout, BuildHasherDefault<IdHasher>>,
    whole: IdMap<Shape, SharedLayout>,
}

impl Layouts {
    pub fn share(&mut self, layout: Layout) -> SharedLayout {
        if let Some(known) = self.known.get(&layout) {
            return known.clone();
        }
        let elements = layout.shape.elements();
        let is_contiguous = layout.is_contiguous(elements);
        let shared = SharedLayout(Rc::new(Known { layout, elements, is_contiguous }));
        self.known.insert(shared.clone());
        shared
    }

    /// That of a whole value of this shape: row by row, without gaps.
    pub fn whole(&mut self, shape: &Shape) -> SharedLayout {
        if let Some(known) = self.whole.get(shape) {
            return known.clone();
        }
        let shared = self.share(Layout::contiguous(shape));
        self.whole.insert(shape.clone(), shared.clone());
        shared
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
