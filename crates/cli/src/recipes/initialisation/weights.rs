//! First weights, and the functions between layers.

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// First weights; biases are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// 0.
    Zero,
    /// U(−1, 1).
    Uniform,
    /// Normal with standard deviation 0.01.
    Small,
    /// Normal with standard deviation 1.
    Normal,
    /// Normal with variance 2 / (inputs + outputs) (Glorot, Bengio 2010).
    Xavier,
    /// Normal with variance 2 / inputs (He et al. 2015).
    He,
}

impl Weights {
    /// All of the lecture's.
    pub const ALL: [Weights; 6] =
        [Weights::Zero, Weights::Uniform, Weights::Small, Weights::Normal, Weights::Xavier, Weights::He];

    /// As the lecture writes it.
    pub fn name(self) -> &'static str {
        match self {
            Weights::Zero => "zero",
            Weights::Uniform => "U(−1, 1)",
            Weights::Small => "N(0, 0.01²)",
            Weights::Normal => "N(0, 1)",
            Weights::Xavier => "Xavier",
            Weights::He => "He",
        }
    }

    /// The library's.
    pub fn initialiser(self) -> Initialiser {
        match self {
            Weights::Zero => Initialiser::Zeros,
            Weights::Uniform => Initialiser::Uniform { low: -1.0, high: 1.0 },
            Weights::Small => Initialiser::Normal { mean: 0.0, deviation: 0.01 },
            Weights::Normal => Initialiser::Normal { mean: 0.0, deviation: 1.0 },
            Weights::Xavier => Initialiser::XavierNormal { gain: 1.0 },
            Weights::He => Initialiser::KaimingNormal { gain: Activation::Relu.gain() },
        }
    }

    /// The variance of one weight between layers of this width.
    pub fn variance(self, width: usize) -> f64 {
        match self {
            Weights::Zero => 0.0,
            Weights::Uniform => 1.0 / 3.0,
            Weights::Small => 1e-4,
            Weights::Normal => 1.0,
            Weights::Xavier => 1.0 / width as f64,
            Weights::He => 2.0 / width as f64,
        }
    }
}

/// The function between layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Nonlinearity {
    /// max(x, 0).
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
}

impl Nonlinearity {
    /// All of the lecture's.
    pub const ALL: [Nonlinearity; 3] = [Nonlinearity::Relu, Nonlinearity::Tanh, Nonlinearity::Sigmoid];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Nonlinearity::Relu => "ReLU",
            Nonlinearity::Tanh => "tanh",
            Nonlinearity::Sigmoid => "sigmoid",
        }
    }

    /// The library's.
    pub fn activation(self) -> Activation {
        match self {
            Nonlinearity::Relu => Activation::Relu,
            Nonlinearity::Tanh => Activation::Tanh,
            Nonlinearity::Sigmoid => Activation::Sigmoid,
        }
    }
}
