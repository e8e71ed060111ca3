//! Bias, variance and test error of the fits of a degree.

use bolete::prelude::*;

use super::Config;
use crate::recipes::polynomial::{design, draw, fit, grid, truth};

/// Points of the grid on which bias and variance are integrated.
pub(super) const GRID: usize = 1000;

/// What is measured for a degree.
pub(super) struct Decomposition {
    /// The fits at the points of the grid, `[training sets, grid]`.
    pub curves: Tensor,
    pub bias: f64,
    pub variance: f64,
    pub test: f64,
}

impl Decomposition {
    /// By how much the sum differs from the test error, as a part of the latter.
    pub fn difference(&self, noise: f64) -> f64 {
        (self.bias + self.variance + noise * noise) / self.test - 1.0
    }
}

/// Fits polynomials of a degree to all training sets.
pub(super) fn measure(config: &Config, degree: usize) -> Decomposition {
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
