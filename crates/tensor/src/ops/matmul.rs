//! Matrix products.

use smallvec::smallvec;

use crate::shape::AxisList;
use crate::{Shape, Tensor};

use super::Op;
use super::rule::{Batch, Batched, Call, Multilinear, multilinear_rule};

impl Tensor {
    /// Matrix product by the rules of NumPy: the last two axes are matrices, the axes before them broadcast; a vector
    /// on the left is a row, on the right a column, and its axis disappears. Any strides are fine: transposing first
    /// costs nothing.
    ///
    /// # Panics
    /// If one side has rank 0, the inner lengths differ, or the leading axes do not broadcast.
    #[track_caller]
    pub fn matmul(&self, other: &Tensor) -> Tensor {
        let (left, right) = (self.shape(), other.shape());
        assert!(
            left.rank() > 0 && right.rank() > 0,
            "matmul: both sides need at least one axis, but the shapes are {left} and {right}"
        );
        if left.rank() > 2 && right.rank() == 2 {
            // One product of all rows: its derivative in the shared matrix is one product too, not a sum of many.
            let rows = left[..left.rank() - 1].iter().product::<usize>();
            let shape: Shape = left[..left.rank() - 1].iter().copied().chain([right[1]]).collect();
            return self.reshape([rows, left[left.rank() - 1]]).matmul(other).reshape(shape);
        }
        let common = self.dtype().promote(other.dtype());
        let a = if left.rank() == 1 { self.unsqueeze(0) } else { self.clone() };
        let b = if right.rank() == 1 { other.unsqueeze(1) } else { other.clone() };
        let (rows, inner) = (a.shape()[a.rank() - 2], a.shape()[a.rank() - 1]);
        let (other_inner, columns) = (b.shape()[b.rank() - 2], b.shape()[b.rank() - 1]);
        assert!(
            inner == other_inner,
            "matmul: {left} × {right}: the last axis on the left ({inner}) must equal the last but one on the right \
             ({other_inner})"
        );
        let batch_of = |shape: &Shape| shape[..shape.rank() - 2].iter().copied().collect::<Shape>();
        let Some(batch) = batch_of(a.shape()).broadcast(&batch_of(b.shape())) else {
            panic!("matmul: {left} × {right}: the axes before the last two do not broadcast");
        };
        let with =
            |rows: usize, columns: usize| batch.iter().copied().chain([rows, columns]).collect::<Shape>();
        // Booleans have no products of their own.
        let common = if common == crate::DType::Bool { crate::DType::I64 } else { common };
        let a = a.cast(common).broadcast_to(with(rows, inner));
        let b = b.cast(common).broadcast_to(with(inner, columns));
        let product = Tensor::record(Op::Matmul, smallvec![a, b], with(rows, columns), common);
        match (left.rank(), right.rank()) {
            (1, 1) => product.reshape(Shape::scalar()),
            (1, _) => product.squeeze(-2),
            (_, 1) => product.squeeze(-1),
            _ => product,
        }
    }

    /// Outer product of two vectors, `[m] , [n] → [m, n]`.
    #[track_caller]
    pub fn outer(&self, other: &Tensor) -> Tensor {
        assert!(
            self.rank() == 1 && other.rank() == 1,
            "outer: expected two vectors, found {} and {}",
            self.shape(),
            other.shape()
        );
        self.unsqueeze(1) * other.unsqueeze(0)
    }

    /// The last two axes exchanged.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn t(&self) -> Tensor {
        let rank = self.rank();
        assert!(rank >= 2, "t: a tensor of shape {} has no two axes to exchange", self.shape());
        let mut order: AxisList = (0..rank).collect();
        order.swap(rank - 2, rank - 1);
        self.permute_axes(order)
    }
}

/// Linear in each side; the transpose in one is a product with the other.
pub(crate) struct MatmulRule;

impl Multilinear for MatmulRule {
    fn transpose(&self, call: &Call, index: usize, cotangent: &Tensor) -> Tensor {
        match index {
            0 => cotangent.matmul(&call.inputs[1].t()),
            _ => call.inputs[0].t().matmul(cotangent),
        }
    }
}
multilinear_rule!(MatmulRule);

impl Batch for MatmulRule {
    fn batch(&self, _: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        vec![inputs[0].mapped(size).matmul(&inputs[1].mapped(size))]
    }
}
