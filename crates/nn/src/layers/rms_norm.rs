//! Normalisation by the root of the mean square (Zhang, Sennrich 2019, equation 4).

use bolete_tensor::{DType, Param, Shape, Tensor, Tree};

use crate::{Context, Module};

/// What an [`RmsNorm`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct RmsNormConfig {
    /// The last axes of the input, which are normalised together.
    pub shape: Shape,
    /// Added to the mean square, against division by zero.
    pub epsilon: f64,
}

impl RmsNormConfig {
    /// Over last axes of this shape, with ε = 10⁻⁶.
    pub fn new(shape: impl Into<Shape>) -> RmsNormConfig {
        RmsNormConfig { shape: shape.into(), epsilon: 1e-6 }
    }

    /// The layer with weight 1.
    pub fn init(&self) -> RmsNorm {
        RmsNorm { weight: Param::new(Tensor::ones(&self.shape, DType::F32)), epsilon: self.epsilon }
    }
}

/// Each example divided by the root of its mean square over the last axes, then scaled element by element: layer
/// normalisation without the mean and the bias. The same in training and evaluation, any shape that ends in that of the
/// weight.
///
/// ```
/// use bolete_nn::{Context, Module, RmsNormConfig};
/// use bolete_tensor::Tensor;
/// let layer = RmsNormConfig { epsilon: 0.0, ..RmsNormConfig::new([2]) }.init();
/// let output = layer.forward(&Tensor::from([[1.0f32, -7.0]]), &mut Context::evaluation());
/// for (value, expected) in output.to_vec::<f32>().into_iter().zip([0.2, -1.4]) {
///     assert!((value - expected).abs() < 1e-6);
/// }
/// ```
#[derive(Clone, Debug, Tree)]
pub struct RmsNorm {
    /// The shape of the normalised axes.
    pub weight: Param,
    /// Added to the mean square.
    pub epsilon: f64,
}

impl Module for RmsNorm {
    /// # Panics
    /// If the last axes of the input are not those of the weight.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let output = input.rms_norm(&self.weight, self.epsilon);
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        format!("RmsNorm {}", self.weight.shape())
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        // The square and its mean, then two products.
        4 * output.elements() as u64
    }
}
