//! Joining tensors.

use crate::Tensor;
use crate::graph::node::Inputs;
use crate::shape::axis_for;

use super::Op;
use super::rule::{Batch, Batched, Call, Linear, linear_rule};

impl Tensor {
    /// Tensors joined along an axis they already have. Types are promoted.
    ///
    /// # Panics
    /// If there is no tensor or the other axes differ.
    #[track_caller]
    pub fn concatenate(tensors: &[Tensor], axis: isize) -> Tensor {
        assert!(!tensors.is_empty(), "concatenate: there is nothing to join");
        let first = &tensors[0];
        let axis = axis_for("concatenate", first.shape(), axis, first.rank());
        let mut shape = first.shape().clone();
        let mut dtype = first.dtype();
        for tensor in &tensors[1..] {
            let fits = tensor.rank() == first.rank()
                && (0..first.rank())
                    .all(|other| other == axis || tensor.shape()[other] == first.shape()[other]);
            assert!(
                fits,
                "concatenate along axis {axis}: {} and {} differ in another axis",
                first.shape(),
                tensor.shape()
            );
            shape.dims_mut()[axis] += tensor.shape()[axis];
            dtype = dtype.promote(tensor.dtype());
        }
        if tensors.len() == 1 {
            return first.clone();
        }
        let inputs: Inputs = tensors.iter().map(|tensor| tensor.cast(dtype)).collect();
        Tensor::record(Op::Concatenate { axis }, inputs, shape, dtype)
    }

    /// Tensors of one shape joined along a new axis.
    ///
    /// # Panics
    /// If there is no tensor or the shapes differ.
    #[track_caller]
    pub fn stack(tensors: &[Tensor], axis: isize) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        assert!(!tensors.is_empty(), "stack: there is nothing to join");
        for tensor in tensors {
            assert!(
                tensor.shape() == tensors[0].shape(),
                "stack: the shapes {} and {} differ",
                tensors[0].shape(),
                tensor.shape()
            );
        }
        let rank = tensors[0].rank() + 1;
        let axis = axis_for("stack", tensors[0].shape(), axis, rank) as isize;
        let widened: Vec<Tensor> = tensors.iter().map(|tensor| tensor.unsqueeze(axis)).collect();
        Tensor::concatenate(&widened, axis)
    }
}

/// The own part of the whole.
pub(crate) struct ConcatenateRule;

impl Linear for ConcatenateRule {
    fn transpose(&self, call: &Call, index: usize, cotangent: &Tensor) -> Tensor {
        let Op::Concatenate { axis } = call.op else { unreachable!("the rule of joining") };
        let before: usize = call.inputs[..index].iter().map(|input| input.shape()[*axis]).sum();
        cotangent.narrow(*axis as isize, before, call.inputs[index].shape()[*axis])
    }
}
linear_rule!(ConcatenateRule);

impl Batch for ConcatenateRule {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let Op::Concatenate { axis } = call.op else { unreachable!("the rule of joining") };
        let inputs: Inputs = inputs.iter().map(|input| input.mapped(size)).collect();
        let output = call.outputs[0].meta();
        let shape = output.shape.inserted(0, size);
        vec![Tensor::record(Op::Concatenate { axis: axis + 1 }, inputs, shape, output.dtype)]
    }
}
