//! `discriminant`: linear discriminant analysis and logistic regression, two ways to the same kind of boundary.
//!
//! Fisher, *The use of multiple measurements in taxonomic problems* (1936); Bishop, *Pattern Recognition and Machine
//! Learning* (2006), sections 4.2 (discriminant) and 4.3.3 (logistic regression by Newton's method).

mod boundary;
mod figures;

use bolete::plot::Axes;
use bolete::prelude::*;
use bolete::prob::MultivariateNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use boundary::{Fitted, Labelled, Line, by_lbfgs, discriminant, exact, logistic};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

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
        expected: "",
        time: "",
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
            let (panel, fitted) = case.study(name, config, session, expected)?;
            panels.push(panel);
            fits.push((name, fitted));
        }
        figures::cases(session, panels)?;
        figures::newton(session, &fits)
    }
}

/// Two classes and points of them.
struct Case {
    classes: [MultivariateNormal; 2],
    covariances: [Tensor; 2],
    train: Labelled,
    test: Labelled,
}

impl Case {
    fn new(covariances: [[[f64; 2]; 2]; 2], per_class: usize, test_per_class: usize, seed: u64) -> Case {
        let covariances = covariances.map(Tensor::from);
        let classes: [MultivariateNormal; 2] = std::array::from_fn(|class| {
            MultivariateNormal::from_covariance(&Tensor::from(MEANS[class]), &covariances[class])
        });
        let draw = |count: usize, key: &Key| {
            let keys: [Key; 2] = key.split();
            let parts = [0, 1].map(|class| classes[class].sample(&[count], &keys[class]));
            let y = Tensor::arange(2 * count, DType::I64).greater_equal(count as i64).cast(DType::F64);
            Labelled { x: Tensor::concatenate(&parts, 0), y }
        };
        let [train, test] = Key::new(seed).split();
        let (train, test) = (draw(per_class, &train), draw(test_per_class, &test));
        Case { classes, covariances, train, test }
    }

    /// The part of points that even the true densities cannot tell apart.
    fn bayes_error(&self) -> f64 {
        let [zero, one] = &self.classes;
        let says_one = one.log_prob(&self.test.x).greater(zero.log_prob(&self.test.x)).cast(DType::F64);
        says_one.not_equal(&self.test.y).cast(DType::F64).mean(..).item()
    }

    fn study(
        &self,
        name: &str,
        config: &Config,
        session: &mut Session,
        expected: &str,
    ) -> anyhow::Result<(Axes, Fitted)> {
        let spectrum = self.covariances[1].eigvalsh().to_vec::<f64>();
        session.say(&format!(
            "The covariance of class 1 has eigenvalues {:.4} and {:.4}: {}.",
            spectrum[0],
            spectrum[1],
            if spectrum[0] > 0.0 { "positive definite, as it must be" } else { "not a covariance" }
        ))?;
        let discriminant = discriminant(&self.train);
        let logistic = logistic(&self.train, config.iterations);
        let quasi = by_lbfgs(&self.train, config.iterations);
        let exact = exact(&self.covariances);
        let row = |name: &str, line: &Line| {
            let [a, b, c] = line.values();
            let errors = (line.errors(&self.train), line.errors(&self.test));
            let mut row = vec![name.to_owned()];
            row.extend([a, b, c].map(|value| format!("{value:.3}")));
            row.extend([format!("{:.4}", errors.0), format!("{:.4}", errors.1)]);
            row
        };
        let mut rows = vec![row("discriminant", &discriminant), row("logistic, Newton", &logistic.line)];
        rows.push(row("logistic, L-BFGS", &quasi));
        rows.extend(exact.as_ref().map(|line| row("true densities", line)));
        let header = ["method", "w₁", "w₂", "b", "training error", "test error"];
        session.table("Boundaries", &header, rows)?;
        let last = logistic.lengths.last().copied().unwrap_or_default();
        if logistic.converged {
            session.say(&format!(
                "Newton's method needs {} steps to a gradient of zero; the normals of the two boundaries differ by \
                 {:.2} degrees.",
                logistic.losses.len() - 1,
                discriminant.cosine(&logistic.line).clamp(-1.0, 1.0).acos().to_degrees()
            ))?;
        } else {
            session.say(&format!(
                "A line separates these points, so that no maximum of the likelihood exists: each Newton step makes w \
                 longer ({last:.0} after {} steps) and the loss smaller ({:.1e}), without end. The direction is what \
                 counts; it differs from that of the discriminant by {:.3} degrees.",
                logistic.losses.len() - 1,
                logistic.losses.last().copied().unwrap_or_default(),
                discriminant.cosine(&logistic.line).clamp(-1.0, 1.0).acos().to_degrees()
            ))?;
        }
        session.result(
            "error of the discriminant on fresh points",
            discriminant.errors(&self.test),
            expected,
        )?;
        session.result(
            "error of logistic regression on fresh points",
            logistic.line.errors(&self.test),
            expected,
        )?;
        session.result(
            "error of the true densities (Bayes)",
            self.bayes_error(),
            "the least that is possible",
        )?;
        Ok((figures::panel(name, self, &discriminant, &logistic.line), logistic))
    }
}
