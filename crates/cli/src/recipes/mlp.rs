//! `mlp`: 784-256-128-10 on handwritten digits.

use bolete::prelude::*;
use bolete::train::{Goal, Monitor, OptimiserConfig, OptimiserKind, ScheduleKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handwriting::{self, Classifier};
use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    pub data: Option<std::path::PathBuf>,
    /// Decides everything random: first weights, order, dropout, the drawn digits.
    pub seed: u64,
    /// Training pictures: the first of the files, or drawn ones; without it all, or 60,000 drawn.
    #[schemars(range(min = 1, max = 1000000))]
    pub train_size: Option<usize>,
    /// Test pictures: the first of the files, or drawn ones; without it all, or 10,000 drawn.
    #[schemars(range(min = 1, max = 1000000))]
    pub test_size: Option<usize>,
    /// Pictures per step.
    #[schemars(range(min = 1, max = 100000))]
    pub batch_size: usize,
    /// Units of the two hidden layers.
    pub hidden: [usize; 2],
    /// The part of the hidden units that is dropped in training.
    #[schemars(range(min = 0.0, max = 0.95))]
    pub dropout: f64,
    /// How parameters follow gradients.
    pub optimizer: OptimiserConfig,
    /// How long and how often.
    pub trainer: TrainerConfig,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: None,
            seed: 0,
            train_size: None,
            test_size: None,
            batch_size: 128,
            hidden: [256, 128],
            dropout: 0.2,
            optimizer: OptimiserConfig {
                kind: OptimiserKind::AdamW,
                lr: 2e-3,
                schedule: ScheduleKind::Cosine,
                last: 0.01,
                ..OptimiserConfig::default()
            },
            trainer: TrainerConfig {
                epochs: 10,
                monitor: Monitor { measure: "accuracy".to_owned(), goal: Goal::Highest },
                ..TrainerConfig::default()
            },
        }
    }
}

/// The recipe.
pub struct Mlp;

impl Recipe for Mlp {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "mlp",
        about: "a multi-layer perceptron of 784-256-128-10 that reads handwritten digits",
        group: Group::Lecture(2),
        expected: "98.52 %, 98.47 % and 98.35 % of MNIST's test digits with seeds 0, 1 and 2",
        time: "40 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        let (train_size, test_size, epochs) = match setting {
            Setting::Full => return whole,
            Setting::Quick => (20_000, 4_000, 4),
            Setting::Smoke => (400, 100, 1),
        };
        let trainer = TrainerConfig { epochs, ..whole.trainer.clone() };
        Config { train_size: Some(train_size), test_size: Some(test_size), trainer, ..whole }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        Ok(format!(
            "Data: digits {}, 28×28 pixels\n\n{}",
            handwriting::origin(config.data.as_deref()),
            summarise(&network(config), [1, 1, 28, 28])
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let Config { data, seed, .. } = config;
        let digits = handwriting::load(data.as_deref(), config.train_size, config.test_size, *seed)?;
        let model = network(config);
        session.preformatted("Model", &summarise(&model, [1, 1, 28, 28]).to_string())?;
        let (learned, tested) = (digits.train.labels().len(), digits.test.labels().len());
        let origin = handwriting::origin(data.as_deref());
        session.say(&format!("{learned} digits to learn from and {tested} to test on, {origin}."))?;
        let classifier = Classifier {
            optimizer: &config.optimizer,
            trainer: &config.trainer,
            batch_size: config.batch_size,
            label_smoothing: 0.0,
            seed: *seed,
        };
        classifier.fit(session, &model, digits, "at least 0.98 on MNIST", |_| None)?;
        session.say(
            "The network knows nothing of pictures: the pixels could be shuffled, and it would learn the same. Three \
             layers are enough all the same to read 98 of 100 digits.",
        )
    }
}

/// `[batch, 1, 28, 28]` to ten logits.
fn network(config: &Config) -> Sequential {
    let [first, second, third] = Key::new(config.seed).split();
    let [wide, narrow] = config.hidden;
    let dropout = || Layer::from(Dropout { probability: config.dropout });
    Sequential::new([
        Flatten::default().into(),
        LinearConfig::new(784, wide).init(&first).into(),
        Activation::Relu.into(),
        dropout(),
        LinearConfig::new(wide, narrow).init(&second).into(),
        Activation::Relu.into(),
        dropout(),
        LinearConfig::new(narrow, 10).init(&third).into(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_has_the_parameters_of_its_sizes() {
        let count: usize = network(&Config::default()).leaves().iter().map(|leaf| leaf.elements()).sum();
        assert_eq!(count, 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10);
    }
}
