//! `polynomial`: regression by polynomials of growing degree, the first experiment with capacity.
//!
//! The weights are those of least squares, w = argmin ‖X w − y‖², by the singular values of X in double precision. The
//! normal equations, w = (XᵀX)⁻¹ Xᵀy, would square the condition number of X. Powers are those of x / 10, which lie in
//! [−1, 1]: the same polynomials, and far smaller condition numbers.

mod figures;

use bolete::data::synthetic;
use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// Inputs are drawn uniformly from [−REACH, REACH].
pub(super) const REACH: f64 = 10.0;

/// The training set of the course: g(x) plus noise of deviation 10.
const COURSE: [(f64, f64); 15] = [
    (4.3113184, -8.77683),
    (8.279854, 60.513718),
    (-4.3628454, 23.806458),
    (-4.838004, 23.114985),
    (2.6221733, -8.120585),
    (2.0010605, -0.9829993),
    (8.623859, 39.422348),
    (-5.694196, 27.54778),
    (2.0655708, -2.2201467),
    (4.6557064, 5.656369),
    (-6.285658, 12.625713),
    (0.2013483, 2.9249892),
    (5.0890265, 8.824522),
    (-4.232169, 12.067185),
    (1.5493917, 12.062507),
];

/// The training errors that the course prints, by degree. Up to degree 5 they are those of exact least squares.
const PRINTED: [(usize, f64); 5] = [(1, 320.97), (2, 97.25), (3, 59.24), (4, 58.50), (5, 51.98)];

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

/// The function that is looked for, 0.1 (x − 2)³ + x² − 6x + 1, by its coefficients from that of 1 on.
const TRUTH: [f64; 4] = [0.2, -4.8, 0.4, 0.1];

/// The function that is looked for.
pub(super) fn truth(x: &Tensor) -> Tensor {
    TRUTH.iter().rev().fold(x.zeros_like(), |sum, coefficient| sum * x + *coefficient)
}

/// Inputs of this shape with noisy values.
pub(super) fn draw(seed: u64, shape: &[usize], noise: f64) -> (Tensor, Tensor) {
    let drawn = synthetic::polynomial(shape.iter().product(), &TRUTH, (-REACH, REACH), noise, seed);
    (Tensor::from_vec(drawn.x, shape), Tensor::from_vec(drawn.y, shape))
}

/// The design matrix: powers 0 to `degree` of x / 10 along a new last axis.
pub(super) fn design(x: &Tensor, degree: usize) -> Tensor {
    powers(&(x / REACH), degree)
}

fn powers(x: &Tensor, degree: usize) -> Tensor {
    let mut powers = vec![x.ones_like()];
    for power in 1..=degree {
        powers.push(&powers[power - 1] * x);
    }
    Tensor::stack(&powers, -1)
}

/// Weights `[…, degree + 1]` that fit values `[…, points]` best.
pub(super) fn fit(x: &Tensor, y: &Tensor, degree: usize) -> Tensor {
    design(x, degree).lstsq(&y.unsqueeze(-1), None).squeeze(-1)
}

/// The polynomial with these weights `[degree + 1]` at `x`.
fn predict(weights: &Tensor, x: &Tensor) -> Tensor {
    design(x, weights.elements() - 1).matmul(weights)
}

/// Points in the middle of equal parts of the range, so that a mean over them is an integral.
pub(super) fn grid(count: usize) -> Tensor {
    let half = REACH / count as f64;
    Tensor::linspace(-REACH + half, REACH - half, count, DType::F64)
}

fn mean_square(difference: Tensor) -> f64 {
    difference.square().mean(..).item()
}

fn training_points(config: &Config) -> (Tensor, Tensor) {
    if !config.course_points {
        return draw(config.seed, &[config.points], config.noise);
    }
    let (x, y): (Vec<f64>, Vec<f64>) = COURSE.into_iter().unzip();
    (Tensor::from_vec(x, [COURSE.len()]), Tensor::from_vec(y, [COURSE.len()]))
}

/// Errors by degree, from 1 on.
struct Errors {
    train: Vec<f64>,
    test: Vec<f64>,
    /// On the training points, with powers of x itself in single precision.
    single: Vec<f64>,
}

fn errors(train: &(Tensor, Tensor), test: &(Tensor, Tensor), highest: usize) -> Errors {
    let mut errors = Errors { train: Vec::new(), test: Vec::new(), single: Vec::new() };
    let (x, y) = train;
    let (narrow_x, narrow_y) = (x.cast(DType::F32), y.cast(DType::F32));
    for degree in 1..=highest {
        let weights = fit(x, y, degree);
        errors.train.push(mean_square(predict(&weights, x) - y));
        errors.test.push(mean_square(predict(&weights, &test.0) - &test.1));
        let matrix = powers(&narrow_x, degree);
        let weights = matrix.lstsq(&narrow_y, None);
        errors.single.push(mean_square(matrix.matmul(&weights) - &narrow_y));
    }
    errors
}

