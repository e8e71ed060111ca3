//! The fully connected layer.

use bolete_tensor::{DType, Key, Param, Shape, Tensor, Tree};

use crate::{Context, Fan, Initialiser, Module};

/// What a [`Linear`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearConfig {
    /// Features per input.
    pub input: usize,
    /// Features per output.
    pub output: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// Initial values of the weight; the default is [`Initialiser::FanIn`], U(±1/√input).
    pub weight_initialiser: Initialiser,
    /// Initial values of the bias; the default is [`Initialiser::FanIn`], U(±1/√input).
    pub bias_initialiser: Initialiser,
}

impl LinearConfig {
    /// From `input` to `output` features, with a bias, initial values as in PyTorch.
    pub fn new(input: usize, output: usize) -> LinearConfig {
        LinearConfig {
            input,
            output,
            bias: true,
            weight_initialiser: Initialiser::FanIn,
            bias_initialiser: Initialiser::FanIn,
        }
    }

    /// The layer with initial values from a key.
    pub fn init(&self, key: &Key) -> Linear {
        let [weight_key, bias_key] = key.split();
        let fan = Fan { input: self.input, output: self.output };
        let draw = |initialiser: Initialiser, shape: Shape, key: &Key| {
            Param::new(initialiser.sample(shape, fan, key, DType::F32))
        };
        Linear {
            weight: draw(self.weight_initialiser, [self.output, self.input].into(), &weight_key),
            bias: self.bias.then(|| draw(self.bias_initialiser, [self.output].into(), &bias_key)),
        }
    }
}

/// y = x Wᵀ + b over the last axis: `[…, input] → […, output]`.
///
/// ```
/// use bolete_nn::{Context, LinearConfig, Module};
/// use bolete_tensor::{DType, Key, Tensor};
///
/// let layer = LinearConfig::new(3, 2).init(&Key::new(0));
/// let output = layer.forward(&Tensor::zeros([4, 5, 3], DType::F32), &mut Context::evaluation());
/// assert_eq!(*output.shape(), [4, 5, 2]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct Linear {
    /// `[output, input]`.
    pub weight: Param,
    /// `[output]`.
    pub bias: Option<Param>,
}

impl Module for Linear {
    /// # Panics
    /// If the last axis of the input is not as long as the layer has inputs.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let features = self.weight.shape()[1];
        assert!(
            input.shape().last() == Some(&features),
            "{}: the last axis of the input must have length {features}, but its shape is {}",
            self.describe(),
            input.shape()
        );
        let product = input.matmul(&self.weight.t());
        let output = match &self.bias {
            Some(bias) => product + bias.tensor(),
            None => product,
        };
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        let [output, input] = [self.weight.shape()[0], self.weight.shape()[1]];
        format!("Linear {input} → {output}")
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        let per_output = 2 * self.weight.shape()[1] + usize::from(self.bias.is_some());
        (output.elements() * per_output) as u64
    }
}
