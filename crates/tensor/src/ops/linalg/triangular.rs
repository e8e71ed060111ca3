//! The Cholesky factorisation, and systems with triangular matrices.

use crate::Tensor;
use crate::cpu::kernels::linalg::cholesky::cholesky;
use crate::cpu::kernels::linalg::real::Real;
use crate::cpu::kernels::linalg::triangular;
use crate::ops::custom::{CustomOp, HostArray, HostArrayMut, Metadata, custom};

use super::batch::{each, for_real, parts, parts_mut, sizes};
use super::{Equation, batched_equation, number, square, symmetrised};

/// Which triangle of a matrix is read, and how it stands in the equation.
///
/// ```
/// use bolete_tensor::{Tensor, Triangular};
/// let l = Tensor::from([[2.0f64, 0.0], [1.0, 4.0]]);
/// let x = l.triangular_solve(&Tensor::from([2.0f64, 9.0]), Triangular::lower());
/// assert_eq!(x.to_vec::<f64>(), [1.0, 2.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triangular {
    shape: triangular::Shape,
}

impl Triangular {
    /// The lower triangle; what is above it is not read.
    pub fn lower() -> Triangular {
        Triangular { shape: triangular::Shape::default() }
    }

    /// The upper triangle; what is below it is not read.
    pub fn upper() -> Triangular {
        Triangular { shape: triangular::Shape { upper: true, ..triangular::Shape::default() } }
    }

    /// The equation is Tᵀ X = B.
    pub fn transposed(self) -> Triangular {
        Triangular { shape: triangular::Shape { transposed: true, ..self.shape } }
    }

    /// The diagonal is taken to be ones and not read.
    pub fn unit_diagonal(self) -> Triangular {
        Triangular { shape: triangular::Shape { unit: true, ..self.shape } }
    }
}

/// Records a system without checks.
#[track_caller]
pub(super) fn triangular_solve(matrix: &Tensor, right: &Tensor, which: Triangular) -> Tensor {
    custom(TriangularSolveOp { shape: which.shape }, &[matrix.clone(), right.clone()]).remove(0)
}

impl Tensor {
    /// The Cholesky factor of symmetric positive definite matrices: the lower triangular L with A = L Lᵀ and a
    /// positive diagonal, `[…, n, n] → […, n, n]`. Of a matrix that is not symmetric, the mean of it and its transpose
    /// is factored, so that the derivative is symmetric. A matrix that is not positive definite gives NaN.
    ///
    /// Derivative: Murray, "Differentiation of the Cholesky decomposition" (2016).
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn cholesky(&self) -> Tensor {
        let a = symmetrised(&square("cholesky", self));
        custom(CholeskyOp, &[a]).remove(0).cast(self.dtype().to_float())
    }

    /// X with A X = B, where this tensor is the lower Cholesky factor L of A = L Lᵀ. `right` is a vector if it has one
    /// axis, else matrices whose columns are right-hand sides; leading axes broadcast.
    ///
    /// # Panics
    /// If the matrices are not square or the right-hand side does not fit.
    #[track_caller]
    pub fn cholesky_solve(&self, right: &Tensor) -> Tensor {
        let half = self.triangular_solve(right, Triangular::lower());
        self.triangular_solve(&half, Triangular::lower().transposed())
    }

    /// X with T X = B, or Tᵀ X = B, for triangular T. `right` is a vector if it has one axis, else matrices whose
    /// columns are right-hand sides; leading axes broadcast. A zero on the diagonal gives infinities or NaN.
    ///
    /// # Panics
    /// If the matrices are not square or the right-hand side does not fit.
    #[track_caller]
    pub fn triangular_solve(&self, right: &Tensor, which: Triangular) -> Tensor {
        square("triangular_solve", self);
        let equation = Equation::new("triangular_solve", self, right);
        equation.solution(triangular_solve(&equation.matrix, &equation.right, which))
    }
}

/// A symmetric positive definite matrix to its lower factor.
#[derive(Debug)]
struct CholeskyOp;

impl CustomOp for CholeskyOp {
    fn name(&self) -> &str {
        "cholesky"
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, n, _) = sizes(inputs[0].shape);
        for_real!(inputs[0].dtype, T => {
            let a = parts::<T>(&inputs[0], count);
            each(parts_mut::<T>(&mut outputs[0], count), n * n * n / 3, |on, index, l| {
                l.copy_from_slice(a[index]);
                if !cholesky(on, l, n) {
                    l.fill(<T as Real>::NAN);
                }
            });
        });
    }

    /// Ā = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹, symmetrised, where Φ takes the lower triangle and halves the diagonal.
    fn vjp(
        &self,
        _: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (l, cotangent) = (&outputs[0], cotangents[0].as_ref()?);
        let product = l.t().matmul(cotangent);
        let phi = (product.tril(0) + product.tril(-1)) * number(0.5, l);
        let transposed = Triangular::lower().transposed();
        let left = triangular_solve(l, &phi, transposed);
        let both = triangular_solve(l, &left.t(), transposed);
        Some(vec![Some(symmetrised(&both))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// A triangular matrix and right-hand sides to the solution.
#[derive(Clone, Copy, Debug)]
struct TriangularSolveOp {
    shape: triangular::Shape,
}

impl CustomOp for TriangularSolveOp {
    fn name(&self) -> &str {
        "triangular_solve"
    }

    fn parameters(&self) -> Vec<u64> {
        let triangular::Shape { upper, transposed, unit } = self.shape;
        vec![upper.into(), transposed.into(), unit.into()]
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[1].clone()]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, n, columns) = sizes(inputs[1].shape);
        for_real!(inputs[0].dtype, T => {
            let (a, b) = (parts::<T>(&inputs[0], count), parts::<T>(&inputs[1], count));
            each(parts_mut::<T>(&mut outputs[0], count), n * n * columns, |on, index, x| {
                x.copy_from_slice(b[index]);
                triangular::solve(on, self.shape, a[index], n, n, x, columns);
            });
        });
    }

    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let triangular::Shape { upper, transposed, unit } = self.shape;
        let turned = Triangular { shape: triangular::Shape { transposed: !transposed, ..self.shape } };
        let right = triangular_solve(&inputs[0], cotangents[0].as_ref()?, turned);
        let whole = if transposed { outputs[0].matmul(&right.t()) } else { right.matmul(&outputs[0].t()) };
        let whole = whole.neg();
        let offset = isize::from(unit);
        let matrix = if upper { whole.triu(offset) } else { whole.tril(-offset) };
        Some(vec![Some(matrix), Some(right)])
    }

    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        batched_equation(inputs, mapped, size, |inputs| custom(*self, inputs).remove(0))
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}
