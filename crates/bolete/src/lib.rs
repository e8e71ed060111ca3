//! Bolete: a complete deep learning system.
//!
//! This crate gathers the others under one name. [`tensor`] is the engine: lazy tensors with every derivative. [`nn`]
//! has layers, losses and optimisers, [`prob`] distributions, [`data`] data sets and loaders, [`formats`] files, [`train`]
//! the training loop, [`worlds`] simulators.
//! [`prelude`] holds what most programs use.
//!
//! ```
//! use bolete::prelude::*;
//!
//! // A line through noisy points, by gradient descent.
//! let [position, noise] = Key::new(0).split();
//! let x = position.uniform([100], DType::F32);
//! let y = &x * 3.0 + 1.0 + noise.normal([100], DType::F32) * 0.1;
//! let mut step = Step::new(|((slope, offset), x, y): ((Tensor, Tensor), Tensor, Tensor)| {
//!     let (loss, gradient) = value_and_grad(|(slope, offset): &(Tensor, Tensor)| {
//!         (slope * &x + offset - &y).square().mean(..)
//!     })(&(slope.clone(), offset.clone()));
//!     ((slope - gradient.0 * 0.5, offset - gradient.1 * 0.5), loss)
//! });
//! let mut line = (Tensor::from(0.0f32), Tensor::from(0.0f32));
//! for _ in 0..200 {
//!     (line, _) = step.call((line, x.clone(), y.clone()));
//! }
//! assert!((line.0.item() - 3.0).abs() < 0.2 && (line.1.item() - 1.0).abs() < 0.1);
//! ```
#![forbid(unsafe_code)]

pub use bolete_data as data;
pub use bolete_formats as formats;
pub use bolete_nn as nn;
pub use bolete_prob as prob;
pub use bolete_tensor as tensor;
pub use bolete_train as train;
pub use bolete_worlds as worlds;

/// What most programs use: `use bolete::prelude::*`.
pub mod prelude {
    pub use bolete_nn::{
        Activation, Adam, AdamConfig, AdamW, AdamWConfig, Adaptation, AdaptivePool, AttentionMask, Averaging,
        AvgPool2d, BatchNorm, BatchNormConfig, Context, Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, Conv3d,
        Conv3dConfig, ConvTranspose2d, ConvTranspose2dConfig, CrossEntropy, CtcLoss, Dropout, Embedding,
        EmbeddingConfig, Flatten, GradientAccumulator, GroupNorm, GroupNormConfig, Gru, GruConfig,
        Initialiser, Layer, LayerNorm, LayerNormConfig, Lbfgs, Linear, LinearConfig, Lion, LionConfig,
        LossScale, Lstm, LstmConfig, MaxPool2d, MixtureOfExperts, MixtureOfExpertsConfig, ModelAverage,
        Module, MultiHeadAttention, MultiHeadAttentionConfig, Muon, MuonConfig, Optimiser, Padding,
        ParameterGroup, Positions, Precision, Reduction, RmsNorm, RmsNormConfig, Schedule, ScheduleSequence,
        Sequential, Sgd, SgdConfig, SpectralNorm, Transformer, TransformerDecoder, TransformerEncoder,
        TransformerLayerConfig, UpdateRule, WeightDecay, WeightNorm, binary_cross_entropy,
        binary_cross_entropy_with_logits, clip_by_global_norm, cross_entropy, huber, mean_absolute_error,
        mean_squared_error, replace_leaves, select_leaves, summarise,
    };
    pub use bolete_prob::{Distribution, KlDivergence};
    pub use bolete_tensor::tree::{LeafKind, TreeExt};
    pub use bolete_tensor::{
        AttentionOptions, Axes, Complex, Convolution1d, Convolution2d, Convolution3d, CustomOp, DType, Key,
        Metadata, PadMode, Param, Pool1d, Pool2d, Pool3d, Rotary, Scalar, ScatterReduction, Shape,
        SparseMatrix, State, Step, Tensor, Tree, Triangular, check_gradients, checkpoint, cond, custom,
        custom_vjp, eval, eval_tree, fori_loop, grad, hessian, hvp, index, jacobian_forward,
        jacobian_reverse, jvp, scan, value_and_grad, vjp, vmap, vmap_axes, while_loop, while_loop_bounded,
    };
    pub use bolete_train::weights;
    pub use bolete_train::{Metric, Trainer, TrainerConfig};
}
