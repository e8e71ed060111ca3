//! Layers, losses, initialisers and optimisers.
//!
//! A model is data: a struct of layers, a tree whose leaves are its tensors ([`Param`](bolete_tensor::Param) is learned,
//! [`State`](bolete_tensor::State) is carried along). `forward` takes the model by shared reference and everything
//! that depends on the situation through a [`Context`]: whether this is training, where randomness comes from, and the
//! new values of state. Nothing is changed in place: [`Context::apply`] and [`Optimiser::update`] take a model and
//! return the next one.
//!
//! ```
//! use bolete_nn::{Activation, Adam, AdamConfig, Context, Linear, LinearConfig, Module, Optimiser, cross_entropy, UpdateRule};
//! use bolete_tensor::{Key, Tensor, Tree, value_and_grad};
//!
//! #[derive(Clone, Tree)]
//! struct Network {
//!     hidden: Linear,
//!     output: Linear,
//! }
//!
//! impl Module for Network {
//!     fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
//!         let hidden = Activation::Relu.forward(&self.hidden.forward(input, context), context);
//!         self.output.forward(&hidden, context)
//!     }
//! }
//!
//! let [first, second, mut training] = Key::new(0).split();
//! let mut network = Network {
//!     hidden: LinearConfig::new(2, 16).init(&first),
//!     output: LinearConfig::new(16, 2).init(&second),
//! };
//! let mut optimiser: Adam = AdamConfig { learning_rate: 0.05, ..AdamConfig::default() }.init(&network);
//!
//! // Exclusive or.
//! let inputs = Tensor::from([[0.0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
//! let labels = Tensor::from([0i64, 1, 1, 0]);
//! let mut last = f64::INFINITY;
//! for _ in 0..100 {
//!     let [next, now] = training.split();
//!     training = next;
//!     let mut context = Context::training(now);
//!     let (loss, gradients) = value_and_grad(|network: &Network| {
//!         cross_entropy(&network.forward(&inputs, &mut context), &labels)
//!     })(&network);
//!     network = context.apply(network);
//!     (network, optimiser) = optimiser.update(network, &gradients);
//!     last = loss.item();
//! }
//! assert!(last < 0.1);
//! ```

mod context;
mod ctc;
pub mod decode;
mod initialise;
pub mod layers;
pub mod loss;
mod module;
pub mod optim;
pub mod reparameterise;
pub mod summary;

pub use context::{Context, Mode};
pub use ctc::CtcLoss;
pub use initialise::{Fan, Initialiser};
pub use layers::activation::Activation;
pub use layers::attention::cache::KeyValueCache;
pub use layers::attention::positions::{
    LearnedEncoding, LearnedEncodingConfig, Positions, RelativeBias, RelativeBiasConfig, SinusoidalEncoding,
};
pub use layers::attention::{AttentionMask, MultiHeadAttention, MultiHeadAttentionConfig};
pub use layers::batch_norm::{BatchNorm, BatchNormConfig};
pub use layers::bilinear::{Bilinear, BilinearConfig};
pub use layers::conv2d::{Conv2d, Conv2dConfig, Padding};
pub use layers::convolutions::{
    Conv1d, Conv1dConfig, Conv3d, Conv3dConfig, ConvTranspose1d, ConvTranspose1dConfig, ConvTranspose2d,
    ConvTranspose2dConfig, ConvTranspose3d, ConvTranspose3dConfig,
};
pub use layers::dropout::{ChannelDropout, Dropout, StochasticDepth};
pub use layers::embedding::{Embedding, EmbeddingConfig, Lookup};
pub use layers::embedding_bag::{BagMode, EmbeddingBag, EmbeddingBagConfig};
pub use layers::flatten::Flatten;
pub use layers::group_norm::{GroupNorm, GroupNormConfig};
pub use layers::gru::{Gru, GruCell, GruConfig};
pub use layers::instance_norm::{InstanceNorm, InstanceNormConfig};
pub use layers::layer_norm::{LayerNorm, LayerNormConfig};
pub use layers::linear::{Linear, LinearConfig};
pub use layers::lstm::{Lstm, LstmCell, LstmConfig, LstmState};
pub use layers::mixture_of_experts::{Experts, MixtureOfExperts, MixtureOfExpertsConfig, MixtureOutput};
pub use layers::padding::{Fold, Pad, Unfold};
pub use layers::pixel_norm::PixelNorm;
pub use layers::pooling::{
    AdaptivePool, AvgPool1d, AvgPool2d, AvgPool3d, LpPool2d, MaxPool1d, MaxPool2d, MaxPool3d, PoolKind,
};
pub use layers::prelu::{Prelu, PreluConfig};
pub use layers::recurrent::{RecurrentStack, RecurrentWeights};
pub use layers::rms_norm::{RmsNorm, RmsNormConfig};
pub use layers::rnn::{Nonlinearity, Rnn, RnnCell, RnnConfig};
pub use layers::sequential::{Layer, Sequential};
pub use layers::sparse_rows::SparseRows;
pub use layers::squeeze_excite::{SqueezeExcite, SqueezeExciteConfig};
pub use layers::transformer::{
    NormPosition, Transformer, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
    TransformerEncoderLayer, TransformerLayerConfig,
};
pub use layers::upsample::{ChannelShuffle, NewSize, PixelShuffle, PixelUnshuffle, Upsample};
pub use loss::Reduction;
pub use loss::classification::{
    BinaryCrossEntropy, CrossEntropy, Focal, binary_cross_entropy, binary_cross_entropy_with_logits,
    cross_entropy,
};
pub use loss::regression::{huber, mean_absolute_error, mean_squared_error};
pub use module::{Module, cast_floats};
pub use optim::accumulation::GradientAccumulator;
pub use optim::adafactor::{Adafactor, AdafactorConfig};
pub use optim::adagrad::{AdaDelta, AdaDeltaConfig, AdaGrad, AdaGradConfig};
pub use optim::adam::{AdaMax, AdaMaxConfig, Adam, AdamConfig, AdamW, AdamWConfig, NAdam, NAdamConfig};
pub use optim::average::{Averaging, ModelAverage};
pub use optim::clip::{clip_by_global_norm, clip_by_leaf_norm, clip_by_value};
pub use optim::decayed::Decayed;
pub use optim::group::{ParameterGroup, replace_leaves, select_leaves};
pub use optim::lamb::{Lamb, LambConfig};
pub use optim::lbfgs::{Lbfgs, Minimum};
pub use optim::line_search::{BacktrackingSearch, LinePoint, WolfeSearch};
pub use optim::lion::{Lion, LionConfig};
pub use optim::muon::{Muon, MuonConfig, orthogonalise};
pub use optim::precision::{LossScale, Precision, choose};
pub use optim::radam::{RAdam, RAdamConfig};
pub use optim::rmsprop::{RmsProp, RmsPropConfig};
pub use optim::schedule::{PlateauState, ReduceOnPlateau, Schedule, ScheduleSequence};
pub use optim::sgd::{Sgd, SgdConfig};
pub use optim::{Memory, Moment, Optimiser, RuleOptimiser, UpdateRule, WeightDecay};
pub use reparameterise::{
    Adaptation, LengthAndDirection, LowRankFactors, SingularVectors, SpectralNorm, WeightNorm,
};
pub use summary::{Summary, parameter_table, summarise, summarise_with};
