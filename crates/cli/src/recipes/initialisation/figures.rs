//! Signals by depth, in pictures.

use bolete::plot::{Axes, Bars, Colour, Figure, Histogram, Legend, Line, Note, Reference};
use bolete::prelude::*;

use super::combinations::Looked;
use super::depth::Deep;
use super::probe::{Health, Signals, Spread};
use super::propagation::Propagation;
use super::weights::{Nonlinearity, Weights};
use crate::trial::{Score, curves};

/// A name, and what it stands for as a part of the whole.
type Kind<Whole, Part> = (&'static str, fn(&Whole) -> &Vec<Part>);

/// Histograms of a row of layers.
const SHOWN: usize = 8;

/// Layers that are shown: all, or eight spread evenly from the first to the last.
fn shown(depth: usize) -> Vec<usize> {
    if depth <= SHOWN {
        return (0..depth).collect();
    }
    (0..SHOWN).map(|index| (index * (depth - 1) + (SHOWN - 1) / 2) / (SHOWN - 1)).collect()
}

/// Histograms of the activations and of the gradients of a network, up to eight layers each.
pub fn histograms(nonlinearity: Nonlinearity, weights: Weights, signals: &Signals) -> Figure {
    let layers = shown(signals.activations.len());
    let rows = [("activations", &signals.activations), ("gradients", &signals.gradients)];
    let panels = rows.iter().enumerate().flat_map(|(row, (name, tensors))| {
        layers.iter().enumerate().map(move |(column, layer)| {
            let values: Vec<f32> = tensors[*layer].to_vec();
            let label = if column == 0 { format!("{name}, density") } else { String::new() };
            let axes = Axes::new(format!("layer {}", layer + 1)).labels("", label).area(120.0, 100.0);
            let health = Signals::spreads(std::slice::from_ref(&tensors[*layer]))[0].health();
            let colour = Colour::series(row);
            match health {
                Health::Alive => {
                    let histogram = Histogram::new(&values).bins(50).density().colour(colour);
                    let mut heights = histogram.counts().1;
                    heights.sort_by(f64::total_cmp);
                    let (first, second) = (heights[49], heights[48]);
                    // Where ReLU is off all is 0; that bar alone would hide the others.
                    let top = if first > 4.0 * second && second > 0.0 { 1.6 * second } else { 1.05 * first };
                    axes.y_range(0.0, top).with(histogram)
                }
                sick => axes
                    .x_range(-1.0, 1.0)
                    .y_range(0.0, 1.0)
                    .grid(false)
                    .x_ticks([(0.0, "")])
                    .y_ticks([(0.5, "")])
                    .with(Note::new(0.0, 0.5, sick.name()).size(15.0).colour(Colour::RED)),
            }
        })
    });
    let panels: Vec<Axes> = panels.collect();
    Figure::grid(layers.len(), panels).title(format!(
        "{} with {}: activations (above) and gradients (below)",
        nonlinearity.name(),
        weights.name()
    ))
}

/// Bars of mean magnitude and deviation for each layer, for the weights with one activation.
pub fn bars(nonlinearity: Nonlinearity, all: &[Looked], gradients: bool) -> Figure {
    let of_kind = all.iter().filter(|looked| looked.nonlinearity == nonlinearity);
    let panels = of_kind.map(|looked| {
        let spreads = if gradients { &looked.gradients } else { &looked.activations };
        let names: Vec<String> = (1..=spreads.len()).map(|layer| layer.to_string()).collect();
        let of = |value: fn(&Spread) -> f64| -> Vec<f64> { spreads.iter().map(value).collect() };
        let largest = spreads.iter().map(|spread| spread.deviation.max(spread.magnitude)).fold(0.0, f64::max);
        let last = looked.weights == Weights::ALL[Weights::ALL.len() - 1];
        let axes = Axes::new(looked.weights.name()).labels("layer", "").area(220.0, 130.0).legend(if last {
            Legend::Outside
        } else {
            Legend::None
        });
        if largest == 0.0 || !largest.is_finite() {
            let name = if largest == 0.0 { "all zero" } else { "exploded" };
            let axes = axes.x_range(0.0, 1.0).y_range(0.0, 1.0).grid(false);
            return axes.x_ticks([(0.5, "")]).y_ticks([(0.5, "")]).with(Note::new(0.5, 0.5, name).size(15.0));
        }
        // The same range for all, so that what stays level looks level.
        axes.log_y().y_range(1e-12, 1e12).with(
            Bars::new(&names, &of(|spread| spread.magnitude))
                .label("mean magnitude")
                .group("standard deviation", &of(|spread| spread.deviation)),
        )
    });
    let what = if gradients { "Gradients" } else { "Activations" };
    Figure::grid(3, panels.collect::<Vec<_>>())
        .title(format!("{what} of each layer, {}", nonlinearity.name()))
}

/// Standard deviation by layer for all combinations: activations above, gradients below.
pub fn by_depth(all: &[Looked]) -> Figure {
    let mut panels = Vec::new();
    let kinds: [Kind<Looked, Spread>; 2] = [
        ("std of activations", |looked| &looked.activations),
        ("std of gradients", |looked| &looked.gradients),
    ];
    for (what, of) in kinds {
        for nonlinearity in Nonlinearity::ALL {
            let last = nonlinearity == Nonlinearity::ALL[Nonlinearity::ALL.len() - 1];
            let mut axes = Axes::new(nonlinearity.name())
                .labels("layer", what)
                .log_y()
                .y_range(1e-15, 1e15)
                .legend(if last { Legend::Outside } else { Legend::None });
            for (series, looked) in
                all.iter().filter(|looked| looked.nonlinearity == nonlinearity).enumerate()
            {
                let deviations: Vec<f64> = of(looked).iter().map(|spread| spread.deviation).collect();
                let layers: Vec<usize> = (1..=deviations.len()).collect();
                let line = Line::new(&layers, &deviations).colour(Colour::series(series));
                axes.push(line.label(looked.weights.name()));
            }
            for limit in [1e-6, 1e6] {
                axes.push(Reference::horizontal(limit).colour(Colour::GRAY));
            }
            panels.push(axes);
        }
    }
    Figure::grid(3, panels).title("Spread by depth; dead below the lower line, exploded above the upper one")
}

/// Densities of activations and gradients of all layers over each other, for the usual and the normalised weights
/// (Glorot, Bengio 2010, figures 6 and 7).
pub fn glorot(standard: &Signals, normalised: &Signals) -> Figure {
    let mut panels = Vec::new();
    let kinds = [("U(±1/√n)", standard), ("normalised", normalised)];
    let signals: [Kind<Signals, Tensor>; 2] =
        [("activation", |seen| &seen.activations), ("gradient", |seen| &seen.gradients)];
    for (what, of) in signals {
        let widest = kinds.iter().flat_map(|(_, seen)| Signals::spreads(of(seen)));
        let widest = 2.5 * widest.map(|spread| spread.deviation).fold(0.0, f64::max);
        let reach = if what == "activation" { 1.0 } else { widest };
        for (name, seen) in kinds {
            let mut axes = Axes::new(format!("{name} weights")).labels(what, "density");
            for (layer, tensor) in of(seen).iter().enumerate() {
                let values: Vec<f32> = tensor.to_vec();
                let (edges, heights) =
                    Histogram::new(&values).bins(81).range(-reach, reach).density().counts();
                let middles: Vec<f64> = edges.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
                axes.push(Line::new(&middles, &heights).label(format!("layer {}", layer + 1)));
            }
            panels.push(axes);
        }
    }
    Figure::grid(2, panels).title("tanh: activations and gradients by layer")
}

/// Measured against theory.
pub fn propagation(all: &[Propagation]) -> Figure {
    let panel = |title: &str, label: &str, of: fn(&Propagation) -> &Vec<f64>| {
        let mut axes = Axes::new(title).labels(label, "mean square, first = 1").log_y();
        for (series, case) in all.iter().enumerate() {
            let measured = of(case);
            let relative: Vec<f64> = measured.iter().map(|square| square / measured[0]).collect();
            let theory: Vec<f64> = (0..measured.len()).map(|layer| case.theory.powi(layer as i32)).collect();
            let layers: Vec<usize> = (1..=measured.len()).collect();
            let colour = Colour::series(series);
            axes.push(Line::new(&layers, &theory).colour(colour).dashed().width(1.2));
            axes.push(Line::new(&layers, &relative).colour(colour).label(case.name.clone()));
        }
        axes
    };
    Figure::grid(
        2,
        [
            panel("Forward", "layer from the first", |case| &case.forward).legend(Legend::None),
            panel("Backward", "layer from the last", |case| &case.backward).legend(Legend::Outside),
        ],
    )
    .title("Mean square by layer: measured (solid) and by theory (dashed)")
}

/// Test loss and error of deep networks by update.
pub fn deep(all: &[Deep]) -> Figure {
    let panel = |what: &str, of: fn(&Score) -> f64| {
        let mut axes = Axes::new(what).labels("update", what);
        for (series, one) in all.iter().enumerate() {
            let name = format!("{} layers, {}", one.layers, one.weights.name());
            curves::add_tests(&mut axes, series, &name, &one.courses, of);
        }
        axes
    };
    let error = panel("test error", |score| 1.0 - score.accuracy).y_range(0.0, 1.0);
    Figure::grid(
        2,
        [panel("test loss", |score| score.loss).legend(Legend::None), error.legend(Legend::Outside)],
    )
    .title("Deep ReLU networks from two kinds of weights")
}
