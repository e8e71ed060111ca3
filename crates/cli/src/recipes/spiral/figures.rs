//! Figures of spirals.

use bolete::plot::{
    Animation, Axes, Colour, ColourMap, Contour, Figure, FilledContour, Legend, Line, Marker, Scatter,
};
use bolete::prelude::*;

use super::mesh::{Mesh, REACH};
use super::models::accuracy;
use super::training::Frame;
use crate::session::Session;

/// Filled regions by the probability of class 1, the boundary, and the points.
fn regions(title: String, mesh: &Mesh, probability: &[f64], points: &(Tensor, Tensor), side: f64) -> Axes {
    // Levels beyond 0 and 1 keep the darkest colours out, so that the points are seen.
    let levels: Vec<f64> = (-4..=14).map(|level| f64::from(level) / 10.0).collect();
    let place = points.0.cast(DType::F64).to_vec::<f64>();
    let classes: Vec<usize> = points.1.to_vec::<i64>().into_iter().map(|class| class as usize).collect();
    let mut axes = Axes::new(title)
        .labels("x₁", "x₂")
        .x_range(-REACH, REACH)
        .y_range(-REACH, REACH)
        .equal_aspect()
        .with(
            FilledContour::new(&mesh.side, &mesh.side, probability)
                .levels_at(&levels)
                .map(ColourMap::Diverging)
                .no_bar(),
        )
        .with(Contour::new(&mesh.side, &mesh.side, probability).levels_at(&[0.5]).colour(Colour::BLACK))
        .area(side, side)
        .legend(Legend::None);
    for (class, colour) in [Colour::BLUE, Colour::RED].into_iter().enumerate() {
        let chosen = place.chunks(2).zip(&classes).filter(|(_, found)| **found == class);
        let (x, y): (Vec<f64>, Vec<f64>) = chosen.map(|(point, _)| (point[0], point[1])).unzip();
        axes.push(
            Scatter::new(&x, &y).colour(colour).marker(Marker::class(class)).size(5.0).edge(Colour::WHITE),
        );
    }
    axes
}

/// The regions of both models side by side.
pub(super) fn boundaries(
    session: &mut Session,
    mesh: &Mesh,
    models: [(&str, &Sequential); 2],
    points: &(Tensor, Tensor),
) -> anyhow::Result<()> {
    let panels = models.map(|(title, model)| {
        let title = format!("{title}: {:.1} % right", 100.0 * accuracy(model, points));
        regions(title, mesh, &mesh.probability(model), points, 300.0)
    });
    let caption =
        "Decision regions: the shade is the probability of the red class, the black line where it is 1/2.";
    session.figure("regions", caption, &Figure::grid(2, panels))
}

/// Regions on the way, each with the number of its step.
pub(super) fn training(
    session: &mut Session,
    mesh: &Mesh,
    frames: &[Frame],
    points: &(Tensor, Tensor),
) -> anyhow::Result<()> {
    if frames.is_empty() {
        return Ok(());
    }
    let mut animation = Animation::new(160);
    for (step, probability) in frames {
        animation.push(&Figure::new(regions(format!("step {step}"), mesh, probability, points, 300.0)));
    }
    let caption = "The regions while the network learns.";
    session.animation("training", caption, &animation)
}

/// The loss of both models by step.
pub(super) fn losses(session: &mut Session, curves: [(&str, &[(f64, f64)]); 2]) -> anyhow::Result<()> {
    let mut axes = Axes::new("Training loss").labels("step", "cross-entropy in nats").log_y();
    for (name, curve) in curves {
        let (x, y): (Vec<f64>, Vec<f64>) = curve.iter().copied().unzip();
        axes.push(Line::new(&x, &y).width(1.8).label(name));
    }
    session.figure("loss", "The linear model stops learning at once.", &Figure::new(axes))
}
