//! `bias_variance`: where the error of a model comes from, measured over many training sets.
//!
//! Averaged over training sets d, the expected squared error at x is σ² + (E_d f_d(x) − g(x))² + V_d f_d(x): noise,
//! squared bias, variance. Both sides are measured on their own and compared.

mod decomposition;
mod figures;
mod tables;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use decomposition::measure;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides everything random.
    seed: u64,
    /// Training sets that are drawn, the same for all degrees.
    #[schemars(range(min = 2, max = 10000))]
    training_sets: usize,
    /// Points of a training set.
    #[schemars(range(min = 2, max = 10000))]
    points: usize,
    /// Standard deviation of the noise.
    #[schemars(range(min = 0.0, max = 1000.0))]
    noise: f64,
    /// Degrees from 1 to this one are fitted.
    #[schemars(range(min = 1, max = 20))]
    highest_degree: usize,
    /// Points with noise of their own on which each fit is tested, in thousands.
    #[schemars(range(min = 1, max = 100000))]
    test_thousands: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: 0,
            training_sets: 200,
            points: 15,
            noise: 10.0,
            highest_degree: 5,
            test_thousands: 1000,
        }
    }
}

/// The recipe.
pub struct BiasVariance;

impl Recipe for BiasVariance {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "bias_variance",
        about: "bias, variance and noise of polynomial regression over 200 training sets",
        group: Group::Lecture(1),
        expected: "bias² + variance + noise is the test error within 2 % (measured: 0.07 %)",
        time: "3 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config { test_thousands: 200, ..whole },
            Setting::Smoke => Config { training_sets: 20, highest_degree: 2, test_thousands: 10, ..whole },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        anyhow::ensure!(
            config.highest_degree < config.points,
            "highest_degree is {}, but {} points determine polynomials up to degree {} only",
            config.highest_degree,
            config.points,
            config.points - 1
        );
        session.heading("Bias and variance")?;
        session.say(&format!(
            "{} training sets of {} points each. A polynomial of each degree is fitted to each set; what the fits have in \
             common differs from the truth by the bias, and what sets them apart is the variance.",
            config.training_sets, config.points
        ))?;
        let mut all = Vec::new();
        for degree in 1..=config.highest_degree {
            session.progress(&format!("degree {degree} of {}", config.highest_degree))?;
            all.push(measure(config, degree));
        }
        tables::parts(config, session, &all)?;
        session.figure(
            "spaghetti",
            "A thin line for each training set, and their mean.",
            &figures::spaghetti(&all),
        )?;
        session.figure(
            "bands",
            "The mean of the fits with one standard deviation on both sides, and what the error consists of.",
            &figures::bands(config, &all),
        )?;
        session.say(
            "A straight line is wrong in the same way every time: much bias, little variance. With the degree the bias \
             vanishes, as the truth is a cubic, and the variance explodes, most of all at the ends, where a fit to points \
             further inside is extended beyond them. The test errors are measured on points with noise of their own, bias \
             and variance on a grid without any.",
        )
    }
}
