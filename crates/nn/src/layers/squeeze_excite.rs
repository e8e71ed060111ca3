//! Attention to channels.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::{Activation, Context, Linear, LinearConfig, Module};

/// What a [`SqueezeExcite`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct SqueezeExciteConfig {
    /// Channels of input and output.
    pub channels: usize,
    /// Features between the two linear maps.
    pub hidden: usize,
    /// The function between them.
    pub activation: Activation,
}

impl SqueezeExciteConfig {
    /// A sixteenth of the channels, one at the least, with ReLU, as in the paper.
    pub fn new(channels: usize) -> SqueezeExciteConfig {
        SqueezeExciteConfig { channels, hidden: (channels / 16).max(1), activation: Activation::Relu }
    }

    /// The layer with initial values from a key, those of [`LinearConfig::init`].
    pub fn init(&self, key: &Key) -> SqueezeExcite {
        let [first, second] = key.split();
        SqueezeExcite {
            squeeze: LinearConfig::new(self.channels, self.hidden).init(&first),
            excite: LinearConfig::new(self.hidden, self.channels).init(&second),
            activation: self.activation,
        }
    }
}

/// Each channel times a number in (0, 1) that two linear maps make of the means of all channels (Hu et al. 2018):
/// `[batch, channels, …] → [batch, channels, …]`.
#[derive(Clone, Debug, Tree)]
pub struct SqueezeExcite {
    /// Channels to hidden.
    pub squeeze: Linear,
    /// Hidden to channels.
    pub excite: Linear,
    activation: Activation,
}

impl Module for SqueezeExcite {
    /// # Panics
    /// If the input has fewer than three axes or another number of channels.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        assert!(
            input.rank() >= 3 && input.shape()[1] == self.squeeze.weight.shape()[1],
            "{}: expected [batch, {}, …], found {}",
            self.describe(),
            self.squeeze.weight.shape()[1],
            input.shape()
        );
        let places: Vec<isize> = (2..input.rank() as isize).collect();
        let means = input.mean(places.as_slice());
        let hidden = self.activation.apply(&self.squeeze.forward(&means, context));
        let gates = self.excite.forward(&hidden, context).sigmoid();
        let shape: Shape = gates.shape().iter().copied().chain(vec![1; places.len()]).collect();
        context.observe(self, input, input * gates.reshape(shape))
    }

    fn describe(&self) -> String {
        format!("SqueezeExcite {} by {}", self.squeeze.weight.shape()[1], self.squeeze.weight.shape()[0])
    }

    fn operations(&self, input: &Shape, _: &Shape) -> u64 {
        2 * input.elements() as u64
    }
}
