//! The LU factorisation and determinants.

use crate::cpu::kernels::linalg::lu::{lu, solve};
use crate::cpu::kernels::linalg::real::{Machine, Real, identity, transposed};
use crate::cpu::kernels::linalg::svd::svd;
use crate::ops::custom::{CustomOp, HostArray, HostArrayMut, Metadata, custom};
use crate::{DType, Tensor, Tree};

use super::batch::{each, for_real, parts, parts_mut, sizes};
use super::triangular::{Triangular, triangular_solve};
use super::{batched, matrices, size, square};

/// A = P L U, what [`Tensor::lu`] gives. For m × n matrices k = min(m, n).
#[derive(Clone, Debug, Tree)]
pub struct Lu {
    /// The permutation matrix, `[…, m, m]`.
    pub p: Tensor,
    /// Lower triangular with a diagonal of ones, `[…, m, k]`.
    pub l: Tensor,
    /// Upper triangular, `[…, k, n]`.
    pub u: Tensor,
}

/// What [`Tensor::slogdet`] gives.
#[derive(Clone, Debug, Tree)]
pub struct Slogdet {
    /// The sign of the determinant: −1, 0 or 1.
    pub sign: Tensor,
    /// The logarithm of its absolute value; −∞ if it is zero.
    pub logabsdet: Tensor,
}

/// Both factors in one matrix, the rows of P A as rows of A, and the sign of P.
pub(super) struct Packed {
    pub factors: Tensor,
    pub rows: Tensor,
    sign: Tensor,
}

/// Records the factorisation.
#[track_caller]
pub(super) fn packed(a: &Tensor) -> Packed {
    let [factors, rows, sign] = <[Tensor; 3]>::try_from(custom(LuOp, std::slice::from_ref(a)))
        .unwrap_or_else(|_| unreachable!("three outputs"));
    Packed { factors, rows, sign }
}

/// P with A = P L U from the rows of Pᵀ A.
#[track_caller]
fn permutation(rows: &Tensor, dtype: DType) -> Tensor {
    rows.one_hot(rows.shape()[rows.rank() - 1], dtype).t()
}

impl Tensor {
    /// The LU factorisation with partial pivoting, A = P L U. The derivative needs the leading k × k part of U to be
    /// regular.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn lu(&self) -> Lu {
        let a = matrices("lu", self);
        let (m, n) = size(&a);
        let (k, dtype) = (m.min(n), self.dtype().to_float());
        let Packed { factors, rows, .. } = packed(&a);
        let l = factors.narrow(-1, 0, k).tril(-1) + Tensor::eye(m, a.dtype()).narrow(1, 0, k);
        let u = factors.narrow(-2, 0, k).triu(0);
        Lu { p: permutation(&rows, dtype), l: l.cast(dtype), u: u.cast(dtype) }
    }

    /// The determinant of square matrices, `[…, n, n] → […]`. Its derivative exists for singular matrices too; its
    /// second derivative is computed with the inverse and is NaN there.
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn det(&self) -> Tensor {
        custom(DetOp, &[square("det", self)]).remove(0).cast(self.dtype().to_float())
    }

    /// Sign and logarithm of the determinant of square matrices, `[…, n, n] → […]`, where the determinant itself would
    /// overflow or vanish. Of a singular matrix the derivative does not exist and is not finite.
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn slogdet(&self) -> Slogdet {
        let dtype = self.dtype().to_float();
        let Packed { factors, sign, .. } = packed(&square("slogdet", self));
        let diagonal = factors.diagonal(0);
        Slogdet {
            sign: (sign * diagonal.sign().prod(-1)).cast(dtype),
            logabsdet: diagonal.abs().log().sum(-1).cast(dtype),
        }
    }
}

/// A matrix to its factors, packed.
#[derive(Debug)]
struct LuOp;

