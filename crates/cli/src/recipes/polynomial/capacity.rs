//! Training and test error by degree.

use bolete::prelude::*;

use super::course::PRINTED;
use super::regression::{fit, mean_square, powers, predict};
use super::{Config, figures};
use crate::session::Session;

/// Errors by degree, from 1 on.
pub(super) struct Errors {
    pub train: Vec<f64>,
    pub test: Vec<f64>,
    /// On the training points, with powers of x itself in single precision.
    pub single: Vec<f64>,
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

pub(super) fn run(
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

#[cfg(test)]
mod tests {
    use super::super::course::training_points;
    use super::super::regression::draw;
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
