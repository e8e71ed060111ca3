//! Transformer layers and stacks (Vaswani et al. 2017), with PyTorch's names.

mod decoder;
mod encoder;

pub use decoder::{Transformer, TransformerDecoder, TransformerDecoderLayer};
pub use encoder::{TransformerEncoder, TransformerEncoderLayer};

use bolete_tensor::{Key, Tensor, Tree};

use crate::{
    Activation, Context, Dropout, LayerNorm, LayerNormConfig, Linear, LinearConfig, Module,
    MultiHeadAttentionConfig,
};

/// Where a layer normalises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Tree)]
pub enum NormPosition {
    /// After each residual sum, as in the paper.
    #[default]
    After,
    /// Before each sublayer (Xiong et al. 2020), which trains deep stacks without warm-up.
    Before,
}

/// What a layer of a transformer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformerLayerConfig {
    /// The attention of the sequence to itself, whose width is that of the layer.
    pub attention: MultiHeadAttentionConfig,
    /// Features between the two linear maps of the feed-forward part.
    pub feed_forward: usize,
    /// The function between them.
    pub activation: Activation,
    /// Whether the function's output is multiplied with a third linear map (Shazeer 2020): with SiLU, SwiGLU.
    pub gated: bool,
    /// Whether the linear maps have biases.
    pub bias: bool,
    /// Where it normalises.
    pub norm: NormPosition,
    /// Added to variances, against division by zero.
    pub epsilon: f64,
    /// The probability with which outputs of sublayers, and features of the feed-forward part, are dropped in training.
    pub dropout: f64,
}

impl TransformerLayerConfig {
    /// `heads` heads, a feed-forward part of four times the width with ReLU, biases, norms after the sums, ε = 10⁻⁵, no
    /// dropout.
    ///
    /// # Panics
    /// If the heads do not divide the width.
    #[track_caller]
    pub fn new(width: usize, heads: usize) -> TransformerLayerConfig {
        TransformerLayerConfig {
            attention: MultiHeadAttentionConfig::new(width, heads),
            feed_forward: 4 * width,
            activation: Activation::Relu,
            gated: false,
            bias: true,
            norm: NormPosition::After,
            epsilon: 1e-5,
            dropout: 0.0,
        }
    }

    fn norm(&self) -> LayerNorm {
        LayerNormConfig { epsilon: self.epsilon, ..LayerNormConfig::new([self.attention.width]) }.init()
    }

    /// The linear maps of the feed-forward part: first, gate, second.
    fn linear_maps(&self, key: &Key) -> (Linear, Option<Linear>, Linear) {
        let [first, second, third] = key.split();
        let linear = |input: usize, output: usize, key: &Key| {
            LinearConfig { bias: self.bias, ..LinearConfig::new(input, output) }.init(key)
        };
        let width = self.attention.width;
        let gate = self.gated.then(|| linear(width, self.feed_forward, &third));
        (linear(width, self.feed_forward, &first), gate, linear(self.feed_forward, width, &second))
    }

    /// An encoder layer with initial values from a key: those of [`MultiHeadAttentionConfig::init`] and
    /// [`LinearConfig::init`], norms 1 and 0.
    #[track_caller]
    pub fn encoder_layer(&self, key: &Key) -> TransformerEncoderLayer {
        let [attention, feed_forward] = key.split();
        let (linear1, gate, linear2) = self.linear_maps(&feed_forward);
        TransformerEncoderLayer {
            self_attn: self.attention.init(&attention),
            linear1,
            gate,
            linear2,
            activation: self.activation,
            norm1: self.norm(),
            norm2: self.norm(),
            dropout: Dropout { probability: self.dropout },
            position: self.norm,
        }
    }

    /// A decoder layer with initial values from a key, whose attention to itself is causal and whose attention to the encoder's
    /// output is of the same kind, but without positions.
    #[track_caller]
    pub fn decoder_layer(&self, key: &Key) -> TransformerDecoderLayer {
        let [own, other, feed_forward] = key.split();
        let (linear1, gate, linear2) = self.linear_maps(&feed_forward);
        let cross = MultiHeadAttentionConfig {
            causal: false,
            window: None,
            positions: Default::default(),
            ..self.attention.clone()
        };
        TransformerDecoderLayer {
            self_attn: MultiHeadAttentionConfig { causal: true, ..self.attention.clone() }.init(&own),
            multihead_attn: cross.init(&other),
            linear1,
            gate,
            linear2,
            activation: self.activation,
            norm1: self.norm(),
            norm2: self.norm(),
            norm3: self.norm(),
            dropout: Dropout { probability: self.dropout },
            position: self.norm,
        }
    }

    /// A stack of encoder layers. With norms before the sublayers one more follows at the end.
    #[track_caller]
    pub fn encoder(&self, layers: usize, key: &Key) -> TransformerEncoder {
        let keys = key.split_many(layers);
        let layer = |index: usize| self.encoder_layer(&Key::from_tensor(keys.narrow(0, index, 1).squeeze(0)));
        TransformerEncoder { layers: (0..layers).map(layer).collect(), norm: self.last_norm() }
    }

    /// A stack of decoder layers. With norms before the sublayers one more follows at the end.
    #[track_caller]
    pub fn decoder(&self, layers: usize, key: &Key) -> TransformerDecoder {
        let keys = key.split_many(layers);
        let layer = |index: usize| self.decoder_layer(&Key::from_tensor(keys.narrow(0, index, 1).squeeze(0)));
        TransformerDecoder { layers: (0..layers).map(layer).collect(), norm: self.last_norm() }
    }

    /// An encoder and a decoder.
    #[track_caller]
    pub fn transformer(&self, encoder_layers: usize, decoder_layers: usize, key: &Key) -> Transformer {
        let [encoder, decoder] = key.split();
        Transformer {
            encoder: self.encoder(encoder_layers, &encoder),
            decoder: self.decoder(decoder_layers, &decoder),
        }
    }

    fn last_norm(&self) -> Option<LayerNorm> {
        (self.norm == NormPosition::Before).then(|| self.norm())
    }
}

/// The feed-forward part of a layer, whose parameters belong to the layer: on each position alone, two linear maps with a
/// function between them, or three with a gate.
struct FeedForward<'a> {
    linear1: &'a Linear,
    gate: Option<&'a Linear>,
    linear2: &'a Linear,
    activation: Activation,
    dropout: Dropout,
}

impl FeedForward<'_> {
    #[track_caller]
    fn of(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let mut inner = self.activation.forward(&self.linear1.forward(input, context), context);
        if let Some(gate) = self.gate {
            inner = inner * gate.forward(input, context);
        }
        let inner = self.dropout.forward(&inner, context);
        self.linear2.forward(&inner, context)
    }
}

/// A sublayer with its residual sum and its norm.
#[track_caller]
fn residual(
    input: &Tensor,
    norm: &LayerNorm,
    position: NormPosition,
    dropout: Dropout,
    context: &mut Context,
    sublayer: impl FnOnce(&Tensor, &mut Context) -> Tensor,
) -> Tensor {
    match position {
        NormPosition::After => {
            let output = sublayer(input, context);
            let sum = input + dropout.forward(&output, context);
            norm.forward(&sum, context)
        }
        NormPosition::Before => {
            let normalised = norm.forward(input, context);
            let output = sublayer(&normalised, context);
            input + dropout.forward(&output, context)
        }
    }
}
