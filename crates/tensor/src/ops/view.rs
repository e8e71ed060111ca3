//! Other looks at the same elements: none of these ops computes or copies by itself.

use std::ops::{Bound, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo};
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::shape::{Axes, AxisList, axes_for, axis_for};
use crate::{Shape, Tensor};

use super::Op;
use super::rule::{Batch, Batched, Call, Linear, linear_rule};

/// Start and step of a slice along each axis; the lengths are those of the output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SliceSpec {
    pub start: SmallVec<[usize; 4]>,
    pub step: SmallVec<[usize; 4]>,
}

/// Padding before, after and between the elements along each axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PadSpec {
    pub low: SmallVec<[usize; 4]>,
    pub high: SmallVec<[usize; 4]>,
    pub interior: SmallVec<[usize; 4]>,
}

/// What to take along one axis: a range, `..`, or a single index, which removes the axis. Negative numbers count from
/// the end, as in Python; `.step(k)` takes every `k`-th element, backwards if `k` is negative.
#[derive(Clone, Copy, Debug)]
pub struct Index {
    start: Option<isize>,
    end: Option<isize>,
    step: isize,
    single: bool,
}

impl Index {
    /// Every `step`-th element of the range; with a negative step from its start down to its end, as in Python.
    ///
    /// # Panics
    /// If `step` is zero.
    #[track_caller]
    pub fn step(self, step: isize) -> Index {
        assert!(step != 0, "a slice cannot have step 0");
        Index { step, ..self }
    }

    fn range(start: Option<isize>, end: Option<isize>) -> Index {
        Index { start, end, step: 1, single: false }
    }
}

/// The slice from `range` as an [`Index`], to put a step on: `index(2..).step(3)`.
pub fn index(range: impl Into<Index>) -> Index {
    range.into()
}

impl From<isize> for Index {
    fn from(position: isize) -> Index {
        Index { start: Some(position), end: None, step: 1, single: true }
    }
}

impl From<Range<isize>> for Index {
    fn from(range: Range<isize>) -> Index {
        Index::range(Some(range.start), Some(range.end))
    }
}

impl From<RangeInclusive<isize>> for Index {
    fn from(range: RangeInclusive<isize>) -> Index {
        let end = match std::ops::RangeBounds::end_bound(&range) {
            Bound::Included(-1) => None,
            Bound::Included(end) => Some(end + 1),
            _ => None,
        };
        Index::range(Some(*range.start()), end)
    }
}

impl From<RangeFrom<isize>> for Index {
    fn from(range: RangeFrom<isize>) -> Index {
        Index::range(Some(range.start), None)
    }
}

impl From<RangeTo<isize>> for Index {
    fn from(range: RangeTo<isize>) -> Index {
        Index::range(None, Some(range.end))
    }
}

impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Index {
        Index::range(None, None)
    }
}

#[track_caller]
fn axis_of(name: &str, tensor: &Tensor, axis: isize) -> usize {
    axis_for(name, tensor.shape(), axis, tensor.rank())
}

