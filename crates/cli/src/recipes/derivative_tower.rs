//! `derivative_tower`: derivatives of derivatives, the graphs that they leave, and finite differences beside them.

mod derivatives;
mod figures;
mod finite_differences;
mod graphs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Nothing is random here; every recipe has one.
    seed: u64,
    /// Curves go from minus this to this.
    #[schemars(range(min = 0.1, max = 100.0))]
    reach: f64,
    /// Distance between the points of a curve.
    #[schemars(range(min = 0.0001, max = 10.0))]
    spacing: f64,
    /// Where finite differences are compared with the derivative.
    #[schemars(range(min = -20.0, max = 20.0))]
    point: f64,
    /// Steps of finite differences per power of ten.
    #[schemars(range(min = 1, max = 100))]
    steps_per_decade: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { seed: 0, reach: 5.0, spacing: 0.1, point: 0.5, steps_per_decade: 8 }
    }
}

/// The recipe.
pub struct DerivativeTower;

impl Recipe for DerivativeTower {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "derivative_tower",
        about: "derivatives of tanh of orders 1 to 3, the graphs they leave, and the round-off of finite differences",
        group: Group::Lecture(3),
        expected: "1, -0, -2 at 0; errors to the formulas of 5e-16; finite differences in f64 at best 4e-9 (one-sided), 3e-13 (central)",
        time: "1 s",
    };

    fn config(setting: Setting) -> Config {
        match setting {
            Setting::Full | Setting::Quick => Config::default(),
            Setting::Smoke => Config { spacing: 1.0, steps_per_decade: 1, ..Config::default() },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        derivatives::run(config, session)?;
        graphs::run(session)?;
        finite_differences::run(config, session)
    }
}
