//! `optimisers`: how the optimisers of the library move on functions of two numbers.

mod beale;
mod bowls;
pub mod figures;
pub mod race;
pub mod surface;
mod tables;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use race::racers;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the noise of stochastic gradient descent.
    seed: u64,
    /// Updates of each optimiser.
    #[schemars(range(min = 10, max = 100000))]
    steps: usize,
    /// Learning rate of gradient descent, SGD, momentum and Nesterov's momentum.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    descent_rate: f64,
    /// Learning rate of AdaGrad, RMSProp and Adam with its kin.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    adaptive_rate: f64,
    /// Standard deviation of the noise that SGD has in each element of the gradient.
    #[schemars(range(min = 0.0))]
    noise: f64,
    /// Learning rates at which every optimiser is tried, from 0.0001 to 10.
    #[schemars(range(min = 2, max = 1000))]
    rates: usize,
    /// Frames of the animation.
    #[schemars(range(min = 2, max = 300))]
    frames: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: 0,
            steps: 300,
            descent_rate: 0.01,
            adaptive_rate: 0.1,
            noise: 3.0,
            rates: 41,
            frames: 60,
        }
    }
}

/// The recipe.
pub struct Optimisers;

impl Recipe for Optimisers {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "optimisers",
        about: "all optimisers on Beale's function and on bowls: trajectories, distances, learning rates",
        group: Group::Lecture(4),
        expected: "Beale's function at the best of 41 rates: Adam 1e-7 from the minimum, Nesterov 7e-7, momentum 4e-6, \
                   gradient descent 0.008; factors on bowls 1 − γ × curvature up to rounding",
        time: "4 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config { rates: 16, frames: 40, ..whole },
            Setting::Smoke => Config { steps: 20, rates: 2, frames: 3, ..whole },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let racers = racers(config.descent_rate, config.adaptive_rate);
        beale::run(config, session, &racers)?;
        bowls::run(config, session, &racers)
    }
}
