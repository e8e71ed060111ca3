//! `discriminant`: linear discriminant analysis and logistic regression, two ways to the same kind of boundary.
//!
//! Fisher, *The use of multiple measurements in taxonomic problems* (1936); Bishop, *Pattern Recognition and Machine
//! Learning* (2006), sections 4.2 (discriminant) and 4.3.3 (logistic regression by Newton's method).

mod boundary;
mod case;
mod figures;
mod study;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use case::Case;
use study::study;

/// The means of the two classes.
const MEANS: [[f64; 2]; 2] = [[0.0, 0.0], [1.0, 0.0]];
/// A round class.
const ROUND: [[f64; 2]; 2] = [[1.0, 0.0], [0.0, 1.0]];
/// A class that is long and thin: eigenvalues 5.008 and 0.002.
const THIN: [[f64; 2]; 2] = [[0.01, 0.2], [0.2, 5.0]];

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the points.
    pub seed: u64,
    /// Points of each class.
    #[schemars(range(min = 10, max = 1000000))]
    pub per_class: usize,
    /// Fresh points of each class on which errors are measured.
    #[schemars(range(min = 10, max = 10000000))]
    pub test_per_class: usize,
    /// Most iterations of Newton's method.
    #[schemars(range(min = 1, max = 1000))]
    pub iterations: usize,
}

impl Default for Config {
    fn default() -> Config {
        Discriminant::config(Setting::Full)
    }
}

/// The recipe.
pub struct Discriminant;

impl Recipe for Discriminant {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "discriminant",
        about: "linear discriminant analysis in three cases, with logistic regression by Newton's method beside it",
        group: Group::Lecture(2),
        expected: "errors on fresh points 0.309, 0 and 0.152 for the discriminant, 0.309, 0 and 0.128 for logistic regression, \
                   0.309, 0 and 0.031 for the true densities",
        time: "4 s",
    };

    fn config(setting: Setting) -> Config {
        let test_per_class = match setting {
            Setting::Full => 1_000_000,
            Setting::Quick => 100_000,
            Setting::Smoke => 1_000,
        };
        Config { seed: 0, per_class: 300, test_per_class, iterations: 25 }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        Ok(format!(
            "Data: two normal classes of {} points each with means (0, 0) and (1, 0), in three cases of covariance\n\
             Model: P(class 1 | x) = sigmoid(w·x + b), with w and b from class means and covariance or by maximum likelihood",
            config.per_class
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        session.say(
            "If both classes are normal with the same covariance Σ, Bayes' rule gives P(1|x) = sigmoid(w·x + b) with \
             w = Σ⁻¹(μ₁ - μ₀): a line. Discriminant analysis estimates means and covariance and computes w; logistic \
             regression looks for the w and b that make the labels most likely, without assuming anything about x.",
        )?;
        let cases = [
            ("both round", [ROUND, ROUND], "0.309, which is Φ(-1/2)"),
            ("both long and thin", [THIN, THIN], "0: the classes are 22 standard deviations apart"),
            ("one of each", [ROUND, THIN], ""),
        ];
        let (mut panels, mut fits) = (Vec::new(), Vec::new());
        for (number, (name, covariances, expected)) in cases.into_iter().enumerate() {
            session.check()?;
            session.heading(&format!("Case {}: {name}", number + 1))?;
            let case =
                Case::new(covariances, config.per_class, config.test_per_class, config.seed + number as u64);
            let (discriminant, logistic) = study(&case, config, session, expected)?;
            panels.push(figures::panel(name, &case, &discriminant, &logistic.line));
            fits.push((name, logistic));
        }
        session.say(
            "In the third case no line is right: with different covariances the best boundary is a conic section, and \
             the true densities make far fewer errors. Logistic regression, which assumes less, gets closer than the \
             discriminant, whose assumption is wrong there.",
        )?;
        figures::cases(session, panels)?;
        figures::newton(session, &fits)
    }
}
