//! `initialisation`: what first weights do to activations and gradients by depth, and to training.

mod combinations;
mod depth;
mod figures;
mod glorot;
mod probe;
mod propagation;
mod weights;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use crate::trial::VectorDigits;
use weights::Nonlinearity;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random: weights, inputs, order.
    seed: u64,
    /// Layers of the network that is looked at.
    #[schemars(range(min = 2, max = 30))]
    depth: usize,
    /// Units of each layer.
    #[schemars(range(min = 1, max = 4096))]
    width: usize,
    /// Inputs from N(0, 1) that it sees.
    #[schemars(range(min = 2, max = 65536))]
    batch: usize,
    /// The activation whose histograms are drawn; the table has all.
    activation: Nonlinearity,
    /// Networks over which the propagation of variance is averaged.
    #[schemars(range(min = 1, max = 10000))]
    networks: u64,
    /// Layers of the networks that are trained.
    deep_layers: Vec<usize>,
    /// Units of each of their layers.
    #[schemars(range(min = 1, max = 4096))]
    deep_width: usize,
    /// Updates of their training.
    #[schemars(range(min = 1))]
    deep_steps: u64,
    /// Seeds with which each is trained.
    #[schemars(range(min = 1, max = 100))]
    deep_seeds: u64,
    /// Learning rate of their training, with momentum 0.9.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    deep_rate: f64,
    /// Digits to learn from.
    #[schemars(range(min = 64, max = 1000000))]
    train_size: usize,
    /// Digits to test on.
    #[schemars(range(min = 1, max = 1000000))]
    test_size: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: None,
            seed: 0,
            depth: 10,
            width: 256,
            batch: 512,
            activation: Nonlinearity::Relu,
            networks: 64,
            deep_layers: vec![22, 30],
            deep_width: 128,
            deep_steps: 2000,
            deep_seeds: 3,
            deep_rate: 0.01,
            train_size: 6000,
            test_size: 1000,
        }
    }
}

/// The recipe.
pub struct InitialisationStudy;

impl Recipe for InitialisationStudy {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "initialisation",
        about: "activations and gradients by depth for six kinds of first weights; He against Xavier in training",
        group: Group::Lecture(4),
        expected: "the mean square per layer changes within 1 % of theory (ReLU forward: 0.993 for He, 0.496 for \
                   Xavier); MNIST, 3 seeds: 22 layers 92.5 ± 0.7 % with He, 90.7 ± 0.8 % with Xavier; 30 layers 53 ± 24 \
                   % and 9 %",
        time: "1 min",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config {
                networks: 12,
                deep_layers: vec![22],
                deep_width: 64,
                deep_steps: 500,
                deep_seeds: 2,
                train_size: 2000,
                test_size: 500,
                ..whole
            },
            Setting::Smoke => Config {
                depth: 3,
                width: 16,
                batch: 32,
                networks: 2,
                deep_layers: vec![4],
                deep_width: 16,
                deep_steps: 4,
                deep_seeds: 1,
                train_size: 80,
                test_size: 20,
                ..whole
            },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        session.heading("By depth")?;
        session.say(&format!(
            "{} layers of {} units see {} inputs from N(0, 1). Weights that are too small shrink the signal by a factor in \
             every layer, weights that are too large blow it up, and the gradient on its way back suffers the same. A signal \
             whose standard deviation is below 10⁻⁶ is called dead, above 10⁶ exploded.",
            config.depth, config.width, config.batch
        ))?;
        combinations::run(config, session)?;
        glorot::run(config, session)?;
        session.heading("Variance from layer to layer")?;
        propagation::run(config, session)?;
        session.heading("Deep networks in training")?;
        let digits =
            VectorDigits::load(config.data.as_deref(), config.train_size, config.test_size, config.seed)?;
        session.say(&format!(
            "Fully connected ReLU networks of width {} trained by SGD with momentum on {}. Xavier's variance is half of what \
             ReLU needs, which costs a factor of √2 per layer: little for two layers, a thousandfold for 22.",
            config.deep_width, digits.source
        ))?;
        let deep = depth::train(config, session, &digits)?;
        depth::table(session, &deep)?;
        session.figure("deep", "Means over seeds, and one deviation around them.", &figures::deep(&deep))
    }
}
