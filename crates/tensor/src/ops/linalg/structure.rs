//! Triangles, diagonals and products that need no arithmetic beyond that of other ops.

use crate::ops::view::index;
use crate::shape::axis_for;
use crate::{DType, Shape, Tensor};

use super::{matrices, number, size};

/// Whether column − row of the matrix elements is at most (at least) `offset`.
#[track_caller]
fn triangle(name: &str, tensor: &Tensor, offset: isize, lower: bool) -> Tensor {
    assert!(
        tensor.rank() >= 2,
        "{name}: expected a matrix or a batch of them, found shape {}",
        tensor.shape()
    );
    let (rows, columns) = size(tensor);
    let limit = Tensor::arange(rows, DType::I64).unsqueeze(1) + Tensor::constant(offset as f64, DType::I64);
    let column = Tensor::arange(columns, DType::I64).unsqueeze(0);
    let kept = if lower { column.less_equal(&limit) } else { column.greater_equal(&limit) };
    kept.select(tensor, number(0.0, tensor))
}

impl Tensor {
    /// The lower triangle of each matrix, zeros elsewhere: the elements on and below the diagonal `offset` places
    /// above the main one.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn tril(&self, offset: isize) -> Tensor {
        triangle("tril", self, offset, true)
    }

    /// The upper triangle of each matrix, zeros elsewhere: the elements on and above the diagonal `offset` places
    /// above the main one.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn triu(&self, offset: isize) -> Tensor {
        triangle("triu", self, offset, false)
    }

    /// The diagonal of each matrix, `[…, m, n] → […, length]`: the elements in column row + `offset`.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn diagonal(&self, offset: isize) -> Tensor {
        assert!(self.rank() >= 2, "diagonal: expected a matrix, found shape {}", self.shape());
        let (rows, columns) = size(self);
        let (row, column) = (offset.min(0).unsigned_abs(), offset.max(0).unsigned_abs());
        let length = rows.saturating_sub(row).min(columns.saturating_sub(column));
        let batch = &self.shape()[..self.rank() - 2];
        // Of a square laid out row by row, the elements of the diagonal are length + 1 apart.
        let part = self.narrow(-2, row.min(rows), length).narrow(-1, column.min(columns), length);
        let flat = part.reshape(batch.iter().copied().chain([length * length]).collect::<Shape>());
        let all = batch.iter().map(|_| index(..));
        flat.slice(all.chain([index(..).step(length as isize + 1)]))
    }

    /// Matrices with the last axis as their diagonal, `offset` places above the main one, and zeros elsewhere:
    /// `[…, n] → […, n + |offset|, n + |offset|]`.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let matrix = Tensor::from([1.0f64, 2.0]).diag(0);
    /// assert_eq!(matrix.to_vec::<f64>(), [1.0, 0.0, 0.0, 2.0]);
    /// assert_eq!(matrix.diagonal(0).to_vec::<f64>(), [1.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no axis.
    #[track_caller]
    pub fn diag(&self, offset: isize) -> Tensor {
        let rank = self.rank();
        assert!(rank >= 1, "diag: a number has no axis to make a diagonal of");
        let length = self.shape()[rank - 1] + offset.unsigned_abs();
        let mut amounts = vec![(0, 0); rank];
        amounts[rank - 1] = (0, offset.unsigned_abs());
        let padded = self.pad_with_tensor(&amounts, &number(0.0, self));
        // The elements are counted by rows above the diagonal and by columns below it.
        let spread = padded.unsqueeze(if offset >= 0 { -1 } else { -2 });
        let place = Tensor::arange(length, DType::I64);
        let shift = Tensor::constant(offset as f64, DType::I64);
        let on = place.unsqueeze(0).equal(place.unsqueeze(1) + shift);
        on.select(spread, number(0.0, self))
    }

    /// The sum of the diagonal of each matrix, `[…, m, n] → […]`.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn trace(&self) -> Tensor {
        assert!(self.rank() >= 2, "trace: expected a matrix, found shape {}", self.shape());
        self.diagonal(0).sum(-1)
    }

    /// The Kronecker product of matrices, `[…, m, n], […, p, q] → […, m p, n q]`: each element of this one times the
    /// whole of the other. Leading axes broadcast.
    ///
    /// # Panics
    /// If one has fewer than two axes or the leading axes do not broadcast.
    #[track_caller]
    pub fn kron(&self, other: &Tensor) -> Tensor {
        for tensor in [self, other] {
            assert!(tensor.rank() >= 2, "kron: expected matrices, found shape {}", tensor.shape());
        }
        let ((m, n), (p, q)) = (size(self), size(other));
        let product = self.unsqueeze(-2).unsqueeze(-1) * other.unsqueeze(-2).unsqueeze(-4);
        let batch = &product.shape()[..product.rank() - 4];
        product.reshape(batch.iter().copied().chain([m * p, n * q]).collect::<Shape>())
    }

    /// The cross product of three-dimensional vectors along `axis`; the shapes broadcast.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let (x, y) = (Tensor::from([1.0f64, 0.0, 0.0]), Tensor::from([0.0f64, 1.0, 0.0]));
    /// assert_eq!(x.cross(&y, 0).to_vec::<f64>(), [0.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If the axis has not length 3 or the shapes do not broadcast.
    #[track_caller]
    pub fn cross(&self, other: &Tensor, axis: isize) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let Some(shape) = self.shape().broadcast(other.shape()) else {
            panic!("cross: the shapes {} and {} do not broadcast", self.shape(), other.shape());
        };
        let axis = axis_for("cross", &shape, axis, shape.rank());
        assert!(shape[axis] == 3, "cross: axis {axis} of shape {shape} has not length 3");
        let (a, b) = (self.broadcast_to(&shape), other.broadcast_to(&shape));
        let component = |tensor: &Tensor, index: usize| tensor.narrow(axis as isize, index % 3, 1);
        let parts: Vec<Tensor> = (0..3)
            .map(|i| {
                component(&a, i + 1) * component(&b, i + 2) - component(&a, i + 2) * component(&b, i + 1)
            })
            .collect();
        Tensor::concatenate(&parts, axis as isize)
    }

    /// The exponent-th power of square matrices, by repeated squaring; of the inverse if it is negative. The power 0 is
    /// the identity.
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn matrix_power(&self, exponent: i32) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let base = super::square("matrix_power", self);
        let mut base = if exponent < 0 { base.inverse() } else { base };
        let mut left = exponent.unsigned_abs();
        let mut power: Option<Tensor> = None;
        while left > 0 {
            if left % 2 == 1 {
                power = Some(power.map_or_else(|| base.clone(), |power| power.matmul(&base)));
            }
            left /= 2;
            if left > 0 {
                base = base.matmul(&base);
            }
        }
        let identity = || Tensor::eye(size(&base).0, base.dtype()).broadcast_to(base.shape());
        power.unwrap_or_else(identity).cast(self.dtype().to_float())
    }

    /// The number of singular values above `rcond` times the largest, as `i64`: `[…, m, n] → […]`. Without `rcond`,
    /// max(m, n) times the distance from 1 to the next number of the type that is computed in.
    /// A matrix that is not finite has rank 0.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn matrix_rank(&self, rcond: Option<f64>) -> Tensor {
        let a = matrices("matrix_rank", self);
        let values = a.singular_values();
        if values.shape()[values.rank() - 1] == 0 {
            return values.sum(-1).cast(DType::I64);
        }
        let cutoff = values.max_keepdim(-1) * number(super::least_squares::cutoff(&a, rcond), &values);
        values.greater(&cutoff).sum(-1)
    }
}
