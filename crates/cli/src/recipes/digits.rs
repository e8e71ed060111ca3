//! `digits`: a network of the LeNet type that learns to read handwritten digits.
//!
//! The network is that of LeCun, Bottou, Bengio, Haffner, *Gradient-based learning applied to document recognition* (1998),
//! with today's parts: ReLU, max pooling, dropout, AdamW.

mod network;
mod reading;

use std::path::PathBuf;

use bolete::data::augmentation::Crop;
use bolete::data::{Augmentation, TrainTest};
use bolete::prelude::*;
use bolete::train::{Goal, Monitor, OptimiserConfig, RunFolder, ScheduleKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handwriting::{self, Classifier};
use crate::pictures::SIDE;
use crate::recipe::{Entry, EvalRequest, Group, Recipe, Setting};
use crate::session::Session;
use crate::terminal;
use network::{network, trained};

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random: first weights, order, dropout, the drawn digits.
    seed: u64,
    /// Training pictures: the first of the files, or drawn ones; without it all, or 60,000 drawn.
    #[schemars(range(min = 1, max = 1000000))]
    train_size: Option<usize>,
    /// Test pictures: the first of the files, or drawn ones; without it all, or 10,000 drawn.
    #[schemars(range(min = 1, max = 1000000))]
    test_size: Option<usize>,
    /// Pictures per step.
    #[schemars(range(min = 1, max = 100000))]
    batch_size: usize,
    /// Pictures are moved by up to this many pixels in training.
    #[schemars(range(max = 10))]
    shift: usize,
    /// Channels of the two convolutions.
    channels: [usize; 2],
    /// Units of the hidden layer.
    #[schemars(range(min = 1, max = 16384))]
    hidden: usize,
    /// The part of the hidden units that is dropped in training.
    #[schemars(range(min = 0.0, max = 0.95))]
    dropout: f64,
    /// The part of the target's probability that is spread over all classes.
    #[schemars(range(min = 0.0, max = 0.9))]
    label_smoothing: f64,
    /// How parameters follow gradients.
    optimizer: OptimiserConfig,
    /// How long and how often.
    trainer: TrainerConfig,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: None,
            seed: 0,
            train_size: None,
            test_size: None,
            batch_size: 64,
            shift: 1,
            channels: [16, 32],
            hidden: 128,
            dropout: 0.25,
            label_smoothing: 0.0,
            optimizer: OptimiserConfig {
                lr: 2e-3,
                schedule: ScheduleKind::Cosine,
                warm_up: 0.05,
                last: 0.01,
                ..OptimiserConfig::default()
            },
            trainer: TrainerConfig {
                epochs: 3,
                monitor: Monitor { measure: "accuracy".to_owned(), goal: Goal::Highest },
                ..TrainerConfig::default()
            },
        }
    }
}

/// The recipe.
pub struct Digits;

impl Recipe for Digits {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "digits",
        about: "read handwritten digits: a LeNet-type network, on drawn digits or on IDX files such as MNIST",
        group: Group::Application("image recognition"),
        expected: "99.3 % of MNIST's test digits after 3 epochs; 98.6 % of unseen drawn ones",
        time: "under a minute",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        let (train_size, test_size, epochs) = match setting {
            Setting::Full => return whole,
            Setting::Quick => (10_000, 2_000, 2),
            Setting::Smoke => (400, 100, 1),
        };
        let trainer = TrainerConfig { epochs, ..whole.trainer.clone() };
        Config { train_size: Some(train_size), test_size: Some(test_size), trainer, ..whole }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        let origin = handwriting::origin(config.data.as_deref());
        let summary = summarise(&network(config), [1, 1, SIDE, SIDE]);
        Ok(format!("Data: digits {origin}; gray pictures of 28×28\n\n{summary}"))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let Config { data, seed, .. } = config;
        let TrainTest { train, test } =
            handwriting::load(data.as_deref(), config.train_size, config.test_size, *seed)?;
        let model = network(config);
        session.preformatted("Model", &summarise(&model, [1, 1, SIDE, SIDE]).to_string())?;
        let (learned, tested) = (train.labels().len(), test.labels().len());
        let origin = handwriting::origin(data.as_deref());
        session.say(&format!("{learned} digits to learn from, {tested} to test on, {origin}."))?;

        let train = train.with_augmentation(Augmentation::of(Crop::padded(config.shift)));
        let (expected, shown) = ("0.993 on MNIST, 0.986 on drawn digits", test.clone());
        let panel = |model: &Sequential| Some(reading::some(model, &shown, 3));
        let digits = TrainTest { train, test };
        let fit = classifier(config).fit(session, &model, digits, expected, panel)?;
        session.print(&format!("\n{}", reading::some(fit.state.used(), &shown, 6)))?;
        let run = session.run().path().display().to_string();
        session.print(&format!(
            "\nThe run is in {run}. Next:\n  bolete eval --run {run} --data DIR\n  bolete predict --run {run} FILE.png\n"
        ))
    }

    fn evaluate(config: &Config, run: &RunFolder, request: &EvalRequest) -> anyhow::Result<()> {
        let model = trained(config, run, request.best)?;
        let test = handwriting::load_tests(request.data.as_deref(), request.test_size, request.seed)?;
        let (count, origin) = (test.labels().len(), handwriting::origin(request.data.as_deref()));
        let evaluation = classifier(config).evaluate(&model, test)?;
        terminal::print(&format!("{count} digits {origin}\n"))?;
        terminal::print(&terminal::evaluation(&evaluation))
    }

    fn predict(config: &Config, run: &RunFolder, files: &[PathBuf]) -> anyhow::Result<()> {
        reading::files(&trained(config, run, false)?, files)
    }
}

/// How the network learns.
fn classifier(config: &Config) -> Classifier<'_> {
    Classifier {
        optimizer: &config.optimizer,
        trainer: &config.trainer,
        batch_size: config.batch_size,
        label_smoothing: config.label_smoothing,
        seed: config.seed,
    }
}