/// Views.
impl Tensor {
    /// The same elements, read row by row, in another shape of the same size.
    ///
    /// # Panics
    /// If the sizes differ.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        if shape == *self.shape() {
            return self.clone();
        }
        assert!(
            shape.elements() == self.elements(),
            "reshape: {} has {} elements, {shape} has {}",
            self.shape(),
            self.elements(),
            shape.elements()
        );
        Tensor::record(Op::Reshape, smallvec![self.clone()], shape, self.dtype())
    }

    /// The axes from `first` on as one.
    #[track_caller]
    pub fn flatten_from(&self, first: isize) -> Tensor {
        let first = axis_of("flatten_from", self, first);
        let rest: usize = self.shape()[first..].iter().product();
        self.reshape(self.shape()[..first].iter().copied().chain([rest]).collect::<Shape>())
    }

    /// All elements as a vector.
    #[track_caller]
    pub fn flatten(&self) -> Tensor {
        self.reshape([self.elements()])
    }

    /// Axis `i` of the result is axis `order[i]` of this tensor; negative numbers count from the last.
    ///
    /// # Panics
    /// If `order` does not name each axis once.
    #[track_caller]
    pub fn permute(&self, order: &[isize]) -> Tensor {
        let named = Axes::from(order).resolve(self.rank()).and_then(|named| {
            let (given, rank) = (named.len(), self.rank());
            if given == rank { Ok(()) } else { Err(format!("{given} axes are named, there are {rank}")) }
        });
        if let Err(error) = named {
            panic!("permute of shape {} by {order:?}: {error}", self.shape());
        }
        let axis =
            |axis: &isize| if *axis < 0 { (*axis + self.rank() as isize) as usize } else { *axis as usize };
        self.permute_axes(order.iter().map(axis).collect())
    }

    /// [`permute`](Tensor::permute) by a checked order.
    #[track_caller]
    pub(crate) fn permute_axes(&self, order: AxisList) -> Tensor {
        if order.iter().enumerate().all(|(to, from)| to == *from) {
            return self.clone();
        }
        let shape = order.iter().map(|axis| self.shape()[*axis]).collect();
        Tensor::record(Op::Permute { order }, smallvec![self.clone()], shape, self.dtype())
    }

    /// Two axes exchanged.
    #[track_caller]
    pub fn transpose(&self, first: isize, second: isize) -> Tensor {
        let (first, second) = (axis_of("transpose", self, first), axis_of("transpose", self, second));
        let mut order: AxisList = (0..self.rank()).collect();
        order.swap(first, second);
        self.permute_axes(order)
    }

    /// Axis `from` put at position `to`, the others in their order.
    #[track_caller]
    pub fn move_axis(&self, from: isize, to: isize) -> Tensor {
        let (from, to) = (axis_of("move_axis", self, from), axis_of("move_axis", self, to));
        let mut order: AxisList = (0..self.rank()).filter(|axis| *axis != from).collect();
        order.insert(to, from);
        self.permute_axes(order)
    }

    /// A new axis of length 1 at `axis` of the result.
    #[track_caller]
    pub fn unsqueeze(&self, axis: isize) -> Tensor {
        let axis = axis_for("unsqueeze", self.shape(), axis, self.rank() + 1);
        self.reshape(self.shape().inserted(axis, 1))
    }

    /// Without the given axes.
    ///
    /// # Panics
    /// If one of them does not have length 1.
    #[track_caller]
    pub fn squeeze(&self, axes: impl Into<Axes>) -> Tensor {
        let axes = axes.into();
        let named = axes_for("squeeze", self.shape(), &axes);
        let gone: AxisList = match axes {
            Axes::All => named.into_iter().filter(|axis| self.shape()[*axis] == 1).collect(),
            Axes::Some(_) => named,
        };
        for axis in &gone {
            let length = self.shape()[*axis];
            assert!(length == 1, "squeeze of shape {}: axis {axis} has length {length}, not 1", self.shape());
        }
        self.reshape(self.shape().without(&gone))
    }

    /// Stretched to `shape` by the rule of NumPy: aligned at the last axis, lengths of 1 repeat.
    ///
    /// # Panics
    /// If the shapes do not allow it.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        if shape == *self.shape() {
            return self.clone();
        }
        assert!(
            self.shape().broadcast(&shape).as_ref() == Some(&shape),
            "broadcast_to: {} cannot stretch to {shape}; aligned at the last axis, lengths must be equal or 1",
            self.shape()
        );
        Tensor::record(Op::Broadcast, smallvec![self.clone()], shape, self.dtype())
    }

    /// The elements in reverse order along the given axes.
    #[track_caller]
    pub fn flip(&self, axes: impl Into<Axes>) -> Tensor {
        let axes = axes_for("flip", self.shape(), &axes.into());
        if axes.is_empty() {
            return self.clone();
        }
        Tensor::record(Op::Flip { axes }, smallvec![self.clone()], self.shape().clone(), self.dtype())
    }

    /// A part of the tensor: one [`Index`] for each of the first axes, the others whole.
    ///
    /// ```
    /// use bolete_tensor::{DType, Tensor, ops::view::index};
    /// let x = Tensor::arange(12, DType::I64).reshape([3, 4]);
    /// assert_eq!(x.slice([index(1), index(..)]).to_vec::<i64>(), [4, 5, 6, 7]);
    /// assert_eq!(x.slice([index(..), index(..).step(-2)]).shape(), &[3, 2][..]);
    /// ```
    ///
    /// # Panics
    /// If there are more indices than axes or a single index does not exist. Ranges are cut to the axis, as in Python.
    #[track_caller]
    pub fn slice<I: Into<Index>>(&self, indices: impl IntoIterator<Item = I>) -> Tensor {
        let indices: Vec<Index> = indices.into_iter().map(Into::into).collect();
        assert!(
            indices.len() <= self.rank(),
            "slice of shape {}: {} indices are given for {} axes",
            self.shape(),
            indices.len(),
            self.rank()
        );
        let mut start: SmallVec<[usize; 4]> = smallvec![0; self.rank()];
        let mut step: SmallVec<[usize; 4]> = smallvec![1; self.rank()];
        let mut lengths: SmallVec<[usize; 4]> = SmallVec::from_slice(self.shape());
        let (mut flipped, mut removed) = (AxisList::new(), AxisList::new());
        for (axis, index) in indices.iter().enumerate() {
            let length = self.shape()[axis] as isize;
            let from_end = |position: isize| if position < 0 { position + length } else { position };
            if index.single {
                let position = from_end(index.start.unwrap_or(0));
                assert!(
                    (0..length).contains(&position),
                    "slice of shape {}: index {} does not exist on axis {axis} of length {length}",
                    self.shape(),
                    index.start.unwrap_or(0)
                );
                (start[axis], lengths[axis]) = (position as usize, 1);
                removed.push(axis);
            } else if index.step > 0 {
                let first = index.start.map_or(0, from_end).clamp(0, length);
                let end = index.end.map_or(length, from_end).clamp(first, length);
                start[axis] = first as usize;
                step[axis] = index.step as usize;
                lengths[axis] = ((end - first) as usize).div_ceil(step[axis]);
            } else {
                let first = index.start.map_or(length - 1, from_end).clamp(-1, length - 1);
                let end = index.end.map_or(-1, from_end).clamp(-1, first.max(-1));
                step[axis] = index.step.unsigned_abs();
                lengths[axis] = ((first - end) as usize).div_ceil(step[axis]);
                // The same elements forwards, then reversed.
                start[axis] =
                    (first - (lengths[axis].max(1) as isize - 1) * step[axis] as isize).max(0) as usize;
                flipped.push(axis);
            }
        }
        let part = self.slice_exact(start, step, lengths.into_iter().collect());
        let part = if flipped.is_empty() {
            part
        } else {
            let shape = part.shape().clone();
            Tensor::record(Op::Flip { axes: flipped }, smallvec![part], shape, self.dtype())
        };
        if removed.is_empty() { part } else { part.reshape(part.shape().without(&removed)) }
    }

    /// `length` positions along `axis` from `start` on.
    ///
    /// # Panics
    /// If they do not exist.
    #[track_caller]
    pub fn narrow(&self, axis: isize, start: usize, length: usize) -> Tensor {
        let axis = axis_of("narrow", self, axis);
        assert!(
            start + length <= self.shape()[axis],
            "narrow of shape {}: positions {start} to {} do not exist on axis {axis}",
            self.shape(),
            start + length
        );
        let mut starts: SmallVec<[usize; 4]> = smallvec![0; self.rank()];
        starts[axis] = start;
        let mut shape = self.shape().clone();
        shape.dims_mut()[axis] = length;
        self.slice_exact(starts, smallvec![1; self.rank()], shape)
    }

    #[track_caller]
    fn slice_exact(&self, start: SmallVec<[usize; 4]>, step: SmallVec<[usize; 4]>, shape: Shape) -> Tensor {
        if shape == *self.shape() && step.iter().zip(&*shape).all(|(step, length)| *step == 1 || *length <= 1)
        {
            return self.clone();
        }
        let spec = Arc::new(SliceSpec { start, step });
        Tensor::record(Op::Slice(spec), smallvec![self.clone()], shape, self.dtype())
    }

    /// `parts` equal pieces along `axis`.
    ///
    /// # Panics
    /// If the axis cannot be divided.
    #[track_caller]
    pub fn chunk(&self, parts: usize, axis: isize) -> Vec<Tensor> {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axis = axis_of("chunk", self, axis);
        let length = self.shape()[axis];
        assert!(
            parts > 0 && length.is_multiple_of(parts),
            "chunk of shape {}: axis {axis} of length {length} does not divide into {parts} parts",
            self.shape()
        );
        let piece = length / parts;
        (0..parts).map(|part| self.narrow(axis as isize, part * piece, piece)).collect()
    }

    /// Padding with `value`: (before, after) for each axis.
    ///
    /// # Panics
    /// If the number of pairs is not the rank.
    #[track_caller]
    pub fn pad(&self, amounts: &[(usize, usize)], value: f64) -> Tensor {
        self.pad_with_tensor(amounts, &Tensor::constant(value, self.dtype()))
    }

    #[track_caller]
    pub(crate) fn pad_with_tensor(&self, amounts: &[(usize, usize)], value: &Tensor) -> Tensor {
        assert!(
            amounts.len() == self.rank(),
            "pad of shape {}: {} pairs are given for {} axes",
            self.shape(),
            amounts.len(),
            self.rank()
        );
        if amounts.iter().all(|pair| *pair == (0, 0)) {
            return self.clone();
        }
        let shape =
            self.shape().iter().zip(amounts).map(|(length, (low, high))| length + low + high).collect();
        let spec = PadSpec {
            low: amounts.iter().map(|(low, _)| *low).collect(),
            high: amounts.iter().map(|(_, high)| *high).collect(),
            interior: smallvec![0; self.rank()],
        };
        Tensor::record(Op::Pad(Arc::new(spec)), smallvec![self.clone(), value.clone()], shape, self.dtype())
    }

    /// The same value, as a number that no derivative sees.
    #[track_caller]
    pub fn stop_gradient(&self) -> Tensor {
        Tensor::record(Op::StopGradient, smallvec![self.clone()], self.shape().clone(), self.dtype())
    }
}

