//! Figures of stretched planes.

use bolete::plot::{Arrow, Axes, Colour, Figure, Line, Scatter};
use bolete::prelude::*;

use crate::session::Session;

/// Points after a map, coloured by where they were from left to right before it.
pub(super) fn panel(title: impl Into<String>, before: &Tensor, after: &Tensor, side: f64) -> Axes {
    let colours: Vec<f64> = before.narrow(1, 0, 1).cast(DType::F64).to_vec();
    let column = |axis: usize| after.narrow(1, axis, 1).cast(DType::F64).to_vec::<f64>();
    let scatter = Scatter::new(&column(0), &column(1)).values(&colours).range(-3.0, 3.0).size(2.6);
    Axes::new(title).with(scatter).no_colour_bar().area(side, side)
}

/// The images of the two unit vectors under a matrix, as arrows.
pub(super) fn with_basis(axes: Axes, matrix: &Tensor) -> Axes {
    let values = matrix.cast(DType::F64).to_vec::<f64>();
    axes.with(Arrow::new((0.0, 0.0), (values[0], values[2])).colour(Colour::RED).width(2.5))
        .with(Arrow::new((0.0, 0.0), (values[1], values[3])).colour(Colour::BLACK).width(2.5))
}

pub(super) fn matrices(session: &mut Session, panels: Vec<Axes>) -> anyhow::Result<()> {
    let caption = "The cloud N(0, I), coloured from left to right, and what random matrices make of it. Arrows are the \
                   two unit vectors; the title has the singular values.";
    session.figure("matrices", caption, &Figure::grid(3, panels))
}

pub(super) fn squashing(session: &mut Session, mut panels: Vec<Axes>) -> anyhow::Result<()> {
    let curve = Line::function(-10.0, 10.0, |x| 1.0 / (1.0 + (-x).exp())).width(2.0);
    panels.insert(0, Axes::new("the sigmoid").with(curve).area(190.0, 190.0));
    let caption =
        "sigmoid(10 s x): the more the plane is stretched first, the more of it ends in corners and edges.";
    session.figure("sigmoid", caption, &Figure::grid(3, panels))
}

pub(super) fn networks(
    session: &mut Session,
    name: &str,
    caption: &str,
    panels: Vec<Axes>,
) -> anyhow::Result<()> {
    session.figure(name, caption, &Figure::grid(5, panels))
}