impl CustomOp for LuOp {
    fn name(&self) -> &str {
        "lu"
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let Metadata { shape, dtype } = &inputs[0];
        let rows = shape[shape.rank() - 2];
        vec![
            inputs[0].clone(),
            Metadata { shape: batched(shape, [rows]), dtype: DType::I64 },
            Metadata { shape: batched(shape, []), dtype: *dtype },
        ]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, m, n) = sizes(inputs[0].shape);
        let [factors, rows, sign] = outputs else { unreachable!("three outputs") };
        for_real!(inputs[0].dtype, T => {
            let a = parts::<T>(&inputs[0], count);
            let rest = parts_mut::<i64>(rows, count).into_iter().zip(parts_mut::<T>(sign, count));
            let jobs: Vec<_> = parts_mut::<T>(factors, count).into_iter().zip(rest).collect();
            each(jobs, m * n * m.min(n), |on, index, (factors, (rows, sign))| {
                factors.copy_from_slice(a[index]);
                let pivoting = lu(on, factors, m, n);
                if !is_finite(a[index]) {
                    factors.fill(<T as Real>::NAN);
                }
                rows.iter_mut().zip(&pivoting.rows).for_each(|(to, row)| *to = *row as i64);
                sign[0] = if pivoting.odd { -1.0 } else { 1.0 };
            });
        });
    }

    /// Of the square part: P L⁻ᵀ (tril(Lᵀ L̄, −1) + triu(Ū Uᵀ)) U⁻ᵀ. What sticks out on one side is L⁻¹ or U⁻¹ times
    /// a part of P A.
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let factors = &outputs[0];
        // The sign alone has no derivative.
        let Some(cotangent) = &cotangents[0] else {
            return Some(vec![None]);
        };
        let (m, n) = size(&inputs[0]);
        let k = m.min(n);
        let corner = |x: &Tensor| x.narrow(-2, 0, k).narrow(-1, 0, k);
        let (own, slope) = (corner(factors), corner(cotangent));
        let (l, u) = (own.tril(-1) + Tensor::eye(k, own.dtype()), own.triu(0));
        let mut lower = l.t().matmul(&slope.tril(-1));
        let mut upper = slope.triu(0).matmul(&u.t());
        let (from_left, from_right) = (
            |x: &Tensor| triangular_solve(&own, x, Triangular::lower().transposed().unit_diagonal()),
            |x: &Tensor| triangular_solve(&own, &x.t(), Triangular::upper()).t(),
        );
        let mut outside = None;
        if n > k {
            let beside = |x: &Tensor| x.narrow(-1, k, n - k);
            lower = lower - beside(cotangent).matmul(&beside(factors).t());
            outside = Some((from_left(&beside(cotangent)), -1));
        } else if m > k {
            let below = |x: &Tensor| x.narrow(-2, k, m - k);
            upper = upper - below(factors).t().matmul(&below(cotangent));
            outside = Some((from_right(&below(cotangent)), -2));
        }
        let mut result = from_right(&from_left(&(lower.tril(-1) + upper.triu(0))));
        if let Some((part, axis)) = outside {
            result = Tensor::concatenate(&[result, part], axis);
        }
        Some(vec![Some(permutation(&outputs[1], result.dtype()).matmul(&result))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}

fn is_finite<T: Real>(a: &[T]) -> bool {
    a.iter().all(|x| x.is_finite())
}

fn determinant<T: Real>(factors: &[T], n: usize, odd: bool) -> T {
    let sign = if odd { -T::ONE } else { T::ONE };
    (0..n).fold(sign, |product, i| product * factors[i * n + i])
}

/// A square matrix to its determinant.
#[derive(Debug)]
struct DetOp;

impl CustomOp for DetOp {
    fn name(&self) -> &str {
        "det"
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![Metadata { shape: batched(&inputs[0].shape, []), dtype: inputs[0].dtype }]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, n, _) = sizes(inputs[0].shape);
        for_real!(inputs[0].dtype, T => {
            let a = parts::<T>(&inputs[0], count);
            each(parts_mut::<T>(&mut outputs[0], count), n * n * n, |on, index, to| {
                let mut factors = a[index].to_vec();
                let pivoting = lu(on, &mut factors, n, n);
                let found = determinant(&factors, n, pivoting.odd);
                to[0] = if is_finite(a[index]) { found } else { <T as Real>::NAN };
            });
        });
    }

    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let cotangent = cotangents[0].as_ref()?.unsqueeze(-1).unsqueeze(-1);
        Some(vec![Some(cotangent * custom(CofactorsOp, inputs).remove(0))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// A square matrix to its cofactors, the derivative of the determinant.
#[derive(Debug)]
struct CofactorsOp;

/// det(A) A⁻ᵀ, or from A = U Σ Vᵀ the matrix det(U) det(V) U C Vᵀ with the cofactors C of Σ, if A is nearly singular.
fn cofactors<T: Real>(on: Machine, a: &[T], n: usize, to: &mut [T]) {
    if !is_finite(a) {
        return to.fill(T::NAN);
    }
    let mut factors = a.to_vec();
    let pivoting = lu(on, &mut factors, n, n);
    let pivots = || (0..n).map(|i| factors[i * n + i].abs());
    let smallest = pivots().fold(T::ONE / T::SMALLEST, T::min);
    let largest = pivots().fold(T::ZERO, T::max);
    if smallest > largest * T::EPSILON.sqrt() {
        let determinant = determinant(&factors, n, pivoting.odd);
        solve(on, &factors, |i| pivoting.rows[i], [n, n], true, &identity::<T>(n, n), to);
        return to.iter_mut().for_each(|x| *x *= determinant);
    }
    let (mut values, mut u, mut vh) = (vec![T::ZERO; n], vec![T::ZERO; n * n], vec![T::ZERO; n * n]);
    svd(on, a, n, n, &mut values, &mut u, &mut vh);
    let sign = [&u, &vh].into_iter().fold(T::ONE, |sign, matrix| {
        let mut factors = matrix.clone();
        let pivoting = lu(on, &mut factors, n, n);
        sign * determinant(&factors, n, pivoting.odd)
    });
    let ut = transposed(&u, n, n);
    to.fill(T::ZERO);
    for k in 0..n {
        let others = (0..n).filter(|i| *i != k).fold(sign, |product, i| product * values[i]);
        for i in 0..n {
            on.add_scaled(&mut to[i * n..(i + 1) * n], others * ut[k * n + i], &vh[k * n..(k + 1) * n]);
        }
    }
}

impl CustomOp for CofactorsOp {
    fn name(&self) -> &str {
        "cofactors"
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
            each(parts_mut::<T>(&mut outputs[0], count), 3 * n * n * n, |on, index, to| {
                cofactors(on, a[index], n, to);
            });
        });
    }

    /// With N = A⁻ᵀ: det(A) (⟨C̄, N⟩ N − N C̄ᵀ N).
    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (a, cotangent) = (&inputs[0], cotangents[0].as_ref()?);
        let inverse = a.inverse().t();
        let inner = (cotangent * &inverse).sum_keepdim([-2, -1]);
        let across = inverse.matmul(&cotangent.t()).matmul(&inverse);
        let determinant = a.det().unsqueeze(-1).unsqueeze(-1);
        Some(vec![Some(determinant * (inner * inverse - across))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}
