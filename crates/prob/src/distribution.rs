//! What a distribution is.

use bolete_tensor::{DType, Key, Shape, Tensor, Tree};

/// A family of distributions, one per element of the batch.
pub trait Distribution: Tree {
    /// The common shape of the parameters.
    fn batch_shape(&self) -> Shape;

    /// The shape of one value.
    fn event_shape(&self) -> Shape {
        Shape::scalar()
    }

    /// Whether samples are differentiable functions of the parameters.
    fn is_reparameterised(&self) -> bool;

    /// Independent samples `[shape…, batch…, event…]`.
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor;

    /// The logarithm of the density, or of the probability, of values `[…, batch…, event…]`, as `[…, batch…]`; −∞ outside
    /// of the support. Leading axes broadcast.
    ///
    /// # Panics
    /// If the value does not broadcast with the batch.
    fn log_prob(&self, value: &Tensor) -> Tensor;

    /// Means `[batch…, event…]`; NaN where they do not exist.
    fn mean(&self) -> Tensor;

    /// Variances of each coordinate `[batch…, event…]`; NaN where they do not exist, ∞ where they are.
    fn variance(&self) -> Tensor;

    /// Entropies in nats `[batch…]`, differential ones for densities; `None` where there is no closed form.
    fn entropy(&self) -> Option<Tensor>;

    /// Probabilities of values up to `value`, `[…, batch…]`; `None` where there is no closed form.
    fn cdf(&self, _value: &Tensor) -> Option<Tensor> {
        None
    }

    /// Standard deviations `[batch…, event…]`.
    fn standard_deviation(&self) -> Tensor {
        self.variance().sqrt()
    }
}

/// The parameters in their common float type and shape.
///
/// # Panics
/// If the shapes do not broadcast.
#[track_caller]
pub(crate) fn together<const N: usize>(name: &str, parameters: [&Tensor; N]) -> [Tensor; N] {
    let mut shape = Shape::scalar();
    let mut dtype = DType::F16;
    for (index, parameter) in parameters.iter().enumerate() {
        let own = parameter.dtype().to_float();
        dtype = if index == 0 { own } else { dtype.promote(own) };
        shape = shape.broadcast(parameter.shape()).unwrap_or_else(|| {
            let shapes: Vec<String> =
                parameters.iter().map(|parameter| parameter.shape().to_string()).collect();
            panic!("{name}: parameters of shapes {} do not go together", shapes.join(" and "))
        });
    }
    parameters.map(|parameter| parameter.cast(dtype).broadcast_to(&shape))
}

/// `[shape…, batch…]`.
pub(crate) fn joined(shape: &[usize], batch: &Shape) -> Shape {
    shape.iter().chain(batch.iter()).copied().collect()
}

/// `value` where `inside`, else `outside`. To be differentiated, `value` must be finite outside too: see [`clean`].
pub(crate) fn within(inside: &Tensor, value: &Tensor, outside: f64) -> Tensor {
    inside.select(value, Tensor::scalar(outside, value.dtype()))
}

/// `value` where `inside`, else a harmless number, so that neither the function of it nor its derivative is NaN there.
pub(crate) fn clean(inside: &Tensor, value: &Tensor, harmless: f64) -> Tensor {
    inside.select(value, Tensor::scalar(harmless, value.dtype()))
}
