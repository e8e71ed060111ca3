//! The matrix exponential.

use crate::Tensor;
use crate::cpu::kernels::linalg::exponential::exponential;
use crate::ops::custom::{CustomOp, HostArray, HostArrayMut, Metadata, custom};

use super::batch::{each, for_real, parts, parts_mut, sizes};
use super::{number, size, square};

impl Tensor {
    /// The exponential of square matrices, I + A + A²/2 + …, by scaling and squaring with Padé approximants (Higham,
    /// "The scaling and squaring method for the matrix exponential revisited", 2005). The derivative in a direction is
    /// a block of the exponential of a matrix of twice the size (Najfeld and Havel 1995).
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let turn = Tensor::from([[0.0f64, -1.0], [1.0, 0.0]]).expm().to_vec::<f64>();
    /// assert!((turn[0] - 1f64.cos()).abs() < 1e-15 && (turn[2] - 1f64.sin()).abs() < 1e-15);
    /// ```
    ///
    /// # Panics
    /// If the matrices are not square.
    #[track_caller]
    pub fn expm(&self) -> Tensor {
        custom(ExpmOp, &[square("expm", self)]).remove(0).cast(self.dtype().to_float())
    }
}

/// The derivative at `a` in the direction `along`: the corner of the exponential of (A E; 0 A).
#[track_caller]
fn derivative(a: &Tensor, along: &Tensor) -> Tensor {
    let n = size(a).0;
    if n == 0 {
        return along.clone();
    }
    // Linear in the direction, whose size must not lead to more halvings than the matrix needs.
    let largest = along.abs().max_keepdim([-2, -1]).stop_gradient();
    let scale = largest.equal(number(0.0, a)).select(number(1.0, a), largest);
    let upper = Tensor::concatenate(&[a.clone(), along / &scale], -1);
    let lower = Tensor::concatenate(&[a.zeros_like(), a.clone()], -1);
    let both = custom(ExpmOp, &[Tensor::concatenate(&[upper, lower], -2)]).remove(0);
    both.narrow(-2, 0, n).narrow(-1, n, n) * scale
}

/// A square matrix to its exponential.
#[derive(Debug)]
struct ExpmOp;

impl CustomOp for ExpmOp {
    fn name(&self) -> &str {
        "expm"
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
            each(parts_mut::<T>(&mut outputs[0], count), 20 * n * n * n, |on, index, to| {
                exponential(on, a[index], n, to);
            });
        });
    }

    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        Some(vec![Some(derivative(&inputs[0].t(), cotangents[0].as_ref()?))])
    }

    fn jvp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        tangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        Some(vec![Some(derivative(&inputs[0], tangents[0].as_ref()?))])
    }

    fn takes_leading_axes(&self) -> bool {
        true
    }
}
