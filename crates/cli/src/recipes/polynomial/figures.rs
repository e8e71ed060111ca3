//! What polynomial regression looks like.

use bolete::plot::{Axes, Colour, Figure, Line, Marker, Reference, Scatter};
use bolete::tensor::Tensor;

use super::capacity::Errors;
use super::regression::{REACH, draw, fit, grid, mean_square, predict, truth};
use super::{Config, consistency};

/// A panel as in the course, with the truth in it.
fn panel(title: String) -> Axes {
    let x = grid(200);
    Axes::new(title).labels("x", "y").x_range(-REACH, REACH).y_range(-20.0, 80.0).with(
        Line::new(&x.to_vec::<f64>(), &truth(&x).to_vec::<f64>())
            .label("truth")
            .colour(Colour::GRAY)
            .dashed(),
    )
}

/// The panel with the fit of this degree to these points.
fn fitted(title: String, (x, y): &(Tensor, Tensor), degree: usize) -> Axes {
    let curve = grid(400);
    let weights = fit(x, y, degree);
    let line = Line::new(&curve.to_vec::<f64>(), &predict(&weights, &curve).to_vec::<f64>());
    let size = if x.elements() > 100 { 3.0 } else { 6.0 };
    let points = Scatter::new(&x.to_vec::<f64>(), &y.to_vec::<f64>()).size(size).label("points");
    panel(title)
        .with(points.colour(Colour::BLUE).opacity(0.7))
        .with(line.label("fit").colour(Colour::RED).width(2.0))
}

/// Fits of the configured degrees.
pub(super) fn fits(config: &Config, train: &(Tensor, Tensor)) -> Figure {
    let panels = config.degrees.iter().map(|degree| {
        let weights = fit(&train.0, &train.1, *degree);
        let error = mean_square(predict(&weights, &train.0) - &train.1);
        fitted(format!("degree {degree}, training error {error:.2}"), train, *degree)
    });
    Figure::grid(3, panels)
}

/// Errors by degree.
pub(super) fn errors(config: &Config, errors: &Errors) -> Figure {
    let degrees: Vec<usize> = (1..=errors.train.len()).collect();
    let line = |values: &[f64], label: &str| Line::new(&degrees, values).label(label);
    let noise = config.noise * config.noise;
    Figure::new(
        Axes::new("Mean squared error by degree")
            .labels("degree", "mean squared error")
            .log_y()
            .with(line(&errors.train, "training").marker(Marker::Circle).colour(Colour::BLUE))
            .with(line(&errors.test, "test").marker(Marker::Circle).colour(Colour::RED))
            .with(line(&errors.single, "training, single precision").colour(Colour::BLUE).dashed())
            .with(Reference::horizontal(noise).label("noise").colour(Colour::GRAY)),
    )
}

/// Fits to one training set of each size, and the typical distances to the truth.
pub(super) fn consistency(config: &Config, medians: &[f64]) -> Figure {
    let degree = config.consistency_degree;
    let mut panels: Vec<Axes> = config
        .sizes
        .iter()
        .map(|size| {
            let train = draw(consistency::seed(config), &[*size], config.noise);
            fitted(format!("{size} points, degree {degree}"), &train, degree)
        })
        .collect();
    let rate: Vec<f64> = config
        .sizes
        .iter()
        .map(|size| {
            let last = (config.sizes.last().copied().unwrap_or(1), medians.last().copied().unwrap_or(1.0));
            last.1 * (last.0 as f64 / *size as f64).sqrt()
        })
        .collect();
    panels.push(
        Axes::new("Distance to the truth")
            .labels("points", "root mean square")
            .log_x()
            .log_y()
            .with(
                Line::new(&config.sizes, medians).marker(Marker::Circle).label("median").colour(Colour::RED),
            )
            .with(Line::new(&config.sizes, &rate).dashed().label("1/√points").colour(Colour::GRAY)),
    );
    Figure::grid(3, panels)
}
