//! Lines, their conditions and the methods that search along them, in pictures.

use bolete::nn::LinePoint;
use bolete::plot::{Axes, Band, Colour, Figure, Legend, Line, Marker, Scatter};

use super::Config;
use super::descent::Descent;
use super::line::{Slice, intervals};
use crate::recipes::optimisers::figures::{landscape, track};
use crate::recipes::optimisers::surface::Surface;

/// The function along a line, with the bound of sufficient decrease, the steps at which each condition holds, and what was tried.
pub fn slice(config: &Config, surface: Surface, slice: &Slice) -> Axes {
    let steps: Vec<f64> = slice.points.iter().map(|point| point.step).collect();
    let values: Vec<f64> = slice.points.iter().map(|point| point.value).collect();
    let first = slice.points[0];
    let length = steps[steps.len() - 1];
    let highest = first.value * 1.25;
    let bound: Vec<f64> =
        steps.iter().map(|step| first.value + config.decrease * step * first.slope).collect();
    let mut axes = Axes::new(format!("From the start of {}, against the gradient", surface.name()))
        .labels("step t", "φ(t)")
        .x_range(-0.01 * length, length)
        .y_range(-0.16 * highest, highest)
        .legend(Legend::Outside)
        .area(430.0, 250.0);
    let enough = |point: &LinePoint| point.value <= first.value + config.decrease * point.step * first.slope;
    let flat = |point: &LinePoint| point.slope.abs() <= config.curvature * first.slope.abs();
    // Strips below the curve, one for each condition.
    let mut strip = |row: f64, name: &str, colour: Colour, found: Vec<[f64; 2]>| {
        let (low, high) = (-0.05 * (row + 1.0) * highest, (-0.05 * row - 0.01) * highest);
        for (number, [from, to]) in found.into_iter().enumerate() {
            let label = if number == 0 { name } else { "" };
            let band = Band::new(&[from, to], &[low, low], &[high, high]).colour(colour).opacity(0.75);
            axes.push(band.label(label));
        }
    };
    strip(0.0, "decrease suffices", Colour::SKY, intervals(&slice.points, enough));
    strip(1.0, "flat enough", Colour::ORANGE, intervals(&slice.points, flat));
    strip(2.0, "both", Colour::GREEN, intervals(&slice.points, |point| enough(point) && flat(point)));
    let tried = |points: &[LinePoint], marker: Marker, colour: Colour, name: &str| {
        let inside = points.iter().filter(|point| point.step <= length && point.value <= highest);
        let (x, y): (Vec<f64>, Vec<f64>) = inside.map(|point| (point.step, point.value)).unzip();
        Scatter::new(&x, &y).marker(marker).colour(colour).size(8.0).opacity(1.0).label(name)
    };
    axes.with(Line::new(&steps, &values).colour(Colour::BLACK).label("φ"))
        .with(Line::new(&steps, &bound).colour(Colour::BLUE).dashed().label("φ(0) + c₁ t φ′(0)"))
        .with(tried(&slice.backtracking, Marker::Square, Colour::RED, "tried by backtracking"))
        .with(tried(&slice.wolfe, Marker::Triangle, Colour::PURPLE, "tried by Wolfe's search"))
}

/// The paths of the methods.
pub fn paths(surface: Surface, all: &[(&str, Descent)]) -> Figure {
    let panels = all.iter().enumerate().map(|(series, (name, descent))| {
        landscape(name, surface)
            .area(230.0, 165.0)
            .with(track(&descent.path, series).width(1.3).marker(Marker::Circle))
    });
    Figure::grid(3, panels).title(format!("Paths on {}", surface.name()))
}

/// Distance to the minimum by iteration and by evaluation.
pub fn convergence(surface: Surface, all: &[(&str, Descent)]) -> Figure {
    let panel = |title: &str, x: &dyn Fn(&Descent) -> Vec<f64>| {
        let mut axes = Axes::new(title)
            .labels(title, "distance to the minimum")
            .log_x()
            .log_y()
            .y_range(1e-15, 10.0)
            .area(300.0, 230.0);
        for (series, (name, descent)) in all.iter().enumerate() {
            let line = Line::new(&x(descent), &descent.errors(surface)).colour(Colour::series(series));
            axes.push(line.label(*name));
        }
        axes
    };
    let iterations =
        panel("iterations", &|descent| (1..=descent.path.len()).map(|count| count as f64).collect());
    let evaluations =
        panel("evaluations", &|descent| descent.evaluations.iter().map(|count| *count as f64).collect());
    let mut order = Axes::new("order")
        .labels("error", "error after the next iteration")
        .log_x()
        .log_y()
        .x_range(1e-13, 1.0)
        .y_range(1e-16, 1.0)
        .area(300.0, 230.0);
    for power in [1, 2] {
        let line = Line::new(&[1e-13, 1.0], &[1e-13f64.powi(power), 1.0]).colour(Colour::GRAY).dashed();
        order.push(line.width(1.0));
    }
    for (series, (name, descent)) in all.iter().enumerate() {
        let errors = descent.errors(surface);
        let near = errors.iter().position(|error| *error < 0.5).unwrap_or(errors.len());
        let errors = &errors[near..];
        let (from, to) = (&errors[..errors.len().max(1) - 1], errors.get(1..).unwrap_or_default());
        order.push(Line::new(from, to).colour(Colour::series(series)).width(1.3).label(*name));
    }
    let panels =
        [iterations.legend(Legend::None), evaluations.legend(Legend::None), order.legend(Legend::Outside)];
    Figure::grid(3, panels).title(format!("Convergence on {}", surface.name()))
}
