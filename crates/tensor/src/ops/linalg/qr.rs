//! The QR factorisation.

use crate::cpu::kernels::linalg::qr::qr;
use crate::ops::custom::{CustomOp, HostArray, HostArrayMut, Metadata, custom};
use crate::{Tensor, Tree};

use super::batch::{each, for_real, parts, parts_mut, sizes};
use super::triangular::{Triangular, triangular_solve};
use super::{batched, matrices, or_zeros, size};

/// A = Q R, what [`Tensor::qr`] and [`Tensor::qr_full`] give.
#[derive(Clone, Debug, Tree)]
pub struct Qr {
    /// Orthonormal columns.
    pub q: Tensor,
    /// Upper triangular.
    pub r: Tensor,
}

#[track_caller]
fn factored(name: &str, tensor: &Tensor, full: bool) -> Qr {
    let dtype = tensor.dtype().to_float();
    let mut outputs = custom(QrOp { full }, &[matrices(name, tensor)]);
    let (r, q) = (outputs.remove(1), outputs.remove(0));
    Qr { q: q.cast(dtype), r: r.cast(dtype) }
}

impl Tensor {
    /// The reduced QR factorisation by Householder reflections: `[…, m, n]` to Q `[…, m, k]` with orthonormal columns
    /// and upper triangular R `[…, k, n]`, k = min(m, n). The diagonal of R may have any signs, as in LAPACK.
    ///
    /// Derivative: Seeger et al., "Auto-differentiating linear algebra" (2017), and for m < n Liao et al.,
    /// "Differentiable programming tensor networks" (2019). It needs linearly independent columns (for m < n, the
    /// first m of them) and is not finite otherwise.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn qr(&self) -> Qr {
        factored("qr", self, false)
    }

    /// The full QR factorisation: Q is square, `[…, m, m]`, and R is `[…, m, n]`. For m > n it has no derivative,
    /// since the further columns of Q are any basis of the complement.
    ///
    /// # Panics
    /// If there are fewer than two axes; when a derivative is asked for and m > n.
    #[track_caller]
    pub fn qr_full(&self) -> Qr {
        factored("qr_full", self, true)
    }
}

/// A matrix to Q and R.
#[derive(Debug)]
struct QrOp {
    full: bool,
}

impl QrOp {
    /// Columns of Q.
    fn columns(&self, m: usize, n: usize) -> usize {
        if self.full { m } else { m.min(n) }
    }
}

/// Of m × n with m ≥ n: (Q̄ + Q copyltu(R R̄ᵀ − Q̄ᵀ Q)) R⁻ᵀ, where copyltu mirrors the lower triangle.
#[track_caller]
fn tall(q: &Tensor, r: &Tensor, q_slope: &Tensor, r_slope: &Tensor) -> Tensor {
    let inner = r.matmul(&r_slope.t()) - q_slope.t().matmul(q);
    let mirrored = inner.tril(0) + inner.tril(-1).t();
    let right = q_slope + q.matmul(&mirrored);
    triangular_solve(r, &right.t(), Triangular::upper()).t()
}

impl CustomOp for QrOp {
    fn name(&self) -> &str {
        "qr"
    }

    fn parameters(&self) -> Vec<u64> {
        vec![self.full.into()]
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let Metadata { shape, dtype } = &inputs[0];
        let (m, n) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
        let k = self.columns(m, n);
        let output = |axes: [usize; 2]| Metadata { shape: batched(shape, axes), dtype: *dtype };
        vec![output([m, k]), output([k, n])]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, m, n) = sizes(inputs[0].shape);
        let [q, r] = outputs else { unreachable!("two outputs") };
        for_real!(inputs[0].dtype, T => {
            let a = parts::<T>(&inputs[0], count);
            let jobs: Vec<_> = parts_mut::<T>(q, count).into_iter().zip(parts_mut::<T>(r, count)).collect();
            each(jobs, 3 * m * n * m.min(n), |on, index, (q, r)| {
                qr(on, a[index], [m, n], self.columns(m, n), q, r);
            });
        });
    }

    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (m, n) = size(&inputs[0]);
        assert!(
            !self.full || m <= n,
            "qr_full: the full factorisation of {m} × {n} matrices has no derivative"
        );
        let (q, r) = (&outputs[0], &outputs[1]);
        let (q_slope, r_slope) = (or_zeros(&cotangents[0], q), or_zeros(&cotangents[1], r));
        if m >= n {
            return Some(vec![Some(tall(q, r, &q_slope, &r_slope))]);
        }
        // R = (U V) and A = (X Y) with X = Q U and V = Qᵀ Y.
        let first = |x: &Tensor| x.narrow(-1, 0, m);
        let further = |x: &Tensor| x.narrow(-1, m, n - m);
        let q_slope = q_slope + further(&inputs[0]).matmul(&further(&r_slope).t());
        let left = tall(q, &first(r), &q_slope, &first(&r_slope));
        Some(vec![Some(Tensor::concatenate(&[left, q.matmul(&further(&r_slope))], -1))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}