/// Back to the input's shape.
pub(crate) struct ReshapeRule;

impl Linear for ReshapeRule {
    fn transpose(&self, call: &Call, _: usize, cotangent: &Tensor) -> Tensor {
        cotangent.reshape(call.inputs[0].shape())
    }
}
linear_rule!(ReshapeRule);

impl Batch for ReshapeRule {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        vec![inputs[0].mapped(size).reshape(call.outputs[0].shape().inserted(0, size))]
    }
}

/// The inverse permutation.
pub(crate) struct PermuteRule;

impl Linear for PermuteRule {
    fn transpose(&self, call: &Call, _: usize, cotangent: &Tensor) -> Tensor {
        let Op::Permute { order } = call.op else { unreachable!("the rule of permutations") };
        let mut inverse: AxisList = smallvec![0; order.len()];
        for (to, from) in order.iter().enumerate() {
            inverse[*from] = to;
        }
        cotangent.permute_axes(inverse)
    }
}
linear_rule!(PermuteRule);

impl Batch for PermuteRule {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let Op::Permute { order } = call.op else { unreachable!("the rule of permutations") };
        let order = [0].into_iter().chain(order.iter().map(|axis| axis + 1)).collect();
        vec![inputs[0].mapped(size).permute_axes(order)]
    }
}

