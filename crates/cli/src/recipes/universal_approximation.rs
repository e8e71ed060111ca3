//! `universal_approximation`: a curve as a sum of steps and of ReLUs, put together by hand and learned.
//!
//! Cybenko, *Approximation by superpositions of a sigmoidal function* (1989); Hornik, *Approximation capabilities of
//! multilayer feedforward networks* (1991); Leshno et al., *Multilayer feedforward networks with a nonpolynomial
//! activation function can approximate any function* (1993).

mod figures;
mod knots;
mod shallow;
mod steps;
mod training;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use shallow::Sampled;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the first weights of networks that are trained.
    pub seed: u64,
    /// Ends of the interval.
    pub interval: [f64; 2],
    /// Numbers of steps, one for each picture of the animation.
    pub steps: Vec<usize>,
    /// Knots of the greedy approximation by ReLUs, both ends among them.
    #[schemars(range(min = 2, max = 1000))]
    pub knots: usize,
    /// Numbers of hidden units of networks that are trained.
    pub hidden: Vec<usize>,
    /// Steps of Adam for each of them.
    #[schemars(range(min = 1, max = 1000000))]
    pub updates: usize,
    /// The learning rate at the start; it falls to a hundredth along half a cosine.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub rate: f64,
}

impl Default for Config {
    fn default() -> Config {
        UniversalApproximation::config(Setting::Full)
    }
}

/// The recipe.
pub struct UniversalApproximation;

impl Recipe for UniversalApproximation {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "universal_approximation",
        about: "a curve as a sum of steps and of ReLUs: constructed, greedy and trained, error against units",
        group: Group::Lecture(2),
        expected: "orders of the error near -1 for steps and -2 for ReLUs; largest error 0.23 with 13 knots, 0.042 with 256 \
                   trained units",
        time: "20 s",
    };

    fn config(setting: Setting) -> Config {
        let (hidden, updates) = match setting {
            Setting::Full => (vec![2, 4, 8, 16, 32, 64, 128, 256], 10_000),
            Setting::Quick => (vec![4, 16, 64], 4_000),
            Setting::Smoke => (vec![4], 20),
        };
        let steps = vec![1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128];
        Config { seed: 0, interval: [-5.0, 6.0], steps, knots: 13, hidden, updates, rate: 0.02 }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        Ok(format!(
            "Data: the curve 0.02 ((x - 0.333)⁴ - 30 x²) on [{}, {}]\n\
             Model: c + Σ wᵢ φ(x + bᵢ) with φ a step or a ReLU",
            config.interval[0], config.interval[1]
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let [low, high] = config.interval;
        anyhow::ensure!(
            low < high,
            "`interval` must be two numbers, the smaller one first, found [{low}, {high}]"
        );
        let truth = Sampled::new(low, high, 2_201);
        let curves = [
            ("steps", steps::run(config, session, &truth)?),
            ("ReLU, greedy", knots::run(config, session, &truth)?),
            ("ReLU, trained", training::run(config, session, &truth)?),
        ];
        figures::errors(session, &curves)
    }
}

/// Numbers of units with the largest error of each.
type Errors = Vec<(f64, f64)>;

/// Slope of the straight line through the logarithms of both.
fn order(counts: &[f64], errors: &[f64]) -> f64 {
    let logarithms = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<f64>>();
    let (x, y) = (logarithms(counts), logarithms(errors));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (x_mean, y_mean) = (mean(&x), mean(&y));
    let covariance: f64 = x.iter().zip(&y).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    covariance / x.iter().map(|x| (x - x_mean).powi(2)).sum::<f64>()
}
