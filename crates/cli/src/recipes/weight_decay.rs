//! `weight_decay`: the L2 penalty against decoupled weight decay, and what either does to a network that could learn by heart.

mod by_heart;
mod figures;
mod forms;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use crate::trial::VectorDigits;
use by_heart::{gap_table, spoil, train};

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random; the seeds of the repetitions follow it.
    seed: u64,
    /// λ of the comparison of the forms.
    #[schemars(range(min = 0.0))]
    decay: f64,
    /// Updates of that comparison.
    #[schemars(range(min = 1))]
    compared: u64,
    /// Digits to learn from, few.
    #[schemars(range(min = 50, max = 1000000))]
    train_size: usize,
    /// The part of them whose labels are drawn anew.
    #[schemars(range(min = 0.0, max = 1.0))]
    wrong: f64,
    /// Digits to test on.
    #[schemars(range(min = 1, max = 1000000))]
    test_size: usize,
    /// Units of the hidden layer.
    #[schemars(range(min = 1, max = 8192))]
    hidden: usize,
    /// Updates of AdamW with batches of 50 at the learning rate 0.001.
    #[schemars(range(min = 1))]
    steps: u64,
    /// Decoupled decays that are tried, none first.
    decays: Vec<f64>,
    /// Seeds with which each is tried.
    #[schemars(range(min = 1, max = 100))]
    seeds: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: None,
            seed: 0,
            decay: 0.01,
            compared: 500,
            train_size: 500,
            wrong: 0.2,
            test_size: 2000,
            hidden: 256,
            steps: 2000,
            decays: vec![0.0, 1.0, 3.0, 10.0],
            seeds: 3,
        }
    }
}

/// The recipe.
pub struct WeightDecayStudy;

impl Recipe for WeightDecayStudy {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "weight_decay",
        about: "L2 penalty against decoupled decay; the gap between training and test on few digits with wrong labels",
        group: Group::Lecture(4),
        expected: "SGD: penalty and decoupled decay are one up to rounding; momentum and Adam: 26 and 27 % apart; gap \
                   on MNIST with wrong labels 29.1 % without decay, 19.1 % with 10, test loss 1.25 and 0.89",
        time: "35 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => {
                Config { compared: 200, hidden: 128, steps: 500, test_size: 1000, seeds: 2, ..whole }
            }
            Setting::Smoke => Config {
                compared: 3,
                train_size: 60,
                test_size: 20,
                hidden: 8,
                steps: 4,
                decays: vec![0.0, 1.0],
                seeds: 1,
                ..whole
            },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let mut digits =
            VectorDigits::load(config.data.as_deref(), config.train_size, config.test_size, config.seed)?;
        session.heading("The penalty and the decay")?;
        session.say(&format!(
            "A linear classifier of digits is trained three times from the same weights in the same order, in 64-bit numbers: \
             with λ/2 ‖θ‖² in the loss, with λθ added to the gradient, and with θ ← θ − γλθ beside the update; λ = {}, {} \
             updates. For SGD without momentum all three are the same equation. Momentum remembers the pull of the penalty \
             from earlier weights, and Adam divides it by the size of the gradients: parameters with large gradients are \
             hardly decayed at all. AdamW keeps the pull out of that.",
            config.decay, config.compared
        ))?;
        forms::run(config, session, &digits)?;

        session.heading("Learning by heart")?;
        let wrong = spoil(&mut digits.train, config.wrong, config.seed);
        session.say(&format!(
            "{}; of {} labels to learn from {wrong} are now wrong. A network with {} hidden units can learn them all by heart; \
             doing so takes large weights, and what it costs is seen on the test set, whose labels are right.",
            digits.source, config.train_size, config.hidden
        ))?;
        let trained = train(config, session, &digits)?;
        gap_table(session, &trained)?;
        let caption = "Means over seeds, and one deviation around them.";
        session.figure("over-time", caption, &figures::over_time(&trained))
    }
}
