//! Axes of a batch as one event.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::Distribution;

/// A distribution whose last `axes` axes of the batch are axes of the event: independent coordinates of one value, whose
/// log-densities add up.
#[derive(Clone, Debug, Tree)]
pub struct Independent<D> {
    /// The distribution of the coordinates.
    pub base: D,
    axes: usize,
}

impl<D: Distribution> Independent<D> {
    /// From a distribution and the number of axes.
    ///
    /// # Panics
    /// If the batch has fewer.
    #[track_caller]
    pub fn new(base: D, axes: usize) -> Independent<D> {
        let batch = base.batch_shape();
        assert!(axes <= batch.rank(), "Independent: a batch of shape {batch} does not have {axes} axes");
        Independent { base, axes }
    }

    /// Sums of numbers per coordinate.
    pub(crate) fn total(&self, per_coordinate: &Tensor) -> Tensor {
        let axes: Vec<isize> = (1..=self.axes as isize).map(|axis| -axis).collect();
        per_coordinate.sum(axes.as_slice())
    }
}

impl<D: Distribution> Distribution for Independent<D> {
    fn batch_shape(&self) -> Shape {
        let batch = self.base.batch_shape();
        batch[..batch.rank() - self.axes].into()
    }
    fn event_shape(&self) -> Shape {
        let batch = self.base.batch_shape();
        batch[batch.rank() - self.axes..].iter().chain(&*self.base.event_shape()).copied().collect()
    }
    fn is_reparameterised(&self) -> bool {
        self.base.is_reparameterised()
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        self.base.sample(shape, key)
    }
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        self.total(&self.base.log_prob(value))
    }
    fn mean(&self) -> Tensor {
        self.base.mean()
    }
    fn variance(&self) -> Tensor {
        self.base.variance()
    }
    fn entropy(&self) -> Option<Tensor> {
        Some(self.total(&self.base.entropy()?))
    }
}
