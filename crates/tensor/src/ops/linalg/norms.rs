//! Norms of vectors and matrices, and the largest singular value by power iteration.

use crate::shape::{Axes, axes_for};
use crate::{Tensor, Tree};

use super::{matrices, number, size};

/// A norm of matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixNorm {
    /// The root of the sum of all squares.
    Frobenius,
    /// The sum of the singular values.
    Nuclear,
    /// The largest singular value, which is the operator norm for vectors of norm 2.
    Spectral,
    /// The largest sum of absolute values in a column.
    One,
    /// The largest sum of absolute values in a row.
    Infinity,
}

/// What [`Tensor::power_iteration`] gives.
#[derive(Clone, Debug, Tree)]
pub struct PowerIteration {
    /// The left vector, `[…, m]`, to start from next time.
    pub u: Tensor,
    /// The right vector, `[…, n]`.
    pub v: Tensor,
    /// uᵀ A v, the largest singular value, `[…]`.
    pub sigma: Tensor,
}

impl Tensor {
    /// The norm of vectors along axes: (Σ |x|ᵖ)^(1/p) for `order` p > 0, the largest |x| for infinity, without overflow
    /// on the way. Where all numbers are zero the derivative is zero. For p < 1 this is not a norm, but allowed.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let x = Tensor::from([[3.0f64, -4.0], [0.0, 0.0]]);
    /// assert_eq!(x.norm(2.0, 1).to_vec::<f64>(), [5.0, 0.0]);
    /// assert_eq!(x.norm(1.0, ..).item(), 7.0);
    /// assert_eq!(x.norm(f64::INFINITY, 0).to_vec::<f64>(), [3.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If the order is not positive or an axis does not exist.
    #[track_caller]
    pub fn norm(&self, order: f64, axes: impl Into<Axes>) -> Tensor {
        let axes = axes_for("norm", self.shape(), &axes.into());
        self.norm_keepdim_of("norm", order, &axes).reshape(self.shape().without(&axes))
    }

    /// Like [`norm`](Tensor::norm), leaving the axes with length 1.
    #[track_caller]
    pub fn norm_keepdim(&self, order: f64, axes: impl Into<Axes>) -> Tensor {
        let axes = axes_for("norm_keepdim", self.shape(), &axes.into());
        self.norm_keepdim_of("norm_keepdim", order, &axes)
    }

    #[track_caller]
    fn norm_keepdim_of(&self, name: &str, order: f64, axes: &[usize]) -> Tensor {
        assert!(order > 0.0, "{name}: the order must be positive, but it is {order}");
        let signed: Vec<isize> = axes.iter().map(|axis| *axis as isize).collect();
        let signed = signed.as_slice();
        let size = self.cast(self.dtype().to_float()).abs();
        if order == 1.0 || size.elements() == 0 {
            return size.sum_keepdim(signed);
        }
        if order == f64::INFINITY {
            return size.max_keepdim(signed);
        }
        // Divided by the largest, so that no power overflows. An infinite norm stays what the largest is.
        let (zero, one) = (number(0.0, &size), number(1.0, &size));
        let largest = size.max_keepdim(signed).stop_gradient();
        let usable = largest.greater(&zero).logical_and(&largest.is_finite());
        let scale = usable.select(&largest, &one);
        let near = size / &scale;
        let sum = if order == 2.0 { near.square() } else { near.pow(order) }.sum_keepdim(signed);
        // The root's derivative at 0 is infinite; it sees 1 there instead.
        let empty = sum.equal(&zero);
        let safe = empty.select(&one, sum);
        let root = if order == 2.0 { safe.sqrt() } else { safe.pow(1.0 / order) };
        empty.select(&zero, root * scale)
    }

    /// A norm of matrices, `[…, m, n] → […]`. The derivatives of the nuclear and the spectral norm are those of
    /// [`singular_values`](Tensor::singular_values).
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn matrix_norm(&self, kind: MatrixNorm) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let a = matrices("matrix_norm", self);
        let largest = |x: Tensor| if x.shape()[x.rank() - 1] == 0 { x.sum(-1) } else { x.max(-1) };
        let norm = match kind {
            MatrixNorm::Frobenius => a.norm(2.0, [-2, -1]),
            MatrixNorm::Nuclear => a.singular_values().sum(-1),
            MatrixNorm::Spectral => largest(a.singular_values()),
            MatrixNorm::One => largest(a.abs().sum(-2)),
            MatrixNorm::Infinity => largest(a.abs().sum(-1)),
        };
        norm.cast(self.dtype().to_float())
    }

    /// `steps` steps of the power iteration for the largest singular value of matrices `[…, m, n]`, from the left
    /// vector `u`, `[…, m]`. No derivative flows through the vectors: that of `sigma` is u vᵀ, as spectral
    /// normalisation has it (Miyato et al. 2018).
    ///
    /// # Panics
    /// If the shapes do not fit or there are no steps.
    #[track_caller]
    pub fn power_iteration(&self, u: &Tensor, steps: usize) -> PowerIteration {
        let _site = crate::graph::site::on_behalf_of_caller();
        let dtype = self.dtype().to_float();
        let a = matrices("power_iteration", self);
        let rows = size(&a).0;
        assert!(
            u.rank() > 0 && u.shape()[u.rank() - 1] == rows,
            "power_iteration: a matrix of shape {} needs a vector of {rows} numbers, not shape {}",
            self.shape(),
            u.shape()
        );
        assert!(steps > 0, "power_iteration: at least one step is needed");
        let fixed = a.stop_gradient();
        let unit = |x: Tensor| {
            let norm = x.norm_keepdim(2.0, -2);
            let smallest = number(1e-12, &norm);
            x / norm.maximum(smallest)
        };
        let mut left = u.cast(a.dtype()).stop_gradient().unsqueeze(-1);
        let mut right = unit(fixed.t().matmul(&left));
        left = unit(fixed.matmul(&right));
        for _ in 1..steps {
            right = unit(fixed.t().matmul(&left));
            left = unit(fixed.matmul(&right));
        }
        let sigma = left.t().matmul(&a).matmul(&right).squeeze([-2, -1]);
        PowerIteration {
            u: left.squeeze(-1).cast(dtype),
            v: right.squeeze(-1).cast(dtype),
            sigma: sigma.cast(dtype),
        }
    }
}
