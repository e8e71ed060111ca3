//! `discriminant`: linear discriminant analysis and logistic regression, two ways to the same kind of boundary.
//!
//! Fisher, *The use of multiple measurements in taxonomic problems* (1936); Bishop, *Pattern Recognition and Machine
//! Learning* (2006), sections 4.2 (discriminant) and 4.3.3 (logistic regression by Newton's method).

mod figures;

use bolete::plot::Axes;
use bolete::prelude::*;
use bolete::prob::MultivariateNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// Points `[n, 2]` and their classes `[n]`, 0 or 1, all `f64`.
struct Labelled {
    x: Tensor,
    y: Tensor,
}

/// A boundary w·x + b = 0.
#[derive(Clone, Debug)]
struct Line {
    /// `[3]`: w and b.
    parameters: Tensor,
}

impl Line {
    fn new(w: &Tensor, b: &Tensor) -> Line {
        Line { parameters: Tensor::concatenate(&[w.clone(), b.reshape([1])], 0) }
    }

    fn values(&self) -> [f64; 3] {
        let values = self.parameters.to_vec::<f64>();
        [values[0], values[1], values[2]]
    }

    /// w·x + b for points `[n, 2]`: `[n]`.
    fn score(&self, x: &Tensor) -> Tensor {
        score(&self.parameters, x)
    }

    fn errors(&self, points: &Labelled) -> f64 {
        self.score(&points.x)
            .greater(0.0)
            .cast(DType::F64)
            .not_equal(&points.y)
            .cast(DType::F64)
            .mean(..)
            .item()
    }

    /// The cosine of the angle between two normals.
    fn cosine(&self, other: &Line) -> f64 {
        let ([a, b, _], [c, d, _]) = (self.values(), other.values());
        (a * c + b * d) / (a.hypot(b) * c.hypot(d))
    }
}

fn score(parameters: &Tensor, x: &Tensor) -> Tensor {
    x.matmul(&parameters.narrow(0, 0, 2)) + parameters.narrow(0, 2, 1)
}

/// A logistic regression and how it was found.
struct Fitted {
    line: Line,
    /// Mean cross-entropy in nats, before each iteration and at the end.
    losses: Vec<f64>,
    /// Length of w at the same moments.
    lengths: Vec<f64>,
    converged: bool,
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

/// Linear discriminant analysis: class means, the pooled covariance, equal or estimated priors.
fn discriminant(points: &Labelled) -> Line {
    let Labelled { x, y } = points;
    let count = x.shape()[0] as f64;
    let weights = [1.0 - y, y.clone()];
    let sizes = weights.each_ref().map(|weight| weight.sum(..));
    let means: [Tensor; 2] = std::array::from_fn(|class| weights[class].matmul(x) / &sizes[class]);
    let centred = x - weights[0].outer(&means[0]) - weights[1].outer(&means[1]);
    let pooled = centred.t().matmul(&centred) / (count - 2.0);
    let [from_zero, from_one] = means.each_ref().map(|mean| pooled.solve(mean));
    let b = ((&means[0] * &from_zero).sum(..) - (&means[1] * &from_one).sum(..)) / 2.0
        + (&sizes[1] / &sizes[0]).log();
    Line::new(&(from_one - from_zero), &b)
}

/// The line of the true densities, where both classes have the same covariance.
fn exact(covariances: &[Tensor; 2]) -> Option<Line> {
    let [first, second] = covariances.each_ref().map(Tensor::to_vec::<f64>);
    let [zero, one] = MEANS.map(Tensor::from);
    let w = covariances[0].solve(&(&one - &zero));
    let b = -(&w * (one + zero)).sum(..) / 2.0;
    (first == second).then(|| Line::new(&w, &b))
}

/// The mean cross-entropy of labels, in nats.
fn cross_entropy_of(parameters: &Tensor, points: &Labelled) -> Tensor {
    binary_cross_entropy_with_logits(&score(parameters, &points.x), &points.y)
}

/// Maximum likelihood by Newton's method from zero, with steps halved until the loss falls.
fn logistic(points: &Labelled, iterations: usize) -> Fitted {
    let mut parameters = Tensor::zeros([3], DType::F64);
    let mut loss = cross_entropy_of(&parameters, points).item();
    let (mut losses, mut lengths, mut converged) = (vec![loss], vec![0.0], false);
    for _ in 0..iterations {
        let objective = |parameters: &Tensor| cross_entropy_of(parameters, points);
        let gradient = grad(objective)(&parameters);
        // Where all is certain the curvature is as good as none, and no step can be computed from it.
        if loss < 1e-10 {
            break;
        }
        if gradient.abs().max(..).item() < 1e-12 {
            converged = true;
            break;
        }
        let direction = hessian(objective)(&parameters).solve(&gradient);
        let (mut rate, before) = (1.0, loss);
        loop {
            let next = &parameters - &direction * rate;
            loss = cross_entropy_of(&next, points).item();
            if loss <= before || rate < 1e-6 {
                parameters = next;
                break;
            }
            rate /= 2.0;
        }
        losses.push(loss);
        lengths.push(parameters.narrow(0, 0, 2).square().sum(..).sqrt().item());
    }
    Fitted { line: Line { parameters }, losses, lengths, converged }
}

/// The same by L-BFGS.
fn by_lbfgs(points: &Labelled, iterations: usize) -> Line {
    let minimiser = Lbfgs { iterations: 20 * iterations, ..Lbfgs::default() };
    let found = minimiser.minimise(&Tensor::zeros([3], DType::F64), |parameters: &Tensor| {
        cross_entropy_of(parameters, points)
    });
    Line { parameters: found.model }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_minimisers_find_the_maximum_of_the_likelihood() {
        let case = Case::new([ROUND, ROUND], 300, 10, 1);
        let newton = logistic(&case.train, 25);
        assert!(newton.converged && newton.losses.windows(2).all(|pair| pair[1] <= pair[0]));
        let quasi = by_lbfgs(&case.train, 25).values();
        assert!(newton.line.values().iter().zip(quasi).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn the_discriminant_comes_to_the_line_of_the_true_densities() {
        let case = Case::new([THIN, THIN], 100_000, 10, 2);
        let [found, exact] = [discriminant(&case.train), exact(&case.covariances).unwrap()];
        let expected = exact.values();
        assert!((expected[0] - 500.0).abs() < 1e-6 && (expected[1] + 20.0).abs() < 1e-6);
        assert!(found.values().iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.03 * b.abs()));
    }

    #[test]
    fn points_that_a_line_separates_have_no_maximum() {
        let fitted = logistic(&Case::new([THIN, THIN], 300, 10, 3).train, 25);
        assert!(!fitted.converged && fitted.lengths.windows(2).all(|pair| pair[1] > pair[0]));
    }
}
