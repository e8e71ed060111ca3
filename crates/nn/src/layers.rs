//! The layers, one file each.
//!
//! A layer with parameters comes as a pair: a configuration, whose `init` draws the initial values from a key, and the
//! layer itself, a tree of `f32` tensors (see [`cast_floats`](crate::cast_floats) for others). Parameters have the
//! names and layouts of PyTorch's, so that weights can be exchanged by path.

pub mod activation;
pub mod attention;
pub mod batch_norm;
pub mod bilinear;
pub mod conv2d;
pub mod convolutions;
pub mod dropout;
pub mod embedding;
pub mod embedding_bag;
pub mod flatten;
pub mod group_norm;
pub mod gru;
pub mod instance_norm;
pub mod layer_norm;
pub mod linear;
pub mod lstm;
pub mod mixture_of_experts;
pub mod padding;
pub mod pixel_norm;
pub mod pooling;
pub mod prelu;
pub mod recurrent;
pub mod rms_norm;
pub mod rnn;
pub mod sequential;
pub mod sparse_rows;
pub mod squeeze_excite;
pub mod transformer;
pub mod upsample;
