//! Least squares and the pseudo-inverse.

use crate::cpu::kernels::gemm::Accumulate;
use crate::cpu::kernels::linalg::product::Part;
use crate::ops::custom::{CustomOp, HostArray, HostArrayMut, Metadata, custom};
use crate::{DType, Tensor};

use super::batch::{each, for_real, parts, parts_mut, sizes};
use super::svd::{Svd, decomposed};
use super::{Equation, batched, batched_equation, matrices, size};

/// Singular values at most this much times the largest count as zero.
#[track_caller]
pub(super) fn cutoff(a: &Tensor, rcond: Option<f64>) -> f64 {
    let (m, n) = size(a);
    let epsilon = if a.dtype() == DType::F64 { f64::EPSILON } else { f32::EPSILON.into() };
    rcond.unwrap_or(m.max(n) as f64 * epsilon)
}

impl Tensor {
    /// The least squares solution of A X = B by singular values: of all X that minimise ‖A X − B‖ the one of smallest
    /// norm, also for matrices without full rank. `right` is a vector if it has one axis, else matrices whose columns
    /// are right-hand sides; leading axes broadcast. Singular values at most `rcond` times the largest count as zero;
    /// without `rcond`, max(m, n) times the distance from 1 to the next number.
    ///
    /// Derivative: Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems
    /// whose variables separate" (1973), with the rank held fixed.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let a = Tensor::from([[1.0f64, 0.0], [1.0, 1.0], [1.0, 2.0]]);
    /// let line = a.lstsq(&Tensor::from([1.0f64, 3.0, 5.0]), None);
    /// assert!((line - Tensor::from([1.0f64, 2.0])).abs().max(..).item() < 1e-14);
    /// ```
    ///
    /// # Panics
    /// If the right-hand side does not fit.
    #[track_caller]
    pub fn lstsq(&self, right: &Tensor, rcond: Option<f64>) -> Tensor {
        let equation = Equation::new("lstsq", self, right);
        let a = &equation.matrix;
        let Svd { u, s, vh } = decomposed(&a.stop_gradient());
        let op = LeastSquaresOp { cutoff: cutoff(a, rcond), transposed: false };
        equation.solution(custom(op, &[a.clone(), u, s, vh, equation.right.clone()]).remove(0))
    }

    /// The pseudo-inverse of Moore and Penrose, `[…, m, n] → […, n, m]`; `rcond` and the derivative as for
    /// [`lstsq`](Tensor::lstsq).
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn pinv(&self, rcond: Option<f64>) -> Tensor {
        let a = matrices("pinv", self);
        a.lstsq(&Tensor::eye(size(&a).0, a.dtype()), rcond).cast(self.dtype().to_float())
    }
}

/// A, its singular value decomposition and right-hand sides B to A⁺ B, or to (A⁺)ᵀ B. Derivatives flow to A itself,
/// which the kernel does not read, so that no derivative of the decomposition is needed and it serves again.
#[derive(Clone, Copy, Debug)]
struct LeastSquaresOp {
    cutoff: f64,
    transposed: bool,
}

impl CustomOp for LeastSquaresOp {
    fn name(&self) -> &str {
        "lstsq"
    }

    fn parameters(&self) -> Vec<u64> {
        vec![self.cutoff.to_bits(), self.transposed.into()]
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let (a, b) = (&inputs[0].shape, &inputs[4].shape);
        let rows = a[a.rank() - if self.transposed { 2 } else { 1 }];
        vec![Metadata { shape: batched(a, [rows, b[b.rank() - 1]]), dtype: inputs[0].dtype }]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, m, n) = sizes(inputs[0].shape);
        let (k, columns) = (m.min(n), sizes(inputs[4].shape).2);
        for_real!(inputs[0].dtype, T => {
            let [u, s, vh, b] = [1, 2, 3, 4].map(|index| parts::<T>(&inputs[index], count));
            each(parts_mut::<T>(&mut outputs[0], count), 2 * (m + n) * k * columns, |on, index, x| {
                // A⁺ = V Σ⁺ Uᵀ; its transpose has the sides exchanged.
                let (u, v) = (Part::new(u[index], k), Part::new(vh[index], n).t());
                let (left, right, length, rows) = if self.transposed { (u, v, n, m) } else { (v, u, m, n) };
                let mut inner = vec![T::default(); k * columns];
                let b = Part::new(b[index], columns);
                on.multiply(&mut inner, columns, [k, columns, length], right.t(), b, Accumulate::Replace);
                let limit = s[index].first().copied().unwrap_or_default() * self.cutoff as T;
                for (value, row) in s[index].iter().zip(inner.chunks_exact_mut(columns.max(1))) {
                    let drop = *value <= limit;
                    row.iter_mut().for_each(|x| *x = if drop { 0.0 } else { *x / *value });
                }
                on.multiply(x, columns, [rows, columns, k], left, Part::new(&inner, columns), Accumulate::Replace);
            });
        });
    }

    /// With Y = A⁺ᵀ X̄, the cotangent of B: Ā = −Y Xᵀ + (B − A X) (A⁺ Y)ᵀ + (A⁺ᵀ X) (X̄ − Aᵀ Y)ᵀ.
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (x, slope, b) = (&outputs[0], cotangents[0].as_ref()?, &inputs[4]);
        let apply = |transposed: bool, right: &Tensor| {
            let mut inputs = inputs.to_vec();
            inputs[4] = right.clone();
            custom(LeastSquaresOp { cutoff: self.cutoff, transposed }, &inputs).remove(0)
        };
        let a = if self.transposed { inputs[0].t() } else { inputs[0].clone() };
        let y = apply(!self.transposed, slope);
        let residual = b - a.matmul(x);
        let outside = slope - a.t().matmul(&y);
        let matrix = residual.matmul(&apply(self.transposed, &y).t())
            + apply(!self.transposed, x).matmul(&outside.t())
            - y.matmul(&x.t());
        let matrix = if self.transposed { matrix.t() } else { matrix };
        Some(vec![Some(matrix), None, None, None, Some(y)])
    }

    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        batched_equation(inputs, mapped, size, |inputs| custom(*self, inputs).remove(0))
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}
