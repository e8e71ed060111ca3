//! `schedules`: learning rates over time, and what they do to the same training.

mod catalogue;
mod comparison;
mod figures;
mod tables;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use crate::trial::VectorDigits;
use catalogue::DRAWN;
use comparison::compare;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random; the seeds of the repetitions follow it.
    seed: u64,
    /// Units of the hidden layer.
    #[schemars(range(min = 1, max = 4096))]
    hidden: usize,
    /// Digits per update.
    #[schemars(range(min = 1, max = 100000))]
    batch: usize,
    /// Updates of each training; every schedule is stretched over them.
    #[schemars(range(min = 20))]
    steps: u64,
    /// The largest learning rates that are tried, with momentum 0.9.
    rates: Vec<f64>,
    /// Seeds with which each schedule is tried.
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
            hidden: 64,
            batch: 64,
            steps: 1000,
            rates: vec![0.03, 0.1, 0.3],
            seeds: 5,
            train_size: 8000,
            test_size: 2000,
        }
    }
}

/// The recipe.
pub struct Schedules;

impl Recipe for Schedules {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "schedules",
        about: "all schedules of the learning rate drawn, and compared in training with the same budget",
        group: Group::Lecture(4),
        expected: "test loss on MNIST at the best rate, 5 seeds: 0.230 (milestones, longer restarts), 0.234 (one \
                   cycle), 0.235 (cosine), 0.257 (constant), 0.270 (step decay), each ± 0.002 to 0.010",
        time: "40 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config {
                hidden: 32,
                steps: 250,
                rates: vec![0.03, 0.1],
                seeds: 3,
                train_size: 2000,
                test_size: 500,
                ..whole
            },
            Setting::Smoke => Config {
                hidden: 8,
                batch: 16,
                steps: 20,
                rates: vec![0.1],
                seeds: 1,
                train_size: 64,
                test_size: 20,
                ..whole
            },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        session.heading("Schedules")?;
        session.say(
            "Large steps at the beginning, small ones at the end: noise of the batches keeps a constant rate from settling. \
             Warm-up avoids large steps while momentum and scales know nothing yet; restarts leave a valley to look for \
             another one.",
        )?;
        let (steps, warm_up, cycles) = DRAWN;
        let drawn = catalogue::all(steps, warm_up, cycles);
        tables::factors(session, &drawn, steps)?;
        let caption = "The factor by step; the plateau's reacts to the loss drawn in gray.";
        session.figure("schedules", caption, &figures::drawn(&drawn, steps))?;
        tables::restarts(session, &drawn)?;

        session.heading("In training")?;
        let digits =
            VectorDigits::load(config.data.as_deref(), config.train_size, config.test_size, config.seed)?;
        session.say(&format!(
            "The same network (784, {}, 10, ReLU), SGD with momentum 0.9, {} updates with batches of {}, {} seeds that \
             decide first weights and order; {}. Each schedule is tried at the largest rates {:?}; the spread is the standard \
             deviation over seeds.",
            config.hidden, config.steps, config.batch, config.seeds, digits.source, config.rates
        ))?;
        let tried = compare(config, session, &digits)?;
        tables::comparison(session, &tried)
    }
}