/// Zeros where nothing was taken.
pub(crate) struct SliceRule;

impl Linear for SliceRule {
    fn transpose(&self, call: &Call, _: usize, cotangent: &Tensor) -> Tensor {
        let Op::Slice(spec) = call.op else { unreachable!("the rule of slices") };
        let (whole, part) = (call.inputs[0].shape(), call.outputs[0].shape());
        if part.elements() == 0 {
            return call.inputs[0].zeros_like();
        }
        let covered = |axis: usize| (part[axis] - 1) * spec.step[axis] + 1;
        let pad = PadSpec {
            low: spec.start.clone(),
            high: (0..whole.rank()).map(|axis| whole[axis] - spec.start[axis] - covered(axis)).collect(),
            interior: spec.step.iter().map(|step| step - 1).collect(),
        };
        let zero = Tensor::constant(0.0, cotangent.dtype());
        Tensor::record(
            Op::Pad(Arc::new(pad)),
            smallvec![cotangent.clone(), zero],
            whole.clone(),
            cotangent.dtype(),
        )
    }
}
linear_rule!(SliceRule);

impl Batch for SliceRule {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let Op::Slice(spec) = call.op else { unreachable!("the rule of slices") };
        let (mut start, mut step) = (spec.start.clone(), spec.step.clone());
        start.insert(0, 0);
        step.insert(0, 1);
        vec![inputs[0].mapped(size).slice_exact(start, step, call.outputs[0].shape().inserted(0, size))]
    }
}

