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
pub mod dropout;
pub mod flatten;
pub mod gru;
pub mod layer_norm;
pub mod linear;
pub mod lstm;
pub mod pooling;
pub mod prelu;
pub mod recurrent;
pub mod rnn;
pub mod sequential;
pub mod transformer;
pub mod upsample;
