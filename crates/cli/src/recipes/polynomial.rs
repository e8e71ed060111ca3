//! `polynomial`: regression by polynomials of growing degree, the first experiment with capacity.
//!
//! The weights are those of least squares, w = argmin ‖X w − y‖², by the singular values of X in double precision. The
//! normal equations, w = (XᵀX)⁻¹ Xᵀy, would square the condition number of X. Powers are those of x / 10, which lie in
//! [−1, 1]: the same polynomials, and far smaller condition numbers.

mod capacity;
mod consistency;
mod course;
mod figures;
mod regression;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use course::training_points;
pub(super) use regression::{REACH, design, draw, fit, grid, truth};

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides everything random.
    seed: u64,
    /// Whether the 15 training points are those of the course; else `points` of them are drawn.
    course_points: bool,
    /// Training points, if they are drawn.
    #[schemars(range(min = 2, max = 100000))]
    points: usize,
    /// Points to test on.
    #[schemars(range(min = 1, max = 10000000))]
    test_points: usize,
    /// Standard deviation of the noise.
    #[schemars(range(min = 0.0, max = 1000.0))]
    noise: f64,
    /// The errors are measured for the degrees from 1 to this one.
    #[schemars(range(min = 1, max = 20))]
    highest_degree: usize,
    /// Degrees whose fits are drawn.
    degrees: Vec<usize>,
    /// Sizes of the training sets that show consistency.
    sizes: Vec<usize>,
    /// The degree that is fitted to them.
    #[schemars(range(min = 1, max = 20))]
    consistency_degree: usize,
    /// Training sets per size.
    #[schemars(range(min = 1, max = 10000))]
    repetitions: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: 0,
            course_points: true,
            points: 15,
            test_points: 10_000,
            noise: 10.0,
            highest_degree: 12,
            degrees: vec![1, 2, 3, 4, 5, 10],
            sizes: vec![5, 10, 50, 100, 500],
            consistency_degree: 3,
            repetitions: 200,
        }
    }
}

/// The recipe.
pub struct Polynomial;

impl Recipe for Polynomial {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "polynomial",
        about: "polynomial regression by least squares: capacity, train and test error, consistency",
        group: Group::Lecture(1),
        expected: "training errors 320.97, 97.25, 59.24, 58.50, 51.98 for degrees 1 to 5, as in the course",
        time: "1 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full | Setting::Quick => whole,
            Setting::Smoke => {
                Config { test_points: 500, highest_degree: 5, sizes: vec![5, 50], repetitions: 20, ..whole }
            }
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let train = training_points(config);
        let points = train.0.elements();
        anyhow::ensure!(
            config.highest_degree < points,
            "highest_degree is {}, but {points} points determine polynomials up to degree {} only",
            config.highest_degree,
            points - 1
        );
        anyhow::ensure!(
            config.sizes.iter().all(|size| (1..=100_000).contains(size)),
            "sizes: from 1 to 100000 each, not {:?}",
            config.sizes
        );
        anyhow::ensure!(
            config.degrees.iter().all(|degree| (1..points).contains(degree)),
            "degrees: from 1 to {} each, as there are {points} points, not {:?}",
            points - 1,
            config.degrees
        );
        let test = draw(config.seed.wrapping_add(1), &[config.test_points], config.noise);
        capacity::run(config, session, &train, &test)?;
        consistency::run(config, session)
    }
}
