//! Mixtures of distributions of one kind.

use bolete_tensor::{DType, Key, Shape, Tensor, Tree};

use crate::distribution::joined;
use crate::{Categorical, Distribution};

/// One of several components, drawn by its weight: density Σₖ πₖ pₖ(x).
///
/// ```
/// use bolete_prob::{Categorical, Distribution, Mixture, Normal};
/// use bolete_tensor::Tensor;
/// let weights = Categorical::from_probabilities(&Tensor::from([0.25f64, 0.75]));
/// let parts = Normal::new(&Tensor::from([0.0f64, 4.0]), &Tensor::from([1.0f64, 2.0]));
/// assert!((Mixture::new(weights, parts).mean().item() - 3.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct Mixture<D> {
    /// The weights: `[batch…, components]`.
    pub weights: Categorical,
    /// The components: a batch of shape `[batch…, components]`.
    pub components: D,
}

impl<D: Distribution> Mixture<D> {
    /// From weights and components.
    ///
    /// # Panics
    /// If the batch of the components is not of the shape of the weights.
    #[track_caller]
    pub fn new(weights: Categorical, components: D) -> Mixture<D> {
        assert!(
            components.batch_shape() == *weights.logits.shape(),
            "Mixture: weights {} need components of that batch shape, not {}",
            weights.logits.shape(),
            components.batch_shape()
        );
        Mixture { weights, components }
    }

    /// The axis of components in values of all components, counted from the last.
    fn axis(&self) -> isize {
        -(self.event_shape().rank() as isize) - 1
    }

    /// The weighted sum over components of `[batch…, components, event…]`.
    fn weighted(&self, values: &Tensor) -> Tensor {
        let probabilities = self.weights.probabilities();
        let ones = vec![1; self.event_shape().rank()];
        let shape = joined(probabilities.shape(), &ones.as_slice().into());
        (probabilities.reshape(shape) * values).sum(self.axis())
    }
}

impl<D: Distribution> Distribution for Mixture<D> {
    fn batch_shape(&self) -> Shape {
        self.weights.batch_shape()
    }
    fn event_shape(&self) -> Shape {
        self.components.event_shape()
    }
    fn is_reparameterised(&self) -> bool {
        false
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        let [which, what] = key.split();
        let chosen = self.weights.sample(shape, &which);
        let all = self.components.sample(shape, &what);
        let ones = vec![1; self.event_shape().rank()];
        let hot = chosen.one_hot(self.weights.classes(), DType::Bool);
        let hot = hot.reshape(joined(hot.shape(), &ones.as_slice().into()));
        // The others are dropped rather than multiplied with zero: they may be infinite.
        hot.select(&all, all.zeros_like()).sum(self.axis()).stop_gradient()
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let value = value.unsqueeze(self.axis());
        let log = self.components.log_prob(&value) + self.weights.logits.log_softmax(-1);
        log.logsumexp(-1)
    }
    fn mean(&self) -> Tensor {
        self.weighted(&self.components.mean())
    }
    /// Mean of the variances plus variance of the means.
    fn variance(&self) -> Tensor {
        let distance = self.components.mean() - self.mean().unsqueeze(self.axis());
        self.weighted(&(self.components.variance() + distance.square()))
    }
    fn entropy(&self) -> Option<Tensor> {
        None
    }
    #[track_caller]
    fn cdf(&self, value: &Tensor) -> Option<Tensor> {
        let below = self.components.cdf(&value.unsqueeze(self.axis()))?;
        Some((self.weights.probabilities() * below).sum(-1))
    }
}
