//! Layer normalisation (Ba, Kiros, Hinton 2016, section 3).

use bolete_tensor::{DType, Param, Shape, Tensor, Tree};

use crate::{Context, Module};

/// What a [`LayerNorm`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNormConfig {
    /// The last axes of the input, which are normalised together.
    pub shape: Shape,
    /// Added to the variance, against division by zero.
    pub epsilon: f64,
}

impl LayerNormConfig {
    /// Over last axes of this shape, with ε = 10⁻⁵.
    pub fn new(shape: impl Into<Shape>) -> LayerNormConfig {
        LayerNormConfig { shape: shape.into(), epsilon: 1e-5 }
    }

    /// The layer with weight 1 and bias 0.
    pub fn init(&self) -> LayerNorm {
        LayerNorm {
            weight: Param::new(Tensor::ones(&self.shape, DType::F32)),
            bias: Param::new(Tensor::zeros(&self.shape, DType::F32)),
            epsilon: self.epsilon,
        }
    }
}

/// Each example brought to mean 0 and variance 1 (divided by the count) over its last axes, then scaled and shifted
/// element by element. The same in training and evaluation.
///
/// ```
/// use bolete_nn::{Context, LayerNormConfig, Module};
/// use bolete_tensor::Tensor;
/// let layer = LayerNormConfig::new([2]).init();
/// let output = layer.forward(&Tensor::from([[1.0f32, 5.0], [3.0, -1.0]]), &mut Context::evaluation());
/// for (value, expected) in output.to_vec::<f32>().into_iter().zip([-1.0, 1.0, 1.0, -1.0]) {
///     assert!((value - expected).abs() < 1e-5);
/// }
/// ```
#[derive(Clone, Debug, Tree)]
pub struct LayerNorm {
    /// The shape of the normalised axes.
    pub weight: Param,
    /// The shape of the normalised axes.
    pub bias: Param,
    /// Added to the variance.
    pub epsilon: f64,
}

impl Module for LayerNorm {
    /// # Panics
    /// If the last axes of the input are not those of the weight.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let output = input.layer_norm(&self.weight, &self.bias, self.epsilon);
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        format!("LayerNorm {}", self.weight.shape())
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        // Mean, difference, square and its mean, then two multiply-adds' worth of scaling.
        8 * output.elements() as u64
    }
}
