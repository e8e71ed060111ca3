//! The singular value decomposition.

use crate::cpu::kernels::linalg::svd::svd;
use crate::ops::custom::{CustomOp, HostArray, HostArrayMut, Metadata, custom};
use crate::{Tensor, Tree};

use super::batch::{each, for_real, parts, parts_mut, sizes};
use super::{batched, matrices, number, or_zeros, quotient, size};

/// A = U diag(s) Vᵀ, what [`Tensor::svd`] gives. For m × n matrices k = min(m, n).
#[derive(Clone, Debug, Tree)]
pub struct Svd {
    /// Left singular vectors as columns, `[…, m, k]`.
    pub u: Tensor,
    /// Singular values, descending, `[…, k]`.
    pub s: Tensor,
    /// Right singular vectors as rows, `[…, k, n]`.
    pub vh: Tensor,
}

/// Records the decomposition of matrices in the type that kernels compute in.
#[track_caller]
pub(super) fn decomposed(a: &Tensor) -> Svd {
    let [u, s, vh] = <[Tensor; 3]>::try_from(custom(SvdOp, std::slice::from_ref(a)))
        .unwrap_or_else(|_| unreachable!("three outputs"));
    Svd { u, s, vh }
}

impl Tensor {
    /// The reduced singular value decomposition. The sign of a pair of singular vectors is not defined, so only
    /// functions that do not depend on it have a derivative that means something.
    ///
    /// Derivative: Townsend, "Differentiating the singular value decomposition" (2016). Where two singular values
    /// coincide the vectors have no derivative: a cotangent that needs it becomes infinite, one that is zero there
    /// counts as zero. If only values matter use [`singular_values`](Tensor::singular_values), and for functions of
    /// the whole matrix [`pinv`](Tensor::pinv) and [`lstsq`](Tensor::lstsq), which have derivatives of their own.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let a = Tensor::from([[3.0f64, 0.0], [4.0, 5.0]]);
    /// let svd = a.svd();
    /// let back = (&svd.u * svd.s.unsqueeze(-2)).matmul(&svd.vh);
    /// assert!((back - a).abs().max(..).item() < 1e-14);
    /// ```
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn svd(&self) -> Svd {
        let dtype = self.dtype().to_float();
        let Svd { u, s, vh } = decomposed(&matrices("svd", self));
        Svd { u: u.cast(dtype), s: s.cast(dtype), vh: vh.cast(dtype) }
    }

    /// The singular values, descending, `[…, m, n] → […, min(m, n)]`. Where some coincide, the derivative is that of
    /// one choice of singular vectors; their sum and other symmetric functions do not depend on it.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn singular_values(&self) -> Tensor {
        let a = matrices("singular_values", self);
        custom(SingularValuesOp, &[a]).remove(0).cast(self.dtype().to_float())
    }
}

/// A matrix to U, s and Vᵀ.
#[derive(Debug)]
struct SvdOp;

impl CustomOp for SvdOp {
    fn name(&self) -> &str {
        "svd"
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let Metadata { shape, dtype } = &inputs[0];
        let (m, n) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
        let k = m.min(n);
        let output = |axes: &[usize]| Metadata { shape: batched(shape, axes.iter().copied()), dtype: *dtype };
        vec![output(&[m, k]), output(&[k]), output(&[k, n])]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, m, n) = sizes(inputs[0].shape);
        let [u, s, vh] = outputs else { unreachable!("three outputs") };
        for_real!(inputs[0].dtype, T => {
            let a = parts::<T>(&inputs[0], count);
            let sides = parts_mut::<T>(u, count).into_iter().zip(parts_mut::<T>(vh, count));
            let jobs: Vec<_> = parts_mut::<T>(s, count).into_iter().zip(sides).collect();
            each(jobs, 20 * m * n * m.min(n), |on, index, (s, (u, vh))| svd(on, a[index], m, n, s, u, vh));
        });
    }

    /// U (½ (a + b) / (sⱼ − sᵢ) + ½ (a − b) / (sⱼ + sᵢ) + diag(s̄)) Vᵀ with a = UᵀŪ − ŪᵀU and b = VᵀV̄ − V̄ᵀV, which is
    /// Townsend's formula without squares of s, and the parts of Ū and V̄ outside of the singular spaces.
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (u, s, vh) = (&outputs[0], &outputs[1], &outputs[2]);
        let (m, n) = size(&inputs[0]);
        let v = vh.t();
        let mut inner = or_zeros(&cotangents[1], s).diag(0);
        let mut outside = None;
        if cotangents[0].is_some() || cotangents[2].is_some() {
            let (u_slope, v_slope) = (or_zeros(&cotangents[0], u), or_zeros(&cotangents[2], vh).t());
            let (u_inner, v_inner) = (u.t().matmul(&u_slope), v.t().matmul(&v_slope));
            let (a, b) = (&u_inner - u_inner.t(), &v_inner - v_inner.t());
            let (right, left) = (s.unsqueeze(-2), s.unsqueeze(-1));
            let apart = quotient(&(&a + &b), &(&right - &left)) + quotient(&(a - b), &(&right + &left));
            inner = inner + apart * number(0.5, s);
            if m > n {
                outside = Some(quotient(&(u_slope - u.matmul(&u_inner)), &right).matmul(vh));
            } else if n > m {
                outside = Some(u.matmul(&quotient(&(v_slope - v.matmul(&v_inner)), &right).t()));
            }
        }
        let inside = u.matmul(&inner).matmul(vh);
        Some(vec![Some(match outside {
            Some(outside) => inside + outside,
            None => inside,
        })])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// A matrix to its singular values alone.
#[derive(Debug)]
struct SingularValuesOp;

impl CustomOp for SingularValuesOp {
    fn name(&self) -> &str {
        "singular_values"
    }

    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let Metadata { shape, dtype } = &inputs[0];
        let k = shape[shape.rank() - 2].min(shape[shape.rank() - 1]);
        vec![Metadata { shape: batched(shape, [k]), dtype: *dtype }]
    }

    fn has_kernel(&self) -> bool {
        true
    }

    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (count, m, n) = sizes(inputs[0].shape);
        for_real!(inputs[0].dtype, T => {
            let a = parts::<T>(&inputs[0], count);
            each(parts_mut::<T>(&mut outputs[0], count), 4 * m * n * m.min(n), |on, index, values| {
                svd(on, a[index], m, n, values, &mut [], &mut []);
            });
        });
    }

    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let Svd { u, vh, .. } = decomposed(&inputs[0]);
        Some(vec![Some((u * cotangents[0].as_ref()?.unsqueeze(-2)).matmul(&vh))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}
