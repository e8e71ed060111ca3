//! `bias_variance`: where the error of a model comes from, measured over many training sets.
//!
//! Averaged over training sets d, the expected squared error at x is σ² + (E_d f_d(x) − g(x))² + V_d f_d(x): noise,
//! squared bias, variance. Both sides are measured on their own and compared.

mod figures;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::polynomial::{design, draw, fit, grid, truth};
use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

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

/// What is measured for a degree.
struct Decomposition {
    /// The fits at the points of the grid, `[training sets, grid]`.
    curves: Tensor,
    bias: f64,
    variance: f64,
    test: f64,
}

impl Decomposition {
    /// By how much the sum differs from the test error, as a part of the latter.
    fn difference(&self, noise: f64) -> f64 {
        (self.bias + self.variance + noise * noise) / self.test - 1.0
    }
}

/// Points of the grid on which bias and variance are integrated.
const GRID: usize = 1000;

fn measure(config: &Config, degree: usize) -> Decomposition {
    let (x, y) = draw(config.seed, &[config.training_sets, config.points], config.noise);
    let weights = fit(&x, &y, degree);
    let grid = grid(GRID);
    let curves = weights.matmul(&design(&grid, degree).t());
    let bias = (curves.mean(0) - truth(&grid)).square().mean(..).item();
    // Over the training sets that there are: their mean is the expectation, so nothing is corrected.
    let variance = curves.var(0, 0).mean(..).item();
    let mut step = Step::new(move |(weights, x, y): (Tensor, Tensor, Tensor)| {
        let values = design(&x, degree).matmul(&weights.t());
        (values - y.unsqueeze(-1)).square().mean(..)
    });
    let rounds = config.test_thousands.div_ceil(10);
    let tests = (1..=rounds as u64).map(|round| {
        let seed = config.seed.wrapping_add(round);
        let (x, y) = draw(seed, &[1000 * config.test_thousands / rounds], config.noise);
        step.call((weights.clone(), x, y)).item()
    });
    let test = tests.sum::<f64>() / rounds as f64;
    Decomposition { curves, bias, variance, test }
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
        let noise = config.noise;
        let rows = all.iter().enumerate().map(|(index, found)| {
            let (bias, variance) = (found.bias, found.variance);
            let noise = noise * noise;
            let numbers = [bias, variance, noise, bias + variance + noise, found.test];
            let mut row = vec![(index + 1).to_string()];
            row.extend(numbers.map(|value| format!("{value:.2}")));
            row.push(format!("{:+.2} %", found.difference(config.noise) * 100.0));
            row
        });
        session.table(
            "Integrated over the inputs",
            &["degree", "bias²", "variance", "noise", "sum", "test error", "difference"],
            rows.collect(),
        )?;
        let worst = all.iter().map(|found| found.difference(noise).abs()).fold(0.0, f64::max);
        session.result("largest difference between sum and test error", worst, "below 0.02")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_add_up_to_the_test_error_and_move_against_each_other() {
        let config = Config { test_thousands: 100, ..Config::default() };
        let found = [1, 3, 5].map(|degree| measure(&config, degree));
        for one in &found {
            assert!(one.difference(config.noise).abs() < 0.02, "{}", one.difference(config.noise));
        }
        let [line, cubic, bent] = found;
        // The truth is a cubic: a line cannot follow it, and what bends more costs variance. The line has some too, as
        // what it makes of a cubic depends on where the points are.
        assert!(line.bias > 100.0 * cubic.bias, "{} {}", line.bias, cubic.bias);
        assert!(bent.variance > 10.0 * cubic.variance, "{} {}", bent.variance, cubic.variance);
        assert!(bent.bias < line.bias / 10.0, "{} {}", bent.bias, line.bias);
    }
}
