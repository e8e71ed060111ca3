//! The networks of a mixture, all in one batched matrix product.

use bolete_tensor::{DType, Key, Param, Shape, Tensor, Tree};

use crate::{Activation, Fan, Initialiser, MixtureOfExpertsConfig};

/// Networks of two layers, one for each expert: `[experts, tokens, width]` to the same shape.
#[derive(Clone, Debug, Tree)]
pub struct Experts {
    /// `[experts, hidden, width]`, of gated experts only.
    pub gate: Option<Param>,
    /// `[experts, hidden]`.
    pub gate_bias: Option<Param>,
    /// `[experts, hidden, width]`.
    pub up: Param,
    /// `[experts, hidden]`.
    pub up_bias: Option<Param>,
    /// `[experts, width, hidden]`.
    pub down: Param,
    /// `[experts, width]`.
    pub down_bias: Option<Param>,
    /// The function between the layers.
    pub activation: Activation,
}

/// x Wᵀ + b for each expert.
#[track_caller]
fn linear(x: &Tensor, weight: &Param, bias: Option<&Param>) -> Tensor {
    let product = x.matmul(&weight.transpose(-1, -2));
    match bias {
        Some(bias) => product + bias.unsqueeze(1),
        None => product,
    }
}

impl Experts {
    pub(super) fn new(config: &MixtureOfExpertsConfig, key: &Key) -> Experts {
        let MixtureOfExpertsConfig { width, hidden, experts, gated, bias, activation, .. } = *config;
        let [gate_key, up_key, down_key] = key.split();
        let layer = |input: usize, output: usize, key: &Key| {
            let [weight_key, bias_key] = key.split();
            let draw = |shape: Shape, key: &Key| {
                Param::new(Initialiser::FanIn.sample(shape, Fan { input, output }, key, DType::F32))
            };
            let weight = draw([experts, output, input].into(), &weight_key);
            (weight, bias.then(|| draw([experts, output].into(), &bias_key)))
        };
        let (gate, gate_bias) = if gated { Some(layer(width, hidden, &gate_key)) } else { None }.unzip();
        let (up, up_bias) = layer(width, hidden, &up_key);
        let (down, down_bias) = layer(hidden, width, &down_key);
        Experts { gate, gate_bias: gate_bias.flatten(), up, up_bias, down, down_bias, activation }
    }

    /// The outputs of expert e for its tokens `[e, …]`.
    ///
    /// # Panics
    /// If the shape is not `[experts, tokens, width]`.
    #[track_caller]
    pub fn forward(&self, input: &Tensor) -> Tensor {
        let (experts, width) = (self.up.shape()[0], self.up.shape()[2]);
        assert!(
            input.rank() == 3 && input.shape()[0] == experts && input.shape()[2] == width,
            "Experts: expected [{experts}, tokens, {width}], but the shape is {}",
            input.shape()
        );
        let up = linear(input, &self.up, self.up_bias.as_ref());
        let hidden = match &self.gate {
            Some(gate) => self.activation.apply(&linear(input, gate, self.gate_bias.as_ref())) * up,
            None => self.activation.apply(&up),
        };
        linear(&hidden, &self.down, self.down_bias.as_ref())
    }

    /// Multiplications and additions of the matrix products of one expert for one token.
    pub(super) fn operations_per_token(&self) -> usize {
        let matrices = 2 + usize::from(self.gate.is_some());
        2 * matrices * self.up.shape()[1] * self.up.shape()[2]
    }
}
