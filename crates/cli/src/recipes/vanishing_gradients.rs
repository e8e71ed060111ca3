//! `vanishing_gradients`: how large the gradient of each layer is in deep networks with different activations.
//!
//! Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010); Glorot, Bordes,
//! Bengio, *Deep sparse rectifier neural networks* (2011); Maas et al., *Rectifier nonlinearities improve neural network
//! acoustic models* (2013).

mod dead_units;
mod figures;
mod layers;
mod network;
mod slopes;

use std::path::PathBuf;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handwriting;
use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use network::network;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    pub data: Option<PathBuf>,
    /// Decides first weights and drawn digits.
    pub seed: u64,
    /// Hidden layers.
    #[schemars(range(min = 1, max = 100))]
    pub depth: usize,
    /// Units of each hidden layer.
    #[schemars(range(min = 1, max = 4096))]
    pub width: usize,
    /// Pictures whose mean gradient is taken.
    #[schemars(range(min = 1, max = 100000))]
    pub pictures: usize,
    /// Steps of gradient descent after which dead units are counted.
    #[schemars(range(min = 0, max = 100000))]
    pub updates: usize,
    /// The learning rate of those steps; a large one kills units.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub rate: f64,
}

impl Default for Config {
    fn default() -> Config {
        VanishingGradients::config(Setting::Full)
    }
}

/// The recipe.
pub struct VanishingGradients;

impl Recipe for VanishingGradients {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "vanishing_gradients",
        about: "the gradient layer by layer in deep networks of sigmoid, tanh, ReLU and leaky ReLU; dead units",
        group: Group::Lecture(2),
        expected: "the gradient falls by a factor of 0.13 per layer of sigmoids, 0.88 of tanh, 0.93 of ReLU, 0.92 of leaky ReLU",
        time: "15 s",
    };

    fn config(setting: Setting) -> Config {
        let (depth, width, pictures, updates) = match setting {
            Setting::Full => (10, 100, 2_000, 200),
            Setting::Quick => (10, 100, 500, 100),
            Setting::Smoke => (3, 10, 20, 2),
        };
        Config { data: None, seed: 0, depth, width, pictures, updates, rate: 0.3 }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        Ok(format!(
            "Data: {} digits {}\n\n{}",
            config.pictures,
            handwriting::origin(config.data.as_deref()),
            summarise(&network(config, Activation::Sigmoid), [1, 784])
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        slopes::run(session)?;
        let digits = handwriting::load(config.data.as_deref(), Some(config.pictures), Some(1), config.seed)?;
        let (x, labels) = handwriting::tensors(&digits.train);
        // Each pixel has mean 0 and the whole has variance 1, as networks are fed.
        let data = (((&x - x.mean(..)) / x.std(.., 0)), labels);
        layers::run(config, session, &data)?;
        dead_units::run(config, session, &data)
    }
}
