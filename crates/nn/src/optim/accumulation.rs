//! Gradients of several small batches as that of a large one.

use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Tensor, Tree};

use super::is_trainable;

/// Sums of gradients. The mean over batches of equal size is the gradient of all their items together.
///
/// ```
/// use bolete_nn::GradientAccumulator;
/// use bolete_tensor::Tensor;
/// let sums = GradientAccumulator::new(&Tensor::from([0.0f32, 0.0]));
/// let sums = sums.accumulate(&Tensor::from([1.0f32, 2.0])).accumulate(&Tensor::from([3.0f32, 6.0]));
/// assert_eq!(sums.mean().to_vec::<f32>(), [2.0, 4.0]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct GradientAccumulator<M> {
    sum: M,
    count: Tensor,
}

impl<M: Tree> GradientAccumulator<M> {
    /// Nothing yet, for a model.
    pub fn new(model: &M) -> GradientAccumulator<M> {
        GradientAccumulator { sum: model.map(Tensor::zeros_like), count: Tensor::scalar(0.0, DType::I64) }
    }

    /// With the gradients of one more batch.
    ///
    /// # Panics
    /// If they are not of the model's form.
    #[track_caller]
    pub fn accumulate(self, gradients: &M) -> GradientAccumulator<M> {
        let mut more = gradients.leaves().into_iter();
        let sum = self.sum.rebuild(&mut |kind, tensor| {
            let gradient = more.next().expect("gradients have the form of the model");
            if is_trainable(kind, tensor.dtype()) { tensor + gradient } else { tensor.clone() }
        });
        GradientAccumulator { sum, count: self.count + 1 }
    }

    /// Number of batches: a single `i64`.
    pub fn count(&self) -> &Tensor {
        &self.count
    }

    /// The mean over the batches; zero of none.
    pub fn mean(&self) -> M {
        let inverse = self.count.maximum(1).cast(DType::F64).reciprocal();
        self.sum.rebuild(&mut |kind, tensor| {
            if is_trainable(kind, tensor.dtype()) {
                tensor * inverse.cast(tensor.dtype())
            } else {
                tensor.clone()
            }
        })
    }
}
