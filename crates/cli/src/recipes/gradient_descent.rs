//! `gradient_descent`: steps down a curve, one at a time; all data against one example; and when to stop computing.
//!
//! Bottou and Bousquet, *The tradeoffs of large scale learning* (2008).

mod curve;
mod figures;
mod line;
mod trade_off;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use curve::curve;

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides data and the order in which examples are drawn.
    pub seed: u64,
    /// Steps on the curve.
    #[schemars(range(min = 1, max = 1000))]
    pub steps: usize,
    /// Examples of the straight line that is fitted.
    #[schemars(range(min = 2, max = 1000000))]
    pub examples: usize,
    /// Steps of the two trajectories.
    #[schemars(range(min = 1, max = 1000000))]
    pub trajectory: usize,
    /// The learning rate of both trajectories.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub rate: f64,
    /// Batches of each size from which the variance of the gradient is measured.
    #[schemars(range(min = 2, max = 10000000))]
    pub batches: usize,
    /// Training examples of the trade-off between methods.
    #[schemars(range(min = 10, max = 10000000))]
    pub train_size: usize,
    /// Passes over the training examples that each method may compute.
    #[schemars(range(min = 1, max = 10000))]
    pub passes: usize,
}

impl Default for Config {
    fn default() -> Config {
        GradientDescent::config(Setting::Full)
    }
}

/// The recipe.
pub struct GradientDescent;

impl Recipe for GradientDescent {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "gradient_descent",
        about: "gradient descent on a curve; batch against stochastic; the noise of the gradient; error against compute",
        group: Group::Lecture(2),
        expected: "minima at -3.361 and 4.363; variance of order -1.00 in the batch size; after one pass the excess test loss \
                   is 300 times larger with all examples per step than with 10",
        time: "4 s",
    };

    fn config(setting: Setting) -> Config {
        let (batches, train_size, passes) = match setting {
            Setting::Full => (20_000, 100_000, 100),
            Setting::Quick => (2_000, 20_000, 50),
            Setting::Smoke => (200, 500, 2),
        };
        Config { seed: 0, steps: 14, examples: 100, trajectory: 300, rate: 0.05, batches, train_size, passes }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        Ok(format!(
            "Data: the curve L(x) = 0.02 ((x - 0.333)⁴ - 30 x²); {} points near a line; {} examples in 20 dimensions\n\
             Model: x itself; a line; logistic regression",
            config.examples, config.train_size
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        curve::run(config, session)?;
        line::run(config, session)?;
        trade_off::run(config, session)
    }
}
