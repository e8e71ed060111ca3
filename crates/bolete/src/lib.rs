//! Bolete: a complete deep learning system.
//!
//! This crate gathers the others under one name. [`tensor`] is the engine: lazy tensors with every derivative. [`nn`]
//! has layers, losses and optimisers, [`data`] data sets and loaders, [`formats`] files, [`train`] the training loop.
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
pub use bolete_tensor as tensor;
pub use bolete_train as train;

/// What most programs use: `use bolete::prelude::*`.
pub mod prelude {
    pub use bolete_nn::{
        Activation, Adam, AdamConfig, AdamWConfig, AvgPool2d, BatchNorm, BatchNormConfig, Context, Conv2d,
        Conv2dConfig, Dropout, Flatten, Initialiser, Layer, LayerNorm, LayerNormConfig, Linear, LinearConfig,
        MaxPool2d, Module, Optimiser, Padding, Schedule, Sequential, Sgd, SgdConfig, UpdateRule,
        binary_cross_entropy, binary_cross_entropy_with_logits, clip_by_global_norm, cross_entropy,
        mean_squared_error, summarise,
    };
    pub use bolete_tensor::tree::{LeafKind, TreeExt};
    pub use bolete_tensor::{
        Axes, Convolution2d, CustomOp, DType, Key, Metadata, Param, Pool2d, Scalar, Shape, State, Step,
        Tensor, Tree, check_gradients, checkpoint, custom, custom_vjp, eval, eval_tree, grad, hessian, hvp,
        index, jacobian_forward, jacobian_reverse, jvp, value_and_grad, vjp, vmap, vmap_axes,
    };
    pub use bolete_train::{Trainer, TrainerConfig};
}