/// The sum over what was repeated.
pub(crate) struct BroadcastRule;

impl Linear for BroadcastRule {
    fn transpose(&self, call: &Call, _: usize, cotangent: &Tensor) -> Tensor {
        let (narrow, wide) = (call.inputs[0].shape(), call.outputs[0].shape());
        let new = wide.rank() - narrow.rank();
        let axes: SmallVec<[isize; 4]> = (0..wide.rank())
            .filter(|axis| *axis < new || narrow[axis - new] != wide[*axis])
            .map(|axis| axis as isize)
            .collect();
        cotangent.sum(axes.as_slice()).reshape(narrow)
    }
}
linear_rule!(BroadcastRule);

impl Batch for BroadcastRule {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let (narrow, wide) = (call.inputs[0].shape(), call.outputs[0].shape());
        let ones = wide.rank() - narrow.rank();
        let aligned: Shape =
            [size].into_iter().chain(std::iter::repeat_n(1, ones)).chain(narrow.iter().copied()).collect();
        vec![inputs[0].mapped(size).reshape(aligned).broadcast_to(wide.inserted(0, size))]
    }
}

/// The same reversal.
pub(crate) struct FlipRule;

impl Linear for FlipRule {
    fn transpose(&self, call: &Call, _: usize, cotangent: &Tensor) -> Tensor {
        let Op::Flip { axes } = call.op else { unreachable!("the rule of reversals") };
        let shape = cotangent.shape().clone();
        Tensor::record(
            Op::Flip { axes: axes.clone() },
            smallvec![cotangent.clone()],
            shape,
            cotangent.dtype(),
        )
    }
}
linear_rule!(FlipRule);

impl Batch for FlipRule {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let Op::Flip { axes } = call.op else { unreachable!("the rule of reversals") };
        let axes: SmallVec<[isize; 4]> = axes.iter().map(|axis| *axis as isize + 1).collect();
        vec![inputs[0].mapped(size).flip(axes.as_slice())]
    }
}

/// The unpadded part; for the padding value, the sum of what it filled.
pub(crate) struct PadRule;

impl Linear for PadRule {
    fn transpose(&self, call: &Call, index: usize, cotangent: &Tensor) -> Tensor {
        let Op::Pad(spec) = call.op else { unreachable!("the rule of padding") };
        let step = spec.interior.iter().map(|interior| interior + 1).collect();
        let part = cotangent.slice_exact(spec.low.clone(), step, call.inputs[0].shape().clone());
        match index {
            0 => part,
            _ => cotangent.sum(..).sub(part.sum(..)),
        }
    }
}
linear_rule!(PadRule);

impl Batch for PadRule {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let Op::Pad(spec) = call.op else { unreachable!("the rule of padding") };
        let mut spec = PadSpec::clone(spec);
        for amounts in [&mut spec.low, &mut spec.high, &mut spec.interior] {
            amounts.insert(0, 0);
        }
        let shape = call.outputs[0].shape().inserted(0, size);
        let x = inputs[0].mapped(size);
        let dtype = x.dtype();
        let record = |x: Tensor, value: Tensor| {
            Tensor::record(Op::Pad(Arc::new(spec.clone())), smallvec![x, value], shape.clone(), dtype)
        };
        match &inputs[1] {
            Batched::Shared(value) => vec![record(x, value.clone())],
            // A value of its own for each: put in where ones padded with zeros leave holes.
            Batched::Mapped(value) => {
                let holes =
                    record(x.ones_like(), Tensor::constant(0.0, dtype)).equal(Tensor::constant(0.0, dtype));
                let padded = record(x, Tensor::constant(0.0, dtype));
                let ones =
                    Shape::from_iter([size].into_iter().chain(std::iter::repeat_n(1, shape.rank() - 1)));
                vec![holes.select(value.reshape(ones), padded)]
            }
        }
    }
}
