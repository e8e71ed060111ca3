//! Shapes, axes and broadcasting.

use std::fmt;
use std::ops::Deref;

use smallvec::SmallVec;

/// The lengths of a tensor's axes, outermost first. Rank 0 is a single number.
#[derive(Default, PartialEq, Eq, Hash)]
pub struct Shape(SmallVec<[usize; 4]>);

impl Clone for Shape {
    fn clone(&self) -> Shape {
        // Copied as a whole; what is derived goes through an iterator.
        Shape(SmallVec::from_slice(&self.0))
    }
}

impl Shape {
    /// The shape of a single number.
    pub fn scalar() -> Shape {
        Shape::default()
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Number of elements.
    ///
    /// # Panics
    /// If it exceeds `usize`.
    pub fn elements(&self) -> usize {
        self.0.iter().try_fold(1usize, |product, length| product.checked_mul(*length)).unwrap_or_else(|| {
            if self.0.contains(&0) {
                0
            } else {
                panic!("shape {self} has more elements than memory has bytes")
            }
        })
    }

    /// The lengths.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// The lengths, to change.
    pub(crate) fn dims_mut(&mut self) -> &mut [usize] {
        &mut self.0
    }

    /// Element strides of this shape laid out row by row.
    pub(crate) fn strides(&self) -> SmallVec<[isize; 6]> {
        let mut strides = SmallVec::from_elem(1isize, self.rank());
        for axis in (0..self.rank().saturating_sub(1)).rev() {
            strides[axis] = strides[axis + 1] * self.0[axis + 1].max(1) as isize;
        }
        strides
    }

    /// This shape with `length` put in before `axis`.
    pub(crate) fn inserted(&self, axis: usize, length: usize) -> Shape {
        let mut dims = self.0.clone();
        dims.insert(axis, length);
        Shape(dims)
    }

    /// This shape without the given axes, which must be valid.
    pub(crate) fn without(&self, axes: &[usize]) -> Shape {
        self.0
            .iter()
            .enumerate()
            .filter(|(axis, _)| !axes.contains(axis))
            .map(|(_, length)| *length)
            .collect()
    }

    /// This shape with the given axes of length 1.
    pub(crate) fn with_ones(&self, axes: &[usize]) -> Shape {
        self.0
            .iter()
            .enumerate()
            .map(|(axis, length)| if axes.contains(&axis) { 1 } else { *length })
            .collect()
    }

    /// The common shape of two tensors by the rule of NumPy: aligned at the last axis, a length of 1 stretches.
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank().max(other.rank());
        let at = |shape: &Shape, axis: usize| {
            (axis + shape.rank()).checked_sub(rank).map_or(1, |own| shape.0[own])
        };
        (0..rank)
            .map(|axis| match (at(self, axis), at(other, axis)) {
                (left, right) if left == right => Some(left),
                (1, right) => Some(right),
                (left, 1) => Some(left),
                _ => None,
            })
            .collect::<Option<SmallVec<_>>>()
            .map(Shape)
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0.as_slice())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(lengths: I) -> Shape {
        Shape(lengths.into_iter().collect())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(lengths: [usize; N]) -> Shape {
        Shape(SmallVec::from_slice(&lengths))
    }
}

impl<const N: usize> From<&[usize; N]> for Shape {
    fn from(lengths: &[usize; N]) -> Shape {
        Shape(SmallVec::from_slice(lengths))
    }
}

impl From<&[usize]> for Shape {
    fn from(lengths: &[usize]) -> Shape {
        Shape(SmallVec::from_slice(lengths))
    }
}

impl From<Vec<usize>> for Shape {
    fn from(lengths: Vec<usize>) -> Shape {
        Shape(SmallVec::from_vec(lengths))
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Shape {
        shape.clone()
    }
}

impl PartialEq<[usize]> for Shape {
    fn eq(&self, other: &[usize]) -> bool {
        self.dims() == other
    }
}

impl<const N: usize> PartialEq<[usize; N]> for Shape {
    fn eq(&self, other: &[usize; N]) -> bool {
        self.dims() == other
    }
}

/// A list of axis numbers, checked and not negative.
pub(crate) type AxisList = SmallVec<[usize; 4]>;

/// Which axes a reduction or a view speaks of: one number, several, or `..` for all. Negative numbers count from the
/// last axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axes {
    /// Every axis.
    All,
    /// These axes.
    Some(SmallVec<[isize; 4]>),
}

impl Axes {
    /// The axes as sorted numbers from 0, or what is wrong with them.
    pub(crate) fn resolve(&self, rank: usize) -> Result<AxisList, String> {
        match self {
            Axes::All => Ok((0..rank).collect()),
            Axes::Some(axes) => {
                let mut resolved = AxisList::new();
                for axis in axes {
                    let axis = resolve_axis(*axis, rank)?;
                    if resolved.contains(&axis) {
                        return Err(format!("axis {axis} is named twice"));
                    }
                    resolved.push(axis);
                }
                resolved.sort_unstable();
                Ok(resolved)
            }
        }
    }
}

/// An axis number from 0, or what is wrong with it.
pub(crate) fn resolve_axis(axis: isize, rank: usize) -> Result<usize, String> {
    let resolved = if axis < 0 { axis + rank as isize } else { axis };
    if (0..rank as isize).contains(&resolved) {
        Ok(resolved as usize)
    } else {
        Err(format!("axis {axis} does not exist in a tensor of rank {rank}"))
    }
}

/// [`resolve_axis`] for an op on a tensor of this shape. It takes a match to blame the op's caller: a panic in a
/// closure, as in `unwrap_or_else`, is blamed on the closure.
///
/// # Panics
/// If the axis does not exist, naming the op and the shape.
#[track_caller]
pub(crate) fn axis_for(name: &str, shape: &Shape, axis: isize, rank: usize) -> usize {
    match resolve_axis(axis, rank) {
        Ok(axis) => axis,
        Err(error) => panic!("{name} of shape {shape}: {error}"),
    }
}

/// [`Axes::resolve`] for an op on a tensor of this shape.
///
/// # Panics
/// If an axis does not exist or is named twice, naming the op and the shape.
#[track_caller]
pub(crate) fn axes_for(name: &str, shape: &Shape, axes: &Axes) -> AxisList {
    match axes.resolve(shape.rank()) {
        Ok(axes) => axes,
        Err(error) => panic!("{name} of shape {shape}: {error}"),
    }
}

impl From<isize> for Axes {
    fn from(axis: isize) -> Axes {
        Axes::Some(SmallVec::from_slice(&[axis]))
    }
}

impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Axes {
        Axes::Some(SmallVec::from_slice(&axes))
    }
}

impl From<&[isize]> for Axes {
    fn from(axes: &[isize]) -> Axes {
        Axes::Some(SmallVec::from_slice(axes))
    }
}

impl From<std::ops::RangeFull> for Axes {
    fn from(_: std::ops::RangeFull) -> Axes {
        Axes::All
    }
}
