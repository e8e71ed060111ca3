//! `normalisation`: of batches, of layers, and of the inputs.

mod comparison;
mod figures;
mod inputs;
mod layers;
mod standardisation;
mod statistics;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use crate::trial::VectorDigits;
use comparison::{batch_table, by_batch, by_rate, rate_table};

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random.
    seed: u64,
    /// Units of each of the three hidden layers.
    #[schemars(range(min = 1, max = 4096))]
    hidden: usize,
    /// Digits per update.
    #[schemars(range(min = 2, max = 100000))]
    batch: usize,
    /// Updates at each learning rate.
    #[schemars(range(min = 1))]
    steps: u64,
    /// Learning rates that are tried.
    rates: Vec<f64>,
    /// Batch sizes that are tried.
    batches: Vec<usize>,
    /// Digits that are seen at each batch size.
    #[schemars(range(min = 1))]
    seen: u64,
    /// Seeds with which each network is trained.
    #[schemars(range(min = 1, max = 100))]
    seeds: u64,
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
            hidden: 100,
            batch: 60,
            steps: 2000,
            rates: vec![0.01, 0.1, 1.0, 10.0],
            batches: vec![2, 4, 8, 16, 64, 256],
            seen: 60_000,
            seeds: 3,
            train_size: 12_000,
            test_size: 2000,
        }
    }
}

/// The recipe.
pub struct NormalisationStudy;

impl Recipe for NormalisationStudy {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "normalisation",
        about: "batch and layer normalisation by learning rate and batch size; standardised inputs and an outlier",
        group: Group::Lecture(4),
        expected: "MNIST, 3 seeds: at the rate 0.01 46 % without, 86 % with batch and 87 % with layer normalisation; at \
                   10 50 ± 35, 93 and 91 %; batches of 2: 58 % with batch, 90 % with layer normalisation",
        time: "2 min",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config {
                hidden: 50,
                steps: 400,
                rates: vec![0.1, 1.0, 10.0],
                batches: vec![2, 8, 64],
                seen: 8000,
                seeds: 2,
                train_size: 4000,
                test_size: 500,
                ..whole
            },
            Setting::Smoke => Config {
                hidden: 8,
                batch: 8,
                steps: 4,
                rates: vec![0.1],
                batches: vec![4],
                seen: 16,
                seeds: 1,
                train_size: 64,
                test_size: 20,
                ..whole
            },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        session.heading("Batch normalisation by itself")?;
        statistics::run(session)?;
        session.heading("Batch normalisation in training")?;
        let digits =
            VectorDigits::load(config.data.as_deref(), config.train_size, config.test_size, config.seed)?;
        session.say(&format!(
            "784 inputs, three hidden layers of {} sigmoids, plain SGD with batches of {}; {}. Normalised, each unit works where \
             its sigmoid is steep whatever the layers before it do, so that larger learning rates are possible. Means and \
             deviations over {} seeds.",
            config.hidden, config.batch, digits.source, config.seeds
        ))?;
        let by_rate = by_rate(config, session, &digits)?;
        rate_table(session, &by_rate)?;
        let caption = "Means over seeds, and one deviation around them.";
        session.figure("by-step", caption, &figures::by_step(&config.rates, &by_rate))?;
        session.heading("Small batches")?;
        session.say(&format!(
            "{} digits are seen at each batch size, at a rate proportional to it. The statistics of a small batch are noise that \
             every item of it suffers from; layer normalisation looks at one item alone and does not care.",
            config.seen
        ))?;
        let by_batch = by_batch(config, session, &digits)?;
        batch_table(session, &by_batch)?;
        session.figure("at-the-end", caption, &figures::at_the_end(&by_rate, &by_batch))?;
        session.heading("Standardised inputs")?;
        standardisation::run(config, session)
    }
}
