//! Curves of derivatives, errors of finite differences, and graphs.

use bolete::plot::{Axes, Colour, Figure, Graph, Line};
use bolete::tensor::graph::print::Drawn;

use super::finite_differences::Differences;

/// tanh and its derivatives.
pub(super) fn tower(points: &[f64], curves: &[Vec<f64>; 4]) -> Figure {
    let names = ["tanh", "tanh′", "tanh″", "tanh‴"];
    let lines = curves.iter().zip(names).map(|(curve, name)| Line::new(points, curve).label(name).width(2.0));
    Figure::new(Axes::new("tanh and its derivatives").labels("x", "value").with_all(lines))
}

/// Errors of finite differences against the step.
pub(super) fn differences(all: &[Differences]) -> Figure {
    let lines = all.iter().enumerate().map(|(index, curve)| {
        // Of one precision in one colour.
        let line = Line::new(&curve.steps, &curve.errors).label(curve.name);
        let line = line.colour(if index < 2 { Colour::BLUE } else { Colour::RED });
        if curve.name.starts_with("central") { line } else { line.dashed() }
    });
    let axes =
        Axes::new("The round-off of finite differences").labels("step", "error of the derivative of tanh");
    Figure::new(axes.log_x().log_y().with_all(lines))
}

/// The graph as a drawing: numbers, the input and ops in different colours.
pub(super) fn graph(title: &str, nodes: &[Drawn]) -> Figure {
    let mut graph = Graph::new();
    let numbers: Vec<usize> = nodes
        .iter()
        .map(|node| {
            let kind = match node.inputs.is_empty() {
                false => "op",
                true if node.label == "data" => "input",
                true => "constant",
            };
            graph.node(if kind == "input" { "x" } else { &node.label }, kind)
        })
        .collect();
    for (node, number) in nodes.iter().zip(&numbers) {
        for input in &node.inputs {
            graph.edge(numbers[*input], *number);
        }
    }
    graph.figure(title)
}
