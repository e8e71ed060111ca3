//! `double_descent`: the test error of networks of growing width, past the point where they can learn everything by heart.
//!
//! After Belkin, Hsu, Ma, Mandal, *Reconciling modern machine learning practice and the bias-variance trade-off* (2018):
//! one hidden layer, squared loss, stochastic gradient descent with momentum, nothing that regularises. Below the
//! threshold each network starts from the weights of the one before it; without that, small networks do not reach the
//! minimum they are capable of.

mod digits;
mod figures;
mod network;
mod tables;
mod training;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use network::{CLASSES, Network, initial, parameters};
use training::{Trained, train};

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random.
    seed: u64,
    /// Training pictures.
    #[schemars(range(min = 10, max = 60000))]
    train_size: usize,
    /// Test pictures.
    #[schemars(range(min = 10, max = 60000))]
    test_size: usize,
    /// The part of the training pictures that get a random label.
    #[schemars(range(min = 0.0, max = 1.0))]
    label_noise: f64,
    /// Units of the hidden layer, ascending.
    widths: Vec<usize>,
    /// Most epochs for each width.
    #[schemars(range(min = 1, max = 100000))]
    epochs: usize,
    /// Training of a width ends when its training loss is below this.
    #[schemars(range(min = 0.0))]
    enough: f64,
    /// Pictures per step.
    #[schemars(range(min = 1, max = 60000))]
    batch_size: usize,
    /// Learning rate; it falls to a tenth over the epochs.
    #[schemars(range(min = 0.0))]
    lr: f64,
    /// How much of the last velocity is kept.
    #[schemars(range(min = 0.0, max = 0.999))]
    momentum: f64,
    /// Whether networks below the threshold start from the one before them.
    reuse: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: None,
            seed: 0,
            train_size: 4000,
            test_size: 10_000,
            label_noise: 0.0,
            widths: vec![4, 6, 8, 10, 13, 20, 28, 36, 44, 50, 58, 70, 90, 128, 200, 400, 1006],
            epochs: 1000,
            enough: 5e-4,
            batch_size: 100,
            lr: 0.01,
            momentum: 0.95,
            reuse: true,
        }
    }
}

/// The recipe.
pub struct DoubleDescent;

impl Recipe for DoubleDescent {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "double_descent",
        about: "test error against the number of parameters, past the point where everything is learned by heart",
        group: Group::Lecture(1),
        expected: "zero-one test error on 4,000 digits of MNIST: 19.3 % at 15,910 parameters, 22.7 % at the threshold \
                   of 40,000, 4.5 % at 800,000 (course: about 13, 21 and 4 to 5)",
        time: "5 to 8 min",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            // With a quarter of the pictures the threshold is at a quarter of the parameters.
            Setting::Quick => Config {
                train_size: 1000,
                test_size: 2000,
                widths: vec![2, 4, 7, 10, 13, 16, 24, 40, 100, 250],
                epochs: 600,
                ..whole
            },
            Setting::Smoke => Config {
                train_size: 100,
                test_size: 100,
                widths: vec![2, 4],
                epochs: 2,
                batch_size: 50,
                ..whole
            },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let sorted = config.widths.windows(2).all(|pair| pair[0] < pair[1]);
        anyhow::ensure!(
            sorted && config.widths.first().is_some_and(|first| *first > 0),
            "widths: at least one, from 1 on and ascending, not {:?}",
            config.widths
        );
        session.heading("Double descent")?;
        session.progress("reading digits")?;
        let (training, testing) = digits::load(config)?;
        let count = training.count();
        let threshold = count * CLASSES;
        let kind = if config.data.is_some() { "MNIST digits" } else { "drawn digits" };
        session.say(&format!(
            "{count} {kind} and networks with one hidden layer, trained on the squared loss. There are {count} · 10 numbers to \
             be learned: from about {threshold} parameters on, a network can get all of them right."
        ))?;
        let mut all: Vec<Trained> = Vec::new();
        let mut before: Option<Network> = None;
        for width in &config.widths {
            let smaller = before.as_ref().filter(|_| config.reuse && parameters(*width) <= threshold);
            let (network, epochs) = train(config, initial(config, *width, smaller), &training, session)?;
            let found = Trained {
                width: *width,
                epochs,
                train: training.losses(&network),
                test: testing.losses(&network),
            };
            session.print(&tables::row(&found).join("  "))?;
            session.print("\n")?;
            all.push(found);
            before = Some(network);
        }
        tables::report(session, &all, threshold)
    }
}
