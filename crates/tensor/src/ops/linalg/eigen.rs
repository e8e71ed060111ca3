//! Eigenvalues and eigenvectors of general matrices, which are complex.

use crate::cpu::kernels::linalg::eigenvectors::{Eigen, eig};
use crate::ops::custom::{CustomOp, HostArray, HostArrayMut, Metadata, custom};
use crate::{Complex, DType, Tensor, Tree};

use super::batch::{each, for_real, parts, parts_mut, sizes};
use super::{batched, number, or_zeros, size, square};

/// A V = V diag(w), what [`Tensor::eig`] gives.
#[derive(Clone, Debug, Tree)]
pub struct Eig {
    /// Eigenvalues, `[…, n]`.
    pub values: Complex,
    /// Eigenvectors as columns, `[…, n, n]`.
    pub vectors: Complex,
}

#[track_caller]
fn decomposed(a: &Tensor) -> Eig {
    let mut outputs = custom(EigOp, std::slice::from_ref(a)).into_iter();
    let mut next = || outputs.next().unwrap_or_else(|| unreachable!("four outputs"));
    Eig { values: Complex { re: next(), im: next() }, vectors: Complex { re: next(), im: next() } }
}

impl Tensor {
    /// Eigenvalues and eigenvectors of general square matrices, in no particular order; complex ones come in pairs,
    /// the one with positive imaginary part first. An eigenvector has norm 1 and its largest component is real, as in
    /// LAPACK. Half precision gives `f32`, since complex numbers have no half precision.
    ///
    /// Derivative: Boeddeker et al., "On the computation of complex-valued gradients with application to statistically
    /// optimum beamforming" (2017), and as in PyTorch the phase of an eigenvector is held fixed: functions must not
    /// depend on it. Where two eigenvalues coincide the derivative of the vectors does not exist, nor, if the matrix is
    /// not diagonalisable, that of the values.
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn eig(&self) -> Eig {
        decomposed(&square("eig", self))
    }

    /// The eigenvalues of general square matrices, `[…, n, n] → […, n]`; see [`eig`](Tensor::eig).
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let turn = Tensor::from([[0.0f64, -1.0], [1.0, 0.0]]);
    /// assert_eq!(turn.eigenvalues().im.to_vec::<f64>(), [1.0, -1.0]);
    /// ```
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn eigenvalues(&self) -> Complex {
        let mut outputs = custom(EigenvaluesOp, &[square("eigenvalues", self)]);
        let (im, re) = (outputs.remove(1), outputs.remove(0));
        Complex { re, im }
    }
}

/// Re V⁻ᴴ M Vᴴ, the last step of both derivatives.
#[track_caller]
fn back(vectors: &Complex, inner: &Complex) -> Tensor {
    let adjoint = vectors.conj().t();
    adjoint.solve(&inner.matmul(&adjoint)).re
}

/// A matrix to its eigenvalues and eigenvectors, each by real and imaginary parts.
#[derive(Debug)]
struct EigOp;

impl CustomOp for EigOp {
    fn name(&self) -> &str {
        "eig"
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let Metadata { shape, dtype } = &inputs[0];
        let values = Metadata { shape: batched(shape, [shape[shape.rank() - 1]]), dtype: *dtype };
        vec![values.clone(), values, inputs[0].clone(), inputs[0].clone()]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, n, _) = sizes(inputs[0].shape);
        let [re, im, vectors_re, vectors_im] = outputs else { unreachable!("four outputs") };
        for_real!(inputs[0].dtype, T => {
            let a = parts::<T>(&inputs[0], count);
            let values = parts_mut::<T>(re, count).into_iter().zip(parts_mut::<T>(im, count));
            let vectors = parts_mut::<T>(vectors_re, count).into_iter().zip(parts_mut::<T>(vectors_im, count));
            let jobs: Vec<_> = values
                .zip(vectors)
                .map(|((real, imaginary), (vectors_real, vectors_imaginary))| Eigen {
                    real,
                    imaginary,
                    vectors_real,
                    vectors_imaginary,
                })
                .collect();
            each(jobs, 25 * n * n * n, |on, index, mut to| eig(on, a[index], n, &mut to));
        });
    }

    /// Re V⁻ᴴ (diag(w̄) + (Vᴴ V̄ − VᴴV diag(Re Vᴴ V̄)) / conj(wⱼ − wᵢ)) Vᴴ, the quotient off the diagonal.
    fn vjp(
        &self,
        _: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let values = Complex { re: outputs[0].clone(), im: outputs[1].clone() };
        let vectors = Complex { re: outputs[2].clone(), im: outputs[3].clone() };
        let slope = |index: usize| or_zeros(&cotangents[index], &outputs[index]);
        let mut inner = Complex { re: slope(0), im: slope(1) }.map_parts(|part| part.diag(0));
        if cotangents[2].is_some() || cotangents[3].is_some() {
            let adjoint = vectors.conj().t();
            let product = adjoint.matmul(&Complex { re: slope(2), im: slope(3) });
            let along = product.re.diagonal(0).unsqueeze(-2);
            let across = product.sub(&adjoint.matmul(&vectors).scale(&along));
            let differences = values
                .conj()
                .map_parts(|part| part.unsqueeze(-2))
                .sub(&values.conj().map_parts(|part| part.unsqueeze(-1)));
            let on = Tensor::eye(size(&vectors.re).0, DType::I64).equal(Tensor::constant(1.0, DType::I64));
            let (zero, one) = (number(0.0, &outputs[0]), number(1.0, &outputs[0]));
            // Equal eigenvalues without a cotangent between their vectors count as zero, as the diagonal does.
            let none = |part: &Tensor| part.equal(&zero);
            let equal = none(&differences.re).logical_and(&none(&differences.im));
            let silent = none(&across.re).logical_and(&none(&across.im));
            let skipped = on.logical_or(&equal.logical_and(&silent));
            let safe = Complex {
                re: skipped.select(&one, &differences.re),
                im: skipped.select(&zero, &differences.im),
            };
            let quotient = across.div(&safe).map_parts(|part| skipped.select(&zero, part));
            inner = inner.add(&quotient);
        }
        Some(vec![Some(back(&vectors, &inner))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// A matrix to its eigenvalues alone.
#[derive(Debug)]
struct EigenvaluesOp;

impl CustomOp for EigenvaluesOp {
    fn name(&self) -> &str {
        "eigenvalues"
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        EigOp.infer(inputs)[..2].to_vec()
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, n, _) = sizes(inputs[0].shape);
        let [re, im] = outputs else { unreachable!("two outputs") };
        for_real!(inputs[0].dtype, T => {
            let a = parts::<T>(&inputs[0], count);
            let jobs: Vec<_> = parts_mut::<T>(re, count).into_iter().zip(parts_mut::<T>(im, count)).collect();
            each(jobs, 10 * n * n * n, |on, index, (real, imaginary)| {
                let mut to = Eigen { real, imaginary, vectors_real: &mut [], vectors_imaginary: &mut [] };
                eig(on, a[index], n, &mut to);
            });
        });
    }

    /// Of the same eigenvectors as [`EigOp`]'s: computing them does not change how the values are computed, so that
    /// both ops have them in one order.
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let Eig { vectors, .. } = decomposed(&inputs[0]);
        let slope = |index: usize| or_zeros(&cotangents[index], &outputs[index]).diag(0);
        Some(vec![Some(back(&vectors, &Complex { re: slope(0), im: slope(1) }))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}
