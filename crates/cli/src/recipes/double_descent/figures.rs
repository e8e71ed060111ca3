//! The curve with two descents.

use bolete::plot::{Axes, Colour, Figure, Line, Marker, Reference};

use super::network::parameters;
use super::training::Trained;

/// Both losses against the number of parameters.
pub(super) fn curves(all: &[Trained], threshold: usize) -> Figure {
    let counts: Vec<usize> = all.iter().map(|found| parameters(found.width)).collect();
    let line = |of: &dyn Fn(&Trained) -> f64, label: &str, colour: Colour| {
        let values: Vec<f64> = all.iter().map(of).collect();
        Line::new(&counts, &values).label(label).colour(colour).marker(Marker::Circle)
    };
    let panel = |title: &str, unit: &str, index: usize, factor: f64| {
        Axes::new(title)
            .labels("parameters", unit)
            .log_x()
            .with(line(&|found| found.test[index] * factor, "test", Colour::RED))
            .with(line(&|found| found.train[index] * factor, "training", Colour::BLUE))
            .with(
                Reference::vertical(threshold as f64)
                    .label("as many as numbers to learn")
                    .colour(Colour::GRAY),
            )
    };
    Figure::grid(
        2,
        [panel("Squared loss", "squared loss", 0, 1.0), panel("Zero-one loss", "mistaken, %", 1, 100.0)],
    )
}
