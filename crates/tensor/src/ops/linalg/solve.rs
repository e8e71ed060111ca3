//! Systems of linear equations with square matrices, and inverses.

use crate::cpu::kernels::linalg::lu::solve;
use crate::ops::custom::{CustomOp, HostArray, HostArrayMut, Metadata, custom};
use crate::{Complex, Tensor};

use super::batch::{each, for_real, parts, parts_mut, sizes};
use super::factors::packed;
use super::{Equation, batched_equation, size, square};

impl Tensor {
    /// X with A X = B, by an LU factorisation with partial pivoting. `right` is a vector if it has one axis, else
    /// matrices whose columns are right-hand sides; leading axes broadcast. The derivative uses the same
    /// factorisation. A singular matrix gives NaN.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let a = Tensor::from([[2.0f64, 1.0], [1.0, 3.0]]);
    /// let x = a.solve(&Tensor::from([4.0f64, 7.0]));
    /// assert!((x - Tensor::from([1.0f64, 2.0])).abs().max(..).item() < 1e-14);
    /// ```
    ///
    /// # Panics
    /// If the matrices are not square or the right-hand side does not fit.
    #[track_caller]
    pub fn solve(&self, right: &Tensor) -> Tensor {
        square("solve", self);
        let equation = Equation::new("solve", self, right);
        let factors = packed(&equation.matrix.stop_gradient());
        let inputs = [equation.matrix.clone(), factors.factors, factors.rows, equation.right.clone()];
        equation.solution(custom(SolveOp { transposed: false }, &inputs).remove(0))
    }

    /// The inverse of square matrices; NaN for a singular one. To multiply with an inverse, [`solve`](Tensor::solve)
    /// is faster and more accurate.
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn inverse(&self) -> Tensor {
        let a = square("inverse", self);
        a.solve(&Tensor::eye(size(&a).0, a.dtype())).cast(self.dtype().to_float())
    }
}

impl Complex {
    /// X with A X = B for complex matrices, as the real system of twice the size. `right` is a vector if it has one
    /// axis, else matrices whose columns are right-hand sides; leading axes broadcast. A singular matrix gives NaN.
    ///
    /// # Panics
    /// If the matrices are not square or the right-hand side does not fit.
    #[track_caller]
    pub fn solve(&self, right: &Complex) -> Complex {
        square("solve", &self.re);
        let vector = right.re.rank() == 1;
        let axis = if vector { -1 } else { -2 };
        let upper = Tensor::concatenate(&[self.re.clone(), self.im.neg()], -1);
        let lower = Tensor::concatenate(&[self.im.clone(), self.re.clone()], -1);
        let matrix = Tensor::concatenate(&[upper, lower], -2);
        let both = matrix.solve(&Tensor::concatenate(&[right.re.clone(), right.im.clone()], axis));
        let n = size(&self.re).0;
        Complex::new(both.narrow(axis, 0, n), both.narrow(axis, n, n))
    }

    /// The inverse of complex square matrices; NaN for a singular one.
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn inverse(&self) -> Complex {
        let n = size(&square("inverse", &self.re)).0;
        self.solve(&Complex::from_real(&Tensor::eye(n, self.dtype())))
    }
}

/// A, its packed factors, the rows of P A and right-hand sides to the solution. Derivatives flow to A itself, which
/// the kernel does not read, so that no derivative of the factorisation is needed and the factors serve again.
#[derive(Clone, Copy, Debug)]
struct SolveOp {
    transposed: bool,
}

impl CustomOp for SolveOp {
    fn name(&self) -> &str {
        "solve"
    }

    fn parameters(&self) -> Vec<u64> {
        vec![self.transposed.into()]
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[3].clone()]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, n, columns) = sizes(inputs[3].shape);
        for_real!(inputs[0].dtype, T => {
            let (factors, b) = (parts::<T>(&inputs[1], count), parts::<T>(&inputs[3], count));
            let rows = parts::<i64>(&inputs[2], count);
            each(parts_mut::<T>(&mut outputs[0], count), 2 * n * n * columns, |on, index, x| {
                let row = |i: usize| rows[index][i] as usize;
                solve(on, factors[index], row, [n, columns], self.transposed, b[index], x);
            });
        });
    }

    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let mut turned = inputs.to_vec();
        turned[3] = cotangents[0].clone()?;
        let right = custom(SolveOp { transposed: !self.transposed }, &turned).remove(0);
        let x = &outputs[0];
        let matrix = if self.transposed { x.matmul(&right.t()) } else { right.matmul(&x.t()) };
        Some(vec![Some(matrix.neg()), None, None, Some(right)])
    }

    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        batched_equation(inputs, mapped, size, |inputs| custom(*self, inputs).remove(0))
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}
