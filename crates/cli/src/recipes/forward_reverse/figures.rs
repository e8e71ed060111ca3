//! What both modes cost, against each other.

use bolete::plot::{Axes, Colour, Figure, HeatMap, Line, Marker, Reference};

use super::Config;
use super::cost::Measured;

/// Operations and time while the inputs grow and the outputs do not.
pub(super) fn crossover(config: &Config, growing: &[Measured]) -> Figure {
    let inputs: Vec<usize> = growing.iter().map(|found| found.inputs).collect();
    let line =
        |of: &dyn Fn(&Measured) -> f64| Line::new(&inputs, &growing.iter().map(of).collect::<Vec<f64>>());
    let panel = |title: &str, what: &str| {
        let equal = Reference::vertical(config.outputs as f64).label("as many inputs as outputs");
        Axes::new(title).labels("inputs", what).log_x().log_y().with(equal.colour(Colour::GRAY))
    };
    let million = 1e-6;
    let title = format!("Operations, {} outputs", config.outputs);
    let operations = panel(&title, "million operations")
        .with(
            line(&|found| found.formulas[0] as f64 * million)
                .label("forward, formula")
                .colour(Colour::BLUE)
                .dashed(),
        )
        .with(
            line(&|found| found.formulas[1] as f64 * million)
                .label("reverse, formula")
                .colour(Colour::RED)
                .dashed(),
        )
        .with(
            line(&|found| found.forward.operations as f64 * million)
                .label("forward, plan")
                .colour(Colour::BLUE)
                .marker(Marker::Circle),
        )
        .with(
            line(&|found| found.reverse.operations as f64 * million)
                .label("reverse, plan")
                .colour(Colour::RED)
                .marker(Marker::Square),
        );
    let title = format!("Time, {} outputs", config.outputs);
    let time = panel(&title, "milliseconds")
        .with(
            line(&|found| found.forward.seconds * 1e3)
                .label("forward")
                .colour(Colour::BLUE)
                .marker(Marker::Circle),
        )
        .with(
            line(&|found| found.reverse.seconds * 1e3)
                .label("reverse")
                .colour(Colour::RED)
                .marker(Marker::Square),
        );
    Figure::grid(2, [operations, time])
}

/// How many times longer the forward mode takes, for all pairs of sizes, as powers of two.
pub(super) fn ratios(config: &Config, all: &[Measured]) -> Figure {
    let side = config.sizes.len();
    let map = |of: &dyn Fn(&Measured) -> f64, title: &str| {
        let values: Vec<f64> = all.iter().map(|found| of(found).log2()).collect();
        let names = || config.sizes.iter().enumerate().map(|(index, size)| (index as f64, size.to_string()));
        let map = HeatMap::new(side, side, &values).diverging().written().label("log₂(forward / reverse)");
        Axes::new(title).labels("outputs", "inputs").x_ticks(names()).y_ticks(names()).reverse_y().with(map)
    };
    let operations = |found: &Measured| found.forward.operations as f64 / found.reverse.operations as f64;
    let time = |found: &Measured| found.forward.seconds / found.reverse.seconds;
    Figure::grid(2, [map(&operations, "Operations"), map(&time, "Time")])
}
