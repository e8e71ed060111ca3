//! Linear algebra on the last two axes; all axes before them are a batch, whose matrices are worked on in parallel.
//!
//! A factorisation is a custom op with a kernel (`cpu/kernels/linalg`) and a reverse derivative made of recorded ops,
//! from which all transforms follow. `f32` and `f64` are computed as they are, other types as `f32`; half precision is
//! rounded back. A matrix that holds NaN or an infinity has NaN as its results, as has one for which the result does
//! not exist (a Cholesky factor of a matrix that is not positive definite, a solution with a singular matrix): what
//! depends on values cannot be refused when the op is recorded.

mod batch;
mod eigen;
mod exponential;
mod factors;
mod least_squares;
mod norms;
mod qr;
mod solve;
mod structure;
mod svd;
mod symmetric;
mod triangular;

pub use eigen::Eig;
pub use factors::{Lu, Slogdet};
pub use norms::{MatrixNorm, PowerIteration};
pub use qr::Qr;
pub use svd::Svd;
pub use symmetric::Eigh;
pub use triangular::Triangular;

use crate::shape::AxisList;
use crate::{DType, Shape, Tensor};

/// The tensor in the type that kernels compute in.
#[track_caller]
fn matrices(name: &str, tensor: &Tensor) -> Tensor {
    let shape = tensor.shape();
    assert!(shape.rank() >= 2, "{name}: expected a matrix or a batch of them, found shape {shape}");
    tensor.cast(if tensor.dtype() == DType::F64 { DType::F64 } else { DType::F32 })
}

/// [`matrices`] that must be square.
#[track_caller]
fn square(name: &str, tensor: &Tensor) -> Tensor {
    let result = matrices(name, tensor);
    let (rows, columns) = size(&result);
    assert!(rows == columns, "{name}: expected square matrices, found shape {}", tensor.shape());
    result
}

/// Rows and columns of the matrices.
#[track_caller]
fn size(tensor: &Tensor) -> (usize, usize) {
    let rank = tensor.rank();
    (tensor.shape()[rank - 2], tensor.shape()[rank - 1])
}

/// The shape of the batch, followed by other axes.
fn batched(shape: &Shape, axes: impl IntoIterator<Item = usize>) -> Shape {
    shape[..shape.rank() - 2].iter().copied().chain(axes).collect()
}

/// A matrix and the right-hand side of an equation with it, in one type and with one batch.
struct Equation {
    matrix: Tensor,
    right: Tensor,
    /// Whether the right-hand side was a vector.
    vector: bool,
    /// Batch and columns of right-hand sides that were put side by side.
    together: Option<(Shape, usize)>,
    /// The type of the solution.
    dtype: DType,
}

impl Equation {
    /// The right-hand side is a vector if it has one axis, else a batch of matrices; leading axes broadcast.
    #[track_caller]
    fn new(name: &str, matrix: &Tensor, right: &Tensor) -> Equation {
        let shapes = (matrix.shape(), right.shape());
        assert!(
            right.rank() > 0,
            "{name}: the right-hand side of {} × x = {} is a number",
            shapes.0,
            shapes.1
        );
        let vector = right.rank() == 1;
        let dtype = matrix.dtype().promote(right.dtype()).to_float();
        let matrix = matrices(name, &matrix.cast(dtype));
        let right = if vector { right.unsqueeze(-1) } else { right.clone() };
        let right = matrices(name, &right.cast(dtype));
        let ((rows, columns), (length, count)) = (size(&matrix), size(&right));
        assert!(
            rows == length,
            "{name}: a matrix of shape {} has {rows} rows, but the right-hand side {} has {length}",
            shapes.0,
            shapes.1
        );
        let batch = batched(right.shape(), []);
        if matrix.rank() == 2 && !batch.is_empty() {
            // One matrix, factored once, for all of them.
            let right = side_by_side(&right, batch.rank());
            return Equation { matrix, right, vector, together: Some((batch, count)), dtype };
        }
        let Some(batch) = batched(matrix.shape(), []).broadcast(&batch) else {
            panic!("{name}: the axes before the last two of {} and {} do not broadcast", shapes.0, shapes.1);
        };
        let with =
            |rows: usize, columns: usize| batch.iter().copied().chain([rows, columns]).collect::<Shape>();
        Equation {
            matrix: matrix.broadcast_to(with(rows, columns)),
            right: right.broadcast_to(with(length, count)),
            vector,
            together: None,
            dtype,
        }
    }

    /// The solution in the form that the right-hand side had.
    #[track_caller]
    fn solution(&self, x: Tensor) -> Tensor {
        let x = match &self.together {
            Some((batch, columns)) => one_by_one(&x, batch, *columns),
            None => x,
        };
        let x = if self.vector { x.squeeze(-1) } else { x };
        x.cast(self.dtype)
    }
}

/// The matrices along the first axes as columns of one matrix.
#[track_caller]
fn side_by_side(right: &Tensor, axes: usize) -> Tensor {
    let (rank, shape) = (right.rank(), right.shape());
    let order: AxisList = (axes..rank).chain(0..axes).collect();
    let columns = shape[rank - 1] * shape[..axes].iter().product::<usize>();
    let merged: Shape = shape[axes..rank - 1].iter().copied().chain([columns]).collect();
    right.permute_axes(order).reshape(merged)
}

/// The way back from [`side_by_side`], for the lengths of the first axes and the columns of each matrix.
#[track_caller]
fn one_by_one(x: &Tensor, first: &[usize], columns: usize) -> Tensor {
    let rank = x.rank();
    let apart: Shape = x.shape()[..rank - 1].iter().chain([&columns]).chain(first).copied().collect();
    let order: AxisList = (rank..rank + first.len()).chain(0..rank).collect();
    x.reshape(apart).permute_axes(order)
}

/// How an equation is batched whose last input is the right-hand side: if it alone is mapped, its examples are columns
/// of one equation.
#[track_caller]
fn batched_equation(
    inputs: &[Tensor],
    mapped: &[bool],
    size: usize,
    solve: impl Fn(&[Tensor]) -> Tensor,
) -> Option<Vec<Tensor>> {
    let (right, others) = inputs.split_last()?;
    if mapped[..others.len()].contains(&true) {
        return None;
    }
    let columns = right.shape()[right.rank() - 1];
    let mut inputs = others.to_vec();
    inputs.push(side_by_side(right, 1));
    Some(vec![one_by_one(&solve(&inputs), &[size], columns)])
}

/// A number fixed by an op, in the type of `like`.
#[track_caller]
fn number(value: f64, like: &Tensor) -> Tensor {
    Tensor::constant(value, like.dtype())
}

/// `above / below`, where zero over zero is zero.
#[track_caller]
fn quotient(above: &Tensor, below: &Tensor) -> Tensor {
    let zero = number(0.0, above);
    let undecided = above.equal(&zero).logical_and(&below.equal(&zero));
    undecided.select(&zero, above / undecided.select(number(1.0, above), below))
}

/// Half of the sum of a matrix and its transpose.
#[track_caller]
fn symmetrised(x: &Tensor) -> Tensor {
    let half = x * number(0.5, x);
    &half + half.t()
}

/// The cotangent of an output, or zeros.
#[track_caller]
fn or_zeros(cotangent: &Option<Tensor>, output: &Tensor) -> Tensor {
    cotangent.clone().unwrap_or_else(|| output.zeros_like())
}
