//! Eigenvalues and eigenvectors of symmetric matrices.

use crate::cpu::kernels::linalg::symmetric::eigh;
use crate::ops::custom::{CustomOp, HostArray, HostArrayMut, Metadata, custom};
use crate::{Tensor, Tree};

use super::batch::{each, for_real, parts, parts_mut, sizes};
use super::{batched, number, or_zeros, quotient, square, symmetrised};

/// A = V diag(w) Vᵀ, what [`Tensor::eigh`] gives.
#[derive(Clone, Debug, Tree)]
pub struct Eigh {
    /// Eigenvalues, ascending, `[…, n]`.
    pub values: Tensor,
    /// Eigenvectors as orthonormal columns, `[…, n, n]`.
    pub vectors: Tensor,
}

#[track_caller]
fn decomposed(a: &Tensor) -> Eigh {
    let mut outputs = custom(EighOp, std::slice::from_ref(a));
    let (vectors, values) = (outputs.remove(1), outputs.remove(0));
    Eigh { values, vectors }
}

impl Tensor {
    /// Eigenvalues and eigenvectors of symmetric matrices. Of a matrix that is not symmetric, the mean of it and its
    /// transpose is meant, so that the derivative is symmetric. The sign of an eigenvector is not defined, so only
    /// functions that do not depend on it have a derivative that means something.
    ///
    /// Derivative: Giles, "Collected matrix derivative results" (2008). Where two eigenvalues coincide the vectors
    /// have no derivative: a cotangent that needs it becomes infinite, one that is zero there counts as zero.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let eigen = Tensor::from([[2.0f64, 1.0], [1.0, 2.0]]).eigh();
    /// assert!((eigen.values - Tensor::from([1.0f64, 3.0])).abs().max(..).item() < 1e-14);
    /// ```
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn eigh(&self) -> Eigh {
        let dtype = self.dtype().to_float();
        let Eigh { values, vectors } = decomposed(&symmetrised(&square("eigh", self)));
        Eigh { values: values.cast(dtype), vectors: vectors.cast(dtype) }
    }

    /// The eigenvalues of symmetric matrices, ascending, `[…, n, n] → […, n]`; see [`eigh`](Tensor::eigh). Where some
    /// coincide, the derivative is that of one choice of eigenvectors; symmetric functions do not depend on it.
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn eigvalsh(&self) -> Tensor {
        let a = symmetrised(&square("eigvalsh", self));
        custom(EigvalshOp, &[a]).remove(0).cast(self.dtype().to_float())
    }
}

/// A symmetric matrix to its eigenvalues and eigenvectors.
#[derive(Debug)]
struct EighOp;

impl CustomOp for EighOp {
    fn name(&self) -> &str {
        "eigh"
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let Metadata { shape, dtype } = &inputs[0];
        let n = shape[shape.rank() - 1];
        vec![Metadata { shape: batched(shape, [n]), dtype: *dtype }, inputs[0].clone()]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, n, _) = sizes(inputs[0].shape);
        let [values, vectors] = outputs else { unreachable!("two outputs") };
        for_real!(inputs[0].dtype, T => {
            let a = parts::<T>(&inputs[0], count);
            let jobs: Vec<_> =
                parts_mut::<T>(values, count).into_iter().zip(parts_mut::<T>(vectors, count)).collect();
            each(jobs, 10 * n * n * n, |on, index, (values, vectors)| eigh(on, a[index], n, values, vectors));
        });
    }

    /// V (diag(w̄) + ½ (VᵀV̄ − V̄ᵀV) / (wⱼ − wᵢ)) Vᵀ.
    fn vjp(
        &self,
        _: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (values, vectors) = (&outputs[0], &outputs[1]);
        let mut inner = or_zeros(&cotangents[0], values).diag(0);
        if let Some(slope) = &cotangents[1] {
            let product = vectors.t().matmul(slope);
            let skew = (&product - product.t()) * number(0.5, values);
            inner = inner + quotient(&skew, &(values.unsqueeze(-2) - values.unsqueeze(-1)));
        }
        Some(vec![Some(vectors.matmul(&inner).matmul(&vectors.t()))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// A symmetric matrix to its eigenvalues alone.
#[derive(Debug)]
struct EigvalshOp;

impl CustomOp for EigvalshOp {
    fn name(&self) -> &str {
        "eigvalsh"
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let Metadata { shape, dtype } = &inputs[0];
        vec![Metadata { shape: batched(shape, [shape[shape.rank() - 1]]), dtype: *dtype }]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, n, _) = sizes(inputs[0].shape);
        for_real!(inputs[0].dtype, T => {
            let a = parts::<T>(&inputs[0], count);
            each(parts_mut::<T>(&mut outputs[0], count), 2 * n * n * n, |on, index, values| {
                eigh(on, a[index], n, values, &mut []);
            });
        });
    }

    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let vectors = decomposed(&inputs[0]).vectors;
        let slope = cotangents[0].as_ref()?.unsqueeze(-2);
        Some(vec![Some((&vectors * slope).matmul(&vectors.t()))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}