/// Root mean square distances of fits to the truth, one for each of `repetitions` training sets of `size` points.
fn distances(config: &Config, seed: u64, size: usize) -> Vec<f64> {
    let degree = config.consistency_degree;
    let (x, y) = draw(seed, &[config.repetitions, size], config.noise);
    let grid = grid(500);
    let curves = fit(&x, &y, degree).matmul(&design(&grid, degree).t());
    let mut distances = (curves - truth(&grid)).square().mean(-1).sqrt().to_vec::<f64>();
    distances.sort_by(f64::total_cmp);
    distances
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
        capacity(config, session, &train, &test)?;
        consistency(config, session)
    }
}

fn capacity(
    config: &Config,
    session: &mut Session,
    train: &(Tensor, Tensor),
    test: &(Tensor, Tensor),
) -> anyhow::Result<()> {
    session.heading("Capacity")?;
    session.say(&format!(
        "{} points of a cubic polynomial with noise of deviation {}, so that no model can have an expected squared error \
         below {}. A polynomial of degree d is fitted by least squares.",
        train.0.elements(),
        config.noise,
        config.noise * config.noise
    ))?;
    let errors = errors(train, test, config.highest_degree);
    let rows = (0..config.highest_degree)
        .map(|index| {
            let values = [&errors.train, &errors.test, &errors.single].map(|of| format!("{:.4}", of[index]));
            [vec![(index + 1).to_string()], values.to_vec()].concat()
        })
        .collect();
    let header = ["degree", "training error", "test error", "training error in f32, powers of x"];
    session.table("Mean squared errors", &header, rows)?;
    for (degree, printed) in PRINTED {
        if config.course_points && degree <= config.highest_degree {
            let name = format!("training error, degree {degree}");
            session.result(&name, errors.train[degree - 1], &format!("{printed:.2}"))?;
        }
    }
    let rises = errors.train.windows(2).filter(|pair| pair[1] >= pair[0]).count();
    session.result("degrees at which the training error does not fall", rises as f64, "0")?;
    let best = (0..errors.test.len()).min_by(|a, b| errors.test[*a].total_cmp(&errors.test[*b])).unwrap_or(0);
    session.result("degree of the smallest test error", (best + 1) as f64, "3")?;
    session.result("smallest test error", errors.test[best], "about 120")?;
    session.figure(
        "fits",
        "Least squares fits of polynomials: too simple, right, and too flexible for 15 points.",
        &figures::fits(config, train),
    )?;
    session.figure(
        "errors",
        "Errors by degree. The dashed line is what the same computation gives in single precision with powers of x.",
        &figures::errors(config, &errors),
    )?;
    session.say(
        "Each degree can do all that the one below it can, so the training error can only fall. The test error falls while \
         the polynomial still lacks what the truth has, and rises once it follows the noise: between the points and beyond \
         them it then swings wildly. The last column is the same computation in single precision with powers of x itself: \
         from degree 7 on its training error rises, which exact least squares cannot do. The course prints 39.95 for \
         degree 10, which is such an effect.",
    )
}

fn consistency_seed(config: &Config) -> u64 {
    config.seed.wrapping_add(2)
}

fn consistency(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("Consistency")?;
    let mut rows = Vec::new();
    let mut medians = Vec::new();
    for size in &config.sizes {
        let distances = distances(config, consistency_seed(config), *size);
        let part = |quantile: f64| distances[((distances.len() - 1) as f64 * quantile) as usize];
        medians.push(part(0.5));
        rows.push(vec![size.to_string(), format!("{:.3}", part(0.5)), format!("{:.3}", part(0.9))]);
    }
    let title = format!(
        "Root mean square distance of fits of degree {} to the truth, {} training sets per size",
        config.consistency_degree, config.repetitions
    );
    session.table(&title, &["points", "median", "90 % are below"], rows)?;
    if let ([.., before, last], [.., fewer, more]) = (&medians[..], &config.sizes[..]) {
        let expected = format!("{:.3}, the root of {fewer}/{more}", (*fewer as f64 / *more as f64).sqrt());
        session.result("distance by the last step in size", last / before, &expected)?;
    }
    session.figure(
        "consistency",
        "Fits to more and more points, and how far such fits are from the truth.",
        &figures::consistency(config, &medians),
    )?;
    session.say(
        "The model can represent the truth. So with more points the fit approaches it, at the rate of one over the root of \
         their number.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_errors_are_those_of_the_course_and_fall() {
        let config = Config::default();
        let train = training_points(&config);
        let test = draw(1, &[1000], 10.0);
        let errors = errors(&train, &test, 12);
        for (degree, printed) in PRINTED {
            assert!(
                (errors.train[degree - 1] - printed).abs() < 0.005,
                "{degree}: {}",
                errors.train[degree - 1]
            );
        }
        // By LAPACK's gelsd in double precision.
        assert!((errors.train[9] - 6.370_715_308_3).abs() < 1e-6, "{}", errors.train[9]);
        // The powers of degree 12 are almost dependent: that their errors agree in six digits is all that can be.
        assert!((errors.train[11] - 1.537_784_127_5).abs() < 1e-5, "{}", errors.train[11]);
        assert!(errors.train.windows(2).all(|pair| pair[1] < pair[0]), "{:?}", errors.train);
    }
}
