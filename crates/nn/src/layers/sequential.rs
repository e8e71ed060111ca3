//! Layers one after the other.

use bolete_tensor::{Tensor, Tree};

use crate::{
    Activation, AdaptivePool, AvgPool1d, AvgPool2d, AvgPool3d, BatchNorm, ChannelDropout, ChannelShuffle,
    Context, Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, Dropout, Embedding,
    EmbeddingBag, Flatten, Fold, GroupNorm, Gru, InstanceNorm, LayerNorm, LearnedEncoding, Linear, LpPool2d,
    Lstm, MaxPool1d, MaxPool2d, MaxPool3d, Module, MultiHeadAttention, Pad, PixelNorm, PixelShuffle,
    PixelUnshuffle, Prelu, RmsNorm, Rnn, SinusoidalEncoding, SqueezeExcite, StochasticDepth,
    TransformerEncoder, Unfold, Upsample,
};

/// Each layer applied to the output of the one before.
///
/// The layers are a list of one type: [`Layer`] holds any of this crate's; an enum of your own does for others.
/// Parameters are found at paths such as `layers.0.weight`.
///
/// ```
/// use bolete_nn::{Activation, Context, LinearConfig, Module, Sequential};
/// use bolete_tensor::tree::TreeExt;
/// use bolete_tensor::{DType, Key, Tensor};
///
/// let [first, second] = Key::new(0).split();
/// let network = Sequential::new([
///     LinearConfig::new(2, 8).init(&first).into(),
///     Activation::Tanh.into(),
///     LinearConfig::new(8, 1).init(&second).into(),
/// ]);
/// let output = network.forward(&Tensor::zeros([5, 2], DType::F32), &mut Context::evaluation());
/// assert_eq!(*output.shape(), [5, 1]);
/// let paths: Vec<String> = network.named_leaves().into_iter().map(|leaf| leaf.path).collect();
/// assert_eq!(paths, ["layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias"]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct Sequential<L = Layer> {
    /// In the order in which they are applied; none is the identity.
    pub layers: Vec<L>,
}

impl Sequential {
    /// These layers of this crate. A list of another type is written `Sequential { layers }`.
    pub fn new(layers: impl IntoIterator<Item = Layer>) -> Sequential {
        Sequential { layers: layers.into_iter().collect() }
    }
}

impl<L: Module> Module for Sequential<L> {
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let mut output = input.clone();
        for layer in &self.layers {
            output = layer.forward(&output, context);
        }
        output
    }
}

macro_rules! layer_kinds {
    ($($(#[$doc:meta])* $name:ident($type:ty),)*) => {
        /// Any layer of this crate, for lists of different layers.
        #[derive(Clone, Debug, Tree)]
        pub enum Layer {
            $($(#[$doc])* $name($type),)*
        }

        $(impl From<$type> for Layer {
            fn from(layer: $type) -> Layer {
                Layer::$name(layer)
            }
        })*

        impl Module for Layer {
            #[track_caller]
            fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
                match self {
                    $(Layer::$name(layer) => layer.forward(input, context),)*
                }
            }

            fn describe(&self) -> String {
                match self {
                    $(Layer::$name(layer) => layer.describe(),)*
                }
            }
        }
    };
}

layer_kinds! {
    /// Fully connected.
    Linear(Linear),
    /// Convolution.
    Conv2d(Conv2d),
    /// Maximum pooling.
    MaxPool2d(MaxPool2d),
    /// Mean pooling.
    AvgPool2d(AvgPool2d),
    /// Batch normalisation.
    BatchNorm(BatchNorm),
    /// Layer normalisation.
    LayerNorm(LayerNorm),
    /// Normalisation by the root of the mean square.
    RmsNorm(RmsNorm),
    /// Group normalisation.
    GroupNorm(GroupNorm),
    /// Instance normalisation.
    InstanceNorm(InstanceNorm),
    /// Pixelwise normalisation of channels.
    PixelNorm(PixelNorm),
    /// A table of vectors.
    Embedding(Embedding),
    /// Vectors of a table reduced by bags.
    EmbeddingBag(EmbeddingBag),
    /// Dropout.
    Dropout(Dropout),
    /// A function without parameters.
    Activation(Activation),
    /// Attention of sequences to themselves.
    MultiHeadAttention(MultiHeadAttention),
    /// Positions as sines and cosines.
    SinusoidalEncoding(SinusoidalEncoding),
    /// Positions as learned vectors.
    LearnedEncoding(LearnedEncoding),
    /// A rectifier with learned slopes.
    Prelu(Prelu),
    /// Axes joined into one.
    Flatten(Flatten),
    /// Images resized.
    Upsample(Upsample),
    /// Channels exchanged for positions.
    PixelShuffle(PixelShuffle),
    /// Positions exchanged for channels.
    PixelUnshuffle(PixelUnshuffle),
    /// Channels of groups dealt out in turn.
    ChannelShuffle(ChannelShuffle),
    /// Convolution of sequences.
    Conv1d(Conv1d),
    /// Convolution of volumes.
    Conv3d(Conv3d),
    /// Transposed convolution of sequences.
    ConvTranspose1d(ConvTranspose1d),
    /// Transposed convolution of images.
    ConvTranspose2d(ConvTranspose2d),
    /// Transposed convolution of volumes.
    ConvTranspose3d(ConvTranspose3d),
    /// Maximum pooling of sequences.
    MaxPool1d(MaxPool1d),
    /// Mean pooling of sequences.
    AvgPool1d(AvgPool1d),
    /// Maximum pooling of volumes.
    MaxPool3d(MaxPool3d),
    /// Mean pooling of volumes.
    AvgPool3d(AvgPool3d),
    /// Pooling by powers.
    LpPool2d(LpPool2d),
    /// Pooling to given lengths.
    AdaptivePool(AdaptivePool),
    /// Padding.
    Pad(Pad),
    /// Windows as columns.
    Unfold(Unfold),
    /// Columns as images.
    Fold(Fold),
    /// Attention to channels.
    SqueezeExcite(SqueezeExcite),
    /// Dropout of channels.
    ChannelDropout(ChannelDropout),
    /// Dropout of examples.
    StochasticDepth(StochasticDepth),
    /// Long short-term memory.
    Lstm(Lstm),
    /// Gated recurrent units.
    Gru(Gru),
    /// Plain recurrence.
    Rnn(Rnn),
    /// Transformer layers.
    TransformerEncoder(TransformerEncoder),
    /// A list within the list.
    Sequential(Sequential),
}
