//! Pictures of many fits.

use bolete::plot::{Axes, Band, Colour, Figure, Line, Marker};

use super::Config;
use super::decomposition::{Decomposition, GRID};
use crate::recipes::polynomial::{REACH, grid, truth};

/// Every how many points of the grid are drawn: a curve needs fewer than an integral.
const STRIDE: usize = GRID / 50;

fn thin(values: &[f64]) -> Vec<f64> {
    let mut thin: Vec<f64> = values.iter().copied().step_by(STRIDE).collect();
    thin.extend(values.last());
    thin
}

fn panel(title: String) -> Axes {
    Axes::new(title).labels("x", "y").x_range(-REACH, REACH).y_range(-20.0, 80.0)
}

fn truth_line() -> Line {
    let x = grid(200);
    let line = Line::new(&x.to_vec::<f64>(), &truth(&x).to_vec::<f64>());
    line.label("truth").colour(Colour::BLACK).dashed().width(1.5)
}

fn mean_line(found: &Decomposition) -> Line {
    let mean = found.curves.mean(0).to_vec::<f64>();
    Line::new(&grid(GRID).to_vec::<f64>(), &mean).label("mean of the fits").colour(Colour::RED).width(2.0)
}

/// A line for each fit.
pub(super) fn spaghetti(all: &[Decomposition]) -> Figure {
    let x = thin(&grid(GRID).to_vec::<f64>());
    let panels = all.iter().enumerate().map(|(index, found)| {
        let fits = found.curves.to_vec::<f64>();
        let lines = fits
            .chunks(GRID)
            .map(|fit| Line::new(&x, &thin(fit)).colour(Colour::BLUE).opacity(0.08).width(1.0));
        let sets = found.curves.shape()[0];
        panel(format!("degree {}, {sets} fits", index + 1))
            .with_all(lines)
            .with(mean_line(found))
            .with(truth_line())
    });
    Figure::grid(3, panels)
}

/// Mean and deviation by degree, and the parts of the error.
pub(super) fn bands(config: &Config, all: &[Decomposition]) -> Figure {
    let x = grid(GRID).to_vec::<f64>();
    let mut panels: Vec<Axes> = all
        .iter()
        .enumerate()
        .map(|(index, found)| {
            let (mean, deviation) = (found.curves.mean(0), found.curves.std(0, 0));
            let (low, high) = ((&mean - &deviation).to_vec::<f64>(), (mean + deviation).to_vec::<f64>());
            panel(format!("degree {}", index + 1))
                .with(Band::new(&x, &low, &high).label("± one deviation").colour(Colour::BLUE))
                .with(mean_line(found))
                .with(truth_line())
        })
        .collect();
    let degrees: Vec<usize> = (1..=all.len()).collect();
    let line = |of: &dyn Fn(&Decomposition) -> f64, label: &str| {
        Line::new(&degrees, &all.iter().map(of).collect::<Vec<f64>>()).label(label).marker(Marker::Circle)
    };
    let noise = config.noise * config.noise;
    panels.push(
        Axes::new("What the error consists of")
            .labels("degree", "squared error")
            .log_y()
            .with(line(&|found| found.bias, "bias²"))
            .with(line(&|found| found.variance, "variance"))
            .with(line(&|_| noise, "noise"))
            .with(line(&|found| found.bias + found.variance + noise, "sum").colour(Colour::BLACK).dashed())
            .with(line(&|found| found.test, "test error").colour(Colour::PURPLE)),
    );
    Figure::grid(3, panels)
}
