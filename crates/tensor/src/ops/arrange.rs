//! Rearrangements made of views: repeating, rolling, taking apart.

use crate::shape::axis_for;
use crate::{CustomOp, Metadata, Shape, Tensor, custom};

/// Rolling, whose derivative is rolling back rather than what follows from its two parts.
#[derive(Clone, Debug)]
struct Roll {
    /// Less than the length, not 0.
    shift: usize,
    /// Counted from the end, negative.
    axis: isize,
}

impl Roll {
    #[track_caller]
    fn of(&self, x: &Tensor) -> Tensor {
        custom(self.clone(), std::slice::from_ref(x)).remove(0)
    }
}

impl CustomOp for Roll {
    fn name(&self) -> &str {
        "roll"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.shift as u64, self.axis.unsigned_abs() as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        inputs.to_vec()
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let (x, Roll { shift, axis }) = (&inputs[0], self);
        let kept = x.shape()[(x.rank() as isize + axis) as usize] - shift;
        Some(vec![Tensor::concatenate(&[x.narrow(*axis, kept, *shift), x.narrow(*axis, 0, kept)], *axis)])
    }
    fn vjp(&self, _: &[Tensor], _: &[Tensor], cotangents: &[Option<Tensor>]) -> Option<Vec<Option<Tensor>>> {
        let cotangent = cotangents[0].as_ref()?;
        let length = cotangent.shape()[(cotangent.rank() as isize + self.axis) as usize];
        Some(vec![Some(Roll { shift: length - self.shift, axis: self.axis }.of(cotangent))])
    }
    fn jvp(&self, _: &[Tensor], _: &[Tensor], tangents: &[Option<Tensor>]) -> Option<Vec<Option<Tensor>>> {
        Some(vec![tangents[0].as_ref().map(|tangent| self.of(tangent))])
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// Rearrangements.
impl Tensor {
    /// The tensor repeated `counts[i]` times along axis `i`.
    ///
    /// # Panics
    /// If the number of counts is not the rank.
    #[track_caller]
    pub fn tile(&self, counts: &[usize]) -> Tensor {
        assert!(
            counts.len() == self.rank(),
            "tile of shape {}: {} counts are given for {} axes",
            self.shape(),
            counts.len(),
            self.rank()
        );
        let pairs = || counts.iter().zip(&**self.shape());
        let ones: Shape = pairs().flat_map(|(_, length)| [1, *length]).collect();
        let wide: Shape = pairs().flat_map(|(count, length)| [*count, *length]).collect();
        let shape: Shape = pairs().map(|(count, length)| count * length).collect();
        self.reshape(ones).broadcast_to(wide).reshape(shape)
    }

    /// Each position of `axis` repeated `count` times in a row.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn repeat_interleave(&self, count: usize, axis: isize) -> Tensor {
        let axis = axis_for("repeat_interleave", self.shape(), axis, self.rank());
        let mut shape = self.shape().clone();
        shape.dims_mut()[axis] *= count;
        let wide = self.shape().inserted(axis + 1, count);
        self.reshape(self.shape().inserted(axis + 1, 1)).broadcast_to(wide).reshape(shape)
    }

    /// The positions of `axis` moved by `shift`, those that leave one end coming in at the other.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn roll(&self, shift: isize, axis: isize) -> Tensor {
        let axis = axis_for("roll", self.shape(), axis, self.rank());
        let length = self.shape()[axis];
        let shift = if length == 0 { 0 } else { shift.rem_euclid(length as isize) as usize };
        if shift == 0 {
            return self.clone();
        }
        Roll { shift, axis: axis as isize - self.rank() as isize }.of(self)
    }

    /// Pieces of the given lengths along `axis`.
    ///
    /// # Panics
    /// If the axis does not exist or the lengths do not add up to it.
    #[track_caller]
    pub fn split(&self, lengths: &[usize], axis: isize) -> Vec<Tensor> {
        let axis = axis_for("split", self.shape(), axis, self.rank());
        assert!(
            lengths.iter().sum::<usize>() == self.shape()[axis],
            "split of shape {}: the lengths {lengths:?} do not add up to axis {axis}",
            self.shape()
        );
        let (mut pieces, mut start) = (Vec::new(), 0);
        for length in lengths {
            pieces.push(self.narrow(axis as isize, start, *length));
            start += length;
        }
        pieces
    }

    /// The parts at each position of `axis`, which is removed.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn unbind(&self, axis: isize) -> Vec<Tensor> {
        let axis = axis_for("unbind", self.shape(), axis, self.rank());
        let (length, axis) = (self.shape()[axis], axis as isize);
        let mut parts = Vec::new();
        for position in 0..length {
            parts.push(self.narrow(axis, position, 1).squeeze(axis));
        }
        parts
    }

    /// The axes from `first` to `last`, both included, as one.
    ///
    /// # Panics
    /// If an axis does not exist or they are in the wrong order.
    #[track_caller]
    pub fn flatten_range(&self, first: isize, last: isize) -> Tensor {
        let [start, end] =
            [first, last].map(|axis| axis_for("flatten_range", self.shape(), axis, self.rank()));
        assert!(start <= end, "flatten_range of {}: axis {first} is not before axis {last}", self.shape());
        let dims = self.shape().dims();
        let joined: usize = dims[start..=end].iter().product();
        let shape: Shape =
            dims[..start].iter().copied().chain([joined]).chain(dims[end + 1..].iter().copied()).collect();
        self.reshape(shape)
    }

    /// `axis` taken apart into axes of the given lengths.
    ///
    /// # Panics
    /// If the axis does not exist or the lengths do not multiply to its own.
    #[track_caller]
    pub fn unflatten(&self, axis: isize, lengths: &[usize]) -> Tensor {
        let axis = axis_for("unflatten", self.shape(), axis, self.rank());
        assert!(
            lengths.iter().product::<usize>() == self.shape()[axis],
            "unflatten of {}: the lengths {lengths:?} do not multiply to axis {axis}",
            self.shape()
        );
        let dims = self.shape().dims();
        let shape: Shape = dims[..axis].iter().chain(lengths).chain(&dims[axis + 1..]).copied().collect();
        self.reshape(shape)
    }

    /// The coordinates of a grid: for vectors of lengths a, b, … as many tensors `[a, b, …]`, the i-th of which varies along
    /// axis i only (NumPy's indexing "ij").
    ///
    /// # Panics
    /// If one is not a vector.
    #[track_caller]
    pub fn meshgrid(vectors: &[Tensor]) -> Vec<Tensor> {
        let _site = crate::graph::site::on_behalf_of_caller();
        let vector =
            |tensor: &Tensor| assert!(tensor.rank() == 1, "meshgrid: {} is not a vector", tensor.shape());
        vectors.iter().for_each(vector);
        let shape: Shape = vectors.iter().map(Tensor::elements).collect();
        let along = |(axis, vector): (usize, &Tensor)| {
            let own: Shape =
                (0..vectors.len()).map(|other| if other == axis { vector.elements() } else { 1 }).collect();
            vector.reshape(own).broadcast_to(&shape)
        };
        vectors.iter().enumerate().map(along).collect()
    }

    /// All combinations of the elements of vectors, one per row: `[product of lengths, number of vectors]`, the last vector
    /// varying fastest.
    ///
    /// # Panics
    /// If one is not a vector, or there is none.
    #[track_caller]
    pub fn cartesian_product(vectors: &[Tensor]) -> Tensor {
        let columns: Vec<Tensor> = Tensor::meshgrid(vectors).iter().map(Tensor::flatten).collect();
        Tensor::stack(&columns, 1)
    }
}
