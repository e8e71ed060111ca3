//! Least squares on raw and on standardised features, and an outlier.

use bolete::prelude::*;

use super::inputs::{LeastSquares, Outlier, Regression, descend};
use super::{Config, figures};
use crate::session::Session;
use crate::trial::mean_and_deviation;

/// Least squares on raw and on standardised features, and an outlier.
pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.say(
        "The curvature of a squared error is the second moment of the inputs: features in metres beside features in \
         millimetres make a bowl a million times as curved one way as the other. Each feature by its mean and deviation on \
         the training set makes it round.",
    )?;
    let regression = Regression::new(500, &[1.0, 30.0, 1000.0], &Key::new(config.seed));
    let (mut rows, mut courses) = (Vec::new(), Vec::new());
    for (name, features) in [("as measured", &regression.raw), ("standardised", &regression.standardised)] {
        let course = descend(features, &regression.targets, 200);
        let LeastSquares { condition, excess } = &course;
        let reached = excess.iter().position(|error| *error < 1e-3);
        rows.push(vec![
            name.to_owned(),
            format!("{condition:.3e}"),
            reached.map_or("not in 200".to_owned(), |step| step.to_string()),
            format!("{:.2e}", excess[excess.len() - 1]),
        ]);
        session.result(&format!("{name}: largest over smallest curvature"), *condition, "")?;
        courses.push(course);
    }
    let header = ["features", "condition", "updates to 0.001", "excess error after 200"];
    session.table("Gradient descent on least squares, at the best rate", &header, rows)?;
    let caption = "The error above the least that a line with offset can reach.";
    session.figure("standardised", caption, &figures::least_squares(&courses[0], &courses[1]))?;
    let outlier = Outlier::new(1000, 100.0, &Key::new(config.seed));
    let spread = |values: &[f64]| mean_and_deviation(&values[..values.len() - 1]).1;
    session.say(
        "A single outlier takes the deviation over: 999 numbers from N(0, 1) and one that is 100, by mean and deviation, and by \
         median and quartiles, which do not see it.",
    )?;
    session.result(
        "deviation of the 999 others, by mean and deviation",
        spread(&outlier.standardised),
        "about 0.3",
    )?;
    session.result(
        "deviation of the 999 others, by median and quartiles",
        spread(&outlier.robust),
        "about 1",
    )?;
    session.figure(
        "outlier",
        "The outlier itself lies outside of both pictures.",
        &figures::outlier(&outlier),
    )
}
