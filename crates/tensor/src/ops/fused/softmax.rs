//! Softmax and its logarithm.

use crate::shape::axis_for;
use crate::{CustomOp, Metadata, Tensor, custom};

/// exp(x − max) / Σ exp(x − max) along an axis.
#[derive(Debug)]
struct Softmax {
    axis: usize,
}

/// x − max − ln Σ exp(x − max) along an axis.
#[derive(Debug)]
struct LogSoftmax {
    axis: usize,
}

/// `x` minus its maximum along the axis, through which no derivative need flow: it cancels.
#[track_caller]
fn centred(x: &Tensor, axis: isize) -> Tensor {
    x - x.max_keepdim(axis).stop_gradient()
}

impl CustomOp for Softmax {
    fn name(&self) -> &str {
        "softmax"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.axis as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let axis = self.axis as isize;
        let exponentials = centred(&inputs[0], axis).exp();
        Some(vec![&exponentials * exponentials.sum_keepdim(axis).reciprocal()])
    }
    fn vjp(
        &self,
        _: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (y, cotangent) = (&outputs[0], cotangents[0].as_ref()?);
        let mean = (y * cotangent).sum_keepdim(self.axis as isize);
        Some(vec![Some(y * (cotangent - mean))])
    }
}

impl CustomOp for LogSoftmax {
    fn name(&self) -> &str {
        "log_softmax"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.axis as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let axis = self.axis as isize;
        let centred = centred(&inputs[0], axis);
        Some(vec![&centred - centred.exp().sum_keepdim(axis).log()])
    }
    fn vjp(
        &self,
        _: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (y, cotangent) = (&outputs[0], cotangents[0].as_ref()?);
        Some(vec![Some(cotangent - y.exp() * cotangent.sum_keepdim(self.axis as isize))])
    }
}

impl Tensor {
    /// Positive numbers that sum to 1 along `axis`: eˣ / Σ eˣ, without overflow. Integers become `f32`.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Tensor {
        let axis = axis_for("softmax", self.shape(), axis, self.rank());
        let x = self.cast(self.dtype().to_float());
        if x.elements() == 0 {
            return x;
        }
        custom(Softmax { axis }, &[x]).remove(0)
    }

    /// The logarithm of [`softmax`](Tensor::softmax), accurate also where it is tiny.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Tensor {
        let axis = axis_for("log_softmax", self.shape(), axis, self.rank());
        let x = self.cast(self.dtype().to_float());
        if x.elements() == 0 {
            return x;
        }
        custom(LogSoftmax { axis }, &[x]).remove(0)
    }
}
